import numpy as np
import pytest

from labeling.reviewer_accuracy import (
    BEFOREHAND,
    FEW,
    LABEL,
    UNKNOWN,
    USUAL,
    Judgements,
    full_confusion,
    one_coin,
)

# Dawid and Skene (1979), table 1: 45 patients, of whom the first observer judged each three times.
FIRST = """
    111 333 112 222 222 222 122 333 222 232 444 222 111 222 121 111 111 111 222 222 222 222 222
    221 111 111 232 111 111 112 111 333 111 222 222 433 221 232 333 111 111 121 232 121 222
"""
OTHERS = """
    1111 4334 2122 3121 3222 3322 2111 3433 2223 2223 4444 3343 1111 3212 1111 2111 1111 1111
    2221 1322 2222 2221 3222 2222 1111 1111 2222 1111 1111 1121 1111 3233 1111 2222 3232 4343
    2232 3233 3432 1111 1111 2111 2222 1111 2222
"""


def said(triples, *, documents, reviewers, answers, gold=None):
    document, reviewer, answer = np.array(triples, dtype=int).reshape(-1, 3).T
    known = np.full(documents, UNKNOWN)
    for place, right in (gold or {}).items():
        known[place] = right
    return Judgements(document, reviewer, answer, known, reviewers, answers)


def anaesthetists():
    triples = [(row, 0, int(one) - 1) for row, thrice in enumerate(FIRST.split()) for one in thrice]
    triples += [
        (row, 1 + who, int(one) - 1)
        for row, each in enumerate(OTHERS.split())
        for who, one in enumerate(each)
    ]
    return said(triples, documents=45, reviewers=5, answers=4)


def planted(accuracies, *, documents=600, answers=12, each=3, seed=0, habit=None):
    """Reviewers right as often as planted; (who, right, given) with a *habit* err one way.

    Returns the judgements and what is right.
    """
    rng = np.random.default_rng(seed)
    truth, triples = rng.integers(answers, size=documents), []
    for document, right in enumerate(truth):
        for who in rng.choice(len(accuracies), size=each, replace=False):
            is_right = rng.random() < accuracies[who]
            given = right if is_right else (right + rng.integers(1, answers)) % answers
            if habit and (who, right) == habit[:2]:
                given = habit[2] if rng.random() < 0.7 else right
            triples.append((document, who, given))
    sizes = {"documents": documents, "reviewers": len(accuracies), "answers": answers}
    return said(triples, **sizes), truth


def likeliest(found, documents):
    """The likeliest answer of each document by one_coin."""
    best = np.full(documents, UNKNOWN)
    for place in np.argsort(found.probability, kind="stable"):
        best[found.document[place]] = found.answer[place]
    return best


# --- The paper ------------------------------------------------------------------------------------


def test_the_published_estimates_are_reproduced():
    found = full_confusion(anaesthetists(), strength=0)
    assert found.has_converged
    assert found.prevalence == pytest.approx([0.40, 0.42, 0.11, 0.07], abs=0.005)
    first = [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0], [0, 0, 0.56, 0.44]]
    assert found.confusion[0] == pytest.approx(np.array(first), abs=0.005)


def test_one_accuracy_each_tells_the_same_of_most_patients():
    paper, coin = full_confusion(anaesthetists(), strength=0), one_coin(anaesthetists())
    same = paper.probability.argmax(axis=1) == likeliest(coin, 45)
    assert same.sum() >= 42
    assert coin.judgements.tolist() == [135, 45, 45, 45, 45]


# --- Against loops --------------------------------------------------------------------------------


def slow_confusion(judgements, rounds):
    """Equations 2.3 to 2.5 of the paper, as they stand there."""
    documents, answers = len(judgements.gold), judgements.answers
    triples = list(zip(judgements.document, judgements.reviewer, judgements.answer, strict=True))
    right = np.zeros((documents, answers))
    for document, _, answer in triples:
        right[document, answer] += 1
    right /= right.sum(axis=1, keepdims=True)
    for _ in range(rounds):
        common = right.mean(axis=0)
        rates = np.zeros((judgements.reviewers, answers, answers))
        for document, who, answer in triples:
            rates[who, :, answer] += right[document]
        rates /= rates.sum(axis=2, keepdims=True)
        right = np.tile(common, (documents, 1))
        for document, who, answer in triples:
            right[document] *= rates[who, :, answer]
        right /= right.sum(axis=1, keepdims=True)
    return right


@pytest.mark.parametrize("rounds", [1, 2, 7])
def test_confusions_are_those_of_a_slow_loop(rounds):
    judgements, _ = planted([0.9, 0.6, 0.7], answers=3, documents=40, seed=1)
    found = full_confusion(judgements, strength=0, most=rounds)
    assert found.probability == pytest.approx(slow_confusion(judgements, rounds), abs=1e-9)


def slow_coin(judgements, rounds):
    """The model of one_coin over all answers, given or not; (documents, answers)."""
    documents, answers = len(judgements.gold), judgements.answers
    triples = list(zip(judgements.document, judgements.reviewer, judgements.answer, strict=True))
    of = [[(who, one) for row, who, one in triples if row == place] for place in range(documents)]
    share = np.array([1 / answers] * answers)
    for _, _, answer in triples:
        share[answer] += 1
    share /= share.sum()
    right = np.array([[np.mean([one == t for _, one in each]) for t in range(answers)]
                      for each in of])  # fmt: skip
    given = right > 0
    for _ in range(rounds):
        held = [(place, who, one) for place, each in enumerate(of) if len(each) > 1
                for who, one in each]  # fmt: skip
        hits = [right[place, one] for place, _, one in held]
        usual = (sum(hits) + USUAL * BEFOREHAND) / (len(hits) + BEFOREHAND)
        accuracy, on = np.zeros(judgements.reviewers), np.zeros((judgements.reviewers, answers))
        for who in range(judgements.reviewers):
            own = [(place, one) for place, each, one in held if each == who]
            accuracy[who] = sum(right[place, one] for place, one in own) + usual * BEFOREHAND
            accuracy[who] /= len(own) + BEFOREHAND
            for t in range(answers):
                hit = sum(right[place, t] for place, one in own if one == t)
                met = sum(right[place, t] for place, _ in own if given[place, t])
                on[who, t] = (hit + accuracy[who] * LABEL) / (met + LABEL)
        for place, each in enumerate(of):
            for t in range(answers):
                right[place, t] = share[t]
                for who, one in each:
                    worth = on[who, t] if given[place, t] else accuracy[who]
                    error = share[one] / (1 - share[t])
                    right[place, t] *= worth if one == t else (1 - worth) * error
        right /= right.sum(axis=1, keepdims=True)
    return right, given


@pytest.mark.parametrize("rounds", [1, 4])
def test_one_coin_is_that_of_a_slow_loop(rounds):
    judgements, _ = planted([0.9, 0.6, 0.7, 0.8], answers=5, documents=40, each=2, seed=2)
    alone = said([(40, 1, 2)], documents=41, reviewers=4, answers=5)
    both = Judgements(
        *(np.append(getattr(judgements, name), getattr(alone, name))
          for name in ("document", "reviewer", "answer")),
        alone.gold, 4, 5,
    )  # fmt: skip
    right, given = slow_coin(both, rounds)
    found = one_coin(both, most=rounds)
    assert found.probability == pytest.approx(right[found.document, found.answer])
    assert found.elsewhere == pytest.approx(np.where(given, 0, right).sum(axis=1))


# --- What was planted is found --------------------------------------------------------------------


def test_a_bad_reviewer_is_found():
    accuracies = [0.92, 0.9, 0.45, 0.88, 0.9]
    judgements, _ = planted(accuracies)
    coin, full = one_coin(judgements), full_confusion(judgements)
    assert coin.accuracy == pytest.approx(accuracies, abs=0.07)
    assert full.accuracy == pytest.approx(accuracies, abs=0.12)  # drawn further towards all
    assert coin.accuracy.argmin() == full.accuracy.argmin() == 2


def test_a_confusion_of_one_reviewer_is_found():
    judgements, _ = planted([0.9] * 5, documents=1_500, habit=(3, 7, 8))
    coin, full = one_coin(judgements), full_confusion(judgements)
    lowest = coin.on_answer.argmin()
    assert (coin.of_reviewer[lowest], coin.of_answer[lowest]) == (3, 7)
    errors = full.confusion * ~np.eye(12, dtype=bool)
    assert np.unravel_index(errors.argmax(), errors.shape) == (3, 7, 8)
    assert errors[3, 7, 8] == pytest.approx(0.7, abs=0.15)


def test_among_thousands_of_labels_the_better_of_two_who_differ_is_believed():
    judgements, truth = planted(
        [0.95, 0.95, 0.95, 0.5], documents=3_000, answers=5_000, each=2, seed=5
    )
    found = one_coin(judgements)
    assert found.has_converged
    assert found.accuracy == pytest.approx([0.95, 0.95, 0.95, 0.5], abs=0.05)
    seen = judgements.answer[np.unique(judgements.document, return_index=True)[1]]
    assert (likeliest(found, 3_000) == truth).mean() > (seen == truth).mean() + 0.05


def test_probabilities_are_worth_what_they_say():
    judgements, truth = planted([0.85, 0.7, 0.9, 0.6], documents=4_000, each=2, seed=6)
    found = one_coin(judgements)
    is_right = found.answer == truth[found.document]
    for low, high in ((0.1, 0.4), (0.4, 0.7), (0.7, 0.9), (0.9, 1)):
        within = (found.probability >= low) & (found.probability < high)
        assert within.sum() > 100
        assert is_right[within].mean() == pytest.approx(found.probability[within].mean(), abs=0.08)


# --- Gold, and how much a figure rests on ---------------------------------------------------------


def test_gold_is_certain_and_measures_who_judged_alone():
    triples = [(row, 0, 1) for row in range(40)]
    gold = dict.fromkeys(range(20), 1) | dict.fromkeys(range(20, 40), 0)
    judgements = said(triples, documents=40, reviewers=1, answers=2, gold=gold)
    coin, full = one_coin(judgements), full_confusion(judgements)
    assert coin.accuracy[0] == pytest.approx((20 + BEFOREHAND * 24 / 45) / 45)
    assert coin.judgements.tolist() == [40]
    for place, right in gold.items():
        assert full.probability[place, right] == 1
        assert coin.probability[(coin.document == place) & (coin.answer == right)] == [1]
    assert coin.elsewhere.tolist() == [0] * 40


def test_gold_outweighs_everybody():
    triples = [(row, who, 1) for row in range(30) for who in range(3)]
    gold = dict.fromkeys(range(30), 0)
    judgements = said(triples, documents=30, reviewers=3, answers=2, gold=gold)
    assert one_coin(judgements).accuracy.max() < 0.2
    assert full_confusion(judgements).confusion[:, 0, 1].min() > 0.9


def test_a_lone_judgement_is_as_likely_right_as_its_reviewer():
    judgements, _ = planted([0.9, 0.9, 0.6], documents=400, each=2)
    triples = np.stack([judgements.document, judgements.reviewer, judgements.answer], axis=1)
    alone = [(400, 0, 3), (401, 2, 3)]
    found = one_coin(said([*triples, *alone], documents=402, reviewers=3, answers=12))
    wanted = found.accuracy[[0, 2]]
    assert found.probability[found.document >= 400] == pytest.approx(wanted, abs=0.06)
    assert found.judgements.sum() == 800


def test_few_judgements_stay_near_the_usual():
    judgements, _ = planted([0.9] * 4, documents=300)
    triples = np.stack([judgements.document, judgements.reviewer, judgements.answer], axis=1)
    wrong = [(row, 4, (judgements.answer[3 * row] + 1) % 12) for row in range(2)]
    found = one_coin(said([*triples, *wrong], documents=300, reviewers=5, answers=12))
    assert found.judgements[4] == 2
    assert 0.5 < found.accuracy[4] < found.accuracy[:4].min()
    rare = found.on_judgements < 3
    whose = found.accuracy[found.of_reviewer]
    assert np.abs(found.on_answer - whose)[rare].max() < 0.3


# --- Edges ----------------------------------------------------------------------------------------


def test_everything_likely_adds_up_to_one():
    judgements, _ = planted([0.8, 0.7, 0.9], documents=60)
    coin, full = one_coin(judgements), full_confusion(judgements)
    sums = np.bincount(coin.document, coin.probability) + coin.elsewhere
    assert sums == pytest.approx(np.ones(60))
    assert full.probability.sum(axis=1) == pytest.approx(np.ones(60))
    assert full.confusion.sum(axis=2) == pytest.approx(np.ones((3, 12)))


def test_the_order_of_judgements_changes_nothing():
    judgements, _ = planted([0.8, 0.7, 0.9], documents=60)
    order = np.random.default_rng(1).permutation(len(judgements.document))
    mixed = Judgements(
        judgements.document[order], judgements.reviewer[order], judgements.answer[order],
        judgements.gold, 3, 12,
    )  # fmt: skip
    assert one_coin(mixed).accuracy == pytest.approx(one_coin(judgements).accuracy)
    assert full_confusion(mixed).probability == pytest.approx(
        full_confusion(judgements).probability
    )


def test_rounds_that_ran_out_are_told():
    judgements, _ = planted([0.8, 0.7, 0.9], documents=60)
    for found in (one_coin(judgements, most=1), full_confusion(judgements, most=1)):
        assert (found.rounds, found.has_converged) == (1, False)


def test_with_no_judgement_people_are_worth_the_usual():
    nothing = said([], documents=2, reviewers=3, answers=4)
    coin, full = one_coin(nothing), full_confusion(nothing)
    assert coin.accuracy.tolist() == [pytest.approx(USUAL)] * 3
    assert coin.elsewhere.tolist() == [1, 1]
    assert full.probability == pytest.approx(np.full((2, 4), 1 / 4))
    assert one_coin(said([], documents=0, reviewers=0, answers=0)).accuracy.size == 0


def test_one_answer_only_is_certain():
    judgements = said([(0, 0, 0), (0, 1, 0)], documents=1, reviewers=2, answers=1)
    assert one_coin(judgements).probability == pytest.approx([1])
    assert full_confusion(judgements).probability.tolist() == [[1]]


def test_confusions_of_many_labels_are_refused():
    with pytest.raises(ValueError, match="one_coin"):
        full_confusion(said([], documents=1, reviewers=1, answers=FEW + 1))
