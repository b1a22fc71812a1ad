"""Who turned single keys off decides nothing by a letter, as when a computer hears speech."""

import pytest

from tests.e2e.mailroom import REVIEW
from tests.e2e.test_loop import task_after

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def vera(mailroom, sit_down):
    mailroom("vera")
    person = sit_down("vera")
    person.go("/accounts/keys/")
    person.page.get_by_label("Letters, digits and signs do nothing").check()
    person.page.get_by_role("button", name="Save").click()
    person.page.get_by_text("Your keys are saved.").wait_for()
    person.go(REVIEW)
    person.page.keyboard.press("Enter")
    return person


def test_letters_digits_and_signs_do_nothing_but_enter_and_the_list_of_commands_do(vera):
    page, first = vera.page, task_after(vera, "")
    page.wait_for_timeout(400)  # nobody decides in the first moment of a card
    for key in ("n", "2", "s", "/", "?", "w"):
        page.keyboard.press(key)
    page.wait_for_timeout(400)
    assert task_after(vera, "") == first
    assert page.locator("dialog[open]").count() == 0
    assert page.locator("#find").evaluate("field => field !== document.activeElement")

    page.keyboard.press("Control+k")
    page.keyboard.type("skip")
    page.keyboard.press("Enter")
    second = task_after(vera, first)
    page.wait_for_timeout(400)
    page.keyboard.press("Enter")
    task_after(vera, second)
    page.get_by_text("Saved:").wait_for()
    assert vera.faults == []
