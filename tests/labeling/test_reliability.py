"""How often each person is right, from judgements of shared documents."""

from datetime import UTC, datetime

import numpy as np
import pytest

from labeling import reliability, second_opinions
from labeling.judgements import Judgement
from labeling.models import Annotation
from tests.factories import AnnotationFactory, LabelFactory, ReviewTaskFactory
from tests.labeling.desk import url

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def judged(people, documents=300, labels=6, seed=0):
    """Return what people of these accuracies say, and what is right."""
    rng = np.random.default_rng(seed)
    right = rng.integers(labels, size=documents)
    said = []
    for document, truth in enumerate(right.tolist()):
        for person, accuracy in people.items():
            answer = (
                truth
                if rng.random() < accuracy
                else int((truth + rng.integers(1, labels)) % labels)
            )
            said.append(Judgement(document, person, frozenset({answer}), NOON))
    return said, right


def test_who_is_often_wrong_comes_first_at_about_what_they_are_worth():
    said, _ = judged({1: 0.95, 2: 0.92, 3: 0.6, 4: 0.9})
    worst, *others = reliability.of(said, {})

    assert worst.person == 3
    assert worst.accuracy == pytest.approx(0.6, abs=0.08)
    assert all(each.accuracy > 0.85 for each in others)


def test_rulings_say_who_of_two_is_right():
    said, right = judged({1: 0.95, 2: 0.55}, seed=1)
    rulings = {document: frozenset({int(label)}) for document, label in enumerate(right)}
    worst, best = reliability.of(said, rulings)

    assert (worst.person, best.person) == (2, 1)
    assert best.accuracy - worst.accuracy > 0.25


def test_a_ruling_on_what_nobody_judged_and_no_judgements_at_all_are_no_trouble():
    said, _ = judged({1: 0.9, 2: 0.9}, documents=5)

    assert reliability.of([], {7: frozenset()}) == []
    assert len(reliability.of(said, {99: frozenset({1})})) == 2


@pytest.mark.django_db
def test_a_ruling_is_no_judgement(client, project, reviewer, other_reviewer, owner):
    labels = LabelFactory.create_batch(2, project=project)
    for _ in range(12):
        task = ReviewTaskFactory(status="done", wanted=2)
        kinds = (Annotation.Kind.ACCEPTED, Annotation.Kind.CORRECTED, Annotation.Kind.RULING)
        people = (reviewer, other_reviewer, owner)
        for person, kind, label in zip(people, kinds, (*labels, labels[0]), strict=True):
            AnnotationFactory(task=task, reviewer=person, kind=kind).labels.set([label])
    opinions = second_opinions.collect(project)
    client.force_login(owner)
    page = client.get(url("agreement"))

    assert {each.reviewer for each in opinions.judgements} == {reviewer.pk, other_reviewer.pk}
    assert set(opinions.rulings.values()) == {frozenset({labels[0].pk})}
    assert "12 rulings of owners" in page.text
    assert page.text.index("the-other-reviewer") < page.text.index("the-reviewer</th>")
