"""Load the demo project."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from celery import current_app
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from inference import backlog
from labeling import audit, documents, memberships, taxonomies, taxonomy_files
from labeling.demo import generator, people
from labeling.demo.generator import Mail
from labeling.models import AuditEntry, Membership, Project
from training import instant

SLUG = "northlight"
LOADED = "loaded the demo project"
TAXONOMY = Path(generator.__file__).parent / "taxonomy.json"
SEED = 1  # the mail of every demo is the same


class Command(BaseCommand):
    help = "Load the demo project with its people, mail, predictions and queue; once is enough."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mails", type=int, default=2_000)
        parser.add_argument("--gold", type=int, default=60, help="How many come with a label.")

    def handle(self, *args: Any, mails: int, gold: int, **options: Any) -> None:
        if AuditEntry.objects.filter(act=LOADED).exists():
            self.stdout.write(
                "The demo project is loaded. Its sign-ins were shown at the first run; "
                "new ones: .venv/bin/python manage.py demo_passwords"
            )
            return
        # No worker runs yet: jobs that the acts below start are done here and now.
        current_app.conf.task_always_eager = True
        everyone = people.ensure()
        self.load(everyone, list(generator.generate(mails, seed=SEED)), gold=gold)
        self.stdout.write(people.sign_ins(people.give_passwords(everyone)))

    def load(self, everyone: dict[str, User], mails: Sequence[Mail], *, gold: int) -> None:
        """Do each step; every one may be repeated after a run that was broken off."""
        started = time.monotonic()
        project = ensure_project(everyone, now=timezone.now())
        publish_taxonomy(project, actor=everyone["owner"], now=timezone.now())
        self.stdout.write(f"Reading {len(mails)} e-mails; about a minute …")
        import_mails(project, mails, gold=gold, actor=everyone["owner"], now=timezone.now())
        instant.refit(project, now=timezone.now())
        backlog.predict_all(project, now=timezone.now())
        audit.record(LOADED, project=project, actor=None, now=timezone.now())
        waiting = project.tasks.open().count()
        seconds = time.monotonic() - started
        self.stdout.write(f"{waiting} decisions wait in the queues ({seconds:.0f} s).")


@transaction.atomic
def ensure_project(everyone: dict[str, User], *, now: datetime) -> Project:
    """Return the demo project with its three people, made where missing."""
    admin = everyone["admin"]
    project = Project.objects.filter(slug=SLUG).first() or memberships.create_project(
        name="Northlight support mail",
        slug=SLUG,
        kind=Project.Kind.SINGLE,
        admin=admin,
        actor=admin,
        now=now,
    )
    for name, person in everyone.items():
        role = people.ROLES[name]
        Membership.objects.get_or_create(project=project, user=person, defaults={"role": role})
    return project


def publish_taxonomy(project: Project, *, actor: User, now: datetime) -> None:
    """Publish the demo's labels unless they stand already."""
    entries = taxonomy_files.read(TAXONOMY)
    taxonomies.publish(project, entries, actor=actor, now=now, note="The demo's first edition.")


def import_mails(
    project: Project, mails: Sequence[Mail], *, gold: int, actor: User, now: datetime
) -> None:
    """Take the mails in: *gold* of them with their labels, every label before any twice."""
    known = {mail.id for mail in islice(one_of_each_label_first(mails), gold)}
    labelled = [to_row(mail, with_labels=True) for mail in mails if mail.id in known]
    others = [to_row(mail, with_labels=False) for mail in mails if mail.id not in known]
    documents.import_documents(project, labelled, actor=actor, now=now, gold=True)
    documents.import_documents(project, others, actor=actor, now=now)


def one_of_each_label_first(mails: Sequence[Mail]) -> Iterator[Mail]:
    """Yield the mails that have a label, the rarest labels' share as great as the others'."""
    seen: dict[tuple[str, ...], int] = {}
    ranked = []
    for number, mail in enumerate(mails):
        if mail.labels:
            seen[mail.labels] = seen.get(mail.labels, 0) + 1
            ranked.append((seen[mail.labels], number, mail))
    return (mail for *_, mail in sorted(ranked, key=lambda row: row[:2]))


def to_row(mail: Mail, *, with_labels: bool) -> documents.Row:
    return documents.Row(
        external_id=mail.id,
        subject=mail.subject,
        text=mail.text,
        metadata=mail.metadata,
        labels=mail.labels if with_labels else None,
    )
