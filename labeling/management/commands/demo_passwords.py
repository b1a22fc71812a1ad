"""Give the demo's three people new passwords."""

from typing import Any

from django.core.management.base import BaseCommand

from labeling.demo import people


class Command(BaseCommand):
    help = "Give the demo's reviewer, owner and admin new random passwords and show them once."

    def handle(self, *args: Any, **options: Any) -> None:
        passwords = people.give_passwords(people.ensure())
        self.stdout.write(people.sign_ins(passwords))
