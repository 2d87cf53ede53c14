"""What lies in a vault's folder, and opening it with keys at hand.

    vault.json   format, wrapped owner key    log.db   signed, sealed entries
    pin          the newest checkpoints seen  keys.db  wrapped data keys
    views/       sealed derived stores        models/  sealed models
    pod/         sealed way into the pod

A folder is one device: it holds every feed of the vault and writes one.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from vault.disk import InUse
from vault.errors import ForeignVault, Locked, NotFound, RolledBack, StorageError
from vault.log.identity import Identity
from vault.log.index import Index
from vault.log.keys import VaultKeys
from vault.log.owner import Owner, opened_by, unlock
from vault.log.pin import Pin
from vault.log.sealed import SealedLog
from vault.log.sqlite import open_log

__all__ = [
    "COLLECTOR",
    "FOLDERS",
    "IDENTITY",
    "IDENTITY_GONE",
    "NEXT",
    "PREPARED",
    "USE_LOCK",
    "Clock",
    "holds_more_than_a_beginning",
    "is_ours",
    "opened_with",
    "read_identity",
    "unlocked",
]

IDENTITY: Final = "vault.json"
PREPARED: Final = "vault.json.prepared"
"""What a creation that has not finished will call `vault.json`."""
NEXT: Final = "vault.json.next"
"""What `vault.json` will be when a replacement of the owner key has finished."""
COLLECTOR: Final = "collector.json"
USE_LOCK: Final = "use.lock"
FOLDERS: Final = ("views", "models", "pod")

_OURS: Final = frozenset(
    [*FOLDERS, "pin", "pin.lock", USE_LOCK, "create.lock", PREPARED, COLLECTOR]
    + [f"{name}{end}" for name in ("log.db", "keys.db") for end in ("", "-journal", "-wal", "-shm")]
)
_FIRST_PAGE: Final = 2  # the enrolled device and its checkpoint
_BEGINNING: Final = 1 << 17
IDENTITY_GONE: Final = (
    "{home} holds a log, but its vault.json is missing; put it back from a copy, "
    "nothing opens the log without it."
)

Clock = Callable[[], int]


def is_ours(path: Path) -> bool:
    """Tell whether a file is one that making a vault writes."""
    return path.name in _OURS or path.name.endswith(".new")


def holds_more_than_a_beginning(home: Path) -> bool:
    """Tell whether a folder without `vault.json` has a log that creation alone did not write."""
    if not (home / "log.db").exists():
        return False
    try:
        with closing(
            sqlite3.connect(f"file:{quote(str(home / 'log.db'))}?mode=ro", uri=True)
        ) as db:
            last = db.execute("SELECT max(position) FROM event").fetchone()[0]
    except sqlite3.Error:
        # Creation died before there was a table, or this is no log: its size tells.
        return (home / "log.db").stat().st_size > _BEGINNING
    return bool(last and last > _FIRST_PAGE)


def read_identity(home: Path) -> Identity:
    """Return what vault.json says.

    Raises:
        NotFound: There is no vault.
        ForeignVault: The folder is of a newer format, or no vault's.
        TamperError: The file is damaged.
    """
    try:
        content = (home / IDENTITY).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if home.is_dir() and holds_more_than_a_beginning(home):
            raise ForeignVault(IDENTITY_GONE.format(home=home)) from None
        raise NotFound(f"There is no vault in {home}; make one with `twin init`.") from None
    except OSError as error:
        raise StorageError(f"vault.json could not be read: {error.strerror}.") from error
    return Identity.decode(content)


def unlocked(home: Path, secret: str) -> tuple[Identity, Owner]:
    """Return who a vault says it is, and its owner; nothing on disk is touched.

    While the owner key is being replaced, the secrets of both generations open.

    Raises:
        NotFound: There is no vault.
        Locked: The secret is wrong.
        ForeignVault: The folder is of a newer format, or no vault's.
        TamperError: vault.json was changed.
    """
    identity = read_identity(home)
    try:
        return identity, unlock(identity, secret)
    except Locked:
        if not identity.transition or not (home / NEXT).is_file():
            raise
        following = Identity.decode((home / NEXT).read_bytes(), NEXT)
        new = unlock(following, secret)
        return identity, opened_by(identity, new.passing(following))


def opened_with(home: Path, keys: VaultKeys, clock: Clock, guard: InUse | None) -> SealedLog:
    """Open the log of a folder; `guard`, unless the caller holds one, is closed with it.

    Raises:
        RolledBack: A file is older than what was seen before.
        TamperError: Something is not what was written.
        StorageError: The disk refused.
    """
    try:
        recorder = open_log(home / "log.db")
    except BaseException:
        keys.close()
        raise
    try:
        index = Index(recorder)
        index.complete()
        index.check_tables()
        keys.store.check_tables()
        log = SealedLog(recorder, keys, Pin(home / "pin"), clock, guard=guard)
        _check_keys(log)
    except BaseException:
        recorder.datastore.close()
        keys.close()
        raise
    return log


def _check_keys(log: SealedLog) -> None:
    if log.newest_key_page() > log.keys.store.last_page(log.feed):
        raise RolledBack(
            "keys.db is older than the log; put its newest copy back, or what was added since "
            "cannot be read."
        )
