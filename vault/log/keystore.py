"""keys.db: wrapped data keys in a file of their own, so that they can be destroyed.

Data keys lie in pages, one for every scope of an appended page: a row for every key cost
five times as much. A page is sealed under its scope's key, or to the owner's public key by
a writer that may not read. Ids count up and are never reused: an id predicted from the log
once bricked a prototype after a crash. Names of scopes are blinded before they come here.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from vault import points
from vault.disk import make_private
from vault.errors import TamperError
from vault.log.sqlite import PRAGMAS, sqlite_errors, truncate_wal

__all__ = ["TO_OWNER", "KeyPage", "KeyStore"]

TO_OWNER = 0
"""The scope of pages that are sealed to the owner's public key."""

_MANY = 500
_CREATE = """
CREATE TABLE scope(
    id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE, wrapped BLOB NOT NULL);
CREATE TABLE page(
    id INTEGER PRIMARY KEY AUTOINCREMENT, scope INTEGER NOT NULL, wrapped BLOB NOT NULL);
CREATE TABLE mark(name TEXT PRIMARY KEY, position INTEGER NOT NULL);
"""


class KeyPage(NamedTuple):
    """One row: which scope's key opens it, and the wrapped keys."""

    scope: int
    wrapped: bytes


class KeyStore:
    """Rows of wrapped keys; what is in them it cannot read."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        if not create and not path.is_file():
            raise TamperError(f"{path.name} is missing from the vault's folder.")
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
                self._db.executescript(_CREATE)

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

    def scopes(self, names: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """Return id and wrapped key of every scope that exists."""
        found: dict[bytes, tuple[int, bytes]] = {}
        with self._errors():
            for start in range(0, len(names), _MANY):
                part = names[start : start + _MANY]
                marks = ",".join("?" * len(part))
                rows = self._db.execute(
                    f"SELECT name, id, wrapped FROM scope WHERE name IN ({marks})",  # noqa: S608 - placeholders only
                    part,
                )
                found.update((name, (id_, wrapped)) for name, id_, wrapped in rows)
        return found

    def scopes_by_id(self, ids: Iterable[int]) -> dict[int, tuple[bytes, bytes]]:
        """Return name and wrapped key of every scope that exists."""
        wanted = list(ids)
        found: dict[int, tuple[bytes, bytes]] = {}
        with self._errors():
            for start in range(0, len(wanted), _MANY):
                part = wanted[start : start + _MANY]
                marks = ",".join("?" * len(part))
                rows = self._db.execute(
                    f"SELECT id, name, wrapped FROM scope WHERE id IN ({marks})",  # noqa: S608 - placeholders only
                    part,
                )
                found.update((id_, (name, wrapped)) for id_, name, wrapped in rows)
        return found

    def add_scopes(self, wrapped: Mapping[bytes, bytes]) -> None:
        """Store keys of new scopes; another process's key for the same name stays."""
        with self._writing() as db:
            db.executemany(
                "INSERT OR IGNORE INTO scope(name, wrapped) VALUES(?, ?)", wrapped.items()
            )

    def add_pages(self, pages: Sequence[KeyPage]) -> list[int]:
        """Make pages durable; return their ids, in order."""
        with self._writing() as db:
            row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'page'").fetchone()
            first = (row[0] if row else 0) + 1
            ids = list(range(first, first + len(pages)))
            db.executemany(
                "INSERT INTO page VALUES(?, ?, ?)",
                [(id_, *page) for id_, page in zip(ids, pages, strict=True)],
            )
        return ids

    def pages(self, ids: Iterable[int]) -> dict[int, KeyPage]:
        """Return the pages that exist."""
        wanted = sorted(ids)
        found: dict[int, KeyPage] = {}
        with self._errors():
            for start in range(0, len(wanted), _MANY):
                part = wanted[start : start + _MANY]
                marks = ",".join("?" * len(part))
                rows = self._db.execute(
                    f"SELECT id, scope, wrapped FROM page WHERE id IN ({marks})",  # noqa: S608 - placeholders only
                    part,
                )
                found.update((id_, KeyPage(scope, wrapped)) for id_, scope, wrapped in rows)
        return found

    def last_page(self) -> int:
        """Return the highest id ever given."""
        with self._errors():
            row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'page'").fetchone()
            return int(row[0]) if row else 0

    def edit(
        self,
        ids: Iterable[int],
        change: Callable[[Mapping[int, KeyPage]], Mapping[int, KeyPage | None]],
    ) -> None:
        """Rewrite pages in one transaction; None deletes one that holds no key any more.

        Reading inside the transaction keeps two processes that erase in one page from
        bringing back each other's keys.
        """
        wanted = list(ids)
        with self._writing() as db:
            for id_, page in change(self.pages(wanted)).items():
                if page is None:
                    db.execute("DELETE FROM page WHERE id = ?", (id_,))
                else:
                    db.execute("UPDATE page SET scope = ?, wrapped = ? WHERE id = ?", (*page, id_))

    def truncate_wal(self) -> None:
        """Empty the write-ahead log.

        Raises:
            StorageError: A reader in another process still needs it.
        """
        with self._errors():
            truncate_wal(self._db.execute, self._name)

    def mark(self, name: str) -> int:
        """Return a remembered position, 0 where there is none."""
        with self._errors():
            row = self._db.execute("SELECT position FROM mark WHERE name = ?", (name,)).fetchone()
            return int(row[0]) if row else 0

    def set_mark(self, name: str, position: int) -> None:
        """Remember a position."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO mark VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET position = ?2",
                (name, position),
            )
