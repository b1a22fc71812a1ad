import pytest
from django.core.management import call_command

from inference import deployments
from labeling.demo.generator import generate
from labeling.models import AuditEntry, Membership, Project
from training.demo import one_of_each_label_first

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def load(capsys):
    def run():
        call_command("load_demo", mails=70, gold=25)
        return capsys.readouterr().out

    return run


def test_a_first_sign_in_finds_predictions_and_a_filled_queue(load):
    load()
    project = Project.objects.get()
    opened = project.documents.open().count()
    assert project.documents.count() == 70
    assert project.documents.exclude(gold_at=None).count() == 25
    assert project.predictions.current().count() == opened
    assert project.tasks.open().count() >= opened * 0.8
    assert deployments.champion(project) is not None


def test_each_of_the_three_has_a_role(load):
    load()
    roles = Membership.objects.values_list("user__username", "role")
    assert set(roles) == {("reviewer", "reviewer"), ("owner", "owner"), ("admin", "admin")}


def test_a_second_run_changes_nothing_and_says_where_sign_ins_come_from(load):
    first = load()
    before = AuditEntry.objects.count()
    second = load()
    assert "Sign in as" in first
    assert "Sign in as" not in second
    assert "demo_passwords" in second
    assert AuditEntry.objects.count() == before


def test_a_run_that_was_broken_off_is_taken_up(load):
    load()
    project = Project.objects.get()
    AuditEntry.objects.filter(act="loaded the demo project").delete()
    project.predictions.all().delete()
    load()
    assert project.documents.count() == 70
    assert project.taxonomy_versions.count() == 1
    assert project.predictions.current().count() == project.documents.open().count()


def test_gold_shows_every_label_before_any_a_second_time():
    mails = list(generate(400, seed=1))
    chosen = list(one_of_each_label_first(mails))
    labels = [mail.labels for mail in chosen]
    kinds = set(labels)
    assert set(labels[: len(kinds)]) == kinds
    assert () not in kinds
