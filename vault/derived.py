"""Stores that are made from the log, sealed at rest: databases and whole files.

SQLite3 Multiple Ciphers encrypts databases page by page, journals included; files are
AES-256-GCM. Both can be made again from the log, so a database that does not open is
dropped and begun anew. Every store has its own key, derived from the view key and its name.
"""

import os
import re
from pathlib import Path
from typing import Literal

import apsw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault import points
from vault.disk import make_private, private_folder, remove_drafts, storage, write_atomic
from vault.errors import StorageError, TamperError, UsageError

__all__ = ["Database", "Derived"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")
_MAGIC = b"twinvault/sealed/1\n"
_SALT = 32
_NONCE = bytes(12)  # every file is sealed once, under a key of its own
_LARGEST = 2**31 - 1 - 16
_DATABASE = ".db"
_COMPANIONS = ("", "-journal", "-wal", "-shm")
_PRAGMAS = (
    # A rollback journal, emptied at every commit, leaves no residue behind; temporary
    # tables would be written in the clear.
    "journal_mode=TRUNCATE",
    "temp_store=MEMORY",
    "secure_delete=ON",
    "synchronous=FULL",
    "trusted_schema=OFF",
    "cell_size_check=ON",
    # In KiB. What does not fit is decrypted again at every use.
    "cache_size=-16384",
)
_BUSY_MS = 60_000


class Database(apsw.Connection):
    """An encrypted database.

    `anew` says why it is empty: an unreadable one was dropped, or it was missing where there
    are others. The first database of a folder is not missing, nor are those that follow it.
    """

    anew: Literal["", "missing", "damaged"] = ""


class Derived:
    """A folder of sealed stores under one key."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._key = key
        with storage(f"The folder {folder.name}"):
            private_folder(folder)
            remove_drafts(folder)
        self._begun = any(name.endswith(_DATABASE) for name in self.names())

    def _path(self, name: str, *, database: bool = False) -> Path:
        if not _NAME.fullmatch(name) or name.endswith(".new"):
            raise UsageError(f"{name!r} cannot name a store.")
        if name.endswith(_DATABASE) is not database:
            kind = "ends" if database else "does not end"
            raise UsageError(f"The name of such a store {kind} in {_DATABASE}: {name!r}.")
        return self._folder / name

    def _key_for(self, name: str, salt: bytes = b"") -> bytes:
        return HKDF(SHA256(), 32, salt, f"twinvault/1/store/{name}".encode()).derive(self._key)

    def database(self, name: str) -> Database:
        """Open an encrypted database, or make it; `name` ends in `.db`.

        FTS5 tables leave deleted words behind unless they are told not to:
        `INSERT INTO t(t, rank) VALUES('secure-delete', 1)`.

        Raises:
            StorageError: The disk refused.
        """
        path = self._path(name, database=True)
        key = self._key_for(name)
        with storage(f"The store {name}"):
            missing = self._begun and not path.exists()
            try:
                database = _opened(path, key)
                database.anew = "missing" if missing else ""
            except (apsw.NotADBError, apsw.CorruptError):
                self._drop(path)
                database = _opened(path, key)
                database.anew = "damaged"
            except (apsw.CantOpenError, apsw.FullError, apsw.IOError, apsw.ReadOnlyError) as error:
                raise StorageError(f"The store {name} could not be opened: {error}.") from error
        return database

    def write(self, name: str, content: bytes) -> None:
        """Seal a file, replacing an older one whole.

        Raises:
            StorageError: The disk refused, or the content is larger than 2 GiB.
        """
        path = self._path(name)
        if len(content) > _LARGEST:
            raise StorageError(f"The store {name} would exceed 2 GiB; split it.")
        salt = os.urandom(_SALT)
        sealed = AESGCM(self._key_for(name, salt)).encrypt(_NONCE, content, _MAGIC)
        with storage(f"The store {name}"):
            write_atomic(path, b"".join((_MAGIC, salt, sealed)))
        points.reached("derived.written")

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none.

        Raises:
            TamperError: It is damaged or was sealed under another key; it can be made again.
        """
        path = self._path(name)
        with storage(f"The store {name}"):
            if not path.is_file():
                return None
            sealed = memoryview(path.read_bytes())
        start = len(_MAGIC) + _SALT
        # The associated data are the file's own first bytes, so they need no other check.
        magic, salt = bytes(sealed[: len(_MAGIC)]), bytes(sealed[len(_MAGIC) : start])
        try:
            return AESGCM(self._key_for(name, salt)).decrypt(_NONCE, sealed[start:], magic)
        except InvalidTag:
            raise TamperError(
                f"The store {name} is damaged; delete it and make it again."
            ) from None

    def edition(self, name: str) -> bytes:
        """Return what tells a file from an earlier one of its name, without opening it."""
        with storage(f"The store {name}"), self._path(name).open("rb") as file:
            return file.read(len(_MAGIC) + _SALT)

    def delete(self, name: str) -> None:
        """Remove a store, if it is there."""
        path = self._path(name, database=name.endswith(_DATABASE))
        with storage(f"The store {name}"):
            self._drop(path)

    def _drop(self, path: Path) -> None:
        for end in _COMPANIONS:
            path.with_name(path.name + end).unlink(missing_ok=True)

    def move_to(self, key: bytes) -> None:
        """Seal every file under another key and drop every database; twice does no harm.

        Raises:
            StorageError: The disk refused; what was moved stays moved.
        """
        new = Derived(self._folder, key)
        for name in self.names():
            if name.endswith(_DATABASE):
                self.delete(name)
                continue
            try:
                new.read(name)
            except TamperError:
                new.write(name, self.read(name) or b"")

    def names(self) -> tuple[str, ...]:
        """Return the names of all stores."""
        with storage(f"The folder {self._folder.name}"):
            found = sorted(path.name for path in self._folder.iterdir() if path.is_file())
        return tuple(
            name
            for name in found
            if _NAME.fullmatch(name)
            and not name.endswith((".new", *(_DATABASE + end for end in _COMPANIONS[1:])))
        )


def _opened(path: Path, key: bytes) -> Database:
    make_private(path)
    database = Database(os.fspath(path))
    try:
        database.set_busy_timeout(_BUSY_MS)
        # The key goes first and is raw: it is derived already, and stretching it costs 30 ms.
        database.execute(f"PRAGMA key='raw:{key.hex()}'")
        for pragma in _PRAGMAS:
            database.execute(f"PRAGMA {pragma}")
        database.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except BaseException:
        database.close()
        raise
    return database
