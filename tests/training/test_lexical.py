import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge

from inference.terms import count_terms
from training import lexical


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def sparse(rows):
    return csr_matrix(np.array(rows, dtype=np.float32))


def slow_ratio(features, targets, weights, overlaps):
    """The log-count ratio, cell by cell."""
    terms, labels = features.shape[1], targets.shape[1]
    under, others = np.zeros((terms, labels)), np.zeros((terms, labels))
    for document in range(len(targets)):
        for term in range(terms):
            for label in range(labels):
                mass = features[document, term] * weights[document]
                under[term, label] += mass * targets[document, label]
                for other in range(labels):
                    if other != label and not overlaps[label, other]:
                        others[term, label] += mass * targets[document, other]
    ratio = np.zeros((terms, labels))
    for label in range(labels):
        for term in range(terms):
            mine = (under[term, label] + 0.03) / (under[:, label] + 0.03).sum()
            rest = (others[term, label] + 0.03) / (others[:, label] + 0.03).sum()
            ratio[term, label] = math.log(mine / rest)
    return ratio - ratio.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("overlapping", [False, True])
def test_ratio_is_that_of_a_slow_loop(overlapping, rng):
    features = rng.random((12, 5)).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[rng.permutation(12) % 3]  # somebody spoke of each
    weights = rng.random(12).astype(np.float32) + 0.5
    overlaps = np.zeros((3, 3), dtype=bool)
    overlaps[0, 1] = overlaps[1, 0] = overlapping
    found = lexical.log_count_ratio(sparse(features), targets, weights, overlaps)
    np.testing.assert_allclose(found, slow_ratio(features, targets, weights, overlaps), atol=1e-4)


def test_label_nobody_spoke_of_stands_at_zero(rng):
    targets = np.eye(3, dtype=np.float32)[[0, 1, 0, 1]]
    found = lexical.log_count_ratio(sparse(rng.random((4, 5))), targets, np.ones(4, np.float32))
    assert not found[:, 2].any()
    assert found[:, 0].any()


def test_regression_is_sklearns_ridge(rng):
    features = rng.random((40, 6)).astype(np.float32)
    targets = rng.random((40, 3)) < 0.3
    ridge = Ridge(alpha=lexical.SHRINKAGE, fit_intercept=False)
    ridge.fit(features, targets - targets.mean(axis=0))
    found = lexical.regression(sparse(features), targets, precision=1e-12)
    np.testing.assert_allclose(found / lexical.LOUDNESS, ridge.coef_.T, atol=1e-3)


def test_weighed_regression_is_sklearns_ridge_with_weights(rng):
    features = rng.random((40, 6)).astype(np.float32)
    targets = rng.random((40, 3)) < 0.3
    weights = rng.random(40).astype(np.float32)
    ridge = Ridge(alpha=lexical.SHRINKAGE, fit_intercept=False)
    wanted = targets - np.average(targets, axis=0, weights=weights)
    ridge.fit(features, wanted, sample_weight=weights)
    found = lexical.regression(sparse(features), targets, None, weights, precision=1e-12)
    np.testing.assert_allclose(found / lexical.LOUDNESS, ridge.coef_.T, atol=1e-3)


def test_overlapping_label_of_a_right_one_is_not_pushed_away():
    features, targets = sparse([[1, 0], [0, 1]]), np.array([[True, False], [False, True]])
    overlaps = np.array([[False, True], [True, False]])
    pushed = lexical.regression(features, targets)
    spared = lexical.regression(features, targets, overlaps)
    assert pushed[0, 1] < 0
    assert spared[0, 1] == 0


def test_regression_on_nothing_that_is_right_is_nothing():
    assert not lexical.regression(sparse([[1.0]]), np.zeros((1, 2), bool)).any()


def test_vocabulary_holds_terms_of_two_documents_with_their_idf():
    counts = count_terms(["pin card", "pin mail", "pin", "card"])
    found = lexical.vocabulary(counts, labels=3)
    by_term = dict(zip(found.terms.tolist(), found.idf.tolist(), strict=True))
    (pin,), (card,) = (count_terms([word]).indices.tolist() for word in ("pin", "card"))
    assert by_term.keys() == {pin, card}
    assert by_term[pin] == pytest.approx(math.log(5 / 4) + 1)
    assert by_term[card] == pytest.approx(math.log(5 / 3) + 1)


def test_with_very_many_labels_only_the_commonest_terms_are_read():
    counts = count_terms(["pin card", "pin card", "pin"])
    found = lexical.vocabulary(counts, labels=lexical.MOST_WEIGHTS)
    assert found.terms.tolist() == count_terms(["pin"]).indices.tolist()
