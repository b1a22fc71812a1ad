import os
import signal
import socket
import stat
import time
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from labeling.management.commands.redis_server import answers, prepare_directory

ROOT = Path(__file__).parents[2]


def test_it_listens_on_a_socket_for_its_owner_alone(embedded_redis):
    assert stat.S_IMODE(embedded_redis.stat().st_mode) == 0o700
    with redis.Redis(unix_socket_path=str(embedded_redis)) as client:
        assert client.ping()
        assert client.config_get("port") == {"port": "0"}


def test_it_stops_on_the_signal_that_honcho_sends(embedded_redis):
    with redis.Redis(unix_socket_path=str(embedded_redis)) as client:
        process_id = client.info("server")["process_id"]
    os.kill(process_id, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while answers(embedded_redis) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not answers(embedded_redis)


def test_it_does_not_take_the_place_of_a_server_that_answers(settings, tmp_path):
    settings.REDIS_URL, settings.REDIS_SOCKET = "", tmp_path / "redis.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(settings.REDIS_SOCKET))
        other.listen()
        with pytest.raises(CommandError, match="already answers"):
            call_command("redis_server")


def test_it_stays_off_where_redis_url_is_set(settings):
    settings.REDIS_URL = "redis://127.0.0.1:6379"
    with pytest.raises(CommandError, match="stays off"):
        call_command("redis_server")


def test_its_folder_is_closed_to_others(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    prepare_directory(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_its_socket_path_is_short_enough_for_the_system():
    assert len(str(django_settings.REDIS_SOCKET)) <= 107
