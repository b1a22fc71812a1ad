"""Whether a preview of the taxonomy's draft comes true, and how long it takes.

    python benchmarks/impact.py DATA/banking77 [--json]

All descriptions and exclusions are blanked, then restored in a draft: what the preview says of the
gold is held beside the test texts, before and after publishing. Then two siblings' descriptions are
swapped in a draft, and ten labels are edited with 2,000 gold and 20,000 recent documents, cached
vectors (target: 10 s). Works in a database of its own.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from scratch import report, set_up, tell

GIVEN = 26  # gold of each label: 2,000 in all
DOCUMENTS = 20_000
TARGET_SECONDS = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        figures = measure(options.directory)
    report(figures, as_json=options.json)


def measure(directory: Path) -> dict[str, Any]:
    from labeling import publishing, taxonomies
    from labeling.taxonomy_acts import Edit
    from training import backtest

    plan = backtest.Plan(directory, "single", (0,), 50, 0, GIVEN)
    play = backtest.Play(plan, "random")
    project = play.project
    play.encode(tell)
    whole = taxonomies.by_key(project)
    blank = [replace(entry, description="", exclusions=()) for entry in whole.values()]
    publishing.publish(project, blank, actor=None, now=now())
    restored = [
        Edit(key, {"description": entry.description, "exclusions": entry.exclusions})
        for key, entry in whole.items()
        if entry.description or entry.exclusions
    ]
    test = backtest.read_test(play.plan, rebuilt(project), tell)
    figures: dict[str, Any] = {"test_before": zero_shot(project, test)}
    told = preview(project, restored)["gold"]["texts"]["top1"]
    publish(project)
    figures |= {
        "preview_before": told["before"],
        "preview_after": told["after"],
        "preview_gain": told["difference"],
        "test_after": zero_shot(project, test),
    }
    pair = siblings(whole)
    swapped = [
        Edit(one, {"description": whole[two].description, "name": whole[two].name})
        for one, two in (pair, pair[::-1])
    ]
    harm = preview(project, swapped)["gold"]
    figures |= {"swapped": list(pair), "swapped_top1": harm["learnt"]["top1"]["difference"]}
    figures["swapped_labels"] = harm["labels"]
    project.draft.all().delete()
    fill(project)
    play.encode(tell)
    edited = [
        Edit(key, {"description": f"{whole[key].description} Anything of that kind."})
        for key in list(whole)[:10]
    ]
    started = time.perf_counter()
    last = preview(project, edited)
    figures |= {
        "gold": last["gold"]["documents"],
        "recent": last["recent"]["documents"],
        "seconds": round(time.perf_counter() - started, 1),
        "target_seconds": TARGET_SECONDS,
    }
    return figures


def now() -> Any:
    from django.utils import timezone

    return timezone.now()


def rebuilt(project: Any) -> Any:
    """Return the bundle of the taxonomy as it stands."""
    from inference import rebuild

    return rebuild.champion_bundle(project, now=now())


def zero_shot(project: Any, test: Any) -> float:
    """Return top-1 on the test texts by the texts of the labels alone."""
    from inference.head import Head
    from training import metrics

    bundle = rebuilt(project)
    plain = replace(bundle, head=Head.zero(*bundle.label_vectors.shape), lexical=None)
    return round(metrics.top1(plain.logits(test.features), test.targets), 4)


def preview(project: Any, acts: Any) -> Any:
    """Put *acts* into the draft and return what a worker would say of it."""
    from django.contrib.auth.models import User

    from labeling import drafts, jobs
    from labeling.models import Job
    from training import impact

    author = User.objects.get_or_create(username="owner")[0]
    for act in acts:
        drafts.add(project, act, author=author, now=now(), **drafts.seen(project))
    job = Job.objects.create(project=project, kind="impact", created_at=now(), status="running")
    return impact.run(job, jobs.Progress(job))


def publish(project: Any) -> None:
    from django.contrib.auth.models import User

    from labeling import drafts

    owner = User.objects.get(username="owner")
    seen = [row.pk for row in drafts.rows_of(project)]
    drafts.publish(project, actor=owner, seen_acts=seen, note="", now=now())


def siblings(whole: Any) -> tuple[str, str]:
    """Return two labels of which the first sends something to the second."""
    for key, entry in whole.items():
        for _, use in entry.exclusions:
            if use:
                return key, use
    raise ValueError("no exclusion names a label")


def fill(project: Any) -> None:
    """Add documents until there are DOCUMENTS: those there are, with a number."""
    from labeling.documents import Row, import_documents

    known = list(project.documents.order_by("pk").values_list("subject", "text"))
    more = (known[n % len(known)] for n in range(DOCUMENTS - len(known)))
    rows = (Row(f"more-{n}", f"{text} {n}", subject) for n, (subject, text) in enumerate(more))
    import_documents(project, rows, actor=None, now=now())


if __name__ == "__main__":
    main()
