"""A run's last stage: a cross-encoder that looks at close calls a second time."""

from dataclasses import replace

import numpy as np
import pytest
from django.conf import settings
from django.utils import timezone

from inference import deployments, predictions, rebuild, serving
from inference.buckets import NEVER
from inference.pipeline import accepts
from labeling import taxonomies
from labeling.models import Prediction
from tests.factories import DocumentFactory, LabelFactory
from tests.training.small import build_project, text_of, train
from tests.training.test_runs import serve_zero_shot
from training import executor, gate_limits, runs, schedule, second_look, stages
from training.models import TrainingRun
from training.progress import Progress
from training.splits import Split
from training.teaching import Lesson, teach

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of torch and the trainer, at import and in training
    pytest.mark.usefixtures("one_connection"),
]


@pytest.fixture
def course(small_encoder):
    project = build_project(small_encoder, mails=100)
    for number in range(6):
        DocumentFactory(project=project, subject="", text=text_of("Card", 900 + number))
    asked = train(project, stages=["rerank"], rerank_epochs=1)
    run = schedule.claim(asked.pk, process=schedule.this_process(), now=timezone.now())
    return runs.course_of(run, runs.gather(project, seed=0), Progress(run))


@pytest.fixture
def made(course):
    base = stages.contender(course.material, course.material.base)
    return second_look.reranked(course, base)


def test_close_calls_of_validation_gold_are_read_and_each_half_judged_by_the_other(course, made):
    contender, scores = made
    rows = course.material.examples.rows(Split.VALIDATION)
    assert scores.logits.shape == (len(rows), len(course.material.terms.labels))
    assert scores.reranked.any()
    assert scores.pairs >= 2 * scores.reranked.sum()
    assert contender.bundle.reranker.cards == course.material.cards
    assert len(set(scores.twice.tolist())) == len(scores.twice)


def test_it_is_trained_once_in_a_run(course, made):
    base = replace(made[0], bundle=replace(made[0].bundle, reranker=None), reader=None)
    checkpoints = next(course.folder.glob("rerank-*")) / "checkpoints"
    before = {path: path.stat().st_mtime_ns for path in checkpoints.rglob("*")}
    again, _ = second_look.reranked(course, base)
    assert again.bundle.reranker == made[0].bundle.reranker
    assert before == {path: path.stat().st_mtime_ns for path in checkpoints.rglob("*")}


def test_what_serves_looks_twice_and_says_so(course, made):
    project = course.material.project
    contender = stages.kept(made[0])
    bundle = stages.complete(contender, course.material).write(settings.BUNDLE_DIR)
    assert str(settings.RUN_DIR) not in bundle.reranker.source
    assert serving.load(bundle.digest).reranker == bundle.reranker

    predictions.predict_documents(project, None, bundle=bundle, now=timezone.now())
    found = Prediction.objects.current().filter(project=project)
    assert found.filter(reranked=True).exists()
    assert not found.filter(reranked=True).exclude(bucket="review").exists()  # too little is known


def test_it_follows_the_taxonomy_and_a_refit_and_accepts_nothing_it_was_not_measured_on(
    course, made
):
    project, reranker = course.material.project, replace(made[0].bundle.reranker, accept=0.5)
    bundle = replace(made[0].bundle, reranker=reranker)
    project.labels.filter(name="Card").update(description="Plastic.")
    followed = follow(bundle, project)
    assert "Card. Plastic." in followed.cards
    assert (followed.accept, followed.second) == (NEVER, reranker.second)
    LabelFactory(project=project, name="Jokes", description="Only fun.")
    assert follow(bundle, project) is None  # it would read every document

    examples = course.material.examples
    lesson = Lesson(
        gold=made[0].features,
        targets=examples.targets,
        overlaps=course.material.terms.relations.overlaps,
        pool=made[0].pool,
        around=made[0].around,
        promise=0.98,
    )
    refitted = teach(bundle, lesson).bundle.reranker
    assert refitted == replace(reranker, accept=NEVER)
    outgrown = replace(bundle, reranker=replace(reranker, gold=len(examples) // 2))
    assert teach(outgrown, lesson).bundle.reranker is None


def follow(bundle, project):
    labels = taxonomies.label_texts(project)
    return rebuild.for_taxonomy(bundle, labels, serving.encoder(bundle), taxonomy_number=2).reranker


def test_what_it_accepts_is_what_held_out_gold_proves(course, made):
    contender = made[0]
    whole = stages.complete(contender, course.material)
    assert whole.reranker.accept == NEVER  # thirty held-out documents prove no 98 %
    easier = replace(course.material, terms=replace(course.material.terms, promise=0.01))
    lenient = second_look.accepting(whole, contender, easier)
    rows = course.material.examples.rows(Split.TEST)
    scores = replace(contender, bundle=lenient).scores(rows)
    assert lenient.reranker.accept < 1
    assert accepts(lenient, scores)[scores.reranked].any()


@pytest.fixture
def patient(monkeypatch):
    """Whoever wants a second look lets the gate on latency open further."""

    def of(project):
        limits = {**gate_limits.of(project), "latency": 1000.0}
        gate_limits.change(project, limits, actor=None, now=timezone.now())
        return project

    return of


def test_a_reader_that_knows_nothing_is_dropped_and_leaves_nothing_behind(small_encoder, patient):
    project = patient(build_project(small_encoder, mails=100))
    run = executor.carry_out(train(project, stages=["rerank"], rerank_epochs=1).pk)
    assert run.status == TrainingRun.Status.DONE, run.error
    [trial] = run.report["stages"]
    assert not trial["kept"]
    assert "dropped" in trial["reason"]
    assert serving.load(run.model_versions.get().bundle).reranker is None
    assert not list(settings.BUNDLE_DIR.rglob("model.safetensors"))
    assert not runs.folder(run).exists()


def test_one_that_is_kept_serves_and_is_what_the_next_run_is_compared_with(
    small_encoder, patient, monkeypatch
):
    project = patient(build_project(small_encoder, mails=100))
    serve_zero_shot(project)
    monkeypatch.setattr("training.keeping.falls", lambda *_: True)  # whatever it learnt
    monkeypatch.setattr("training.stages.COSTLY", frozenset())
    run = executor.carry_out(train(project, stages=["rerank"], rerank_epochs=1).pk)
    assert run.status == TrainingRun.Status.DONE, run.error
    bundle = serving.load(run.model_versions.get().bundle)
    assert bundle.reranker is not None
    assert run.report["challenger"]["pairs_per_document"] > 0
    deployments.deploy(project, bundle.digest, reason="", actor=None, now=timezone.now())
    served = stages.champion(runs.gather(project, seed=0))
    assert served.bundle.reranker == bundle.reranker
    assert served.scores(np.arange(40)).pairs > 0


def test_it_is_not_tried_where_the_gate_on_latency_would_shut_it_out(small_encoder):
    project = build_project(small_encoder, mails=100)
    run = executor.carry_out(train(project, stages=["rerank"]).pk)
    assert "opens up to 1.2 times" in run.report["stages"][0]["reason"]


def test_a_cross_encoder_that_is_not_there_is_said_at_once(small_encoder, patient):
    project = patient(build_project(small_encoder, mails=100))
    run = executor.carry_out(
        train(project, stages=["fine_tune", "rerank"], cross_encoder="/nowhere").pk
    )
    assert run.status == TrainingRun.Status.FAILED
    assert "/nowhere" in run.error
    assert not run.curve  # nothing was trained before


def test_with_several_labels_those_in_doubt_are_read_and_the_model_serves(
    small_encoder, patient, monkeypatch
):
    project = patient(build_project(small_encoder, mails=100, kind="multi"))
    monkeypatch.setattr("training.keeping.falls", lambda *_: True)  # whatever it learnt
    monkeypatch.setattr("training.stages.COSTLY", frozenset())
    for number in range(6):
        DocumentFactory(project=project, subject="", text=text_of("Card", 900 + number))
    run = executor.carry_out(train(project, stages=["rerank"], rerank_epochs=1).pk)
    assert run.status == TrainingRun.Status.DONE, run.error
    assert run.report["stages"][0]["figures"]["micro_f1"]
    bundle = serving.load(run.model_versions.get().bundle)
    predictions.predict_documents(project, None, bundle=bundle, now=timezone.now())
    found = Prediction.objects.current().filter(project=project)
    assert found.filter(reranked=True).exists()
    assert not found.filter(reranked=True, bucket="auto").exists()

    deployments.deploy(project, bundle.digest, reason="", actor=None, now=timezone.now())
    material = runs.gather(project, seed=0)
    served = stages.champion(material)
    assert served.scores(np.arange(40)).pairs > 0  # what the next run is compared with
    easy = replace(material, terms=replace(material.terms, promise=0.01))
    assert second_look.accepting(served.bundle, served, easy).reranker.accept == NEVER
