"""Connections to PostgreSQL that last longer than a request, on a server that runs."""

import os

import psycopg
import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from config.settings import database

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
pytestmark = pytest.mark.postgres


@pytest.fixture
def connection(django_db_blocker):
    """A connection of its own, as the web server has it at the beginning of its second request."""
    connection = ConnectionHandler({"default": database(SERVER)})["default"]
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.close_if_unusable_or_obsolete()
        yield connection
        connection.close()


def process_of(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def end(process):
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute("SELECT pg_terminate_backend(%s, 5000)", [process])


def test_a_connection_that_lives_is_kept_without_a_query(connection):
    process = process_of(connection)
    asked = []
    with connection.execute_wrapper(lambda execute, *what: asked.append(what) or execute(*what)):
        connection.close_if_unusable_or_obsolete()
        assert process_of(connection) == process

    assert len(asked) == 1
    assert connection.is_usable()


def test_one_that_the_server_closed_is_opened_anew_before_anybody_notices(connection):
    process = process_of(connection)
    end(process)

    assert not connection.is_usable()
    connection.close_if_unusable_or_obsolete()
    assert process_of(connection) != process


def test_one_that_ends_amid_a_request_is_opened_anew_for_the_next(connection):
    process = process_of(connection)
    end(process)
    connection.health_check_done = True  # the request has begun
    with pytest.raises(OperationalError):
        process_of(connection)
    connection.close_if_unusable_or_obsolete()

    assert process_of(connection) != process


def test_queries_are_planned_once_unless_told_otherwise(connection):
    assert connection.connection.prepare_threshold == 5
    assert database(f"{SERVER}?connect_timeout=7")["OPTIONS"]["connect_timeout"] == 7
