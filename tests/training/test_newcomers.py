"""Documents that are likely of a new label are offered first."""

import pytest
from django.utils import timezone

from inference import deployments, rebuild, serving, vectors
from labeling import publishing, queues
from labeling.models import Prediction
from labeling.taxonomy_acts import Create, Edit
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import DocumentFactory
from training import newcomers

pytestmark = pytest.mark.django_db

MUSIC = "guitar piano violin"


@pytest.fixture
def served(small, monkeypatch):
    """A small project whose label texts alone serve, with open documents of something new."""
    monkeypatch.setattr(newcomers, "LIKELY", 4)
    bundle = rebuild.champion_bundle(small, now=timezone.now())
    for n in range(4):
        DocumentFactory(project=small, subject="", text=f"{MUSIC} {n}")
    for n in range(6):
        DocumentFactory(project=small, subject="", text=f"table river letter {n}")
    vectors.document_vectors(small.documents.all(), serving.encoder(bundle))
    return small


def publish(project, *acts):
    """Publish *acts*, rebuild what serves, and return what served before."""
    former = deployments.champion(project).bundle
    publishing.publish_acts(project, acts, actor=None, now=timezone.now())
    rebuild.champion_bundle(project, now=timezone.now())
    return former


def test_likely_documents_of_a_new_label_come_before_the_chosen_batch(served):
    chosen = served.documents.open().order_by("-pk").first()
    queues.prioritise(served, [chosen.pk], now=timezone.now())
    former = publish(served, Create(TaxonomyEntry("music", "Music", description=MUSIC)))
    found = newcomers.offer(served, former, now=timezone.now())

    assert len(found) == 4
    assert set(found) == set(
        served.documents.filter(text__startswith=MUSIC).values_list("pk", flat=True)
    )
    tasks = served.tasks.open().filter(value__gt=1).most_valuable_first()
    assert list(tasks.values_list("document", flat=True)) == [*found, chosen.pk]
    current = Prediction.objects.current().filter(document__in=found)
    assert set(current.values_list("first__key", flat=True)) == {"music"}


def test_without_a_new_label_nothing_is_offered(served):
    label = served.labels.first()
    former = publish(served, Edit(label.key, {"description": "Something else."}))

    assert newcomers.offer(served, former, now=timezone.now()) == []


def test_a_whole_taxonomy_of_new_labels_is_not_looked_for(served, monkeypatch):
    monkeypatch.setattr(newcomers, "MOST", 1)
    acts = [Create(TaxonomyEntry(f"n{n}", f"New {n}", description=MUSIC)) for n in range(2)]
    former = publish(served, *acts)

    assert newcomers.offer(served, former, now=timezone.now()) == []
