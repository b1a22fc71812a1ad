"""Where a project's gates open: as usual, or where an admin set them."""

from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from labeling import audit
from labeling.models import Project
from training.gates import LIMITS
from training.models import GateLimit


def of(project: Project) -> dict[str, float]:
    """Return the limit of each gate that has one, by its name in gates.LIMITS."""
    changed = dict(project.gate_limits.values_list("gate", "limit"))
    found = {name: changed.get(name, limit.usual) for name, limit in LIMITS.items()}
    return {name: int(at) if LIMITS[name].whole else at for name, at in found.items()}


@transaction.atomic
def change(
    project: Project, limits: Mapping[str, float], *, actor: User | None, now: datetime
) -> list[str]:
    """Set the limits of *project* and return the names of those that changed.

    What is set to its usual value is no longer kept, so that it follows when that changes. Runs
    that were judged stay judged.

    Raises:
        ValueError: a gate is unknown, or a limit is out of its range.
    """
    for name, value in limits.items():
        if name not in LIMITS or not LIMITS[name].least <= value <= LIMITS[name].most:
            raise ValueError(f"{name}: {value!r} is no limit of a gate")
    Project.objects.select_for_update().get(pk=project.pk)
    before = of(project)
    changed = [name for name, value in limits.items() if before[name] != value]
    for name in changed:
        project.gate_limits.filter(gate=name).delete()
        if limits[name] != LIMITS[name].usual:
            GateLimit.objects.create(
                project=project, gate=name, limit=limits[name], changed_by=actor, changed_at=now
            )
    if changed:
        detail = {LIMITS[name].title: f"{before[name]:g} → {limits[name]:g}" for name in changed}
        audit.record("changed the gates", actor=actor, now=now, project=project, detail=detail)
    return changed
