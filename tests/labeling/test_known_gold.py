"""Documents whose answer is known: mixed in unseen, they measure people and change nothing."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from labeling import (
    annotations,
    comments,
    escalations,
    known_gold,
    queue_counts,
    queue_filling,
    queues,
)
from labeling.models import Annotation, AuditEntry, Document, GoldLabel, Project, ReviewTask
from tests.factories import (
    AnnotationFactory,
    DocumentFactory,
    GoldLabelFactory,
    OverlapFactory,
    PredictionFactory,
    ReviewTaskFactory,
)

HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def wants(project):
    """Let the project want a share of known documents."""

    def wants(share):
        Project.objects.filter(pk=project.pk).update(known_share=share)

    wants(0.5)
    return wants


@pytest.fixture
def known(labels):
    """Make a document that was a close call until an import gave it a label."""

    def known(label=0, **fields):
        document = DocumentFactory(gold_at=timezone.now())
        GoldLabelFactory(document=document, label=labels[label])
        certain = zip(labels, (0.46, 0.41, 0.08, 0.05), strict=True)
        shares = [[each.pk, 0.5, 1.0, share] for each, share in certain]
        PredictionFactory(
            document=document, first=labels[0], second=labels[1], candidates=shares, **fields
        )
        return document

    return known


def mix(project, among=4):
    """Choose a batch of so many open documents, and what is known among it."""
    documents = [PredictionFactory(document=DocumentFactory()).document_id for _ in range(among)]
    queue_filling.prioritise(Project.objects.get(pk=project.pk), documents, now=timezone.now())
    return list(project.tasks.open().filter(is_known=True))


@pytest.fixture
def asked(project, wants, known):
    """One known document that waits."""
    document = known()
    (task,) = mix(project)
    assert task.document == document
    return task


def decide(task, person, *labels):
    held = queues.lease(task, person, now=timezone.now())
    return annotations.annotate(
        held, reviewer=person, labels=labels, key=uuid4(), now=timezone.now()
    )


class TestMixing:
    def test_as_many_as_the_project_wants_stand_among_the_chosen(self, project, wants, known):
        for _ in range(10):
            known()
        tasks = mix(project, among=6)

        assert 6 <= len(tasks) <= 7, "half of all are as many again"
        assert all(1 < task.value <= 2 for task in tasks)
        assert {task.queue.reason for task in tasks} == {"ambiguous"}

    def test_a_share_smaller_than_one_task_comes_now_and_then(self, project, wants, known):
        wants(0.1)
        known()
        counts = [len(mix(project, among=2)) for _ in range(40)]

        assert set(counts) == {0, 1}

    def test_nothing_is_mixed_in_unasked(self, project, known):
        known()
        assert mix(project) == []

    @pytest.mark.parametrize(
        ("task", "said", "check", "is_known"),
        [
            ({}, {}, None, False),
            ({"wanted": 2}, {}, None, True),
            ({}, {"kind": "ruling"}, None, True),
            ({}, {}, [], True),
            ({}, {}, [[1, 2, "2026-01-01T00:00:00+00:00"]], False),
        ],
        ids=["one decision", "agreed", "ruled", "confirmed", "contradicted"],
    )
    def test_only_what_more_than_one_decision_stands_for_is_known(
        self, project, wants, known, reviewer, other_reviewer, task, said, check, is_known
    ):
        document = known()
        decided = ReviewTaskFactory(document=document, prediction=None, status="done", **task)
        annotation = AnnotationFactory(task=decided, reviewer=reviewer, **said)
        document.gold.update(annotation=annotation)
        if check is not None:
            queue = queues.ensure(project)["check"]
            asked = ReviewTaskFactory(
                document=document, prediction=None, status="done", queue=queue
            )
            checked = AnnotationFactory(task=asked, reviewer=other_reviewer, replaced=check)
            if check:
                document.gold.update(annotation=checked)

        assert [each.document for each in mix(project)] == [document] * is_known

    def test_what_its_card_would_give_away_is_left_out(self, project, wants, known, owner):
        known(bucket="auto")
        commented = known()
        comments.write(commented, owner, "It is the first label.", now=timezone.now())
        unread = known()
        unread.predictions.all().delete()

        assert mix(project) == []

    def test_who_judged_it_is_not_offered_it(self, project, wants, known, reviewer, other_reviewer):
        document = known()
        AnnotationFactory(
            task=ReviewTaskFactory(document=document, prediction=None, status="done"),
            reviewer=reviewer,
        )
        (task,) = mix(project)
        now = timezone.now()

        assert task not in project.tasks.available_to(reviewer, at=now)
        assert task in project.tasks.available_to(other_reviewer, at=now)

    def test_those_asked_about_least_come_first(self, project, wants, known, reviewer, labels):
        often, seldom = known(), known()
        ReviewTaskFactory(document=often, prediction=None, status="done", is_known=True)
        wants(0.2)

        assert [each.document for each in mix(project)] == [seldom]

    def test_who_put_it_aside_is_not_offered_it_again_before_its_time(
        self, project, asked, reviewer, other_reviewer
    ):
        now = timezone.now()
        queues.skip(queues.lease(asked, reviewer, now=now), reviewer=reviewer, now=now)
        held = queues.lease(asked, other_reviewer, now=now)
        later = now + timedelta(hours=3)
        queues.skip(held, reviewer=other_reviewer, now=now, until=later)
        assert mix(project) == [], "it waited when this batch was chosen"
        (again,) = mix(project)

        for person in (reviewer, other_reviewer):
            assert again not in project.tasks.available_to(person, at=now)
        assert again not in project.tasks.available_to(reviewer, at=later)
        assert again in project.tasks.available_to(other_reviewer, at=later)

    def test_a_decision_on_its_way_when_the_next_batch_came_is_stored(
        self, project, asked, reviewer, labels
    ):
        then = timezone.now() - settings.REVIEW_LEASE - timedelta(minutes=1)
        held = queues.lease(asked, reviewer, now=then)
        mix(project)
        said = annotations.annotate(
            held, reviewer=reviewer, labels=labels[:1], key=uuid4(), now=timezone.now()
        )
        assert said.pk

    def test_doubt_about_its_gold_comes_before_it(self, project, asked):
        doubt = queue_filling.Doubt(asked.document_id, [], 0.5)
        queue_filling.doubt(project, [doubt], now=timezone.now())

        (open_one,) = project.tasks.open().filter(document=asked.document)
        assert open_one.is_check

    def test_it_is_nobodys_next_batch(self, project, asked, reviewer):
        queues.skip(
            queues.lease(asked, reviewer, now=timezone.now()), reviewer=reviewer, now=timezone.now()
        )
        counts = {each.queue.reason: each for each in queue_counts.of(project, reviewer)}

        assert (counts["ambiguous"].skipped, counts["ambiguous"].judged) == (0, 0)

    def test_the_next_batch_brings_others_but_takes_none_from_whom_it_is_with(
        self, project, asked, known, reviewer
    ):
        queues.lease(asked, reviewer, now=timezone.now())
        free = mix(project)
        assert asked in free, "it is held"

        queues.release(asked, reviewer=reviewer, now=timezone.now())
        mix(project)
        asked.refresh_from_db()
        assert asked.status == ReviewTask.Status.WITHDRAWN

    def test_a_new_prediction_does_not_withdraw_it(self, project, asked):
        asked.document.predictions.all().delete()
        renewed = PredictionFactory(document=asked.document)
        queue_filling.enqueue([renewed], now=timezone.now())

        assert asked in project.tasks.open()

    def test_it_is_not_decided_in_bulk(self, project, asked, reviewer):
        found = ReviewTask.objects.for_bulk(reviewer, at=timezone.now())
        assert found.exists()
        assert asked not in found


class TestDeciding:
    def test_it_changes_no_gold(self, asked, reviewer, labels):
        before = list(GoldLabel.objects.values())
        said = decide(asked, reviewer, labels[2])

        asked.refresh_from_db()
        assert asked.status == ReviewTask.Status.DONE
        assert list(GoldLabel.objects.values()) == before
        assert not said.gold.exists()
        assert AuditEntry.objects.filter(act="annotated").count() == 1

    def test_its_card_is_that_of_any_other(self, client, asked, waiting, reviewer, owner):
        comments.write(asked.document, owner, "A word on it since.", now=timezone.now())
        client.force_login(reviewer)
        other = waiting()
        label = asked.document.gold.get().label
        GoldLabelFactory.create_batch(2, label=label)  # its examples, newer than the document
        shown = []
        for task in (asked, other):
            queues.lease(task, reviewer, now=timezone.now())
            page = client.get(f"/p/support/review/{task.pk}/", headers=HTMX).text
            page = page.replace(task.document.text, "its text")
            shown.append(re.sub(r'value="[\w-]{36,}"|\d+', "#", page))

        assert "Card arrival" in shown[0]
        assert shown[0].replace("its text", "") == shown[1].replace("its text", "")

    def test_undoing_it_leaves_what_rests_on_the_gold_alone(
        self, project, wants, asked, reviewer, other_reviewer, labels
    ):
        said = decide(asked, reviewer, labels[2])
        (again,) = mix(project)
        decide(again, other_reviewer, labels[0])
        annotations.undo(said, reviewer=reviewer, now=timezone.now())

        assert [each.reviewer for each in Annotation.objects.standing()] == [other_reviewer]

    def test_a_ruling_that_others_were_measured_by_can_be_undone(
        self, project, wants, known, owner, reviewer, labels
    ):
        document = known()
        ruled = ReviewTaskFactory(document=document, prediction=None, status="done", wanted=2)
        ruling = AnnotationFactory(task=ruled, reviewer=owner, kind="ruling")
        document.gold.update(annotation=ruling)
        (asked,) = mix(project)
        decide(asked, reviewer, labels[0])
        annotations.undo(ruling, reviewer=owner, now=timezone.now())

        assert known_gold.measure(project) == ([], [])

    def test_whoever_asks_an_owner_about_it_doubts_its_gold(
        self, project, asked, reviewer, owner, labels
    ):
        held = queues.lease(asked, reviewer, now=timezone.now())
        escalations.escalate(held, "This cannot be.", reviewer=reviewer, now=timezone.now())
        decide(ReviewTask.objects.get(pk=asked.pk), owner, labels[3])

        assert asked.document.gold.get().label == labels[3]
        assert known_gold.measure(project) == ([], [])

    def test_it_can_be_taken_back_and_decided_again(self, asked, reviewer, labels):
        said = decide(asked, reviewer, labels[2])
        annotations.undo(said, reviewer=reviewer, now=timezone.now())
        decide(asked, reviewer, labels[0])

        assert Annotation.objects.standing().count() == 1
        assert GoldLabel.objects.count() == 1

    def test_gold_taken_back_meanwhile_refuses_the_decision(self, asked, reviewer, labels):
        queues.lease(asked, reviewer, now=timezone.now())
        Document.objects.filter(pk=asked.document_id).update(gold_at=None)
        with pytest.raises(annotations.LeaseLost):
            annotations.annotate(
                asked, reviewer=reviewer, labels=labels[:1], key=uuid4(), now=timezone.now()
            )


class TestMeasuring:
    def share(self, project, person):
        people, _ = known_gold.measure(project)
        (found,) = [each for each in people if each.id == person.pk]
        return found.right, found.decisions

    def test_people_and_labels_are_measured(
        self, project, wants, known, reviewer, other_reviewer, labels
    ):
        for place in (0, 0, 1):
            known(place)
        wants(0.6)
        for task in mix(project, among=3):
            right = task.document.gold.get().label
            decide(task, reviewer, labels[0] if right == labels[0] else labels[3])
        mix(project, among=3)
        (mine,), by_label = known_gold.measure(project)

        assert (mine.right, mine.decisions) == (2, 3)
        assert [(each.id, each.right, each.decisions) for each in by_label] == [
            (labels[1].pk, 0, 1),
            (labels[0].pk, 2, 2),
        ]
        assert mine.of_labels == by_label

    def test_nothing_fits_is_an_answer_too(self, project, asked, reviewer):
        decide(asked, reviewer)
        assert self.share(project, reviewer) == (0, 1)

        asked.document.gold.update(label=None)
        assert self.share(project, reviewer) == (1, 1)

    def test_a_label_that_overlaps_is_right(self, project, asked, reviewer, labels):
        decide(asked, reviewer, labels[2])
        assert self.share(project, reviewer) == (0, 1)

        OverlapFactory(first=labels[0], second=labels[2])
        assert self.share(project, reviewer) == (1, 1)

    def test_gold_as_it_stands_now_counts(self, project, asked, reviewer, labels):
        decide(asked, reviewer, labels[2])
        asked.document.gold.update(label=labels[2])
        assert self.share(project, reviewer) == (1, 1)

        asked.document.gold.all().delete()
        assert known_gold.measure(project) == ([], [])

    def test_what_was_taken_back_counts_no_more(self, project, asked, reviewer, labels):
        said = decide(asked, reviewer, labels[0])
        annotations.undo(said, reviewer=reviewer, now=timezone.now())

        assert known_gold.measure(project) == ([], [])

    def test_owners_see_it(self, client, owner, asked, reviewer, labels):
        decide(asked, reviewer, labels[2])
        client.force_login(owner)
        page = client.get("/p/support/agreement/")

        (person, share, rows), *others = page.context["known_people"]
        assert (person, share.value, others) == (reviewer, 0, [])
        assert [row.name for row in rows] == [labels[0].name]
        assert "Known gold" in page.text
        assert "No document was decided by two people yet" not in page.text
