"""Which bundle serves which share of a project's documents."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from inference import jobs
from inference.models import Deployment
from labeling import audit
from labeling.models import Project


class CannotRollBack(Exception):
    """There is no former champion, or another one serves than the person saw."""


@transaction.atomic
def deploy(  # noqa: PLR0913 - a deployment says who, what, why and how much
    project: Project,
    digest: str,
    *,
    role: str = Deployment.Role.CHAMPION,
    act: str = Deployment.Act.DEPLOYED,
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
        now = max(now, holder.since)  # a caller's clock may have stood still for a long job
        holder.until = now
        holder.save(update_fields=["until"])
    deployment = Deployment.objects.create(
        project=project,
        bundle=digest,
        role=role,
        act=act,
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


def previous(project: Project) -> str | None:
    """Return the digest of the bundle that a roll-back leads to, or None."""
    former = served(project)
    return former[-2] if len(former) > 1 else None


def served(project: Project) -> list[str]:
    """Return digests of the bundles that roll-backs lead through, and at the end of what serves.

    Each roll-back leads one step further back. A bundle that follows the taxonomy stands for the
    one it was made from, for that one would be made to follow at once. To those whose files were
    removed none leads.
    """
    way: list[str] = []
    gone = set()
    champions = project.deployments.champions().order_by("pk")
    for bundle, act, removed in champions.values_list("bundle", "act", "removed"):
        if act == Deployment.Act.ROLLED_BACK:
            way[-2:] = [bundle]
        elif act == Deployment.Act.REBUILT:
            way[-1:] = [bundle]
        else:
            way.append(bundle)
        if removed:
            gone.add(bundle)
    return [bundle for bundle in way if bundle not in gone]


@transaction.atomic
def roll_back(
    project: Project, *, serving: str | None = None, actor: User | None, now: datetime
) -> Deployment:
    """Make the former champion serve again.

    Args:
        serving: digest of the bundle to take back, so that asking twice is asking once; None for
            whatever serves.

    Raises:
        CannotRollBack: there is no former champion, or *serving* does not serve any more.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    present, former = champion(project), previous(project)
    if serving is not None and (present is None or present.bundle != serving):
        raise CannotRollBack("Another model serves by now. Look again before you roll back.")
    if former is None:
        raise CannotRollBack(f"{project} has no former champion to go back to.")
    act = Deployment.Act.ROLLED_BACK
    return deploy(project, former, act=act, reason="Rolled back to it.", actor=actor, now=now)
