"""What the typeahead offers before anything is typed."""

from datetime import UTC, datetime, timedelta

import pytest

from labeling import label_usage
from labeling.label_usage import DECISIONS, GOLD
from tests.factories import AnnotationFactory, GoldLabelFactory, LabelFactory, ProjectFactory
from tests.labeling.desk import url
from tests.plans import full_scans

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def decided(project, person, *labels, minutes=0, **fields):
    annotation = AnnotationFactory(
        task__document__project=project,
        reviewer=person,
        annotated_at=NOON + timedelta(minutes=minutes),
        **fields,
    )
    annotation.labels.set(labels)


def test_the_labels_given_last_come_first_and_once(project, reviewer, labels):
    for minutes, place in enumerate([0, 1, 2, 1]):
        decided(project, reviewer, labels[place], minutes=minutes)

    assert label_usage.recent(project, reviewer) == [labels[n].pk for n in (1, 2, 0)]


def test_only_the_persons_own_standing_decisions_here_are_recent(
    project, reviewer, other_reviewer, labels
):
    elsewhere = ProjectFactory(slug="elsewhere")
    decided(project, other_reviewer, labels[0])
    decided(project, reviewer, labels[1], undone_at=NOON)
    decided(elsewhere, reviewer, LabelFactory(project=elsewhere))
    decided(project, reviewer, labels[3])
    decided(project, reviewer)  # nothing fits

    assert label_usage.recent(project, reviewer) == [labels[3].pk]


def test_labels_with_more_gold_come_first(project, labels):
    for place, times in ((2, 3), (0, 1), (1, 2)):
        GoldLabelFactory.create_batch(times, label=labels[place])
    GoldLabelFactory.create_batch(4, label=None)

    assert label_usage.frequent(project) == [labels[n].pk for n in (2, 1, 0)]


def test_usage_is_told_to_members_with_each_sort_apart(client, project, reviewer, labels):
    decided(project, reviewer, labels[1])
    GoldLabelFactory(label=labels[2])
    client.force_login(reviewer)
    answer = client.get(url("label-usage"))

    assert answer.json() == {"recent": [labels[1].pk], "frequent": [labels[2].pk]}
    assert "no-store" in answer["Cache-Control"]


def test_usage_costs_the_same_however_much_was_decided(
    client, project, reviewer, labels, django_assert_num_queries
):
    for minutes in range(30):
        decided(project, reviewer, labels[minutes % 4], minutes=minutes)
    client.force_login(reviewer)
    with full_scans() as found, django_assert_num_queries(5):
        client.get(url("label-usage"))

    assert found == []
    assert (DECISIONS, GOLD) == (200, 2_000)
