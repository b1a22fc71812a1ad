from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from labeling import agreement_chart, known_gold, reliability, second_opinions
from labeling.access import PersonRequest, owner_page
from labeling.agreement import Group, measure
from labeling.agreement_over_time import Period, over_time
from labeling.known_gold import Measured
from labeling.models import Label, Project, TaxonomyVersion
from labeling.resampling import ENOUGH, Figure, wilson

SEED = 0  # any: the same judgements shall show the same intervals
SHOWN = 20  # rows of a table
FEW = 5  # decisions on known gold below which a label's share says nothing


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table of agreement. below: what the name stands under, from the top."""

    name: str
    figure: Figure
    below: str = ""
    label_id: int | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The lowest of a table. more: that are higher; thin: that rest on too few documents."""

    shown: Sequence[Row]
    more: int
    thin: int


@require_safe
@owner_page
def show_agreement(request: PersonRequest, project: Project) -> HttpResponse:
    """Show how far people agree where several judged, by branch, label and pair of people."""
    opinions = second_opinions.collect(project)
    labels = Label.objects.filter(project=project).only("name", "parent").in_bulk()
    context: dict[str, object] = {"project": project, "enough": ENOUGH}
    context |= on_known_gold(project, labels)
    if opinions.judgements:
        parents = {pk: label.parent_id for pk, label in labels.items()}
        found = measure(opinions.judgements, parents, multi=project.is_multi, seed=SEED)
        reliable = reliability.of(opinions.judgements, opinions.rulings)
        people = User.objects.in_bulk([each.person for each in reliable])
        named = {pair: " and ".join(str(people[pk]) for pk in pair) for pair in found.pairs}
        periods = over_time(opinions.judgements, timezone.get_current_timezone(), seed=SEED)
        versions = published(project)
        context |= {
            "found": found,
            "chart": agreement_chart.draw(
                periods, [(at, str(version)) for at, version in versions]
            ),
            "periods": with_versions(periods, versions),
            "most": second_opinions.MOST if opinions.has_more else None,
            "branches": lowest([of_label(labels, *each) for each in found.branches.items()]),
            "labels": lowest([of_label(labels, *each) for each in found.labels.items()]),
            "reliable": [
                (people[each.person], each) for each in reliable if each.judgements >= ENOUGH
            ],
            "rulings": len(opinions.rulings),
            "pairs": lowest([Row(named[pair], each) for pair, each in found.pairs.items()]),
        }
    return render(request, "labeling/agreement.html", context)


def on_known_gold(project: Project, labels: Mapping[int, Label]) -> dict[str, object]:
    """Return how often each person was right where the answer is known, and what they missed."""
    people, on_labels = known_gold.measure(project)
    names = User.objects.in_bulk([each.id for each in people])

    def rows(measured: Sequence[Measured]) -> list[Row]:
        shares = [(each.id, wilson(each.right, each.decisions)) for each in measured]
        return [of_label(labels, label, share) for label, share in shares][:SHOWN]

    return {
        "known_people": [
            (
                names[each.id],
                wilson(each.right, each.decisions),
                rows([label for label in each.of_labels if label.right < label.decisions]),
            )
            for each in people
            if each.id
        ],
        "known_labels": rows([each for each in on_labels if each.decisions >= FEW]),
        "few": FEW,
    }


Published = tuple[datetime, TaxonomyVersion]


def published(project: Project) -> list[Published]:
    """Return the project's taxonomy versions and when, in the time zone of pages, oldest first."""
    versions = TaxonomyVersion.objects.filter(project=project).order_by("published_at", "number")
    return [(timezone.localtime(each.published_at), each) for each in versions]


def with_versions(
    periods: Sequence[Period], versions: Sequence[Published]
) -> list[tuple[Period, list[TaxonomyVersion]]]:
    """Return each period with what was published in it, the newest period first.

    What was published while nobody judged stands with the period that followed.
    """
    rows = []
    before = periods[0].start if periods else None
    for each in periods:
        meanwhile = [
            version for at, version in versions if before and before <= at.date() < each.end
        ]
        rows.append((each, meanwhile))
        before = each.end
    return rows[::-1]


def of_label(labels: Mapping[int, Label], group: Group, figure: Figure) -> Row:
    """Return the line of one label, or of documents that nothing fits."""
    if group is None:
        return Row("Nothing fits", figure)
    above, parent = [], labels[group].parent_id
    while parent is not None:
        above.append(labels[parent].name)
        parent = labels[parent].parent_id
    return Row(labels[group].name, figure, " / ".join(reversed(above)), group)


def lowest(rows: Sequence[Row]) -> Rows:
    """Keep the lowest of those that rest on enough documents to say anything."""
    telling = [row for row in rows if row.figure.documents >= ENOUGH]
    return Rows(telling[:SHOWN], max(0, len(telling) - SHOWN), len(rows) - len(telling))
