"""What a worker found about the taxonomy: seen by owners, drafted, dismissed for good."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from labeling import drafts, proposals, publishing
from labeling.confusions import Confusions
from labeling.models import FoundProposal, ProposalAnswer
from labeling.proposals import Group, Proposal
from labeling.taxonomy_acts import Retire
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import DocumentFactory, MembershipFactory

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def labels(project):
    entries = [TaxonomyEntry(key, key.title()) for key in ("card", "lost", "stolen", "fee")]
    publishing.publish(project, entries, actor=None, now=NOON)
    return {label.key: label for label in project.labels.all()}


@pytest.fixture
def found(project, labels):
    """Keep what a worker might have found."""
    some = DocumentFactory.create_batch(4, project=project, text="About a <b>card</b>.")
    groups = (
        Group("Card: <i>stolen</i>", 25, tuple(each.pk for each in some[:2])),
        Group("Card: blocked", 20, tuple(each.pk for each in some[2:])),
    )
    card, lost, stolen = (labels[key].pk for key in ("card", "lost", "stolen"))
    made = [
        Proposal("split", card, card, "It is two.", 45, groups),
        Proposal("merge", lost, stolen, "Taken for each other.", 9),
        Proposal("overlap", lost, card, "Near.", 7),
    ]
    proposals.keep(project, made, now=NOON)
    return made


@pytest.fixture
def page(client, project, owner):
    client.force_login(owner)
    return lambda path="confusions/": client.get(f"/p/{project.slug}/taxonomy/{path}")


@pytest.fixture
def answer(client, project, owner):
    def answer(proposal, do, person=None):
        client.force_login(person or owner)
        given = {"kind": proposal.kind, "first": proposal.first, "second": proposal.second}
        return client.post(f"/p/{project.slug}/taxonomy/proposals/", {**given, "do": do})

    return answer


def shown(page):
    return [proposal.kind for proposal, _, _ in page().context["proposals"]]


def test_what_was_found_is_read_as_it_was_kept_and_replaced_by_the_next(project, found):
    assert proposals.kept(project) == found

    proposals.keep(project, found[1:2], now=NOON)
    assert proposals.kept(project) == found[1:2]


def test_owners_see_what_rests_on_most_documents_first(page, found):
    assert shown(page) == ["split", "merge", "overlap"]
    assert "It is two." in page().text


def test_to_take_a_split_opens_its_form_with_both_groups(client, answer, page, found, project):
    opened = answer(found[0], "accept")
    again = answer(found[0], "accept")
    text = client.get(opened.url).text

    assert (opened.status_code, opened.url) == (302, again.url)
    assert not project.draft.exists()
    assert not ProposalAnswer.objects.exists()
    assert 'value="Card: &lt;i&gt;stolen&lt;/i&gt;"' in text
    assert text.count("About a &lt;b&gt;card&lt;/b&gt;.") == 4
    assert "Its gold falls into two groups" not in page(f"{found[0].first}/split/").text


def test_a_faulty_split_shows_the_groups_again_and_a_good_one_is_proposed_no_more(
    client, answer, page, found, project
):
    form = answer(found[0], "accept").url
    seen = {"seen_version": 1, "seen_act": 0}
    faulty = client.post(form, {**seen, "part": ["Mine", ""], "about": ["", "x"]})
    assert faulty.status_code == 422
    assert "Its gold falls into two groups" in faulty.text
    assert 'value="Mine"' in faulty.text

    client.post(form, {**seen, "part": ["Mine", "Yours"], "about": ["a", "b"]})
    assert project.draft.get().act["kind"] == "split"
    assert shown(page) == ["merge"]  # nor an overlap with what only groups from then on


def test_what_was_dismissed_stays_away_though_it_is_found_again(answer, page, found, project):
    for _ in range(2):
        assert answer(found[0], "dismiss").status_code == 302
        assert answer(found[2], "dismiss").status_code == 302
    proposals.keep(project, found, now=NOON)

    assert shown(page) == ["merge"]
    assert ProposalAnswer.objects.count() == 2


def test_an_overlap_and_a_merge_are_taken_once_however_often_one_clicks(
    answer, page, found, project
):
    answer(found[2], "accept")
    answer(found[2], "accept")
    assert project.draft.count() == 1
    assert shown(page) == ["split", "merge"]

    answer(found[1], "accept")
    answer(found[1], "accept")
    assert [row.act["kind"] for row in project.draft.all()] == ["edit", "merge"]
    assert shown(page) == ["split"]


def test_labels_that_are_gone_or_marked_are_not_proposed(project, labels, found, page):
    publishing.publish_acts(project, [Retire("stolen")], actor=None, now=timezone.now())
    assert shown(page) == ["split", "overlap"]

    overlaps = {labels["lost"].pk: {labels["card"].pk}, labels["card"].pk: {labels["lost"].pk}}
    usable = {label.pk for label in labels.values()}
    nothing = Confusions({}, {}, {})
    left = proposals.find(nothing, [], overlaps, usable, kept=proposals.kept(project))
    assert [each.kind for each in left] == ["split", "merge"]


def test_what_decisions_say_too_is_proposed_once(labels, found):
    lost, stolen = labels["lost"].pk, labels["stolen"].pk
    confused = Confusions({(lost, stolen): 5, (stolen, lost): 4}, {lost: 10, stolen: 20}, {})
    usable = {label.pk for label in labels.values()}
    told = proposals.find(confused, [], {}, usable, kept=found)

    assert sorted(each.kind for each in told) == ["merge", "overlap", "split"]
    assert next(each.why for each in told if each.kind == "merge").startswith("Of 30 decisions")


def test_many_splits_leave_room_for_what_rests_on_fewer_documents(found):
    numbers = range(1_000, 1_000 + 3 * proposals.SHOWN)
    splits = [Proposal("split", pk, pk, "It is two.", pk) for pk in numbers]
    usable = {*numbers, *(each.first for each in found), *(each.second for each in found)}
    proposed = proposals.find(Confusions({}, {}, {}), [], {}, usable, kept=[*found[1:], *splits])

    assert proposed == [*splits[: -proposals.SHOWN - 1 : -1], *found[1:]]


def test_others_do_not_get_at_them(client, answer, found, labels, reviewer, outsider):
    MembershipFactory(project__slug="elsewhere", user=outsider, role="owner")

    assert answer(found[0], "dismiss", reviewer).status_code == 404
    assert answer(found[0], "accept", outsider).status_code == 404
    path = f"/p/elsewhere/taxonomy/{labels['card'].pk}/split/?proposed=1"
    assert client.get(path).status_code == 404
    given = {"kind": "split", "first": labels["card"].pk, "second": labels["card"].pk}
    assert client.post("/p/elsewhere/taxonomy/proposals/", given).status_code == 404
    assert not ProposalAnswer.objects.exists()


@pytest.mark.parametrize(("kind", "second"), [("split", "lost"), ("merge", "card")])
def test_a_split_is_of_one_label_and_all_else_of_two(answer, labels, owner, project, kind, second):
    odd = Proposal(kind, labels["card"].pk, labels[second].pk, "", 1)

    assert answer(odd, "dismiss").status_code == 404
    row = {"kind": kind, "first": labels["card"], "second": labels[second], "is_accepted": False}
    if kind == "merge":
        with pytest.raises(IntegrityError), transaction.atomic():
            ProposalAnswer.objects.create(project=project, person=owner, answered_at=NOON, **row)


def test_documents_that_are_gone_are_left_out(client, page, found, project):
    project.documents.all().delete()

    text = page(f"{found[0].first}/split/?proposed=1").text
    assert text.count("None of its documents is there any more.") == 2


def test_the_page_costs_the_same_for_thirty_proposals(
    page, project, labels, django_assert_num_queries
):
    lost, stolen = labels["lost"].pk, labels["stolen"].pk
    many = [Proposal("merge", lost, stolen, f"{n}", n) for n in range(30)]
    proposals.keep(project, many, now=NOON)
    with django_assert_num_queries(13):
        page()
    assert FoundProposal.objects.count() == 30
    assert drafts.closed([]) == set()


def test_a_proposal_leads_to_the_labels_it_speaks_of(page, labels, found):
    text = page().text

    for label in (labels["card"], labels["lost"], labels["stolen"]):
        assert f'/taxonomy/{label.pk}/">{label.name}</a>' in text
