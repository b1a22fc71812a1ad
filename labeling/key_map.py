"""What can be done at the desk by a key, and which keys a person chose for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from labeling import audit
from labeling.models import KeyMap


@dataclass(frozen=True, slots=True)
class Command:
    """One thing to do at the desk; name as in the page's data-command."""

    name: str
    key: str
    words: str


COMMANDS = (
    Command(
        "find", "/", "Find any label; so does a letter that is no key, or Shift and one that is"
    ),
    Command("none", "n", "Nothing fits"),
    Command("skip", "s", "Skip: leave it to others"),
    Command("snooze", "h", "Snooze: offer it to me again later"),
    Command("escalate", "e", "Escalate: ask an owner, or answer as one"),
    Command("comment", "c", "Comment on the document"),
    Command("definitions", "i", "Full definitions of the labels"),
    Command("undo", "u", "Undo the last decision, or take back what was put aside"),
    Command("back", "j", "Look back at what you decided"),
    Command("forward", "k", "Look forward again"),
    Command("bulk", "b", "Bulk: many documents with one predicted label at once"),
    Command("keys", "?", "All keys"),
)


@dataclass(frozen=True, slots=True)
class Keys:
    """What one person presses. are_off: letters, digits and signs do nothing at the desk."""

    commands: Sequence[Command]
    are_off: bool = False


def of(user: User) -> Keys:
    """Return all commands with the keys *user* presses, and whether these do anything."""
    own = KeyMap.objects.filter(pk=user.pk).first()
    if own is None:
        return Keys(COMMANDS)
    commands = [replace(each, key=own.keys.get(each.name, each.key)) for each in COMMANDS]
    return Keys(commands, own.are_off)


@transaction.atomic
def change(user: User, keys: Mapping[str, str], *, now: datetime, are_off: bool = False) -> None:
    """Let *user* press these keys, by command; the usual ones are not stored."""
    usual = {each.name: each.key for each in COMMANDS}
    own = {name: key for name, key in keys.items() if key != usual[name]}
    KeyMap.objects.update_or_create(user=user, defaults={"keys": own, "are_off": are_off})
    detail: dict[str, object] = dict(own)
    audit.record(
        "changed keys", actor=user, now=now, detail=detail | ({"off": True} if are_off else {})
    )
