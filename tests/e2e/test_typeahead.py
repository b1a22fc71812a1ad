"""Finding a label at the desk by typing; the mouse is never touched."""

import json

import pytest

from tests.e2e.test_loop import settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HOSTILE = "<img src=x onerror=alert(1)>"
LABELS = [
    {"id": "group", "name": "Payments", "assignable": False},
    {"id": "evil", "name": HOSTILE, "parent": "group", "description": f"{HOSTILE} & more"},
    {"id": "top", "name": "Top-up reverted", "parent": "group", "aliases": ["Gone <b>back</b>"]},
    {"id": "fee", "name": "Überweisung: Gebühr", "parent": "group"},
    {"id": "late", "name": "退款延迟", "parent": "group"},
    {"id": "stop", "name": "إلغاء التحويل", "parent": "group"},
]
MEMBER = """
from django.contrib.auth.models import User
from labeling.models import Membership, Project
person = User.objects.get(username="reviewer")
Membership.objects.create(project=Project.objects.get(slug="odd"), user=person, role="reviewer")
"""


@pytest.fixture(scope="module")
def odd(tiebreak):
    """A project of odd labels with documents to review."""
    labels, documents = tiebreak.state / "odd.json", tiebreak.state / "odd.jsonl"
    labels.write_text(json.dumps(LABELS))
    rows = [{"id": f"{n}", "text": f"Where is the money of {n} days ago?"} for n in range(12)]
    documents.write_text("\n".join(map(json.dumps, rows)))
    tiebreak.manage("import_taxonomy", str(labels), "--project", "odd", "--name", "Odd")
    tiebreak.manage("import_documents", str(documents), "--project", "odd")
    tiebreak.manage("shell", "--verbosity", "0", "--command", MEMBER)


@pytest.fixture
def desk(odd, sit_down):
    """A reviewer before a card of the project of odd labels."""
    reviewer = sit_down("reviewer")
    reviewer.page.on("dialog", lambda dialog: reviewer.faults.append(dialog.message))
    reviewer.go("/p/odd/review/")
    with reviewer.page.expect_response(lambda answer: answer.url.endswith("/labels/usage/")):
        reviewer.page.keyboard.press("Enter")
        reviewer.page.locator("#find").wait_for()
    yield reviewer
    assert reviewer.faults == []


def options(desk):
    desk.page.locator("#find-list [role=option]").first.wait_for()
    return desk.page.locator("#find-list .find__name").all_inner_texts()


def saved(desk):
    """Wait until a decision stands, and return what the line of the desk says of it."""
    settled(desk)
    line = desk.page.locator(".desk-status__what")
    line.wait_for()
    return line.inner_text()


def value(desk):
    return desk.page.locator("#find").input_value()


def test_a_letter_that_is_no_key_opens_the_list_and_enter_decides(desk):
    desk.page.keyboard.type("tr")
    assert (value(desk), options(desk)[0]) == ("tr", "Top-up reverted")
    desk.page.keyboard.press("Enter")

    assert "Top-up reverted" in saved(desk)


def test_letters_that_are_keys_keep_their_meaning_and_open_the_list_with_shift(desk):
    desk.page.keyboard.press("Shift+U")
    desk.page.keyboard.type("be")
    assert (value(desk), options(desk)[0]) == ("Ube", "Überweisung: Gebühr")
    desk.page.keyboard.press("Escape")
    here = desk.page.url
    desk.page.keyboard.press("s")
    desk.page.wait_for_url(lambda url: url != here)

    settled(desk)
    assert "Skipped" in desk.page.locator("#review-status").inner_text()


def test_arrows_choose_and_escape_gives_the_keys_back(desk):
    desk.page.keyboard.type("/p")
    first, second, *_ = options(desk)
    assert desk.page.locator("[aria-selected=true] .find__name").inner_text() == first
    desk.page.keyboard.press("ArrowDown")
    assert desk.page.locator("[aria-selected=true] .find__name").inner_text() == second
    active = desk.page.locator("#find").get_attribute("aria-activedescendant")
    assert desk.page.locator(f"#{active} .find__name").inner_text() == second
    desk.page.keyboard.press("Escape")

    assert desk.page.locator("#find-list").is_hidden()
    assert desk.page.evaluate("document.activeElement === document.body")


def test_before_anything_is_typed_the_last_labels_stand_and_enter_chooses_none(desk):
    desk.page.keyboard.type("top")
    options(desk)
    desk.page.keyboard.press("Enter")
    saved(desk)
    here = desk.page.url
    desk.page.keyboard.press("/")
    assert options(desk)[0] == "Top-up reverted"
    desk.page.keyboard.press("Enter")
    assert desk.page.url == here
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(lambda url: url != here)

    assert "Top-up reverted" in saved(desk)


def test_names_and_aliases_that_look_like_markup_stay_text(desk):
    desk.page.keyboard.type("/img")
    assert options(desk)[0] == HOSTILE
    assert desk.page.locator("#find-list mark").first.inner_text() == "img"
    desk.page.locator("#find").fill("back")
    desk.page.locator(".find__alias").wait_for()
    assert desk.page.locator(".find__alias").inner_text() == "Gone <b>back</b>"
    desk.page.locator("#find").fill("<b>zzz")
    desk.page.locator(".find__nothing").wait_for()

    assert "No label has “<b>zzz”" in desk.page.locator(".find__nothing").inner_text()
    assert desk.page.locator("#find-list :is(img, b)").count() == 0


@pytest.mark.parametrize(
    ("typed", "name"),
    [("延迟", "退款延迟"), ("تحويل", "إلغاء التحويل"), ("gebuhr", LABELS[3]["name"])],
)
def test_labels_of_any_alphabet_are_found(desk, typed, name):
    desk.page.keyboard.press("/")
    desk.page.keyboard.insert_text(typed)

    assert options(desk)[0] == name
