"""Owners move labels in the tree, by keyboard and by pointer; what they drop waits in the draft."""

import json

import pytest
from playwright.sync_api import expect

from tests.e2e.mailroom import shell
from tests.e2e.test_owners_hour import OWNER

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TREE = "/p/grove/taxonomy/"
LABELS = [
    {"id": "cards", "name": "Cards", "assignable": False},
    {"id": "lost", "name": "Card lost", "parent": "cards"},
    {"id": "abroad", "name": "Lost abroad", "parent": "lost"},
    {"id": "money", "name": "Money <i>& more</i>", "assignable": False},
    {"id": "fee", "name": "Fee", "parent": "money"},
    {"id": "other", "name": "Other"},
]
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
FOREST = "/p/forest/taxonomy/"
MANY = """
from labeling.models import Label, Project
project = Project.objects.get(slug="forest")
top = Label.objects.create(project=project, key="many", name="Many", position=9)
Label.objects.bulk_create(
    Label(project=project, key=f"m{n}", name=f"Many {n}", parent=top, position=10 + n)
    for n in range(400)
)
"""
RETIRED = """
from labeling.models import Label
Label.objects.filter(project__slug="grove", key="fee").update(retired_at={})
"""


@pytest.fixture(scope="module")
def grove(tiebreak):
    labels = tiebreak.state / "grove.json"
    labels.write_text(json.dumps(LABELS))
    for slug in ("grove", "forest"):
        tiebreak.manage("import_taxonomy", str(labels), "--project", slug, "--name", slug.title())
        shell(tiebreak, OWNER.replace('"studio"', f'"{slug}"'))
    shell(tiebreak, MANY)


@pytest.fixture
def page(grove, sit_down):
    person = sit_down("owner")
    person.go(TREE)
    yield person.page
    empty_the_draft(person.page)
    wanted = ("status of 422", "ERR_FAILED", "htmx:")  # where a drop is refused, or lost
    assert [fault for fault in person.faults if not any(map(fault.count, wanted))] == []


def empty_the_draft(page):
    page.goto(page.url.partition("/taxonomy")[0] + "/taxonomy/draft/")
    if page.get_by_role("button", name="Empty the draft").count():
        page.get_by_role("button", name="Empty the draft").click()
        page.get_by_text("The draft is empty").wait_for()


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def focused(page):
    return page.evaluate("document.activeElement.textContent")


def label(page, name):
    return page.locator("#tree").get_by_role("link", name=name, exact=True)


def said(page, text):
    expect(page.locator("#moves")).to_contain_text(text, timeout=30_000)


def row_of(page, name):
    return page.locator(".tree__row", has=page.get_by_role("link", name=name, exact=True))


def carry(page, name, onto):
    """Drag a label by its handle onto something else, and leave it in hand there."""
    row = row_of(page, name)
    row.hover()
    for place, act in ((row.locator(".tree__handle"), page.mouse.down), (onto, lambda: None)):
        box = place.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=6)
        act()


def test_the_tree_is_walked_by_arrows_and_is_one_stop_for_tab(page):
    page.get_by_role("searchbox").focus()
    press(page, "Tab")
    assert focused(page) == "Cards"
    press(page, "ArrowDown", "ArrowDown", "ArrowDown")
    assert focused(page) == "Money <i>& more</i>"
    press(page, "ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert focused(page) == "Cards"
    press(page, "ArrowLeft", "ArrowDown")  # closed: what is below is passed over
    assert focused(page) == "Money <i>& more</i>"
    page.locator("#tree a[aria-expanded=false]", has_text="Cards").wait_for()
    press(page, "Home", "ArrowRight", "ArrowRight")
    assert focused(page) == "Card lost"
    press(page, "End")
    assert focused(page) == "Other"
    press(page, "Tab")
    assert not page.locator("#tree :focus").count()


def test_a_label_is_moved_by_keyboard_and_taken_back(page):
    label(page, "Fee").focus()
    press(page, "m")
    said(page, "Moving Fee. Go to a label")
    press(page, "Home", "ArrowDown")
    said(page, "Fee under Card lost? Enter drops it.")
    press(page, "Enter")
    said(page, "Moved Fee under Card lost in the draft.")
    assert focused(page) == "Fee"
    page.get_by_text("moves in the draft").wait_for()

    label(page, "Card lost").focus()
    press(page, "m", "ArrowDown")
    said(page, "Card lost cannot stand under Lost abroad")
    press(page, "Enter")
    said(page, "Card lost cannot stand under Lost abroad")
    press(page, "Escape")
    said(page, "Let go; nothing was moved.")
    press(page, "m", "t")
    said(page, "Moved Lost abroad to the top in the draft.")
    page.get_by_role("button", name="Undo the move").click()
    said(page, "It is out of the draft again.")

    page.locator("#moves").get_by_role("link", name="Look at the draft").click()
    page.get_by_text("Move Fee under Card lost", exact=True).wait_for()
    assert not page.get_by_text("Lost abroad").count()


def test_a_label_is_dragged_under_another_and_to_the_top(page):
    carry(page, "Other", label(page, "Money <i>& more</i>"))
    said(page, "Other under Money <i>& more</i>? Let go to drop it.")
    page.mouse.up()
    said(page, "Moved Other under Money <i>& more</i> in the draft.")

    carry(page, "Card lost", page.get_by_role("button", name="Drop at the top"))
    page.mouse.up()
    said(page, "Moved Card lost to the top in the draft.")

    carry(page, "Fee", page.get_by_role("searchbox"))
    page.mouse.up()
    said(page, "Let go; nothing was moved.")
    assert page.get_by_text("moves in the draft").count() == 2

    row_of(page, "Fee").hover()
    row_of(page, "Fee").locator(".tree__handle").click()
    label(page, "Card lost").click()  # without dragging
    said(page, "Moved Fee under Card lost in the draft.")


def test_in_a_low_window_the_top_stays_under_the_label_in_hand(page):
    page.set_viewport_size({"width": 1280, "height": 330})
    page.mouse.wheel(0, 10_000)
    page.wait_for_function("scrollY > 100")
    carry(page, "Other", page.get_by_role("button", name="Drop at the top"))
    scrolled = page.evaluate("scrollY")
    page.evaluate(FRAMES)
    assert page.evaluate("scrollY") == scrolled
    page.mouse.up()
    said(page, "Other stands at the top already.")


def test_a_drop_waits_for_the_one_before_it_and_the_head_tells_both(page):
    held = []
    page.route("**/taxonomy/move/", lambda route: held.append(route), times=1)
    label(page, "Fee").focus()
    press(page, "m", "t")
    label(page, "Lost abroad").focus()
    press(page, "m", "t")
    said(page, "The last move is not stored yet.")
    held[0].continue_()
    expect(page.get_by_role("link", name="Draft, 1 change", exact=True)).to_be_visible()
    page.get_by_role("button", name="Drop at the top").click()
    said(page, "Moved Lost abroad to the top in the draft.")
    expect(page.get_by_role("link", name="Draft, 2 changes")).to_be_visible()


def test_in_a_large_tree_a_closed_branch_opens_under_the_label_in_hand(page):
    page.goto(page.url.replace(TREE, FOREST))
    assert not label(page, "Many 7").count()
    label(page, "Many").focus()
    press(page, "ArrowRight")
    label(page, "Many 399").wait_for()
    press(page, "ArrowRight", "m")
    said(page, "Moving Many 0.")
    carry(page, "Other", label(page, "Cards"))
    label(page, "Card lost").wait_for()
    box = label(page, "Card lost").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.up()
    said(page, "Moved Other under Card lost in the draft.")


def test_what_cannot_be_stored_is_said(page):
    page.route("**/taxonomy/move/", lambda route: route.abort())
    label(page, "Fee").focus()
    press(page, "m", "t")
    said(page, "Not stored: no answer. Try again.")
    assert not page.locator(".tree__moves").count()


def test_what_an_answer_refuses_is_shown(page, tiebreak):
    shell(tiebreak, RETIRED.format("'2026-01-01'"))
    label(page, "Fee").focus()
    press(page, "m", "t")
    said(page, "“Fee” is retired. Restore it first.")
    assert not page.locator(".tree__moves").count()
    shell(tiebreak, RETIRED.format("None"))
