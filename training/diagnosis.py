"""Say in words why a challenger failed or gained nothing, with the evidence and what to try."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from training.gates import Evidence, Interval, measured

FALL = 0.002  # of Hit@5 below its best before a curve counts as falling
GAP = 0.1  # right-label cosine on training minus held-out gold from which memorising is likely
SIBLINGS = 0.5  # share of errors among siblings that dominates
THIN = 10  # gold documents of a label below which it learns little (learning.md §4)
ECE_LIMIT = 0.05
MUCH = 0.8  # of what the champion accepts; less is a loss, see gates.AcceptsAsMuch
PLATEAU = 2  # earlier runs within noise that make a plateau


@dataclass(frozen=True, slots=True)
class Finding:
    """One likely cause. evidence: the figures it is read from; advice: what to try."""

    cause: str
    evidence: str
    advice: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Case:
    """What a diagnosis is made from.

    curve: points with "step", "hit_at_5" and "loss", oldest first.
    geometry: of the challenger's space, see geometry.Geometry.
    train_gold: label name to its training documents.
    earlier: differences in top-1 of earlier runs, newest first.
    """

    evidence: Evidence
    curve: Sequence[Mapping[str, float | None]] = ()
    geometry: Mapping[str, float] = field(default_factory=dict)
    train_gold: Mapping[str, int] = field(default_factory=dict)
    earlier: Sequence[Interval] = ()


def diagnose(case: Case) -> list[Finding]:
    """Return every finding, the gravest first; none when nothing is amiss."""
    looks = (
        _leak,
        _conflict,
        _memorising,
        _plateau,
        _no_gain,
        _siblings,
        _thin_labels,
        _calibration,
        _accepts_less,
    )
    return [finding for look in looks if (finding := look(case)) is not None]


def _leak(case: Case) -> Finding | None:
    leaks = measured(case.evidence.challenger, "leaks")
    if not leaks:
        return None
    return Finding(
        "Leak",
        f"{leaks:.0f} held-out texts also stand among the training texts.",
        "Nothing measured here can be trusted. Freeze a new snapshot.",
    )


def _conflict(case: Case) -> Finding | None:
    cosine = measured(case.evidence.challenger, "right_label_cosine")
    if cosine is None or cosine > 0:
        return None
    return Finding(
        "Objective conflict",
        f"Held-out documents point away from their right label (mean cosine {cosine:.3f}).",
        "The loss acts on another space than inference uses, or the rate is far too high.",
    )


def _memorising(case: Case) -> Finding | None:
    hits = [hit for point in case.curve if (hit := point.get("hit_at_5")) is not None]
    drop = measured(case.geometry, "drop")
    falling = bool(hits) and max(hits) - hits[-1] > FALL
    if not falling and (drop is None or drop < GAP):
        return None
    parts = []
    if falling:
        parts.append(f"Hit@5 on validation fell from {max(hits):.2%} to {hits[-1]:.2%}")
    if drop is not None:
        parts.append(
            f"the right-label cosine is {drop:.3f} higher on training than on held-out gold"
        )
    evidence = "; ".join(parts)
    return Finding(
        "Over-fitting",
        f"{evidence[0].upper()}{evidence[1:]}. The best checkpoint was kept.",
        "Fewer epochs or more gold.",
    )


def _plateau(case: Case) -> Finding | None:
    gain = case.evidence.differences.get("top1")
    flat = [earlier for earlier in case.earlier[:PLATEAU] if earlier.low <= 0 <= earlier.high]
    if gain is None or not gain.low <= 0 <= gain.high or len(flat) < PLATEAU:
        return None
    return Finding(
        "Plateau",
        f"Top-1 has stayed within noise of the champion over the last {PLATEAU + 1} runs.",
        "Stop tuning the encoder. Review more close calls, or sharpen the taxonomy.",
    )


def _no_gain(case: Case) -> Finding | None:
    gain = case.evidence.differences.get("top1")
    if gain is None or gain.low > 0:
        return None
    interval = f"95 % interval {100 * gain.low:+.2f} to {100 * gain.high:+.2f}"
    evidence = f"Top-1 changed by {100 * gain.value:+.2f} points ({interval})."
    if gain.high < 0:
        return Finding(
            "Fine-tuning hurt", evidence, "The champion stays. Fewer epochs or a smaller rate."
        )
    return Finding(
        "No gain beyond noise",
        evidence,
        "The head already draws most from the frozen encoder. More held-out gold would narrow the "
        "interval; more reviewed close calls help more than more epochs.",
    )


def _siblings(case: Case) -> Finding | None:
    confusion = measured(case.evidence.challenger, "sibling_confusion")
    right = measured(case.evidence.challenger, "top1")
    if confusion is None or right is None or right >= 1 or confusion / (1 - right) < SIBLINGS:
        return None
    return Finding(
        "Siblings are confused",
        f"{confusion / (1 - right):.0%} of the wrong first labels are siblings of the right one.",
        "Turn hierarchy weights on, write an exclusion between the two, or merge them.",
    )


def _thin_labels(case: Case) -> Finding | None:
    thin = sorted((count, name) for name, count in case.train_gold.items() if count < THIN)
    if not thin:
        return None
    named = ", ".join(f"{name} ({count})" for count, name in thin[:5])
    more = f" and {len(thin) - 5} more" if len(thin) > 5 else ""
    return Finding(
        "Too little gold for some labels",
        f"Fewer than {THIN} training documents: {named}{more}.",
        "Review documents predicted as these labels.",
    )


def _calibration(case: Case) -> Finding | None:
    ece = measured(case.evidence.challenger, "ece")
    chance = measured(case.evidence.challenger, "ece_by_chance") or 0.0
    if ece is None or ece - chance <= ECE_LIMIT:
        return None
    return Finding(
        "Calibration off",
        f"Probabilities are off by {ece:.1%} on average; chance alone makes {chance:.1%}.",
        "Too few validation documents to fit the temperature on, or validation differs from test.",
    )


def _accepts_less(case: Case) -> Finding | None:
    before = measured(case.evidence.champion, "accepted")
    after = measured(case.evidence.challenger, "accepted")
    if before is None or after is None or after >= MUCH * before:
        return None
    return Finding(
        "Accepts less",
        f"It would accept {after:.1%} of the open documents alone, the champion {before:.1%}.",
        "Only held-out gold tells how sure a trained encoder may be, and there is little of it: "
        "more gold raises what may be promised.",
    )
