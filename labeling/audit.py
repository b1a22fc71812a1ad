"""Write down who did what."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from labeling.models import AuditEntry, Project
from labeling.prepared import insert


def record(
    act: str,
    *,
    actor: User | None,
    now: datetime,
    project: Project | None = None,
    subject: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one audit entry. Call it inside the transaction of the act.

    Args:
        act: a verb in the past tense, such as "annotated".
        actor: who did it; None when the system acted by itself or from the command line.
        subject: what it was done to, in words.
        detail: plain JSON values worth keeping, such as before and after.
    """
    entry = AuditEntry(
        project=project,
        actor=actor,
        act=act,
        subject=subject[:300],
        detail=detail or {},
        at=now,
    )
    insert([entry])
