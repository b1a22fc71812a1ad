"""Keep an uploaded file until a worker has imported it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from labeling import documents, drafts, jobs, publishing, taxonomy_diff, taxonomy_files
from labeling.document_files import DocumentFile
from labeling.models import Job, Project
from labeling.taxonomy_acts import BadAct
from labeling.taxonomy_entries import BadTaxonomy, TaxonomyEntry, find_problems

PROBLEMS_KEPT = 1_000
UNCLAIMED = timedelta(hours=1)  # after which a file without a job is left from a request that died


def receive(
    kind: str,
    project: Project,
    file: UploadedFile[Any],
    *,
    gold: bool = False,
    draft: bool = False,
    actor: User,
    now: datetime,
) -> Job:
    """Store *file* under a random name, readable by its owner only, and start its import."""
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = secrets.token_hex(16)
    path = folder / name
    path.touch(mode=0o600, exist_ok=False)
    with path.open("wb") as stored:
        stored.writelines(file.chunks())
    arguments = {"file": name, "name": (file.name or "")[:200], "gold": gold}
    arguments |= {"draft": True} if draft else {}
    return jobs.start(kind, project, actor=actor, arguments=arguments, now=now)


def import_documents(job: Job, progress: jobs.Progress) -> dict[str, Any]:
    """Import the documents of a job's file; return its report. Safe to run again."""
    path = stored(job)
    file = DocumentFile(path, job.arguments["name"])
    report = documents.import_documents(
        job.project,
        file,
        actor=job.requested_by,
        now=job.created_at,
        gold=job.arguments["gold"],
        progress=lambda _: progress(file.position, file.size),
    )
    return {
        "added": report.added,
        "unchanged": report.unchanged,
        "duplicates": report.duplicates,
        "gold": report.gold,
        "labels_ignored": report.labels_ignored,
        "error_count": report.error_count,
        "errors": report.errors,
        "treatments": dict(file.treatments),
    }


def import_taxonomy(job: Job, progress: jobs.Progress) -> dict[str, Any]:
    """Publish the taxonomy of a job's file, or draft what it would change; return its report.

    Safe to run again: what was drafted differs no more.
    """
    path = stored(job)
    progress(0)
    try:
        entries = taxonomy_files.read(path)
        if job.arguments.get("draft"):
            return {"labels": len(entries), "drafted": draft(job, entries)}
        version = publishing.publish(
            job.project,
            entries,
            actor=job.requested_by,
            now=job.created_at,
            note=f"Imported {job.arguments['name']}",
        )
    except BadTaxonomy as error:
        rows = [[each.row, each.field, each.message, each.remedy] for each in error.problems]
        said = "Nothing was changed: the file needs these corrections first."
        if len(rows) > PROBLEMS_KEPT:
            said = f"{said} There are {len(rows):,}; these are the first {PROBLEMS_KEPT:,}."
        raise jobs.JobRefused(said, problems=rows[:PROBLEMS_KEPT]) from error
    except BadAct as error:
        raise jobs.JobRefused(str(error)) from error
    return {"labels": len(entries), "version": version.number if version else None}


def draft(job: Job, entries: Sequence[TaxonomyEntry]) -> int:
    """Put what *entries* would change into the draft of the person who asked; return how much."""
    project = job.project
    with transaction.atomic():
        publishing.hold(project)
        standing = drafts.outcome(project, drafts.rows_of(project)).entries
        parents = {key: entry.parent for key, entry in standing.items()}
        if problems := find_problems(entries, parents):
            raise BadTaxonomy(problems)
        acts = taxonomy_diff.between(standing, entries)
        if job.requested_by is None or not acts:
            return 0
        return drafts.add_all(project, acts, author=job.requested_by, now=job.created_at)


def sweep(now: datetime) -> None:
    """Delete the files of jobs that are over, and those that no job was ever started for."""
    folder = Path(settings.MEDIA_ROOT)
    files = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    if not files:
        return
    named = Job.objects.filter(arguments__file__in=list(files))
    over = dict(named.values_list("arguments__file", "finished_at"))
    for name, path in files.items():
        with suppress(FileNotFoundError):  # swept by another worker
            old = now.timestamp() - path.stat().st_mtime > UNCLAIMED.total_seconds()
            if over.get(name, old):
                path.unlink()


def stored(job: Job) -> Path:
    """Return where the file of *job* lies.

    Raises:
        JobRefused: it is gone.
    """
    path = Path(settings.MEDIA_ROOT) / str(job.arguments["file"])
    if not path.is_file():
        raise jobs.JobRefused("The uploaded file is gone. Upload it again.")
    return path
