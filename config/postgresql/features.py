"""What Django may ask of PostgreSQL where values travel beside a query, as prepared ones do."""

from django.db.backends.postgresql import features


class DatabaseFeatures(features.DatabaseFeatures):
    """The same in all else."""

    max_query_params = 65_535  # the protocol counts them in two bytes
