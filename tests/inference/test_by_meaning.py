"""Documents are found by what they mean, with the real encoder."""

import numpy as np
import pytest
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from inference import by_meaning, deployments, tasks, vectors
from inference.bundle import EncoderReference
from inference.encode import PACKAGED, load_encoder
from inference.head import Head
from labeling import meaning
from labeling.document_filters import DocumentFilter
from tests.factories import DocumentFactory, LabelFactory, ProjectFactory
from tests.inference.parts import bundle_of

pytestmark = pytest.mark.django_db
ASKED = DocumentFilter(q="somebody took my purse", by="meaning")
TEXTS = [
    "My wallet was stolen on the train.",
    "When does the shop open on Sundays?",
    "The router blinks red and nothing loads.",
]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(PACKAGED, "fp32")


@pytest.fixture
def serving(project, encoder):
    """A champion made with the encoder; return its project."""
    label = LabelFactory(project=project)
    bundle = bundle_of(
        [label.pk],
        encoder=EncoderReference(PACKAGED, encoder.digest),
        label_vectors=np.eye(1, 384, dtype=np.float32),
        head=Head.zero(1, 384),
    )
    digest = bundle.write(settings.BUNDLE_DIR).digest
    deployments.deploy(project, digest, now=timezone.now(), reason="Test", actor=None)
    return project


@pytest.fixture
def read(serving, encoder):
    """Documents that were read."""
    documents = [DocumentFactory(project=serving, subject="", text=text) for text in TEXTS]
    vectors.document_vectors([each.pk for each in documents], encoder)
    return documents


def found(project, asked=ASKED):
    tasks.find_by_meaning(project.pk, asked.address)
    return meaning.find(project, asked)


def test_the_nearest_come_first_whatever_words_they_use(serving, read):
    answer = found(serving)

    assert next(pk for pk, _ in answer.documents) == read[0].pk
    cosines = [cosine for _, cosine in answer.documents]
    assert cosines == sorted(cosines, reverse=True)
    assert cosines[0] > 0.4 > cosines[1]
    assert (answer.looked_at, answer.problem) == (3, "")


def test_only_documents_that_meet_the_filters_are_looked_at(serving, read):
    read[0].gold_at = timezone.now()
    read[0].save()
    DocumentFactory(project=ProjectFactory(slug="elsewhere"), text=TEXTS[0])
    answer = found(serving, DocumentFilter(q=ASKED.q, by="meaning", gold="no"))

    assert {pk for pk, _ in answer.documents} == {read[1].pk, read[2].pk}


def test_documents_nobody_read_yet_are_left_out(serving, read):
    DocumentFactory(project=serving, subject="", text="A thief has my purse.")

    assert found(serving).looked_at == 3


def test_a_chunk_at_a_time_finds_the_same(serving, read, monkeypatch):
    whole = found(serving)
    cache.clear()
    monkeypatch.setattr(by_meaning, "AT_ONCE", 1)
    monkeypatch.setattr(meaning, "MOST", 2)

    assert found(serving).documents == whole.documents[:2]


def test_without_a_model_it_says_so(project):
    assert "No model serves yet" in found(project).problem


def test_a_model_whose_files_are_gone_is_said(project):
    deployments.deploy(project, "a" * 64, now=timezone.now(), reason="Test", actor=None)

    assert "cannot be used" in found(project).problem


def test_a_project_deleted_meanwhile_is_nothing():
    tasks.find_by_meaning(10**6, ASKED.address)

    assert not meaning.is_kept(10**6, ASKED.address)


def test_a_second_request_for_what_was_found_reads_nothing(
    serving, read, django_assert_max_num_queries
):
    first = found(serving)
    with django_assert_max_num_queries(1):
        assert found(serving) == first
