"""Any sequence of acts leaves a sound taxonomy, and undo brings back all that stood."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from labeling import breaches, only_one, publishing, taxonomies, taxonomy_acts, taxonomy_diff
from labeling.models import Annotation, Document, GoldLabel, Label, Project, ReviewTask
from labeling.taxonomy_acts import BadAct, Create, Edit, Merge, Restore, Retire, Split
from labeling.taxonomy_entries import BadTaxonomy, TaxonomyEntry, find_problems
from tests.factories import (
    AnnotationFactory,
    DocumentFactory,
    GoldLabelFactory,
    PredictionFactory,
    ProjectFactory,
    ReviewTaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
KEYS = ["a", "b", "c", "d", "e", "group"]
NEW = ["x", "y", "z"]
numbers = count()

key = st.sampled_from(KEYS + NEW)
maybe = st.none() | key
texts = st.sampled_from(["", "About cards.", "Lost & <found>"])
exclusions = st.lists(st.tuples(st.sampled_from(["theft", "loss"]), maybe), max_size=2).map(tuple)
overlaps = st.lists(key, max_size=2).map(tuple)
entries = st.builds(
    TaxonomyEntry,
    key=st.sampled_from(NEW),
    name=st.sampled_from(["New one", "Another"]),
    parent=maybe,
    description=texts,
    exclusions=exclusions,
    overlaps=overlaps,
    only_one=st.booleans(),
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Renamed", "Other"]),
        "parent": maybe,
        "description": texts,
        "exclusions": exclusions,
        "overlaps": overlaps,
        "assignable": st.booleans(),
        "only_one": st.booleans(),
    },
)
acts = st.one_of(
    st.builds(Create, entries),
    st.builds(Edit, key, changes),
    st.builds(Merge, key, key),
    st.builds(Split, key, st.lists(entries, max_size=3).map(tuple)),
    st.builds(Retire, key, maybe),
    st.builds(Restore, key),
)
sequences = st.lists(acts, min_size=1, max_size=5)
examples = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def build(kind):
    """Return a project with a tree of labels, gold of each, what was ruled out, and open tasks."""
    project = ProjectFactory(slug=f"history-{next(numbers)}", kind=kind)
    stated = [TaxonomyEntry("group", "Group", assignable=False)]
    stated[0] = replace(stated[0], only_one=True)
    stated += [TaxonomyEntry(each, each.upper(), parent="group") for each in "abc"]
    stated += [
        TaxonomyEntry("d", "D", overlaps=("a",), exclusions=(("theft", "e"),)),
        TaxonomyEntry("e", "E", parent="d"),
    ]
    publishing.publish(project, stated, actor=None, now=NOON)
    labels = {label.key: label for label in project.labels.all()}
    person = UserFactory()
    for place, name in enumerate("aabbcde"):
        document = DocumentFactory(project=project, gold_at=NOON)
        PredictionFactory(document=document, first=labels[name])
        task = ReviewTaskFactory(document=document, prediction=None, status="done")
        said = AnnotationFactory(task=task, reviewer=person)
        given = [name] if kind == "single" else dict.fromkeys([name, "bcdeabc"[place]])
        for each in given:
            GoldLabelFactory(
                document=document, label=labels[each], annotation=said, granted_at=NOON
            )
        GoldLabelFactory(
            document=document,
            label=labels[next(each for each in "eab" if each not in given)],
            annotation=said,
            tier="ruled_out",
            granted_at=NOON,
        )
    asked = Document.objects.filter(project=project).last()
    queue = project.queues.get_or_create(reason="check")[0]
    ReviewTaskFactory(document=asked, prediction=None, queue=queue, value=-0.5)
    ReviewTaskFactory(document=DocumentFactory(project=project))
    return project


def gold_of(project):
    return list(GoldLabel.objects.filter(project=project).order_by("pk").values())


def state(project):
    """Return all that an undo brings back."""
    return {
        "entries": {entry.key: entry for entry in taxonomies.entries(project)},
        "retired": dict(project.labels.values_list("key", "retired_at")),
        "lines": dict(project.labels.values_list("key", "one_of")),
        "gold": gold_of(project),
        "documents": list(project.documents.order_by("pk").values("pk", "gold_at")),
        "tasks": {task["id"]: task for task in ReviewTask.objects.filter(project=project).values()},
        "open": set(project.tasks.open().values_list("document", "queue__reason")),
    }


def assert_as_before(now, before):
    """What stood before stands; labels and tasks made since are retired or withdrawn."""
    assert_same(now, before)
    assert {pk: now["tasks"][pk] for pk in before["tasks"]} == before["tasks"]


def assert_same(now, before):
    """The same, but for the tasks that ask about a document: each undo and redo opens them anew."""
    assert {key: now["entries"][key] for key in before["entries"]} == before["entries"]
    assert {key: now["retired"][key] for key in before["retired"]} == before["retired"]
    assert {key: now["lines"][key] for key in before["lines"]} == before["lines"]
    assert (now["gold"], now["documents"]) == (before["gold"], before["documents"])
    assert now["open"] == before["open"]
    since = now["entries"].keys() - before["entries"].keys()
    assert all(now["entries"][each].retired for each in since)


def assert_sound(project):
    labels = {label.pk: label for label in Label.objects.filter(project=project)}
    for label in labels.values():
        parents, above = [], label.parent_id
        while above is not None:
            assert above not in parents
            parents.insert(0, above)
            above = labels[above].parent_id
        while parents and not (labels[parents[0]].only_one and not labels[parents[0]].retired_at):
            parents.pop(0)
        assert label.one_of == parents
        if label.retired_at is None and label.parent_id:
            assert labels[label.parent_id].retired_at is None
    usable = set(Label.objects.assignable().filter(project=project).values_list("pk", flat=True))
    gold = GoldLabel.objects.gold().filter(project=project)
    assert set(gold.values_list("label", flat=True)) <= usable
    denied = GoldLabel.objects.ruled_out().filter(project=project)
    both = set(gold.values_list("document", "label")) & set(denied.values_list("document", "label"))
    assert both == set()
    with_gold = set(gold.values_list("document", flat=True))
    marked = project.documents.exclude(gold_at=None)
    assert set(marked.values_list("pk", flat=True)) == with_gold
    decided = Annotation.objects.filter(project=project, undone_at=None)
    waiting = set(project.tasks.open().values_list("document", flat=True))
    assert set(decided.values_list("task__document", flat=True)) <= with_gold | waiting


def done(project, acts):
    """Publish *acts*, each as a version of its own; yield what stood before each."""
    for minute, act in enumerate(acts, 1):
        before = state(project)
        try:
            version = publishing.publish_acts(
                project, [act], actor=None, now=NOON + timedelta(minutes=minute)
            )
        except (BadAct, BadTaxonomy):
            assert state(project) == before
            continue
        if version:
            yield before


@pytest.mark.parametrize("kind", ["single", "multi"])
@examples
@given(sequence=sequences)
def test_no_sequence_leaves_gold_on_a_retired_label_an_orphan_or_a_cycle(kind, sequence):
    project = build(kind)
    for _ in done(project, sequence):
        assert_sound(project)


@pytest.mark.parametrize("kind", ["single", "multi"])
@examples
@given(sequence=sequences)
def test_undo_brings_back_all_that_stood_and_redo_what_came_of_it(kind, sequence):
    project = build(kind)
    before = list(done(project, sequence))
    later = NOON + timedelta(hours=1)
    after = [*before[1:], state(project)]
    for stood in reversed(before):
        version, _ = publishing.undoable(project)
        publishing.take_back(project, version.number, actor=None, now=later)
        assert_as_before(state(project), stood)
    assert publishing.undoable(project)[0] is None
    for stood in after[: len(before)]:
        _, version = publishing.undoable(project)
        publishing.take_back(project, version.number, actor=None, now=later)
        assert_same(state(project), stood)
    assert publishing.undoable(project)[1] is None
    for stood in reversed(before):  # once more: what was redone can be undone
        version, _ = publishing.undoable(project)
        publishing.take_back(project, version.number, actor=None, now=later)
        assert_same(state(project), stood)


@examples
@given(sequence=sequences)
def test_several_acts_at_once_are_one_version(sequence):
    project = build("single")
    before = state(project)
    try:
        version = publishing.publish_acts(project, sequence, actor=None, now=NOON)
    except (BadAct, BadTaxonomy):
        assert state(project) == before
        return
    assert_sound(project)
    if version:
        publishing.take_back(project, version.number, actor=None, now=NOON)
        assert_as_before(state(project), before)


def broken(project):
    """Return documents with two labels of which only one is given."""
    lines = dict(project.labels.values_list("pk", "one_of"))
    given = {}
    for document, label in project.gold.gold().values_list("document", "label"):
        given.setdefault(document, {})[label] = lines[label]
    return {document for document, labels in given.items() if only_one.clash(labels)}


@examples
@given(sequence=sequences)
def test_the_draft_counts_the_documents_that_publishing_gives_several_of_a_group(sequence):
    project = build("multi")
    before = broken(project)
    try:
        work = taxonomy_acts.done(taxonomies.by_key(project), sequence)
        found = breaches.remarks(project, work)
        publishing.publish_acts(project, sequence, actor=None, now=NOON)
    except (BadAct, BadTaxonomy):
        return
    told = [int(each.message.split()[0]) for each in found if each.message[0].isdigit()]
    assert sum(told) == len(broken(project) - before)


stated = st.lists(
    st.builds(
        TaxonomyEntry,
        key=key,
        name=st.sampled_from(["One", "Another"]),
        parent=maybe,
        description=texts,
        exclusions=exclusions,
        overlaps=overlaps,
        only_one=st.booleans(),
    ),
    max_size=5,
    unique_by=lambda entry: entry.key,
)


def mended(entries, known):
    """Return *entries* naming only labels that are *known*, and never themselves."""
    return [
        replace(
            entry,
            parent=entry.parent if entry.parent in known - {entry.key} else None,
            exclusions=tuple(
                (text, use if use in known - {entry.key} else None)
                for text, use in entry.exclusions
            ),
            overlaps=tuple(sorted({*entry.overlaps} & (known - {entry.key}))),
        )
        for entry in entries
    ]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(first=stated, second=stated)
def test_a_file_in_the_draft_makes_what_publishing_it_makes_or_is_refused(first, second):
    keys = {entry.key for entry in first}
    first = mended(first, keys)
    second = mended(second, keys | {entry.key for entry in second})
    parents = {entry.key: entry.parent for entry in first}
    assume(not find_problems(first, {}) and not find_problems(second, parents))
    standing = publishing._merge({}, first)
    try:
        entries = taxonomy_acts.done(standing, taxonomy_diff.between(standing, second)).entries
    except BadAct:
        return
    assert entries == publishing._merge(standing, second)


def test_the_first_taxonomy_is_not_taken_back():
    project = build("single")

    assert publishing.undoable(project) == (None, None)
    with pytest.raises(publishing.NothingToUndo):
        publishing.take_back(project, 1, actor=None, now=NOON)


def test_only_the_last_change_is_taken_back():
    project = build("single")
    first = publishing.publish_acts(project, [Edit("a", {"name": "One"})], actor=None, now=NOON)
    publishing.publish_acts(project, [Edit("a", {"name": "Two"})], actor=None, now=NOON)

    with pytest.raises(publishing.NothingToUndo):
        publishing.take_back(project, first.number, actor=None, now=NOON)
    assert Label.objects.get(project=project, key="a").name == "Two"
    assert Project.objects.get(pk=project.pk).taxonomy_versions.count() == 3
