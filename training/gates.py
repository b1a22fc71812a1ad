"""Conditions a challenger must meet before it may replace the champion; each explains itself.

A gate never passes by default: what was not measured is a failure.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value with the bounds of its 95 % confidence interval, low ≤ value ≤ high."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Recall of one label under both models on the same held-out gold.

    gold: held-out documents of the label.
    champion, challenger: share of them it found, in [0, 1].
    allowed: lower confidence bound of the champion's share; falling below it is a drop.
    """

    label: str
    gold: int
    champion: float
    challenger: float
    allowed: float

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was measured of champion and challenger, on the same held-out gold.

    champion, challenger: metric to value; fractions in [0, 1], `latency_p95` in milliseconds,
        `leaks` a count. A metric that is absent or NaN counts as unmeasured.
    differences: metric to challenger minus champion, paired by document, with its interval.
    labels: one entry for each label with held-out gold; None if not measured.
    """

    champion: Mapping[str, float] = field(default_factory=dict)
    challenger: Mapping[str, float] = field(default_factory=dict)
    differences: Mapping[str, Interval] = field(default_factory=dict)
    labels: Sequence[LabelChange] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one gate said. `figures` are the numbers it rests on."""

    gate: str
    passed: bool
    reason: str
    figures: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


class Gate(Protocol):
    @property
    def name(self) -> str: ...
    def judge(self, evidence: Evidence) -> Outcome: ...


def measured(values: Mapping[str, float], metric: str) -> float | None:
    """Return a metric's value, or None where it is absent, null or not a finite number."""
    value = values.get(metric)
    return value if value is not None and math.isfinite(value) else None


def unmeasured(gate: str, what: str) -> Outcome:
    return Outcome(gate, passed=False, reason=f"{what} was not measured.")


@dataclass(frozen=True, slots=True)
class NotWorse:
    """The challenger's metric is at least the champion's (higher is better)."""

    metric: str
    label: str

    @property
    def name(self) -> str:
        return f"{self.label} not worse"

    def judge(self, evidence: Evidence) -> Outcome:
        before = measured(evidence.champion, self.metric)
        after = measured(evidence.challenger, self.metric)
        if before is None or after is None:
            return unmeasured(self.name, f"{self.label} of champion and challenger")
        verb = "is not below" if after >= before else "is below"
        return Outcome(
            self.name,
            passed=after >= before,
            reason=f"{self.label} {after:.2%} {verb} the champion's {before:.2%}.",
            figures={"champion": before, "challenger": after},
        )


@dataclass(frozen=True, slots=True)
class Better:
    """The paired difference is above zero beyond noise: its whole interval is."""

    metric: str
    label: str

    @property
    def name(self) -> str:
        return f"{self.label} better beyond noise"

    def judge(self, evidence: Evidence) -> Outcome:
        gain = evidence.differences.get(self.metric)
        if gain is None or not math.isfinite(gain.low):
            return unmeasured(self.name, f"The difference in {self.label}")
        passed = gain.low > 0
        verdict = "above zero" if passed else "not clearly above zero"
        return Outcome(self.name, passed, f"{_change(self.label, gain)}: {verdict}.", asdict(gain))


@dataclass(frozen=True, slots=True)
class NotClearlyWorse:
    """The paired difference is not below zero beyond noise: its interval reaches zero."""

    metric: str
    label: str

    @property
    def name(self) -> str:
        return f"{self.label} not clearly worse"

    def judge(self, evidence: Evidence) -> Outcome:
        gain = evidence.differences.get(self.metric)
        if gain is None or not math.isfinite(gain.high):
            return unmeasured(self.name, f"The difference in {self.label}")
        passed = gain.high >= 0
        verdict = "not clearly below zero" if passed else "below zero"
        return Outcome(self.name, passed, f"{_change(self.label, gain)}: {verdict}.", asdict(gain))


def _change(label: str, gain: Interval) -> str:
    interval = f"95 % interval {100 * gain.low:+.2f} to {100 * gain.high:+.2f}"
    return f"{label} changed by {100 * gain.value:+.2f} points ({interval})"


@dataclass(frozen=True, slots=True)
class NoLabelDrops:
    """No label with at least *min_gold* held-out gold falls below its confidence interval."""

    min_gold: int = 20
    name: str = "No label drops"

    def judge(self, evidence: Evidence) -> Outcome:
        if evidence.labels is None:
            return unmeasured(self.name, "Recall per label")
        judged = [change for change in evidence.labels if change.gold >= self.min_gold]
        dropped = [change for change in judged if change.challenger < change.allowed]
        figures = {"labels_judged": float(len(judged)), "labels_dropped": float(len(dropped))}
        if dropped:
            named = "; ".join(
                f"{c.label} {c.champion:.0%} → {c.challenger:.0%} (allowed {c.allowed:.0%})"
                for c in dropped[:5]
            )
            more = f" and {len(dropped) - 5} more" if len(dropped) > 5 else ""
            return Outcome(self.name, passed=False, reason=f"Fell: {named}{more}.", figures=figures)
        least = f"at least {self.min_gold} held-out gold"
        reason = f"None of the {len(judged)} labels with {least} fell below its interval."
        if not judged:
            reason = f"No label has {least} yet, so that no fall of one could be told from chance."
        return Outcome(self.name, passed=True, reason=reason, figures=figures)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The challenger's calibration error is at most *limit* beyond what chance explains.

    Of a hundred documents even true probabilities are off by ten points and more, bin by bin; of
    ten thousand by one. What true probabilities would show on these very documents is measured
    beside it (`ece_by_chance`) and taken off.
    """

    limit: float = 0.05

    @property
    def name(self) -> str:
        return f"Calibration error at most {100 * self.limit:g}%"

    def judge(self, evidence: Evidence) -> Outcome:
        value = measured(evidence.challenger, "ece")
        chance = measured(evidence.challenger, "ece_by_chance")
        if value is None or chance is None:
            return unmeasured(self.name, "Calibration error, and what chance makes of it,")
        passed = value - chance <= self.limit
        verb = "is within" if passed else "is above"
        reason = (
            f"{value:.2%}, where chance alone makes {chance:.2%}, {verb} {100 * self.limit:g}%."
        )
        figures = {"challenger": value, "chance": chance, "limit": self.limit}
        return Outcome(self.name, passed, f"Calibration error {reason}", figures)


@dataclass(frozen=True, slots=True)
class AcceptsAsMuch:
    """As they would serve, the challenger accepts at least *share* of what the champion does.

    A better first label that is promised less often costs people more decisions than it saves.
    """

    share: float = 0.8
    name: str = "Accepts as much"

    def judge(self, evidence: Evidence) -> Outcome:
        before = measured(evidence.champion, "accepted")
        after = measured(evidence.challenger, "accepted")
        if before is None or after is None:
            return unmeasured(self.name, "What champion and challenger accept")
        passed = after >= self.share * before
        verb = "is not" if passed else "is"
        reason = (
            f"Of the open documents it would accept {after:.1%} at first sight, the champion "
            f"{before:.1%}; that {verb} below {100 * self.share:g}% of it."
        )
        return Outcome(self.name, passed, reason, {"champion": before, "challenger": after})


@dataclass(frozen=True, slots=True)
class LatencyWithin:
    """P95 latency is at most *factor* times the champion's; milliseconds a document."""

    factor: float = 1.2
    name: str = "P95 latency"

    def judge(self, evidence: Evidence) -> Outcome:
        before = measured(evidence.champion, "latency_p95")
        after = measured(evidence.challenger, "latency_p95")
        if before is None or after is None or before <= 0:
            return unmeasured(self.name, "P95 latency of champion and challenger")
        passed = after <= self.factor * before
        verb = "is within" if passed else "is above"
        reason = f"{after:.1f} ms {verb} {self.factor:g} times the champion's {before:.1f} ms."
        return Outcome(self.name, passed, reason, {"champion": before, "challenger": after})


@dataclass(frozen=True, slots=True)
class NoLeaks:
    """No held-out text stands, exactly or nearly, among the training texts."""

    name: str = "No leaks"

    def judge(self, evidence: Evidence) -> Outcome:
        leaks = measured(evidence.challenger, "leaks")
        if leaks is None:
            return unmeasured(self.name, "Overlap of held-out and training texts")
        if leaks:
            reason = f"{leaks:.0f} held-out texts also stand among the training texts."
        else:
            reason = "No held-out text stands, exactly or nearly, among the training texts."
        return Outcome(self.name, passed=leaks == 0, reason=reason, figures={"leaks": leaks})


@dataclass(frozen=True, slots=True)
class Correlated:
    """Documents point towards their right label in the trained space: mean cosine above zero."""

    name: str = "Right-label cosine positive"

    def judge(self, evidence: Evidence) -> Outcome:
        cosine = measured(evidence.challenger, "right_label_cosine")
        if cosine is None:
            return unmeasured(self.name, "The cosine of held-out documents to their right label")
        reason = f"Held-out documents have a mean cosine of {cosine:.3f} to their right label."
        return Outcome(self.name, passed=cosine > 0, reason=reason, figures={"cosine": cosine})


class Limit(NamedTuple):
    """What an admin may change of a gate: where it opens."""

    title: str
    help: str
    usual: float
    least: float
    most: float
    whole: bool = False


LIMITS: Final[Mapping[str, Limit]] = {
    "ece": Limit(
        "Calibration error, at most",
        "Beyond what chance makes of it; 0.05 is five points.",
        0.05,
        0.0,
        1.0,
    ),
    "accepts": Limit(
        "Accepts, at least",
        "As a share of what the champion accepts; 0 lets it accept as little as it likes.",
        0.8,
        0.0,
        1.0,
    ),
    "latency": Limit(
        "P95 latency, at most",
        "Times that of the champion. A second look needs more: raise this if accuracy is worth it.",
        1.2,
        0.1,
        1000.0,
    ),
    "label_gold": Limit(
        "Labels are watched from",
        "Held-out gold documents: with fewer a fall cannot be told from chance.",
        20.0,
        1.0,
        1_000_000.0,
        whole=True,
    ),
}


def slow_loop(*, multi: bool, limits: Mapping[str, float] | None = None) -> tuple[Gate, ...]:
    """Return the gates of a training run (learning.md §9).

    What must rise beyond noise is what people see first: the first label, or with several labels
    a document the whole set.

    Args:
        limits: name in LIMITS to where that gate opens; what is absent is as usual.
    """
    at = {name: limit.usual for name, limit in LIMITS.items()} | dict(limits or {})
    return (
        NotWorse("hit_at_5", "Hit@5"),
        Better("micro_f1", "Micro-F1") if multi else Better("top1", "Top-1"),
        NoLabelDrops(int(at["label_gold"])),
        Calibrated(at["ece"]),
        AcceptsAsMuch(at["accepts"]),
        LatencyWithin(at["latency"]),
        NoLeaks(),
        Correlated(),
    )


# The instant loop only refits the head on more gold: it must not be clearly worse.
INSTANT_LOOP: tuple[Gate, ...] = (NotClearlyWorse("top1", "Top-1"),)


ANOTHER_SERVES: Final = Outcome(
    "Compared with what serves",
    passed=False,
    reason="Another encoder was promoted while this run trained. Train again to compare with it.",
)


def judge(gates: Sequence[Gate], evidence: Evidence) -> list[Outcome]:
    """Return every gate's outcome, in order."""
    return [gate.judge(evidence) for gate in gates]


def all_open(outcomes: Sequence[Outcome]) -> bool:
    """Whether the challenger may be promoted. No gates at all open nothing."""
    return bool(outcomes) and all(outcome.passed for outcome in outcomes)
