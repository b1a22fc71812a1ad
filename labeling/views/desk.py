"""What the review desk answers: the card alone for htmx, a whole page or a redirect otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect, push_url

from labeling import (
    annotations,
    desk,
    evidence,
    key_map,
    queue_counts,
    queue_terms,
    queues,
    sitting,
)
from labeling.access import PersonRequest
from labeling.empty_queues import why_empty
from labeling.forms.review import tasks_at_hand
from labeling.forms.set_aside import SnoozeForm
from labeling.models import Project, ReviewQueue, ReviewTask
from labeling.models.comments import LONGEST

AT_ONCE = 3  # tasks a browser holds: the one shown and two ahead of the reviewer


@dataclass(frozen=True, slots=True)
class Desk:
    """One request of a reviewer at the desk of a project; *queue* is where they take from."""

    request: PersonRequest
    project: Project
    now: datetime
    queue: ReviewQueue | None = None

    @property
    def wants_fragment(self) -> bool:
        htmx = self.request.htmx
        return bool(htmx) and not htmx.history_restore_request

    def url(self, name: str, *args: object) -> str:
        address = reverse(f"labeling:{name}", args=[self.project.slug, *args])
        return f"{address}?{urlencode({'queue': self.queue.reason})}" if self.queue else address

    def go_on(self, said: str = "", *, aside: ReviewTask | None = None) -> HttpResponse:
        """Lease the next task and show it, or say why there is none.

        Args:
            aside: the task just skipped, snoozed or escalated, which can be taken back.
        """
        at_hand = tasks_at_hand(self.request.POST)
        if at_hand is not None:
            return self.keep_ahead(at_hand, {"said": said, "aside": aside})
        reviewer = self.request.user
        task = queues.lease_next(self.project, reviewer, now=self.now, queue=self.queue)
        if task:
            return self.go_to(task, said, aside=aside)
        address = self.url("review")
        if not self.wants_fragment:
            return self._redirect(address, said)
        return push_url(self._render("empty", {"said": said, "aside": aside}), address)

    def go_to(
        self, task: ReviewTask, said: str = "", *, aside: ReviewTask | None = None
    ) -> HttpResponse:
        """Show a task the reviewer just leased; its address becomes the browser's."""
        address = self.url("task", task.pk)
        if not self.wants_fragment:
            return self._redirect(address, said)
        task.project = self.project
        evidence.want([task])
        return push_url(self.card(task, {"said": said, "aside": aside}), address)

    def keep_ahead(
        self, at_hand: Sequence[int], more: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send cards for later to a browser that shows the next one already.

        Args:
            at_hand: ids of the tasks the browser has, the one shown among them.
            more: what the acknowledgement of a decision says; None where nothing was decided.
        """
        tasks = queues.lease_several(
            self.project,
            self.request.user,
            max(0, AT_ONCE - len(at_hand)) if at_hand else 0,  # none is shown: none comes after
            now=self.now,
            queue=self.queue,
            besides=at_hand,
        )
        for task in tasks:
            task.project = self.project
        evidence.want(tasks)
        cards = [self._of(task) for task in tasks]
        context = {"project": self.project, "queue": self.queue, "cards": cards}
        if more is None:
            return render(self.request, "labeling/review/_ahead.html", context)
        return self._render("acknowledged", context | more)

    def leave_for(self, name: str) -> HttpResponse:
        """Go to another page of the desk."""
        address = self.url(name)
        return HttpResponseClientRedirect(address) if self.wants_fragment else redirect(address)

    def refuse(self, task: ReviewTask, problem: str, **typed: Any) -> HttpResponse:
        """Show the card again with what is wrong, keeping what was ticked and typed."""
        if not task.is_leased_to(self.request.user, at=self.now):
            return self.lost(queues.lost(task, self.request.user))
        how = {"ticked": typed.pop("ticked", None)}
        return self.card(task, {"problem": problem, **typed}, status=422, **how)

    def card(
        self, task: ReviewTask, more: dict[str, Any] | None = None, *, status: int = 200, **how: Any
    ) -> HttpResponse:
        """Show the card of a task the reviewer holds."""
        context = self._of(task, **how) | (more or {})
        return self._render("card" if self.wants_fragment else "task", context, status=status)

    def _of(self, task: ReviewTask, **how: Any) -> dict[str, Any]:
        """Return what the card of *task* shows, whatever stands around it."""
        return {
            "task": task,
            "card": desk.card(task, viewer=self.request.user, **how),
            "key": uuid4(),
            "snoozes": SnoozeForm.CHOICES,
            "longest_note": LONGEST,
            "find": how.get("find", ""),
        }

    def lost(self, lost: annotations.LeaseLost) -> HttpResponse:
        """Say that the reviewer does not hold the task, what stands now, and offer what next."""
        task, standing = lost.task, lost.standing
        context = {
            "task": task,
            "standing": standing,
            "is_mine": standing is not None and standing.reviewer_id == self.request.user.pk,
            "is_leased": task.leased_until is not None and task.leased_until > self.now,
            "is_open": task.status == ReviewTask.Status.OPEN,
        }
        return self._render("lost" if self.wants_fragment else "lost_page", context, status=409)

    def refused(self, reason: str) -> HttpResponse:
        """Say why a decision was not taken back."""
        context = {"refusal": reason}
        return self._render("lost" if self.wants_fragment else "lost_page", context, status=409)

    def past(self, context: dict[str, Any]) -> HttpResponse:
        """Show a decision made before."""
        return self._render("past" if self.wants_fragment else "past_page", context)

    def overview(self) -> HttpResponse:
        """Show every queue the reviewer takes from, with how long its tasks have waited."""
        around = self._surroundings()
        listed = [count.queue for count in around["counts"]]
        ages = queue_terms.ages(listed, now=self.now)
        rows = [(count, ages[count.queue.pk]) for count in around["counts"]]
        return self._render("desk", {"queues": rows}, around=around)

    def _redirect(self, address: str, said: str) -> HttpResponse:
        if said:
            messages.success(self.request, said)
        return redirect(address)

    def _render(
        self,
        name: str,
        context: dict[str, Any],
        *,
        around: dict[str, Any] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        is_fragment = name in {"card", "lost", "empty", "acknowledged", "past"}
        if not is_fragment:
            context = {"keys": key_map.of(self.request.user)} | context
        template = f"labeling/review/{'_' if is_fragment else ''}{name}.html"
        everything = (around or self._surroundings()) | {"is_fragment": is_fragment} | context
        return render(self.request, template, everything, status=status)

    def _surroundings(self) -> dict[str, Any]:
        """What stands around every card: queues, the day's progress, the decision to undo."""
        person, project = self.request.user, self.project
        counts = queue_counts.of(project, person, self.now)
        return {
            "project": project,
            "queue": self.queue,
            "counts": counts,
            "waiting": sum(count.waiting for count in counts),
            "is_more": any(count.is_more for count in counts),
            "skipped": sum(count.skipped for count in counts),
            "with_owners": sum(count.with_owners for count in counts),
            "why": why_empty(project, counts, person, queue=self.queue),
            "sitting": sitting.of(project, person, now=self.now),
            "last": annotations.last_of(project.pk, person),
        }
