"""What axe finds on the pages people work at, light and dark: nothing serious."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.e2e.mailroom import shell
from tests.e2e.test_loop import PROJECT, settled, task_after
from tests.e2e.test_pages import PAGES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

REVIEW = f"{PROJECT}/review/"
LOOKED_AT = PAGES | {
    "for owners": f"{REVIEW}notes/",
    "queues": f"{PROJECT}/settings/queues/",
    "keys": "/accounts/keys/",
    "empty": "/p/bare/review/",
}
BARE = """
from django.utils import timezone
from labeling.models import Project, ReviewTask
Project.objects.get_or_create(slug="bare", defaults={"name": "Bare", "created_at": timezone.now()})
task = ReviewTask.objects.filter(project__slug="northlight", leased_by=None)
print(task.order_by("value").values_list("pk", flat=True).first())
"""
MENUS = {"c": "#note-comment:focus", "h": "button[name=until]:focus", "e": "#note-escalate:focus"}
DIALOGS = {"?": "#keys[open]", "i": "#definitions[open]", "Control+k": "#palette-field:focus"}


@pytest.fixture(scope="module")
def lost(tiebreak):
    """The address of a task that nobody holds; there is an empty project, too."""
    return f"{REVIEW}{int(shell(tiebreak, BARE))}/"


class Looking:
    """Somebody who looks at pages with axe."""

    def __init__(self, person):
        self.person, self.page = person, person.page
        self.found = {}

    def look(self, name):
        answer = Axe().run(self.page).response
        for issue in answer["violations"]:
            if issue["impact"] in {"serious", "critical"}:
                where = [" ".join(map(str, node["target"])) for node in issue["nodes"]]
                self.found[name, issue["id"]] = where[:5]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(lost, sit_down, scheme):
    looking = Looking(sit_down("admin", color_scheme=scheme))
    for name, path in LOOKED_AT.items():
        looking.person.go(path)
        looking.look(name)
    assert looking.person.faults == []
    assert looking.page.goto(looking.person.address + lost).status == 409
    looking.look("lost")

    assert looking.found == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_at_the_desk(sit_down, scheme):
    looking = Looking(sit_down("admin", color_scheme=scheme))
    page, press = looking.page, looking.page.keyboard.press
    looking.person.go(REVIEW)
    press("Enter")
    task = task_after(looking.person, "")
    looking.look("card")
    for key, opened in MENUS.items():
        press(key)
        page.wait_for_selector(opened)
        looking.look(f"card after {key}")
        page.reload()
        page.wait_for_load_state()
    press("/")
    page.keyboard.type("ca")
    page.wait_for_selector("#find-list [role=option]")
    looking.look("typeahead")
    press("Escape")
    for key, opened in DIALOGS.items():
        press(key)
        page.wait_for_selector(opened)
        looking.look(f"dialog of {key}")
        press("Escape")
        assert page.evaluate("!document.activeElement.closest('dialog')"), "keys would be lost"
        page.locator("dialog[open]").wait_for(state="detached")
    press("Enter")
    task_after(looking.person, task)
    looking.look("card after a decision")
    press("j")
    page.get_by_text("You said").wait_for()
    settled(looking.person)
    looking.look("past decision")

    assert looking.found == {}
    assert looking.person.faults == []
