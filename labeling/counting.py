"""Count no further than anybody needs to know."""

from django.db.models import IntegerField, Subquery

MOST_COUNTED = 10_000  # rows: by how many more, no page need say


class Rows(Subquery):
    """How many rows a query has; cut it to count no further."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()
