"""What every view has in common: a sealed database, whole pages, one position.

A page and the position it ends at are committed in one transaction, so a crash leaves a
view at a page border. A view of another version, one that was damaged, and one that
followed the log in another order than it has now, start at zero.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Protocol

import apsw
import msgspec

from projections.errors import BehindLog
from vault import points
from vault.consent import Statement
from vault.follow import Page
from vault.items import Item

__all__ = ["Databases", "Files", "Value", "View", "marks"]

Value = None | int | float | bytes | str

_WAIT_MS = 20_000
_META = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID"

encode = msgspec.msgpack.Encoder(order="deterministic").encode
decode_item = msgspec.msgpack.Decoder(Item).decode
decode_labels = msgspec.msgpack.Decoder(tuple[str, ...]).decode
decode_statement = msgspec.msgpack.Decoder(Statement).decode


class Databases(Protocol):
    """Sealed databases by name (`vault.derived.Derived`)."""

    def database(self, name: str) -> apsw.Connection:
        """Open a database; a damaged one was replaced by an empty one."""


class Files(Protocol):
    """Sealed files by name (`vault.derived.Derived`)."""

    def write(self, name: str, content: bytes) -> None:
        """Store a file, whole or not at all."""

    def read(self, name: str) -> bytes | None:
        """Return a file, or None where there is none."""

    def delete(self, name: str) -> None:
        """Remove a file if it is there."""


class View:
    """A follower of the log in a database of its own.

    A subclass names its tables and takes entries in; it never commits by itself.
    """

    name: str
    version: ClassVar[str]
    tables: ClassVar[str]

    def __init__(self, databases: Databases, *, version: str = "") -> None:
        self._db = databases.database(f"{self.name}.db")
        self._db.set_busy_timeout(_WAIT_MS)
        self._wanted = f"{self.version}/{version}"
        with self._writing():
            self._db.execute(_META)
            if self._get("version") != self._wanted:
                self._start_over()
        self._order = self.order

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @property
    def position(self) -> int:
        """The position of the last page applied."""
        return int(self._get("position") or 0)

    @property
    def order(self) -> str:
        """The order of the log that the position counts in."""
        return str(self._get("order") or "")

    def begin(self, order: str) -> None:
        """Follow the log in this order from now on; what followed another starts over."""
        self._order = order
        if self.order == order:
            return
        with self._writing():
            if self.order != order:
                self._start_over()
                self._set("order", order)
                points.reached(f"view.{self.name}.begun")

    def apply(self, page: Page) -> None:
        """Take in one page and its position, in one transaction.

        A page that another process took in meanwhile is left alone, and so is one that comes
        in an order which this view does not follow any more.
        """
        with self._writing():
            if page.position <= self.position or self.order != self._order:
                return
            self._take(page)
            self._set("position", page.position)
            points.reached(f"view.{self.name}.page")

    def dump(self) -> list[tuple[Value, ...]]:
        """Return all that the view says, in an order that depends on nothing else."""
        return sorted(self._canonical(), key=encode)

    def _take(self, page: Page) -> None:
        raise NotImplementedError

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        raise NotImplementedError

    def _start_over(self) -> None:
        names = self._rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name != 'meta'")
        for name in (str(name) for (name,) in names):
            # Dropping a full-text table drops its shadow tables with it.
            if not name.startswith("sqlite_"):
                self._db.execute(f'DROP TABLE IF EXISTS "{name}"')
        self._db.execute("DELETE FROM meta")
        self._db.execute(self.tables)
        self._set("version", self._wanted)

    @property
    def _reached(self) -> tuple[str, int]:
        """What names a state of this view: whatever was read from it is good until it changes."""
        return self.order, self.position

    def _need(self, *views: "View") -> None:
        """Make sure that the views which this one reads are not behind it.

        Raises:
            BehindLog: One of them has yet to catch up.
        """
        for view in views:
            if view.order != self.order or view.position < self.position:
                raise BehindLog(f"The view {view.name} is behind; run `twin view build`.")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # An interrupt may come before the transaction begins, or after SQLite ended it.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _get(self, key: str) -> Value:
        return self._one("SELECT value FROM meta WHERE key = ?", (key,))

    def _set(self, key: str, value: Value) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _rows(self, sql: str, values: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        return self._db.execute(sql, values).fetchall()

    def _one(self, sql: str, values: Sequence[Value] = ()) -> Value:
        row = self._db.execute(sql, values).fetchone()
        return row[0] if row else None


def marks(count: int) -> str:
    """Return the placeholders of an SQL list."""
    return ", ".join("?" * count)
