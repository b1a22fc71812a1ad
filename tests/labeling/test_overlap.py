"""Which documents several people are to judge."""

from datetime import UTC, datetime

import pytest

from labeling import queue_filling
from labeling.models import Project
from tests.factories import DocumentFactory, PredictionFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


class TestFilling:
    def fill(self, project, share, documents=40):
        Project.objects.filter(pk=project.pk).update(overlap_share=share, overlap_people=3)
        made = [PredictionFactory(document=DocumentFactory()) for _ in range(documents)]
        queue_filling.enqueue(made, now=NOON)
        return list(project.tasks.order_by("document").values_list("wanted", flat=True))

    def test_without_overlap_one_person_judges(self, project):
        assert set(self.fill(project, 0)) == {1}

    def test_with_full_overlap_all_are_judged_by_several(self, project):
        assert set(self.fill(project, 1)) == {3}

    def test_a_share_of_documents_is(self, project):
        assert 5 <= self.fill(project, 0.5).count(3) <= 35

    def test_a_bigger_share_only_adds_documents(self, project):
        prints = [f"{number:064x}" for number in range(200)]

        def sample(share):
            project.overlap_share = share
            return {each for each in prints if queue_filling.people_wanted(project, each) > 1}

        assert sample(0.1) < sample(0.3) < sample(1)
