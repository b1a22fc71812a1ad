"""Tokens by which a person's programs speak for them: shown once, kept as a digest, ending."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from knox.crypto import hash_token
from knox.models import AuthToken

from labeling import audit
from labeling.prepared import Prepared

MOST = 20  # of one person


@transaction.atomic
def grant(person: User, *, now: datetime) -> tuple[str, datetime]:
    """Return a new token, which stands nowhere else, and its end. Of MOST the oldest goes."""
    AuthToken.objects.filter(user=person, expiry__lt=now).delete()
    kept, token = AuthToken.objects.create(user=person)
    others = AuthToken.objects.filter(user=person).exclude(pk=kept.pk)
    newest = list(others.order_by("-created").values_list("pk", flat=True)[: MOST - 1])
    others.exclude(pk__in=newest).delete()
    audit.record("took an API token", actor=person, now=now)
    return token, kept.expiry


@transaction.atomic
def revoke_all(person: User, *, now: datetime) -> None:
    """End every token of *person*, as when their password changes."""
    ended, _ = AuthToken.objects.filter(user=person).delete()
    if ended:
        audit.record("ended API tokens", actor=person, now=now, detail={"tokens": ended})


def of(words: str, *, now: datetime) -> AuthToken | None:
    """Return the token that reads *words*, with its person; None where there is none, or it ended.

    What ended is removed.
    """
    for found in _by_digest(digest=hash_token(words)):
        if found.expiry is None or found.expiry >= now:
            return found
        found.delete()
    return None


@Prepared
def _by_digest(*, digest: str) -> QuerySet[AuthToken]:
    found: QuerySet[AuthToken] = AuthToken.objects.select_related("user").filter(digest=digest)
    return found
