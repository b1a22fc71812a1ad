"""What every page needs to know of the person and the project, and how figures are written."""

from dataclasses import dataclass
from datetime import timedelta

from django import template
from django.http import HttpRequest
from django.urls import reverse

from labeling import jobs
from labeling.access import standing_of
from labeling.counting import MOST_COUNTED
from labeling.memberships import Standing
from labeling.models import Membership, Project
from labeling.resampling import Interval
from labeling.taxonomy_tree import Counts

register = template.Library()

Role = Membership.Role
NO_BREAK = "\N{NO-BREAK SPACE}"
FEW = 8  # of a list, before "and n more": one line of a wide page
DASH = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation of a project."""

    text: str
    url: str
    is_current: bool


# Text, URL name, the roles it is for. The order of the day's work.
NAVIGATION: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("Overview", "labeling:project", frozenset(Role.values)),
    ("Review", "labeling:review", frozenset(Role.values)),
    ("Taxonomy", "labeling:taxonomy", frozenset(Role.values)),
    ("Documents", "labeling:documents", frozenset({Role.OWNER, Role.ADMIN})),
    ("Agreement", "labeling:agreement", frozenset({Role.OWNER, Role.ADMIN})),
    ("Models", "training:models", frozenset({Role.ADMIN})),
    ("People", "labeling:people", frozenset({Role.ADMIN})),
    ("History", "labeling:history", frozenset({Role.OWNER, Role.ADMIN})),
    ("Settings", "labeling:settings", frozenset({Role.ADMIN})),
)


@register.simple_tag(takes_context=True)
def standing(context: template.Context, project: Project) -> Standing:
    """`{% standing project as me %}`, then `me.is_owner`, `me.is_admin`, `me.name`."""
    return standing_of(context["request"], project)


@register.inclusion_tag("_nav.html", takes_context=True)
def project_nav(context: template.Context, project: Project) -> dict[str, object]:
    """Render the links of a project's pages that the person may open."""
    request: HttpRequest = context["request"]
    role = standing_of(request, project).role
    return {"links": links(project, role, request.path), "project": project}


def links(project: Project, role: str, path: str) -> list[Link]:
    """Return the navigation of *project* for *role*, marking the deepest entry above *path*."""
    entries = [
        (text, reverse(name, args=[project.slug]))
        for text, name, roles in NAVIGATION
        if role in roles
    ]
    current = max((url for _, url in entries if path.startswith(url)), key=len, default="")
    return [Link(text, url, is_current=url == current) for text, url in entries]


@register.simple_tag
def worker_alive() -> bool:
    """Tell whether a worker has been heard of lately: jobs wait for ever without one."""
    return jobs.worker_alive()


@register.filter
def percent(share: float | str | None, digits: int = 0) -> str:
    """Write a share in [0, 1] as a percentage, or a dash when it was not measured.

    Templates hand over "" for a metric that is missing altogether.
    """
    if share is None or isinstance(share, str):
        return DASH
    return f"{100 * share:.{digits}f}{NO_BREAK}%"


@register.filter
def signed(change: float | None) -> str:
    """Write a change of a share in points: "+1.2", or a dash where it was not measured."""
    if change is None:
        return DASH
    return f"{100 * change:+.1f}".replace("-", "\N{MINUS SIGN}")


@register.filter
def shade(share: float) -> int:
    """Return how dark a cell of a matrix is, from 0 to 4: the eye tells no more steps apart."""
    return sum(share >= step for step in (0.01, 0.05, 0.15, 0.3))


@register.filter
def coefficient(value: float | None) -> str:
    """Write a coefficient of agreement, in [-1, 1], or a dash where it is undefined."""
    if value is None:
        return DASH
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")  # + 0.0: no minus zero


@register.filter
def between(interval: Interval | None) -> str:
    """Write the bounds of an interval: "0.58 to 0.71", or a dash where there is none."""
    if interval is None:
        return DASH
    return f"{coefficient(interval.low)} to {coefficient(interval.high)}"


@register.filter
def minutes(duration: timedelta) -> str:
    """Write a duration in whole minutes, rounded up: "15 minutes"."""
    count = -((-duration) // timedelta(minutes=1))
    return f"{count}{NO_BREAK}minute{'' if count == 1 else 's'}"


@register.filter
def grouped(number: int | str | None) -> str:
    """Write a count with thin spaces between thousands, or a dash when there is none."""
    if number is None or isinstance(number, str):
        return DASH
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


@register.filter
def counted(number: int) -> str:
    """Write a count that stopped at one above MOST_COUNTED: "10 000+"."""
    return f"{grouped(MOST_COUNTED)}+" if number > MOST_COUNTED else grouped(number)


@register.filter
def counts_in_words(counts: Counts) -> str:
    """Write what is known of a label: "3 gold, 1 open, 12 accepted without a person, …"."""
    known = f"{grouped(counts.gold)} gold, {grouped(counts.tasks)} open, "
    known += f"{grouped(counts.accepted)} accepted without a person, "
    told = counts.accuracy
    if told is None or told.interval is None:
        return f"{known}not decided with a prediction yet"
    bounds = f"{percent(told.interval.low)} to {percent(told.interval.high)}"
    decisions = f"{grouped(told.documents)} decision{'' if told.documents == 1 else 's'}"
    return f"{known}{percent(told.value)} of {decisions} told right first ({bounds})"


@register.filter
def in_words(detail: dict[str, object]) -> str:
    """Write the detail of an audit entry: "role: reviewer → owner, added: 12"."""
    return ", ".join(f"{name.replace('_', ' ')}: {word(value)}" for name, value in detail.items())


def word(value: object) -> str:
    """Write one plain JSON value; {"before", "after"} as what it was and what it became."""
    if isinstance(value, list):
        more = [f"and {len(value) - FEW} more"] if len(value) > FEW else []
        return ", ".join([*map(word, value[:FEW]), *more])
    if isinstance(value, dict) and set(value) == {"before", "after"}:
        return f"{word(value['before'])} → {word(value['after'])}"
    if isinstance(value, dict):
        return in_words(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return "none" if value is None else str(value)
