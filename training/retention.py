"""Remove the files of models that nobody needs any more.

The instant loop makes one after every twenty reviews, of some megabytes each: with twenty people at
work, gigabytes in a day.
"""

import shutil
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from inference import deployments
from inference.models import Deployment
from labeling import audit
from labeling.models import Project
from training.models import ModelVersion

NEWEST: Final = 50
"""Versions of a project that are kept whatever they are, and steps that can be rolled back."""

DAILY: Final = timedelta(days=30)
"""For so long the last version of each day is kept, and at most what served."""

GRACE: Final = timedelta(hours=1)
"""For so long whatever was just written, or just ended, is kept."""


def sweep(now: datetime) -> int:
    """Remove what is superseded in all projects; return how many bundles went.

    What is removed is first marked so, then deleted: one that dies between leaves folders to the
    next. Versions, their figures and cards stay.
    """
    for project in Project.objects.all():
        mark(project, now=now)
    return _delete(now)


@transaction.atomic
def mark(project: Project, *, now: datetime) -> None:
    """Mark the versions of *project* that nobody needs: no roll-back or promotion leads there."""
    Project.objects.select_for_update().get(pk=project.pk)  # no promotion meanwhile
    kept = needed(project, now=now)
    left = project.model_versions.filter(removed=False).exclude(bundle__in=kept)
    bundles = list(left.values_list("bundle", flat=True))
    if bundles:
        project.model_versions.filter(bundle__in=bundles).update(removed=True)
        project.deployments.filter(bundle__in=bundles).update(removed=True)
        detail = {"bundles": bundles}
        audit.record("removed models", actor=None, now=now, project=project, detail=detail)


def needed(project: Project, *, now: datetime) -> set[str]:
    """Return the digests of bundles to keep: what serves or served, runs, the newest, the days'."""
    versions = project.model_versions.filter(removed=False)
    runs = versions.filter(origin=ModelVersion.Origin.RUN).values_list("bundle", flat=True)
    made = list(versions.order_by("number").values_list("registered_at", "bundle"))
    daily = {at.date(): bundle for at, bundle in made if at > now - DAILY}  # the last of each
    newest = [bundle for _, bundle in made[-NEWEST:]]
    rolled = deployments.served(project)[-NEWEST:]
    return {*_served(project, now), *runs, *daily.values(), *newest, *rolled}


def _served(project: Project, now: datetime) -> set[str]:
    """Return what serves, and what ended for no longer than it had served: it may come back."""
    recent = project.deployments.filter(Q(until=None) | Q(until__gt=now - DAILY))
    spans = recent.values_list("bundle", "since", "until")
    return {
        bundle
        for bundle, since, until in spans
        if until is None or now - until < max(GRACE, min(until - since, DAILY))
    }


def _delete(now: datetime) -> int:
    """Delete the folders of bundles that are marked in every project that has them.

    Young ones stay for now: whoever wrote one, again perhaps, is about to register it.
    """
    root = Path(settings.BUNDLE_DIR)
    for aside in root.glob(".removed-*"):  # of a sweep that died
        shutil.rmtree(aside, ignore_errors=True)
    there = {path.name for path in root.glob("*")}
    marked = set(ModelVersion.objects.filter(removed=True).values_list("bundle", flat=True))
    kept = ModelVersion.objects.filter(removed=False).values_list("bundle", flat=True)
    live = Deployment.objects.live().values_list("bundle", flat=True)
    before = (now - GRACE).timestamp()
    gone = 0
    for digest in sorted(there & marked - {*kept, *live}):
        folder = root / digest
        if folder.stat().st_mtime > before:
            continue
        aside = folder.rename(root / f".removed-{digest}-{uuid.uuid4().hex}")  # whole or not at all
        shutil.rmtree(aside, ignore_errors=True)
        gone += 1
    return gone
