"""A day of one person at the desk, who never touches the mouse."""

import json

import pytest

from tests.e2e.hands import Hands
from tests.e2e.mailroom import REVIEW, shell
from tests.e2e.test_loop import settled, task_after

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

STORED = """
import json
from labeling.models import Annotation, Comment, ReviewTask, TaskSkip
mine = Annotation.objects.filter(reviewer__username="dora")
wrote = Comment.objects.filter(author__username="dora")
aside = TaskSkip.objects.filter(reviewer__username="dora")
asked = ReviewTask.objects.escalated().filter(question__author__username="dora")
print(json.dumps({
    "said": {task: said for task, *said in
        mine.standing().values_list("task", "labels__name", "kind")},
    "undone": mine.exclude(undone_at=None).count(),
    "skipped": list(aside.filter(until=None).values_list("task", flat=True)),
    "snoozed": list(aside.exclude(until=None).values_list("task", flat=True)),
    "asked": list(asked.values_list("pk", "question__text")),
    "comments": list(wrote.values_list("text", flat=True)),
}))
"""


@pytest.fixture
def dora(mailroom, sit_down):
    mailroom("dora")
    hands = Hands(sit_down("dora"))
    hands.sit_down(REVIEW)
    return hands


def test_every_kind_of_decision_is_made_by_keyboard_and_stored_as_it_was_made(tiebreak, dora):
    decide_in_every_way(dora)
    skipped, snoozed, asked = put_aside(dora)
    change_their_mind(dora)
    look_back_and_undo(dora)
    choose_from_commands(dora)
    press_keys_of_their_own(dora)

    assert len(dora.said) == 27  # besides five undone, and what was put aside
    assert json.loads(shell(tiebreak, STORED)) == {
        "said": {str(task): list(said) for task, said in dora.said.items()},
        "undone": 5,
        "skipped": [skipped],
        "snoozed": [snoozed],
        "asked": [[asked, "Refund, or a complaint?"]],
        "comments": ["They wrote twice.", "Refund, or a complaint?"],
    }
    assert dora.person.faults == []


def decide_in_every_way(dora):
    for key in ("Enter", "1", "2", "3", "Enter", "2"):
        dora.decide(key)
    dora.say_nothing_fits()
    assert dora.find("ref") == "Refund missing"
    assert dora.find("/fee") == "Fee disputed"
    assert dora.find("money b") == "Refund missing"
    dora.find("/card", steps=1)
    kinds = {kind for _, kind in dora.said.values()}
    assert kinds == {"accepted", "corrected", "none_fits"}


def put_aside(dora):
    """Skip, snooze and escalate; take back all of it once, and leave one of each."""
    dora.undo(dora.skip())
    dora.decide("Enter")
    skipped = dora.skip()
    dora.undo(dora.snooze())
    dora.decide("2")
    snoozed = dora.snooze()
    assert dora.comment("They wrote twice.") not in dora.said
    dora.decide("1")
    asked = dora.escalate("Refund, or a complaint?")
    for key, dialog in (("i", "#definitions"), ("?", "#keys")):
        dora.press(key)
        dora.wait(f"{dialog}[open]")
        dora.press("Escape")
        dora.page.locator(f"{dialog}[open]").wait_for(state="detached")
    dora.decide("Enter")
    return skipped, snoozed, asked


def change_their_mind(dora):
    dora.undo(dora.decide("Enter"))
    dora.decide("2")
    task = dora.say_nothing_fits()
    dora.page.reload()
    dora.leave(task)
    dora.undo(task)
    dora.decide("Enter")
    first, second = dora.decide("Enter"), dora.decide("3")
    dora.undo(second)
    dora.undo(first)
    dora.decide("1")
    assert dora.task == second
    dora.say_nothing_fits()


def look_back_and_undo(dora):
    """Go two decisions back, one forward, back again, undo that one; then see the newest."""
    present = dora.task
    newest = look(dora, "j", dora.page.url)
    older = look(dora, "j", newest)
    newest = look(dora, "k", older)
    assert look(dora, "j", newest) == older
    dora.tab_to("#task form button")
    dora.press("Enter")
    task = int(task_after(dora.person, "").rstrip("/").rpartition("/")[2])
    assert dora.said.pop(task)
    dora.decide("3")
    assert dora.task == present
    look(dora, "j", dora.page.url)
    dora.press("k")
    dora.wait_for_task(present)
    dora.decide("Enter")


def look(dora, key, former):
    """Look back or forward from the address *former*; return that of what is shown then."""
    dora.press(key)
    dora.page.wait_for_url(lambda url: "/past/" in url and url != former)
    dora.page.get_by_text("You said").wait_for()
    settled(dora.person)
    return dora.page.url


def choose_from_commands(dora):
    task = dora.task
    dora.said[task] = (None, "none_fits")
    dora.command("nothing")
    dora.leave(task)
    task = dora.task
    dora.command("skip")
    dora.leave(task)
    dora.command("take back")
    dora.wait_for_task(task)
    dora.decide("Enter")


def press_keys_of_their_own(dora):
    """Skipping gets another key, and what was its key begins to find a label."""
    dora.command("to keys")
    dora.page.wait_for_url("**/accounts/keys/")
    dora.tab_to("[name=skip]")
    dora.page.keyboard.type("x")
    dora.press("Enter")
    dora.page.get_by_role("status").wait_for()
    dora.sit_down(REVIEW)
    dora.undo(dora.skip("x"))
    assert dora.find("sto") == "Card stolen"
    for key in ("Enter", "2", "Enter", "1"):
        dora.decide(key)
