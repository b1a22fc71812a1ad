"""What labeling announces, so that the layers above may act without labeling knowing them.

Each is sent on commit, most with `project_id`. inference and training connect in their
`AppConfig.ready` and only start a job there.
"""

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.dispatch import Signal

documents_imported = Signal()  # project_id
taxonomy_published = Signal()  # project_id
gold_changed = Signal()  # project_id
job_started = Signal()  # job_id
evidence_wanted = Signal()  # prediction_ids
meaning_wanted = Signal()  # project_id, address


def announce(event: Signal, *, project_id: int) -> None:
    """Send *event* once the running transaction commits; a failing listener stops nothing."""
    transaction.on_commit(partial(event.send_robust, sender=None, project_id=project_id))


def announce_job(job_id: int) -> None:
    """Send job_started once the running transaction commits."""
    transaction.on_commit(partial(job_started.send_robust, sender=None, job_id=job_id))


def announce_wanted(prediction_ids: Sequence[int]) -> None:
    """Send evidence_wanted once the running transaction commits."""
    sent = partial(evidence_wanted.send_robust, sender=None, prediction_ids=prediction_ids)
    transaction.on_commit(sent)


def announce_search(project_id: int, address: str) -> None:
    """Send meaning_wanted once the running transaction commits."""
    sent = partial(meaning_wanted.send_robust, sender=None, project_id=project_id, address=address)
    transaction.on_commit(sent)
