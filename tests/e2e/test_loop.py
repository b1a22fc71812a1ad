"""The whole loop in a browser: review, gold, training, promotion, roll-back, other predictions."""

import re

import pytest
from playwright.sync_api import TimeoutError as WaitedInVain

from tests.e2e.conftest import SCREENSHOTS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PROJECT = "/p/northlight"
OVER = re.compile("Done|Failed|Cancelled")


def figure(person, name):
    """Return the number that stands over *name* on the overview of the project."""
    person.go(f"{PROJECT}/")
    shown = person.page.locator(".figure", has=person.page.get_by_text(name, exact=True))
    return int(re.sub(r"\D", "", shown.locator("dd").first.inner_text()))


def task_after(person, former):
    """Wait for the card of another task than *former* and return that task's address."""
    card = f"#task[data-address]:not([data-address='{former}'])"
    try:
        shown = person.page.wait_for_selector(card)
    except WaitedInVain:
        said = person.page.inner_text("main")
        pytest.fail(f"no card after {former}, but: {said}; {person.faults}")
    person.page.wait_for_load_state()  # a page hears keys once its scripts ran
    settled(person)
    return shown.get_attribute("data-address")


def settled(person):
    """Wait until what was decided is stored and the card hears keys, then look at it a moment."""
    page = person.page
    wait_for(lambda: not page.locator(".htmx-request").count(), page)
    wait_for(lambda: not page.get_by_text("Saving …").count(), page)
    page.wait_for_timeout(200)


def predictions(person):
    """Return what the first page of close calls says of each."""
    person.go(f"{PROJECT}/documents/?bucket=review")
    return person.page.locator("tbody tr").all_inner_texts()


def wait_for(condition, page, seconds=120):
    for _ in range(seconds * 2):
        if condition():
            return
        page.wait_for_timeout(500)
    pytest.fail(f"waited {seconds} s in vain")


def test_people_decide_gold_grows_a_model_learns_and_may_be_taken_back(sit_down):
    reviewer = sit_down("reviewer")
    gold, decisions = figure(reviewer, "gold"), figure(reviewer, "decisions")
    decide_ten_by_keyboard(reviewer)
    assert figure(reviewer, "gold") == gold + 10
    assert figure(reviewer, "decisions") == decisions + 10
    assert reviewer.faults == []

    admin = sit_down("admin")
    train(admin)
    see_what_the_gates_say(admin)
    promote_again(admin, *roll_back(admin))
    assert admin.faults == []


def decide_ten_by_keyboard(reviewer):
    page = reviewer.page
    page.get_by_role("link", name="Start reviewing").click()
    page.get_by_role("heading", name="All queues").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("Enter")
    task = task_after(reviewer, "")
    for key in ["Enter", "Enter", "2", "Enter", "n", "Enter", "1", "Enter", "3", "Enter"]:
        page.keyboard.press(key)
        decided, task = task, task_after(reviewer, task)
    page.keyboard.press("u")
    assert task_after(reviewer, task) == decided
    assert "Undone" in page.locator("#review-status").inner_text()
    page.keyboard.press("Enter")
    task_after(reviewer, decided)


def train(admin):
    """Ask for a short run and follow its progress to the end."""
    page = admin.page
    admin.go(f"{PROJECT}/models/")
    page.get_by_text("Recipe: fine-tuning").click()
    page.get_by_label("Epochs").fill("1")
    page.get_by_role("button", name="Train").click()
    page.wait_for_url(re.compile(r"/models/runs/\d+/$"))
    page.get_by_role("progressbar").wait_for()
    badge = page.locator("#run .badge").first
    wait_for(lambda: OVER.search(badge.inner_text()), page, seconds=400)
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "run.png", full_page=True)
    assert badge.inner_text() == "Done", page.locator("#run").inner_text()


def see_what_the_gates_say(admin):
    """Either the run's model serves, or its page says which gate is shut, and why."""
    page = admin.page
    report = page.locator("#run").inner_text()
    admin.go(f"{PROJECT}/models/")
    row = page.locator("#versions ~ .table-wrap tbody tr", has=page.get_by_role("link", name="Run"))
    said = row.first.inner_text()
    if "serves" not in said:
        assert re.search(r"shut|fail|stays|not", report, re.IGNORECASE), report


def roll_back(admin):
    """The former champion serves again, and says something else about the same documents."""
    page = admin.page
    admin.go(f"{PROJECT}/models/")
    served, before = page.locator("#champion-title").inner_text(), predictions(admin)
    admin.go(f"{PROJECT}/models/")
    page.get_by_role("button", name="Roll back").click()
    page.get_by_text("The former champion serves again.").wait_for()
    assert page.locator("#champion-title").inner_text() != served
    wait_for(lambda: predictions(admin) != before, page)
    return served, before


def promote_again(admin, served, before):
    """What was taken back passed its gates, so that a click lets it serve as before."""
    page = admin.page
    admin.go(f"{PROJECT}/models/")
    number = re.search(r"Model (\d+)", served)[1]
    page.get_by_role("button", name=f"Promote version {number}").click()
    page.get_by_text(f"Model {number} serves now.").wait_for()
    assert page.locator("#champion-title").inner_text() == served
    wait_for(lambda: predictions(admin) == before, page)
