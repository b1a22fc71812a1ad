"""What gold says about the taxonomy, planted in vectors and in texts that the encoder reads."""

import itertools

import numpy as np
import pytest
from django.utils import timezone

from inference.retrieve import unit
from labeling import proposals, publishing
from labeling.models import Document
from labeling.taxonomy_acts import Merge
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import DocumentFactory, GoldLabelFactory
from training import instant, label_proposals
from training.label_proposals import hints
from training.telling_words import telling_words
from training.two_groups import two_groups

LABELS = 6


def around(*directions, dim=12, noise=0.12):
    """Return a unit vector near each of these axes."""
    chance = np.random.default_rng(0)
    rows = np.zeros((len(directions), dim))
    rows[np.arange(len(directions)), directions] = 1
    return unit((rows + noise * chance.normal(size=rows.shape)).astype(np.float32))


def targets_of(given):
    made = np.zeros((len(given), LABELS), dtype=bool)
    made[np.arange(len(given)), given] = True
    return made


def sure(given):
    """Return opinions that agree with the gold."""
    return (0.9 * targets_of(given) + 0.02).astype(np.float32)


def found(vectors, given, opinions=None, *, label_vectors=None, multi=False):
    texts = np.eye(LABELS, 12, dtype=np.float32) if label_vectors is None else label_vectors
    opinions = sure(given) if opinions is None else opinions
    made = hints(vectors, opinions, targets_of(given), texts, multi=multi)
    return [(each.kind, each.first, each.second) for each in made]


GIVEN = np.repeat(np.arange(LABELS), 40)


def test_sound_labels_are_left_alone():
    assert found(around(*GIVEN), GIVEN) == []


def test_labels_whose_gold_is_likelier_the_others_are_one():
    given = np.concatenate([GIVEN, [0] * 10])
    swapped = given.copy()
    swapped[:12], swapped[40:64] = 1, 0
    vectors = around(*given)

    assert found(vectors, given, sure(swapped)) == [("merge", 1, 0)]  # 0 has more gold
    assert found(vectors, given, sure(swapped), multi=True) == []
    seldom = given.copy()
    seldom[:8], seldom[40:48] = 1, 0
    assert found(vectors, given, sure(seldom)) == []
    one_way = given.copy()
    one_way[:35] = 1
    assert found(vectors, given, sure(one_way)) == []


def test_opinions_that_nobody_has_say_nothing():
    unknown = np.full((len(GIVEN), LABELS), np.nan, np.float32)

    assert found(around(*GIVEN), GIVEN, unknown) == []


def test_near_labels_whose_documents_lie_among_each_other_may_both_be_right():
    directions = GIVEN.copy()
    directions[:80] = 0
    texts = np.eye(LABELS, 12, dtype=np.float32)
    texts[1] = unit(texts[[0]] + 0.5 * texts[[1]])[0]

    assert found(around(*directions), GIVEN, label_vectors=texts) == [("overlap", 0, 1)]
    assert found(around(*directions), GIVEN) == []  # texts far apart


def test_of_many_near_labels_the_nearest_pairs_are_looked_at(monkeypatch):
    directions = GIVEN.copy()
    directions[:80], directions[80:160] = 0, 2
    texts = np.eye(LABELS, 12, dtype=np.float32)
    texts[1] = unit(texts[[0]] + 0.5 * texts[[1]])[0]
    texts[3] = unit(texts[[2]] + 0.1 * texts[[3]])[0]
    both = [("overlap", 2, 3), ("overlap", 0, 1)]

    monkeypatch.setattr(label_proposals, "BESIDE", 20)
    assert found(around(*directions), GIVEN, label_vectors=texts) == both
    monkeypatch.setattr(label_proposals, "NEAREST", 1)
    assert found(around(*directions), GIVEN, label_vectors=texts) == both[:1]


def test_a_label_of_two_groups_near_other_labels_is_two():
    directions = np.where((GIVEN == 0) & (np.arange(len(GIVEN)) % 2 == 1), 9, GIVEN)
    vectors = around(*directions)
    kin = unit(vectors[GIVEN == 3] + 0.8 * vectors[directions == 9].mean(axis=0))
    vectors[GIVEN == 3] = kin
    kin = unit(vectors[GIVEN == 4] + 0.8 * vectors[directions == 0].mean(axis=0))
    vectors[GIVEN == 4] = kin
    (hint,) = hints(
        vectors,
        sure(GIVEN),
        targets_of(GIVEN),
        np.eye(LABELS, 12, dtype=np.float32),
        multi=True,
    )

    assert (hint.kind, hint.first, hint.second, hint.documents) == ("split", 0, 0, 40)
    sides = {frozenset(directions[rows].tolist()) for rows in hint.groups}
    assert sides == {frozenset({0}), frozenset({9})}
    assert set(hint.near) == {3, 4}
    few = np.flatnonzero((GIVEN != 0) | (np.arange(len(GIVEN)) < 39))
    assert found(vectors[few], GIVEN[few]) == []  # too little gold


def test_the_same_document_over_and_over_is_one_group():
    group, _ = two_groups(np.repeat(around(0), 50, axis=0))

    assert not group.any()


def test_of_much_gold_some_is_looked_at(monkeypatch):
    monkeypatch.setattr(label_proposals, "MOST", 10)

    assert found(around(*GIVEN), GIVEN) == []
    assert label_proposals._some(np.arange(40), 10).tolist() == [
        0,
        4,
        8,
        13,
        17,
        21,
        26,
        30,
        34,
        39,
    ]


def test_telling_words_are_those_the_others_lack():
    assert telling_words(["Card stolen", "card stolen abroad"], ["Card lost"]) == [
        "stolen",
        "abroad",
    ]
    assert telling_words(["Card"], ["card"]) == telling_words([], ["Card"]) == []


# --- the whole way, by the built-in encoder -------------------------------------------------------

LOST = (
    ["I lost", "I cannot find", "Somebody stole", "I misplaced", "A thief took"],
    ["my card", "my bank card", "the debit card", "my credit card", "my plastic card"],
    ["on the train", "at the gym"],
)
RATES = (
    ["What is the exchange rate for", "How do you convert", "Which rate do I get for",
     "How good is your rate for", "Tell me the currency rate for"],
    ["euros", "dollars", "pounds", "yen", "Swiss francs"],
    ["today", "at the weekend"],
)  # fmt: skip
BLOCK = (
    ["Please block", "Freeze", "Stop", "Cancel at once", "Lock"],
    ["my card", "my bank card", "the debit card", "my credit card", "my plastic card"],
    ["it is gone", "somebody has it"],
)
CHANGE = (
    ["Can I hold", "I would like to exchange", "May I keep", "How do I buy", "Can I swap"],
    ["euros", "dollars", "pounds", "yen", "Swiss francs"],
    ["in the app", "in my account"],
)
REFUND = (
    ["I want my money back for", "Please refund", "I returned", "Give me a refund for"],
    ["the lamp", "the chair", "the radio", "the phone", "the carpet"],
    ["I bought", "from the shop"],
)
ENTRIES = [
    TaxonomyEntry("mixed", "Card gone or rates", description="A card is lost, or exchange rates."),
    TaxonomyEntry("block", "Block a card", description="Wants a card to be blocked."),
    TaxonomyEntry("currency", "Hold currencies", description="Wants to hold or buy currencies."),
    TaxonomyEntry("refund", "Refund", description="Wants the money back for a purchase."),
    TaxonomyEntry("back", "Money back", description="Wants money back for what was bought."),
]


def sentences(parts):
    return [" ".join(words) for words in itertools.product(*parts)]


@pytest.fixture
def planted(project):
    """A label that is two, and two labels that are one."""
    publishing.publish(project, ENTRIES, actor=None, now=timezone.now())
    labels = {label.key: label for label in project.labels.all()}
    said = {
        "mixed": [*sentences(LOST)[::2], *sentences(RATES)[::2]],
        "block": sentences(BLOCK)[::2],
        "currency": sentences(CHANGE)[::2],
        "refund": sentences(REFUND)[::2],
        "back": sentences(REFUND)[1::2],
    }
    for key, texts in said.items():
        for text in texts:
            document = DocumentFactory(project=project, subject="", text=text)
            GoldLabelFactory(project=project, document=document, label=labels[key])
    Document.objects.update(gold_at=timezone.now())
    return labels


@pytest.mark.django_db
def test_a_planted_split_and_a_planted_overlap_are_found_by_a_refit(project, planted):
    instant.refit(project, now=timezone.now())
    kept = {each.kind: each for each in proposals.kept(project)}
    split = kept.pop("split")

    assert split.first == split.second == planted["mixed"].pk
    assert "like “Block a card”" in split.why
    assert "like “Hold currencies”" in split.why
    texts = dict(project.documents.values_list("pk", "text"))
    sides = [{"card" in texts[pk] for pk in group.documents} for group in split.groups]
    assert sorted(map(sorted, sides)) == [[False], [True]]
    assert any("card" in group.name for group in split.groups)
    assert {(each.first, each.second) for each in kept.values()} & {
        (planted["refund"].pk, planted["back"].pk),
        (planted["back"].pk, planted["refund"].pk),
    }

    act = Merge("back", "refund")
    publishing.publish_acts(project, [act], actor=None, now=timezone.now())
    instant.refit(project, now=timezone.now())
    assert [each.kind for each in proposals.kept(project)] == ["split"]
