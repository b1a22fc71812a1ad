"""Nothing that was acknowledged is lost when the server dies in the middle of a submit."""

import pytest

from tests.labeling.test_concurrency import own_database, run_apart


def test_no_decision_is_lost_or_doubled_by_kill_9_on_sqlite(tmp_path):
    did = run_apart("killing", f"sqlite:///{tmp_path / 'killed.sqlite3'}", tmp_path)

    assert did["database"] == "sqlite"
    assert did["rounds"] >= 3
    assert did["unsure"] > 0
    assert did["stored"] > 0


@pytest.mark.postgres
def test_no_decision_is_lost_or_doubled_by_kill_9_and_cut_connections_on_postgresql(tmp_path):
    with own_database() as url:
        did = run_apart("killing", url, tmp_path)

    assert did["database"] == "postgresql"
    assert did["rounds"] >= 3
    assert did["unsure"] > 0
    assert did["stored"] > 0
