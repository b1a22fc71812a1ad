"""Which labels a person gave last and a project needs most: what the typeahead offers first."""

from collections import Counter

from django.contrib.auth.models import User

from labeling.models import Annotation, Project

DECISIONS = 200  # of the person, looked at
RECENT = 50  # labels told
GOLD = 2_000  # newest gold labels of the project, looked at
FREQUENT = 50  # labels told


def recent(project: Project, person: User) -> list[int]:
    """Return the ids of the labels *person* gave last in *project*, the newest first."""
    last = project.annotations.standing().filter(reviewer=person).order_by("-annotated_at", "-pk")
    given = Annotation.labels.through.objects.filter(annotation__in=last.values("pk")[:DECISIONS])
    newest = given.order_by("-annotation__annotated_at", "-annotation", "label")
    return list(dict.fromkeys(newest.values_list("label", flat=True)))[:RECENT]


def frequent(project: Project) -> list[int]:
    """Return the ids of the labels most frequent in the newest gold of *project*, in order."""
    newest = project.gold.gold().order_by("-granted_at").values_list("label", flat=True)[:GOLD]
    counts = Counter(label_id for label_id in newest if label_id)
    return sorted(counts, key=lambda label_id: (-counts[label_id], label_id))[:FREQUENT]
