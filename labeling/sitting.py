"""How a reviewer's day is going: decisions today, and the pace of the present sitting."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from labeling.models import Annotation, Project

PAUSE = timedelta(minutes=10)  # a longer gap between two decisions ends a sitting
ENOUGH = 5  # decisions before a pace says anything
MOST = 2_000  # decisions looked at


@dataclass(frozen=True, slots=True)
class Sitting:
    """decisions: standing ones since midnight. in_a_row: of these, one by one and without a pause.

    per_hour: the pace of those in a row; None while they are too few to tell. What was decided in
        bulk is in neither.
    """

    decisions: int
    in_a_row: int
    per_hour: int | None


def of(project: Project, reviewer: User, *, now: datetime) -> Sitting:
    """Return how *reviewer*'s day in *project* is going."""
    today = Annotation.objects.standing().filter(
        project=project, reviewer=reviewer, annotated_at__gte=midnight_before(now)
    )
    made = today.order_by("-annotated_at").values_list("annotated_at", "batch")[:MOST]
    times = [at for at, batch in made if batch is None]  # one batch is no pace
    return replace(measure(times, now=now), decisions=len(made))


def midnight_before(now: datetime) -> datetime:
    """Return when the site's day began."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def measure(times: Sequence[datetime], *, now: datetime) -> Sitting:
    """Measure decisions made at *times*, newest first."""
    run: list[datetime] = []
    later = now
    for time in times:
        if later - time > PAUSE:
            break
        run.append(time)
        later = time
    hours = (run[0] - run[-1]) / timedelta(hours=1) if run else 0.0
    is_telling = len(run) >= ENOUGH and hours > 0
    pace = round((len(run) - 1) / hours) if is_telling else None
    return Sitting(len(times), len(run), pace)
