"""Who belongs to a project, in which role, and how they come to belong."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models import QuerySet

from labeling import audit
from labeling.models import Membership, Project, ReviewQueue
from labeling.prepared import Prepared

Role = Membership.Role


class LastAdmin(Exception):
    """The act would leave a project without anyone to administer it."""


class Deactivated(Exception):
    """The account of that address was deactivated; only a site administrator may revive it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one person may do in one project. Falsy for those who do not belong to it."""

    role: str

    def __bool__(self) -> bool:
        return bool(self.role)

    @property
    def name(self) -> str:
        return str(Role(self.role).label) if self.role else ""

    @property
    def is_owner(self) -> bool:
        """Taxonomy owners and admins: who may edit taxonomy and documents."""
        return self.role in {Role.OWNER, Role.ADMIN}

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN


def role_of(user: User | AnonymousUser, project: Project) -> str | None:
    """Return the role *user* holds in *project*; site administrators are admins everywhere."""
    if not user.is_authenticated or not user.is_active:
        return None
    if user.is_superuser:
        return Role.ADMIN
    held = Membership.objects.filter(user=user, project=project)
    return held.values_list("role", flat=True).first()


def project_of(user: User, slug: str) -> Project | None:
    """Return the project of that address, if it is visible to *user*."""
    if not user.is_active:
        return None
    if user.is_superuser:
        return Project.objects.filter(slug=slug).first()
    return _visible_project.first(person=user.pk, slug=slug)


@Prepared
def _visible_project(*, person: int, slug: str) -> QuerySet[Project]:
    return Project.objects.visible_to(User(pk=person)).filter(slug=slug)


@transaction.atomic
def create_project(
    *, name: str, slug: str, kind: str, admin: User, actor: User | None, now: datetime
) -> Project:
    """Create a project with *admin* as its first admin."""
    project = Project.objects.create(name=name, slug=slug, kind=kind, created_at=now)
    Membership.objects.create(project=project, user=admin, role=Role.ADMIN)
    audit.record(
        "created project",
        actor=actor,
        now=now,
        project=project,
        subject=name,
        detail={"kind": kind, "admin": admin.get_username()},
    )
    return project


@transaction.atomic
def change_settings(
    project: Project, changes: dict[str, str | float | int], *, actor: User, now: datetime
) -> None:
    """Set the fields in *changes* on *project*, keeping what they were in the history."""
    before = {field: getattr(Project.objects.get(pk=project.pk), field) for field in changes}
    differing = {field: value for field, value in changes.items() if before[field] != value}
    if not differing:
        return
    for field, value in differing.items():
        setattr(project, field, value)
    project.save(update_fields=list(differing))
    detail = {
        field: {"before": before[field], "after": value} for field, value in differing.items()
    }
    audit.record("changed settings", actor=actor, now=now, project=project, detail=detail)


def account_for(email: str) -> User:
    """Return the account of *email*, creating one that cannot sign in until a password is set.

    Raises:
        Deactivated: the account exists and was deactivated.
    """
    address = email.strip().lower()
    user = User.objects.filter(email__iexact=address).order_by("-is_active", "pk").first()
    user = user or User.objects.filter(username__iexact=address).first()
    if user is None:
        user = User(username=address, email=address)
        user.set_unusable_password()
        user.save()
    if not user.is_active:
        raise Deactivated(address)
    return user


@transaction.atomic
def invite(project: Project, email: str, *, role: str, actor: User, now: datetime) -> Membership:
    """Give the person with *email* a role in *project*; inviting a member again changes nothing.

    Raises:
        Deactivated: the account of that address was deactivated.
    """
    user = account_for(email)
    membership, is_new = Membership.objects.get_or_create(
        project=project, user=user, defaults={"role": role}
    )
    if is_new:
        detail = {"role": role}
        audit.record(
            "invited", actor=actor, now=now, project=project, subject=str(user), detail=detail
        )
    return membership


def may_show_link(user: User, *, to: User) -> bool:
    """Tell whether *to* may see the link that sets *user*'s first password.

    Whoever has the link can sign in as *user*, so all the person's projects must be in *to*'s
    charge, and a site administrator's link is for nobody.
    """
    if user.has_usable_password() or user.is_superuser:
        return False
    charge = Project.objects.administered_by(to)
    return not user.memberships.exclude(project__in=charge).exists()


@transaction.atomic
def set_role(membership: Membership, role: str, *, actor: User, now: datetime) -> None:
    """Give *membership* another role.

    Raises:
        LastAdmin: the project would have no admin left.
    """
    standing = lock(membership)
    if standing is None or standing.role == role:
        return
    membership, before = standing, standing.role
    refuse_last_admin(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    audit.record(
        "changed role",
        actor=actor,
        now=now,
        project=membership.project,
        subject=str(membership.user),
        detail={"role": {"before": before, "after": role}},
    )


@transaction.atomic
def remove(membership: Membership, *, actor: User, now: datetime) -> None:
    """Take a person out of a project and its queues; what they did stays.

    Raises:
        LastAdmin: the project would have no admin left.
    """
    standing = lock(membership)
    if standing is None:
        return
    membership = standing
    refuse_last_admin(membership)
    audit.record(
        "removed",
        actor=actor,
        now=now,
        project=membership.project,
        subject=str(membership.user),
        detail={"role": membership.role},
    )
    ReviewQueue.people.through.objects.filter(
        reviewqueue__project=membership.project_id, user=membership.user_id
    ).delete()
    membership.delete()


def lock(membership: Membership) -> Membership | None:
    """Return *membership* as it stands, holding all of its project's until the transaction ends.

    None: the person was taken out meanwhile.
    """
    everyone = Membership.objects.select_for_update().filter(project=membership.project_id)
    return {member.pk: member for member in everyone.order_by("pk")}.get(membership.pk)


def refuse_last_admin(membership: Membership) -> None:
    others = Membership.objects.filter(
        project=membership.project_id, role=Role.ADMIN, user__is_active=True
    ).exclude(pk=membership.pk)
    if membership.role == Role.ADMIN and not others.exists():
        raise LastAdmin(membership)
