"""A mark that somebody is at work, which outlives its owner by a minute at most."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.core.cache import cache

LONGEST = 3600  # seconds; work that takes longer hangs

logger = logging.getLogger(__name__)


@contextmanager
def marked(name: str, seconds: int) -> Iterator[bool]:
    """Set the mark *name* for as long as the block takes; give whether nobody else had set it.

    It is renewed three times in *seconds*, so that long work keeps it, and a process that is
    killed leaves it for no longer than that.
    """
    mine = uuid.uuid4().hex
    if not cache.add(name, mine, seconds):
        yield False
        return
    done = Event()
    renewing = Thread(target=_renew, args=(name, mine, seconds, done), daemon=True)
    renewing.start()
    try:
        yield True
    finally:
        done.set()
        renewing.join()
        if cache.get(name) == mine:
            cache.delete(name)


def _renew(name: str, mine: str, seconds: int, done: Event) -> None:
    for _ in range(3 * LONGEST // seconds):
        if done.wait(seconds / 3):
            return
        try:
            if cache.get(name) not in {None, mine}:  # it was lost, and somebody else took it
                return
            cache.set(name, mine, seconds)
        except Exception as error:  # noqa: BLE001 - whatever the cache broke by, it may come back
            logger.warning("%s: the mark could not be renewed (%s)", name, error)
