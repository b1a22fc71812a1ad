"""A project of any number of open tasks, made by the database itself: a million in minutes."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LABELS = 77
CANDIDATES = 20  # of each prediction, as a model logs them
TEXT = "My card has not arrived yet and I would like to know where it is. " * 15  # 1 KB

NUMBERS = {
    "postgresql": "SELECT generate_series(1, %(tasks)s) AS n",
    "sqlite": (
        "WITH RECURSIVE seq(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < %(tasks)s) "
        "SELECT n FROM seq"
    ),
}
DOCUMENTS = """
    INSERT INTO labeling_document
      (project_id, external_id, subject, text, metadata, fingerprint, imported_at)
    SELECT %(project)s, 'mail-' || n, 'Mail ' || n, %(text)s, '{{}}', CAST(n AS text), %(now)s
    FROM ({numbers}) AS numbers
"""
PREDICTIONS = """
    INSERT INTO labeling_prediction
      (project_id, document_id, bundle, taxonomy_version_id, bucket, margin, probability, first_id,
       second_id, candidates, label_ids, reranked, latency, predicted_at, is_current)
    SELECT project_id, id, %(bundle)s, %(version)s, 'review', (id * 7919 %% 10007) / 10007.0, 0.5,
       %(first)s, %(second)s, %(candidates)s, %(given)s, %(no)s, 1.0, %(now)s, %(yes)s
    FROM labeling_document WHERE project_id = %(project)s
"""
TASKS = """
    INSERT INTO labeling_reviewtask
      (project_id, queue_id, document_id, prediction_id, status, value, opinion, created_at,
       wanted, judged, is_disputed, is_known)
    SELECT project_id, %(queue)s, document_id, id, 'open', 1 - margin, '[]', %(now)s, 1, 0, %(no)s,
       %(no)s
    FROM labeling_prediction WHERE project_id = %(project)s
"""


@dataclass(frozen=True, slots=True)
class Pending:
    """What annotators need to know: where, which labels by key, and a token for each of them."""

    slug: str
    labels: list[str]
    tokens: list[str]


def make(tasks: int, people: int) -> Pending:
    """Add a project with *tasks* open tasks and *people* reviewers to a migrated database."""
    from django.db import connection, transaction
    from django.utils import timezone

    from labeling import queues
    from labeling.models import Label, Project, TaxonomyVersion

    now = timezone.now()
    slug = f"desk-{uuid.uuid4().hex[:8]}"
    project = Project.objects.create(slug=slug, name="Desk", created_at=now)
    version = TaxonomyVersion.objects.create(project=project, number=1, published_at=now)
    labels = Label.objects.bulk_create(
        Label(project=project, key=f"label-{n}", name=f"Label {n}") for n in range(LABELS)
    )
    ranked = [[each.pk, 0.5, 1.0, 0.05] for each in labels[:CANDIDATES]]
    facts = {
        "tasks": tasks,
        "project": project.pk,
        "version": version.pk,
        "queue": queues.ensure(project)["ambiguous"].pk,
        "text": TEXT,
        "bundle": "a" * 64,
        "first": labels[0].pk,
        "second": labels[1].pk,
        "candidates": json.dumps(ranked),
        "given": json.dumps([labels[0].pk]),
        "now": connection.ops.adapt_datetimefield_value(now),
        "yes": True,
        "no": False,
    }
    numbers = NUMBERS[connection.vendor]
    with transaction.atomic(), connection.cursor() as cursor:
        for sql in (DOCUMENTS.format(numbers=numbers), PREDICTIONS, TASKS):
            cursor.execute(sql, facts)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return Pending(slug, [each.key for each in labels], list(_tokens(project, people, now)))


def _tokens(project: Any, people: int, now: datetime) -> Iterator[str]:
    from django.contrib.auth.models import User

    from labeling import tokens
    from labeling.models import Membership

    for n in range(people):
        person = User.objects.create(username=f"{project.slug}-{n}")
        Membership.objects.create(project=project, user=person, role=Membership.Role.REVIEWER)
        token, _ = tokens.grant(person, now=now)
        yield token
