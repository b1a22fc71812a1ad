"""What labeling announces, so that the layers above may act without labeling knowing them.

Each is sent on commit, most with `project_id`. inference and training connect in their
`AppConfig.ready` and only start a job there.
"""

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

documents_imported = Signal()  # project_id
taxonomy_published = Signal()  # project_id
gold_changed = Signal()  # project_id
job_started = Signal()  # job_id
evidence_wanted = Signal()  # prediction_ids
meaning_wanted = Signal()  # project_id, address


def announce(event: Signal, **told: Any) -> None:
    """Send *event* once the running transaction commits; a failing listener stops nothing."""
    transaction.on_commit(partial(event.send_robust, sender=None, **told))
