"""Wrong gold in a browser: it is asked about, put right by keyboard, and that is undone."""

import pytest

from tests.e2e.conftest import SCREENSHOTS
from tests.e2e.test_loop import PROJECT, task_after

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PLANT = """
from labeling.models import GoldLabel, Label
for gold in GoldLabel.objects.gold().exclude(label=None).order_by("pk")[:40:10]:
    siblings = Label.objects.assignable().filter(project=gold.project)
    gold.label = siblings.exclude(parent=gold.label.parent).order_by("pk").first()
    gold.save(update_fields=["label"])
"""


def test_gold_that_a_model_contradicts_is_put_right_at_the_desk(tiebreak, sit_down):
    tiebreak.manage("shell", "--no-imports", "-c", PLANT)
    tiebreak.manage("refit", "--project", "northlight")
    # Not the reviewer of other tests: an undo leaves the card in the hands of who pressed it.
    reviewer = sit_down("owner")
    page = reviewer.page
    reviewer.go(f"{PROJECT}/review/")
    queue = page.locator("section.card", has=page.get_by_role("heading", name="Gold to check"))
    queue.get_by_role("button", name="Take from here").click()
    task = task_after(reviewer, "")
    assert "a model that had not seen it says" in page.locator("#why").inner_text()
    assert "stands" in page.locator(".tie__label--first").inner_text()
    SCREENSHOTS.mkdir(exist_ok=True)
    # To hide the caret playwright writes a style into the page, which htmx would carry over.
    page.screenshot(path=SCREENSHOTS / "gold-to-check.png", full_page=True, caret="initial")

    page.keyboard.press("2")
    following = task_after(reviewer, task)
    page.keyboard.press("u")
    assert task_after(reviewer, following) == task
    assert "stands" in page.locator(".tie__label--first").inner_text()
    assert reviewer.faults == []
