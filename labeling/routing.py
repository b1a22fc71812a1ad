"""Offer a close call first to the person who is most often right on its two labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from labeling import trust
from labeling.models import Prediction, Project, ReviewQueue, ReviewTask
from labeling.reliability import Reliability

LEAD: Final = 0.05
"""By how much the best must be better than the others on average: less is chance as likely as not,
since an accuracy on one label rests on 30 judgements of all labels before any of its own."""

ENOUGH: Final = 20  # judgements without which nobody is compared


@dataclass(frozen=True, slots=True)
class Router:
    """Knows who is best on which labels. people: those there are to choose from."""

    people: Sequence[Reliability] = ()

    def best_on(self, labels: Sequence[int]) -> int | None:
        """Return who is clearly most often right where one of *labels* is, if anybody is."""
        if len(self.people) < 2 or not labels:
            return None
        answers = [frozenset({label}) for label in labels]
        shares = sorted((each.on_each(answers), each.person) for each in self.people)
        (best, person), others = shares[-1], [share for share, _ in shares[:-1]]
        return person if best - fmean(others) >= LEAD else None

    def keeper_of(self, prediction: Prediction | None) -> int | None:
        """Return for whom the document of *prediction* is kept: only close calls are."""
        if prediction is None or prediction.bucket != Prediction.Bucket.REVIEW:
            return None
        return self.best_on([candidate.label_id for candidate in prediction.ranked[:2]])


def router_of(project: Project) -> Router:
    """Return who there is to choose from; nobody where the project does not want it.

    Where documents have several labels nobody's accuracy on one of them is known.
    """
    if not project.routes_close_calls or project.is_multi:
        return Router()
    members = project.memberships.filter(user__is_active=True)
    here = set(members.values_list("user", flat=True))
    queue = project.queues.filter(reason=ReviewQueue.Reason.AMBIGUOUS)
    if named := set(queue.filter(people__is_active=True).values_list("people", flat=True)):
        here &= named
    measured = trust.measured(project)
    return Router([each for each in measured if each.judgements >= ENOUGH and each.person in here])


def keep(project: Project, document_ids: Sequence[int], router: Router) -> None:
    """Keep the open tasks of these documents for who is best on them.

    Those whose answer is known among them, too: else they would stand out.
    """
    if not router.people:
        return
    tasks = list(
        project.tasks.open().filter(document__in=document_ids).select_related("prediction")
    )
    for task in tasks:
        task.kept_for_id = router.keeper_of(task.prediction)
    ReviewTask.objects.bulk_update(tasks, ["kept_for"], batch_size=100)
