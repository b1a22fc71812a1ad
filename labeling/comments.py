"""Write about a document, for all who look at it."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from labeling import audit
from labeling.models import Comment, Document, Project

SHOWN = 20  # of a document, on the card
PAGE = 50


@transaction.atomic
def write(document: Document, author: User, text: str, *, now: datetime) -> Comment:
    """Keep what *author* says of *document*.

    The same words by the same person, said twice in a row, are said once: a double click.
    """
    last = document.comments.order_by("-pk").first()
    if last is not None and (last.author_id, last.text) == (author.pk, text):
        return last
    comment = document.comments.create(
        project_id=document.project_id, author=author, text=text, written_at=now
    )
    audit.record(
        "commented",
        actor=author,
        now=now,
        project=document.project,
        subject=str(document),
        detail={"document": document.pk, "comment": comment.pk},
    )
    return comment


def on(document: Document) -> list[Comment]:
    """Return the last comments on *document*, oldest first."""
    newest = document.comments.select_related("author").order_by("-pk")[:SHOWN]
    return list(reversed(newest))


def newest(project: Project, *, before: int | None = None) -> QuerySet[Comment]:
    """Return a page of the project's comments with their documents, the newest first."""
    found = project.comments.order_by("-pk").select_related("author", "document")
    found = found.defer("document__text", "document__metadata")
    return (found.filter(pk__lt=before) if before else found)[:PAGE]
