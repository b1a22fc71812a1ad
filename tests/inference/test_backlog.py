import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from inference import backlog, deployments, jobs, predictions, tasks
from inference.buckets import Thresholds
from inference.models import Deployment
from labeling import events
from labeling import jobs as labeling_jobs
from labeling.models import Job, Prediction
from tests.factories import (
    DeploymentFactory,
    DocumentFactory,
    JobFactory,
    LabelFactory,
    TaxonomyVersionFactory,
)
from tests.inference.parts import place, written

pytestmark = pytest.mark.django_db

CLOSE = [0.7, 0.7, 0, 0.14]


@pytest.fixture
def labels(project):
    TaxonomyVersionFactory(project=project, number=1)
    return LabelFactory.create_batch(3, project=project)


@pytest.fixture
def documents(project):
    documents = DocumentFactory.create_batch(5, project=project)
    place(documents, *[CLOSE] * 5)
    return documents


@pytest.fixture
def champion(project, labels):
    return DeploymentFactory(project=project, bundle=written(project, labels).digest)


def by_bundle(project):
    current = project.predictions.current()
    return set(current.values_list("bundle", flat=True))


def predict_all(project, **values):
    return backlog.predict_all(project, **values)


def test_every_open_document_is_predicted_by_the_champion(project, champion, documents):
    assert predict_all(project) == 5
    assert by_bundle(project) == {champion.bundle}
    assert not backlog.lack(project)
    assert predict_all(project) == 0


def test_a_project_without_labels_has_nothing_to_predict_with(project):
    DocumentFactory(project=project)
    assert predict_all(project) == 0
    assert not backlog.lack(project)


def test_a_new_champion_takes_over_between_two_batches(
    project, labels, champion, documents, monkeypatch
):
    monkeypatch.setattr(predictions, "BATCH", 2)
    later = written(project, labels, thresholds=Thresholds(0.5))

    def promote(done, total):
        if done == 2:
            deployments.deploy(project, later.digest, reason="", actor=None, now=timezone.now())

    assert predict_all(project, progress=promote) == 2 + 5
    assert by_bundle(project) == {later.digest}


def test_progress_tells_how_many_there_are(project, champion, documents, monkeypatch):
    monkeypatch.setattr(predictions, "BATCH", 2)
    told = []
    predict_all(project, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (5, 5)
    assert {total for _, total in told} == {5}


def test_a_canary_predicts_its_own_documents(project, labels, champion, documents):
    canary = DeploymentFactory(
        project=project,
        role=Deployment.Role.CANARY,
        share=0.5,
        bundle=written(project, labels, thresholds=Thresholds(0.5)).digest,
    )
    documents[0].fingerprint = "f" * 64  # beyond the canary's half; the others are below it
    documents[0].save(update_fields=["fingerprint"])
    predict_all(project)
    counts = project.predictions.current().by_bundle
    assert counts(canary.bundle).count() == 4
    assert counts(champion.bundle).get().document == documents[0]


def test_a_job_reports_what_it_did(project, champion, documents):
    job = jobs.request(project, actor=None, now=timezone.now())
    labeling_jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.DONE, job.report
    assert job.report["predicted"] == 5


def test_a_job_without_its_encoder_fails_with_the_reason(project, labels, documents):
    project.encoder = "/no/such/encoder"
    project.save(update_fields=["encoder"])
    job = jobs.request(project, actor=None, now=timezone.now())
    labeling_jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.FAILED
    assert "no such folder" in job.report["error"]


def test_a_second_request_joins_the_first(project, owner):
    first = jobs.request(project, actor=owner, now=timezone.now())
    assert jobs.request(project, actor=None, now=timezone.now()) == first


def test_a_finished_job_is_not_joined(project):
    JobFactory(project=project, kind=Job.Kind.PREDICT, status=Job.Status.DONE)
    assert jobs.request(project, actor=None, now=timezone.now()).status == Job.Status.WAITING


@pytest.mark.parametrize("event", [events.documents_imported, events.taxonomy_published])
def test_new_documents_and_new_taxonomies_are_predicted(
    event, project, champion, documents, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        events.announce(event, project_id=project.pk)
    assert Prediction.objects.current().count() == 5


def test_a_lost_request_is_asked_again(
    project, champion, documents, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        tasks.predict_lacking()
    assert not backlog.lack(project)
    tasks.predict_lacking()
    assert Job.objects.filter(kind=Job.Kind.PREDICT).count() == 1


def test_after_a_failure_the_next_try_waits(project, champion, documents):
    job = JobFactory(
        project=project, kind=Job.Kind.PREDICT, status="failed", finished_at=timezone.now()
    )
    tasks.predict_lacking()
    assert Job.objects.get() == job

    Job.objects.update(finished_at=timezone.now() - tasks.RETRY_AFTER)
    tasks.predict_lacking()
    assert Job.objects.filter(status="waiting").count() == 1


def test_predicting_a_project_that_is_gone_does_nothing():
    tasks.predict(404)
    assert not Job.objects.exists()


def test_the_command_prints_counts(project, champion, documents, capsys):
    call_command("predict", "--project", project.slug, "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["predicted"], report["buckets"]) == (5, {"review": 5})
    assert report["bundle"] == champion.bundle


def test_the_command_says_it_in_words_too(project, champion, documents, capsys):
    call_command("predict", "--project", project.slug)
    assert "Predicted 5 documents" in capsys.readouterr().out


def test_the_command_says_when_there_is_nothing_to_predict_with(project, capsys):
    call_command("predict", "--project", project.slug)
    assert "no published labels" in capsys.readouterr().out


def test_the_command_refuses_an_unknown_project(db):
    with pytest.raises(CommandError, match="no project 'nowhere'"):
        call_command("predict", "--project", "nowhere")


@pytest.mark.slow
def test_the_engine_command_shows_and_keeps_the_probe(settings, tmp_path, capsys):
    settings.STATE_DIR = tmp_path
    call_command("engine")
    words = capsys.readouterr().out
    assert "fp32:" in words
    assert "chosen:" in words
    assert (tmp_path / "engine.json").exists()
