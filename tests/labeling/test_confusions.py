"""Which labels are taken for which, what is proposed about it, and that answers are remembered."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from labeling import confusions, proposals, publishing
from labeling.confusions import Confusions
from labeling.judgements import Judgement
from labeling.models import Annotation, ProposalAnswer
from labeling.taxonomy_acts import Merge
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import AnnotationFactory, DocumentFactory, PredictionFactory, ReviewTaskFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
#   0 ── 1, 2        5 stands alone
#   3 ── 4
PARENTS = {0: None, 1: 0, 2: 0, 3: None, 4: 3, 5: None}


def found(pairs, decided):
    return Confusions(pairs, decided, {})


class TestMatrix:
    FOUND = found({(1, 2): 3, (2, 1): 1, (4, 1): 2, (5, 4): 1}, {1: 10, 2: 6, 4: 4, 5: 2})

    def cells(self, under):
        matrix = confusions.matrix(self.FOUND, PARENTS, under)
        return {
            (cell.said, cell.given): cell.documents for row in matrix.rows for cell in row
        }, matrix

    def test_at_the_top_branches_count_what_stands_below_them(self):
        cells, matrix = self.cells(None)

        assert set(matrix.labels) == {0, 3, 5}
        assert cells[3, 0] == 2
        assert cells[5, 3] == 1
        assert cells[0, 0] == 3 + 1 + (10 - 3) + (6 - 3)  # confused within it is right at the top

    def test_under_a_branch_its_labels_stand_beside_each_other(self):
        cells, matrix = self.cells(0)

        assert set(matrix.labels) == {1, 2}
        assert (cells[1, 2], cells[2, 1], cells[1, 1]) == (3, 1, 7)
        shares = {(cell.said, cell.given): cell.share for row in matrix.rows for cell in row}
        assert shares[1, 2] == pytest.approx(3 / 6)

    def test_labels_that_are_not_confused_are_left_out(self):
        _, matrix = self.cells(3)

        assert (matrix.labels, matrix.rows) == ([], [])


class TestProposals:
    def test_labels_taken_for_each_other_are_to_be_merged_the_rarer_into_the_other(self):
        given = found({(1, 2): 5, (2, 1): 4}, {1: 20, 2: 10})
        (one,) = proposals.find(given, [], {}, {1, 2})

        assert (one.kind, one.first, one.second, one.weight) == ("merge", 2, 1, 9)
        assert "Of 30 decisions on either, 9" in one.why

    @pytest.mark.parametrize(
        ("pairs", "decided", "overlaps"),
        [
            ({(1, 2): 5, (2, 1): 2}, {1: 10, 2: 10}, {}),  # one way alone
            ({(1, 2): 5, (2, 1): 4}, {1: 40, 2: 40}, {}),  # seldom
            ({(1, 2): 5, (2, 1): 4}, {1: 10, 2: 10}, {1: {2}, 2: {1}}),
        ],
    )
    def test_other_labels_are_not(self, pairs, decided, overlaps):
        assert proposals.find(found(pairs, decided), [], overlaps, {1, 2}) == []

    def test_labels_people_differ_between_are_to_overlap(self):
        said = [
            Judgement(document, person, frozenset({person}), NOON)
            for document in range(3)
            for person in (1, 2)
        ]
        (one,) = proposals.find(found({}, {}), said, {}, {1, 2})
        assert (one.kind, one.first, one.second, one.weight) == ("overlap", 1, 2, 3)

        assert proposals.find(found({}, {}), said, {1: {2}}, {1, 2}) == []
        agreed = [Judgement(d, who, frozenset({1, 2}), NOON) for d in range(3) for who in (1, 2)]
        assert proposals.find(found({}, {}), agreed, {}, {1, 2}) == []
        assert proposals.find(found({}, {}), said[:4], {}, {1, 2}) == []

    def test_what_was_answered_or_is_gone_is_not_proposed(self):
        given = found({(1, 2): 5, (2, 1): 4}, {1: 20, 2: 10})

        assert proposals.find(given, [], {}, {1, 2}, [("merge", 1, 2)]) == []
        assert proposals.find(given, [], {}, {1}) == []


@pytest.fixture
def labels(project):
    entries = [TaxonomyEntry("group", "Group", assignable=False)]
    entries += [TaxonomyEntry(key, key.title(), "group") for key in ("lost", "stolen", "fee")]
    publishing.publish(project, entries, actor=None, now=NOON)
    return {label.key: label for label in project.labels.all()}


@pytest.fixture
def told(labels, reviewer):
    """Let somebody decide documents of which the model said something first."""

    def told(said, given, times):
        for _ in range(times):
            document = DocumentFactory(text=f"About {given} & <b>{said}</b>.")
            prediction = PredictionFactory(document=document, first=labels[said])
            task = ReviewTaskFactory(document=document, prediction=prediction, status="done")
            made = AnnotationFactory(task=task, reviewer=reviewer, prediction=prediction)
            made.labels.set([labels[given]])

    return told


@pytest.fixture
def page(client, project, owner):
    client.force_login(owner)
    return lambda path: client.get(f"/p/{project.slug}/taxonomy/{path}")


@pytest.mark.django_db
class TestPages:
    def test_decisions_are_counted_by_what_the_model_had_said(self, project, told, labels):
        told("lost", "stolen", 2)
        told("lost", "lost", 3)
        found = confusions.collect(project)
        lost, stolen = labels["lost"].pk, labels["stolen"].pk

        assert found.pairs == {(lost, stolen): 2}
        assert (found.right(lost), found.right(stolen), found.said[lost]) == (3, 0, 5)

    def test_merged_labels_are_confused_no_more(self, project, told, labels):
        told("lost", "stolen", 2)
        told("lost", "lost", 1)
        told("fee", "lost", 1)
        publishing.publish_acts(project, [Merge("lost", "stolen")], actor=None, now=timezone.now())
        fee, stolen = labels["fee"].pk, labels["stolen"].pk
        found = confusions.collect(project)

        assert (found.pairs, found.right(stolen)) == ({(fee, stolen): 1}, 3)
        assert confusions.told(labels["stolen"]).right.value == 3 / 4
        assert confusions.told(labels["stolen"]).taken_for == [(fee, 1)]
        assert len(confusions.documents(project, fee, stolen)) == 1

    def test_a_label_given_beside_the_one_that_was_said_is_no_confusion(
        self, project, told, labels
    ):
        told("lost", "stolen", 1)
        Annotation.objects.get().labels.add(labels["lost"])

        assert confusions.collect(project).pairs == {}
        assert confusions.told(labels["stolen"]).taken_for == []

    def test_without_decisions_the_page_says_what_will_show(self, page, labels):
        assert "Nothing is confused yet" in page("confusions/").text

    def test_a_cell_opens_its_documents_and_leads_to_an_exclusion(self, page, told, labels):
        told("lost", "stolen", 2)
        lost, stolen = labels["lost"], labels["stolen"]
        text = page(f"confusions/?under={labels['group'].pk}").text
        assert f"confusions/{lost.pk}/{stolen.pk}/" in text
        assert f"{lost.pk}/edit/?use=stolen" in text

        opened = page(f"confusions/{lost.pk}/{stolen.pk}/").text
        assert opened.count("&lt;b&gt;lost&lt;/b&gt;") == 2
        assert 'value="stolen"' in page(f"{lost.pk}/edit/?use=stolen").text

    def test_a_labels_page_says_how_often_it_was_told_right_and_what_it_is_taken_for(
        self, page, told, labels
    ):
        told("lost", "stolen", 1)
        told("stolen", "stolen", 3)
        text = page(f"{labels['stolen'].pk}/").text

        assert "75\N{NO-BREAK SPACE}%</strong> of 4 decisions" in text
        assert f"confusions/{labels['lost'].pk}/{labels['stolen'].pk}/" in text

    def test_a_proposal_goes_into_the_draft_or_is_dismissed_for_good(
        self, client, page, told, labels, project
    ):
        told("lost", "stolen", 4)
        told("stolen", "lost", 4)
        (proposal, first, second), *_ = page("confusions/").context["proposals"]
        assert proposal.kind == "merge"
        given = {"kind": "merge", "first": first.pk, "second": second.pk}
        client.post(f"/p/{project.slug}/taxonomy/proposals/", {**given, "do": "dismiss"})
        assert page("confusions/").context["proposals"] == []
        assert not project.draft.exists()

        ProposalAnswer.objects.all().delete()
        client.post(f"/p/{project.slug}/taxonomy/proposals/", {**given, "do": "accept"})
        assert project.draft.get().act["kind"] == "merge"
        assert ProposalAnswer.objects.get().is_accepted
        assert page("confusions/").context["proposals"] == []
        project.draft.all().delete()
        assert len(page("confusions/").context["proposals"]) == 1

    def test_overlaps_are_marked_from_a_pair(self, client, page, labels, project):
        pair = {"first": labels["lost"].pk, "second": labels["fee"].pk}
        client.post(
            f"/p/{project.slug}/taxonomy/proposals/", {"kind": "overlap", "do": "accept", **pair}
        )

        assert project.draft.get().act["changes"] == {"overlaps": ["fee"]}

    @pytest.mark.parametrize("form", [{}, {"kind": "explode"}, {"kind": "merge", "first": "x"}])
    def test_what_is_no_proposal_is_not_found(self, client, page, labels, project, form):
        assert page("").status_code == 200
        answer = client.post(f"/p/{project.slug}/taxonomy/proposals/", form)
        assert answer.status_code == 404

    def test_the_page_costs_the_same_for_thirty_decisions(
        self, page, told, django_assert_num_queries
    ):
        told("lost", "stolen", 30)
        with django_assert_num_queries(14):
            page("confusions/")
