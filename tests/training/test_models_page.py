import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from inference import deployments
from labeling import jobs
from labeling.models import Membership
from tests.factories import (
    DeploymentFactory,
    DocumentFactory,
    GoldLabelFactory,
    LabelFactory,
    MembershipFactory,
    ModelVersionFactory,
    ProjectFactory,
    TrainingRunFactory,
)
from training.models import DatasetSnapshot, ModelVersion, TrainingRun

pytestmark = pytest.mark.django_db

MODELS = "/p/support/models/"
RECIPE = {"stages": ["hierarchy", "fine_tune"], "epochs": 2, "train_after": 0}
OPEN = {"gate": "No leaks", "passed": True, "reason": "None found."}
SHUT = {"gate": "Top-1 better", "passed": False, "reason": "Top-1 fell by two points."}
Status = TrainingRun.Status


@pytest.fixture
def client(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def worker():
    cache.set(jobs.HEARTBEAT, 1, 30)
    yield
    cache.delete(jobs.HEARTBEAT)


@pytest.fixture
def gold(project):
    label = LabelFactory(project=project, name="Refund")
    for _ in range(20):
        GoldLabelFactory(document=DocumentFactory(project=project), label=label)
    return label


def version(project, gates, **fields):
    return ModelVersionFactory(
        project=project, gates=gates, metrics={"top1": 0.912, "ece": 0.03}, **fields
    )


@pytest.mark.parametrize("role", [Membership.Role.REVIEWER, Membership.Role.OWNER, None])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("post", "train/"),
        ("get", "runs/{run}/"),
        ("post", "runs/{run}/cancel/"),
        ("post", "1/promote/"),
        ("post", "roll-back/"),
        ("post", "gates/"),
    ],
)
def test_the_models_exist_for_admins_alone(client, project, outsider, role, method, path):
    version(project, [OPEN], number=1)
    run = TrainingRunFactory(project=project)
    if role:
        MembershipFactory(project=project, user=outsider, role=role)
    client.force_login(outsider)

    answer = getattr(client, method)(MODELS + path.format(run=run.pk))
    assert answer.status_code == 404
    assert not deployments.champion(project)


def test_a_run_of_another_project_is_not_found_here(client, project):
    run = TrainingRunFactory(project=ProjectFactory(slug="elsewhere"))
    assert client.get(f"{MODELS}runs/{run.pk}/").status_code == 404


def test_the_page_shows_versions_with_their_gates(client, project):
    version(project, [OPEN, SHUT])
    page = client.get(MODELS)

    assert "91.2" in page.text
    assert "Top-1 fell by two points." in page.text
    assert "Promote" not in page.text.split("Versions")[1].split("Runs")[0].replace(
        '<span class="visually-hidden">Promote</span>', ""
    )


def test_an_empty_project_says_what_comes_first(client, project):
    page = client.get(MODELS)
    assert page.status_code == 200
    assert "Nothing serves yet." in page.text


def test_page_cost_does_not_grow_with_its_rows(client, project, gold, django_assert_num_queries):
    for number in range(1, 31):
        run = TrainingRunFactory(project=project, status=Status.DONE)
        one = version(project, [OPEN, SHUT], number=number, run=run)
        DeploymentFactory(project=project, bundle=one.bundle, until=timezone.now())
        LabelFactory(project=project)

    with django_assert_num_queries(17):
        client.get(MODELS)


def test_one_click_promotes_what_passed(client, project):
    one = version(project, [OPEN])
    answer = client.post(f"{MODELS}{one.number}/promote/")

    assert answer.status_code == 302
    assert deployments.champion(project).bundle == one.bundle


def test_a_shut_gate_is_a_conflict_with_its_reason(client, project):
    DeploymentFactory(project=project)
    one = version(project, [SHUT])
    answer = client.post(f"{MODELS}{one.number}/promote/")

    assert answer.status_code == 409
    assert "Top-1 fell by two points." in answer.text
    assert deployments.champion(project).bundle == "a" * 64


def test_one_click_rolls_back(client, project):
    for one in (version(project, [OPEN]), version(project, [OPEN])):
        client.post(f"{MODELS}{one.number}/promote/")
    shown = client.get(MODELS).text
    assert f'name="serving" value="{one.bundle}"' in shown
    client.post(f"{MODELS}roll-back/", {"serving": one.bundle})
    again = client.post(f"{MODELS}roll-back/", {"serving": one.bundle})

    assert deployments.champion(project).bundle == ModelVersion.objects.last().bundle
    assert again.status_code == 409
    assert "Another model serves by now" in again.text


def test_rolling_back_to_nothing_is_a_conflict(client, project):
    one = DeploymentFactory(project=project)
    answer = client.post(f"{MODELS}roll-back/", {"serving": one.bundle})
    assert answer.status_code == 409
    assert "no former champion" in answer.text


def test_training_starts_and_leads_to_its_run(client, project, gold, worker):
    answer = client.post(f"{MODELS}train/", RECIPE)
    run = TrainingRun.objects.get()

    assert answer.url == f"{MODELS}runs/{run.pk}/"
    assert run.parameters["epochs"] == 2
    assert run.parameters["stages"] == ["fine_tune", "hierarchy"]


def test_without_a_worker_training_is_refused_with_the_reason(client, project, gold):
    cache.delete(jobs.HEARTBEAT)  # of a worker that another test had
    answer = client.post(f"{MODELS}train/", RECIPE)

    assert answer.status_code == 409
    assert "No worker is running" in answer.text
    assert not TrainingRun.objects.exists()
    assert not project.recipes.exists()


def test_with_too_little_gold_training_is_refused_with_the_reason(client, project, worker):
    answer = client.post(f"{MODELS}train/", RECIPE)

    assert answer.status_code == 409
    assert "a run needs at least 20" in answer.text


def test_what_was_trained_with_is_the_projects_recipe(client, project, gold, worker):
    client.post(f"{MODELS}train/", RECIPE | {"train_after": 300})
    edition = project.recipes.get()
    assert (edition.number, edition.train_after) == (1, 300)
    assert edition.values["stages"] == ["fine_tune", "hierarchy"]
    page = client.get(MODELS).content.decode()
    assert re.search(r'value="hierarchy"[^>]* checked', page)
    assert not re.search(r'value="silver"[^>]* checked', page)
    assert 'name="train_after" value="300"' in page


def test_a_recipe_can_be_saved_without_training(client, project, gold):
    answer = client.post(f"{MODELS}train/", RECIPE | {"only_save": "1"}, follow=True)
    page = answer.content.decode()
    assert "Saved. The next run follows it." in page
    assert "Recipe: fine-tuning, hierarchy weights; 2 epochs" in page
    assert project.recipes.count() == 1
    assert not project.runs.exists()


def test_two_people_do_not_overwrite_each_other_s_recipe(client, admin, project, gold):
    save = RECIPE | {"only_save": "1", "seen": 0}  # both opened the page before any was saved
    client.post(f"{MODELS}train/", save)
    same = client.post(f"{MODELS}train/", save)
    assert same.status_code == 302  # a double click changes nothing

    answer = client.post(f"{MODELS}train/", save | {"epochs": 7})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert f"{admin.username} changed the recipe since you opened this page" in page
    assert 'name="epochs" value="7"' in page
    assert 'name="seen" value="1"' in page  # sent again it holds
    assert project.recipes.count() == 1
    assert client.post(f"{MODELS}train/", save | {"epochs": 7, "seen": 1}).status_code == 302
    assert project.recipes.first().values["epochs"] == 7


def test_a_recipe_without_any_stage_is_refused(client, project, gold, worker):
    answer = client.post(f"{MODELS}train/", RECIPE | {"stages": []})
    assert answer.status_code == 422
    assert "Choose at least one" in answer.content.decode()
    assert not project.runs.exists()
    assert not project.recipes.exists()


def test_a_senseless_number_of_epochs_is_refused(client, project, gold, worker):
    assert client.post(f"{MODELS}train/", RECIPE | {"epochs": 0}).status_code == 422


def test_a_second_run_is_refused_while_one_is_under_way(client, project, gold, worker):
    TrainingRunFactory(project=project)
    assert client.post(f"{MODELS}train/", RECIPE).status_code == 409


def test_new_gold_since_the_last_run_is_counted(client, project, gold):
    frozen_at = timezone.now() + timedelta(minutes=1)
    snapshot = DatasetSnapshot.objects.create(
        project=project,
        digest="c" * 64,
        taxonomy_version=project.taxonomy_versions.create(number=1, published_at=frozen_at),
        rows=[],
        frozen_at=frozen_at,
    )
    run = TrainingRunFactory(project=project, status=Status.DONE, snapshot=snapshot)
    GoldLabelFactory(
        document=DocumentFactory(project=project),
        label=gold,
        granted_at=frozen_at + timedelta(minutes=1),
    )
    page = client.get(MODELS)

    assert f"<dt>new since run {run.pk}</dt><dd>1</dd>" in page.text


def test_a_running_run_refreshes_itself_and_a_finished_one_rests(client, project):
    run = TrainingRunFactory(
        project=project,
        status=Status.RUNNING,
        stage="Fine-tuning the encoder",
        step=30,
        steps=90,
        hit_at_5=0.951,
        seconds_left=240,
    )
    live = client.get(f"{MODELS}runs/{run.pk}/").text
    TrainingRun.objects.update(status=Status.DONE)
    resting = client.get(f"{MODELS}runs/{run.pk}/").text

    assert 'hx-trigger="every 1s"' in live
    assert "Fine-tuning the encoder, about 4 minutes left." in live
    assert "hx-trigger" not in resting


def test_htmx_gets_the_moving_part_alone(client, project):
    run = TrainingRunFactory(project=project)
    part = client.get(f"{MODELS}runs/{run.pk}/", headers={"HX-Request": "true"}).text

    assert part.lstrip().startswith("<div")
    assert "<main" not in part


def test_the_report_shows_both_models_with_intervals(client, project):
    both = {"top1": 0.91, "hit_at_5": 0.98, "ece": 0.02}
    bounds = {"value": 0.91, "low": 0.9, "high": 0.92}
    run = TrainingRunFactory(
        project=project,
        status=Status.DONE,
        curve=[
            {
                "step": 0,
                "epoch": 0,
                "loss": None,
                "hit_at_1": 0.7,
                "hit_at_5": 0.9,
                "right_label_cosine": 0.6,
            },
            {
                "step": 9,
                "epoch": 1,
                "loss": 1.2,
                "hit_at_1": 0.8,
                "hit_at_5": 0.95,
                "right_label_cosine": 0.7,
            },
        ],
        report={
            "documents": {"train": 700, "validation": 100, "test": 200},
            "champion": both,
            "challenger": {**both, "top1": 0.93},
            "intervals": {"champion": {"top1": bounds}, "challenger": {}},
            "differences": {"top1": {"value": 0.02, "low": -0.01, "high": 0.05}},
            "labels": [],
            "gates": [OPEN, SHUT],
            "passed": False,
            "promoted": False,
            "diagnosis": [{"cause": "Plateau", "evidence": "Flat.", "advice": "Stop tuning."}],
            "note": "Said in a note.",
        },
    )
    page = client.get(f"{MODELS}runs/{run.pk}/").text

    assert "90.00 % to 92.00 %" in page
    assert "\N{MINUS SIGN}1.00 to +5.00" in page
    assert "the champion goes on serving" in page
    assert "Plateau" in page
    assert '<polyline points="8.0,172.0 632.0,8.0"' in page
    assert "style=" not in page


def test_cancelling_from_the_page(client, project, admin):
    run = TrainingRunFactory(project=project)
    client.post(f"{MODELS}runs/{run.pk}/cancel/")

    run.refresh_from_db()
    assert run.status == Status.CANCELLED


def test_a_failure_is_shown_in_words(client, project):
    run = TrainingRunFactory(project=project, status=Status.FAILED, error="The disk is full.")
    assert "The disk is full." in client.get(f"{MODELS}runs/{run.pk}/").text
