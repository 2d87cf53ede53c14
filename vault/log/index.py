"""What stands beside the records in log.db: pages, tiles, certified devices, absent bodies.

Nothing here is signed, and nothing needs to be: pages, tiles and what is absent can be made
again from the records and are compared with them, and a device's row carries the owner's
certificate.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from eventsourcing.sqlite import SQLiteCursor

from vault.log import checkpoint
from vault.log.certificate import Certificate
from vault.log.envelope import FIXED, HASH_SIZE
from vault.log.merkle import Frontier, Nodes, leaf_hash
from vault.log.soundness import check_tables, is_sound, typed
from vault.log.sqlite import TABLES, SQLiteDCBRecorder, sqlite_errors
from vault.log.verify import SealedPage

__all__ = ["Absent", "Also", "Filled", "Index", "PageRow", "beside"]

Also = Callable[[SQLiteCursor, int], None]
"""What is written in the transaction of an append, given the position of its first record."""

_NAME = "log.db"
_TABLES = (
    """CREATE TABLE page(
        feed BLOB NOT NULL, size INTEGER NOT NULL, entries INTEGER NOT NULL,
        position INTEGER NOT NULL, time INTEGER NOT NULL,
        PRIMARY KEY(feed, size)) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX page_position ON page(position)",
    "CREATE UNIQUE INDEX page_time ON page(time, feed)",
    """CREATE TABLE tile(
        feed BLOB NOT NULL, level INTEGER NOT NULL, number INTEGER NOT NULL, hash BLOB NOT NULL,
        PRIMARY KEY(feed, level, number)) WITHOUT ROWID""",
    """CREATE TABLE device(
        feed BLOB PRIMARY KEY, public_key BLOB NOT NULL, most INTEGER NOT NULL,
        signature BLOB NOT NULL) WITHOUT ROWID""",
)
_ABSENT = (
    # Entries without a body: those that were erased, and those whose body stayed elsewhere.
    """CREATE TABLE absent(
        feed BLOB NOT NULL, seq INTEGER NOT NULL, withheld INTEGER NOT NULL,
        PRIMARY KEY(feed, seq)) WITHOUT ROWID""",
    # Keyed digests of files of mirrors that need no other look; see `vault.mirrors`.
    "CREATE TABLE looked(digest BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID",
)
_MOST_LOOKED = 1 << 16
_MANY = 500
_COLUMNS = "feed, size, entries, position, time"
# What counts in the merged order: a feed up to the size at which its device was revoked.
_COUNTS = """page WHERE size <= coalesce(
    (SELECT most FROM device WHERE device.feed = page.feed), 9223372036854775807)"""


class PageRow(NamedTuple):
    """A page: the feed, its size with this page, the page's entries, where and when it ends."""

    feed: bytes
    size: int
    entries: int
    position: int
    time: int


class Absent(NamedTuple):
    """The numbers of entries of a feed that have no body here, in order."""

    withheld: tuple[int, ...]
    erased: tuple[int, ...]


class Filled(NamedTuple):
    """A body that arrived: feed and number of its entry, its position in log.db, the record."""

    feed: bytes
    seq: int
    position: int
    data: bytes


def _pages(rows: Sequence[tuple[Any, ...]]) -> list[PageRow]:
    return [PageRow(*row) for row in typed(rows, (bytes, int, int, int, int), _NAME)]


class Index:
    """The tables beside the records of one recorder."""

    def __init__(self, recorder: SQLiteDCBRecorder) -> None:
        self._recorder = recorder

    @contextmanager
    def _cursor(self, *, commit: bool = False) -> Iterator[SQLiteCursor]:
        with sqlite_errors(_NAME), self._recorder.datastore.transaction(commit=commit) as cursor:
            yield cursor

    def create(self) -> bool:
        """Make the tables if they are not there, from the records; tell whether it did."""
        with self._cursor(commit=True) as cursor:
            cursor.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'page'")
            if cursor.fetchone()[0]:
                return False
            for statement in (*_TABLES, *_ABSENT):
                cursor.execute(statement)
            self._fill(cursor)
            self._find_absent(cursor)
            return True

    def complete(self) -> None:
        """Add what is known of absent bodies to a file that was made without: all were erased."""
        missing = "SELECT count(*) FROM sqlite_schema WHERE name = 'absent'"
        with self._cursor() as cursor:
            cursor.execute(missing)
            if cursor.fetchone()[0]:
                return
        with self._cursor(commit=True) as cursor:
            cursor.execute(missing)
            if not cursor.fetchone()[0]:
                for statement in _ABSENT:
                    cursor.execute(statement)
                self._find_absent(cursor)

    @staticmethod
    def _find_absent(cursor: SQLiteCursor) -> None:
        cursor.execute(
            "SELECT CAST(substr(data, 1, ?1) AS BLOB) FROM event "
            "WHERE type <> ?2 AND length(data) = ?3 + length(type)",
            [FIXED.size, checkpoint.TOPIC, FIXED.size + HASH_SIZE],
        )
        heads = [FIXED.unpack(head) for (head,) in cursor.fetchall() if len(head) == FIXED.size]
        Index.note_erased(cursor, [(head[2], head[3]) for head in heads])

    def check_tables(self) -> None:
        """Check that log.db has the tables that were made.

        Raises:
            TamperError: It has others.
        """
        with self._cursor() as cursor:
            check_tables(cursor, _NAME, (*TABLES, *_TABLES, *_ABSENT))

    def is_sound(self) -> bool:
        """Tell whether SQLite finds log.db whole."""
        with self._cursor() as cursor:
            return is_sound(cursor)

    def _fill(self, cursor: SQLiteCursor) -> None:
        """Take in records that were there before: those of the one feed of format 1."""
        frontier, leaves, last = Frontier(), list[bytes](), 0
        fixed: tuple[Any, ...] = ()
        while True:
            cursor.execute(
                "SELECT position, type, CAST(data AS BLOB) FROM event WHERE position > ? "
                "ORDER BY position LIMIT 1000",
                [last],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            for position, topic, data in rows:
                last = position
                if topic != checkpoint.TOPIC:
                    fixed = FIXED.unpack_from(data)
                    leaves.append(leaf_hash(data[: FIXED.size + fixed[1] + HASH_SIZE]))
                    continue
                tiles = frontier.extend(leaves)
                row = PageRow(fixed[2], frontier.size, len(leaves), position, fixed[4])
                self.insert(cursor, row, tiles)
                leaves = []

    @staticmethod
    def insert(cursor: SQLiteCursor, page: PageRow, tiles: Iterable[Nodes]) -> None:
        """Add a page and the subtrees that it completes, inside an append."""
        cursor.execute("INSERT OR REPLACE INTO page VALUES(?, ?, ?, ?, ?)", page)
        for level, first, hashes in tiles:
            cursor.executemany(
                "INSERT OR REPLACE INTO tile VALUES(?, ?, ?, ?)",
                [(page.feed, level, first + i, hash_) for i, hash_ in enumerate(hashes)],
            )

    @staticmethod
    def certify(cursor: SQLiteCursor, certificates: Iterable[Certificate]) -> None:
        """Store certificates inside an append."""
        cursor.executemany(
            "INSERT OR REPLACE INTO device VALUES(?, ?, ?, ?)",
            [(c.feed, c.public_key, c.most, c.signature) for c in certificates],
        )

    def store(self, certificates: Iterable[Certificate]) -> None:
        """Put certificates in the place of what was known of their devices."""
        with self._cursor(commit=True) as cursor:
            self.certify(cursor, certificates)

    def recertify(self, certificates: Iterable[Certificate]) -> None:
        """Replace all certificates, for a new owner key."""
        with self._cursor(commit=True) as cursor:
            cursor.execute("DELETE FROM device")
            self.certify(cursor, certificates)

    def certificates(self) -> list[Certificate]:
        """Return the certificates of all devices; nobody has checked them yet."""
        with self._cursor() as cursor:
            cursor.execute("SELECT public_key, most, signature FROM device ORDER BY feed")
            rows = typed(cursor.fetchall(), (bytes, int, bytes), _NAME)
            return [Certificate(*row) for row in rows]

    def newest(self, feeds: Iterable[bytes], position: int) -> list[PageRow]:
        """Return the newest page of every feed that has one, up to a position of log.db."""
        found = []
        with self._cursor() as cursor:
            for feed in feeds:
                cursor.execute(
                    f"SELECT {_COLUMNS} FROM page WHERE feed = ? AND position <= ? "  # noqa: S608 - constants
                    "ORDER BY size DESC LIMIT 1",
                    [feed, position],
                )
                found += _pages(cursor.fetchall())
        return found

    def holding(self, feed: bytes, seq: int) -> PageRow | None:
        """Return the page that holds an entry."""
        return self._one("feed = ? AND size > ? ORDER BY size LIMIT 1", feed, seq)

    def ending(self, feed: bytes, size: int) -> PageRow | None:
        """Return the page with which a feed reached a size."""
        return self._one("feed = ? AND size = ?", feed, size)

    def at(self, position: int) -> PageRow | None:
        """Return the page that ends at a position of log.db."""
        return self._one("position = ?", position)

    def over(self, position: int) -> PageRow | None:
        """Return the page that holds a position of log.db."""
        return self._one("position >= ? ORDER BY position LIMIT 1", position)

    def _one(self, where: str, *values: bytes | int) -> PageRow | None:
        with self._cursor() as cursor:
            cursor.execute(f"SELECT {_COLUMNS} FROM page WHERE {where}", values)  # noqa: S608 - constants
            row = cursor.fetchone()
            return _pages([row])[0] if row else None

    def count_pages(self, position: int) -> int:
        """Return how many pages the index has up to a position of log.db, or behind its end."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM page WHERE position <= ? "
                "OR position > (SELECT coalesce(max(position), 0) FROM event)",
                [position],
            )
            return int(cursor.fetchone()[0])

    def between(self, feed: bytes, first: int, last: int) -> list[PageRow]:
        """Return the pages of a feed that hold any entry from one number to another."""
        with self._cursor() as cursor:
            cursor.execute(
                f"SELECT {_COLUMNS} FROM page WHERE feed = ? AND size > ? AND size - entries < ? "  # noqa: S608 - constants
                "ORDER BY size",
                [feed, first, last],
            )
            return _pages(cursor.fetchall())

    # Entries without a body.

    @staticmethod
    def note_erased(cursor: SQLiteCursor, entries: Iterable[tuple[bytes, int]]) -> None:
        """Note that entries, by feed and number, are erased, inside the change of their rows."""
        cursor.executemany("INSERT OR REPLACE INTO absent VALUES(?, ?, 0)", entries)

    @staticmethod
    def note_absent(cursor: SQLiteCursor, feed: bytes, absent: Absent) -> None:
        """Note that entries came without their bodies, inside an append."""
        for withheld, numbers in enumerate((absent.erased, absent.withheld)):
            cursor.executemany(
                "INSERT OR REPLACE INTO absent VALUES(?, ?, ?)",
                [(feed, seq, withheld) for seq in numbers],
            )

    def absent(self, feed: bytes, first: int, last: int) -> Absent:
        """Return which entries of a feed from a number up to, not with, another have no body."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT seq, withheld FROM absent WHERE feed = ? AND seq >= ? AND seq < ? "
                "ORDER BY seq",
                [feed, first, last],
            )
            rows = typed(cursor.fetchall(), (int, int), _NAME)
        return Absent(
            tuple(seq for seq, withheld in rows if withheld),
            tuple(seq for seq, withheld in rows if not withheld),
        )

    def withheld(self, feed: bytes, numbers: Sequence[int]) -> set[int]:
        """Return which entries of a feed have their bodies elsewhere."""
        found: set[int] = set()
        with self._cursor() as cursor:
            for start in range(0, len(numbers), _MANY):
                part = numbers[start : start + _MANY]
                cursor.execute(
                    "SELECT seq FROM absent WHERE withheld = 1 AND feed = ? "  # noqa: S608 - placeholders only
                    f"AND seq IN ({','.join('?' * len(part))})",
                    [feed, *part],
                )
                found.update(seq for (seq,) in cursor.fetchall())
        return found

    def count_withheld(self) -> int:
        """Return how many entries have their bodies elsewhere."""
        with self._cursor() as cursor:
            cursor.execute("SELECT coalesce(sum(withheld), 0) FROM absent")
            return int(cursor.fetchone()[0])

    def fill(self, filled: Iterable[Filled]) -> set[int]:
        """Put bodies where they were withheld; return the numbers of the entries.

        What another process filled in or erased meanwhile stays as it is. Followers see the
        change as another order (`fillings`), which is of the same transaction.
        """
        done: set[int] = set()
        with self._cursor(commit=True) as cursor:
            for feed, seq, position, data in filled:
                cursor.execute(
                    "DELETE FROM absent WHERE feed = ? AND seq = ? AND withheld = 1", [feed, seq]
                )
                if cursor.sqlite_cursor.rowcount == 1:
                    cursor.execute("UPDATE event SET data = ? WHERE position = ?", [data, position])
                    done.add(seq)
            if done:
                cursor.execute("PRAGMA user_version")
                cursor.execute(f"PRAGMA user_version = {int(cursor.fetchone()[0]) + 1}")
        return done

    def fillings(self) -> int:
        """Return how many times bodies were filled in."""
        with self._cursor() as cursor:
            cursor.execute("PRAGMA user_version")
            return int(cursor.fetchone()[0])

    def sizes(self, feed: bytes) -> set[int]:
        """Return the sizes at which pages of a feed end, and 0."""
        with self._cursor() as cursor:
            cursor.execute("SELECT size FROM page WHERE feed = ?", [feed])
            return {0, *(size for (size,) in cursor.fetchall())}

    def weight(self, feed: bytes, first: int, last: int, most: int) -> int:
        """Return how many bytes the records between two sizes of a feed have, as far as `most`."""
        total = 0
        for page in self.between(feed, first, last):
            with self._cursor() as cursor:
                cursor.execute(
                    "SELECT sum(length(data)) FROM event WHERE position BETWEEN ? AND ?",
                    [page.position - page.entries, page.position],
                )
                total += int(cursor.fetchone()[0] or 0)
            if total >= most:
                break
        return total

    # What needs no other look.

    def looked(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return which of these digests are remembered."""
        found: set[bytes] = set()
        with self._cursor() as cursor:
            for digest in digests:
                cursor.execute("SELECT digest FROM looked WHERE digest = ?", [digest])
                found.update(digest for (digest,) in cursor.fetchall())
        return found

    def look(self, digests: Sequence[bytes]) -> None:
        """Remember digests; when they are very many, forget those of before."""
        with self._cursor(commit=True) as cursor:
            cursor.execute("SELECT count(*) FROM looked")
            if int(cursor.fetchone()[0]) > _MOST_LOOKED:
                cursor.execute("DELETE FROM looked")
            cursor.executemany("INSERT OR IGNORE INTO looked VALUES(?)", [(d,) for d in digests])

    def late(self) -> int:
        """Return where the last page ends that came late, 0 where none did.

        A page comes late if one that sorts after it was there before.
        """
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(max(position), 0) FROM (SELECT position, time, max(time) "
                "OVER (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) "
                "AS before FROM page) WHERE time <= before"
            )
            return int(cursor.fetchone()[0])

    def excluded(self) -> int:
        """Return how many pages do not count, because their device was revoked before."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(sum((SELECT count(*) FROM page "
                "WHERE page.feed = device.feed AND page.size > device.most)), 0) FROM device"
            )
            return int(cursor.fetchone()[0])

    def merged(self) -> Iterator[PageRow]:
        """Yield the pages that count in merged order: by time, then by feed."""
        after: tuple[int, bytes] = (-1, b"")
        while True:
            with self._cursor() as cursor:
                cursor.execute(
                    f"SELECT {_COLUMNS} FROM {_COUNTS} AND (time, feed) > (?, ?) "  # noqa: S608 - constants
                    "ORDER BY time, feed LIMIT 1000",
                    after,
                )
                rows = _pages(cursor.fetchall())
            yield from rows
            if not rows:
                return
            after = (rows[-1].time, rows[-1].feed)

    def records_before(self, page: PageRow) -> int:
        """Return how many records stand before a page in merged order."""
        with self._cursor() as cursor:
            cursor.execute(
                f"SELECT coalesce(sum(entries + 1), 0) FROM {_COUNTS} AND (time, feed) < (?, ?)",  # noqa: S608 - constants
                [page.time, page.feed],
            )
            return int(cursor.fetchone()[0])

    def length(self) -> int:
        """Return how many records there are in merged order."""
        with self._cursor() as cursor:
            cursor.execute(f"SELECT coalesce(sum(entries + 1), 0) FROM {_COUNTS}")  # noqa: S608 - constants
            return int(cursor.fetchone()[0])

    def tiles(self, feed: bytes, level: int, first: int, last: int) -> list[bytes]:
        """Return the roots of complete subtrees from a number up to, not with, another."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT hash FROM tile WHERE feed = ? AND level = ? AND number >= ? AND number < ? "
                "ORDER BY number",
                [feed, level, first, last],
            )
            return [hash_ for (hash_,) in cursor.fetchall()]

    def leaves(self, positions: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the leaf hashes of the entries in ranges of positions, both ends included."""
        found: list[bytes] = []
        most = FIXED.size + 255 + HASH_SIZE
        with self._cursor() as cursor:
            for first, last in positions:
                cursor.execute(
                    "SELECT CAST(substr(data, 1, ?) AS BLOB) FROM event "
                    "WHERE position BETWEEN ? AND ? ORDER BY position",
                    [most, first, last],
                )
                found += [
                    leaf_hash(head[: FIXED.size + head[1] + HASH_SIZE])
                    for (head,) in cursor.fetchall()
                ]
        return found


def beside(
    pages: Sequence[tuple[SealedPage, int]],
    certificates: Sequence[Certificate] = (),
    absent: Absent | None = None,
) -> Also:
    """Return what writes pages' rows of the index in the transaction of their append.

    Args:
        pages: The pages, each with the number of its entries.
        certificates: What the owner says of devices from there on.
        absent: Which of the entries, all of one feed, have no body.
    """

    def write(cursor: SQLiteCursor, start: int) -> None:
        end = start - 1
        for page, count in pages:
            end += count + 1
            size, time = page.trail.frontier.size, page.trail.time
            Index.insert(cursor, PageRow(page.feed, size, count, end, time), page.tiles)
        if absent is not None:
            Index.note_absent(cursor, pages[0][0].feed, absent)
        Index.certify(cursor, certificates)

    return write
