"""Gold and tasks follow when labels are merged, split and retired, and come back with an undo."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from labeling import (
    adjudication,
    annotations,
    known_gold,
    publishing,
    queues,
    re_review,
    second_opinions,
)
from labeling.annotations import LabelRefused
from labeling.models import Annotation, Document, GoldLabel, ReviewTask
from labeling.taxonomy_acts import Create, Edit, Merge, Retire, Split
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import AnnotationFactory, DocumentFactory, ReviewTaskFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(project):
    entries = [TaxonomyEntry(key, key.title()) for key in ("lost", "stolen", "fee")]
    publishing.publish(project, entries, actor=None, now=timezone.now())
    return {label.key: label for label in project.labels.all()}


@pytest.fixture
def publish(project):
    return lambda *acts: publishing.publish_acts(project, acts, actor=None, now=timezone.now())


@pytest.fixture
def undo(project):
    def undo():
        version, _ = publishing.undoable(project)
        return publishing.take_back(project, version.number, actor=None, now=timezone.now())

    return undo


@pytest.fixture
def decide(project, published, reviewer):
    """Let somebody decide a document at the desk."""

    def decide(*keys, document=None, task=None, person=reviewer):
        task = task or ReviewTaskFactory(document=document or DocumentFactory())
        queues.lease(task, person, now=timezone.now())
        return annotations.annotate(
            task,
            reviewer=person,
            labels=list(project.labels.filter(key__in=keys)),
            key=uuid.uuid4(),
            now=timezone.now(),
        )

    return decide


def gold(document):
    rows = GoldLabel.objects.gold().filter(document=document)
    return sorted(rows.values_list("label__key", flat=True))


def test_gold_of_a_merged_label_counts_for_the_other(decide, publish, undo):
    document = decide("lost").task.document
    publish(Merge("lost", "stolen"))
    assert gold(document) == ["stolen"]
    assert not ReviewTask.objects.open().exists()

    undo()
    assert gold(document) == ["lost"]


def test_a_document_that_had_both_keeps_one(project, decide, publish, undo):
    project.kind = "multi"
    project.save()
    document = decide("lost", "stolen").task.document
    publish(Merge("lost", "stolen"))
    assert gold(document) == ["stolen"]

    undo()
    assert gold(document) == ["lost", "stolen"]


def test_gold_without_a_successor_goes_back_to_review(decide, publish, undo):
    document = decide("lost").task.document
    publish(Retire("lost"))
    document.refresh_from_db()
    task = ReviewTask.objects.open().get()
    assert (gold(document), document.gold_at) == ([], None)
    assert (task.document, task.queue.reason, task.is_check) == (document, "changed", False)

    undo()
    document.refresh_from_db()
    assert gold(document) == ["lost"]
    assert document.gold_at is not None
    assert not ReviewTask.objects.open().exists()


def test_chosen_gold_of_a_split_label_goes_to_its_part(decide, publish):
    mine, other = decide("lost").task.document, decide("lost").task.document
    parts = (TaxonomyEntry("home", "At home"), TaxonomyEntry("away", "Away"))
    publish(Split("lost", parts, {"home": (mine.pk,)}))

    assert (gold(mine), gold(other)) == (["home"], [])
    assert ReviewTask.objects.open().get().document == other


def test_what_waits_to_be_decided_again_is_decided_like_any_task(decide, publish):
    document = decide("lost").task.document
    publish(Retire("lost"))
    decide("stolen", task=ReviewTask.objects.open().get())

    assert gold(document) == ["stolen"]


def test_what_was_decided_since_stays_when_the_change_is_undone(decide, publish, undo):
    decided, waiting = decide("lost").task.document, decide("lost").task.document
    publish(Retire("lost"))
    decide("stolen", task=ReviewTask.objects.open().get(document=decided))
    undo()

    assert (gold(decided), gold(waiting)) == (["stolen"], ["lost"])


def test_what_was_decided_on_a_label_that_an_undo_removes_goes_back_to_review(
    decide, publish, undo
):
    publish(Create(TaxonomyEntry("found", "Found")))
    document = decide("found").task.document
    undo()

    assert gold(document) == []
    assert ReviewTask.objects.open().get().document == document


def test_a_decision_taken_back_meanwhile_does_not_come_back_with_an_undo(
    decide, publish, undo, reviewer
):
    said = decide("lost")
    publish(Merge("lost", "stolen"))
    annotations.undo(said, reviewer=reviewer, now=timezone.now())
    undo()

    assert gold(said.task.document) == []


def test_gold_that_was_put_right_and_taken_back_stands_as_what_its_label_became(
    project, decide, publish, reviewer, owner
):
    document = decide("lost").task.document
    queue = queues.ensure(project)["check"]
    check = ReviewTaskFactory(document=document, queue=queue, prediction=None)
    said = decide("fee", task=check, person=owner)
    publish(Merge("lost", "stolen"))
    annotations.undo(said, reviewer=owner, now=timezone.now())

    assert gold(document) == ["stolen"]


def test_gold_that_was_put_right_of_a_label_that_is_gone_leaves_the_document_open(
    project, decide, publish, owner
):
    document = decide("lost").task.document
    queue = queues.ensure(project)["check"]
    check = ReviewTaskFactory(document=document, queue=queue, prediction=None)
    said = decide("fee", task=check, person=owner)
    publish(Retire("lost"))
    annotations.undo(said, reviewer=owner, now=timezone.now())

    assert gold(document) == []
    assert Document.objects.get(pk=document.pk).gold_at is None


def test_a_retired_label_is_refused_with_the_one_to_use(decide, publish):
    publish(Retire("lost", "stolen"))

    with pytest.raises(LabelRefused, match=r"Lost is retired .* Use Stolen\."):
        decide("lost")


def test_what_asked_about_gold_that_goes_is_withdrawn_and_comes_back(
    project, decide, publish, undo, reviewer
):
    document = decide("lost").task.document
    queue = queues.ensure(project)["check"]
    check = ReviewTaskFactory(document=document, queue=queue, prediction=None, value=-0.5)
    queues.lease(check, reviewer, now=timezone.now())
    before = ReviewTask.objects.filter(pk=check.pk).values().get()
    publish(Retire("lost"))
    assert ReviewTask.objects.get(pk=check.pk).status == ReviewTask.Status.WITHDRAWN

    undo()
    assert ReviewTask.objects.filter(pk=check.pk).values().get() == before


def test_an_edit_that_only_says_more_moves_no_gold(decide, publish):
    document = decide("lost").task.document
    version = publish(Edit("lost", {"description": "It is gone."}))

    assert gold(document) == ["lost"]
    assert not version.moved.exists()


def test_a_file_that_retires_a_label_moves_its_gold_too(project, decide):
    document = decide("lost").task.document
    entry = TaxonomyEntry("lost", "Lost", retired=True, successor="fee")
    publishing.publish(project, [entry], actor=None, now=timezone.now())

    assert gold(document) == ["fee"]


def test_what_was_ruled_out_beside_a_label_merged_into_it_is_ruled_out_no_more(
    decide, publish, undo, published
):
    said = decide("lost")
    GoldLabel.objects.create(
        project=said.project,
        document=said.task.document,
        label=published["stolen"],
        tier="ruled_out",
        annotation=said,
        granted_at=timezone.now(),
    )
    before = list(GoldLabel.objects.order_by("pk").values())
    publish(Merge("lost", "stolen"))
    assert gold(said.task.document) == ["stolen"]
    assert not GoldLabel.objects.ruled_out().exists()

    undo()
    assert list(GoldLabel.objects.order_by("pk").values()) == before


def test_gold_put_right_since_and_brought_back_is_one_label_after_an_undo(
    project, decide, publish, undo, owner
):
    document = decide("lost").task.document
    publish(Merge("lost", "stolen"))
    queue = queues.ensure(project)["check"]
    check = ReviewTaskFactory(document=document, queue=queue, prediction=None, value=-0.5)
    said = decide("fee", task=check, person=owner)
    annotations.undo(said, reviewer=owner, now=timezone.now())
    undo()

    assert gold(document) == ["stolen"]


def test_what_one_of_two_said_of_a_label_merged_since_becomes_what_it_is_now(
    project, decide, publish, owner, reviewer
):
    task = ReviewTaskFactory(document=DocumentFactory(), wanted=2)
    decide("lost", task=task)
    publish(Merge("lost", "stolen"))
    adjudication.settle(project, owner=owner, now=timezone.now())

    assert gold(task.document) == ["stolen"]


def test_two_who_said_what_is_one_label_by_now_do_not_differ(
    decide, publish, reviewer, other_reviewer
):
    task = ReviewTaskFactory(document=DocumentFactory(), wanted=2)
    decide("lost", task=task)
    publish(Merge("lost", "stolen"))
    decide("stolen", task=task, person=other_reviewer)

    assert gold(task.document) == ["stolen"]


def test_what_one_of_two_said_of_a_label_that_is_gone_waits_for_others(
    project, decide, publish, owner
):
    task = ReviewTaskFactory(document=DocumentFactory(), wanted=2)
    decide("lost", task=task)
    publish(Retire("lost"))
    adjudication.settle(project, owner=owner, now=timezone.now())

    assert gold(task.document) == []
    assert ReviewTask.objects.open().get() == task


def test_a_document_whose_gold_cannot_come_back_is_decided_in_the_queue_of_changed_labels(
    project, decide, publish, owner, reviewer
):
    document = decide("lost").task.document
    queue = queues.ensure(project)["check"]
    check = ReviewTaskFactory(document=document, queue=queue, prediction=None, value=-0.5)
    said = decide("fee", task=check, person=owner)
    publish(Retire("lost"))
    annotations.undo(said, reviewer=owner, now=timezone.now())
    task = ReviewTask.objects.open().get()
    assert (task.queue.reason, task.is_check) == ("changed", False)

    decide("stolen", task=task, person=owner)
    assert gold(document) == ["stolen"]


def test_gold_decided_at_the_very_moment_its_label_closed_follows(
    project, decide, publish, undo, published
):
    early = decide("lost").task.document
    version = publish(Merge("lost", "stolen"))
    late = decide("fee").task.document
    late.gold.update(label=published["lost"])  # by a decision that saw the label open
    publishing.sweep(version, now=timezone.now())
    assert gold(late) == ["stolen"]

    undo()
    assert (gold(early), gold(late)) == (["lost"], ["lost"])


def test_what_was_ruled_out_at_that_moment_keeps_nothing_from_coming_back(
    project, decide, publish, undo, published
):
    decide("lost")
    version = publish(Merge("lost", "stolen"))
    said = decide("fee")
    said.gold.update(label=published["lost"])  # by a decision that saw the label open
    passed_over = GoldLabel(
        project=project,
        document=said.task.document,
        label=published["fee"],
        tier=GoldLabel.Tier.RULED_OUT,
        annotation=said,
        granted_at=timezone.now(),
    )
    passed_over.save()
    publishing.sweep(version, now=timezone.now())
    undo()

    assert gold(said.task.document) == ["lost"]
    assert GoldLabel.objects.ruled_out().get().label == published["fee"]


def test_gold_that_was_swept_put_right_and_brought_back_is_one_label_after_an_undo(
    decide, publish, undo, published, reviewer, owner
):
    decide("lost")
    version = publish(Merge("lost", "stolen"))
    document = decide("fee").task.document
    document.gold.update(label=published["lost"])  # by a decision that saw the label open
    publishing.sweep(version, now=timezone.now())
    re_review.ask_again(version, [published["stolen"].pk], now=timezone.now())
    task = ReviewTask.objects.open().get(document=document)
    said = decide("fee", task=task, person=owner)
    annotations.undo(said, reviewer=owner, now=timezone.now())
    assert gold(document) == ["stolen"]

    undo()
    assert gold(document) == ["stolen"]


def test_the_sweep_that_a_killed_server_left_undone_is_done_later(decide, publish, undo, published):
    decide("lost")
    version = publish(Merge("lost", "stolen"))
    assert publishing.sweep_missed(timezone.now()) == []

    late = decide("fee").task.document
    late.gold.update(label=published["lost"])
    assert publishing.sweep_missed(timezone.now()) == [version.pk]
    assert gold(late) == ["stolen"]
    assert publishing.sweep_missed(timezone.now()) == []

    undo()
    assert gold(late) == ["lost"]


def test_what_was_decided_before_the_sweep_stays_when_the_change_is_undone(
    project, decide, publish, undo, published, reviewer
):
    said = decide("lost")
    version = publish(Merge("lost", "stolen"))
    annotations.undo(said, reviewer=reviewer, now=timezone.now())
    decide("fee", task=ReviewTask.objects.open().get())
    decide("fee").task.document.gold.update(label=published["lost"])
    publishing.sweep(version, now=timezone.now())
    undo()

    assert gold(said.task.document) == ["fee"]


def test_what_was_asked_again_is_withdrawn_by_an_undo(decide, publish, undo, published):
    decide("lost")
    version = publish(Edit("lost", {"description": "Something else."}))
    re_review.ask_again(version, [published["lost"].pk], now=timezone.now())
    task = ReviewTask.objects.open().get()
    assert (task.queue.reason, task.is_check) == ("changed", True)

    undo()
    assert not ReviewTask.objects.open().exists()


def test_the_first_of_two_may_not_undo_once_the_second_settled_it(
    project, decide, publish, reviewer, other_reviewer
):
    project.overlap_share, project.overlap_people = 1, 2
    project.save()
    decide("lost")
    publish(Retire("lost"))
    task = ReviewTask.objects.open().get()
    assert task.wanted == 2
    first = decide("stolen", task=task)
    decide("stolen", task=task, person=other_reviewer)

    with pytest.raises(annotations.UndoRefused):
        annotations.undo(first, reviewer=reviewer, now=timezone.now())


def test_a_version_from_before_versions_remembered_is_not_offered_to_undo(project, publish):
    project.taxonomy_versions.create(number=7, published_at=timezone.now())

    assert publishing.undoable(project) == (None, None)


class TestMeasuring:
    def test_people_who_said_two_labels_that_are_one_by_now_agree(
        self, project, published, publish, reviewer, other_reviewer
    ):
        task = ReviewTaskFactory(document=DocumentFactory(), wanted=2, status="done")
        for person, key in ((reviewer, "lost"), (other_reviewer, "stolen")):
            AnnotationFactory(task=task, reviewer=person).labels.set([published[key]])
        publish(Merge("lost", "stolen"))

        said = second_opinions.collect(project).judgements
        assert {each.labels for each in said} == {frozenset({published["stolen"].pk})}

    def test_who_said_what_a_known_label_became_was_right(
        self, project, published, publish, decide, reviewer
    ):
        document = decide("lost").task.document
        Annotation.objects.update(annotated_at=timezone.now() - timedelta(days=1))
        task = ReviewTaskFactory(document=document, prediction=None, is_known=True, status="done")
        AnnotationFactory(task=task, reviewer=reviewer).labels.set([published["lost"]])
        publish(Merge("lost", "stolen"))

        assert [each.is_right for each in known_gold.decisions(project)] == [True]
