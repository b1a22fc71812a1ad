import pytest
from django.contrib.auth.models import User
from django.core import mail

from labeling import overview
from labeling.models import AuditEntry, Membership, Project
from tests.factories import (
    AnnotationFactory,
    DeploymentFactory,
    DocumentFactory,
    GoldLabelFactory,
    LabelFactory,
    MembershipFactory,
    ModelVersionFactory,
    ProjectFactory,
    ReviewTaskFactory,
)

pytestmark = pytest.mark.django_db

SETTINGS = {"name": "Mail", "promised_precision": "99.5", "audit_share": "5", "refit_every": "10"}
SETTINGS |= {"overlap_share": "10", "overlap_people": "3", "known_share": "2.5"}
SETTINGS |= {"weighs_people": "on"}


def done(page) -> list[bool]:
    return [step.is_done for step in page.context["steps"]]


def test_a_new_project_shows_what_comes_first(client, admin):
    client.force_login(admin)
    page = client.get("/p/support/")

    assert done(page) == [False, False, False, False]
    assert [step.title for step in page.context["steps"] if step.is_next] == ["Import a taxonomy"]


def test_steps_are_ticked_off_as_the_project_fills(client, admin, project):
    project.refit_every = 1
    project.save()
    LabelFactory(project=project)
    task = ReviewTaskFactory(document__project=project)
    AnnotationFactory(task=task, reviewer=admin)
    client.force_login(admin)
    assert done(client.get("/p/support/")) == [True, True, True, False]

    version = ModelVersionFactory(project=project, origin="run")
    DeploymentFactory(project=project, bundle=version.bundle)
    assert done(client.get("/p/support/")) == [True, True, True, True]


def test_gold_is_counted_by_document(client, reviewer, project):
    document = DocumentFactory(project=project)
    GoldLabelFactory.create_batch(2, document=document)
    client.force_login(reviewer)

    assert client.get("/p/support/").context["totals"].gold == 1


def test_the_totals_of_a_large_project_are_counted_now_and_then(project, monkeypatch):
    DocumentFactory(project=project)
    monkeypatch.setattr(overview, "LARGE", 2)
    assert overview.totals(project).documents == 1

    DocumentFactory(project=project)
    assert overview.totals(project).documents == 2
    DocumentFactory(project=project)
    assert overview.totals(project).documents == 2


def test_the_serving_model_is_named_with_its_figures(client, reviewer, project):
    version = ModelVersionFactory(project=project, number=7, metrics={"top1": 0.865})
    DeploymentFactory(project=project, bundle=version.bundle)
    client.force_login(reviewer)
    page = client.get("/p/support/").text

    assert "Model 7" in page
    assert "86.5\N{NO-BREAK SPACE}%" in page


def test_reviewers_see_neither_history_nor_steps(client, reviewer):
    client.force_login(reviewer)
    page = client.get("/p/support/").text

    assert "Next steps" not in page
    assert "Lately" not in page


def test_navigation_offers_each_role_what_it_may_open(client, reviewer, owner, admin):
    def offered(person):
        client.force_login(person)
        page = client.get("/p/support/").text
        names = [
            "Review",
            "Taxonomy",
            "Documents",
            "Agreement",
            "Models",
            "People",
            "History",
            "Settings",
        ]
        return {name for name in names if f">{name}</a>" in page.split("<main")[0]}

    assert offered(reviewer) == {"Review", "Taxonomy"}
    assert offered(owner) == {"Review", "Taxonomy", "Documents", "Agreement", "History"}
    assert offered(admin) == offered(owner) | {"Models", "People", "Settings"}


def test_the_overview_costs_the_same_for_thirty_tasks(
    client, owner, project, django_assert_num_queries
):
    ReviewTaskFactory.create_batch(30, document__project=project)
    client.force_login(owner)

    # session, person, project, gold, documents, labels, decisions, champion, role, tasks, jobs,
    # runs, version, lately
    with django_assert_num_queries(14):
        client.get("/p/support/")


def test_a_site_administrator_makes_a_project_and_becomes_its_admin(client, site_administrator):
    client.force_login(site_administrator)
    answer = client.post("/projects/new/", {"name": "Legal intake", "kind": "multi"})

    assert answer.url == "/p/legal-intake/"
    project = Project.objects.get()
    assert project.is_multi
    assert project.memberships.get(role=Membership.Role.ADMIN).user == site_administrator


def test_the_suggested_short_name_is_free(client, site_administrator):
    ProjectFactory(slug="legal")
    ProjectFactory(slug="legal-2")
    client.force_login(site_administrator)

    assert client.post("/projects/new/", {"name": "Legal", "kind": "single"}).url == "/p/legal-3/"


def test_a_first_admin_without_an_account_is_invited(client, site_administrator):
    client.force_login(site_administrator)
    new = {"name": "Legal", "kind": "single", "admin": "ann@example.org"}
    page = client.post("/projects/new/", new)

    assert "/accounts/password/set/" in page.text
    assert mail.outbox[0].to == ["ann@example.org"]
    assert User.objects.get(email="ann@example.org").memberships.get().role == "admin"


def test_a_deactivated_first_admin_makes_no_project(client, site_administrator, outsider):
    User.objects.filter(pk=outsider.pk).update(is_active=False)
    client.force_login(site_administrator)
    new = {"name": "Legal", "kind": "single", "admin": outsider.email}

    assert client.post("/projects/new/", new).status_code == 422
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"slug": "with space"}, {"slug": "support"}, {"kind": "triple"}]
)
def test_a_project_that_cannot_be_is_refused(client, site_administrator, project, wrong):
    client.force_login(site_administrator)
    answer = client.post("/projects/new/", {"name": "Legal", "kind": "single"} | wrong)

    assert answer.status_code == 422
    assert Project.objects.count() == 1


def test_settings_are_typed_as_percentages_and_stored_as_shares(client, admin, project):
    client.force_login(admin)
    client.post("/p/support/settings/", SETTINGS)

    project.refresh_from_db()
    assert (project.promised_precision, project.audit_share, project.refit_every) == (
        0.995,
        0.05,
        10,
    )
    assert (project.overlap_share, project.overlap_people) == (0.1, 3)
    assert project.known_share == 0.025
    assert (project.weighs_people, project.routes_close_calls) == (True, False)
    assert AuditEntry.objects.get().act == "changed settings"


def test_only_with_one_label_each_close_calls_can_be_kept_for_somebody(client, admin, project):
    client.force_login(admin)
    assert "Offer a close call first" in client.get("/p/support/settings/").text

    Project.objects.filter(pk=project.pk).update(kind=Project.Kind.MULTI)
    assert "Offer a close call first" not in client.get("/p/support/settings/").text


def test_settings_show_what_is_stored(client, admin):
    client.force_login(admin)

    assert 'value="98"' in client.get("/p/support/settings/").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"promised_precision": "100"},
        {"promised_precision": "nan"},
        {"audit_share": "101"},
        {"audit_share": "-1"},
        {"refit_every": "0"},
        {"name": ""},
    ],
)
def test_settings_out_of_range_are_refused(client, admin, project, wrong):
    client.force_login(admin)
    answer = client.post("/p/support/settings/", SETTINGS | wrong)

    assert answer.status_code == 422
    project.refresh_from_db()
    assert project.name == "Support mail"


def test_wrong_settings_leave_the_heading_as_it_was(client, admin):
    client.force_login(admin)
    page = client.post("/p/support/settings/", SETTINGS | {"name": "Other", "refit_every": "0"})

    assert "Other" not in page.text.split("<main")[0]


def test_members_of_other_projects_do_not_count(client, reviewer, project):
    MembershipFactory(project=ProjectFactory(slug="elsewhere"), user=reviewer, role="admin")
    client.force_login(reviewer)

    assert client.get("/p/support/settings/").status_code == 404
