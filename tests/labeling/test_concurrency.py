"""The race of concurrency.py on a real file and on a real server."""

import json
import os
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).parents[2]
SERVER = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def run_apart(module, database_url, tmp_path):
    """Run a module beside this one on *database_url* and return what it says it did."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.labeling.{module}"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database_url,
            "STATE_DIR": str(tmp_path / "state"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=290,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def own_database():
    """A fresh database on the server, gone afterwards; skips where no server answers."""
    try:
        server = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL at TEST_POSTGRES_URL: {error}".splitlines()[0])
    name = f"tiebreak_race_{uuid.uuid4().hex[:10]}"
    with server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield SERVER.rsplit("/", 1)[0] + f"/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_two_hundred_threads_lose_and_double_nothing_on_sqlite(tmp_path):
    did = run_apart("concurrency", f"sqlite:///{tmp_path / 'race.sqlite3'}", tmp_path)

    assert did["database"] == "sqlite"
    assert did["stored"] - did["undone"] + did["imported"] == did["tasks"]


@pytest.mark.postgres
def test_two_hundred_threads_lose_and_double_nothing_on_postgresql(tmp_path):
    with own_database() as url:
        did = run_apart("concurrency", url, tmp_path)

    assert did["database"] == "postgresql"
    assert did["stored"] - did["undone"] + did["imported"] == did["tasks"]
