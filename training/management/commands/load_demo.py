"""Load the demo project."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from labeling.demo import people
from labeling.models import AuditEntry


class Command(BaseCommand):
    help = (
        "Load the demo project with its people, mail, predictions and queue; once is enough. "
        "While no worker runs, set CELERY_TASK_ALWAYS_EAGER=true."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mails", type=int, default=2_000)
        parser.add_argument("--gold", type=int, default=60, help="How many come with a label.")

    def handle(self, *args: Any, mails: int, gold: int, **options: Any) -> None:
        if AuditEntry.objects.filter(act=people.LOADED).exists():
            self.stdout.write(
                "The demo project is loaded. Its sign-ins were shown at the first run; "
                "new ones: .venv/bin/python manage.py demo_passwords"
            )
            return
        self.stdout.write(f"Reading {mails} e-mails; about a minute …")
        self.load(mails, gold)

    def load(self, mails: int, gold: int) -> None:
        from training import demo  # seconds of scikit-learn, which a second run need not wait for

        started = time.monotonic()
        everyone = people.ensure()
        project = demo.load(everyone, mails=mails, gold=gold, now=timezone.now())
        waiting, seconds = project.tasks.open().count(), time.monotonic() - started
        self.stdout.write(f"{waiting} decisions wait in the queues ({seconds:.0f} s).")
        self.stdout.write(people.sign_ins(people.give_passwords(everyone)))
