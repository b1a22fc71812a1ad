"""Several people at the desk at once, each at a browser of their own."""

import json

import pytest

from tests.e2e.hands import Hands
from tests.e2e.mailroom import REVIEW, SLUG, shell

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

EACH = 15  # decisions
WANT_TWO = """
from labeling.models import ReviewTask
ReviewTask.objects.open().filter(project__slug="mailroom").update(wanted=2)
"""
OF_THESE = """
from labeling.models import ReviewTask
ReviewTask.objects.filter(project__slug="mailroom", judged=0).update(wanted=1)
ReviewTask.objects.filter(pk__in={tasks}).update(value=9)
"""
GOLD = """
import json
from labeling.models import GoldLabel
gold = GoldLabel.objects.gold().filter(document__tasks__in={tasks})
print(json.dumps(list(gold.order_by("document").values_list(
    "document__tasks", "label__name", "annotation__kind", "annotation__reviewer__username"))))
"""


def test_two_people_never_meet_on_a_task(mailroom, sit_down):
    mailroom("ada", "ben")
    both = [Hands(sit_down(name)) for name in ("ada", "ben")]
    for hands in both:
        hands.sit_down(REVIEW)
    for number in range(EACH):
        for hands in both:
            hands.decide("Enter" if number % 3 else "2")

    ada, ben = (set(hands.said) for hands in both)
    assert (len(ada), len(ben)) == (EACH, EACH)
    assert not (ada | {both[0].task}) & (ben | {both[1].task})
    for hands in both:
        assert f"{EACH} today" in hands.page.locator("#review-bar").inner_text()
        assert hands.person.faults == []


def test_where_two_people_differ_an_owner_rules_and_the_ruling_is_gold(
    tiebreak, mailroom, sit_down
):
    mailroom("cleo", "dan")
    mailroom("olga", role="owner")
    shell(tiebreak, WANT_TWO)
    first = answer(sit_down("cleo"), "/card lo")
    tasks = sorted(first)
    shell(tiebreak, OF_THESE.format(tasks=tasks))  # which then come first
    second = answer(sit_down("dan"), "/card st")
    assert sorted(second) == tasks
    assert (set(first.values()), set(second.values())) == ({"Card lost"}, {"Card stolen"})
    ruled = rule(sit_down("olga"), tasks)

    assert sorted(json.loads(shell(tiebreak, GOLD.format(tasks=tasks)))) == [
        [task, ruled[task], "ruling", "olga"] for task in sorted(tasks)
    ]
    assert set(ruled.values()) == {"Card lost", "Card stolen"}


def answer(person, letters):
    """Decide three tasks without seeing what anybody said; return what was said."""
    hands = Hands(person)
    hands.sit_down(REVIEW)
    for _ in range(3):
        assert not hands.page.get_by_role("region", name="Answers").count()
        hands.find(letters)
    assert person.faults == []
    return {task: label for task, (label, _) in hands.said.items()}


def rule(person, tasks):
    """Open each task from the page for owners, see both answers, and choose in turn."""
    hands, page = Hands(person), person.page
    ruled = {}
    for number in range(len(tasks)):
        person.go(f"/p/{SLUG}/review/notes/")
        page.wait_for_load_state()
        hands.tab_to("button:text-is('Rule')")
        hands.press("Enter")
        hands.wait("#task[data-task]")
        page.wait_for_load_state()
        said = page.get_by_role("region", name="Answers").inner_text()
        assert "cleo said Card lost" in said
        assert "dan said Card stolen" in said
        task, key = hands.task, ("1", "2")[number % 2]
        hands.decide(key)
        ruled[task] = hands.said[task][0]
    person.go(f"/p/{SLUG}/review/notes/")
    assert "Nobody differs" in page.locator("main").inner_text()
    assert person.faults == []
    return ruled
