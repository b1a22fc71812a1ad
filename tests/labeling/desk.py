"""How tests speak to the desk."""

from uuid import uuid4

from django.urls import reverse

from labeling.models import Project

HTMX = {"HX-Request": "true"}


def url(name, *args, project="support"):
    return reverse(f"labeling:{name}", args=[project, *args])


def decision(*labels, **fields):
    return {"label": [label.pk for label in labels], "key": uuid4(), **fields}


def multi(project):
    Project.objects.filter(pk=project.pk).update(kind=Project.Kind.MULTI)
