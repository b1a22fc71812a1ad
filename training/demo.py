"""Load the demo project: its people, taxonomy, mail, gold, model and queue."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from inference import backlog
from labeling import audit, documents, memberships, publishing, taxonomy_files
from labeling.demo import generator, people
from labeling.demo.generator import Mail
from labeling.models import Membership, Project
from training import instant

SLUG: Final = "northlight"
TAXONOMY: Final = Path(generator.__file__).parent / "taxonomy.json"
SEED: Final = 1
"""The mail of every demo is the same."""


def load(everyone: dict[str, User], *, mails: int, gold: int, now: datetime) -> Project:
    """Load the project with *mails* e-mails, *gold* of them labelled; predict and queue the rest.

    Every step may be repeated, so a run that was broken off is taken up where it stopped.
    """
    project = ensure_project(everyone, now=now)
    publish_taxonomy(project, actor=everyone["owner"], now=now)
    written = list(generator.generate(mails, seed=SEED))
    import_mails(project, written, gold=gold, actor=everyone["owner"], now=now)
    instant.refit(project, now=now)
    backlog.predict_all(project)
    audit.record(people.LOADED, project=project, actor=None, now=now)
    return project


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
    publishing.publish(project, entries, actor=actor, now=now, note="The demo's first edition.")


def import_mails(
    project: Project, mails: Sequence[Mail], *, gold: int, actor: User, now: datetime
) -> None:
    """Take the mails in, then the labels of *gold* of them: every label before any twice."""
    unread = (to_row(mail, with_labels=False) for mail in mails)
    documents.import_documents(project, unread, actor=actor, now=now)
    chosen = islice(one_of_each_label_first(mails), gold)
    sorted_already = [to_row(mail, with_labels=True) for mail in chosen]
    documents.import_documents(project, sorted_already, actor=actor, now=now, gold=True)


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
