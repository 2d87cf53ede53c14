"""What was imported, in order: what each reading stored, and what it could not read."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from projections.view import Value, View, encode
from vault.errors import NotFound
from vault.events import ImportFinished
from vault.follow import Page, moment

__all__ = ["Import", "Imports"]

_event = msgspec.msgpack.Decoder(ImportFinished)
_LOOKED_AT = 50


class Import(NamedTuple):
    """An import: its number from 1 on, the id of its entry, and what the entry says."""

    number: int
    id: str
    at: datetime
    event: ImportFinished


class Imports(View):
    """The follower that keeps imports."""

    name = "imports"
    version = "1"
    tables = """
        CREATE TABLE imports (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL, time INTEGER NOT NULL,
            path TEXT NOT NULL, body BLOB NOT NULL);
        CREATE INDEX imports_path ON imports (path);
    """

    def all(self) -> tuple[Import, ...]:
        """Return every import, the oldest first."""
        return tuple(self._found("ORDER BY number"))

    def numbered(self, number: int) -> Import:
        """Return one import.

        Raises:
            NotFound: There are not so many.
        """
        for found in self._found("WHERE number = ?", number):
            return found
        raise NotFound(f"There is no import {number}; `twin imports` lists those there are.")

    def count(self) -> int:
        """Return how many imports there are, which is the number of the newest."""
        return int(self._one("SELECT count(*) FROM imports") or 0)

    def before(self, number: int, most: int) -> tuple[Import, ...]:
        """Return the imports before a number, the newest first, and no more than so many."""
        return tuple(self._found("WHERE number < ? ORDER BY number DESC LIMIT ?", number, most))

    def number_of(self, entry_id: str) -> int:
        """Return the number of an import by its id, 0 where there is none."""
        return int(self._one("SELECT number FROM imports WHERE id = ?", (entry_id,)) or 0)

    def last(self, path: str) -> Import | None:
        """Return the newest import of what lay at a path, None where there is none."""
        return next(self._found("WHERE path = ? ORDER BY number DESC LIMIT 1", path), None)

    def ended_after(self, time: int, source: str) -> Import | None:
        """Return the first import by a source that ended at a time, in nanoseconds, or later."""
        found = self._found("WHERE time >= ? ORDER BY time, number LIMIT ?", time, _LOOKED_AT)
        return next((one for one in found if source in dict(one.event.sources)), None)

    def _found(self, which: str, *values: Value) -> Iterator[Import]:
        rows = self._rows(f"SELECT number, id, time, body FROM imports {which}", values)  # noqa: S608 - fixed words
        for number, entry_id, time, body in rows:
            assert isinstance(number, int)
            assert isinstance(time, int)
            assert isinstance(body, bytes)
            yield Import(number, str(entry_id), moment(time), _event.decode(body))

    def _take(self, page: Page) -> None:
        self._db.executemany(
            "INSERT INTO imports (id, time, path, body) VALUES (?, ?, ?, ?)",
            [
                (entry.id, entry.time, entry.event.path, encode(entry.event))
                for entry in page.entries
                if isinstance(entry.event, ImportFinished)
            ],
        )

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for row in self._rows("SELECT * FROM imports"):
            yield ("import", *row)
