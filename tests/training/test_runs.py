from dataclasses import replace

import pytest
from django.db import OperationalError
from django.utils import timezone

from inference import deployments, rebuild, serving, weights
from inference.bundle import Bundle, EncoderReference
from labeling.models import Document, GoldLabel
from tests.factories import DocumentFactory
from tests.training.small import build_project, text_of, train
from training import curation, executor, runs, schedule, stages
from training.models import DatasetSnapshot, ModelVersion, TrainingRun
from training.progress import Progress

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of torch and the trainer, at import and in training
    pytest.mark.usefixtures("one_connection"),
]


def serve_zero_shot(project):
    return rebuild.champion_bundle(project, now=timezone.now())


def test_a_run_leaves_a_judged_version_with_everything_recorded(small_encoder, settings):
    run = executor.carry_out(train(build_project(small_encoder, mails=100)).pk)
    version = run.model_versions.get()

    assert run.status == TrainingRun.Status.DONE, run.error
    assert version.origin == ModelVersion.Origin.RUN
    assert version.gold_count == 400
    assert len(version.gates) == 8
    assert not any("not measured" in gate["reason"] for gate in version.gates)
    assert version.metrics["right_label_cosine"] > 0
    assert run.snapshot.leaks["total"] == 0
    assert run.environment["torch"]
    assert run.curve[0]["step"] == 0  # measured once before training
    assert len(run.curve) > 2
    assert run.report["documents"]["train"] + run.report["documents"]["test"] > 90
    assert Bundle.read(settings.BUNDLE_DIR, version.bundle).encoder.source.startswith(weights.KEPT)
    assert not runs.folder(run).exists()


def test_a_challenger_that_beats_the_champion_serves(small_encoder, blind_encoder):
    project = build_project(blind_encoder, mails=100)
    before = serve_zero_shot(project)
    project.encoder = str(small_encoder)
    project.save()
    run = executor.carry_out(train(project).pk)
    version = run.model_versions.get()

    assert [gate["reason"] for gate in run.report["gates"] if not gate["passed"]] == []
    assert run.report["promoted"]
    assert deployments.champion(project).bundle == version.bundle
    assert deployments.previous(project) == before.digest
    # Its vectors are kept: the predictions that follow need not encode the gold again.
    encoder = serving.load(version.bundle).encoder.digest
    assert project.documents.filter(vectors__encoder__startswith=encoder[:50]).count() == 400


def test_a_challenger_that_learns_nothing_leaves_the_champion_serving(small):
    before = serve_zero_shot(small)
    run = executor.carry_out(train(small, rate=1e-9, epochs=1).pk)
    version = run.model_versions.get()

    assert not version.passed
    assert deployments.champion(small).bundle == before.digest
    (trial,) = run.report["stages"]
    assert (trial["stage"], trial["kept"]) == ("fine_tune", False)
    assert serving.load(version.bundle).encoder == before.encoder  # no stage was kept
    assert small.documents.values("vectors__encoder").distinct().count() == 1
    assert "No gain beyond noise" in [finding["cause"] for finding in run.report["diagnosis"]]


def test_the_held_out_gold_reaches_no_fit(small):
    material = runs.gather(small, seed=0)
    contender = stages.contender(material, material.base)
    moved = material.examples.targets.copy()
    test = material.examples.rows("test")
    moved[test] = ~moved[test]
    object.__setattr__(material.examples, "targets", moved)
    again = stages.contender(material, material.base)

    assert (contender.bundle.head.delta == again.bundle.head.delta).all()
    assert contender.bundle.thresholds == again.bundle.thresholds


def test_what_serves_in_the_end_has_learnt_all_gold(small):
    from training import contenders

    material = runs.gather(small, seed=0)
    contender = stages.contender(material, material.base)
    whole = contenders.complete(contender, material.examples, material.terms)

    assert (whole.head.delta != contender.bundle.head.delta).any()


class StopsAt(Progress):
    """As if somebody pressed cancel in the middle of the training."""

    def stepped(self, step, steps):
        if step == 3:
            schedule.cancel(self.run, actor=None, now=timezone.now())
            self._written = 0.0
        super().stepped(step, steps)


def test_a_cancelled_run_changes_nothing_that_serves(small):
    before = serve_zero_shot(small)
    run = executor.carry_out(train(small).pk, StopsAt)

    assert run.status == TrainingRun.Status.CANCELLED
    assert run.cancel_requested
    assert not run.model_versions.exists()
    assert deployments.champion(small).bundle == before.digest
    assert not runs.folder(run).exists()


class DiesAt(Progress):
    """As if the process was killed: nobody writes anything down."""

    def stepped(self, step, steps):
        super().stepped(step, steps)
        if step == 8:
            raise KeyboardInterrupt


def test_a_run_whose_process_died_goes_on_from_its_checkpoint(small):
    run = train(small)
    with pytest.raises(KeyboardInterrupt):
        executor.carry_out(run.pk, DiesAt)
    TrainingRun.objects.update(heartbeat_at=timezone.now() - 2 * schedule.SILENCE)
    seen = []

    class Watching(Progress):
        def stepped(self, step, steps):
            seen.append(step)
            super().stepped(step, steps)

    assert schedule.resume_stale(timezone.now()) == [run.pk]
    again = executor.carry_out(run.pk, Watching)

    assert again.status == TrainingRun.Status.DONE, again.error
    assert again.attempts == 2
    assert 1 < min(seen) <= 8
    assert [point["step"] for point in again.curve] == sorted({p["step"] for p in again.curve})
    assert DatasetSnapshot.objects.count() == 1


def test_a_checkpoint_cut_short_is_not_resumed_from(tmp_path):
    from training.trainers.fine_tune import last_checkpoint

    for name, state in {"checkpoint-5": "{}", "checkpoint-10": '{"half'}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "trainer_state.json").write_text(state)
    (tmp_path / "checkpoint-15").mkdir()

    assert last_checkpoint(tmp_path).name == "checkpoint-5"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-5"]


def test_too_little_gold_is_said_in_words(small_encoder):
    project = build_project(small_encoder, mails=2)
    run = executor.carry_out(train(project).pk)

    assert run.status == TrainingRun.Status.FAILED
    assert run.error == "8 gold documents; training needs at least 20."


def test_an_encoder_that_is_not_there_is_said_in_words(small_encoder):
    project = build_project("/nowhere/at/all")
    run = executor.carry_out(train(project).pk)

    assert run.status == TrainingRun.Status.FAILED
    assert "/nowhere/at/all" in run.error


def test_a_multi_label_project_trains_too(small_encoder):
    project = build_project(small_encoder, kind="multi")
    run = executor.carry_out(train(project, epochs=1).pk)

    assert run.status == TrainingRun.Status.DONE, run.error
    assert "Micro-F1 better beyond noise" in [gate["gate"] for gate in run.report["gates"]]


def test_near_duplicates_fall_into_one_split(small):
    texts = [text_of("Refund", 3), text_of("Card", 3)]
    for text in texts:
        copy = DocumentFactory(project=small, subject="", text=f"{text}!!", gold_at=timezone.now())
        original = Document.objects.get(project=small, text=text)
        GoldLabel.objects.create(
            project=small,
            document=copy,
            label=original.gold.get().label,
            granted_at=timezone.now(),
        )
    snapshot = runs.gather(small, seed=0).snapshot
    split = {row[0]: row[2] for row in snapshot.rows}
    for text in texts:
        pair = Document.objects.filter(project=small, text__startswith=text)
        assert len({split[document.pk] for document in pair}) == 1


def test_the_run_reads_the_taxonomy_that_stands_now(small):
    first = runs.gather(small, seed=0).snapshot
    small.taxonomy_versions.create(number=2, published_at=timezone.now())
    second = runs.gather(small, seed=0, frozen=first).snapshot

    assert second.taxonomy_version.number == 2
    assert curation.gold_of(small).ids == tuple(row[0] for row in second.rows)


def between(monkeypatch, act):
    """Do *act* in the seconds between the comparison and the run's end."""
    complete = runs.stages.complete

    def and_act(*arguments):
        act()
        return complete(*arguments)

    monkeypatch.setattr(runs.stages, "complete", and_act)


@pytest.fixture
def short(small):
    """A short run of a project that has a champion."""
    serve_zero_shot(small)
    return train(small, epochs=1)


def test_a_run_cancelled_at_the_last_moment_promotes_nothing(small, short, monkeypatch):
    before = deployments.champion(small).bundle
    between(monkeypatch, lambda: schedule.cancel(short, actor=None, now=timezone.now()))
    done = executor.carry_out(short.pk)

    assert done.status == TrainingRun.Status.CANCELLED
    assert not done.model_versions.exists()
    assert deployments.champion(small).bundle == before


def test_a_run_that_lost_its_hold_registers_nothing(small, short, monkeypatch):
    before = deployments.champion(small).bundle
    between(monkeypatch, lambda: TrainingRun.objects.update(process="elsewhere:1"))

    assert executor.carry_out(short.pk) is None
    assert not short.model_versions.exists()
    assert deployments.champion(small).bundle == before


def test_a_run_killed_before_its_end_leaves_nothing_half_done(small, short, monkeypatch):
    before = deployments.champion(small).bundle
    with monkeypatch.context() as patch:
        patch.setattr(runs.reports, "verdict", None)  # the last thing before the commit
        executor.carry_out(short.pk)
    short.refresh_from_db()

    assert short.status == TrainingRun.Status.FAILED  # it could say so; a killed one says nothing
    assert not short.model_versions.exists()
    assert deployments.champion(small).bundle == before


def test_a_run_is_not_promoted_over_an_encoder_it_was_never_compared_with(
    small, short, blind_encoder, settings, monkeypatch
):
    source = str(blind_encoder)
    other = EncoderReference(source, weights.digest_of(source, settings.BUNDLE_DIR))
    champion = serving.load(deployments.champion(small).bundle)
    another = replace(champion, encoder=other, digest="").write(settings.BUNDLE_DIR)

    def promote_another():
        deployments.deploy(small, another.digest, reason="", actor=None, now=timezone.now())

    between(monkeypatch, promote_another)
    done = executor.carry_out(short.pk)

    assert "Another encoder was promoted" in done.report["gates"][-1]["reason"]
    assert not done.report["promoted"]
    assert deployments.champion(small).bundle == another.digest


def test_a_run_outlives_a_database_that_does_not_answer_for_a_moment(small, monkeypatch):
    serve_zero_shot(small)
    run = train(small)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "measure_both", refused)
        assert executor.carry_out(run.pk) is None
    run.refresh_from_db()

    assert run.status == TrainingRun.Status.RUNNING  # and silent: it is taken up again
    assert list(runs.folder(run).glob("*/fine_tune/encoder"))


def refused(*_):
    raise OperationalError("the database is restarting")


def test_who_lost_the_hold_leaves_the_checkpoints_to_who_has_it(small, monkeypatch):
    run = train(small)

    def taken_over(run, progress):
        TrainingRun.objects.update(process="elsewhere:1")
        runs.folder(run).mkdir(parents=True)
        raise FileNotFoundError("the other renamed it")

    monkeypatch.setattr(runs, "execute", taken_over)
    executor.carry_out(run.pk)

    assert runs.folder(run).is_dir()
