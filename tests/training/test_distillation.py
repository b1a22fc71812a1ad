"""What a cross-encoder thinks reaches the encoder, and nothing that is held out does."""

from dataclasses import replace

import numpy as np
import pytest
from django.utils import timezone

from tests.factories import DocumentFactory
from tests.training.small import build_project, text_of, train
from training import distillation, executor, runs, schedule, stages
from training.examples import Opinions
from training.models import TrainingRun
from training.progress import Progress
from training.splits import Split

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of torch and the trainer, at import and in training
    pytest.mark.usefixtures("one_connection"),
]


def begun(project, **parameters):
    """Return what a run of this project makes its contenders by."""
    asked = train(project, stages=["fine_tune", "distil"], **{"rerank_epochs": 1, **parameters})
    run = schedule.claim(asked.pk, process=schedule.this_process(), now=timezone.now())
    return runs.course_of(run, runs.gather(project, seed=0), Progress(run))


@pytest.fixture
def project(small_encoder):
    project = build_project(small_encoder, mails=60)
    for number in range(60):
        DocumentFactory(project=project, subject="", text=text_of("Card", 900 + number))
    return project


def test_half_of_what_is_read_is_open_and_nothing_held_out(project):
    course = begun(project, distil_documents=40)
    material = course.material
    texts, opinions = distillation.heard(course, stages.contender(material, material.base))

    training = set(material.examples.part(Split.TRAIN).texts)
    around = set(material.pool[1::2])
    assert len(texts) == 40
    assert sum(text in around for text in texts.texts) == 20
    assert set(texts.texts) <= training | around
    assert not texts.targets.any()  # what gold says is learnt besides
    assert opinions.columns.shape == opinions.logits.shape == (40, len(material.terms.labels))
    assert len(np.unique(opinions.logits)) > 40


def test_where_documents_of_one_kind_are_few_the_other_fills_up(project):
    course = begun(project, distil_documents=100)
    material = course.material
    texts, _ = distillation.heard(course, stages.contender(material, material.base))
    assert len(texts) == 100
    assert sum(text in set(material.pool[1::2]) for text in texts.texts) == 30


def test_what_was_read_is_not_read_again_when_a_run_is_taken_up(project, monkeypatch):
    course = begun(project, distil_documents=20)
    best = stages.contender(course.material, course.material.base)
    texts, first = distillation.heard(course, best)
    project.documents.update(gold_at=timezone.now())  # meanwhile somebody reviewed them
    course = replace(course, material=runs.gather(project, seed=0, frozen=course.material.snapshot))
    assert not course.material.pool
    monkeypatch.delattr("training.second_look.read_all")
    again, second = distillation.heard(course, best)
    assert again.texts == texts.texts
    np.testing.assert_array_equal(first.columns, second.columns)
    np.testing.assert_array_equal(first.logits, second.logits)


def test_documents_before_those_of_whom_something_is_thought_have_no_candidates():
    said = Opinions(np.array([[2, 0]]), np.array([[1.0, 0.5]], dtype=np.float32)).below(2)
    assert said.columns.tolist() == [[-1, -1], [-1, -1], [2, 0]]
    assert said.take(np.array([2])).logits.tolist() == [[1.0, 0.5]]


def test_a_cross_encoder_that_knows_less_than_its_pupil_is_not_heard(project, monkeypatch):
    monkeypatch.delattr("training.distillation.heard")
    stages_asked = ["fine_tune", "self_train", "hard_negatives", "distil"]
    run = executor.carry_out(train(project, stages=stages_asked, epochs=1).pk)
    assert run.status == TrainingRun.Status.DONE, run.error
    *_, trial, last = run.report["stages"]
    assert (trial["stage"], last["stage"]) == ("distil", "self_train")  # the dear one comes last
    assert not trial["kept"]
    assert "cross-encoder gets" in trial["reason"]
    assert trial["seconds"] > 0


def test_whoever_is_wrong_of_nearly_everything_learns_from_anybody(project):
    course = begun(project)
    best = stages.contender(course.material, course.material.base)
    bundle, head = best.bundle, best.bundle.head
    against = replace(head, delta=-head.delta, bias=-head.bias)  # what was first is last
    spoilt = replace(bundle, head=against, label_vectors=-bundle.label_vectors, lexical=None)
    assert distillation.knows_less(course, replace(best, bundle=spoilt)) == ""
    assert distillation.knows_less(course, best) != ""


def test_what_it_thinks_changes_the_encoder(project):
    course = begun(project, epochs=1, distil_documents=40)
    best = stages.contender(course.material, course.material.base)
    alone, drawn = (
        stages.encoder_of(course, frozenset(pulled), best)
        for pulled in (["fine_tune"], ["fine_tune", "distil"])
    )
    assert alone.digest != drawn.digest


def test_several_labels_a_document_are_not_distilled(small_encoder):
    project = build_project(small_encoder, kind="multi")
    run = executor.carry_out(train(project, stages=["fine_tune", "distil"]).pk)
    assert "one is right" in run.report["stages"][1]["reason"]
