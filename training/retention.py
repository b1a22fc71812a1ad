"""Remove the files of models that nobody needs any more.

The instant loop makes one after every twenty reviews, of some megabytes each: with twenty people at
work, gigabytes in a day.
"""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from inference import deployments
from inference.models import Deployment
from labeling.models import Project
from training.models import ModelVersion

NEWEST: Final = 50
"""Versions of a project that are kept whatever they are, and steps that can be rolled back."""

DAILY: Final = timedelta(days=30)
"""For so long the last version of each day is kept."""


def sweep(now: datetime) -> int:
    """Remove what is superseded in all projects; return how many bundles went.

    What is removed is first marked so, then deleted: one that dies between leaves folders to the
    next. Versions, their figures and cards stay.
    """
    for project in Project.objects.all():
        mark(project, now=now)
    return _delete()


@transaction.atomic
def mark(project: Project, *, now: datetime) -> None:
    """Mark the versions of *project* that nobody needs: no roll-back or promotion leads there."""
    Project.objects.select_for_update().get(pk=project.pk)  # no promotion meanwhile
    kept = needed(project, now=now)
    left = project.model_versions.filter(removed=False).exclude(bundle__in=kept)
    left.update(removed=True)
    gone = project.model_versions.filter(removed=True).values("bundle")
    project.deployments.filter(removed=False, bundle__in=gone).update(removed=True)


def needed(project: Project, *, now: datetime) -> set[str]:
    """Return the digests of bundles to keep: of runs, of the newest, and one of each day."""
    live = project.deployments.live().values_list("bundle", flat=True)
    versions = project.model_versions.filter(removed=False)
    runs = versions.filter(origin=ModelVersion.Origin.RUN).values_list("bundle", flat=True)
    made = list(versions.order_by("number").values_list("registered_at", "bundle"))
    daily = {at.date(): bundle for at, bundle in made if at > now - DAILY}  # the last of each
    newest = [bundle for _, bundle in made[-NEWEST:]]
    rolled = deployments.served(project)[-NEWEST:]
    return {*live, *runs, *daily.values(), *newest, *rolled}


def _delete() -> int:
    """Delete the folders of bundles that are marked in every project that has them."""
    root = Path(settings.BUNDLE_DIR)
    marked = ModelVersion.objects.filter(removed=True).values_list("bundle", flat=True)
    there = [digest for digest in set(marked) if (root / digest).is_dir()]
    wanted = {
        *ModelVersion.objects.filter(removed=False, bundle__in=there).values_list(
            "bundle", flat=True
        ),
        *Deployment.objects.live().filter(bundle__in=there).values_list("bundle", flat=True),
    }
    gone = [digest for digest in there if digest not in wanted]
    for digest in gone:
        aside = (root / digest).rename(root / f".removed-{digest}")  # seen whole or not at all
        shutil.rmtree(aside, ignore_errors=True)
    for aside in root.glob(".removed-*"):  # of a sweep that died
        shutil.rmtree(aside, ignore_errors=True)
    return len(gone)
