"""A run's last stage: a cross-encoder that looks at close calls a second time."""

from dataclasses import replace

import pytest
from django.conf import settings
from django.utils import timezone

from inference import predictions, rebuild, serving
from inference.buckets import NEVER
from inference.pipeline import accepts
from labeling import taxonomies
from labeling.models import Prediction
from tests.factories import DocumentFactory, LabelFactory
from tests.training.small import build_project, text_of, train
from training import executor, runs, schedule, second_look, stages
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
    LabelFactory(project=project, name="Jokes", description="Only fun.")
    labels = taxonomies.label_texts(project)
    followed = rebuild.for_taxonomy(
        bundle, labels, serving.encoder(bundle), taxonomy_number=2
    ).reranker
    assert followed.cards[-1] == "Jokes. Only fun."
    assert (followed.accept, followed.second) == (NEVER, reranker.second)

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


def test_a_run_keeps_it_only_where_it_helps_and_leaves_nothing_behind_where_not(small_encoder):
    project = build_project(small_encoder, mails=100)
    run = executor.carry_out(train(project, stages=["rerank"], rerank_epochs=1).pk)
    assert run.status == TrainingRun.Status.DONE, run.error
    [trial] = run.report["stages"]
    bundle = serving.load(run.model_versions.get().bundle)
    assert (bundle.reranker is not None) == trial["kept"]
    assert "pairs_per_document" in run.report["challenger"]
    left = list(settings.BUNDLE_DIR.rglob("model.safetensors"))
    assert len(left) == (1 if trial["kept"] else 0)
    assert not runs.folder(run).exists()


def test_several_labels_a_document_are_not_ranked(small_encoder):
    project = build_project(small_encoder, kind="multi")
    run = executor.carry_out(train(project, stages=["rerank"]).pk)
    assert "one is right" in run.report["stages"][0]["reason"]
