"""Two hundred threads lease, annotate, skip and undo at once on a database of their own.

Meanwhile a worker predicts all documents again and chooses batches, an import settles some,
somebody decides in bulk and takes half of it back, and an owner merges labels and undoes that.

Run by test_concurrency.py in a process of its own, with DATABASE_URL set: a test's own database
would be in memory or inside one transaction. Prints what it did as one JSON line; fails loudly.
"""

import json
import os
import random
import sys
import threading
import time
import uuid
from collections import Counter
from contextlib import contextmanager

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from labeling import (  # noqa: E402
    annotations,
    bulk,
    events,
    gold,
    publishing,
    queues,
    taxonomies,
)
from labeling.models import (  # noqa: E402
    Annotation,
    AuditEntry,
    Document,
    GoldLabel,
    Label,
    Prediction,
    Project,
    ReviewTask,
    TaxonomyVersion,
)
from labeling.taxonomy_acts import Merge  # noqa: E402

THREADS, REVIEWERS, TASKS, PATIENCE = 200, 100, 400, 240  # two tabs a reviewer; seconds
IMPORTED = 40  # documents whose gold an import brings while people decide
CONNECTIONS = 40  # PostgreSQL takes 100 at most by default; SQLite any number


def build():
    """A project of TASKS close calls between ten labels."""
    call_command("migrate", verbosity=0)
    now = timezone.now()
    project = Project.objects.create(
        slug=f"race-{uuid.uuid4().hex[:8]}", name="Race", created_at=now
    )
    TaxonomyVersion.objects.create(project=project, number=1, published_at=now)
    labels = Label.objects.bulk_create(
        Label(project=project, key=f"label-{n}", name=f"Label {n}") for n in range(10)
    )
    documents = Document.objects.bulk_create(
        Document(
            project=project, external_id=str(n), text="?", fingerprint=f"{n:064x}", imported_at=now
        )
        for n in range(TASKS)
    )
    assert predict(project, [each.pk for each in documents], labels, "a", 0.1) == TASKS
    people = User.objects.bulk_create(
        User(username=f"racer-{uuid.uuid4().hex[:12]}") for _ in range(REVIEWERS + 1)
    )
    return project, labels, people


def predict(project, ids, labels, bundle, margin):
    """Make new predictions current and queue them, as a worker does; return how many wait."""
    with transaction.atomic():
        project.documents.filter(pk__in=ids).lock()
        Prediction.objects.current().filter(document__in=ids).update(is_current=False)
        predictions = Prediction.objects.bulk_create(
            Prediction(
                project=project,
                document_id=pk,
                bundle=bundle * 64,
                first=labels[0],
                taxonomy_version=project.taxonomy_versions.latest(),
                bucket=Prediction.Bucket.REVIEW,
                margin=margin,
                probability=0.5,
                candidates=[[label.pk, 0.5, 1.0, 0.1] for label in labels],
                label_ids=[labels[0].pk],
                latency=1,
                predicted_at=timezone.now(),
            )
            for pk in ids
        )
        return queues.enqueue(predictions, now=timezone.now())


class Ledger:
    """Who holds what, as the threads see it: told after a lease, and before it is given up."""

    def __init__(self):
        self.lock = threading.Lock()
        self.holders = {}  # task -> Counter of reviewers
        self.given = Counter()  # reviewer -> how often one of their tabs gave a task up
        self.stored = {}  # annotation -> label, as acknowledged
        self.undone = set()
        self.refused = self.in_bulk = self.merged = 0
        self.faults = []

    def take(self, task, reviewer, given):
        """Tell that *reviewer* holds *task*, unless their other tab gave one up since *given*.

        It may have been this one, and somebody else may hold it by now.
        """
        with self.lock:
            if self.given[reviewer.pk] != given:
                return
            holders = self.holders.setdefault(task.pk, Counter())
            holders[reviewer.pk] += 1
            if len(+holders) > 1:
                self.faults.append(f"task {task.pk} held by {dict(+holders)}")

    def give_up(self, task, reviewer):
        with self.lock:
            self.given[reviewer.pk] += 1
            self.holders.setdefault(task.pk, Counter())[reviewer.pk] = 0

    def note(self, batch, label):
        with self.lock:
            for each in batch:
                self.stored[each.pk] = label.pk
                self.in_bulk += 1
                if each.undone_at:
                    self.undone.add(each.pk)


class Race:
    def __init__(self, project, labels, people):
        self.project, self.labels, self.people = project, labels, people
        self.ledger = Ledger()
        self.start = threading.Barrier(THREADS)
        is_sqlite = connection.vendor == "sqlite"
        self.gate = threading.Semaphore(THREADS if is_sqlite else CONNECTIONS)
        self.keeps_connection = is_sqlite

    @contextmanager
    def connected(self):
        with self.gate:
            try:
                yield
            finally:
                if not self.keeps_connection:
                    connection.close()

    def run(self):
        threads = [threading.Thread(target=self.reviewer, args=(n,)) for n in range(THREADS)]
        threads += [
            threading.Thread(target=each)
            for each in (self.worker, self.chooser, self.importer, self.clerk, self.owner)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def worker(self):
        """Predict everything that is open again and again."""
        ids = list(self.project.documents.order_by("?").values_list("pk", flat=True))
        for bundle in "bcdefg":
            with self.faults_reported(), self.connected():
                predict(self.project, ids, self.labels, bundle, random.random())

    def chooser(self):
        """Choose one batch after the other, as refits do."""
        for _ in range(10):
            with self.faults_reported(), self.connected():
                ids = list(self.project.documents.open().order_by("?").values_list("pk", flat=True))
                queues.prioritise(self.project, ids[:50], now=timezone.now())

    def importer(self):
        """Settle some documents by an import, in an order of its own."""
        ids = list(self.project.documents.order_by("?").values_list("pk", flat=True)[:IMPORTED])
        for start in range(0, IMPORTED, 10):
            with self.faults_reported(), self.connected():
                grants = [(pk, [self.labels[0].pk]) for pk in ids[start : start + 10]]
                gold.grant_imported_bulk(self.project, grants, timezone.now())

    def clerk(self):
        """Decide ten at a time, and take every other ten back."""
        person = self.people[REVIEWERS]
        for number in range(10):
            with self.faults_reported(), self.connected():
                batch, now = uuid.uuid4(), timezone.now()
                waiting = bulk.waiting(self.project, person, now=now)[:10]
                ids = [task.pk for task in waiting]
                bulk.give(self.labels[0], ids, reviewer=person, batch=batch, now=now)
                if number % 2:
                    bulk.undo(self.project, batch, reviewer=person, now=timezone.now())
                self.ledger.note(bulk.decisions(person, batch), self.labels[0])

    def owner(self):
        """Merge labels, undo every other merge, and do it again."""
        for number, label in enumerate(self.labels[4:]):
            time.sleep(0.3)
            with self.faults_reported(), self.connected():
                now = timezone.now()
                merge = Merge(label.key, self.labels[1 + number % 3].key)
                publishing.publish_acts(self.project, [merge], actor=None, now=now)
                if number % 2:
                    version, _ = publishing.undoable(self.project)
                    publishing.take_back(
                        self.project, version.number, actor=None, now=timezone.now()
                    )

    @contextmanager
    def faults_reported(self):
        try:
            yield
        except Exception as fault:  # noqa: BLE001 - whatever surfaces is a fault to report
            self.ledger.faults.append(f"{type(fault).__name__}: {fault}")
        finally:
            connection.close()

    def reviewer(self, number):
        chance = random.Random(number)
        reviewer = self.people[number % REVIEWERS]
        self.start.wait()
        deadline = time.monotonic() + PATIENCE
        with self.faults_reported():
            while time.monotonic() < deadline and self.one_turn(reviewer, chance):
                pass

    def one_turn(self, reviewer, chance):
        """Lease, look, and then decide, skip or undo. False once no task is open."""
        given = self.ledger.given[reviewer.pk]
        with self.connected():
            task = queues.lease_next(self.project, reviewer, now=timezone.now())
            if task is None:
                is_open = self.project.tasks.open().exists()
        if task is None:
            time.sleep(0.05)
            return is_open
        self.ledger.take(task, reviewer, given)
        time.sleep(chance.uniform(0, 0.02))
        self.ledger.give_up(task, reviewer)
        with self.connected():
            if chance.random() < 0.05:
                queues.skip(task, reviewer=reviewer, now=timezone.now())
            else:
                self.decide(task, reviewer, chance)
        return True

    def decide(self, task, reviewer, chance):
        label = chance.choice(self.labels)
        try:
            annotation = annotations.annotate(
                task, reviewer=reviewer, labels=[label], key=uuid.uuid4(), now=timezone.now()
            )
        except annotations.LeaseLost:  # the reviewer's other tab was faster
            self.ledger.refused += 1
            return
        except annotations.LabelRefused:  # it was merged: the next turn chooses again
            self.ledger.merged += 1
            return
        with self.ledger.lock:
            self.ledger.stored[annotation.pk] = label.pk
        if chance.random() < 0.05:
            self.undo(annotation, reviewer)

    def undo(self, annotation, reviewer):
        try:
            annotations.undo(annotation, reviewer=reviewer, now=timezone.now())
        except annotations.UndoRefused:
            return
        with self.ledger.lock:
            self.ledger.undone.add(annotation.pk)


def check(race):
    project, ledger = race.project, race.ledger
    assert not ledger.faults, ledger.faults[:5]
    through = Annotation.labels.through.objects.filter(annotation__project=project)
    assert dict(through.values_list("annotation", "label")) == ledger.stored
    standing = Annotation.objects.standing().filter(project=project)
    assert set(standing.values_list("pk", flat=True)) == set(ledger.stored) - ledger.undone
    assert set(standing.values_list("task", flat=True)) == set(
        project.tasks.filter(status=ReviewTask.Status.DONE).values_list("pk", flat=True)
    )
    stands = GoldLabel.objects.gold().filter(project=project)
    imported = stands.filter(annotation=None)
    assert stands.count() == stands.values("document").distinct().count() == TASKS
    assert standing.count() == TASKS - imported.count()
    heirs = taxonomies.heirs(project.pk)
    said = standing.values_list("pk", "labels", "task__document")
    of_people = stands.exclude(annotation=None).values_list("annotation", "label", "document")
    expected = {(pk, heirs.get(label, label), document) for pk, label, document in said}
    assert set(of_people) == expected, (set(of_people) - expected, expected - set(of_people), heirs)
    assert not set(stands.values_list("label", flat=True)) & heirs.keys()
    assert not project.tasks.open().exists()
    assert not project.documents.open().exists()
    assert AuditEntry.objects.filter(project=project, act="annotated").count() == len(ledger.stored)


def main():
    for event in (events.gold_changed, events.taxonomy_published):
        event.receivers = []  # no broker here: nobody need learn from the race
    race = Race(*build())
    began = time.monotonic()
    race.run()
    seconds = time.monotonic() - began
    check(race)
    counts = {
        "database": connection.vendor,
        "threads": THREADS,
        "tasks": TASKS,
        "stored": len(race.ledger.stored),
        "undone": len(race.ledger.undone),
        "in_bulk": race.ledger.in_bulk,
        "refused": race.ledger.refused,
        "merged": race.ledger.merged,
        "imported": GoldLabel.objects.filter(annotation=None).count(),
        "seconds": round(seconds, 1),
    }
    sys.stdout.write(json.dumps(counts) + "\n")


if __name__ == "__main__":
    main()
