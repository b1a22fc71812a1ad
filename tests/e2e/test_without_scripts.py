"""The desk in a browser that runs no scripts: every act is a form."""

import pytest

from tests.e2e.mailroom import REVIEW

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def newcomers(mailroom):
    names = ["noor", "omar", "pia"]
    mailroom(*names)
    return names


@pytest.fixture
def page(newcomers, sit_down):
    """A card before somebody who never sat at the desk."""
    person = sit_down(newcomers.pop(), java_script_enabled=False)
    person.go(REVIEW)
    press(person.page, "Start")
    return person.page


def press(page, name):
    page.locator("#task, #review-status").get_by_role("button", name=name).first.click()


def status(page):
    return page.locator("#review-status").inner_text()


def said(page):
    """Return what the page says of the act before."""
    return page.get_by_role("main").inner_text()


def test_the_desk_works_without_scripts(page):
    first = page.url
    press(page, "Card lost")
    assert "Saved: Card lost" in status(page)
    assert page.url != first
    press(page, "Undo")
    assert page.url == first
    assert "Undone. Choose again." in said(page)

    press(page, "Nothing fits")
    assert "Saved: nothing fits" in status(page)
    skipped = page.url
    press(page, "Skip")
    assert "Skipped." in said(page)
    assert page.url != skipped


def test_a_task_is_put_off_and_an_owner_asked_without_scripts(page):
    snoozed = page.url
    page.locator("summary", has_text="Snooze").click()
    press(page, "In a week")
    assert "Snoozed until" in said(page)
    assert page.url != snoozed

    asked = page.url
    page.locator("summary", has_text="Escalate").click()
    page.get_by_label("What should an owner decide?").fill("Which of the two?")
    page.locator("form:has(#note-escalate) button").click()
    assert "Escalated." in said(page)
    assert page.url != asked


def test_a_label_is_found_by_the_form_without_scripts(page):
    page.get_by_label("Another label").fill("matter")
    press(page, "Find")
    found = page.locator("#found button").last
    name = found.locator(".choice__name").inner_text()
    found.click()

    assert f"Saved: {name} for" in status(page)
