"""Say in words why a document is before a reviewer."""

from collections.abc import Sequence

from labeling.models import Prediction, ReviewQueue, ReviewTask

CLOSE = 0.25  # margin up to which two candidates are a close call in words
NO_BREAK = "\N{NO-BREAK SPACE}"

Named = tuple[str, float]  # a label's name and its probability


def why(task: ReviewTask, candidates: Sequence[Named]) -> str:
    """Return why *task* waits, by its queue and what was predicted, best candidate first."""
    if not candidates or task.prediction is None:
        return "Not predicted yet"
    (first, best), *rest = candidates
    if task.queue.reason == ReviewQueue.Reason.AUDIT:
        return f"Audit sample: accepted at {percent(best)}"
    if task.prediction.bucket == Prediction.Bucket.NONE_FITS:
        return f"Nothing fits (best {percent(best)})"
    if task.project.is_multi:
        return _unsure(candidates)
    if rest and best - rest[0][1] <= CLOSE:
        second, next_best = rest[0]
        shares = f"{percent(best)} and {percent(next_best)}"
        return f"Close call between {first} and {second}: {shares}"
    if task.value > 1:
        return f"Chosen to learn from: probably {first}, {percent(best)}"
    return f"Not sure enough of {first}: {percent(best)}"


def doubted(given: Sequence[Named], others: Sequence[Named], *, is_multi: bool) -> str:
    """Say which gold stands, and what a model that had not seen it would rather have said.

    Args:
        given: labels that stand. others: labels that do not, likeliest first.
    """
    stands = f"Gold to check: {', '.join(name for name, _ in given) or 'nothing fits'} stands"
    if not is_multi:
        told = [f"says {name} ({percent(share)})" for name, share in others[:1]]
    else:
        told = [f"doubts {name} ({percent(share)})" for name, share in given if share < 0.5]
        told += [f"would add {name} ({percent(share)})" for name, share in others if share > 0.5]
    return f"{stands}; a model that had not seen it {' and '.join(told)}" if told else stands


def changed(stands: Sequence[str] | None, candidates: Sequence[Named]) -> str:
    """Say that labels changed since a document was decided.

    Args:
        stands: names of the labels that stand; None where none does any more.
    """
    if stands is not None:
        return f"The label changed since: {', '.join(stands) or 'nothing fits'} stands"
    likely = f"; probably {candidates[0][0]}, {percent(candidates[0][1])}" if candidates else ""
    return f"Its label was split or retired since it was decided{likely}"


def _unsure(candidates: Sequence[Named]) -> str:
    """Name the labels whose probability is nearest to one half."""
    nearest = sorted(candidates, key=lambda named: abs(named[1] - 0.5))[:2]
    return "Unsure about " + " and ".join(f"{name} ({percent(p)})" for name, p in nearest)


def percent(share: float) -> str:
    """Write a share in [0, 1] so that only certainty reads as 0 or 100 %."""
    rounded = round(100 * share)
    if rounded == 0 and share > 0:
        return f"<{NO_BREAK}1{NO_BREAK}%"
    if rounded == 100 and share < 1:
        return f">{NO_BREAK}99{NO_BREAK}%"
    return f"{rounded}{NO_BREAK}%"
