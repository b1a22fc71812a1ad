"""A model version's card: what it is, learnt from and is worth, and what it is not for.

After Mitchell et al. (2019), https://arxiv.org/abs/1810.03993.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from training.models import ModelVersion
from training.templatetags.training import MEASURES, stage

UNMEASURED = "not measured"


def card(version: ModelVersion) -> str:
    """Return the card in Markdown."""
    return "\n".join(_lines(version)) + "\n"


def _lines(version: ModelVersion) -> Iterator[str]:
    project, run = version.project, version.run
    yield f"# {version} of {project.name}"
    yield ""
    yield from _facts(_about(version))
    if run is not None:
        yield from _section("How it was trained")
        yield from _facts({"Seed": run.seed} | _recipe(run.parameters))
        yield from _stages(run.report)
    yield from _section("What it is worth")
    yield "On gold it had not learnt from; fractions, latency in milliseconds."
    yield ""
    yield from _facts(_figures(version))
    yield from _section("Gates")
    for gate in version.gates:
        yield f"- {'open' if gate['passed'] else 'shut'}: **{gate['gate']}.** {gate['reason']}"
    if not version.gates:
        yield "Not judged."
    yield from _section("What it is for, and what not")
    yield (
        f"It proposes labels of this taxonomy for documents like those of {project.name}. What it "
        f"accepts without a person is promised to be right in {project.promised_precision:.0%} of "
        "cases, on documents like those that waited when it was made; an audit sample checks it. "
        "It was judged on no other kind of text, language or taxonomy."
    )
    if run is not None:
        yield from _section("Made with")
        yield from _facts(dict(sorted(run.environment.items())))


def _about(version: ModelVersion) -> dict[str, Any]:
    project, snapshot = version.project, version.snapshot
    about: dict[str, Any] = {
        "Origin": version.get_origin_display(),
        "Registered": f"{version.registered_at:%Y-%m-%d %H:%M} UTC",
        "Bundle (SHA-256)": version.bundle,
        "Gives": "any number of labels" if project.is_multi else "one label",
        "Gold it learnt from": f"{version.gold_count:,} documents",
        "Parent": version.parent or "none",
    }
    if snapshot is not None:
        about |= {
            "Snapshot (SHA-256)": snapshot.digest,
            "Taxonomy": snapshot.taxonomy_version,
            "Leaks found": snapshot.leaks.get("total", UNMEASURED),
        }
    return about


def _recipe(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.replace("_", " ").capitalize(): ", ".join(value) if isinstance(value, list) else value
        for name, value in sorted(parameters.items())  # PostgreSQL keeps no order
    }


def _stages(report: Mapping[str, Any]) -> Iterator[str]:
    tried = report.get("stages", ())
    if tried:
        yield ""
    for trial in tried:
        yield f"- {stage(trial['stage'])}: {trial['reason']}"


def _figures(version: ModelVersion) -> dict[str, str]:
    """Return the figures people know first, then the rest by name."""
    titles = {key: title for key, title, _ in MEASURES} | {"recall_at_5": "Recall@5"}
    order = [*(name for name in titles if name in version.metrics), *sorted(version.metrics)]
    found = {}
    for name in dict.fromkeys(order):
        value = version.metrics[name]
        title = titles.get(name, name.replace("_", " ").capitalize())
        found[title] = UNMEASURED if value is None else f"{value:.4f}"
    return found


def _section(title: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")


def _facts(facts: Mapping[str, Any]) -> Iterator[str]:
    for name, value in facts.items():
        yield f"- {name}: {value}"
