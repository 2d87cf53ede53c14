"""What was imported, in order: what each reading stored, and what it could not read.

The record of an import names files, and names of files say with whom somebody talked. So a record
goes with the last item of a file that it names; its number stays, and nobody else gets it.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

import msgspec

from projections.timeline import Timeline
from projections.view import Value, View, encode
from vault.collectors.job import file_of
from vault.consent import Effect, Filters, Purpose, Statement
from vault.errors import Erased, NotFound
from vault.events import ImportFinished, ItemErased
from vault.follow import Page, moment

__all__ = ["Import", "Imports"]

_event = msgspec.msgpack.Decoder(ImportFinished)
_TOPIC = "import.finished/"
_LOOKED_AT = 50
_BATCH = 500
_BORDER = re.compile("[!/]")


class Import(NamedTuple):
    """An import: its number from 1 on, the id of its entry, and what the entry says."""

    number: int
    id: str
    at: datetime
    event: ImportFinished


class Imports(View):
    """The follower that keeps imports; of those that were erased it keeps the numbers."""

    name = "imports"
    version = "2"
    tables = """
        CREATE TABLE imports (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL,
            path TEXT NOT NULL, body BLOB);
        CREATE INDEX imports_path ON imports (path);
        CREATE TABLE gone (entry TEXT PRIMARY KEY) WITHOUT ROWID;
    """

    def all(self) -> tuple[Import, ...]:
        """Return every import, the oldest first."""
        return tuple(self._found("ORDER BY number"))

    def holding(self, entries: Collection[str]) -> int:
        """Return how many of some log entries are imports that are kept here."""
        known = "SELECT 1 FROM imports WHERE id = ? AND body IS NOT NULL"
        return sum(self._one(known, (one,)) is not None for one in entries)

    def left_by(self, ids: Sequence[str], timeline: Timeline) -> tuple[str, ...]:
        """Return the entries of imports that name a file of which nothing is left but some items.

        Args:
            ids: The items.
            timeline: Where they are, and all others.
        """
        lost = {name for stored in timeline.stated(ids) for name in _around(stored.item.locator)}
        kept = self.all() if lost else ()
        # Records of the first releases may not say what read.
        named = {
            one: names for one in kept if one.event.sources and (names := lost & _names(one.event))
        }
        alone = {name for names in named.values() for name in names}
        sources = {name for one in named for name, _ in one.event.sources}
        for locator in _others(frozenset(ids), sources, timeline):
            alone.difference_update(_around(locator))
            if not alone:
                break
        return tuple(one.id for one, names in named.items() if names & alone)

    def numbered(self, number: int) -> Import:
        """Return one import.

        Raises:
            Erased: It named a file of which everything was erased, or is on another device.
            NotFound: There are not so many.
        """
        for found in self._found("AND number = ?", number):
            return found
        if 1 <= number <= self.count():
            raise Erased(
                f"The record of import {number} was erased with what it had brought, or is on "
                "another device alone."
            )
        raise NotFound(f"There is no import {number}; `twin imports` lists those there are.")

    def count(self) -> int:
        """Return how many imports there ever were, which is the number of the newest."""
        return int(self._one("SELECT count(*) FROM imports") or 0)

    def before(self, number: int, most: int) -> tuple[Import, ...]:
        """Return the imports before a number, the newest first, and no more than so many."""
        return tuple(self._found("AND number < ? ORDER BY number DESC LIMIT ?", number, most))

    def began(self) -> datetime | None:
        """Return when the first import ended, None before there was one."""
        first = self._one("SELECT min(time) FROM imports")
        return None if first is None else moment(int(str(first)))

    def number_of(self, entry_id: str) -> int:
        """Return the number of an import by its id, 0 where there is none."""
        return int(
            self._one("SELECT number FROM imports WHERE id = ? AND body IS NOT NULL", (entry_id,))
            or 0
        )

    def last(self, path: str) -> Import | None:
        """Return the newest import of what lay at a path, None where there is none."""
        return next(self._found("AND path = ? ORDER BY number DESC LIMIT 1", path), None)

    def ended_after(self, time: int, source: str) -> Import | None:
        """Return the first import by a source that ended at a time, in nanoseconds, or later.

        None where a record that is not here any more might have been it.
        """
        gone = self._one(
            "SELECT min(number) FROM imports WHERE time >= ? AND body IS NULL", (time,)
        )
        found = self._found("AND time >= ? ORDER BY time, number LIMIT ?", time, _LOOKED_AT)
        first = next((one for one in found if source in dict(one.event.sources)), None)
        is_sure = first is not None and (gone is None or first.number < int(str(gone)))
        return first if is_sure else None

    def _found(self, which: str, *values: Value) -> Iterator[Import]:
        kept = f"SELECT number, id, time, body FROM imports WHERE body IS NOT NULL {which}"  # noqa: S608 - fixed words
        rows = self._rows(kept, values)
        for number, entry_id, time, body in rows:
            assert isinstance(number, int)
            assert isinstance(time, int)
            assert isinstance(body, bytes)
            yield Import(number, str(entry_id), moment(time), _event.decode(body))

    def _take(self, page: Page) -> None:
        for entry in page.entries:
            match entry.event:
                case ImportFinished() as event if not self._is_gone(entry.id):
                    self._put(entry.id, entry.time, event.path, encode(event))
                case ItemErased(item_ids=ids):
                    named = [(one,) for one in ids]
                    self._db.executemany("INSERT OR IGNORE INTO gone VALUES (?)", named)
                    self._db.executemany(
                        "UPDATE imports SET path = '', body = NULL WHERE id = ?", named
                    )
                case _ if entry.topic.startswith(_TOPIC):
                    # Erased, or not here: its number is taken all the same.
                    self._put(entry.id, entry.time, "", None)
                case _:
                    pass

    def _put(self, entry: str, time: int, path: str, body: bytes | None) -> None:
        self._db.execute(
            "INSERT INTO imports (id, time, path, body) VALUES (?, ?, ?, ?)",
            (entry, time, path, body),
        )

    def _is_gone(self, entry: str) -> bool:
        return self._one("SELECT 1 FROM gone WHERE entry = ?", (entry,)) is not None

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for row in self._rows("SELECT * FROM imports"):
            yield ("import", *row)


def _names(event: ImportFinished) -> set[str]:
    """Return what an import names: what was added, and the files of what was not read."""
    return {event.locator, *(file_of(bad.locator) for bad in event.bad)}


def _around(locator: str) -> Iterator[str]:
    """Yield the file that a locator lies in, and every folder and archive around it."""
    file = file_of(locator)
    for border in _BORDER.finditer(file):
        yield file[: border.start()]
    yield file


def _others(ids: frozenset[str], sources: Collection[str], timeline: Timeline) -> Iterator[str]:
    """Yield where every item of some sources stood, but for some items."""
    for source in sorted(sources):
        every = Statement(
            id="",
            effect=Effect.DENY,
            type="",
            purpose=Purpose.COLLECT,
            filters=Filters(source=source),
        )
        left = (one for one in timeline.covered_ids(every) if one not in ids)
        while batch := list(islice(left, _BATCH)):
            yield from (stored.item.locator for stored in timeline.stated(batch))
