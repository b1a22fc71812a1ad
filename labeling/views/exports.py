from collections.abc import Callable, Iterator

from django.http import Http404, StreamingHttpResponse
from django.utils.text import slugify

from labeling import exports
from labeling.models import Project


def download(
    project: Project, what: str, format_: str, write: Callable[..., Iterator[str]]
) -> StreamingHttpResponse:
    """Stream *what* the function *write* of `exports` says of *project* as a file to keep."""
    if format_ not in exports.FORMATS or (format_ == "ttl" and what != "taxonomy"):
        raise Http404
    name = f"{slugify(project.slug)}-{what}.{format_}"
    return StreamingHttpResponse(
        write(project, format_=format_),
        content_type=f"{exports.FORMATS[format_]}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
