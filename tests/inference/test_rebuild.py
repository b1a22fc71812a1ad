from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from inference import deployments, rebuild
from inference.buckets import NEVER, Bucket, Thresholds
from inference.bundle import EncoderReference
from inference.encode import PACKAGED, EncoderUnavailable
from inference.features import Features
from inference.head import Head
from inference.lexical import Lexical, Vocabulary
from inference.pipeline import decide, score
from inference.terms import count_terms
from labeling import taxonomies
from labeling.models import Label
from tests.factories import (
    DeploymentFactory,
    ExclusionFactory,
    LabelFactory,
    TaxonomyVersionFactory,
)
from tests.inference.parts import ENCODER, Words, bundle_of, label_text, written

pytestmark = pytest.mark.django_db

WORDS = "card pin lost stolen"


@pytest.fixture
def labels(project):
    TaxonomyVersionFactory(project=project, number=1)
    return [
        LabelFactory(project=project, name="card", description="lost"),
        LabelFactory(project=project, name="pin"),
    ]


def zero_shot(project, kind="single", words=None):
    return rebuild.zero_shot(
        kind,
        taxonomies.label_texts(project),
        words or Words(WORDS),
        reference=EncoderReference("words", ENCODER),
        taxonomy_number=1,
    )


def taught(project):
    """The zero-shot bundle after some gold: its first label was learnt."""
    bundle = zero_shot(project)
    head = Head(np.array([[0, 0, 0, 0.5], [0, 0, 0, 0]], np.float32), np.array([1, 0], np.float32))
    return bundle_of(
        bundle.label_ids,
        labels=bundle.labels,
        label_vectors=bundle.label_vectors,
        head=head,
        thresholds=Thresholds(0.8, 3.0),
    )


def follow(bundle, project, words=None):
    return rebuild.for_taxonomy(
        bundle, taxonomies.label_texts(project), words or Words(WORDS), taxonomy_number=2
    )


def test_an_exclusion_goes_to_the_label_it_points_to(project, labels):
    card, pin = labels
    ExclusionFactory(label=card, situation="stolen", use=pin)
    ExclusionFactory(label=card, situation="lost", use=None)
    card_texts, pin_texts = rebuild.vector_texts(taxonomies.label_texts(project))
    assert (card_texts.situations, pin_texts.situations) == ((), ("stolen",))


def test_an_exclusion_that_points_to_a_group_is_nobodys_text(project, labels):
    group = LabelFactory(project=project, is_assignable=False)
    ExclusionFactory(label=labels[0], use=group)
    assert all(
        not texts.situations for texts in rebuild.vector_texts(taxonomies.label_texts(project))
    )


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_without_gold_a_bundle_ranks_by_the_texts_and_accepts_nothing(project, labels, kind):
    bundle = zero_shot(project, kind)
    documents = Words(WORDS).encode(["pin", "lost card"])
    verdicts = decide(bundle, score(bundle, Features(documents)))
    assert [each.candidates[0].label_id for each in verdicts] == [labels[1].pk, labels[0].pk]
    assert Bucket.AUTO not in {each.bucket for each in verdicts}


def test_what_was_learnt_stays_with_its_label_when_its_text_changes(project, labels):
    bundle = taught(project)
    Label.objects.filter(pk=labels[0].pk).update(description="stolen")
    followed = follow(bundle, project)
    assert (followed.head.delta == bundle.head.delta).all()
    assert (followed.head.bias == bundle.head.bias).all()
    assert followed.thresholds == bundle.thresholds
    assert followed.label_vectors[0] == pytest.approx([0.5**0.5, 0, 0, 0.5**0.5])
    assert (followed.taxonomy_number, followed.digest) == (2, "")


def test_only_texts_that_changed_are_encoded(project, labels):
    bundle = taught(project)
    Label.objects.filter(pk=labels[0].pk).update(description="stolen")
    words = Words(WORDS)
    follow(bundle, project, words)
    assert sorted(words.encoded) == ["card", "stolen"]


def test_a_new_label_works_by_its_texts_and_nothing_is_accepted_until_it_is_measured(
    project, labels
):
    bundle = taught(project)
    new = LabelFactory(project=project, name="stolen")
    followed = follow(bundle, project)
    [verdict] = decide(followed, score(followed, Features(Words(WORDS).encode(["stolen"]))))
    assert followed.label_ids == (*bundle.label_ids, new.pk)
    assert not followed.head.delta[2].any()
    assert followed.thresholds == Thresholds(NEVER, 3.0)
    assert verdict.bucket == Bucket.REVIEW
    assert new.pk in {each.label_id for each in verdict.candidates}


def test_a_retired_label_is_gone_and_the_others_keep_their_place(project, labels):
    bundle = taught(project)
    Label.objects.filter(pk=labels[0].pk).update(retired_at=timezone.now())
    followed = follow(bundle, project)
    assert followed.label_ids == (labels[1].pk,)
    assert (followed.label_vectors[0] == bundle.label_vectors[1]).all()
    assert followed.thresholds.accept == 0.8


def test_words_stay_with_their_label_and_say_nothing_of_a_new_one(project, labels):
    (term,) = count_terms(["pin"]).indices
    vocabulary = Vocabulary(np.array([term], np.int32), np.ones(1, np.float32))
    bundle = replace(taught(project), lexical=Lexical(vocabulary, np.array([[2, -1]], np.float32)))
    LabelFactory(project=project, name="stolen")
    Label.objects.filter(pk=labels[0].pk).update(retired_at=timezone.now())
    assert follow(bundle, project).lexical.weights.tolist() == [[-1, 0]]


def test_a_new_label_of_a_multi_label_bundle_gets_the_usual_threshold(project, labels):
    bundle = bundle_of(
        [label.pk for label in labels],
        kind="multi",
        labels=tuple(label_text(label.pk) for label in labels),
    )
    LabelFactory(project=project, name="stolen")
    assert follow(bundle, project).thresholds.per_label == (0.5, 0.5, rebuild.LIKELY)


def test_a_project_without_labels_has_no_champion(project):
    assert rebuild.champion_bundle(project, now=timezone.now()) is None
    TaxonomyVersionFactory(project=project)
    assert rebuild.champion_bundle(project, now=timezone.now()) is None


def test_a_champion_of_the_current_taxonomy_is_left_alone(project, labels):
    bundle = written(project, labels)
    DeploymentFactory(project=project, bundle=bundle.digest)
    assert rebuild.champion_bundle(project, now=timezone.now()).digest == bundle.digest
    assert project.deployments.count() == 1


def test_a_champion_follows_the_taxonomy(project, labels, settings):
    DeploymentFactory(
        project=project,
        bundle=taught(project).write(settings.BUNDLE_DIR).digest,
        since=timezone.now() - timedelta(days=1),
    )
    TaxonomyVersionFactory(project=project, number=2)
    followed = rebuild.champion_bundle(project, now=timezone.now())
    champion = deployments.champion(project)
    assert champion.bundle == followed.digest
    assert champion.reason == "Follows v2 of the taxonomy."
    assert followed.head.bias.tolist() == [1, 0]


def test_a_champion_promoted_while_its_successor_was_made_is_not_replaced(
    project, labels, settings
):
    """What the instant loop learnt meanwhile must not be lost to a bundle made before it."""
    old = DeploymentFactory(project=project, bundle=written(project, labels).digest)
    learnt = written(project, labels, taxonomy_number=2)
    deployments.deploy(project, learnt.digest, reason="", actor=None, now=timezone.now())
    late = written(project, labels, thresholds=Thresholds(0.5))
    deployed = rebuild._deploy_in_place_of(old, late, project, reason="", now=timezone.now())
    assert not deployed
    assert deployments.champion(project).bundle == learnt.digest


def test_an_encoder_that_is_not_here_says_so(project, labels):
    project.encoder = "/no/such/encoder"
    with pytest.raises(EncoderUnavailable, match="no such folder"):
        rebuild.champion_bundle(project, now=timezone.now())


@pytest.mark.slow
def test_a_champion_whose_files_are_damaged_is_made_anew(project, labels, settings):
    champion = DeploymentFactory(project=project, bundle="e" * 64)
    bundle = rebuild.champion_bundle(project, now=timezone.now())

    live = deployments.champion(project)
    assert live.bundle == bundle.digest
    assert live.reason == f"From v1 alone: the files of {champion} are missing or damaged."


def test_many_label_texts_are_encoded_with_a_word_after_every_few():
    told = []
    encoder = rebuild.Telling(Counting(), lambda: told.append(1))
    vectors = encoder.encode([f"text {n}" for n in range(600)])

    assert vectors.shape == (600, 1)
    assert vectors[:, 0].tolist() == list(range(600))
    assert len(told) == 3


class Counting:
    """An encoder whose vector of a text is its number."""

    digest = "c" * 64

    def encode(self, texts):
        return np.array([[float(text.split()[1])] for text in texts], dtype=np.float32)


@pytest.mark.slow
def test_the_first_champion_comes_from_the_taxonomy_alone(project, labels):
    bundle = rebuild.champion_bundle(project, now=timezone.now())
    assert bundle.encoder.source == PACKAGED
    assert bundle.label_vectors.shape == (2, 384)
    assert deployments.champion(project).reason == "From v1 alone."
