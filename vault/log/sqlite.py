"""A DCB recorder on the standard library's SQLite.

`eventsourcing` ships recorders for its dynamic consistency boundary (DCB) in memory and on
PostgreSQL only; this one passes the library's own test cases. Writers begin at once
(`BEGIN IMMEDIATE`): a deferred transaction that reads and then writes would fail under
contention. Rows are append-only; triggers let nothing happen to them but two things: that
the end of an entry is cut off, which is how an erased body goes, and that a body comes to
where there is none, which is how one arrives that was withheld.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBReadResponse,
    DCBRecorder,
    DCBSequencedEvent,
)
from eventsourcing.dcb.persistence import DCBListenNotifySubscription
from eventsourcing.persistence import IntegrityError, PersistenceError, ProgrammingError
from eventsourcing.sqlite import (
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteRecorder,
    SQLiteTransaction,
)

from vault import points
from vault.disk import make_private
from vault.errors import StorageError, TamperError, VaultError

__all__ = [
    "PRAGMAS",
    "TABLES",
    "Datastore",
    "SQLiteDCBRecorder",
    "Subscription",
    "open_log",
    "sqlite_errors",
    "truncate_wal",
]

PRAGMAS = (
    "synchronous=FULL",
    "secure_delete=ON",
    "trusted_schema=OFF",
    "cell_size_check=ON",
    "temp_store=MEMORY",
)
"""What every connection of the vault sets: durable, leaving no residue, trusting no schema."""

_LOCK_TIMEOUT = 60
_PAGE = 1000
_PART = 16
_HELD = 8 << 20
# As long as a header and the hash behind it can be, and what stands for the rest.
_HEAD, _TAIL = 70 + 255 + 32, 32
_BLINDED = 32
_HALF = 1 << 63
_SEPARATOR = "\x1f"
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_TRUNCATE_TRIES = 20
# SQLite would give back text where somebody stored text in the place of bytes.
_COLUMNS = "position, type, tags, CAST(data AS BLOB)"
_LARGE_PAGES = "page_size=16384"  # entries come by the hundred KB: fewer frames to write
# Tags are random, so every one of a thousand new ones dirties another page of a large index.
# They gather in a small one and move by the thousands to a larger one, from there by the
# hundred thousand to the largest: what an entry costs hardly grows with the log.
_LEVELS = (("new_tag", "mid_tag", 1 << 13), ("mid_tag", "tag", 1 << 17))
_TAG_TABLES = ("tag", "mid_tag", "new_tag")
_APPEND_ONLY = "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
# The hash of a body that is not here ends an entry: 70 bytes of header, the topic, 32 of hash.
_ONLY_CUT = f"""CREATE TRIGGER event_only_cut BEFORE UPDATE ON event
        WHEN NOT (NEW.position = OLD.position AND NEW.type = OLD.type AND NEW.tags = OLD.tags
                  AND (NEW.data = substr(OLD.data, 1, length(NEW.data))
                       OR length(OLD.data) = 102 + length(OLD.type)
                       AND substr(NEW.data, 1, length(OLD.data)) = OLD.data)) {_APPEND_ONLY}"""
_INDEX = "hash INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(hash, position)"
_MIDDLE = [
    f"CREATE TABLE mid_tag({_INDEX}) WITHOUT ROWID",
    """CREATE VIEW any_tag AS SELECT hash, position FROM tag
        UNION ALL SELECT hash, position FROM mid_tag
        UNION ALL SELECT hash, position FROM new_tag""",
]
TABLES = [
    """CREATE TABLE event(
        position INTEGER PRIMARY KEY, type TEXT NOT NULL, tags TEXT NOT NULL, data BLOB NOT NULL)""",
    f"CREATE TABLE tag({_INDEX}) WITHOUT ROWID",
    f"CREATE TABLE new_tag({_INDEX}) WITHOUT ROWID",
    *_MIDDLE,
    _ONLY_CUT,
    f"CREATE TRIGGER event_not_deleted BEFORE DELETE ON event {_APPEND_ONLY}",
]


@contextmanager
def sqlite_errors(what: str) -> Iterator[None]:
    """Turn SQLite's and the library's errors into ours.

    Raises:
        StorageError: The disk refused, or another process held the file for too long.
        TamperError: The file is damaged.
    """
    try:
        yield
    except (sqlite3.Error, PersistenceError) as error:
        raise _ours(what, error) from error
    except (UnicodeDecodeError, OverflowError):
        # What the library says of a damaged schema is no text, and a number is no number.
        raise TamperError(f"{what} is damaged.") from None


def _ours(what: str, error: BaseException) -> VaultError:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, sqlite3.Error):
        cause = cause.__cause__
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    undecodable = not code and "decode to UTF-8" in str(cause)
    if code in _DAMAGED or undecodable:
        return TamperError(f"{what} is damaged: {cause}.")
    # SQL errors (no such table) mean that the file is not what was written.
    if code == sqlite3.SQLITE_ERROR:
        return TamperError(f"{what} is not as it was written: {cause}.")
    return StorageError(f"{what} could not be used: {cause or error}.")


def truncate_wal(execute: Any, what: str) -> None:  # noqa: ANN401 - a bound `execute` of either cursor
    """Empty a write-ahead log, so that nothing deleted lives on in it.

    Raises:
        StorageError: A reader in another process still needs it.
    """
    for attempt in range(_TRUNCATE_TRIES):
        row = execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not row[0]:
            return
        time.sleep(0.01 * (attempt + 1))
    raise StorageError(
        f"{what} is being read by another process, so erased bytes are still in its "
        "write-ahead log; close other programs that use this vault and open it again."
    )


class _Transaction(SQLiteTransaction):
    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        return cursor


class _Connection(SQLiteConnection):
    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        with _Transaction(self, commit=commit) as cursor, cursor:
            yield cursor


class _Pool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()._sqlite_conn  # noqa: SLF001 - the library's seam
        connection.row_factory = None
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return _Connection(connection, self.max_age)


class Datastore(SQLiteDatastore):
    """The library's datastore with our pragmas on every connection."""

    def __init__(self, db_name: str) -> None:  # builds its own pool instead of the parent's
        self.pool = _Pool(db_name=db_name, lock_timeout=_LOCK_TIMEOUT)
        self.single_row_tracking = True
        self.originator_id_type = "text"


class _Response(DCBReadResponse):
    def __init__(self, events: Iterator[DCBSequencedEvent], head: int | None) -> None:
        self._events = events
        self._head = head

    @property
    def head(self) -> int | None:
        return self._head

    def __next__(self) -> DCBSequencedEvent:
        return next(self._events)


_Row = tuple[int, str, str, bytes]
_OUTLINE = f"""CAST(CASE WHEN length(data) > {_HEAD + _TAIL}
    THEN substr(data, 1, {_HEAD}) || substr(data, -{_TAIL}) ELSE data END AS BLOB)"""


def _held(cursor: sqlite3.Cursor) -> list[_Row]:
    """Return rows that a query still has, until they are as large as may be held together."""
    rows: list[_Row] = []
    size = 0
    while size < _HELD and (part := cursor.fetchmany(_PART)):
        rows += part
        size += sum([len(data or b"") for *_, data in part])  # a damaged row may hold nothing
    return rows


def _hash(tag: str) -> int:
    """Return the integer under which a tag is indexed; blinded ones are random already."""
    if len(tag) == _BLINDED:
        try:
            return int(tag[:16], 16) - _HALF
        except ValueError:
            pass
    return int.from_bytes(blake2b(tag.encode(), digest_size=8).digest(), "big") - _HALF


def _where(query: DCBQuery | None, after: int) -> tuple[str, list[Any]]:
    """Return SQL for "behind a position, and matching any item of the query"."""
    arguments: list[Any] = [after]
    alternatives: list[str] = []
    for item in query.items if query else ():
        parts: list[str] = []
        if item.types:
            parts.append(f"type IN ({','.join('?' * len(item.types))})")
            arguments += item.types
        for tag in item.tags:
            # The index narrows down by hash; the stored tags decide.
            parts.append(
                "position IN (SELECT position FROM any_tag WHERE hash = ? AND position > ?) "
                "AND instr(char(31) || tags || char(31), char(31) || ? || char(31))"
            )
            arguments += [_hash(tag), after, tag]
        alternatives.append(" AND ".join(parts) or "1")
    sql = "position > ?"
    return (f"{sql} AND ({' OR '.join(alternatives)})" if alternatives else sql), arguments


def _rows(cursor: SQLiteCursor, query: DCBQuery | None, after: int, limit: int) -> list[_Row]:
    where, arguments = _where(query, after)
    cursor.execute(
        f"SELECT {_COLUMNS} FROM event WHERE {where} ORDER BY position LIMIT ?",  # noqa: S608 - placeholders only
        [*arguments, limit],
    )
    rows: list[_Row] = cursor.fetchall()
    return rows


def _head(cursor: SQLiteCursor) -> int | None:
    cursor.execute("SELECT max(position) FROM event")
    head: int | None = cursor.fetchone()[0]
    return head


class SQLiteDCBRecorder(DCBRecorder, SQLiteRecorder):
    """Events and the index of their tags, in one SQLite file."""

    def __init__(self, datastore: Datastore) -> None:
        super().__init__(datastore)
        self._listeners: set[threading.Event] = set()

    def create_table(self) -> None:
        """Make the tables, unless they are there; their schema goes in whole."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'event'")
            if not cursor.fetchone()[0]:
                for statement in TABLES:
                    cursor.execute(statement)

    def complete_table(self) -> None:
        """Add the middle of the index, and the newer trigger, to a file that was made without."""
        missing = (
            "SELECT count(*) FROM sqlite_schema WHERE name = 'any_tag' AND NOT EXISTS "
            "(SELECT 1 FROM sqlite_schema WHERE name = 'mid_tag')"
        )
        older = (
            "SELECT count(*) FROM sqlite_schema "
            "WHERE name = 'event_only_cut' AND instr(sql, 'length(OLD.type)') = 0"
        )
        self._change_if(missing, ("DROP VIEW any_tag", *_MIDDLE))
        self._change_if(older, ("DROP TRIGGER event_only_cut", _ONLY_CUT))

    def _change_if(self, question: str, statements: Sequence[str]) -> None:
        for commit in (False, True):  # nobody waits for a lock where nothing is to be done
            with self.datastore.transaction(commit=commit) as cursor:
                cursor.execute(question)
                if not cursor.fetchone()[0]:
                    return
                for statement in statements if commit else ():
                    cursor.execute(statement)

    def read(
        self,
        query: DCBQuery | None = None,
        *,
        after: int | None = None,
        limit: int | None = None,
    ) -> DCBReadResponse:
        """Read events as they are now; rows are fetched by the thousand, in short transactions."""
        batch = _PAGE if limit is None else min(limit, _PAGE)
        with self.datastore.transaction(commit=False) as cursor:
            head = _head(cursor)
            first = _rows(cursor, query, after or 0, batch)
        end = head or 0
        if limit is not None and limit <= _PAGE:
            head = first[-1][0] if first else None
        return _Response(self._stream(query, first, end, limit), head)

    def _stream(
        self, query: DCBQuery | None, rows: list[_Row], end: int, limit: int | None
    ) -> Iterator[DCBSequencedEvent]:
        """Yield rows up to the position that was the end when reading began."""
        left = limit
        while True:
            for position, topic, tags, data in rows:
                if position > end:
                    return
                yield DCBSequencedEvent(
                    DCBEvent(topic, data, tags.split(_SEPARATOR) if tags else []), position
                )
            left = None if left is None else left - len(rows)
            if len(rows) < _PAGE or left == 0:
                return
            with self.datastore.transaction(commit=False) as cursor:
                batch = _PAGE if left is None else min(left, _PAGE)
                rows = _rows(cursor, query, rows[-1][0], batch)

    def append(
        self,
        events: Sequence[DCBEvent],
        condition: DCBAppendCondition | None = None,
        also: Callable[[SQLiteCursor, int], None] | None = None,
    ) -> int:
        """Append events in one transaction, unless the condition's query finds something.

        Args:
            events: At least one.
            condition: What must not have happened.
            also: Writes what stands beside the events, given the position of the first.
        """
        if not events:
            raise ProgrammingError("Should be at least one event")
        with self.datastore.transaction(commit=True) as cursor:
            head = _head(cursor) or 0
            if condition is not None:
                after = condition.after or 0
                # Who has seen more than there is stands on a log that was cut back.
                if after > head or _rows(cursor, condition.fail_if_events_match, after, 1):
                    raise IntegrityError(condition)
            start = head + 1
            join = _SEPARATOR.join
            rows = [(at, e.type, join(e.tags), e.data) for at, e in enumerate(events, start)]
            tags = [(_hash(tag), at) for at, e in enumerate(events, start) for tag in e.tags]
            self._insert(cursor, rows, tags)
            if also is not None:
                also(cursor, start)
            points.reached("log.written")
        self._tell()
        return start + len(events) - 1

    def append_rows(self, rows: Sequence[_Row], also: Callable[[SQLiteCursor, int], None]) -> None:
        """Append rows of one tag each, unless the log does not end right before the first.

        Args:
            rows: Position, type, tag and data of each.
            also: Writes what stands beside them, given the position of the first.

        Raises:
            IntegrityError: It ends elsewhere; nothing was appended.
        """
        with self.datastore.transaction(commit=True) as cursor:
            start = rows[0][0]
            if (_head(cursor) or 0) != start - 1:
                raise IntegrityError(start)
            self._insert(cursor, rows, [(_hash(tag), position) for position, _, tag, _ in rows])
            also(cursor, start)
            points.reached("log.written")
        self._tell()

    def _tell(self) -> None:
        points.reached("log.committed")
        for listener in list(self._listeners):
            listener.set()

    @staticmethod
    def _insert(
        cursor: SQLiteCursor, rows: Sequence[_Row], tags: Sequence[tuple[int, int]]
    ) -> None:
        start = rows[0][0]
        cursor.executemany("INSERT INTO event VALUES(?, ?, ?, ?)", rows)
        cursor.executemany("INSERT OR IGNORE INTO new_tag VALUES(?, ?)", tags)
        for small, large, size in _LEVELS:
            if start // size != (start + len(rows)) // size:
                cursor.execute(
                    f"INSERT INTO {large} SELECT hash, position FROM {small} ORDER BY hash"  # noqa: S608 - constants
                )
                cursor.execute(f"DELETE FROM {small}")  # noqa: S608 - constants

    def subscribe(
        self, query: DCBQuery | None = None, *, after: int | None = None
    ) -> "Subscription":
        """Follow events as this process appends them."""
        return Subscription(self, query, after)

    def listen(self, event: threading.Event) -> None:
        """Set a flag whenever something is appended."""
        self._listeners.add(event)

    def unlisten(self, event: threading.Event) -> None:
        """Set it no more."""
        self._listeners.discard(event)

    def end(self) -> int:
        """Return the last position, 0 where there is none."""
        with sqlite_errors("log.db"), self.datastore.transaction(commit=False) as cursor:
            return _head(cursor) or 0

    def rows(self, after: int, end: int) -> Iterator[_Row]:
        """Return plain rows up to a position, fetched as they are read.

        At most a thousand, and some megabytes, are in memory together.
        """
        return chain.from_iterable(self._batches(after, end))

    def _batches(self, after: int, end: int) -> Iterator[list[_Row]]:
        while after < end:
            with sqlite_errors("log.db"), self.datastore.transaction(commit=False) as cursor:
                cursor.execute(
                    f"SELECT {_COLUMNS} FROM event "  # noqa: S608 - a constant
                    "WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
                    [after, end, _PAGE],
                )
                rows = _held(cursor.sqlite_cursor)
            if not rows:
                return
            yield rows
            after = rows[-1][0]
            del rows

    def extent(self, tags: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return the first and last position under each tag that has any."""
        found: dict[str, tuple[int, int]] = {}
        by_hash = {_hash(tag): tag for tag in tags}
        hashes = list(by_hash)
        with self.datastore.transaction(commit=False) as cursor:
            for start in range(0, len(hashes), _PAGE):
                part = hashes[start : start + _PAGE]
                cursor.execute(
                    "SELECT hash, min(position), max(position) FROM any_tag "  # noqa: S608 - placeholders only
                    f"WHERE hash IN ({','.join('?' * len(part))}) GROUP BY hash",
                    part,
                )
                found.update(
                    (by_hash[key], (first, last)) for key, first, last in cursor.fetchall()
                )
        return found

    def at(
        self, positions: Iterable[int], *, outlines: bool = False
    ) -> dict[int, tuple[str, bytes]]:
        """Return topic and data of the records at positions.

        Args:
            positions: Which.
            outlines: Of a long body its beginning and its last bytes alone: enough to tell
                what it is and that it is there, however large it is.
        """
        data = _OUTLINE if outlines else "CAST(data AS BLOB)"
        wanted = list(positions)
        found: dict[int, tuple[str, bytes]] = {}
        with self.datastore.transaction(commit=False) as cursor:
            for start in range(0, len(wanted), _PAGE):
                part = wanted[start : start + _PAGE]
                cursor.execute(
                    f"SELECT position, type, {data} FROM event "  # noqa: S608 - placeholders only
                    f"WHERE position IN ({','.join('?' * len(part))})",
                    part,
                )
                found.update(
                    (position, (topic, data)) for position, topic, data in cursor.fetchall()
                )
        return found

    def count_indexed(self, pairs: Sequence[tuple[str, int]]) -> int:
        """Return how many of these (tag, position) the index holds."""
        if not pairs:
            return 0
        values = ",".join(["(?, ?)"] * len(pairs))
        # Joined with the view, SQLite would not use the indexes.
        counts = "+".join(
            f"(SELECT count(*) FROM pair JOIN {table} USING (hash, position))"  # noqa: S608 - constants
            for table in _TAG_TABLES
        )
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(
                f"WITH pair(hash, position) AS (VALUES {values}) SELECT {counts}",
                [value for tag, position in pairs for value in (_hash(tag), position)],
            )
            count: int = cursor.fetchone()[0]
            return count

    def index_size(self, end: int) -> int:
        """Return the number of rows in the index of tags up to a position."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT count(*) FROM any_tag WHERE position <= ?", [end])
            count: int = cursor.fetchone()[0]
            return count

    def cut(
        self,
        kept: Sequence[tuple[int, bytes]],
        also: Callable[[SQLiteCursor], None] | None = None,
    ) -> None:
        """Keep only the given beginnings of records.

        Args:
            kept: Position and beginning of each.
            also: Writes what stands beside the records, in the same transaction.
        """
        with self.datastore.transaction(commit=True) as cursor:
            cursor.executemany(
                "UPDATE event SET data = ?2 WHERE position = ?1 AND data <> ?2", kept
            )
            if also is not None:
                also(cursor)

    def truncate_wal(self) -> None:
        """Empty the write-ahead log.

        Raises:
            StorageError: A reader in another process still needs it.
        """
        with self.datastore.get_connection(commit=True) as connection, connection.cursor() as raw:
            truncate_wal(raw.execute, "log.db")

    @contextmanager
    def written_once(self) -> Iterator[None]:
        """Write every page of the file once, not into a write-ahead log first.

        For a file that only this process has open. A transaction is as durable as ever; whoever
        opens the file after a crash opens it with a write-ahead log again.
        """
        self._journal("DELETE")
        try:
            yield
        finally:
            self._journal("WAL")

    def _journal(self, mode: str) -> None:
        with self.datastore.get_connection(commit=True) as connection, connection.cursor() as raw:
            raw.execute(f"PRAGMA journal_mode={mode}")


class Subscription(DCBListenNotifySubscription[SQLiteDCBRecorder]):
    """Events as they are appended by this process."""

    def __init__(
        self, recorder: SQLiteDCBRecorder, query: DCBQuery | None, after: int | None
    ) -> None:
        super().__init__(recorder, query, after)
        recorder.listen(self._has_been_notified)
        # What was appended between the first pull and listening is waiting to be pulled.
        self._has_been_notified.set()

    def stop(self) -> None:
        """End the subscription."""
        super().stop()
        self._recorder.unlisten(self._has_been_notified)


def open_log(path: Path, *, create: bool = False) -> SQLiteDCBRecorder:
    """Open the recorder on a file, or make it.

    Raises:
        StorageError: The disk refused.
        TamperError: The file is damaged or gone.
    """
    if not create and (not path.is_file() or not path.stat().st_size):
        raise TamperError(f"{path.name} is missing from the vault's folder, or empty.")
    if create:
        make_private(path)
        with sqlite_errors(path.name), closing(sqlite3.connect(path)) as empty:
            empty.execute(f"PRAGMA {_LARGE_PAGES}")
            empty.execute("PRAGMA journal_mode=WAL")
    with sqlite_errors(path.name):
        recorder = SQLiteDCBRecorder(Datastore(os.fspath(path.absolute())))
        if create:
            recorder.create_table()
        else:
            recorder.complete_table()
    return recorder
