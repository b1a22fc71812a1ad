"""Keep ways to look at documents, and let them go."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from labeling import audit
from labeling.document_filters import DocumentFilter
from labeling.models import Project, SavedView


class NameTaken(Exception):
    """The project has a view of this name."""


def save(
    project: Project, name: str, asked: DocumentFilter, *, actor: User, now: datetime
) -> SavedView:
    """Keep *asked* under *name*, for all who may see the documents of *project*.

    Raises:
        NameTaken: another view has the name.
    """
    try:
        with transaction.atomic():
            view = SavedView.objects.create(
                project=project, name=name, query=asked.address, made_by=actor, made_at=now
            )
            audit.record("saved the view", actor=actor, now=now, project=project, subject=name)
    except IntegrityError as error:
        raise NameTaken from error
    return view


@transaction.atomic
def delete(view: SavedView, *, actor: User, now: datetime) -> None:
    """Let *view* go. Nothing happens where somebody was faster."""
    gone, _ = SavedView.objects.filter(pk=view.pk).delete()
    if gone:
        detail = {"address": view.query}
        audit.record(
            "deleted the view",
            actor=actor, now=now, project=view.project, subject=view.name, detail=detail,
        )  # fmt: skip
