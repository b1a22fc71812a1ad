"""Make everything ready for the processes to start."""

import socket
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Make ready to start: the port is free, the database migrated, static files collected."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, required=True, help="Of the web server.")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        require_free(port)
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)


def require_free(port: int) -> None:
    """Say clearly, before anything starts, that a port is taken.

    Raises:
        CommandError: 127.0.0.1:*port* cannot be listened on.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise CommandError(
                f"Port {port} cannot be used ({error}). Perhaps Tiebreak already runs there; "
                f"otherwise choose another: PORT={(port + 1) % 65536} make demo"
            ) from error
