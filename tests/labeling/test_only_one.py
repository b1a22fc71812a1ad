"""Of the labels below one that says so, a document is given one only, wherever it is decided."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from labeling import (
    adjudication,
    annotations,
    breaches,
    desk,
    drafts,
    events,
    gold,
    only_one,
    publishing,
    queues,
    taxonomies,
)
from labeling.annotations import LabelRefused
from labeling.documents import Row, import_documents
from labeling.models import Annotation, Document, GoldLabel
from labeling.taxonomy_acts import Create, Edit, Merge, Retire
from labeling.taxonomy_entries import TaxonomyEntry, content, entry_of
from tests.factories import AnnotationFactory, DocumentFactory, GoldLabelFactory, LabelFactory
from tests.labeling.api.conftest import speaking_for
from tests.labeling.desk import decision, multi, url

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
REFUSED = "Give either Card arrival or Lost card: only one of the labels under Cards."
pytestmark = pytest.mark.django_db


# --- which labels go together


@st.composite
def trees(draw):
    """Return each label's parent, and those that let only one below them be given."""
    parents = {
        label: draw(st.none() | st.integers(0, label - 1)) if label else None
        for label in range(draw(st.integers(1, 9)))
    }
    return parents, draw(st.sets(st.sampled_from(sorted(parents))))


def above(parents, label):
    path = []
    while parents[label] is not None:
        label = parents[label]
        path.append(label)
    return path


def apart(parents, saying, one, two):
    """Whether these two are not given together, by looking at the whole tree."""
    if one == two or one in above(parents, two) or two in above(parents, one):
        return False
    return bool({*above(parents, one)} & {*above(parents, two)} & saying)


@given(tree=trees(), chosen=st.sets(st.integers(0, 8)))
def test_two_clash_where_one_below_says_so_and_neither_stands_above_the_other(tree, chosen):
    parents, saying = tree
    chosen &= parents.keys()
    lines = only_one.lines(parents, saying)
    found = only_one.clash({label: lines[label] for label in chosen})

    assert (found is not None) == any(apart(parents, saying, a, b) for a in chosen for b in chosen)
    if found:
        one, two, group = found
        assert apart(parents, saying, one, two)
        assert group in saying
        assert group in above(parents, one)
        assert group in above(parents, two)


@given(tree=trees(), ranked=st.lists(st.integers(0, 8), unique=True), data=st.data())
def test_what_is_left_of_a_proposal_can_be_given_and_nothing_more_could(tree, ranked, data):
    parents, saying = tree
    labels = data.draw(st.lists(st.sampled_from(sorted(parents)), unique=True))
    kept = only_one.likeliest(labels, ranked, only_one.lines(parents, saying))

    assert kept == [label for label in labels if label in kept]
    for label in labels:
        rivals = [each for each in kept if apart(parents, saying, label, each)]
        assert (label in kept) == (not rivals)
        place, *others = [(ranked + labels).index(each) for each in (label, *rivals)]
        assert not rivals or place > min(others)


# --- a decision


@pytest.fixture
def cards(project, labels):
    """Let only one of the labels under Cards be given, in a project with several a document."""
    multi(project)
    project.refresh_from_db()
    group = labels[0].parent
    publishing.publish_acts(project, [Edit(group.key, {"aliases": ("x",)})], actor=None, now=NOON)
    publishing.publish_acts(project, [Edit(group.key, {"only_one": True})], actor=None, now=NOON)
    return group


@pytest.fixture(autouse=True)
def _no_models(monkeypatch):
    monkeypatch.setattr(events.taxonomy_published, "receivers", [])
    events.taxonomy_published.sender_receivers_cache.clear()


def test_two_labels_of_one_group_are_refused_by_name(cards, decide, labels):
    with pytest.raises(LabelRefused) as refused:
        decide(labels[0], labels[2])

    assert str(refused.value) == REFUSED
    assert not Annotation.objects.exists()


def test_one_of_them_goes_with_labels_from_elsewhere(cards, decide, labels):
    other = LabelFactory(name="Thanks")
    decide(labels[0], other)

    assert set(Annotation.objects.get().labels.all()) == {labels[0], other}


def test_a_label_goes_with_the_one_above_it(project, cards, decide, labels):
    below = TaxonomyEntry("late", "Late", labels[0].key)
    top = Edit(cards.key, {"assignable": True})
    publishing.publish_acts(project, [Create(below), top], actor=None, now=NOON)
    late = project.labels.get(key="late")
    with pytest.raises(LabelRefused, match="Give either Stolen card or Late"):
        decide(labels[3], late)
    decide(cards, labels[0], late)

    assert Annotation.objects.get().labels.count() == 3


def test_a_decision_sent_again_after_the_rule_came_is_the_same_decision(
    project, labels, task, decide
):
    multi(project)
    task.refresh_from_db()
    key = uuid4()
    first = decide(labels[0], labels[1], key=key)
    act = Edit(labels[0].parent.key, {"only_one": True})
    publishing.publish_acts(project, [act], actor=None, now=NOON)

    assert decide(labels[0], labels[1], key=key) == first
    assert GoldLabel.objects.gold().count() == 2  # it stands


def test_undoing_the_version_lets_both_be_given_and_redoing_it_does_not(
    project, cards, decide, labels
):
    publishing.take_back(project, 2, actor=None, now=NOON)
    labels[0].refresh_from_db()
    assert labels[0].one_of == []
    publishing.take_back(project, 3, actor=None, now=NOON)
    with pytest.raises(LabelRefused):
        decide(labels[0], labels[2])

    publishing.take_back(project, 4, actor=None, now=NOON)
    decide(labels[0], labels[2])


def test_the_desk_keeps_what_was_ticked(client, reviewer, cards, held, labels):
    client.force_login(reviewer)
    answer = client.post(url("annotate", held().pk), decision(labels[0], labels[2]))

    assert answer.status_code == 422
    assert REFUSED in answer.text
    for label in labels:
        ticked = f'name="label" value="{label.pk}" checked' in answer.text
        assert ticked == (label in (labels[0], labels[2]))
        assert f'data-one-of="{cards.pk}"' in answer.text


def test_programs_are_told_why_and_which_labels_go_together(reviewer, cards, held, labels):
    api = speaking_for(reviewer)
    said = {"labels": [labels[0].pk, labels[2].pk], "key": str(uuid4())}
    refused = api.post(f"/api/v1/tasks/{held().pk}/annotations", said, format="json")

    assert (refused.status_code, refused.json()) == (400, {"labels": [REFUSED]})
    told = api.get(f"/api/v1/projects/{cards.project.slug}/labels").json()
    assert {each["id"]: each["one_of"] for each in told}[labels[0].pk] == [cards.pk]


def test_a_ruling_is_refused_likewise(project, cards, waiting, labels, owner, member_two):
    task = waiting(wanted=2)
    for person, label in zip(member_two, labels[:2], strict=True):
        held = queues.lease(task, person, now=NOON)
        annotations.annotate(held, reviewer=person, labels=[label], key=uuid4(), now=NOON)
    task = queues.lease(task, owner, now=NOON)
    assert task.is_disputed

    with pytest.raises(LabelRefused, match="only one of the labels under Cards"):
        annotations.annotate(task, reviewer=owner, labels=labels[:2], key=uuid4(), now=NOON)
    annotations.annotate(task, reviewer=owner, labels=labels[:1], key=uuid4(), now=NOON)


@pytest.fixture
def member_two(reviewer, other_reviewer):
    return reviewer, other_reviewer


def test_an_answer_from_before_the_rule_is_not_settled(project, labels, waiting, reviewer, owner):
    multi(project)
    task = waiting(wanted=2)
    held = queues.lease(task, reviewer, now=NOON)
    annotations.annotate(held, reviewer=reviewer, labels=labels[:2], key=uuid4(), now=NOON)
    act = Edit(labels[0].parent.key, {"only_one": True})
    publishing.publish_acts(project, [act], actor=None, now=NOON)

    assert adjudication.settle(project, owner=owner, now=NOON) == 0


def test_a_decision_costs_no_query_more(cards, decide, labels, django_assert_num_queries):
    with django_assert_num_queries(8 + 2):  # with its savepoint
        decide(labels[0])


# --- what a model proposes


def test_the_card_ticks_the_likeliest_of_a_group_which_enter_accepts(
    client, reviewer, project, cards, held, labels
):
    client.force_login(reviewer)
    other = LabelFactory(name="Thanks")
    task = held(label_ids=[other.pk, *(label.pk for label in reversed(labels))])
    page = client.get(url("task", task.pk)).text
    assert [f'value="{each.pk}" checked' in page for each in (other, *labels)] == [
        True, True, False, False, False,
    ]  # fmt: skip
    (outline,) = desk.outlines(project, [queues.task_in(project, task.pk)])
    assert set(outline.suggested) == {other.pk, labels[0].pk}

    client.post(url("annotate", task.pk), decision(other, labels[0]))
    assert Annotation.objects.get().kind == Annotation.Kind.ACCEPTED


def test_gold_that_is_asked_about_is_shown_as_it_stands(project, cards, waiting, labels):
    task = waiting(reason="check", document__gold_at=NOON)
    for label in labels[:2]:
        GoldLabelFactory(document=task.document, label=label)
    offered = desk.choices(queues.task_in(project, task.pk))

    assert {each.label for each in offered if each.is_ticked} == set(labels[:2])


def test_labels_no_candidate_names_come_last(project, cards, waiting, labels):
    late = LabelFactory(name="Late", one_of=[cards.pk])
    prediction = waiting(label_ids=[late.pk, labels[3].pk]).prediction
    usable = taxonomies.usable([], prediction.proposed)

    assert gold.offer(prediction, usable, is_multi=True).suggested == [labels[3].pk]


# --- gold from elsewhere


def test_a_row_of_a_file_that_breaks_it_is_refused_with_its_remedy(project, cards, labels):
    keys = [label.key for label in labels]
    rows = [Row("m1", "One", labels=(keys[0], keys[1]), line=1), Row("m2", "Two", labels=keys[:1])]
    report = import_documents(project, rows, actor=None, now=NOON, gold=True)

    assert report.errors == [
        (
            1,
            f"labels: only one of the labels under “{cards.key}”; leave out “{keys[0]}” or "
            f"“{keys[1]}”",
        )
    ]
    assert (report.gold, Document.objects.get().external_id) == (1, "m2")


def test_thirty_such_rows_cost_what_one_does(project, cards, labels, django_assert_max_num_queries):
    keys = (labels[0].key, labels[1].key)
    rows = [Row(f"m{n}", f"Text {n}", labels=keys, line=n) for n in range(30)]
    with django_assert_max_num_queries(12):
        report = import_documents(project, rows, actor=None, now=NOON, gold=True)

    assert report.error_count == 30


def test_gold_from_before_the_rule_stands_and_the_draft_counts_it(client, owner, project, labels):
    multi(project)
    for some in (labels[:2], labels[:1], labels[1:3]):
        document = DocumentFactory(project=project, gold_at=NOON)
        annotation = AnnotationFactory(task__document=document)
        for label in some:
            GoldLabelFactory(document=document, label=label, annotation=annotation)
    group = labels[0].parent
    act = Edit(group.key, {"only_one": True})
    drafts.add(project, act, author=owner, now=NOON, **drafts.seen(project))
    client.force_login(owner)
    page = client.get(f"/p/{project.slug}/taxonomy/draft/").text
    assert "2 documents have several of the labels under “Cards”" in page

    drafts.publish(project, actor=owner, note="", now=NOON, seen_acts=[drafts.newest(project)])
    assert GoldLabel.objects.gold().count() == 5
    act = Edit(group.key, {"name": "All cards"})
    drafts.add(project, act, author=owner, now=NOON, **drafts.seen(project))
    assert "several of the labels" not in client.get(f"/p/{project.slug}/taxonomy/draft/").text


@pytest.fixture
def told(client, owner, project):
    """Put acts into the draft and return what its page finds worth a look about groups."""

    def told(*acts):
        project.draft.all().delete()
        drafts.add_all(project, acts, author=owner, now=NOON)
        client.force_login(owner)
        found = client.get(f"/p/{project.slug}/taxonomy/draft/").context["remarks"]
        said = [(remark.message, other) for remark, other in found]
        return [(text, other) for text, other in said if "several of" in text]

    return told


@pytest.fixture
def letters(project, labels):
    """Give these labels to a document, each time it is called."""

    def letters(*given):
        document = DocumentFactory(project=project, gold_at=NOON)
        annotation = AnnotationFactory(task__document=document)
        for label in given:
            GoldLabelFactory(document=document, label=label, annotation=annotation)
        return document

    return letters


def test_labels_that_a_draft_brings_together_are_counted(project, cards, labels, letters, told):
    thanks, praise = LabelFactory(name="Thanks"), LabelFactory(name="Praise")
    letters(labels[0], thanks)
    letters(labels[1], thanks)
    letters(labels[1], praise)
    letters(thanks, praise)
    one, two = labels[0].key, labels[1].key
    counted = "document{} several of the labels under “Cards”"

    assert told(Merge(thanks.key, one)) == [("1 " + counted.format(" has"), None)]
    assert told(Edit(thanks.key, {"parent": cards.key})) == [
        ("2 " + counted.format("s have"), None)
    ]
    assert told(Merge(thanks.key, praise.key), Merge(praise.key, one)) == [
        ("2 " + counted.format("s have"), None)
    ]
    assert told(Merge(two, one), Merge(thanks.key, one)) == []
    assert told(Retire(two), Edit(praise.key, {"parent": cards.key})) == []  # back to review


def test_what_stands_together_already_is_not_counted_again(cards, labels, letters, told):
    letters(*labels[:2])

    assert told(Merge(labels[2].key, labels[0].key)) == []


def test_a_draft_that_touches_no_group_reads_no_gold(
    project, owner, cards, labels, django_assert_num_queries
):
    drafts.add_all(project, [Edit(cards.key, {"name": "All"})], author=owner, now=NOON)
    work = drafts.outcome(project, drafts.rows_of(project))
    with django_assert_num_queries(1):
        assert breaches.remarks(project, work) == []


def test_the_draft_says_that_a_group_goes_which_says_so(project, cards, labels, told):
    mail = LabelFactory(name="Mail", is_assignable=False)
    said = "“Cards” goes, so several of the labels below it may be given"

    assert told(Merge(cards.key, mail.key)) == [(said, mail)]
    assert told(Retire(cards.key)) == [(said, None)]
    assert told(Merge(cards.key, mail.key), Edit(mail.key, {"only_one": True})) == []
    assert told(*[Retire(label.key) for label in labels[1:]], Retire(cards.key)) == []


# --- the studio


def sent(label, **fields):
    seen = {"seen_version": 9, "seen_act": 0, "name": label.name, "parent": "", "do": "publish"}
    return {**seen, **fields}


def test_the_edit_page_sets_it_and_takes_it_back(client, owner, project, cards, labels):
    client.force_login(owner)
    path = f"/p/{project.slug}/taxonomy/{cards.pk}/edit/"
    assert client.get(path).context["form"]["only_one"].value() is True
    client.post(path, sent(cards))
    cards.refresh_from_db()
    assert not cards.only_one
    client.post(path, sent(cards, only_one="on"))
    cards.refresh_from_db()
    assert cards.only_one
    assert "only one of these" in client.get(f"/p/{project.slug}/taxonomy/{cards.pk}/").text


def test_a_project_with_one_label_a_document_keeps_it_and_does_not_ask(
    client, owner, project, labels
):
    group = labels[0].parent
    act = Edit(group.key, {"only_one": True})
    publishing.publish_acts(project, [act], actor=None, now=NOON)
    client.force_login(owner)
    path = f"/p/{project.slug}/taxonomy/{group.pk}/edit/"
    page = client.get(path).text
    assert "Only one of these" not in page
    assert '<input type="hidden" name="only_one" value="True"' in page
    client.post(path, sent(group, name="New name", only_one="True"))

    group.refresh_from_db()
    assert (group.name, group.only_one) == ("New name", True)
    assert "Only one" not in client.get(f"/p/{project.slug}/taxonomy/new/").text


def test_a_new_label_may_say_so(client, owner, project, cards):
    client.force_login(owner)
    path = f"/p/{project.slug}/taxonomy/new/"
    assert "Only one of these" in client.get(path).text
    client.post(path, {"seen_version": 2, "name": "Loans", "only_one": "on"})

    assert project.draft.get().act["content"]["only_one"]


def test_two_owners_are_shown_that_they_differ_in_it(client, owner, project, cards):
    client.force_login(owner)
    path = f"/p/{project.slug}/taxonomy/{cards.pk}/edit/"
    answer = client.post(path, sent(cards, seen_version=1))

    assert answer.status_code == 409
    assert "<strong>Only one of these</strong>" in answer.text


def test_reviewers_change_no_rule(client, reviewer, project, cards):
    client.force_login(reviewer)
    path = f"/p/{project.slug}/taxonomy/{cards.pk}/edit/"
    assert client.post(path, sent(cards)).status_code == 404

    cards.refresh_from_db()
    assert cards.only_one


def test_an_edition_from_before_there_was_the_rule_does_not_differ():
    entry = TaxonomyEntry("cards", "Cards")
    old = content(entry)
    del old["only_one"]

    assert entry_of("cards", old) == entry


def test_a_task_decided_by_key_alone_reads_the_rule_as_it_stands(
    client, reviewer, project, cards, held, labels
):
    """Two tabs: the card was opened before the rule came."""
    task = held()
    publishing.take_back(project, 2, actor=None, now=NOON)
    client.force_login(reviewer)
    assert "data-one-of" not in client.get(url("task", task.pk)).text
    publishing.take_back(project, 3, actor=None, now=timezone.now())

    answer = client.post(url("annotate", task.pk), decision(labels[0], labels[2]))
    assert REFUSED in answer.text
