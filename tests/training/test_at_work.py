import time

import pytest
from django.core.cache import cache

from training.at_work import marked


def test_one_is_at_work_and_nobody_after_them():
    with marked("digging", 60) as first, marked("digging", 60) as second:
        assert (first, second) == (True, False)
        assert cache.get("digging")
    assert cache.get("digging") is None


def test_long_work_keeps_its_mark():
    with marked("long", 1):
        time.sleep(1.5)
        assert cache.get("long")
        with marked("long", 1) as other:
            assert not other


def test_work_that_breaks_leaves_no_mark():
    with pytest.raises(ZeroDivisionError), marked("broken", 60):
        1 / 0  # noqa: B018
    assert cache.get("broken") is None
