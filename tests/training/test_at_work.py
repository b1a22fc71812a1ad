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


def test_a_mark_that_was_lost_is_set_again_and_another_s_is_left_alone():
    with marked("lost", 1):
        cache.delete("lost")
        time.sleep(0.5)
        assert cache.get("lost")
    with marked("taken", 1):
        cache.set("taken", "somebody else", 60)
        time.sleep(0.5)
    assert cache.get("taken") == "somebody else"


def test_a_cache_that_is_gone_for_a_moment_is_asked_again(monkeypatch):
    def broken(*_):
        raise ConnectionError

    with marked("stubborn", 1):
        with monkeypatch.context() as patch:
            patch.setattr("training.at_work.cache.get", broken)
            time.sleep(0.5)
        time.sleep(0.7)
        assert cache.get("stubborn")


def test_work_that_hangs_does_not_keep_its_mark_for_ever(monkeypatch):
    monkeypatch.setattr("training.at_work.LONGEST", 0)
    with marked("hanging", 1):
        time.sleep(1.2)
        assert cache.get("hanging") is None
