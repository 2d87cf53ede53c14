"""When there was what: items by time, the newest first, and how many of each month.

An item without a date stands where it was collected, and is counted in no month. Months are
counted while items come and go, so that nobody reads a million of them to draw a picture.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from heapq import heappush, heapreplace
from typing import Final, NamedTuple

import apsw

from projections.circles import Circles, micros
from projections.view import Value, batches, marks
from vault.consent import Filters

__all__ = ["NEWEST", "TABLES", "UNDATED", "Chronicle", "Counted", "Mark"]

UNDATED: Final = 0
"""The month of items without a date."""


class Mark(NamedTuple):
    """A place among items by time: when one is dated, in microseconds since 1970, and its number."""

    dated: int
    number: int


NEWEST: Final = Mark(2**63 - 1, 2**63 - 1)
"""The place behind the newest item."""


class Counted(NamedTuple):
    """How many items of a type and a source a month has; May 2021 is 202105."""

    month: int
    type: str
    source: str
    items: int


def _month(item: str) -> str:
    return (
        f"CASE WHEN {item}.at IS NULL THEN {UNDATED} ELSE"
        f" CAST(strftime('%Y%m', {item}.at / 1000000, 'unixepoch') AS INTEGER) END"
    )


def _after(month: int) -> int:
    return month + (1 if month % 100 < 12 else 89)  # noqa: PLR2004 - December


def _before(month: int) -> int:
    return month - (1 if month % 100 > 1 else 89)


def _comes(item: str) -> str:
    return (
        f"INSERT INTO months SELECT {_month(item)}, {item}.type, source, 1 FROM circles"  # noqa: S608
        f" WHERE no = {item}.circle ON CONFLICT DO UPDATE SET n = n + 1;"
    )


def _goes(item: str) -> str:
    source = f"(SELECT source FROM circles WHERE no = {item}.circle)"  # noqa: S608
    here = f"month = {_month(item)} AND type = {item}.type AND source = {source}"
    return (
        f"UPDATE months SET n = n - 1 WHERE {here};"  # noqa: S608 - fixed names
        f" DELETE FROM months WHERE {here} AND n = 0;"
    )


TABLES = f"""
        CREATE INDEX items_by_time ON items (dated);
        CREATE INDEX items_by_circle ON items (circle, type, dated);
        CREATE TABLE months (month INTEGER, type INTEGER, source TEXT, n INTEGER NOT NULL,
            PRIMARY KEY (month, type, source)) WITHOUT ROWID;
        CREATE TRIGGER items_come AFTER INSERT ON items BEGIN {_comes("NEW")} END;
        CREATE TRIGGER items_go AFTER DELETE ON items BEGIN {_goes("OLD")} END;
        CREATE TRIGGER items_change AFTER UPDATE OF at, type, circle ON items
            BEGIN {_goes("OLD")} {_comes("NEW")} END;
"""

_REMEMBERED = 16
_FIRST, _LAST = 101, 999_912
"""The first and the last month of the calendar."""


class _Part(NamedTuple):
    """What one circle has of one type, and when that ends and begins."""

    last: int
    first: int
    circle: int
    type: int


class Chronicle:
    """Items by time, in the database of the view that keeps them.

    `reached` names a state of that view: what is remembered here holds as long as it stays.
    """

    def __init__(
        self, db: apsw.Connection, circles: Circles, reached: Callable[[], tuple[str, int]]
    ) -> None:
        self._db = db
        self._circles = circles
        self._reached = reached
        self._parts: dict[object, list[_Part]] = {}
        self._parts_at: tuple[str, int] | None = None

    def counted(self, begins: Callable[[date], datetime] | None = None) -> tuple[Counted, ...]:
        """Return how many items there are by month, type and source.

        Args:
            begins: When a day begins, where months are not to be those of UTC.
        """
        rows = self._db.execute(
            "SELECT month, t.type, source, sum(n) FROM months JOIN types t ON t.no = months.type"
            " GROUP BY 1, 2, 3"
        )
        found = tuple(Counted(*row) for row in rows)
        return found if begins is None else self._moved(found, begins)

    def _moved(
        self, counted: Sequence[Counted], begins: Callable[[date], datetime]
    ) -> tuple[Counted, ...]:
        """Return the same by other months: only what lies between two beginnings is read.

        What is kept are months of UTC, since a view must not depend on where it is looked at.
        """
        found = Counter({(one.month, one.type, one.source): one.items for one in counted})
        months = {one.month for one in counted} - {UNDATED}
        for month in sorted(months | {_after(month) for month in months}):
            if not _FIRST < month <= _LAST:
                continue
            year, number = divmod(month, 100)
            there = micros(begins(date(year, number, 1)))
            utc = micros(datetime(year, number, 1, tzinfo=UTC))
            into = month if there < utc else _before(month)
            for was, type_, source, n in self._between(*sorted((there, utc))):
                found[was, type_, source] -= n
                found[into, type_, source] += n
        return tuple(Counted(*key, n) for key, n in found.items() if n)

    def _between(self, since: int, until: int) -> Iterator[tuple[int, str, str, int]]:
        """Yield how many items with a date lie between two times, by month, type and source."""
        rows = self._db.execute(
            f"SELECT {_month('i')}, t.type, c.source, count(*)"  # noqa: S608 - fixed names
            " FROM items i INDEXED BY items_by_time JOIN types t ON t.no = i.type"
            " JOIN circles c ON c.no = i.circle"
            " WHERE i.dated >= ? AND i.dated < ? AND i.at IS NOT NULL GROUP BY 1, 2, 3",
            (since, until),
        )
        return ((int(month), str(t), str(source), int(n)) for month, t, source, n in rows)

    def latest(
        self, type_: str, filters: Filters, before: Mark, limit: int
    ) -> list[tuple[Mark, str]]:
        """Return the newest items of a type before a place, each with its own, the newest first.

        Args:
            type_: That type and what lies beneath it; empty for all.
            filters: Only items that match; one without a date has that of its collection.
            before: Where to begin.
            limit: How many at most.
        """
        since = micros(filters.since) if filters.since else -(2**63)
        if filters.until:
            before = min(before, Mark(micros(filters.until), -1))
        found: list[Mark] = []
        for last, where, values in self._ranges(type_, filters, since, before):
            if len(found) == limit and last < found[0].dated:
                break
            for mark in self._within(where, (*values, since, before.dated, *before, limit)):
                if len(found) < limit:
                    heappush(found, mark)
                elif mark > found[0]:
                    heapreplace(found, mark)
        return self._named(sorted(found, reverse=True))

    def _ranges(
        self, type_: str, filters: Filters, since: int, before: Mark
    ) -> Iterator[tuple[int, str, tuple[int, ...]]]:
        """Yield what the index holds in order, each with a time behind which nothing of it is.

        The latest of these come first.
        """
        types = self._circles.types(type_) if type_ else None
        where, values = self._circles.which(filters)
        if where:
            for part in self._parts_of(where, values, types):
                if part.first <= before.dated and part.last >= since:
                    last = min(part.last, before.dated)
                    yield last, "circle = ? AND type = ?", (part.circle, part.type)
        elif types is not None:
            yield from ((before.dated, "type = ?", (number,)) for number in types)
        else:
            yield before.dated, "1", ()

    def _within(self, where: str, values: tuple[int, ...]) -> Iterator[Mark]:
        rows = self._db.execute(
            f"SELECT dated, no FROM items WHERE {where} AND dated >= ? AND dated <= ?"  # noqa: S608
            " AND (dated < ? OR no < ?) ORDER BY dated DESC, no DESC LIMIT ?",
            values,
        )
        return (Mark(*row) for row in rows)

    def _parts_of(
        self, where: str, values: Sequence[Value], types: Sequence[int] | None
    ) -> list[_Part]:
        """Return the parts of some circles, those that end last before the others."""
        reached = self._reached()
        if self._parts_at != reached or len(self._parts) >= _REMEMBERED:
            self._parts.clear()
            self._parts_at = reached
        key = (where, *values, None if types is None else tuple(types))
        if key not in self._parts:
            of = "" if types is None else f" AND type IN ({', '.join(map(str, types))})"
            rows = self._db.execute(
                "SELECT max(dated), min(dated), circle, type FROM items WHERE circle IN"  # noqa: S608
                f" (SELECT no FROM circles WHERE {where}){of} GROUP BY circle, type",
                values,
            )
            self._parts[key] = sorted((_Part(*row) for row in rows), reverse=True)
        return self._parts[key]

    def _named(self, found: Sequence[Mark]) -> list[tuple[Mark, str]]:
        ids: dict[int, str] = {}
        for batch in batches([mark.number for mark in found]):
            sql = f"SELECT no, id FROM items WHERE no IN ({marks(len(batch))})"  # noqa: S608
            ids.update(self._db.execute(sql, batch))
        return [(mark, ids[mark.number]) for mark in found]
