"""What speaks for a prediction comes beside the card, and never in the way of a decision."""

import pytest

from tests.e2e.test_loop import PROJECT, task_after

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

GATHERED = "#evidence:not([hx-get], [hx-post])"


@pytest.fixture
def desk(sit_down):
    person = sit_down("admin")
    person.go(f"{PROJECT}/review/")
    person.page.keyboard.press("Enter")
    task_after(person, "")
    return person


def test_a_worker_gathers_it_while_the_person_reads(desk):
    page = desk.page
    for _ in range(3):  # while the demo begins, its workers have much else to do
        page.locator(GATHERED).wait_for(timeout=90_000)
        said = page.locator("#evidence").inner_text().lower()
        if "look again" not in said:
            break
        page.get_by_role("button", name="Look again").click()
    expected = ("decided before", "moves it most", "nothing like it")
    assert any(words in said for words in expected), said
    passage = page.locator("#evidence [data-passage]")
    is_marked = page.evaluate("CSS.highlights.has('moving')")
    assert is_marked == (passage.count() > 0)
    assert desk.faults == []


def test_keys_decide_while_it_is_on_its_way_and_its_failure_is_no_failure_to_save(desk):
    page, first = desk.page, task_after(desk, "")
    page.route("**/evidence/*", lambda route: None)  # it never comes
    second = press(page, "Enter", first)
    third = press(page, "1", second)
    page.unroute("**/evidence/*")
    page.route("**/evidence/*", lambda route: route.abort())
    press(page, "2", third)
    page.get_by_text("Saved:").wait_for()
    assert "Not saved" not in page.locator("#review-status").inner_text()


def press(page, key, task):
    """Press *key* on the card of *task*; return the address of the next."""
    page.wait_for_timeout(400)  # nobody decides in the first moment of a card
    page.keyboard.press(key)
    card = f"#task[data-task]:not([data-address='{task}'])"
    return page.wait_for_selector(card).get_attribute("data-address")
