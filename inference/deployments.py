"""Which bundle serves which share of a project's documents."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from inference import jobs
from inference.models import Deployment
from labeling import audit
from labeling.models import Project


class NothingToRollBackTo(Exception):
    """The project never had another champion."""


@transaction.atomic
def deploy(
    project: Project,
    digest: str,
    *,
    role: str = Deployment.Role.CHAMPION,
    share: float = 1.0,
    reason: str,
    actor: User | None,
    now: datetime,
) -> Deployment:
    """Let the bundle *digest* serve in *role* from now on, and have open documents predicted.

    It ends the deployment that held the role. Deploying what already serves changes nothing.
    """
    Project.objects.select_for_update().get(pk=project.pk)  # one change of champion at a time
    holder = project.deployments.live().filter(role=role).first()
    if holder is not None and (holder.bundle, holder.share) == (digest, share):
        return holder
    if holder is not None:
        holder.until = now
        holder.save(update_fields=["until"])
    deployment = Deployment.objects.create(
        project=project,
        bundle=digest,
        role=role,
        share=share,
        reason=reason[:300],
        since=now,
        deployed_by=actor,
    )
    audit.record(
        "deployed",
        actor=actor,
        now=now,
        project=project,
        subject=str(deployment),
        detail={"bundle": digest, "role": role, "share": share, "reason": reason},
    )
    jobs.request(project, actor=actor, now=now)
    return deployment


def live(project: Project) -> list[Deployment]:
    """Return what serves now, in any role."""
    return list(project.deployments.live())


def champion(project: Project) -> Deployment | None:
    """Return the deployment that serves all documents no canary takes, or None."""
    return project.deployments.live().champions().first()


def previous(project: Project) -> Deployment | None:
    """Return the newest former champion with another bundle than the present one, or None."""
    present = champion(project)
    former = project.deployments.champions().exclude(until=None)
    if present is not None:
        former = former.exclude(bundle=present.bundle)
    return former.order_by("-until", "-pk").first()


@transaction.atomic
def roll_back(project: Project, *, actor: User | None, now: datetime) -> Deployment:
    """Make the former champion serve again.

    Raises:
        NothingToRollBackTo: there is none.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    present, former = champion(project), previous(project)
    if former is None:
        raise NothingToRollBackTo(f"{project} never had another champion.")
    reason = f"Rolled back from {present.bundle[:8]}." if present else "Rolled back."
    return deploy(project, former.bundle, reason=reason, actor=actor, now=now)
