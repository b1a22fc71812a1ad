"""A run's stages: each tried on what was kept before it, and kept where it helps."""

import numpy as np
import pytest
from django.utils import timezone

from inference import serving, weights
from labeling.models import GoldLabel
from tests.factories import AnnotationFactory, DocumentFactory, LabelFactory
from tests.training.small import build_project, text_of, train
from training import executor, runs, stages
from training.models import TrainingRun
from training.progress import Progress
from training.trainers.recipes import ENCODER, STAGES

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of torch and the trainer, at import and in training
    pytest.mark.usefixtures("one_connection"),
]


def test_the_full_recipe_tries_every_stage_and_says_what_each_did(small_encoder):
    project = build_project(small_encoder, mails=100)
    leaves = list(project.labels.order_by("pk"))
    groups = LabelFactory.create_batch(2, project=project, is_assignable=False)
    for position, label in enumerate(leaves):
        project.labels.filter(pk=label.pk).update(parent=groups[position // 2])
    for number in range(40):
        for topic in ("Refund", "Card"):
            DocumentFactory(project=project, subject="", text=text_of(topic, 1000 + number))
    run = executor.carry_out(train(project, stages=list(STAGES), epochs=1).pk)

    assert run.status == TrainingRun.Status.DONE, run.error
    assert [trial["stage"] for trial in run.report["stages"]] == list(STAGES)
    trials = run.report["stages"]
    assert "cross-encoder" in next(
        trial["reason"] for trial in trials if trial["stage"] == "distil"
    )
    tried = [trial for trial in trials if trial["stage"] not in {"distil", "rerank"}]
    assert all(trial["figures"]["loss"][1] > 0 for trial in tried)
    kept = {trial["stage"] for trial in run.report["stages"] if trial["kept"]}
    bundle = serving.load(run.model_versions.get().bundle)
    assert bundle.self_trains == ("silver" in kept)
    assert bundle.encoder.source.startswith(weights.KEPT) == bool(kept & ENCODER)
    stages_of_curve = list(dict.fromkeys(point["stage"] for point in run.curve))
    assert len(stages_of_curve) == len(ENCODER - {"distil"})


def test_only_what_was_kept_leaves_an_encoder_behind(small_encoder, settings):
    project = build_project(small_encoder, mails=100)
    for rate, left in ((1e-9, 0), (2e-3, 1)):  # the first learns nothing and is dropped
        run = executor.carry_out(train(project, rate=rate).pk)
        found = [
            path for path in settings.BUNDLE_DIR.rglob("*.safetensors") if "encoder" in str(path)
        ]
        kept = any(trial["kept"] for trial in run.report["stages"])
        assert (len(found), kept) == (left, bool(left))


def test_another_snapshot_is_trained_anew(small):
    run = train(small)
    progress = Progress(run)
    material = runs.gather(small, seed=0)
    before = runs.course_of(run, material, progress).folder
    DocumentFactory(project=small, gold_at=timezone.now())
    document = small.documents.order_by("pk").last()
    label = small.labels.first()
    GoldLabel.objects.create(
        project=small, document=document, label=label, granted_at=timezone.now()
    )
    after = runs.course_of(run, runs.gather(small, seed=0), progress).folder

    assert before != after
    assert before.parent == after.parent == runs.folder(run)


def test_stages_that_cannot_help_are_not_tried_and_say_why(small_encoder):
    project = build_project(small_encoder, kind="multi")
    stages_asked = ["silver", "hierarchy", "parents"]
    run = executor.carry_out(train(project, stages=stages_asked, epochs=1).pk)

    assert run.status == TrainingRun.Status.DONE, run.error
    reasons = {trial["stage"]: trial["reason"] for trial in run.report["stages"]}
    assert "several labels" in reasons["silver"]
    assert "flat" in reasons["hierarchy"]
    assert "flat" in reasons["parents"]


def test_silver_comes_from_open_documents_and_is_trusted_less_than_gold(small):
    for number in range(60):
        DocumentFactory(project=small, subject="", text=text_of("Card", 500 + number))
    material = runs.gather(small, seed=0)
    some = stages.silver(material, stages.contender(material, material.base))

    assert len(some)
    assert set(some.texts) <= set(material.pool)
    assert not set(some.texts) & set(material.examples.texts)
    assert (some.weights < 1).all()


def test_what_reviewers_ruled_out_is_a_hard_negative(small):
    label, other = small.labels.order_by("pk")[:2]
    document = small.documents.filter(gold__label=label).first()
    GoldLabel.objects.create(
        project=small,
        document=document,
        label=other,
        tier=GoldLabel.Tier.RULED_OUT,
        annotation=AnnotationFactory(task__document=document),
        granted_at=document.imported_at,
    )
    material = runs.gather(small, seed=0)
    row = material.examples.ids.tolist().index(document.pk)
    columns = [each.id for each in material.terms.labels]

    assert np.flatnonzero(material.ruled_out[row]).tolist() == [columns.index(other.pk)]
    assert material.ruled_out.sum() == 1
