"""Who decides: the model at first sight, the model at second sight, or people."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from labeling.models import Prediction, Project

Bucket = Prediction.Bucket

WIDTH = 100.0  # user units of the bar's viewBox


@dataclass(frozen=True, slots=True)
class Part:
    """Documents decided alike. start, width: of its piece of the bar, in user units."""

    name: str
    documents: int
    share: float
    start: float
    width: float


def parts(project: Project) -> list[Part]:
    """Return how the current predictions of *project* share out, in the order of the cascade.

    Parts without a document are left out.
    """
    twice, once = Q(reranked=True), Q(reranked=False)
    accepted, close = Q(bucket=Bucket.AUTO), Q(bucket=Bucket.REVIEW)
    filters = {
        "Accepted at first sight": accepted & once,
        "Accepted at second sight": accepted & twice,
        "Close calls, looked at twice": close & twice,
        "Close calls": close & once,
        "Nothing fits": Q(bucket=Bucket.NONE_FITS),
    }
    counted = (Count("pk", filter=each) for each in filters.values())
    columns = {f"part_{place}": count for place, count in enumerate(counted)}
    found = project.predictions.current().aggregate(**columns)
    return shared_out(list(zip(filters, found.values(), strict=True)))


def shared_out(counts: Sequence[tuple[str, int]]) -> list[Part]:
    """Return the parts of the bar, one after the other."""
    total = sum(documents for _, documents in counts)
    found: list[Part] = []
    start = 0.0
    for name, documents in counts:
        if documents:
            width = WIDTH * documents / total
            found.append(Part(name, documents, documents / total, round(start, 3), round(width, 3)))
            start += width
    return found
