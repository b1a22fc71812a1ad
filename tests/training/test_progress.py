import pytest
from django.db import OperationalError
from django.db.models import QuerySet
from django.utils import timezone

from tests.factories import TrainingRunFactory
from training import progress
from training.models import TrainingRun
from training.progress import Progress

pytestmark = pytest.mark.django_db

MEASURED = {"hit_at_1": 0.8, "hit_at_5": 0.95, "right_label_cosine": 0.6}


@pytest.fixture
def run(project):
    return TrainingRunFactory(
        project=project,
        status=TrainingRun.Status.RUNNING,
        process="here:1",
        heartbeat_at=timezone.now(),
    )


@pytest.fixture
def unthrottled(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0)


def stored():
    return TrainingRun.objects.get()


def test_a_stage_is_shown_at_once(run):
    Progress(run).stage("Fine-tuning the encoder", steps=40)
    assert (stored().stage, stored().step, stored().steps) == ("Fine-tuning the encoder", 0, 40)


def test_steps_carry_loss_and_time_left(run, unthrottled):
    told = Progress(run)
    told.logged(1.25)
    told.stepped(1, 10)
    told.stepped(5, 10)

    assert (stored().step, stored().steps, stored().loss) == (5, 10, 1.25)
    assert stored().seconds_left >= 0


def test_steps_within_a_second_are_written_once(run, django_assert_num_queries):
    told = Progress(run)
    with django_assert_num_queries(2):  # the write and the look for a cancellation
        for step in range(1, 50):
            told.stepped(step, 50)


def test_an_evaluation_adds_a_point_to_the_curve(run):
    told = Progress(run)
    told.evaluated(0, 0.0, MEASURED)
    told.logged(1.5)
    told.evaluated(10, 0.5, MEASURED)

    assert [(point["step"], point["loss"]) for point in stored().curve] == [(0, None), (10, 1.5)]
    assert stored().hit_at_5 == 0.95


def test_steps_done_again_after_a_resumption_replace_their_points(run):
    run.curve = [{"step": 10, "hit_at_5": 0.9}, {"step": 20, "hit_at_5": 0.1}]
    Progress(run).evaluated(20, 1.0, MEASURED)

    assert [(point["step"], point["hit_at_5"]) for point in stored().curve] == [
        (10, 0.9),
        (20, 0.95),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_told_with_the_next_word(run, monkeypatch):
    progress = Progress(run)
    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "update", refused)
        progress.stage("Fitting the head", 7)
        progress.beat()
    progress.beat()

    assert (stored().stage, stored().steps) == ("Fitting the head", 7)


def refused(*_, **__):
    raise OperationalError("database is locked")
