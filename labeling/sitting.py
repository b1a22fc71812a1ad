"""How a reviewer's day is going: decisions today, and the pace of the present sitting."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from labeling.models import Annotation, Project
from labeling.prepared import Prepared

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
    made = _made(project=project.pk, reviewer=reviewer.pk, since=midnight_before(now))
    times = [at for at, batch in made if batch is None]  # one batch is no pace
    return replace(measure(times, now=now), decisions=len(made))


@Prepared
def _made(
    *, project: int, reviewer: int, since: datetime
) -> QuerySet[Annotation, tuple[datetime, UUID | None]]:
    standing = Annotation.objects.standing().filter(project=project, reviewer=reviewer)
    made = standing.filter(annotated_at__gte=since).order_by("-annotated_at")
    return made.values_list("annotated_at", "batch")[:MOST]


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
