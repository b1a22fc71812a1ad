"""Count no further than anybody needs to know."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from django.core.cache import cache
from django.db.models import IntegerField, Subquery
from redis.exceptions import RedisError

T = TypeVar("T")

KEPT_FOR = 30  # seconds
MOST_COUNTED = 10_000  # rows: by how many more, no page need say


class Rows(Subquery):
    """How many rows a query has; cut it to count no further."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def kept(name: str, count: Callable[[], T], *, is_large: Callable[[T], bool]) -> T:
    """Return what *count* does, or where that is large, what it did within KEPT_FOR seconds.

    Without Redis, which a page can do without, it is counted each time.
    """
    found: T | None = None
    with suppress(RedisError):
        found = cache.get(name)
    if found is None:
        found = count()
        if is_large(found):
            with suppress(RedisError):
                cache.set(name, found, KEPT_FOR)
    return found
