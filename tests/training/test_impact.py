"""What a draft would do is measured before it is done, and comes true."""

from dataclasses import replace

import numpy as np
import pytest
from django.utils import timezone

from inference import rebuild, serving, vectors
from inference.document_features import document_features
from inference.head import Head
from labeling import drafts
from labeling.jobs import JobRefused
from labeling.models import GoldLabel, Job
from labeling.taxonomy_acts import Create, Edit, Merge, Retire, Split
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import JobFactory, UserFactory
from tests.training.world import NOW, World, champion
from training import curation, impact, metrics
from training.examples import targets_of

pytestmark = pytest.mark.django_db


def quiet(done, total=None):
    """Take progress, and say nothing."""


def drafted(project, *acts):
    author = UserFactory()
    for act in acts:
        drafts.add(project, act, author=author, now=NOW, **drafts.seen(project))


def measured(project, *acts):
    drafted(project, *acts)
    job = JobFactory(project=project, kind=Job.Kind.IMPACT)
    return impact.run(job, quiet)


@pytest.fixture
def world(settings):
    made = World(settings)
    made.settle(*range(60))
    return made


def test_a_merge_is_measured_with_its_gold_where_it_goes(world):
    first, second, _ = world.labels
    report = measured(world.project, Merge(first.key, second.key))

    assert (report["gold"]["documents"], report["gold"]["again"]) == (60, 0)
    (row,) = report["gold"]["labels"]
    assert (row["label"], row["gold"]) == (second.name, 40)
    flips = {(each["from"], each["to"]): each["documents"] for each in report["recent"]["flips"]}
    assert flips[(first.name, second.name)] >= 20
    assert report["again"] == 40


def test_gold_that_would_go_back_to_review_is_counted_and_not_measured(world):
    report = measured(world.project, Retire(world.labels[0].key))

    assert (report["gold"]["again"], report["gold"]["documents"]) == (20, 40)


def test_nothing_is_changed_by_looking(world):
    before = list(GoldLabel.objects.values()), champion(world.project)
    measured(world.project, Merge(world.labels[0].key, world.labels[1].key))

    assert (list(GoldLabel.objects.values()), champion(world.project)) == before


def test_an_empty_draft_and_one_that_leaves_no_label_are_refused(world):
    with pytest.raises(JobRefused, match="is empty"):
        measured(world.project)
    with pytest.raises(JobRefused, match="leaves no label"):
        measured(world.project, *(Retire(label.key) for label in world.labels))


def test_without_gold_there_is_nothing_to_measure_on_but_documents(settings):
    world = World(settings)
    report = measured(world.project, Merge(world.labels[0].key, world.labels[1].key))

    assert report["gold"] == {"documents": 0, "again": 0}
    assert report["recent"]["documents"] == 90


@pytest.fixture
def served(small):
    """A small project whose documents are encoded and whose label texts alone serve."""
    bundle = rebuild.champion_bundle(small, now=NOW)
    vectors.document_vectors(small.documents.all(), serving.encoder(bundle))
    return small


def right_by_texts(project):
    """Return how much of the gold the label texts alone get right, as it stands now."""
    bundle = rebuild.champion_bundle(project, now=timezone.now())
    plain = replace(bundle, head=Head.zero(*bundle.label_vectors.shape), lexical=None)
    gold = curation.gold_of(project)
    ids, features = document_features(gold.ids, serving.encoder(bundle), words=False)
    labels = dict(zip(gold.ids, gold.labels, strict=True))
    targets = targets_of([labels[pk] for pk in ids.tolist()], bundle.label_ids)
    fits = targets.any(axis=1)
    return metrics.top1(plain.logits(features)[fits], targets[fits])


def test_the_harm_of_swapped_descriptions_is_seen_before_it_is_done(served):
    one, two = served.labels.order_by("pk")[:2]
    before = right_by_texts(served)
    report = measured(
        served,
        Edit(one.key, {"description": two.description, "name": two.name}),
        Edit(two.key, {"description": one.description, "name": one.name}),
    )
    told = report["gold"]["texts"]["top1"]

    assert told["before"] == pytest.approx(before)
    assert told["difference"]["high"] < 0
    drafts.publish(
        served,
        actor=UserFactory(),
        seen_acts=[row.pk for row in drafts.rows_of(served)],
        note="",
        now=timezone.now(),
    )
    assert told["after"] == pytest.approx(right_by_texts(served))


def test_a_new_label_is_told_documents_by_its_description(served):
    entry = TaxonomyEntry(
        "music", "Music", description="please today help again urgently thanks yesterday hello team"
    )
    report = measured(served, Create(entry))

    assert any(each["to"] == "Music" for each in report["recent"]["flips"])
    assert {"label": "Music", "gold": 0} in report["gold"]["labels"]


def test_gold_of_a_label_that_is_split_is_shared_out_by_the_nearest_description(served):
    label = served.labels.get(name="Card")
    parts = (
        TaxonomyEntry("lost", "Lost", description="card lost"),
        TaxonomyEntry("broken", "Broken", description="broken stolen replace"),
    )
    bundle = rebuild.champion_bundle(served, now=NOW)
    gold = set(label.gold.values_list("document", flat=True))
    found = impact.assign_nearest(bundle, Split(label.key, parts), list(gold))

    assert set(found) == {"lost", "broken"}
    assert set(found["lost"]) | set(found["broken"]) == gold
    assert not set(found["lost"]) & set(found["broken"])
    encoder = serving.encoder(bundle)
    ids, documents = vectors.cached_vectors(sorted(gold), bundle.encoder.digest)
    one, two = (
        encoder.encode(["Lost", "card lost"]),
        encoder.encode(["Broken", "broken stolen replace"]),
    )
    closer = documents @ one.sum(axis=0) / np.linalg.norm(one.sum(axis=0))
    further = documents @ two.sum(axis=0) / np.linalg.norm(two.sum(axis=0))
    assert set(ids[closer > further].tolist()) == set(found["lost"])


def test_overlaps_that_a_draft_marks_are_learnt_as_such(world):
    first, second, third = world.labels
    world.settle(*range(60, 90), label=first)  # of all three kinds
    told = measured(world.project, Edit(first.key, {"overlaps": (second.key, third.key)}))["gold"]

    assert told["texts"]["top1"]["before"] == told["texts"]["top1"]["after"]
    assert told["learnt"]["top1"]["before"] != told["learnt"]["top1"]["after"]
    drafts.publish(
        world.project,
        actor=UserFactory(),
        seen_acts=[row.pk for row in drafts.rows_of(world.project)],
        note="",
        now=timezone.now(),
    )
    later = measured(world.project, Edit(second.key, {"aliases": ("Two",)}))["gold"]
    assert later["learnt"]["top1"]["before"] == told["learnt"]["top1"]["after"]
