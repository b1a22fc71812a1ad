"""Register bundles as numbered model versions; promote them through their gates."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from inference import deployments
from inference.models import Deployment
from labeling import audit, events
from labeling.models import Project
from training.gates import Outcome
from training.models import DatasetSnapshot, ModelVersion, TrainingRun


class GatesShut(Exception):
    """A version may not be promoted. `reasons` holds one sentence for each shut gate."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


@transaction.atomic
def register(  # noqa: PLR0913 - a version's lineage is this wide
    project: Project,
    digest: str,
    *,
    origin: ModelVersion.Origin,
    metrics: Mapping[str, Any],
    gates: Sequence[Outcome | Mapping[str, Any]],
    gold_count: int,
    now: datetime,
    run: TrainingRun | None = None,
    snapshot: DatasetSnapshot | None = None,
    parent: ModelVersion | None = None,
) -> ModelVersion:
    """Give the bundle *digest* the next version number of *project*.

    A bundle is registered once: registering it again returns its version with the later metrics
    and gates, since the same bundle may meet another champion.
    """
    judged = [gate.as_json() if isinstance(gate, Outcome) else dict(gate) for gate in gates]
    Project.objects.select_for_update().get(pk=project.pk)  # one number at a time
    known = project.model_versions.filter(bundle=digest).first()
    if known is not None:
        known.metrics, known.gates, known.judged_at = dict(metrics), judged, now
        known.save(update_fields=["metrics", "gates", "judged_at"])
        return made_again(known)
    last = project.model_versions.order_by("-number").values_list("number", flat=True).first()
    version = ModelVersion.objects.create(
        project=project,
        number=(last or 0) + 1,
        bundle=digest,
        origin=origin,
        metrics=dict(metrics),
        gates=judged,
        gold_count=gold_count,
        run=run,
        snapshot=snapshot,
        parent=parent,
        registered_at=now,
        judged_at=now,
    )
    audit.record("registered", actor=None, now=now, project=project, subject=str(version))
    return version


def made_again(version: ModelVersion) -> ModelVersion:
    """Note that the files of *version* are there, whether or not they were removed before."""
    if version.removed:
        version.removed = False
        version.save(update_fields=["removed"])
        version.project.deployments.filter(bundle=version.bundle).update(removed=False)
    return version


def register_rebuilt(
    *, project: Project, digest: str, former: Deployment | None, **_: object
) -> None:
    """Give a bundle that was made for the taxonomy its number (a receiver of bundle_rebuilt).

    It was not judged, so nothing but its making and a roll-back can let it serve.
    """
    if known := version_of(project, digest):
        made_again(known)
        return
    parent = version_of(project, former.bundle) if former else None
    register(
        project,
        digest,
        origin=ModelVersion.Origin.TAXONOMY if former else ModelVersion.Origin.ZERO_SHOT,
        metrics={},
        gates=[],
        gold_count=parent.gold_count if parent else 0,
        parent=parent,
        now=timezone.now(),
    )


@transaction.atomic
def promote(version: ModelVersion, *, actor: User | None, now: datetime) -> Deployment:
    """Make *version* the champion of its project. Promoting the champion changes nothing.

    Raises:
        GatesShut: it was not judged, or a gate is shut.
    """
    Project.objects.select_for_update().get(pk=version.project_id)  # nothing is removed meanwhile
    version.refresh_from_db(fields=["removed"])
    if not version.passed or version.removed:
        raise GatesShut(shut_reasons(version))
    live = deployments.champion(version.project)
    if live is not None and live.bundle == version.bundle:
        return live
    events.announce(events.gold_changed, project_id=version.project_id)  # it may lack some by now
    audit.record("promoted", actor=actor, now=now, project=version.project, subject=str(version))
    return deployments.deploy(
        version.project,
        version.bundle,
        reason=f"{version} passed its gates.",
        actor=actor,
        now=now,
    )


def shut_reasons(version: ModelVersion) -> list[str]:
    """Return why *version* may not be promoted, a sentence for each shut gate."""
    if version.removed:
        return [f"The files of {version} were removed: newer ones took its place. Train anew."]
    if not version.gates:
        return [f"{version} was never judged by the gates."]
    return [f"{gate['gate']}: {gate['reason']}" for gate in version.gates if not gate["passed"]]


def version_of(project: Project, bundle: str) -> ModelVersion | None:
    """Return the version of *bundle*; None where it was never registered."""
    return project.model_versions.filter(bundle=bundle).first()


def names_of(project: Project, bundles: Sequence[str]) -> dict[str, ModelVersion]:
    """Return the versions of *bundles* by digest, in one query; unregistered ones are absent."""
    found = project.model_versions.filter(bundle__in=bundles).only("number", "bundle", "project")
    return {version.bundle: version for version in found}


def champion_version(project: Project) -> ModelVersion | None:
    """Return the version that serves, or None where nothing does or it was never registered."""
    live = deployments.champion(project)
    return version_of(project, live.bundle) if live else None
