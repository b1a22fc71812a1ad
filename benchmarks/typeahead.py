"""How many keystrokes it takes to find each label, and how long the list takes after one.

    python benchmarks/typeahead.py [--taxonomy FILE] [--seed 0] [--json]

The labels are those of FILE, or 5,000 made up from the seed. Chromium runs the page's own modules.
Nothing is known of the person: no recent labels, no frequent ones, no candidates.

Somebody who looks for a label types in one of four ways, letters and spaces counted:

    name      the name from its beginning: “wrong am”
    word      its rarest word, then the next rarest: “weekends”, “weekends wr”
    initials  the first letters of its words, then on with the last: “waow”, “waowe”
    two       one or two letters of one of its two rarest words, a space, and on with the other, as
              they stand in the name: “w we”

and stops as soon as the label is first (`first`), or stands among the first five, so that a few
presses of the arrow key bring them there (`reached`: each press is counted). Enter is not counted.
`best` is the least of the four: a person who knows the labels. Each way is told by itself, too, as
of a person who always types like that. Rare is a word that few labels have in their names.
`from the card` adds the key that opens the list (`/`, or Shift) before a letter that is a key of
the desk; all other letters open the list by themselves.

A keystroke's time runs from the input event until the list is laid out.
"""

import argparse
import json
import re
import shutil
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, sync_playwright
from scratch import report, tell
from taxonomy import taxonomy

ROOT = Path(__file__).resolve().parent.parent
DESK_KEYS = set("nshecuijkab123456789")  # what the desk hears as keys, or is going to
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LONGEST = 20  # characters: whoever typed as many gives up
SEEN = 5  # labels a person reads at a glance
TIMED = 400  # labels whose typing is timed
TARGET_KEYS, TARGET_MS = 4, 50
NEVER = 99  # keystrokes
ADDRESS = "http://typeahead.test"

# The page of the desk, without its card: the modules and sheets are the real ones.
PAGE = """<!doctype html><html lang="en"><title>Typeahead</title>
<link rel="stylesheet" href="/static/css/tokens.css">
<link rel="stylesheet" href="/static/css/base.css">
<link rel="stylesheet" href="/static/css/review.css">
<div id="task" data-labels="/labels" data-usage="/usage"></div>
<form class="find"><input id="find" class="find__field" type="search">
<ul class="find__list" id="find-list" role="listbox" aria-label="Labels" hidden></ul></form>
<script type="module">
  import { index, search } from "/static/js/ranking.js";
  import { watchTypeahead } from "/static/js/typeahead.js";
  const all = index(await (await fetch("/labels")).json());
  window.ranked = (queries, most) => queries.map((query) => search(all, query, most));
  watchTypeahead();
  document.getElementById("find").focus();
</script></html>"""
TIME = """async (queries) => {
  const field = document.getElementById("find"), list = document.getElementById("find-list");
  const taken = [];
  for (const query of queries) {
    field.value = query;
    const start = performance.now();
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    list.getBoundingClientRect();
    taken.push(performance.now() - start);
    await new Promise((done) => setTimeout(done));
  }
  return taken;
}"""

Labels = list[tuple[int, str, str, str, list[str]]]  # id, name, path, description, aliases
Row = dict[str, int]  # way, stop and start to keystrokes


def labels_of(rows: list[dict[str, Any]]) -> Labels:
    """Return the labels that may be given as the server sends them."""
    above = {row["id"]: (row["name"], row.get("parent")) for row in rows}

    def path(key: str | None) -> str:
        names: list[str] = []
        while key:
            name, key = above[key]
            names.insert(0, name)
        return " / ".join(names)

    return [
        (
            number,
            row["name"],
            path(row.get("parent")),
            row.get("description", "")[:160],
            row.get("aliases", []),
        )
        for number, row in enumerate(row for row in rows if row.get("assignable", True))
    ]


def words(name: str) -> list[str]:
    """Return the words of *name* as people type them: small letters, no accents, no signs."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return re.findall(r"[^\W_]+", "".join(c for c in plain if not unicodedata.combining(c)))


def ways(name: str, spread: Counter[str]) -> dict[str, list[str]]:
    """Return, for each way of typing, what stands in the field in the end.

    Args:
        spread: how many labels have a word in their names.
    """
    said = words(name) or [name]
    by_rarity = sorted(range(len(said)), key=lambda place: spread[said[place]])
    rare = [said[place] for place in sorted(by_rarity[:2])]
    return {
        "name": [" ".join(said)],
        "word": [" ".join(said[place] for place in by_rarity)],
        "initials": ["".join(word[0] for word in said) + said[-1][1:]],
        "two": [f"{rare[0][:letters]} {rare[1]}" for letters in (1, 2)] if len(rare) > 1 else [],
    }


def keystrokes(labels: Labels, page: Page) -> list[Row]:
    """Return what each label takes: by way and by when the person stops, in keystrokes."""
    spread = Counter(word for label in labels for word in set(words(label[1])))
    typed = [ways(label[1], spread) for label in labels]
    rows: list[Row] = [{} for _ in labels]
    for length in range(1, LONGEST + 1):
        asked = list(_steps(typed, rows, length))
        found = _rank({query for _, _, query in asked}, page)
        for place, way, query in asked:
            at = found[query].index(place) if place in found[query] else None
            opened = length + (query[0] in DESK_KEYS)
            for stop, keys in _stops(at):
                for start, count in (("", length), (" from the card", opened)):
                    for who in (way, "best"):
                        name = f"{who} {stop}{start}"
                        rows[place][name] = min(count + keys, rows[place].get(name, NEVER))
        tell(f"{length} characters: {len(found)} queries")
    return rows


def _stops(at: int | None) -> Iterator[tuple[str, int]]:
    """Yield where a person stops who sees the label at place *at*, and the arrows it takes."""
    if at is not None:
        yield "reached", at
    if at == 0:
        yield "first", 0


def _steps(
    typed: list[dict[str, list[str]]], rows: list[Row], length: int
) -> Iterator[tuple[int, str, str]]:
    """Yield (place of a label, way, query) of all who are not there yet and type on."""
    for place, texts in enumerate(typed):
        for way, ends in texts.items():
            for end in ends:
                query = end[:length].rstrip()
                if len(end) >= length and rows[place].get(f"{way} first", NEVER) > length:
                    yield place, way, query


def _rank(queries: set[str], page: Page) -> dict[str, list[int]]:
    ordered = sorted(queries)
    answer = page.evaluate("([queries, most]) => window.ranked(queries, most)", [ordered, SEEN])
    return dict(zip(ordered, answer, strict=True))


def summary(rows: list[Row]) -> dict[str, Any]:
    """Return median, 90th percentile, and share of labels within the target, of each figure.

    None: not within LONGEST characters.
    """
    return {
        name: {
            "median": _told(statistics.median(counts)),
            "p90": _told(sorted(counts)[int(0.9 * len(counts))]),
            "share_within_4": round(sum(n <= TARGET_KEYS for n in counts) / len(counts), 3),
            "never": sum(n == NEVER for n in counts),
        }
        for name in dict.fromkeys(name for row in rows for name in row)
        if (counts := [row.get(name, NEVER) for row in rows])
    }


def _told(keys: float) -> float | None:
    return None if keys > 2 * LONGEST else keys


def milliseconds(labels: Labels, page: Page) -> dict[str, float]:
    """Return how long the list takes after a keystroke, names being typed from their beginnings."""
    some = labels[:: max(1, len(labels) // TIMED)]
    typed = [" ".join(words(label[1])) for label in some]
    queries = [text[:n] for text in typed for n in range(1, min(len(text), LONGEST) + 1)]
    taken = sorted(page.evaluate(TIME, queries))
    return {
        "keystrokes": len(taken),
        "p50": round(taken[len(taken) // 2], 1),
        "p95": round(taken[int(0.95 * len(taken))], 1),
        "max": round(taken[-1], 1),
    }


def serve(labels: Labels, page: Page) -> None:
    """Open the page; its modules and sheets come from the checkout, its labels from *labels*."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS)
        if path == "/":
            route.fulfill(body=PAGE, content_type="text/html")
        elif path == "/labels":
            route.fulfill(body=json.dumps(labels), content_type="application/json")
        elif path.startswith("/static/"):
            route.fulfill(path=ROOT / path[1:])
        else:
            route.fulfill(body='{"recent": [], "frequent": []}', content_type="application/json")

    page.route("**/*", answer)
    page.goto(f"{ADDRESS}/")
    page.wait_for_function("() => Boolean(window.ranked)")


def run(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return all figures of the taxonomy *rows*."""
    labels = labels_of(rows)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, BROWSERS)), None),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page()
        serve(labels, page)
        timed = milliseconds(labels, page)
        found = summary(keystrokes(labels, page))
        browser.close()
    return {
        "labels": len(labels),
        "words_in_a_name": round(statistics.fmean(len(words(label[1])) for label in labels), 1),
        "milliseconds": timed,
        "keystrokes": found,
        "meets": {
            "median_keystrokes": (found["best reached"]["median"] or NEVER) <= TARGET_KEYS,
            "p95_milliseconds": timed["p95"] <= TARGET_MS,
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--taxonomy", type=Path, help="JSON as export_taxonomy writes it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.taxonomy:
        rows = json.loads(options.taxonomy.read_text())
        rows = rows["labels"] if isinstance(rows, dict) else rows
    else:
        rows = taxonomy(seed=options.seed)
    report(run(rows), as_json=options.json)


if __name__ == "__main__":
    main()
