"""Many documents are decided at once, by keyboard alone, and all of that is taken back."""

import re

import pytest

from tests.e2e.test_loop import PROJECT, figure

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
CHECKED = "[name=task]:checked"


@pytest.fixture
def owner(sit_down):
    return sit_down("owner")


def open_first_label(person):
    """Go from the desk to the documents of the label predicted most often."""
    page = person.page
    person.go(f"{PROJECT}/review/")
    page.keyboard.press("b")
    page.get_by_role("heading", name="Bulk").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("#bulk").wait_for()
    page.wait_for_load_state()
    return page.locator(CHECKED).count()


def test_a_batch_is_looked_through_given_and_undone_by_keyboard(owner):
    page, before = owner.page, figure(owner, "gold")
    shown = open_first_label(owner)
    assert shown > 2
    for key in ("j", "j", "Space"):
        page.keyboard.press(key)
    assert page.locator(CHECKED).count() == shown - 1
    assert f"to {shown - 1} document" in page.locator("#bulk [type=submit]").inner_text()
    page.keyboard.press("Enter")
    page.get_by_text(re.compile(f"^{shown - 1} documents? decided")).wait_for()
    assert figure(owner, "gold") == before + shown - 1

    owner.go(f"{PROJECT}/review/bulk/")
    page.keyboard.press("u")
    page.get_by_text(re.compile(f"^{shown - 1} decisions? undone")).wait_for()
    assert figure(owner, "gold") == before
    assert owner.faults == []


def test_one_key_checks_all_or_none_and_nothing_checked_gives_nothing(owner):
    page, shown = owner.page, open_first_label(owner)
    page.keyboard.press("a")

    assert page.locator(CHECKED).count() == 0
    assert page.locator("#bulk [type=submit]").is_disabled()
    page.keyboard.press("Enter")
    page.keyboard.press("a")
    assert page.locator(CHECKED).count() == shown


def test_one_box_checks_all_of_a_group_and_shows_that_only_some_are(owner):
    page, _ = owner.page, open_first_label(owner)
    group = page.locator("fieldset").last
    whole, own = group.locator("[data-group]"), group.locator("[name=task]").count()
    whole.focus()
    page.keyboard.press("Space")
    assert group.locator(CHECKED).count() == 0
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert group.locator(CHECKED).count() == 1
    assert whole.evaluate("box => box.indeterminate") == (own > 1)
    page.keyboard.press("a")

    assert group.locator(CHECKED).count() == own


def test_without_scripts_it_is_a_form(sit_down):
    person = sit_down("owner", java_script_enabled=False)
    person.go(f"{PROJECT}/review/bulk/")
    person.page.locator("[data-moves]").last.click()
    person.page.get_by_role("button", name=re.compile("^Give .* to those checked")).click()
    person.page.get_by_text(re.compile(r"^\d+ documents? decided")).wait_for()
    person.page.get_by_role("button", name=re.compile("^Undo")).click()

    person.page.get_by_text(re.compile(r"^\d+ decisions? undone")).wait_for()
    assert not person.page.get_by_text("Your last batch").count()
