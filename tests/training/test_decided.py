"""Who decides: the shares of the cascade."""

import pytest

from tests.factories import PredictionFactory, ProjectFactory
from training import decided
from training.decided import shared_out

pytestmark = pytest.mark.django_db


def test_every_document_counts_in_the_part_that_decided_it(django_assert_num_queries):
    project = ProjectFactory()
    for bucket, reranked, count in (
        ("auto", False, 4),
        ("auto", True, 1),
        ("review", True, 2),
        ("none_fits", True, 1),
        ("none_fits", False, 2),
    ):
        for _ in range(count):
            PredictionFactory(
                project=project, document__project=project, bucket=bucket, reranked=reranked
            )
    PredictionFactory(project=project, document__project=project, is_current=False)
    other = ProjectFactory(slug="other")
    PredictionFactory(project=other, document__project=other)
    with django_assert_num_queries(1):
        found = decided.parts(project)
        assert decided.parts(project) == found  # counted once
    assert [(part.name, part.documents, part.share) for part in found] == [
        ("Accepted at first sight", 4, 0.4),
        ("Accepted at second sight", 1, 0.1),
        ("Close calls, looked at twice", 2, 0.2),
        ("Nothing fits, looked at twice", 1, 0.1),
        ("Nothing fits", 2, 0.2),
    ]


def test_the_pieces_of_the_bar_lie_side_by_side_and_fill_it():
    parts = shared_out([("first", "one", 1), ("close", "none", 0), ("twice", "two", 2)])
    assert [part.kind for part in parts] == ["first", "twice"]
    assert [(part.start, part.width) for part in parts] == [(0, 33.333), (33.333, 66.667)]


def test_a_project_without_predictions_has_no_parts():
    assert decided.parts(ProjectFactory()) == []
