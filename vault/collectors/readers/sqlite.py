"""Databases of other programs, read from memory and never written.

The reader has no paths, so the bytes are given to SQLite whole. Changes that still lie in
the log beside a database (`-wal`) are applied first, as SQLite itself would when it opens it.
A hostile schema gets nowhere: nothing but true tables is asked, no function of the schema is
trusted, and each row may cost only so many steps.
"""

import sqlite3
import struct
from collections.abc import Callable, Iterator
from typing import Self

from vault.collectors.readers.tree import File, Tree, Unreadable

__all__ = ["LARGEST", "MAGIC", "Database", "is_database"]

MAGIC = b"SQLite format 3\x00"

LARGEST = 400 << 20
"""As much as fits twice into what a reader may use: SQLite keeps a copy of its own."""

_LARGEST_LOG = 64 << 20
_STEPS = 200_000
_ROUNDS_FOR_A_ROW = 5_000
_LONGEST_VALUE = 64 << 20
_SETTINGS = (
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA query_only=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-8192",
)


def is_database(head: bytes) -> bool:
    """Whether a file begins like an SQLite database."""
    return head.startswith(MAGIC)


class Database:
    """A database in memory."""

    def __init__(self, tree: Tree, file: File) -> None:
        """Read a database, and the log beside it.

        Raises:
            Unreadable: It is too large, or no database that SQLite opens.
        """
        data = _read(tree, file, LARGEST)
        if log := _beside(tree, file, "-wal"):
            _apply(data, _read(tree, log, _LARGEST_LOG))
        if shared := _beside(tree, file, "-shm"):
            tree.opened.add(shared.path)  # nothing but an index of the log
        # What is in memory has no log, and SQLite refuses what says that it has.
        data[18:20] = b"\x01\x01"
        self._rounds = 0
        self._beat: Callable[[], object] = lambda: tree.enter(file.path)
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        try:
            self._open(data)
        except (sqlite3.Error, MemoryError, UnicodeError) as error:
            # The library itself decodes what it says of a broken schema.
            self._connection.close()
            raise Unreadable(_explain(error)) from error

    def _open(self, data: bytearray) -> None:
        connection = self._connection
        connection.deserialize(data)
        data.clear()
        for setting in _SETTINGS:
            connection.execute(setting)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        connection.set_progress_handler(self._step, _STEPS)

    def _step(self) -> bool:
        """Say that the reader is alive; true ends the query."""
        self._rounds += 1
        self._beat()
        return self._rounds > _ROUNDS_FOR_A_ROW

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def columns(self, table: str) -> frozenset[str]:
        """Return the columns of a true table, none where there is no such.

        Raises:
            Unreadable: The database is damaged.
        """
        query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
        made = [str(sql) for (sql,) in self.rows(query, table)]
        # SQLite writes its first words so. `pragma_table_list` would say it too, but it has
        # every view and virtual table of the schema prepared for that.
        if not made or not made[0].startswith("CREATE TABLE "):
            return frozenset()
        named = self.rows("SELECT name FROM pragma_table_info(?)", table)
        return frozenset(str(name) for (name,) in named)

    def rows(self, query: str, *parameters: object) -> Iterator[tuple[object, ...]]:
        """Yield what a query finds; a value may be of any type, whatever its column says.

        Raises:
            Unreadable: The database is damaged, or a row takes too long.
        """
        try:
            cursor = self._connection.execute(query, parameters)
            while (row := cursor.fetchone()) is not None:
                self._rounds = 0
                yield row
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise Unreadable(_explain(error)) from error
        finally:
            self._rounds = 0


def _explain(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it needs more memory than a reader may use"
    if isinstance(error, sqlite3.OperationalError) and "interrupted" in str(error):
        return "a query took too long"
    return "the database is damaged"


def _beside(tree: Tree, file: File, ending: str) -> File | None:
    found = tree.find(file.name + ending, file.path)
    return found if found is not None and found.path == file.path + ending else None


def _read(tree: Tree, file: File, largest: int) -> bytearray:
    """Read a file without ever holding it twice."""
    data = bytearray()
    with tree.open(file.path) as stream:
        while block := stream.read():
            data += block
            if len(data) > largest:
                raise Unreadable(f"it is larger than the {largest >> 20} MiB read at once")
    return data


# --- the log beside (https://www.sqlite.org/fileformat2.html#the_write_ahead_log) ---

_LOG_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_LOG_MAGIC = 0x377F0682


def _apply(data: bytearray, log: bytearray) -> None:
    """Write the pages of all finished transactions of a log into a database."""
    if len(log) < _LOG_HEADER.size:
        return
    magic, _, size, _, salt, pepper, first, second = _LOG_HEADER.unpack_from(log)
    order = {_LOG_MAGIC: "<", _LOG_MAGIC + 1: ">"}.get(magic)
    if order is None or size < 512 or size & (size - 1) or size > 65536:  # noqa: PLR2004 - page sizes there are
        return
    view = memoryview(log)
    sums = _summed(view[:24], (0, 0), order)
    if sums != (first, second):
        return
    waiting: dict[int, int] = {}
    for start in range(_LOG_HEADER.size, len(log) - size - _FRAME.size + 1, size + _FRAME.size):
        page, pages, one, two, first, second = _FRAME.unpack_from(log, start)
        body = start + _FRAME.size
        sums = _summed(view[start : start + 8], sums, order)
        sums = _summed(view[body : body + size], sums, order)
        if (one, two) != (salt, pepper) or sums != (first, second):
            return  # left over from an earlier log, or never finished
        waiting[page] = body
        if pages:
            _commit(data, view, waiting, size, min(pages * size, LARGEST))
            waiting.clear()


def _summed(words: memoryview, sums: tuple[int, int], order: str) -> tuple[int, int]:
    one, two = sums
    numbers = struct.unpack(f"{order}{len(words) // 4}I", words)
    for even, odd in zip(numbers[::2], numbers[1::2], strict=True):
        one = (one + even + two) & 0xFFFFFFFF
        two = (two + odd + one) & 0xFFFFFFFF
    return one, two


def _commit(data: bytearray, log: memoryview, pages: dict[int, int], size: int, whole: int) -> None:
    """Write the pages of one transaction, after which the database has a new length."""
    if len(data) < whole:
        data.extend(bytes(whole - len(data)))
    del data[whole:]
    for page, body in pages.items():
        start = (page - 1) * size
        if 0 <= start <= whole - size:
            data[start : start + size] = log[body : body + size]
