from datetime import timedelta

import pytest
from django.utils import timezone

from labeling import second_opinions
from labeling.models import Label
from labeling.views.agreement import SHOWN
from tests.factories import (
    AnnotationFactory,
    DocumentFactory,
    LabelFactory,
    ProjectFactory,
    ReviewTaskFactory,
    TaxonomyVersionFactory,
)

pytestmark = pytest.mark.django_db

AGREEMENT = "/p/support/agreement/"


@pytest.fixture
def client(client, owner):
    client.force_login(owner)
    return client


def decide(document, person, *labels, ago=0, undone=False):
    """One decision of *person*, so many minutes *ago*, in a task of its own."""
    now = timezone.now()
    task = ReviewTaskFactory(document=document, prediction=None, status="done")
    annotation = AnnotationFactory(
        task=task,
        reviewer=person,
        annotated_at=now - timedelta(minutes=ago),
        undone_at=now if undone else None,
    )
    annotation.labels.set(labels)


def both(count, labels, one, other, *, apart=0):
    """*count* documents decided by two people, the first *apart* of them differently."""
    for place, document in enumerate(DocumentFactory.create_batch(count)):
        right = labels[place % len(labels)]
        decide(document, one, right)
        decide(document, other, labels[(place + 1) % len(labels)] if place < apart else right)


def table(page, name):
    return [(row.name, row.figure.value) for row in page.context[name].shown]


def test_agreement_is_shown_by_label_branch_and_pair(client, labels, reviewer, other_reviewer):
    fees = LabelFactory(name="Fees")
    both(40, [labels[0], labels[1], fees], reviewer, other_reviewer, apart=12)
    page = client.get(AGREEMENT)

    # 12 of 40 differ, each label is given 26 to 28 of 80 times: D_o = 0.3, D_e = 0.675 of pairs.
    assert page.context["found"].exact.value == pytest.approx(1 - 0.3 / 0.675, abs=0.003)
    assert "80 decisions of 2 people on 40 documents" in page.text
    assert {name for name, _ in table(page, "labels")} == {"Card arrival", "Card delivery", "Fees"}
    assert [name for name, _ in table(page, "branches")] == ["Cards", "Fees"]
    ((pair, kappa),) = table(page, "pairs")
    assert pair == "the-reviewer and the-other-reviewer"
    assert kappa == pytest.approx(1 - 0.3 / 0.666, abs=0.01)
    assert f"{kappa:.2f}" in page.text


def test_the_lowest_label_comes_first_with_its_branch(client, labels, reviewer, other_reviewer):
    both(30, labels[:2], reviewer, other_reviewer, apart=20)
    both(30, labels[2:], reviewer, other_reviewer)
    page = client.get(AGREEMENT)

    values = [value for _, value in table(page, "labels")]
    assert values == sorted(values)
    assert page.context["labels"].shown[0].below == "Cards"
    assert f"/taxonomy/{page.context['labels'].shown[0].label_id}/" in page.text


def test_where_nobody_judged_twice_the_page_says_how_to_come_by_it(client, labels, reviewer):
    for document in DocumentFactory.create_batch(3):
        decide(document, reviewer, labels[0])
    page = client.get(AGREEMENT)

    assert "No document was decided by two people yet" in page.text
    assert "Gold to check" in page.text


def test_undone_decisions_and_repeated_ones_are_no_second_opinion(
    client, labels, reviewer, other_reviewer
):
    document, again = DocumentFactory.create_batch(2)
    decide(document, reviewer, labels[0])
    decide(document, other_reviewer, labels[1], undone=True)
    decide(again, reviewer, labels[0], ago=5)
    decide(again, reviewer, labels[1])

    assert "found" not in client.get(AGREEMENT).context


def test_the_newest_decision_of_a_person_counts(client, labels, reviewer, other_reviewer):
    for document in DocumentFactory.create_batch(5):
        decide(document, reviewer, labels[1], ago=5)
        decide(document, reviewer, labels[0])
        decide(document, other_reviewer, labels[0])
    decide(document, other_reviewer, labels[1], ago=5)

    found = client.get(AGREEMENT).context["found"]
    assert (found.judgements, found.exact.value) == (10, None)  # one answer everywhere


def test_nothing_fits_and_sets_of_labels_are_answers_too(
    client, project, labels, reviewer, other_reviewer
):
    project.kind = project.Kind.MULTI
    project.save(update_fields=["kind"])
    for document in DocumentFactory.create_batch(12):
        decide(document, reviewer, labels[0], labels[1])
        decide(document, other_reviewer, labels[0])
    for document in DocumentFactory.create_batch(12):
        decide(document, reviewer)
        decide(document, other_reviewer)
    page = client.get(AGREEMENT)

    assert ("Nothing fits", 1.0) in table(page, "labels")
    assert page.context["found"].near.value > page.context["found"].exact.value
    assert "labels in common" in page.text


def test_labels_with_few_documents_are_counted_not_listed(client, labels, reviewer, other_reviewer):
    both(20, labels[:1], reviewer, other_reviewer)
    both(3, labels[1:2], reviewer, other_reviewer)
    page = client.get(AGREEMENT)

    assert [name for name, _ in table(page, "labels")] == ["Card arrival"]
    assert "1 with fewer than 10 documents" in page.text


def test_of_many_labels_the_lowest_are_listed(client, reviewer, other_reviewer):
    many = LabelFactory.create_batch(SHOWN + 3)
    both(10 * len(many), many, reviewer, other_reviewer, apart=9)
    page = client.get(AGREEMENT)

    assert len(page.context["labels"].shown) == SHOWN
    assert "3 more with higher agreement" in page.text


def test_a_retired_label_is_still_named(client, labels, reviewer, other_reviewer):
    both(20, labels[:2], reviewer, other_reviewer, apart=3)
    Label.objects.filter(pk=labels[0].pk).update(retired_at=timezone.now())

    assert "Card arrival" in client.get(AGREEMENT).text


def test_of_many_documents_the_newest_are_measured(project, labels, reviewer, other_reviewer):
    documents = DocumentFactory.create_batch(4)
    for age, document in enumerate(documents):
        decide(document, reviewer, labels[0], ago=10 + age)
        decide(document, other_reviewer, labels[0], ago=age)

    found = second_opinions.collect(project, most=3)
    assert {each.document for each in found.judgements} == {each.pk for each in documents[:3]}
    assert found.has_more
    assert not second_opinions.collect(project, most=4).has_more


def test_other_projects_stay_apart(client, labels, reviewer, other_reviewer):
    elsewhere = DocumentFactory(project=ProjectFactory(slug="elsewhere"))
    decide(elsewhere, reviewer)
    decide(elsewhere, other_reviewer)

    assert "found" not in client.get(AGREEMENT).context


def test_the_page_costs_the_same_for_thirty_documents(
    client, labels, reviewer, other_reviewer, django_assert_num_queries
):
    both(30, labels, reviewer, other_reviewer, apart=5)

    # session, person, project, documents, judgements, what they became, labels, people, role
    with django_assert_num_queries(11):
        client.get(AGREEMENT)


def test_agreement_over_time_has_what_was_published_meanwhile(client, labels, people_apart):
    version = TaxonomyVersionFactory(
        number=2, published_at=timezone.now() - timedelta(days=3), note="Fees <told> apart"
    )
    page = client.get(AGREEMENT)

    (newest, published), (older, before) = page.context["periods"]
    assert (newest.figure.documents, older.figure.documents) == (12, 12)
    assert (published, before) == ([version], [])
    assert older.figure.value < newest.figure.value
    assert [mark.name for mark in page.context["chart"].marks] == ["v2"]
    assert "v2: <bdi>Fees &lt;told&gt; apart</bdi>" in page.text


def test_one_period_has_its_figures_and_no_chart(client, labels, reviewer, other_reviewer):
    both(12, labels, reviewer, other_reviewer, apart=3)
    page = client.get(AGREEMENT)

    assert page.context["chart"] is None
    assert "once people differed in two periods" in page.text
    assert len(page.context["periods"]) == 1


@pytest.fixture
def people_apart(labels, reviewer, other_reviewer):
    """Two people who differed six days ago on half of twelve documents, and now on one."""
    for ago, apart in ((6 * 24 * 60, 6), (0, 1)):
        for place, document in enumerate(DocumentFactory.create_batch(12)):
            right, wrong = labels[place % 2], labels[(place + 1) % 2]
            decide(document, reviewer, right, ago=ago)
            decide(document, other_reviewer, wrong if place < apart else right, ago=ago)
