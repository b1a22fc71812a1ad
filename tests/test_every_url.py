"""Every URL, met by every role. A new URL without a line in EXPECTED fails here."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.core.cache import cache
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone
from rest_framework.test import APIClient

from labeling import jobs, publishing
from labeling.models import Label, Membership
from labeling.taxonomy_entries import TaxonomyEntry
from tests.factories import (
    AnnotationFactory,
    DocumentFactory,
    JobFactory,
    MembershipFactory,
    ModelVersionFactory,
    ProjectFactory,
    ReviewTaskFactory,
    SavedViewFactory,
    TrainingRunFactory,
)
from tests.labeling.api.conftest import speaking_for

pytestmark = pytest.mark.django_db

ANYBODY = frozenset({"anonymous", "outsider", "reviewer", "owner", "admin", "site_administrator"})
SIGNED_IN = ANYBODY - {"anonymous"}
MEMBERS = SIGNED_IN - {"outsider"}
OWNERS = MEMBERS - {"reviewer"}
ADMINS = OWNERS - {"owner"}
SITE = frozenset({"site_administrator"})
NOBODY: frozenset[str] = frozenset()


GET, POST = ("GET",), ("POST",)
BOTH = ("GET", "POST")
# An empty form is refused with 422 where it lacks something, and taken where it lacks nothing.
ANSWERS = {"GET": {200}, "POST": {200, 204, 302, 303, 409, 422}, "DELETE": {204, 409}}
Url = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Page:
    """Who may open a URL, with which methods, and which row its number names."""

    to: frozenset[str]
    methods: tuple[str, ...] = ("GET",)
    pk: str = ""
    extra: tuple[tuple[str, str], ...] = ()
    answers: frozenset[int] = frozenset()  # besides the usual ones


EXPECTED = {
    "api:schema": Page(ANYBODY),
    "api:token": Page(ANYBODY, POST, answers=frozenset({400})),
    "api:tokens": Page(SIGNED_IN, ("DELETE",)),
    "api:labels": Page(MEMBERS),
    "api:next": Page(MEMBERS, POST),
    "api:annotate": Page(MEMBERS, POST, "task", answers=frozenset({400})),
    "api:skip": Page(MEMBERS, POST, "task"),
    "api:heartbeat": Page(MEMBERS, POST, "task"),
    "api:annotation": Page(MEMBERS, ("DELETE",), "annotation"),
    "home": Page(SIGNED_IN),
    "healthz": Page(ANYBODY),
    "accounts:login": Page(ANYBODY, BOTH, answers=frozenset({302})),
    "accounts:logout": Page(ANYBODY, POST),
    "accounts:keys": Page(SIGNED_IN, BOTH),
    "accounts:password_change": Page(SIGNED_IN, BOTH),
    "accounts:password_reset": Page(ANYBODY, BOTH),
    "accounts:password_reset_confirm": Page(ANYBODY, BOTH, extra=(("uidb64", "x"), ("token", "y"))),
    "labeling:new-project": Page(SITE, BOTH),
    "labeling:help": Page(SIGNED_IN),
    "labeling:project": Page(MEMBERS),
    "labeling:settings": Page(ADMINS, BOTH),
    "labeling:queues": Page(ADMINS),
    "labeling:change-queue": Page(ADMINS, POST, extra=(("reason", "ambiguous"),)),
    "labeling:people": Page(ADMINS),
    "labeling:invite": Page(ADMINS, POST),
    "labeling:change-role": Page(ADMINS, POST, "membership"),
    "labeling:remove-person": Page(ADMINS, POST, "membership"),
    "labeling:agreement": Page(OWNERS),
    "labeling:history": Page(OWNERS),
    "labeling:taxonomy": Page(MEMBERS),
    "labeling:upload-taxonomy": Page(OWNERS, BOTH),
    "labeling:export-taxonomy": Page(OWNERS, extra=(("format_", "json"),)),
    "labeling:label": Page(MEMBERS, pk="label"),
    "labeling:branch": Page(MEMBERS, pk="label"),
    "labeling:edit-label": Page(OWNERS, BOTH, "label"),
    "labeling:change-label": Page(OWNERS, BOTH, "label", extra=(("kind", "merge"),)),
    "labeling:restore-label": Page(OWNERS, POST, "label"),
    "labeling:share-out": Page(OWNERS, BOTH, "label", answers=frozenset({302})),  # to the label
    "labeling:create-label": Page(OWNERS, BOTH),
    "labeling:remarks": Page(OWNERS, POST),
    "labeling:move-label": Page(OWNERS, POST),
    "labeling:draft": Page(OWNERS),
    "labeling:confusions": Page(OWNERS),
    "labeling:confusion": Page(NOBODY, extra=(("said", "0"), ("given", "0"))),  # no such labels
    "labeling:answer-proposal": Page(NOBODY, POST),
    "labeling:change-draft": Page(OWNERS, POST),
    "labeling:impact": Page(OWNERS),
    "labeling:compare-versions": Page(MEMBERS),
    "labeling:take-back-version": Page(OWNERS, POST, extra=(("number", "1"),)),
    "labeling:documents": Page(OWNERS),
    "labeling:upload-documents": Page(OWNERS, BOTH),
    "labeling:export-gold": Page(OWNERS, extra=(("format_", "csv"),)),
    "labeling:save-view": Page(OWNERS, POST),
    "labeling:delete-view": Page(OWNERS, POST, "view"),
    "labeling:export-found": Page(OWNERS, extra=(("format_", "csv"),)),
    "labeling:document": Page(OWNERS, pk="document"),
    "labeling:comment-on-document": Page(OWNERS, POST, "document"),
    "labeling:job": Page(OWNERS, pk="job"),
    "labeling:review": Page(MEMBERS),
    "labeling:review-next": Page(MEMBERS, POST),
    "labeling:look-ahead": Page(MEMBERS, POST),
    "labeling:undo": Page(MEMBERS, POST),
    "labeling:restore-skipped": Page(MEMBERS, POST),
    "labeling:review-labels": Page(MEMBERS),
    "labeling:label-usage": Page(MEMBERS),
    "labeling:task": Page(MEMBERS, pk="task", answers=frozenset({302, 409})),
    "labeling:annotate": Page(MEMBERS, POST, "task"),
    "labeling:skip": Page(MEMBERS, POST, "task"),
    "labeling:snooze": Page(MEMBERS, POST, "task"),
    "labeling:escalate": Page(MEMBERS, POST, "task"),
    "labeling:comment": Page(MEMBERS, POST, "task"),
    "labeling:answer": Page(OWNERS, POST, "task"),
    "labeling:take-back": Page(MEMBERS, POST, "task"),
    "labeling:settle": Page(OWNERS, POST),
    "labeling:notes": Page(OWNERS),
    "labeling:bulk": Page(MEMBERS),
    "labeling:bulk-give": Page(MEMBERS, POST),
    "labeling:bulk-undo": Page(MEMBERS, POST),
    "labeling:evidence": Page(NOBODY, pk="task"),  # likewise
    "labeling:gather-again": Page(NOBODY, POST, "task"),  # likewise
    "labeling:definitions": Page(NOBODY, pk="task"),  # who holds the task, alone
    "labeling:recap": Page(MEMBERS),
    "labeling:past": Page(MEMBERS, answers=frozenset({302})),
    "labeling:past-one": Page(NOBODY, pk="annotation"),  # who decided, alone
    "labeling:heartbeat": Page(MEMBERS, POST, "task"),
    "training:models": Page(ADMINS),
    "training:train": Page(ADMINS, POST),
    "training:gates": Page(ADMINS, POST),
    "training:run": Page(ADMINS, pk="run"),
    "training:cancel": Page(ADMINS, POST, "run"),
    "training:card": Page(ADMINS, GET, "model"),
    "training:promote": Page(ADMINS, POST, "model"),
    "training:roll-back": Page(ADMINS, POST),
}


def urls(resolver: URLResolver, space: str = "", outer: tuple[str, ...] = ()) -> Iterator[Url]:
    """Yield every URL below *resolver*: its qualified name and the parameters it takes."""
    for entry in resolver.url_patterns:
        parameters = (*outer, *entry.pattern.converters)
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from urls(entry, inner, parameters)
        else:
            yield f"{space}{entry.name or entry.pattern}", parameters


PARAMETERS = dict(urls(get_resolver()))


@pytest.fixture
def rows(project):
    """One row of each kind in the project: what the numbers in the URLs name."""
    cache.set(jobs.HEARTBEAT, "a worker lives", 30)
    entries = [TaxonomyEntry("card-arrival", "Card arrival")]
    publishing.publish(project, entries, actor=None, now=timezone.now())
    return {
        "membership": MembershipFactory(project=project).pk,
        "label": Label.objects.get().pk,
        "document": DocumentFactory(project=project).pk,
        "task": ReviewTaskFactory(document__project=project).pk,
        "annotation": AnnotationFactory(project=project).pk,
        "job": JobFactory(project=project).pk,
        "view": SavedViewFactory(project=project).pk,
        "run": TrainingRunFactory(project=project).pk,
        "model": ModelVersionFactory(project=project).number,
    }


@pytest.fixture
def people(reviewer, owner, admin, outsider, site_administrator):
    elsewhere = ProjectFactory(slug="elsewhere", name="Elsewhere")
    MembershipFactory(project=elsewhere, user=outsider, role=Membership.Role.ADMIN)
    return {
        "anonymous": None,
        "outsider": outsider,
        "reviewer": reviewer,
        "owner": owner,
        "admin": admin,
        "site_administrator": site_administrator,
    }


def address(name: str, slug: str, rows: dict[str, int]) -> str:
    """Return the address of *name* in project *slug*; its number names the expected row."""
    page = EXPECTED[name]
    known = {"slug": slug, **dict(page.extra)}
    numbers = dict.fromkeys(PARAMETERS[name], rows.get(page.pk))
    return reverse(name, kwargs=numbers | {key: known[key] for key in numbers if key in known})


@pytest.fixture
def visit(client, people):
    """Open or send to an address as the person of a role."""

    def visiting(role: str, method: str, url: str):
        if url.startswith("/api/"):
            return program(people[role]).generic(method, url)
        if people[role]:
            client.force_login(people[role])
        return client.generic(method, url)

    return visiting


def program(person):
    return speaking_for(person) if person else APIClient()


def cases(*, allowed: bool) -> list[tuple[str, str, str]]:
    return [
        (name, method, role)
        for name, page in EXPECTED.items()
        for method in page.methods
        for role in sorted(ANYBODY)
        if (role in page.to) == allowed
    ]


def test_every_url_is_in_the_table():
    assert set(PARAMETERS) == set(EXPECTED)


@pytest.mark.parametrize(("name", "method", "role"), cases(allowed=True))
def test_who_may_open_it_gets_an_answer(name, method, role, project, rows, visit):
    answer = visit(role, method, address(name, project.slug, rows))

    assert answer.status_code in ANSWERS[method] | EXPECTED[name].answers
    assert not answer.headers.get("Location", "").startswith("/accounts/sign-in/?next")


@pytest.mark.parametrize(("name", "method", "role"), cases(allowed=False))
def test_for_all_others_it_does_not_exist(name, method, role, project, rows, visit):
    url = address(name, project.slug, rows)
    answer = visit(role, method, url)

    if role == "anonymous" and name.startswith("api:"):
        assert answer.status_code == 401
    elif role == "anonymous":
        is_ours = not name.startswith("accounts:")
        back = "/" if method == "POST" and is_ours else url
        assert answer.headers["Location"] == f"/accounts/sign-in/?next={back}"
    else:
        assert answer.status_code == 404


@pytest.mark.parametrize("name", [name for name, page in EXPECTED.items() if page.methods == POST])
def test_reading_what_only_takes_a_post_is_refused(name, project, rows, visit):
    answer = visit("site_administrator", "GET", address(name, project.slug, rows))

    assert answer.status_code == 405


@pytest.mark.parametrize("name", [name for name, page in EXPECTED.items() if page.methods == GET])
def test_sending_to_what_is_only_read_is_refused(name, project, rows, visit):
    answer = visit("site_administrator", "POST", address(name, project.slug, rows))

    assert answer.status_code == 405


@pytest.mark.parametrize(
    ("name", "method"),
    [
        (name, method)
        for name, page in EXPECTED.items()
        if page.pk and "slug" in PARAMETERS[name]
        for method in page.methods
    ],
)
def test_a_row_of_one_project_does_not_exist_below_another(name, method, rows, visit):
    answer = visit("site_administrator", method, address(name, "elsewhere", rows))

    assert answer.status_code == 404
