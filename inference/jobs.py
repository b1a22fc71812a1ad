"""Ask for a project's documents to be predicted; nothing here loads a model."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from labeling import jobs
from labeling.models import Job, Project


@transaction.atomic
def request(project: Project, *, actor: User | None, now: datetime) -> Job:
    """Start the job that predicts what lacks a prediction by the champion, unless one is at it.

    A running job looks for new documents and a new champion after each batch, so a second request
    joins it. Should it end at that very moment, `tasks.predict_lacking` asks again.
    """
    Project.objects.select_for_update().get(pk=project.pk)  # one request at a time
    unfinished = project.jobs.unfinished().filter(kind=Job.Kind.PREDICT).order_by("pk").first()
    if unfinished is not None:
        return unfinished
    return jobs.start(Job.Kind.PREDICT, project, actor=actor, arguments={}, now=now)
