"""What every view has in common: a sealed database, whole pages, one position.

A page and the position it ends at are committed in one transaction, so a crash leaves a
view at a page border. A view of another version, one that was damaged, and one that
followed the log in another order than it has now, start at zero. While a view writes, those
that it reads stand still: one answer is made from one state of each.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import ClassVar, Literal, Protocol, TypeVar

import apsw
import msgspec

from projections.errors import BehindLog
from vault import points
from vault.consent import Statement
from vault.derived import Database
from vault.follow import Page
from vault.items import Item

__all__ = ["Anew", "Databases", "Files", "Value", "View", "batches", "marks"]

Value = None | int | float | bytes | str

Anew = Literal["", "missing", "older", "damaged"]
"""Why a view starts over: its file was not there, of another version, or could not be read."""

T = TypeVar("T")

_BATCH = 500

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

    def delete(self, name: str) -> None:
        """Remove a store if it is there."""


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

    def __init__(
        self, databases: Databases, *, version: str = "", reads: tuple["View", ...] = ()
    ) -> None:
        """Open it.

        Args:
            databases: Where it is kept.
            version: What it is made with, where something else makes another view.
            reads: The views that it reads, in the order in which they follow.
        """
        self._wanted = f"{self.version}/{version}"
        self._reads = reads
        self._held: tuple[str, int] | None = None
        self._begun_anew: Anew = ""
        try:
            self._open(databases)
        except (apsw.CorruptError, apsw.NotADBError):
            self._db.close()
            databases.delete(f"{self.name}.db")
            self._open(databases)
            self._begun_anew = "damaged"
        self._order = self.order

    def _open(self, databases: Databases) -> None:
        self._db = databases.database(f"{self.name}.db")
        self._db.set_busy_timeout(_WAIT_MS)
        if isinstance(self._db, Database):
            self._begun_anew = self._db.anew
        with self._writing():
            self._db.execute(_META)
            version = self._get("version")
            if version != self._wanted:
                self._begun_anew = self._begun_anew or ("" if version is None else "older")
                self._start_over()

    @property
    def begun_anew(self) -> Anew:
        """Why the view was begun anew when it was opened; empty where it was not, or is the first."""
        return self._begun_anew

    @property
    def is_sound(self) -> bool:
        """Whether every page of the file can be read and holds together."""
        try:
            return self._rows("PRAGMA quick_check(1)") == [("ok",)]
        except (apsw.CorruptError, apsw.NotADBError):
            return False

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @property
    def position(self) -> int:
        """The position of the last page applied."""
        return self._reached[1]

    @property
    def order(self) -> str:
        """The order of the log that the position counts in."""
        return self._reached[0]

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

        What another process took in meanwhile is left alone, and so is a page that comes in
        an order which this view does not follow any more.
        """
        with self._writing():
            order, position = self._reached
            if page.position <= position or order != self._order:
                return
            self._take(page.behind(position))
            self._set("position", page.position)
            points.reached(f"view.{self.name}.page")

    def dump(self) -> list[tuple[Value, ...]]:
        """Return all that the view says, in an order that depends on nothing else."""
        return sorted(self._canonical(), key=encode)

    def fingerprint(self) -> bytes:
        """Return what names all that the view says, whatever its order and however large it is.

        It is the sum of the SHA-512 of all rows, modulo 2^512.
        """
        total = sum(
            int.from_bytes(hashlib.sha512(encode(row)).digest()) for row in self._canonical()
        )
        return (total % 2**512).to_bytes(64)

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
        if self._held is not None:
            return self._held
        rows = self._rows("SELECT key, value FROM meta WHERE key IN ('order', 'position')")
        found = {str(key): value for key, value in rows}
        return str(found.get("order") or ""), int(found.get("position") or 0)

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
            # Only then, and in one order everywhere: so nobody waits for one who waits for them.
            with self._still():
                yield
            self._db.execute("COMMIT")
        except BaseException:
            # An interrupt may come before the transaction begins, or after SQLite ended it.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _still(self) -> Iterator[None]:
        """Keep the views that this one reads as they are, which makes asking them cheap, too."""
        with ExitStack() as stack:
            for view in self._reads:
                stack.enter_context(view._standing())  # noqa: SLF001 - another of its kind
            yield

    @contextmanager
    def _standing(self) -> Iterator[None]:
        if self._db.in_transaction:
            yield
            return
        try:
            self._db.execute("BEGIN")
            self._held = self._reached
            yield
        finally:
            self._held = None
            if self._db.in_transaction:
                self._db.execute("COMMIT")

    def _get(self, key: str) -> Value:
        return self._one("SELECT value FROM meta WHERE key = ?", (key,))

    def _set(self, key: str, value: Value) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _rows(self, sql: str, values: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        return self._db.execute(sql, values).fetchall()

    def _among(self, table: str, column: str, values: Collection[str]) -> set[str]:
        """Return which of some values a column of a table holds."""
        if not self._one(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 - fixed names
            return set()
        return {
            str(found)
            for batch in batches(list(values))
            for (found,) in self._rows(
                f"SELECT {column} FROM {table} WHERE {column} IN ({marks(len(batch))})",  # noqa: S608
                batch,
            )
        }

    def _one(self, sql: str, values: Sequence[Value] = ()) -> Value:
        row = self._db.execute(sql, values).fetchone()
        return row[0] if row else None


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield values, a few hundred at a time: as many as one query takes well."""
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]


def marks(count: int) -> str:
    """Return the placeholders of an SQL list."""
    return ", ".join("?" * count)
