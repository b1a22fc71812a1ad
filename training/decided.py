"""Who decides: the model at first sight, the model at second sight, or people."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from labeling import counting
from labeling.models import Prediction, Project

Bucket = Prediction.Bucket

WIDTH = 100.0  # user units of the bar's viewBox


@dataclass(frozen=True, slots=True)
class Part:
    """Documents decided alike. start, width: of its piece of the bar, in user units.

    kind: its class in the style sheet.
    """

    kind: str
    name: str
    documents: int
    share: float
    start: float
    width: float


def parts(project: Project) -> list[Part]:
    """Return how the current predictions of *project* share out, in the order of the cascade.

    Parts without a document are left out. Counted at most once in half a minute: of a million
    predictions it takes two.
    """
    name = f"decided-{project.pk}"
    return shared_out(counting.kept(name, lambda: counts(project), is_large=bool))


def counts(project: Project) -> list[tuple[str, str, int]]:
    """Return kind, name and documents of each part."""
    twice, once = Q(reranked=True), Q(reranked=False)
    accepted, close, nothing = (
        Q(bucket=each) for each in (Bucket.AUTO, Bucket.REVIEW, Bucket.NONE_FITS)
    )
    filters = {
        ("first", "Accepted at first sight"): accepted & once,
        ("second", "Accepted at second sight"): accepted & twice,
        ("twice", "Close calls, looked at twice"): close & twice,
        ("close", "Close calls"): close & once,
        ("nothing_twice", "Nothing fits, looked at twice"): nothing & twice,
        ("nothing", "Nothing fits"): nothing & once,
    }
    columns = {kind: Count("pk", filter=each) for (kind, _), each in filters.items()}
    found = project.predictions.current().aggregate(**columns)
    return [(kind, name, found[kind]) for kind, name in filters]


def shared_out(counted: Sequence[tuple[str, str, int]]) -> list[Part]:
    """Return the parts of the bar, one after the other."""
    total = sum(documents for _, _, documents in counted)
    found: list[Part] = []
    start = 0.0
    for kind, name, documents in counted:
        if documents:
            width = WIDTH * documents / total
            share = documents / total
            found.append(Part(kind, name, documents, share, round(start, 3), round(width, 3)))
            start += width
    return found
