"""Every page, light and dark: it opens, breaks nothing, and is kept as a picture to look at."""

import re

import pytest

from tests.e2e.conftest import SCREENSHOTS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PROJECT = "/p/northlight"
PAGES = {
    "home": "/",
    "help": "/help/",
    "password": "/accounts/password/",
    "new-project": "/projects/new/",
    "project": f"{PROJECT}/",
    "settings": f"{PROJECT}/settings/",
    "people": f"{PROJECT}/people/",
    "agreement": f"{PROJECT}/agreement/",
    "history": f"{PROJECT}/history/",
    "taxonomy": f"{PROJECT}/taxonomy/",
    "taxonomy-new": f"{PROJECT}/taxonomy/new/",
    "draft": f"{PROJECT}/taxonomy/draft/",
    "confusions": f"{PROJECT}/taxonomy/confusions/",
    "versions": f"{PROJECT}/taxonomy/versions/",
    "taxonomy-upload": f"{PROJECT}/taxonomy/upload/",
    "documents": f"{PROJECT}/documents/",
    "documents-found": f"{PROJECT}/documents/?q=meter&gold=no&bucket=nonsense",
    "documents-upload": f"{PROJECT}/documents/upload/",
    "review": f"{PROJECT}/review/",
    "models": f"{PROJECT}/models/",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_opens_without_a_fault(sit_down, scheme):
    admin = sit_down("admin", color_scheme=scheme)
    for name, path in PAGES.items():
        admin.go(path)
        keep(admin, f"{name}-{scheme}")
    for name, start, link in (
        ("label", f"{PROJECT}/taxonomy/", re.compile(r"/taxonomy/\d+/$")),
        ("document", f"{PROJECT}/documents/", re.compile(r"/documents/\d+/$")),
    ):
        admin.go(start)
        hrefs = admin.page.eval_on_selector_all("a[href]", "links => links.map(a => a.pathname)")
        admin.go(next(href for href in hrefs if link.search(href)))
        keep(admin, f"{name}-{scheme}")
    take_a_task(admin)
    keep(admin, f"task-{scheme}")
    admin.page.keyboard.press("?")
    keep(admin, f"keys-{scheme}")
    assert admin.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_for_strangers_and_lost_people_are_pages_too(tiebreak, browser, scheme):
    page = browser.new_page(color_scheme=scheme)
    for name, path, status in (
        ("sign-in", "/accounts/sign-in/", 200),
        ("reset", "/accounts/password/reset/", 200),
        ("not-found", "/nothing/here/", 404),
    ):
        assert page.goto(tiebreak.address + path).status == status
        page.screenshot(path=folder() / f"{name}-{scheme}.png")
        assert page.get_by_role("heading", level=1).is_visible()
    page.close()


def test_no_page_needs_more_width_than_a_telephone_has(sit_down):
    reviewer = sit_down("admin")
    reviewer.page.set_viewport_size({"width": 390, "height": 800})
    wider = {}
    take_a_task(reviewer)
    keep(reviewer, "task-narrow")
    assert reviewer.page.evaluate("document.documentElement.scrollWidth") <= 390
    for name, path in PAGES.items():
        reviewer.go(path)
        keep(reviewer, f"{name}-narrow")
        needed = reviewer.page.evaluate("document.documentElement.scrollWidth")
        if needed > 390:
            wider[name] = needed
    assert wider == {}


def take_a_task(person):
    person.go(f"{PROJECT}/review/")
    person.page.locator("#task button").first.click()
    person.page.locator("#task[data-address]").wait_for()


def folder():
    SCREENSHOTS.mkdir(exist_ok=True)
    return SCREENSHOTS


def keep(person, name):
    """Save what *person* sees as screenshots/*name*.png."""
    person.page.screenshot(path=folder() / f"{name}.png", full_page=True)
