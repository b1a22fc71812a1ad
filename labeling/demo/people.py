"""The three people of the demo project and their passwords."""

import secrets

from django.contrib.auth.models import User
from django.db import transaction

from labeling.models import Membership

ROLES = {
    "reviewer": Membership.Role.REVIEWER,
    "owner": Membership.Role.OWNER,
    "admin": Membership.Role.ADMIN,
}

LOADED = "loaded the demo project"  # the act in the history; after it nothing is loaded again

# Nothing that is mistaken for something else; twelve of them are worth 59 bits.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def ensure() -> dict[str, User]:
    """Return the three by name, made without a password where missing.

    The admin also administers the site, so that projects can be made and people invited.
    """
    people = {}
    for name in ROLES:
        site = name == "admin"
        people[name], made = User.objects.get_or_create(
            username=name,
            defaults={"email": f"{name}@example.org", "is_staff": site, "is_superuser": site},
        )
        if made:
            people[name].set_unusable_password()
            people[name].save(update_fields=["password"])
    return people


@transaction.atomic
def give_passwords(people: dict[str, User]) -> dict[str, str]:
    """Give everyone a new random password and return them; only hashes are stored."""
    passwords = {name: "".join(secrets.choice(ALPHABET) for _ in range(12)) for name in people}
    for name, person in people.items():
        person.set_password(passwords[name])
        person.save(update_fields=["password"])
    return passwords


def sign_ins(passwords: dict[str, str]) -> str:
    """Return the sign-ins as lines to print."""
    lines = [
        f"  {name:<10} {password:<14} {ROLES[name].label}" for name, password in passwords.items()
    ]
    return "\n".join(["Sign in as (shown only now):", *lines])
