"""keys.db: wrapped data keys in a file of their own, so that they can be destroyed.

Data keys lie in pages, one for every scope of an appended page: a row for every key cost
five times as much. A page is sealed under its scope's key, or to the owner's public key by
a writer that may not read. Pages are numbered by feed; numbers count up and are never
reused: an id predicted from the log once bricked a prototype after a crash. Names of scopes
are blinded before they come here.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from vault import points
from vault.disk import make_private
from vault.errors import TamperError
from vault.log.soundness import check_tables, is_sound, typed
from vault.log.sqlite import PRAGMAS, sqlite_errors, truncate_wal

__all__ = ["TO_OWNER", "KeyPage", "KeyStore", "PageId", "Scope", "StaleScope"]

TO_OWNER = 0
"""The scope of pages that are sealed to the owner's public key."""

_MANY = 500
_CREATE = (
    """CREATE TABLE scope(
        id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE, wrapped BLOB NOT NULL)""",
    """CREATE TABLE key_page(
        feed BLOB NOT NULL, id INTEGER NOT NULL, scope INTEGER NOT NULL, wrapped BLOB NOT NULL,
        PRIMARY KEY(feed, id))""",
    "CREATE INDEX key_page_scope ON key_page(scope)",
    "CREATE TABLE issued(feed BLOB PRIMARY KEY, last INTEGER NOT NULL)",
    "CREATE TABLE mark(name TEXT PRIMARY KEY, position INTEGER NOT NULL)",
)

PageId = tuple[bytes, int]
"""A key page: the feed whose entries it opens, and its number there."""


class StaleScope(Exception):
    """A scope's key was replaced by another process; read it again."""


class Scope(NamedTuple):
    """The key of a scope: its blinded name, and the wrapped key."""

    name: bytes
    wrapped: bytes


class KeyPage(NamedTuple):
    """One row: which scope's key opens it, and the wrapped keys."""

    scope: int
    wrapped: bytes


class KeyStore:
    """Rows of wrapped keys; what is in them it cannot read."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        if not create and (not path.is_file() or not path.stat().st_size):
            raise TamperError(f"{path.name} is missing from the vault's folder, or empty.")
        if create:
            make_private(path)
        self._name = path.name
        with self._errors():
            self._db = sqlite3.connect(
                os.fspath(path), timeout=60, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode=WAL")
            for pragma in PRAGMAS:
                self._db.execute(f"PRAGMA {pragma}")
        if create:
            with self._writing() as db:
                for statement in _CREATE:
                    db.execute(statement)

    def upgrade(self, feed: bytes) -> None:
        """Turn keys.db of format 1, whose only feed is named, into this format."""
        with self._writing() as db:
            if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'page'").fetchone():
                return
            for statement in _CREATE[1:4]:
                db.execute(statement)
            db.execute("INSERT INTO key_page SELECT ?, id, scope, wrapped FROM page", (feed,))
            db.execute(
                "INSERT INTO issued SELECT ?, seq FROM sqlite_sequence WHERE name = 'page'", (feed,)
            )
            db.execute("DROP TABLE page")
        points.reached("keys.upgraded")

    def check_tables(self) -> None:
        """Check that the file has the tables that were made.

        Raises:
            TamperError: It has others.
        """
        with self._errors():
            check_tables(self._db.cursor(), self._name, _CREATE)

    def is_sound(self) -> bool:
        """Tell whether SQLite finds the file whole."""
        with self._errors():
            return is_sound(self._db.cursor())

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with sqlite_errors(self._name):
            yield

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                points.reached("keys.written")
                self._db.execute("COMMIT")
            except BaseException:
                # An explicit ROLLBACK fails, and hides the cause, where SQLite has already
                # rolled back by itself, as it does on a full disk.
                self._db.rollback()
                raise
        points.reached("keys.committed")

    def _in_parts(
        self, sql: str, first: Sequence[object], values: Iterable[object], *types: type
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows, of these types, of a query whose list, written {}, may be long."""
        wanted = list(values)
        with self._errors():
            for start in range(0, len(wanted), _MANY):
                part = wanted[start : start + _MANY]
                rows = self._db.execute(sql.format(",".join("?" * len(part))), [*first, *part])
                yield from typed(rows.fetchall(), types, self._name)

    def scopes(self, names: Iterable[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """Return id and wrapped key of every scope that exists."""
        sql = "SELECT name, id, wrapped FROM scope WHERE name IN ({})"
        rows = self._in_parts(sql, (), names, bytes, int, bytes)
        return {name: (id_, wrapped) for name, id_, wrapped in rows}

    def scopes_by_id(self, ids: Iterable[int]) -> dict[int, Scope]:
        """Return name and wrapped key of every scope that exists."""
        sql = "SELECT id, name, wrapped FROM scope WHERE id IN ({})"
        rows = self._in_parts(sql, (), ids, int, bytes, bytes)
        return {id_: Scope(name, wrapped) for id_, name, wrapped in rows}

    def scope_ids(self) -> list[int]:
        """Return the ids of all scopes."""
        with self._errors():
            return [id_ for (id_,) in self._db.execute("SELECT id FROM scope ORDER BY id")]

    def add_scopes(self, wrapped: Mapping[bytes, bytes]) -> None:
        """Store keys of new scopes; another process's key for the same name stays."""
        with self._writing() as db:
            db.executemany(
                "INSERT OR IGNORE INTO scope(name, wrapped) VALUES(?, ?)", wrapped.items()
            )

    def rewrap_scopes(self, change: Callable[[Scope], bytes]) -> None:
        """Wrap every scope's key anew, in one transaction."""
        with self._writing() as db:
            for id_, name, wrapped in db.execute("SELECT id, name, wrapped FROM scope").fetchall():
                db.execute(
                    "UPDATE scope SET wrapped = ? WHERE id = ?", (change(Scope(name, wrapped)), id_)
                )

    def replace_scope(
        self,
        id_: int,
        wrapped: bytes,
        change: Callable[[Sequence[KeyPage]], Sequence[bytes]],
    ) -> None:
        """Give a scope a new key under a new id, with all its pages, in one transaction.

        The new id tells a process that still holds the old key (`StaleScope`).
        """
        with self._writing() as db:
            found = db.execute("SELECT name FROM scope WHERE id = ?", (id_,)).fetchone()
            if found is None:
                return
            db.execute("DELETE FROM scope WHERE id = ?", (id_,))
            new = db.execute(
                "INSERT INTO scope(name, wrapped) VALUES(?, ?)", (found[0], wrapped)
            ).lastrowid
            rows = db.execute(
                "SELECT rowid, scope, wrapped FROM key_page WHERE scope = ?", (id_,)
            ).fetchall()
            changed = change([KeyPage(scope, sealed) for _, scope, sealed in rows])
            db.executemany(
                "UPDATE key_page SET scope = ?, wrapped = ? WHERE rowid = ?",
                [(new, sealed, row) for (row, *_), sealed in zip(rows, changed, strict=True)],
            )

    def owners_pages(self) -> list[PageId]:
        """Return the pages that are sealed to the owner's public key."""
        with self._errors():
            rows = self._db.execute("SELECT feed, id FROM key_page WHERE scope = ?", (TO_OWNER,))
            return [(feed, id_) for feed, id_ in rows]

    def add_pages(self, feed: bytes, pages: Sequence[KeyPage]) -> list[int]:
        """Make pages durable; return their numbers, in order.

        Raises:
            StaleScope: A scope's key was replaced meanwhile.
        """
        with self._writing() as db:
            self._check_scopes(db, pages)
            first = self.last_page(feed) + 1
            ids = list(range(first, first + len(pages)))
            db.executemany(
                "INSERT INTO key_page VALUES(?, ?, ?, ?)",
                [(feed, id_, *page) for id_, page in zip(ids, pages, strict=True)],
            )
            db.execute("INSERT OR REPLACE INTO issued VALUES(?, ?)", (feed, ids[-1]))
        return ids

    @staticmethod
    def _check_scopes(db: sqlite3.Connection, pages: Iterable[KeyPage]) -> None:
        for scope in {page.scope for page in pages} - {TO_OWNER}:
            if not db.execute("SELECT 1 FROM scope WHERE id = ?", (scope,)).fetchone():
                raise StaleScope

    def pages(self, ids: Iterable[PageId]) -> dict[PageId, KeyPage]:
        """Return the pages that exist."""
        by_feed: dict[bytes, list[int]] = {}
        for feed, id_ in sorted(ids):
            by_feed.setdefault(feed, []).append(id_)
        return {
            (feed, id_): KeyPage(scope, wrapped)
            for feed, numbers in by_feed.items()
            for id_, scope, wrapped in self._in_parts(
                "SELECT id, scope, wrapped FROM key_page WHERE feed = ? AND id IN ({})",
                (feed,),
                numbers,
                int,
                int,
                bytes,
            )
        }

    def last_page(self, feed: bytes) -> int:
        """Return the highest number ever given to a page of a feed."""
        return self._number("SELECT last FROM issued WHERE feed = ?", feed)

    def _number(self, sql: str, key: object) -> int:
        with self._errors():
            rows = typed(self._db.execute(sql, (key,)).fetchall(), (int,), self._name)
            return int(rows[0][0]) if rows else 0

    def edit(
        self,
        ids: Iterable[PageId],
        change: Callable[[Mapping[PageId, KeyPage]], Mapping[PageId, KeyPage | None]],
    ) -> None:
        """Rewrite pages in one transaction; None deletes one that holds no key any more.

        Reading inside the transaction keeps two processes that erase in one page from
        bringing back each other's keys.
        """
        wanted = list(ids)
        with self._writing() as db:
            for id_, page in change(self.pages(wanted)).items():
                if page is None:
                    db.execute("DELETE FROM key_page WHERE feed = ? AND id = ?", id_)
                else:
                    db.execute(
                        "UPDATE key_page SET scope = ?, wrapped = ? WHERE feed = ? AND id = ?",
                        (*page, *id_),
                    )

    def add(
        self,
        ids: Iterable[PageId],
        change: Callable[[Mapping[PageId, KeyPage]], Mapping[PageId, KeyPage]],
    ) -> None:
        """Store pages as they are to be with what another device sent, in one transaction.

        Args:
            ids: The pages, which need not be there.
            change: Given those that are there, returns all.

        Raises:
            StaleScope: A scope's key was replaced meanwhile.
        """
        wanted = list(ids)
        with self._writing() as db:
            pages = change(self.pages(wanted))
            self._check_scopes(db, pages.values())
            db.executemany(
                "INSERT OR REPLACE INTO key_page VALUES(?, ?, ?, ?)",
                [(*id_, *page) for id_, page in pages.items()],
            )
            last: dict[bytes, int] = {}
            for feed, id_ in pages:
                last[feed] = max(id_, last.get(feed, 0))
            db.executemany(
                "INSERT INTO issued VALUES(?1, ?2) "
                "ON CONFLICT(feed) DO UPDATE SET last = max(last, ?2)",
                last.items(),
            )

    def truncate_wal(self) -> None:
        """Empty the write-ahead log.

        Raises:
            StorageError: A reader in another process still needs it.
        """
        with self._errors():
            truncate_wal(self._db.execute, self._name)

    def mark(self, name: str) -> int:
        """Return a remembered position, 0 where there is none."""
        return self._number("SELECT position FROM mark WHERE name = ?", name)

    def set_mark(self, name: str, position: int) -> None:
        """Remember a position."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO mark VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET position = ?2",
                (name, position),
            )
