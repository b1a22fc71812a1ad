"""How a run's report is written as rows of a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import template

from training.trainers.recipes import LEVERS, STAGES

register = template.Library()

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

# Measure, what it is called, how it is written.
MEASURES = (
    ("top1", "Top-1", "share"),
    ("micro_f1", "Micro-F1", "share"),
    ("macro_f1", "Macro-F1", "share"),
    ("hit_at_5", "Hit@5", "share"),
    ("hit_at_10", "Hit@10", "share"),
    ("hit_at_50", "Hit@50", "share"),
    ("mrr", "Mean reciprocal rank", "number"),
    ("hierarchical_f1", "Hierarchical F1", "share"),
    ("sibling_confusion", "Sibling confusion", "share"),
    ("ece", "Calibration error", "share"),
    ("ece_by_chance", "of it by chance", "share"),
    ("coverage", "Accepted alone", "share"),
    ("accepted", "Accepted alone, as it would serve", "share"),
    ("precision", "Right among those accepted", "share"),
    ("out_of_scope_auroc", "Out-of-scope AUROC", "share"),
    ("latency_p50", "Latency, median", "milliseconds"),
    ("latency_p95", "Latency, P95", "milliseconds"),
    ("pairs_per_document", "Pairs read a document", "number"),
    ("right_label_cosine", "Right-label cosine", "number"),
    ("anisotropy", "Anisotropy", "number"),
    ("alignment", "Alignment", "number"),
    ("uniformity", "Uniformity", "number"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One measure of both models, written out; a range is empty where there is none."""

    name: str
    champion: str
    challenger: str
    change: str
    champion_range: str = ""
    challenger_range: str = ""
    change_range: str = ""


@register.filter
def stage(name: str) -> str:
    """Return a stage's title; of one this code does not know, its name."""
    return STAGES[name].title if name in STAGES else name


@register.filter
def lever(name: str) -> str:
    """Return a lever's title; of one this code does not know, its name."""
    return LEVERS[name].title if name in LEVERS else name


@register.filter
def short(value: float) -> str:
    """Write a number without needless digits."""
    return f"{value:g}"


@register.filter
def points(change: float) -> str:
    """Write a change of a share in points, signed."""
    return written(change, "share", signed=True)


@register.filter
def words(name: str) -> str:
    """Return a field's name as people read it."""
    return name.replace("_", " ").capitalize()


@register.filter
def took(seconds: float) -> str:
    """Return seconds as people read them."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


@register.filter
def comparison(report: Mapping[str, Any]) -> list[Row]:
    """Return the rows of *report* for measures that either model has."""
    rows = []
    for key, name, unit in MEASURES:
        before, after = report["champion"].get(key), report["challenger"].get(key)
        if before is None and after is None:
            continue
        gain = report["differences"].get(key)
        change = after - before if before is not None and after is not None else None
        rows.append(
            Row(
                name,
                written(before, unit),
                written(after, unit),
                written(change, unit, signed=True),
                spread(report["intervals"]["champion"].get(key), unit),
                spread(report["intervals"]["challenger"].get(key), unit),
                spread(gain, unit, signed=True),
            )
        )
    return rows


def written(value: float | None, unit: str, *, signed: bool = False) -> str:
    """Write a figure in its unit, or a dash when it was not measured."""
    if value is None:
        return DASH
    sign = "+" if signed else ""
    if unit == "share":
        text = f"{100 * value:{sign}.2f}{'' if signed else ' %'}"
    elif unit == "milliseconds":
        text = f"{value:{sign}.1f} ms"
    else:
        text = f"{value:{sign}.3f}"
    return text.replace("-", MINUS)


def spread(bounds: Mapping[str, float] | None, unit: str, *, signed: bool = False) -> str:
    """Write an interval, or nothing where there is none."""
    if bounds is None:
        return ""
    low, high = (written(bounds[end], unit, signed=signed) for end in ("low", "high"))
    return f"{low} to {high}"


@register.filter
def left(seconds: float) -> str:
    """Write a remaining time: "40 seconds", "3 minutes"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    return f"{round(seconds / 60)} minutes"
