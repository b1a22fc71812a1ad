"""Documents by meaning: a worker looks for them, for it takes an encoder; here is what it found."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from django.core.cache import cache
from redis.exceptions import RedisError

from labeling import events
from labeling.document_filters import DocumentFilter
from labeling.models import Project

MOST: Final = 100  # documents found
KEPT: Final = 600  # seconds in which the same search is not done anew
KEPT_EMPTY: Final = 10  # the same where nothing was found: that may change any moment
ASKED_AGAIN: Final = 30  # seconds after which a request counts as lost


@dataclass(frozen=True, slots=True)
class Nearest:
    """What a worker found.

    documents: ids with their cosines, nearest first. looked_at: of so many that meet the filters.
    problem: why it could not look, in words; empty where it could.
    """

    documents: Sequence[tuple[int, float]]
    looked_at: int
    problem: str = ""


def find(project: Project, asked: DocumentFilter) -> Nearest | None:
    """Return the documents nearest to what is asked; None until a worker has looked for them."""
    try:
        key = _key(project.pk, asked.address)
        found: Nearest | None = cache.get(key)
        if found is None and cache.add(f"{key}/asked", value="", timeout=ASKED_AGAIN):
            wanted = {"project_id": project.pk, "address": asked.address}
            events.announce(events.meaning_wanted, **wanted)
    except RedisError:
        return None
    return found


def keep(project_id: int, address: str, found: Nearest) -> None:
    """Keep what was found where every process of the web server finds it."""
    cache.set(_key(project_id, address), found, KEPT if found.documents else KEPT_EMPTY)


def is_kept(project_id: int, address: str) -> bool:
    """Whether somebody else's request was answered already."""
    return cache.get(_key(project_id, address)) is not None


def _key(project_id: int, address: str) -> str:
    return f"meaning/{project_id}/{sha256(address.encode()).hexdigest()}"
