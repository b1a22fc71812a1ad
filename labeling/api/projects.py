"""What a machine annotator must know of a project."""

from dataclasses import asdict

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import label_search, memberships
from labeling.api.asked import person
from labeling.api.shapes import COMMON, LabelShape
from labeling.models import Project


def find_project(request: Request, slug: str) -> Project:
    found = memberships.project_of(person(request), slug)
    if found is None:
        raise Http404
    return found


@extend_schema(responses={200: LabelShape(many=True), **COMMON})
@api_view(["GET"])
def list_labels(request: Request, slug: str) -> Response:
    """Return every label that may be given, in the order of the taxonomy."""
    project = find_project(request, slug)
    return Response([asdict(each) for each in label_search.described(project)])
