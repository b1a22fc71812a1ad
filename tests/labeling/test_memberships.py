import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from labeling import memberships
from labeling.memberships import Role
from labeling.models import AuditEntry, Membership, Project
from tests.factories import MembershipFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


def test_a_new_project_has_its_first_admin(outsider, site_administrator, now):
    project = memberships.create_project(
        name="Legal",
        slug="legal",
        kind=Project.Kind.MULTI,
        admin=outsider,
        actor=site_administrator,
        now=now,
    )

    assert memberships.role_of(outsider, project) == Role.ADMIN
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.project, entry.actor) == (
        "created project",
        project,
        site_administrator,
    )


def test_inviting_a_stranger_makes_an_account_that_cannot_sign_in_yet(project, admin, now):
    membership = memberships.invite(
        project, " New@Example.org ", role=Role.OWNER, actor=admin, now=now
    )

    assert membership.role == Role.OWNER
    assert membership.user.username == "new@example.org"
    assert not membership.user.has_usable_password()


def test_inviting_somebody_known_makes_no_second_account(project, admin, outsider, now):
    membership = memberships.invite(
        project, outsider.email.upper(), role=Role.REVIEWER, actor=admin, now=now
    )

    assert membership.user == outsider


def test_inviting_a_member_again_changes_nothing(project, admin, owner, now):
    again = memberships.invite(project, owner.email, role=Role.REVIEWER, actor=admin, now=now)

    assert again.role == Role.OWNER
    assert not AuditEntry.objects.exists()


def test_a_deactivated_person_cannot_be_invited(project, admin, outsider, now):
    User.objects.filter(pk=outsider.pk).update(is_active=False)

    with pytest.raises(memberships.Deactivated):
        memberships.invite(project, outsider.email, role=Role.REVIEWER, actor=admin, now=now)
    assert not Membership.objects.filter(user=outsider).exists()


def test_the_link_of_a_new_account_is_for_whoever_is_in_charge_of_all_its_projects(
    project, admin, now
):
    user = memberships.invite(
        project, "new@example.org", role=Role.REVIEWER, actor=admin, now=now
    ).user
    assert memberships.may_show_link(user, to=admin)

    MembershipFactory(project=ProjectFactory(slug="elsewhere"), user=user)
    assert not memberships.may_show_link(user, to=admin)


def test_nobody_sees_a_link_to_an_account_that_has_a_password(project, admin):
    user = UserFactory()
    user.set_password("correct horse")

    assert not memberships.may_show_link(user, to=admin)


def test_nobody_sees_a_link_to_a_site_administrators_account(site_administrator, admin):
    site_administrator.set_unusable_password()

    assert not memberships.may_show_link(site_administrator, to=admin)


def test_changing_a_role_is_written_down(project, admin, reviewer, now):
    membership = reviewer.memberships.get()
    memberships.set_role(membership, Role.OWNER, actor=admin, now=now)

    assert memberships.role_of(reviewer, project) == Role.OWNER
    entry = AuditEntry.objects.get()
    assert entry.detail == {"role": {"before": "reviewer", "after": "owner"}}


def test_giving_the_same_role_again_writes_nothing(admin, reviewer, now):
    memberships.set_role(reviewer.memberships.get(), Role.REVIEWER, actor=admin, now=now)

    assert not AuditEntry.objects.exists()


def test_the_last_admin_keeps_the_role(admin, owner, now):
    with pytest.raises(memberships.LastAdmin):
        memberships.set_role(admin.memberships.get(), Role.OWNER, actor=admin, now=now)


def test_the_last_admin_cannot_be_removed(admin, now):
    with pytest.raises(memberships.LastAdmin):
        memberships.remove(admin.memberships.get(), actor=admin, now=now)
    assert admin.memberships.exists()


def test_a_deactivated_admin_does_not_count_as_one(project, admin, now):
    MembershipFactory(project=project, role=Role.ADMIN, user__is_active=False)

    with pytest.raises(memberships.LastAdmin):
        memberships.remove(admin.memberships.get(), actor=admin, now=now)


def test_one_of_two_admins_may_go(project, admin, now):
    MembershipFactory(project=project, role=Role.ADMIN)
    memberships.remove(admin.memberships.get(), actor=admin, now=now)

    assert memberships.role_of(admin, project) is None
    assert AuditEntry.objects.get().act == "removed"


def test_site_administrators_are_admins_everywhere(project, site_administrator):
    assert memberships.role_of(site_administrator, project) == Role.ADMIN


def test_strangers_and_deactivated_people_have_no_role(project, outsider, owner):
    owner.is_active = False

    for user in (AnonymousUser(), outsider, owner):
        assert memberships.role_of(user, project) is None


def test_settings_that_change_are_kept_as_they_were(project, admin, now):
    changes = {"name": project.name, "audit_share": 0.1}
    memberships.change_settings(project, changes, actor=admin, now=now)

    project.refresh_from_db()
    assert project.audit_share == 0.1
    assert AuditEntry.objects.get().detail == {"audit_share": {"before": 0.02, "after": 0.1}}


def test_settings_that_stay_write_nothing(project, admin, now):
    memberships.change_settings(project, {"name": project.name}, actor=admin, now=now)

    assert not AuditEntry.objects.exists()


def test_a_person_taken_out_twice_is_taken_out_once(admin, reviewer, now):
    membership = Membership.objects.get(user=reviewer)
    same = Membership.objects.get(user=reviewer)
    memberships.remove(membership, actor=admin, now=now)
    memberships.remove(same, actor=admin, now=now)
    memberships.set_role(same, Role.OWNER, actor=admin, now=now)

    assert AuditEntry.objects.get(act="removed").actor == admin
