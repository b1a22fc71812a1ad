"""Of some labels only one can be given: choosing one unticks the other, by keyboard, too."""

import json

import pytest

from tests.e2e.mailroom import shell
from tests.e2e.test_loop import task_after

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

DESK = "/p/several/review/"
LABELS = [
    {"id": "urgency", "name": "Urgency", "assignable": False, "only_one": True},
    {"id": "high", "name": "High", "parent": "urgency", "description": "At once."},
    {"id": "today", "name": "Today", "parent": "high", "description": "Within the day."},
    {"id": "low", "name": "Low", "parent": "urgency", "description": "Whenever."},
    {"id": "money", "name": "Money", "description": "About money."},
]
WAITING = """
from django.contrib.auth.models import User
from labeling import queues
from labeling.models import Membership, Project
from tests.factories import DocumentFactory, PredictionFactory, ReviewTaskFactory
project = Project.objects.get(slug="several")
person = User.objects.get(username="reviewer")
Membership.objects.get_or_create(project=project, user=person, role="reviewer")
labels = {label.key: label for label in project.labels.all()}
ranked = [labels[key] for key in ("high", "money", "low")]
queue = queues.ensure(project)["ambiguous"]
for n in range(6):
    document = DocumentFactory(project=project, subject=f"Letter {n}", text=f"Money, {n} times.")
    made = PredictionFactory(
        document=document,
        first=ranked[0],
        candidates=[[label.pk, 0.5, 1.0, 0.6 - 0.1 * n] for n, label in enumerate(ranked)],
        label_ids=[label.pk for label in reversed(ranked)],
    )
    ReviewTaskFactory(document=document, prediction=made, queue=queue)
"""


@pytest.fixture(scope="module")
def several(tiebreak):
    labels = tiebreak.state / "several.json"
    labels.write_text(json.dumps(LABELS))
    kind = ("--name", "Several", "--kind", "multi")
    tiebreak.manage("import_taxonomy", str(labels), "--project", "several", *kind)
    shell(tiebreak, WAITING)


def ticked(page):
    boxes = page.locator("#decision .choice:has(input:checked) .choice__name")
    return sorted(boxes.all_inner_texts())


def test_choosing_one_unticks_the_other_and_says_so(several, sit_down):
    person = sit_down("reviewer")
    page = person.page
    person.go(DESK)
    page.wait_for_load_state()
    page.keyboard.press("Enter")
    task_after(person, "")
    assert ticked(page) == ["High", "Money"]

    page.keyboard.press("3")
    assert ticked(page) == ["Low", "Money"]
    assert page.get_by_text("Unticked High: only one of these is given.").is_visible()
    page.keyboard.press("/")
    page.keyboard.type("today")
    page.wait_for_selector("#find-list [role=option]")
    page.keyboard.press("Enter")
    assert ticked(page) == ["Money", "Today"]
    page.keyboard.press("1")  # it stands above
    assert ticked(page) == ["High", "Money", "Today"]
    page.reload()
    page.wait_for_load_state()
    assert ticked(page) == ["High", "Money", "Today"]
    page.keyboard.press("Enter")
    page.get_by_text("Saved:").wait_for()
    assert person.faults == []


def test_without_scripts_both_are_refused_and_kept(several, sit_down):
    person = sit_down("reviewer", java_script_enabled=False)
    page = person.page
    person.go(DESK)
    page.locator("main form button").first.click()
    for name in ("High", "Low"):
        page.get_by_role("checkbox", name=name).check()
    page.get_by_role("button", name="Save").click()

    refused = page.get_by_text("Give either High or Low: only one of the labels under Urgency.")
    assert refused.is_visible()
    assert {"High", "Low"} <= set(ticked(page))
