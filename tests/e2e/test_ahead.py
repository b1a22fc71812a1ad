"""At the desk the next card is there at once, and no decision is lost on its way."""

import pytest

from tests.e2e.test_loop import PROJECT, figure, settled, task_after

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def desk(sit_down):
    """A person at a card with two more ready."""
    admin = sit_down("admin")
    admin.page.on("dialog", lambda dialog: dialog.accept())  # leaving with unsent decisions
    open_card(admin)
    return admin


def open_card(person):
    page = person.page
    person.go(f"{PROJECT}/review/")
    with page.expect_response("**/review/ahead/"):
        page.keyboard.press("Enter")
    task_after(person, "")


def decisions(person):
    settled(person)
    made = figure(person, "decisions")
    open_card(person)
    return made


def test_the_next_card_comes_before_the_answer(desk):
    page, before = desk.page, decisions(desk)
    release = hold_decisions(page)
    first = task_after(desk, "")
    page.keyboard.press("2")
    second = shown_after(desk, first)
    page.keyboard.press("n")
    third = shown_after(desk, second)

    assert len({first, second, third}) == 3
    assert "Saving … nothing fits" in page.locator("#review-status").inner_text()
    release()
    page.get_by_text("Saved: nothing fits").wait_for()
    assert decisions(desk) == before + 2
    assert desk.faults == []


def test_undo_pressed_on_the_way_takes_back_that_very_decision(desk):
    page, before = desk.page, decisions(desk)
    release = hold_decisions(page)
    first = task_after(desk, "")
    page.keyboard.press("Enter")
    shown_after(desk, first)
    page.keyboard.press("u")
    release()
    page.get_by_text("Undone. Choose again.").wait_for()

    assert page.locator("#task").get_attribute("data-address") == first
    assert decisions(desk) == before


def test_a_decision_made_without_a_connection_is_sent_once_there_is_one(desk):
    page, before = desk.page, decisions(desk)
    first = task_after(desk, "")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    shown_after(desk, first)
    page.get_by_text("No answer; trying again").wait_for()
    page.context.set_offline(False)
    page.get_by_text("Saved:").wait_for()

    assert decisions(desk) == before + 1


def test_a_decision_that_was_not_sent_outlives_a_reload(desk):
    page, before = desk.page, decisions(desk)
    page.route("**/annotate/", lambda route: route.abort())
    first = task_after(desk, "")
    page.keyboard.press("Enter")
    shown_after(desk, first)
    page.get_by_text("No answer; trying again").wait_for()
    page.unroute("**/annotate/")
    page.reload()
    page.get_by_text("Saved:").wait_for()

    assert decisions(desk) == before + 1


def test_what_was_written_and_not_sent_is_there_after_a_reload(desk):
    page = desk.page
    page.keyboard.press("e")
    page.keyboard.type("Refund or complaint?")
    page.reload()
    page.wait_for_load_state()
    page.keyboard.press("e")

    assert page.locator("#note-escalate").input_value() == "Refund or complaint?"
    page.keyboard.press("Control+a")
    page.keyboard.press("Backspace")
    assert desk.faults == []


def hold_decisions(page):
    """Let no decision reach the server until the returned function is called."""
    held, is_released = [], []

    def pass_on(route):
        if is_released:
            route.continue_()
        else:
            held.append(route)

    def release():
        is_released.append(True)
        for route in held:
            route.continue_()

    page.route("**/annotate/", pass_on)
    return release


def shown_after(person, former):
    """Wait for the next card, whatever became of the decision, and look at it for a moment."""
    card = f"#task[data-address]:not([data-address='{former}'])"
    address = person.page.wait_for_selector(card).get_attribute("data-address")
    person.page.wait_for_timeout(200)
    return address
