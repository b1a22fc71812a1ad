"""Publish merges and a split while people decide over HTTP: does anything fail, is anything lost?

    python benchmarks/publish.py DATA/banking77 [--people N] [--seconds S] [--database URL] [--json]

2,000 gold documents, the others open; web server, Redis, workers and clock run as in the
Procfile. Reviewers take tasks and accept what is suggested, through the API, and look at pages,
one after the other. Meanwhile an owner signs in, merges three pairs of labels and splits one in the
draft, has it previewed, and publishes. Targets: no failed request, a champion all the time, all
gold where it belongs. Works on an empty SQLite file of its own or on the database at URL, where it
leaves its project.
"""

import argparse
import http.client
import json
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parent.parent)]
from desk import Sitting, served, spread  # noqa: E402
from pending import Pending  # noqa: E402
from scratch import report, set_up_served, tell  # noqa: E402

GIVEN = 2_000
PAUSE = 0.1  # seconds between two decisions, so that there is something to decide to the end
PATIENCE = 300  # seconds that a worker is waited for
PAGES = ("", "taxonomy/", "taxonomy/confusions/", "agreement/", "documents/", "models/")
PASSWORD = uuid.uuid4().hex


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20, help="After the publish, too.")
    parser.add_argument("--database", default="", help="Its URL; a new SQLite file without one.")
    parser.add_argument("--json", action="store_true", help="One JSON line.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tiebreak-publish-") as folder:
        set_up_served(folder, options.database)
        from django.core.management import call_command

        call_command("collectstatic", verbosity=0, interactive=False)
        project, pending = make(options.directory, options.people)
        with served("redis", "web", "worker", "beat") as port:
            figures = play(project, pending, port, options.seconds)
        report(figures, as_json=options.json)


def make(directory: Path, people: int) -> tuple[Any, Pending]:
    """Import the set: gold, and as many documents that nobody decided; make *people* members."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from labeling import memberships, publishing, taxonomy_files, tokens
    from labeling.documents import Row, import_documents
    from labeling.models import Membership

    now, name = timezone.now(), uuid.uuid4().hex[:8]
    owner = User.objects.create_user(f"owner-{name}@example.org", password=PASSWORD)
    project = memberships.create_project(
        name="Publish", slug=f"publish-{name}", kind="single", admin=owner, actor=None, now=now
    )
    entries = taxonomy_files.read(directory / "taxonomy.json")
    publishing.publish(project, entries, actor=None, now=now)
    lines = (directory / "train.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    rows = [
        Row(each["id"], each["text"], labels=tuple(each["labels"]) if n < GIVEN else None)
        for n, each in enumerate(told)
    ]
    import_documents(project, rows, actor=None, now=now, gold=True)
    given = []
    for n in range(people):
        person = User.objects.create(username=f"{name}-{n}")
        Membership.objects.create(project=project, user=person, role=Membership.Role.REVIEWER)
        given.append(tokens.grant(person, now=now)[0])
    return project, Pending(project.slug, [], given)


class Reviewer(Sitting):
    """Takes a task, accepts what is suggested, and takes the next, until told to stop."""

    def run(self) -> None:
        address = f"/api/v1/projects/{self.pending.slug}/tasks/next"
        while time.monotonic() < self.until:
            told = self.ask(address, {"count": 1}, self.next)
            if not told or not told["tasks"]:
                time.sleep(0.05)
                continue
            [task] = told["tasks"]
            decision = {"labels": [task["candidates"][0]["key"]], "key": str(uuid.uuid4())}
            told = self.ask(f"/api/v1/tasks/{task['id']}/annotations", decision, self.submit)
            if told is not None:
                self.stored.append(told["id"])
            time.sleep(PAUSE)


class Owner:
    """Somebody with a browser: keeps cookies, sends forms back with what was hidden in them."""

    def __init__(self, project: Any, port: int) -> None:
        self.origin, self.place = f"http://127.0.0.1:{port}", f"/p/{project.slug}/"
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self.opener = urllib.request.build_opener(cookies)
        self.failed: list[str] = []
        self.times: list[float] = []
        owner = project.memberships.get(role="admin").user
        self.send("/accounts/sign-in/", {"username": owner.username, "password": PASSWORD})

    def read(self, path: str, values: Mapping[str, Any] | None = None) -> str:
        body = urllib.parse.urlencode(values, doseq=True).encode() if values else None
        began = time.perf_counter()
        try:
            with self.opener.open(self.origin + path, body, timeout=60) as answer:
                return str(answer.read().decode())
        except (OSError, http.client.HTTPException) as error:
            self.failed.append(f"{path}: {error!r}")
            return ""
        finally:
            self.times.append(1_000 * (time.perf_counter() - began))

    def send(self, path: str, values: Mapping[str, Any], to: str = "") -> str:
        """Fill the form of the page at *path* in and send it *to* where it goes."""
        hidden = Hidden()
        hidden.feed(self.read(path))
        return self.read(to or path, hidden.values | dict(values))

    def look(self, until: threading.Event) -> None:
        """Look at one page after the other."""
        while not until.is_set():
            for page in PAGES:
                self.read(self.place + page)


class Hidden(HTMLParser):
    """The hidden fields of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "input" and said.get("type") == "hidden":
            self.values[said.get("name") or ""] = said.get("value") or ""


def play(project: Any, pending: Pending, port: int, seconds: float) -> dict[str, Any]:
    from inference import deployments

    wait("the first predictions", lambda: settled(project))
    before, gold = deployments.champion(project).bundle, gold_by_label(project)
    owner, visitor = Owner(project, port), Owner(project, port)
    over, absent = threading.Event(), [0, 0]
    until = time.monotonic() + PATIENCE
    reviewers = [
        Reviewer(token, pending, http.client.HTTPConnection("127.0.0.1", port, timeout=60), until)
        for token in pending.tokens
    ]
    watching = threading.Thread(target=watch, args=(project, over, absent))
    looking = threading.Thread(target=visitor.look, args=(over,))
    for each in (*reviewers, watching, looking):
        each.start()
    try:
        pairs, halved = change(project, owner)
        began = time.perf_counter()
        owner.send(
            f"{owner.place}taxonomy/draft/",
            {"do": "publish"},
            f"{owner.place}taxonomy/draft/change/",
        )
        published = time.perf_counter() - began
        tell(f"published after {published:.1f} s")
        time.sleep(seconds)
    finally:  # else they would go on for ever
        for each in reviewers:
            each.until = 0
        over.set()
        for each in (*reviewers, watching, looking):
            each.join()
    wait("predictions by what was published", lambda: settled(project))
    return {
        **counted(project, reviewers, [owner, visitor]),
        **followed(project, gold, pairs, halved),
        "publish_seconds": round(published, 2),
        "looks_without_champion": absent[0],
        "looks": absent[1],
        "champion_followed": deployments.champion(project).bundle != before,
    }


def change(project: Any, owner: Owner) -> tuple[list[tuple[Any, Any]], Any]:
    """Put three merges and a split into the draft and have it previewed; return the labels."""
    labels = list(project.labels.assignable().filter(parent__isnull=False).order_by("pk"))
    siblings: dict[int, list[Any]] = {}
    for label in labels:
        siblings.setdefault(label.parent_id, []).append(label)
    pairs = [(each[0], each[1]) for each in siblings.values() if len(each) > 2][:3]
    halved = next(each for each in labels if each not in [one for pair in pairs for one in pair])
    draft = f"{owner.place}taxonomy/draft/"
    for one, two in pairs:
        owner.send(f"{owner.place}taxonomy/{one.pk}/merge/", {"into": two.key})
    parts = {
        "part": [f"{halved.name}, the first half", f"{halved.name}, the second half"],
        "about": [halved.description, f"Anything else about {halved.name}."],
        "by_nearest": "on",
    }
    owner.send(f"{owner.place}taxonomy/{halved.pk}/split/", parts)
    if (count := project.draft.count()) != len(pairs) + 1:
        raise SystemExit(f"The draft holds {count} changes. {owner.failed}")
    owner.send(draft, {"do": "preview"}, f"{draft}change/")
    jobs = project.jobs.filter(kind="impact")
    wait("the preview", lambda: jobs.filter(finished_at__isnull=False).exists())
    return pairs, halved


def watch(project: Any, over: threading.Event, absent: list[int]) -> None:
    """Look ten times a second whether a champion serves; count when none did, and the looks."""
    from django.db import connection

    from inference import deployments

    while not over.wait(0.1):
        absent[0] += deployments.champion(project) is None
        absent[1] += 1
    connection.close()


def settled(project: Any) -> bool:
    """Whether the champion speaks of the taxonomy as it stands, and all is predicted by it."""
    from inference import backlog, deployments, serving
    from labeling import taxonomies

    champion = deployments.champion(project)
    if champion is None or backlog.lack(project):
        return False
    return serving.load(champion.bundle).taxonomy_number == taxonomies.current_number(project)


def wait(what: str, came: Any) -> None:
    tell(f"waiting for {what}")
    deadline = time.monotonic() + PATIENCE
    while not came():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come.")
        time.sleep(0.2)


def gold_by_label(project: Any) -> dict[int, set[int]]:
    """Return the documents that each label is gold of."""
    from labeling.models import GoldLabel

    found: dict[int, set[int]] = {}
    rows = GoldLabel.objects.gold().filter(project=project)
    for label, document in rows.values_list("label", "document"):
        found.setdefault(label, set()).add(document)
    return found


def counted(project: Any, reviewers: list[Reviewer], people: list[Owner]) -> dict[str, Any]:
    """Sum up what people felt. Refused: told that a label is closed by now, and nothing stored."""
    from labeling.models import Annotation

    errors = [error for each in reviewers for error in each.errors]
    refused = [error for error in errors if error.startswith("400")]
    failed = [error for error in errors if error not in refused]
    failed += [error for each in people for error in each.failed]
    for error in [*failed, *refused][:5]:
        tell(error)
    stored = [pk for each in reviewers for pk in each.stored]
    standing = Annotation.objects.standing().filter(project=project)
    return {
        "requests": sum(len(each.next) + len(each.submit) for each in reviewers)
        + sum(len(each.times) for each in people),
        "failed": len(failed),
        "refused": len(refused),
        "decisions": len(stored),
        "lost": len(set(stored) - set(standing.values_list("pk", flat=True))),
        "next": spread([ms for each in reviewers for ms in each.next]),
        "submit": spread([ms for each in reviewers for ms in each.submit]),
        "pages": spread([ms for each in people for ms in each.times]),
    }


def followed(
    project: Any, before: dict[int, set[int]], pairs: list[tuple[Any, Any]], halved: Any
) -> dict[str, Any]:
    """Compare where gold stands with where it stood, but for what people put right since."""
    from labeling.models import Annotation, Label

    now = gold_by_label(project)
    judged = Annotation.objects.standing().filter(project=project)
    again = set(judged.values_list("task__document", flat=True))
    before = {label: documents - again for label, documents in before.items()}
    parts = [
        now.get(pk, set())
        for pk in Label.objects.filter(parent=halved).values_list("pk", flat=True)
    ]
    usable = set(project.labels.assignable().values_list("pk", flat=True))
    moved = sum(len(before[one.pk]) for one, _ in pairs)
    there = sum(len(before[one.pk] & now.get(two.pk, set())) for one, two in pairs)
    shared = set().union(*parts) & before[halved.pk]
    return {
        "gold_before": len(set().union(*before.values())),
        "gold_merged": f"{there} of {moved}",
        "gold_split": f"{len(shared)} of {len(before[halved.pk])}, {[len(each) for each in parts]}",
        "gold_on_closed_labels": sum(len(now[pk]) for pk in now.keys() - usable),
    }


if __name__ == "__main__":
    main()
