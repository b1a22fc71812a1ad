"""A mark that somebody is at work, which outlives its owner by a minute at most."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.core.cache import cache


@contextmanager
def marked(name: str, seconds: int) -> Iterator[bool]:
    """Set the mark *name* for as long as the block takes; give whether nobody else had set it.

    It is renewed three times in *seconds*, so that long work keeps it, and a process that is
    killed leaves it for no longer than that.
    """
    if not cache.add(name, 1, seconds):
        yield False
        return
    done = Event()
    renewing = Thread(target=_renew, args=(name, seconds, done), daemon=True)
    renewing.start()
    try:
        yield True
    finally:
        done.set()
        renewing.join()
        cache.delete(name)


def _renew(name: str, seconds: int, done: Event) -> None:
    while not done.wait(seconds / 3):
        cache.touch(name, seconds)
