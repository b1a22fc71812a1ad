"""What labels mean, by the built-in encoder, is told with the impact of a draft."""

import pytest
from django.utils import timezone

from labeling import drafts, publishing
from labeling.models import Job
from labeling.taxonomy_acts import Create, Edit
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import JobFactory, ProjectFactory, UserFactory
from training import impact

pytestmark = pytest.mark.django_db

STANDING = [
    TaxonomyEntry(
        "lost",
        "Lost or stolen card",
        description="The physical card is lost or stolen and must be blocked or replaced.",
    ),
    TaxonomyEntry(
        "rate",
        "Exchange rate",
        description="What exchange rates are used, how they are set and what they are.",
    ),
    TaxonomyEntry(
        "close",
        "Close the account",
        description="The customer wants to close or delete the account.",
    ),
]
TWIN = TaxonomyEntry(
    "missing",
    "Missing card or theft",
    description="Somebody cannot find their bank card any more or had it taken from them, and "
    "needs it stopped and a new one.",
)


@pytest.fixture
def told(project):
    """Return what a preview of a draft of these acts says by meaning."""
    publishing.publish(project, STANDING, actor=None, now=timezone.now())

    def told(*acts):
        author = UserFactory()
        for act in acts:
            now = timezone.now()
            drafts.add(project, act, author=author, now=now, **drafts.seen(project))
        job = JobFactory(project=project, kind=Job.Kind.IMPACT)
        report = impact.run(job, lambda done, total=None: None)
        return [(each["kind"], each["name"], each["other_name"]) for each in report["meanings"]]

    return told


def test_a_new_label_that_says_the_same_in_other_words_is_seen(told):
    assert told(Create(TWIN)) == [("near", "Missing card or theft", "Lost or stolen card")]


@pytest.mark.parametrize(
    "changes", [{"overlaps": ("missing",)}, {"exclusions": (("theft abroad", "missing"),)}]
)
def test_what_was_told_apart_is_not(told, changes):
    assert told(Create(TWIN), Edit("lost", changes)) == []


def test_a_description_that_fits_another_label_better_is_seen(told):
    (first, *_) = told(Edit("close", {"description": STANDING[1].description + " Now."}))

    assert first == ("stray", "Close the account", "Exchange rate")


def test_sound_labels_and_labels_nobody_touched_go_without(told):
    assert told(Edit("rate", {"description": "Which rates are used to exchange currencies."})) == []


def test_what_is_told_leads_to_a_remedy(client, project, owner, told):
    client.force_login(owner)
    told(Create(TWIN), Edit("close", {"description": STANDING[0].description, "name": "<b>Close"}))
    rows = drafts.rows_of(project)
    job = project.jobs.get(kind=Job.Kind.IMPACT)
    report = impact.run(job, lambda done, total=None: None)
    Job.objects.filter(pk=job.pk).update(
        status=Job.Status.DONE,
        report=report,
        finished_at=timezone.now(),
        arguments={"draft": rows[-1].pk, "acts": [row.pk for row in rows]},
    )
    text = " ".join(client.get(f"/p/{project.slug}/taxonomy/draft/").text.split())
    close = project.labels.get(key="close")

    assert "“Missing card or theft” means nearly the same as" in text
    assert "&lt;b&gt;Close</a> fits" in text
    assert f"{close.pk}/edit/?use=lost" in text


def test_two_labels_are_needed(project):
    only = ProjectFactory(slug="only")
    publishing.publish(only, STANDING[:1], actor=None, now=timezone.now())
    author = UserFactory()
    act = Edit("lost", {"name": "Lost"})
    drafts.add(only, act, author=author, now=timezone.now(), **drafts.seen(only))
    job = JobFactory(project=only, kind=Job.Kind.IMPACT)

    assert impact.run(job, lambda done, total=None: None)["meanings"] == []
