import json
import os
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from labeling import events, jobs, uploads
from labeling.models import Document, Job, Label
from tests.factories import JobFactory, LabelFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _worker_and_no_models():
    """A worker is alive; nobody predicts what these tests import."""
    cache.set(jobs.HEARTBEAT, "now", 30)
    signals = [events.documents_imported, events.taxonomy_published, events.gold_changed]
    kept = [signal.receivers for signal in signals]
    for signal in signals:
        signal.receivers = []
        signal.sender_receivers_cache.clear()
    yield
    for signal, receivers in zip(signals, kept, strict=True):
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()
    cache.delete(jobs.HEARTBEAT)


@pytest.fixture
def upload(client, project, owner, django_capture_on_commit_callbacks):
    """Upload a file as the owner; the job has run when its page is returned."""
    client.force_login(owner)

    def send(what, content, **fields):
        file = SimpleUploadedFile("letters.jsonl", content)
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(f"/p/{project.slug}/{what}/upload/", {"file": file, **fields})
        return client.get(answer.url) if answer.status_code == 302 else answer

    return send


def stored_files(settings):
    folder = Path(settings.MEDIA_ROOT)
    return sorted(folder.iterdir()) if folder.exists() else []


def test_uploaded_documents_go_in_and_the_page_reports_them(upload):
    page = upload("documents", b'{"id": "m1", "text": "a"}\n{"id": "m2"}\n{"id": "m3", "x": 1')

    assert page.status_code == 200
    assert "neither subject nor text" in page.text
    assert "no valid JSON" in page.text
    assert Job.objects.get().report["added"] == Document.objects.count() == 1


def test_an_upload_with_gold_settles_its_documents(upload, project):
    LabelFactory(project=project, key="lost")
    upload("documents", b'{"id": "m1", "text": "a", "labels": ["lost"]}', gold="on")

    assert Document.objects.get().gold_at is not None


def test_an_upload_without_gold_says_what_it_left_aside(upload):
    page = upload("documents", b'{"id": "m1", "text": "a", "labels": ["lost"]}')

    assert "which were left aside" in page.text


def test_an_uploaded_taxonomy_is_published(upload, owner, project):
    page = upload("taxonomy", b'[{"id": "lost", "name": "Card lost"}]')

    assert "Published as" in page.text
    assert project.taxonomy_versions.get().published_by == owner
    assert Label.objects.get().key == "lost"


def test_an_uploaded_taxonomy_goes_into_the_draft_where_one_wants_that(upload, owner, project):
    file = b'[{"id": "lost", "name": "Card lost"}, {"id": "fee", "name": "Fee", "parent": "lost"}]'
    page = upload("taxonomy", file, draft="on")

    assert "2 changes wait in the draft" in page.text
    assert not project.taxonomy_versions.exists()
    assert [row.act["kind"] for row in project.draft.all()] == ["create", "create"]
    assert {row.author for row in project.draft.all()} == {owner}
    assert "the draft is as it was" in upload("taxonomy", file, draft="on").text


def test_a_file_that_changes_too_much_for_a_draft_says_so(upload, project):
    rows = b",".join(b'{"id": "l%d", "name": "L"}' % n for n in range(201))

    assert "a draft holds 200" in upload("taxonomy", b"[%s]" % rows, draft="on").text
    assert not project.draft.exists()


def test_a_bad_taxonomy_is_explained_row_by_row_and_changes_nothing(upload):
    page = upload(
        "taxonomy", b'[{"id": "lost", "name": ""}, {"id": "a", "name": "A", "parent": "b"}]'
    )

    assert "the name is empty" in page.text
    assert "no label has the id “b”" in page.text
    assert "Add that label to the file" in page.text
    assert not Label.objects.exists()


def test_the_file_is_gone_once_it_was_imported(upload, settings):
    upload("documents", b'{"text": "a"}')
    upload("taxonomy", b"no taxonomy")

    assert stored_files(settings) == []


def test_the_stored_file_has_a_random_name_and_only_its_owner_reads_it(
    client, project, owner, settings
):
    client.force_login(owner)
    file = SimpleUploadedFile("../../letters.jsonl", b"{}")
    client.post(f"/p/{project.slug}/documents/upload/", {"file": file})  # never committed: no run
    (path,) = stored_files(settings)

    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.name) == 32
    assert path.parent == Path(settings.MEDIA_ROOT)
    assert os.sep not in Job.objects.get().arguments["file"]


def test_without_a_worker_no_file_is_taken_and_the_page_says_what_to_do(upload, settings):
    cache.delete(jobs.HEARTBEAT)
    page = upload("documents", b'{"text": "a"}')

    assert page.status_code == 503
    assert "No worker is running" in page.text
    assert "import_documents FILE" in page.text
    assert stored_files(settings) == []
    assert not Job.objects.exists()


def test_an_upload_without_a_file_is_refused(client, project, owner):
    client.force_login(owner)
    page = client.post(f"/p/{project.slug}/documents/upload/", {})

    assert page.status_code == 422
    assert "This field is required" in page.text


def test_a_job_whose_file_is_gone_says_so(project):
    job = JobFactory(project=project, arguments={"file": "gone", "name": "a.csv", "gold": False})

    assert jobs.run(job.pk).report["error"] == "The uploaded file is gone. Upload it again."


def test_names_and_errors_from_a_file_are_shown_as_text(upload):
    page = upload("documents", json.dumps({"text": "a", "<script>x</script>": 1}).encode())

    assert "<script>x" not in page.text
    assert "&lt;script&gt;x" in page.text


# --- the page of a job ----------------------------------------------------------------------------


def test_a_running_job_is_asked_for_every_second_until_it_ends(client, project, owner):
    client.force_login(owner)
    job = JobFactory(project=project, status=Job.Status.RUNNING, done=25, total=100)
    url = f"/p/{project.slug}/jobs/{job.pk}/"

    card = client.get(url, headers={"HX-Request": "true"})

    assert 'hx-trigger="every 1s"' in card.text
    assert '<progress class="meter meter--tall" value="25" max="100"' in card.text
    assert "<main" not in card.text
    assert "<main" in client.get(url).text


def test_a_finished_job_is_no_longer_asked_for(client, project, owner):
    client.force_login(owner)
    job = jobs.run(JobFactory(project=project).pk, lambda *_: {"added": 1})

    assert "hx-trigger" not in client.get(f"/p/{project.slug}/jobs/{job.pk}/").text


def test_a_job_without_a_worker_says_so(client, project, owner):
    client.force_login(owner)
    cache.delete(jobs.HEARTBEAT)
    job = JobFactory(project=project)

    assert "The job waits and nothing is lost" in client.get(
        f"/p/{project.slug}/jobs/{job.pk}/"
    ).text  # fmt: skip


def test_reviewers_and_outsiders_see_no_jobs_and_upload_nothing(
    client, project, reviewer, outsider
):
    job = JobFactory(project=project)
    for person in (reviewer, outsider):
        client.force_login(person)
        for page in (f"jobs/{job.pk}/", "documents/upload/", "taxonomy/upload/"):
            assert client.get(f"/p/{project.slug}/{page}").status_code == 404
            assert client.post(f"/p/{project.slug}/{page}").status_code in {404, 405}


def test_the_file_of_a_job_that_is_over_is_swept_and_that_of_a_waiting_one_kept(project, settings):
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    now = timezone.now()
    for name in ("failed", "waiting", "arriving", "forgotten"):
        (folder / name).write_text("letters")
    JobFactory(project=project, arguments={"file": "failed"}, status="failed", finished_at=now)
    JobFactory(project=project, arguments={"file": "waiting"})
    os.utime(folder / "forgotten", (0, 0))
    uploads.sweep(now)

    assert [path.name for path in stored_files(settings)] == ["arriving", "waiting"]


def test_only_the_first_problems_of_a_wrong_file_are_kept(upload):
    upload("taxonomy", b"id,name\n" + b",\n" * 1_200)
    report = Job.objects.get().report

    assert len(report["problems"]) == uploads.PROBLEMS_KEPT
    assert "these are the first 1,000" in report["error"]
