from dataclasses import replace

import numpy as np
import pytest

from inference.buckets import NEVER, Thresholds
from inference.bundle import Bundle, EncoderReference
from inference.calibrate import Calibration
from inference.features import Features, joined
from inference.head import Head
from inference.retrieve import LabelVectorText, unit
from training.teaching import Lesson, teach

LABELS, DIM = 5, 16


def untaught(kind="single"):
    """A bundle whose label vectors are orthogonal directions."""
    return Bundle(
        kind=kind,
        encoder=EncoderReference("package:none", "e" * 64),
        labels=tuple(LabelVectorText(10 + n, f"label-{n}", f"Label {n}") for n in range(LABELS)),
        label_vectors=np.eye(LABELS, DIM, dtype=np.float32),
        head=Head.zero(LABELS, DIM),
        calibration=Calibration(offset=7.0 if kind == "multi" else 0.0),
        thresholds=Thresholds(per_label=(0.5,) * LABELS if kind == "multi" else ()),
        taxonomy_number=1,
    )


def drawn(count, seed, spread=0.6):
    """Documents that say their label partly in words the label texts do not use."""
    rng = np.random.default_rng(seed)
    which = rng.integers(LABELS, size=count)
    rows = np.zeros((count, DIM))
    rows[np.arange(count), which] = 0.5
    rows[np.arange(count), LABELS + which] = 0.7
    vectors = unit((rows + spread * rng.normal(size=rows.shape) / 2).astype(np.float32))
    return vectors, np.eye(LABELS, dtype=bool)[which]


def lesson(count=200, seed=0, **changes):
    vectors, targets = drawn(count, seed)
    return replace(
        Lesson(
            Features(vectors),
            targets,
            np.zeros((LABELS, LABELS), bool),
            Features(drawn(500, 77)[0]),
            Features(drawn(200, 78)[0]),
            0.9,
        ),
        **changes,
    )


def test_gold_makes_the_bundle_better_on_documents_it_never_saw():
    vectors, targets = drawn(1000, seed=5)
    before, taught = untaught(), teach(untaught(), lesson()).bundle

    def top1(bundle):
        logits = bundle.head.logits(vectors, bundle.label_vectors)
        return targets[np.arange(1000), logits.argmax(axis=1)].mean()

    assert top1(taught) > top1(before) + 0.05


def test_out_of_fold_figures_are_near_those_on_new_documents():
    taught = teach(untaught(), lesson(800))
    vectors, targets = drawn(4000, seed=6)
    logits = taught.bundle.head.logits(vectors, taught.bundle.label_vectors)
    truth = targets[np.arange(4000), logits.argmax(axis=1)].mean()
    assert taught.metrics["top1"] == pytest.approx(truth, abs=0.04)


def test_accepted_documents_keep_the_promise():
    taught = teach(untaught(), lesson(600, promise=0.9)).bundle
    vectors, targets = drawn(4000, seed=8)
    logits = taught.head.logits(vectors, taught.label_vectors)
    sure = taught.calibration.probabilities(logits, multi=False).max(axis=1)
    accepted = sure >= taught.thresholds.accept
    assert accepted.mean() > 0.1
    assert targets[accepted, logits[accepted].argmax(axis=1)].mean() >= 0.9


def test_same_gold_gives_the_same_bundle(tmp_path):
    first, second = (teach(untaught(), lesson()).bundle.write(tmp_path) for _ in range(2))
    assert first.digest == second.digest


def test_former_head_does_not_matter(tmp_path):
    once = teach(untaught(), lesson()).bundle
    again = teach(once, lesson()).bundle
    assert once.write(tmp_path).digest == again.write(tmp_path).digest


@pytest.mark.parametrize("kind", ["single", "multi"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_next_to_no_gold_is_no_trouble_and_accepts_nothing(kind, count):
    taught = teach(untaught(kind), lesson(count), default_offset=7.0)
    assert taught.bundle.thresholds.accept == NEVER
    assert np.isfinite(taught.bundle.head.delta).all()


def test_without_gold_nothing_is_measured():
    taught = teach(untaught(), lesson(0))
    assert taught.metrics["top1"] is None
    assert np.isnan(taught.evidence.differences["top1"].high)


def test_label_without_gold_keeps_working_by_its_text():
    some = lesson(300)
    known = ~some.targets[:, 4]
    part = replace(some, gold=some.gold.take(known), targets=some.targets[known])
    taught = teach(untaught(), part).bundle
    document = np.eye(LABELS, DIM, dtype=np.float32)[4:5]
    assert taught.head.logits(document, taught.label_vectors).argmax() == 4


def test_gold_that_fits_nothing_sets_the_floor():
    strange = unit(np.eye(DIM, dtype=np.float32)[-3:].repeat(10, axis=0) + 0.01)
    some = lesson(300)
    mixed = replace(
        some,
        gold=joined([some.gold, Features(strange)]),
        targets=np.vstack([some.targets, np.zeros((30, LABELS), bool)]),
    )
    taught = teach(untaught(), mixed)
    floor = taught.bundle.thresholds.floor
    logits = taught.bundle.head.logits(strange, taught.bundle.label_vectors)
    assert floor is not None
    assert (logits.max(axis=1) < floor).all()
    assert taught.metrics["out_of_scope_auroc"] > 0.9


def test_nothing_but_gold_that_fits_nothing_teaches_a_single_label_head_nothing():
    none_fit = lesson(40, targets=np.zeros((40, LABELS), bool))
    taught = teach(untaught(), none_fit)
    assert not taught.bundle.head.delta.any()
    assert taught.metrics["top1"] is None
    assert taught.bundle.thresholds.accept == NEVER


def test_documents_the_encoder_was_trained_on_teach_but_are_not_measured_on():
    some = lesson(300)
    unseen = np.arange(300) < 100
    taught, all_of_it = teach(untaught(), replace(some, unseen=unseen)), teach(untaught(), some)
    np.testing.assert_array_equal(taught.bundle.head.delta, all_of_it.bundle.head.delta)
    assert taught.metrics["top1"] != all_of_it.metrics["top1"]


def test_encoder_that_saw_all_gold_leaves_nothing_measured_or_accepted():
    taught = teach(untaught(), lesson(300, unseen=np.zeros(300, bool)))
    assert taught.bundle.thresholds.accept == NEVER
    assert taught.metrics["top1"] is None


def test_multi_label_documents_get_all_their_labels():
    vectors, targets = drawn(900, seed=1, spread=0.3)
    pairs = unit(vectors[:450] + vectors[450:])
    both = targets[:450] | targets[450:]
    some = lesson(
        gold=Features(pairs[:400]),
        targets=both[:400],
        pool=Features(pairs[400:]),
    )
    taught = teach(untaught("multi"), some, default_offset=7.0)
    assert taught.metrics["micro_f1"] > 0.9
    assert len(taught.bundle.thresholds.per_label) == LABELS


def test_multi_label_gold_of_nothing_at_all_is_no_trouble():
    none_fit = lesson(40, targets=np.zeros((40, LABELS), bool))
    taught = teach(untaught("multi"), none_fit, default_offset=7.0)
    assert np.isfinite(taught.bundle.head.delta).all()
