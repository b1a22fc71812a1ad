"""Queries asked with every decision: written as SQL once, and asked with other values ever after.

Nine tenths of the time of such a query Django spends on writing it anew, though nothing in it
changes but ids, times and a word or two (docs/decisions/0026-queries-written-once.md).
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any, Final, Generic, NamedTuple, ParamSpec, TypeVar, cast

from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.db.models.query import (
    FlatValuesListIterable,
    ModelIterable,
    get_related_populators,
)
from django.db.models.sql import UpdateQuery

P = ParamSpec("P")
Row = TypeVar("Row")
Built = TypeVar("Built")

Ids = Sequence[int]
"""The kind of an argument that is any number of ids, one at least."""

Words = Sequence[str]
"""The same of texts."""

Change = tuple[QuerySet[Any], dict[str, Any]]
"""Rows, and what they are given."""

FIRST: Final = 2**40
"""Stand-ins for ids begin here: no query says such a number of itself."""

APART: Final = 10**6
"""Stand-ins of one argument lie so far from those of the next: the most values of one."""

LATE: Final = datetime(8000, 1, 1, tzinfo=UTC)
"""Stand-ins for times begin here."""


class Slot(NamedTuple):
    """One value of an SQL statement.

    name: of the argument that it is; empty where it stays what it is.
    place: among several ids.
    stands: what it is, or what stands in for it.
    """

    name: str
    place: int
    stands: Any

    def value(self, asked: dict[str, Any]) -> Any:
        """Return what the database is sent."""
        if not self.name:
            return self.stands
        given = asked[self.name]
        if isinstance(given, Sequence) and not isinstance(given, str):
            given = given[min(self.place, len(given) - 1)]
        if isinstance(given, datetime):
            return connection.ops.adapt_datetimefield_value(given)
        return type(self.stands)(given)


class Written(NamedTuple, Generic[Built]):
    """SQL with its values, and what it was written from."""

    sql: str
    slots: Sequence[Slot]
    source: Built

    def execute(self, cursor: Any, asked: dict[str, Any]) -> None:
        cursor.execute(self.sql, [slot.value(asked) for slot in self.slots])


class Reader:
    """Makes of rows what a query set makes of them: models, with those selected beside, or values.

    It knows how once the compiler has written the query.

    Args:
        made: how the query set iterates: its own class for that.
    """

    def __init__(self, compiler: Any, made: type) -> None:
        self.compiler, self.made = compiler, made
        self.locks: bool = compiler.query.select_for_update

    def read(self, rows: Sequence[Any]) -> Iterator[Any]:
        converted = self.compiler.apply_converters(rows, self.converters)
        if self.made is ModelIterable:
            return map(self._instance, converted)
        if self.made is FlatValuesListIterable:
            return (row[0] for row in converted)
        return map(tuple, converted)

    @cached_property
    def converters(self) -> Any:
        return self.compiler.get_converters([column for column, *_ in self.compiler.select])

    @cached_property
    def columns(self) -> tuple[slice, list[str]]:
        """Where the model's own columns stand, and the names of its fields."""
        places = self.compiler.klass_info["select_fields"]
        mine = slice(places[0], places[-1] + 1)
        return mine, [column.target.attname for column, *_ in self.compiler.select[mine]]

    @cached_property
    def related(self) -> list[Any]:
        compiler = self.compiler
        return get_related_populators(  # type: ignore[call-arg]  # the stubs know Django 6's
            compiler.klass_info, compiler.select, connection.alias
        )

    def _instance(self, row: Sequence[Any]) -> Model:
        mine, names = self.columns
        model: type[Model] = self.compiler.klass_info["model"]
        instance = model.from_db(connection.alias, names, row[mine])
        for each in self.related:
            each.populate(row, instance)
        for name, place in self.compiler.annotation_col_map.items():
            setattr(instance, name, row[place])
        return instance


class _Prepared(ABC, Generic[Built]):
    """A query made by a function of keyword arguments: ids, times or texts.

    The function is called with stand-ins, once for each width of what is several; so it must ask
    the same whatever they are.
    """

    def __init__(self, build: Callable[..., Any]) -> None:
        self.build = build
        self.arguments = inspect.signature(build, eval_str=True).parameters
        kinds = {name: each.annotation for name, each in self.arguments.items()}
        self.several = [name for name, kind in kinds.items() if kind in (Ids, Words)]
        self.known: dict[tuple[int, ...], Written[Built]] = {}

    def written(self, asked: dict[str, Any]) -> Written[Built]:
        """Return the SQL for as many ids as are asked with."""
        widths = tuple(width(len(asked[name])) for name in self.several)
        if widths not in self.known:
            self.known[widths] = self._write(dict(zip(self.several, widths, strict=True)))
        return self.known[widths]

    def _write(self, widths: dict[str, int]) -> Written[Built]:
        stand_ins = {
            name: stand_in(argument.annotation, APART * place, widths.get(name, 0))
            for place, (name, argument) in enumerate(self.arguments.items())
        }
        compiler, source = self.compiler(self.build(**stand_ins))
        sql, params = compiler.as_sql()
        return Written(sql, slots_of(params, stand_ins), source)

    @abstractmethod
    def compiler(self, built: Any) -> tuple[Any, Built]:
        """Return what writes the query, and what is to be kept of it."""


class Prepared(_Prepared[Reader], Generic[P, Row]):
    """A query of rows. Decorates a function that returns a query set."""

    def __init__(self, build: Callable[P, QuerySet[Any, Row]]) -> None:
        super().__init__(build)

    def __call__(self, *_: P.args, **asked: P.kwargs) -> list[Row]:
        """Return the rows as the query set would give them."""
        written = self.written(asked)
        if written.source.locks and connection.get_autocommit():
            raise transaction.TransactionManagementError("a row is locked in a transaction alone")
        with connection.cursor() as cursor:
            written.execute(cursor, asked)
            return list(written.source.read(cursor.fetchall()))

    def first(self, *_: P.args, **asked: P.kwargs) -> Row | None:
        """Return the first row, or None where there is none: for queries of one row at most."""
        return next(iter(self(*_, **asked)), None)

    def compiler(self, built: Any) -> tuple[Any, Reader]:
        # The connection stands for that of whichever thread asks.
        compiler = built.query.get_compiler(connection=connection)
        return compiler, Reader(compiler, built._iterable_class)


class PreparedUpdate(_Prepared[None], Generic[P]):
    """An UPDATE. Decorates a function that returns rows and what they are given."""

    def __init__(self, build: Callable[P, Change]) -> None:
        super().__init__(build)

    def __call__(self, *_: P.args, **asked: P.kwargs) -> int:
        """Return how many rows were changed."""
        written = self.written(asked)
        with transaction.mark_for_rollback_on_error(using=None), connection.cursor() as cursor:
            written.execute(cursor, asked)
            changed: int = cursor.rowcount
        return changed

    def compiler(self, built: Any) -> tuple[Any, None]:
        rows, given = built
        query = rows.query.chain(UpdateQuery)
        query.add_update_values(given)
        return query.get_compiler(connection=connection), None


@cache
def _insert_of(model: type[Model], rows: int) -> tuple[str, str, list[Any]]:
    """Return the INSERT of so many rows of *model*, what asks for ids, and the fields it fills."""
    quote, meta = connection.ops.quote_name, cast("Any", model._meta)
    fields = [each for each in meta.local_concrete_fields if not each.primary_key]
    columns = ", ".join(quote(each.column) for each in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    values, table, key = ", ".join([row] * rows), quote(meta.db_table), quote(meta.pk.column)
    return f"INSERT INTO {table} ({columns}) VALUES {values}", f" RETURNING {key}", fields


def insert(rows: Sequence[Model], *, tell: bool = False) -> None:
    """Insert *rows* of one model, whose ids the database gives.

    As `bulk_create` does it: without signals, in one statement; for a few rows, since each number
    of them is a statement of its own.

    Args:
        tell: the rows their ids, for which the answer has to be waited for.
    """
    if not rows:
        return
    sql, returning, fields = _insert_of(type(rows[0]), len(rows))
    values = [
        each.get_db_prep_save(each.pre_save(row, add=True), connection)
        for row in rows
        for each in fields
    ]
    with transaction.mark_for_rollback_on_error(using=None), connection.cursor() as cursor:
        cursor.execute(sql + returning if tell else sql, values)
        for row, (key,) in zip(rows, cursor.fetchall() if tell else (), strict=tell):
            row.pk = key
            row._state.adding, row._state.db = False, connection.alias


@contextmanager
def together() -> Iterator[None]:
    """Send what is asked inside without waiting for one answer before the next question.

    PostgreSQL answers in order, and says at the end what failed; SQLite is not far enough away.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.mark_for_rollback_on_error(using=None), connection.wrap_database_errors:
        connection.ensure_connection()
        with connection.connection.pipeline():
            yield


def is_row_number(number: int) -> bool:
    """Whether *number* can be the id of a row: a query set finds nothing by others, SQL fails."""
    return 0 < number < 2**63


def width(several: int) -> int:
    """Return for how many values the query is written: a power of two; the last is repeated.

    Raises:
        ValueError: there are none to ask with, or too many.
    """
    if not 0 < several <= APART // 2:
        raise ValueError(f"a prepared query needs at least one value and at most {APART // 2:,}")
    return 1 << (several - 1).bit_length()


def stand_in(kind: Any, place: int, several: int) -> Any:
    """Return a value of *kind* that stands nowhere else in a query; of *several* a list."""
    if kind == Ids:
        return [FIRST + place + n for n in range(several)]
    if kind == Words:
        return [f"stand-in {place + n}" for n in range(several)]
    time = LATE + timedelta(days=place // APART)
    known = {int: FIRST + place, datetime: time, str: f"stand-in {place}"}
    return known[kind]


def slots_of(params: Iterable[Any], stand_ins: dict[str, Any]) -> list[Slot]:
    """Return of each of *params* which of the stand-ins it is, if any.

    Raises:
        ValueError: one stands nowhere, so that what it stands for would change nothing.
    """
    names: dict[Any, tuple[str, int]] = {}
    for name, value in stand_ins.items():
        for place, each in enumerate(value if isinstance(value, list) else [value]):
            is_time = isinstance(each, datetime)
            sent = connection.ops.adapt_datetimefield_value(each) if is_time else each
            names[sent] = (name, place)
    slots = [Slot(*names.get(param, ("", 0)), param) for param in params]
    if lost := stand_ins.keys() - {slot.name for slot in slots}:
        raise ValueError(f"The query does not ask for {', '.join(sorted(lost))}.")
    return slots
