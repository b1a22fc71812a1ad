import threading

import numpy as np
import pytest
from django.db import connection, connections
from django.utils import timezone

from inference import deployments, predictions
from inference.buckets import Thresholds
from inference.head import Head
from inference.pipeline import CANDIDATES
from labeling.models import Prediction, ReviewTask
from tests.factories import (
    AnnotationFactory,
    DocumentFactory,
    LabelFactory,
    ProjectFactory,
    ReviewTaskFactory,
    TaxonomyVersionFactory,
)
from tests.inference.parts import place, written

pytestmark = pytest.mark.django_db

CLEAR, CLOSE = [0, 1, 0, 0], [0.7, 0.7, 0, 0.14]


@pytest.fixture
def labels(project):
    TaxonomyVersionFactory(project=project, number=1)
    return LabelFactory.create_batch(3, project=project)


@pytest.fixture
def documents(project):
    """One that is clear and one that is a close call."""
    documents = DocumentFactory.create_batch(2, project=project)
    place(documents, CLEAR, CLOSE)
    return documents


def predict(project, bundle, documents=None, **values):
    ids = None if documents is None else [document.pk for document in documents]
    return predictions.predict_documents(project, ids, bundle=bundle, now=timezone.now(), **values)


def current(document):
    return document.predictions.current().get()


def test_a_prediction_is_logged_whole(project, labels, documents):
    bundle = written(project, labels)
    assert predict(project, bundle) == 2
    clear = current(documents[0])
    assert (clear.bucket, clear.first, clear.label_ids) == ("auto", labels[1], [labels[1].pk])
    assert clear.second in labels
    assert (clear.bundle, clear.taxonomy_version.number) == (bundle.digest, 1)
    assert clear.probability == clear.ranked[0].probability > 0.99
    assert clear.margin == pytest.approx(
        clear.ranked[0].probability - clear.ranked[1].probability, abs=1e-5
    )
    assert clear.ranked[0].similarity == 1
    assert clear.latency >= 0


def test_a_close_call_waits_for_a_person_with_both_labels_ahead(project, labels, documents):
    predict(project, written(project, labels))
    task = ReviewTask.objects.get(document=documents[1])
    assert task.prediction == current(documents[1])
    assert {each.label_id for each in task.prediction.ranked[:2]} == {labels[0].pk, labels[1].pk}


def test_an_accepted_document_waits_for_nobody_unless_it_is_audited(project, labels, documents):
    project.audit_share = 0
    project.save(update_fields=["audit_share"])
    predict(project, written(project, labels))
    assert not ReviewTask.objects.filter(document=documents[0]).exists()


def test_of_labels_that_cannot_be_given_together_the_likeliest_is_accepted(project, labels):
    project.kind = "multi"
    project.save()
    group = LabelFactory(project=project, only_one=True)
    for label in labels[:2]:
        label.parent, label.one_of = group, [group.pk]
        label.save()
    [document] = documents = [DocumentFactory(project=project)]
    place(documents, [0.56, 0.61, 0.56, 0])
    predict(project, written(project, labels, kind="multi"))
    prediction = current(document)

    assert prediction.label_ids == [labels[1].pk, labels[2].pk]
    assert {each.label_id for each in prediction.ranked} == {label.pk for label in labels}


def test_candidates_are_sorted_and_at_most_twenty(project):
    TaxonomyVersionFactory(project=project, number=1)
    labels = LabelFactory.create_batch(CANDIDATES + 5, project=project)
    [document] = documents = [DocumentFactory(project=project)]
    dim = len(labels)
    bundle = written(
        project,
        labels,
        label_vectors=np.eye(dim, dtype=np.float32),
        head=Head.zero(dim, dim),
    )
    steps = np.arange(1, dim + 1, dtype=np.float32)
    place(documents, steps / np.linalg.norm(steps))
    predict(project, bundle)
    ranked = current(document).ranked
    assert [each.label_id for each in ranked] == [label.pk for label in labels[::-1][:CANDIDATES]]
    assert ranked == sorted(ranked, key=lambda each: -each.probability)


def test_predicting_twice_leaves_one_current_prediction_and_one_task(project, labels, documents):
    bundle = written(project, labels)
    assert predict(project, bundle) == 2
    assert predict(project, bundle) == 0
    assert Prediction.objects.count() == 2
    assert ReviewTask.objects.filter(document=documents[1]).count() == 1


def test_a_prediction_nobody_was_shown_is_replaced(project, labels, documents):
    predict(project, written(project, labels))
    later = written(project, labels, thresholds=Thresholds(0.999))
    assert predict(project, later) == 2
    assert set(Prediction.objects.values_list("bundle", flat=True)) == {later.digest}


def test_what_another_bundle_says_too_stands_and_is_by_that_one(project, labels, documents):
    predict(project, written(project, labels))
    before = {each.pk: each for each in Prediction.objects.all()}
    tasks = list(ReviewTask.objects.order_by("pk").values())
    later = TaxonomyVersionFactory(project=project, number=2)
    bundle = written(project, labels, taxonomy_number=2)
    assert predict(project, bundle) == 2
    assert predict(project, bundle) == 0

    for each in Prediction.objects.all():
        assert (each.bundle, each.taxonomy_version) == (bundle.digest, later)
        assert each.predicted_at == before[each.pk].predicted_at
    assert Prediction.objects.count() == len(before)
    assert list(ReviewTask.objects.order_by("pk").values()) == tasks


def test_what_changes_by_a_percent_is_predicted_anew(project, labels, documents):
    bundle = written(project, labels)
    predict(project, bundle)
    clear, close = (current(each) for each in documents)
    vectors = bundle.label_vectors.copy()
    vectors[0] = np.array([0.98, 0.199, 0, 0], np.float32)  # a label of the close call, reworded
    later = written(project, labels, label_vectors=vectors)
    assert predict(project, later) == 2

    assert current(documents[1]).pk != close.pk
    assert current(documents[0]).pk == clear.pk


def test_a_prediction_somebody_judged_stays_but_is_not_current(project, labels, documents):
    predict(project, written(project, labels))
    shown = current(documents[1])
    AnnotationFactory(
        task=ReviewTask.objects.get(document=documents[1]), project=project, prediction=shown
    )
    predict(project, written(project, labels, thresholds=Thresholds(0.999)), documents)
    shown.refresh_from_db()
    assert not shown.is_current
    assert documents[1].predictions.count() == 2


def test_a_prediction_a_closed_task_rests_on_stays(project, labels, documents):
    predict(project, written(project, labels))
    task = ReviewTaskFactory(
        document=documents[0],
        project=project,
        prediction=current(documents[0]),
        status=ReviewTask.Status.DONE,
    )
    predict(project, written(project, labels, thresholds=Thresholds(0.999)))
    task.refresh_from_db()
    assert task.prediction is not None


def test_documents_people_have_settled_are_left_alone(project, labels, documents):
    documents[0].gold_at = timezone.now()
    documents[0].save(update_fields=["gold_at"])
    assert predict(project, written(project, labels)) == 1


def test_documents_of_other_projects_are_left_alone(project, labels, documents):
    foreign = DocumentFactory(project=ProjectFactory(slug="another"))
    assert predict(project, written(project, labels), [foreign]) == 0


def test_what_died_in_the_middle_goes_on_where_it_stopped(project, labels, monkeypatch):
    monkeypatch.setattr(predictions, "BATCH", 2)
    documents = DocumentFactory.create_batch(5, project=project)
    place(documents, *[CLEAR] * 5)
    bundle = written(project, labels)

    def die(done):
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict(project, bundle, progress=die)
    before = set(Prediction.objects.values_list("pk", flat=True))
    assert len(before) == 4
    assert predict(project, bundle) == 1
    assert before < set(Prediction.objects.values_list("pk", flat=True))


def test_progress_ends_at_the_number_of_documents(project, labels, documents):
    told = []
    predict(project, written(project, labels), progress=told.append)
    assert told[-1] == 2
    assert told == sorted(told)


def test_thirty_documents_cost_as_many_queries_as_one_batch(
    project, labels, django_assert_max_num_queries
):
    documents = DocumentFactory.create_batch(30, project=project)
    place(documents, *[CLOSE] * 30)
    bundle = written(project, labels)
    with django_assert_max_num_queries(25):
        predict(project, bundle)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_leave_one_current_prediction_each(project, labels):
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        pytest.skip("threads share an in-memory database's only connection")
    documents = DocumentFactory.create_batch(40, project=project)
    place(documents, *[CLOSE] * 40)
    bundle = written(project, labels)

    def work():
        try:
            predict(project, bundle)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Prediction.objects.current().count() == 40
    assert ReviewTask.objects.open().count() == 40


def test_rows_another_worker_wrote_meanwhile_are_passed_over(project, labels, documents):
    bundle = written(project, labels)
    mine = predictions._predict(
        project,
        [document.pk for document in documents],
        bundle,
        project.taxonomy_versions.get(),
        now=timezone.now(),
        progress=lambda _: None,
    )
    predict(project, bundle)  # the other worker
    written_by_it = set(Prediction.objects.values_list("pk", flat=True))
    late = {"now": timezone.now(), "while_serving": False}
    assert predictions._write_once(project, mine, bundle, **late) == 0
    assert set(Prediction.objects.values_list("pk", flat=True)) == written_by_it


def test_a_bundle_that_was_replaced_meanwhile_writes_nothing(project, labels, documents):
    former = written(project, labels)
    deployments.deploy(project, former.digest, reason="", actor=None, now=timezone.now())
    assert predict(project, former, while_serving=True) == 2

    present = written(project, labels, thresholds=Thresholds(0.5))
    deployments.deploy(project, present.digest, reason="", actor=None, now=timezone.now())
    predict(project, present, documents[:1], while_serving=True)
    Prediction.objects.filter(document=documents[1]).delete()

    assert predict(project, former, while_serving=True) == 0
    assert current(documents[0]).bundle == present.digest
