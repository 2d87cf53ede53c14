"""The vault's folder: making one, opening it, and handing a collector its keys.

    vault.json   format, wrapped owner key    log.db   signed, sealed entries
    pin          the newest checkpoint seen   keys.db  wrapped data keys
    views/       sealed derived stores        models/  sealed models

`vault.json` is written last: a folder without it is no vault yet, and making one there
again starts over.
"""

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from vault import points
from vault.disk import (
    exclusive,
    private_folder,
    remove_drafts,
    storage,
    sync_folder,
    write_atomic,
)
from vault.errors import ForeignVault, Locked, NotFound, RolledBack, StorageError, UsageError
from vault.events import DeviceEnrolled
from vault.log.identity import Identity
from vault.log.keys import CollectorKeys, Keys, VaultKeys
from vault.log.keystore import KeyStore
from vault.log.passphrase import Stretch, recovery_page
from vault.log.pin import Pin
from vault.log.sealed import Draft, SealedLog
from vault.log.sqlite import open_log
from vault.log.verify import Trail

__all__ = ["create", "delegate", "open_", "open_unattended"]

_IDENTITY = "vault.json"
_PREPARED = "vault.json.prepared"
_COLLECTOR = "collector.json"
_FOLDERS = ("views", "models")
_FILES = ("log.db", "keys.db", "pin")
_OURS = frozenset(
    [*_FOLDERS, "pin", "pin.lock", "create.lock", _PREPARED, _COLLECTOR]
    + [f"{name}{end}" for name in ("log.db", "keys.db") for end in ("", "-wal", "-shm")]
)

_FIRST_PAGE = 2  # the enrolled device and its checkpoint
_BEGINNING = 1 << 17
_IDENTITY_GONE = (
    "{home} holds a log, but its vault.json is missing; put it back from a copy, "
    "nothing opens the log without it."
)

Clock = Callable[[], int]


def create(
    home: Path,
    passphrase: str,
    recovery_file: Path,
    *,
    stretch: Stretch | None = None,
    clock: Clock = time.time_ns,
) -> SealedLog:
    """Make a vault and open it; its first entry enrols this device.

    Args:
        home: Its folder: new, empty, or left by a creation that did not finish.
        passphrase: What will unlock it.
        recovery_file: Where to write the recovery key, outside the folder.
        stretch: The cost of trying a passphrase.
        clock: Nanoseconds since 1970.

    Raises:
        UsageError: The folder or the recovery file is in the way, or the passphrase is empty.
        StorageError: The disk refused; creating it again starts over.
    """
    home, recovery_file = home.absolute(), recovery_file.absolute()
    with storage(f"The vault could not be made in {home}"):
        _check_place(home, recovery_file)
        private_folder(home)
        with exclusive(home / "create.lock"):
            _check_place(home, recovery_file)
            _start_over(home, recovery_file)
            for name in _FOLDERS:
                private_folder(home / name)
            points.reached("home.folders")
            return _made(home, passphrase, recovery_file, stretch, clock)


def _made(
    home: Path, passphrase: str, recovery_file: Path, stretch: Stretch | None, clock: Clock
) -> SealedLog:
    keys, identity, recovery = Keys.create(
        passphrase, KeyStore(home / "keys.db", create=True), stretch
    )
    points.reached("home.keys")
    public = keys.device.public_key()
    recorder = open_log(home / "log.db", create=True)
    log = SealedLog(recorder, keys, Pin(home / "pin", public), clock, Trail())
    try:
        raw = public.public_bytes_raw()
        log.append(
            [
                Draft(
                    event=DeviceEnrolled(
                        device=log.feed.hex(),
                        name="first device",
                        public_key=raw,
                        certificate=keys.certify(raw),
                    )
                )
            ]
        )
        _check_pinned(home)
        points.reached("home.log")
        write_atomic(home / _PREPARED, identity.encode())
        points.reached("home.prepared")
        page = recovery_page(recovery, identity.vault)
        recovery_file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(recovery_file, page.encode())
        points.reached("home.recovery")
        (home / _PREPARED).replace(home / _IDENTITY)
        sync_folder(home)
        points.reached("home.created")
    except BaseException:
        log.close()
        raise
    return log


def _check_pinned(home: Path) -> None:
    if not (home / "pin").exists():
        raise StorageError("The vault's first checkpoint could not be pinned: the disk is full.")


def _check_place(home: Path, recovery_file: Path) -> None:
    if (home / _IDENTITY).exists():
        raise UsageError(f"There is a vault in {home} already; choose another folder.")
    if home.exists() and not home.is_dir():
        raise UsageError(f"{home} is a file; choose another folder.")
    foreign = sorted(p.name for p in home.iterdir() if not _ours(p)) if home.is_dir() else []
    if home.is_dir() and _holds_more_than_a_beginning(home):
        raise ForeignVault(_IDENTITY_GONE.format(home=home))
    if foreign:
        raise UsageError(f"{home} holds other files ({foreign[0]}); choose an empty folder.")
    if recovery_file.is_relative_to(home):
        raise UsageError("The recovery key must lie outside the vault's folder; name another file.")
    if recovery_file.exists() and not _left_over(home, recovery_file):
        raise UsageError(f"{recovery_file} exists; name another file for the recovery key.")


def _holds_more_than_a_beginning(home: Path) -> bool:
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


def _ours(path: Path) -> bool:
    return path.name in _OURS or path.name.endswith(".new")


def _left_over(home: Path, recovery_file: Path) -> bool:
    """Tell whether a creation that did not finish wrote this recovery key."""
    try:
        identity = Identity.decode((home / _PREPARED).read_bytes())
    except (OSError, ForeignVault):
        return False
    return f"Vault: {identity.vault}\n" in recovery_file.read_text(errors="replace")


def _start_over(home: Path, recovery_file: Path) -> None:
    # The recovery key goes first: while the prepared file is there, it is known to be ours.
    recovery_file.unlink(missing_ok=True)
    for path in sorted(home.iterdir()):
        if path.name == "create.lock":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def open_(home: Path, secret: str, *, clock: Clock = time.time_ns) -> SealedLog:
    """Unlock a vault and finish what a crash interrupted.

    Args:
        home: Its folder.
        secret: The passphrase, or the text of the recovery key.
        clock: Nanoseconds since 1970.

    Raises:
        NotFound: There is no vault.
        Locked: The secret is wrong; nothing on disk was touched.
        ForeignVault: The folder is of a newer format, or no vault's.
        RolledBack: A file is older than what was seen before.
        TamperError: Something is not what was written.
        StorageError: The disk refused.
    """
    home = home.absolute()
    identity = _identity(home)
    keys = Keys.open(identity, secret, lambda: KeyStore(home / "keys.db"))
    log = _opened(home, keys, clock)
    try:
        log.repair()
        with storage("The vault's folder"):
            remove_drafts(home)
    except BaseException:
        log.close()
        raise
    return log


def _identity(home: Path) -> Identity:
    try:
        content = (home / _IDENTITY).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if home.is_dir() and _holds_more_than_a_beginning(home):
            raise ForeignVault(_IDENTITY_GONE.format(home=home)) from None
        raise NotFound(f"There is no vault in {home}; make one with `twin init`.") from None
    except OSError as error:
        raise StorageError(f"vault.json could not be read: {error.strerror}.") from error
    return Identity.decode(content)


def _opened(home: Path, keys: VaultKeys, clock: Clock) -> SealedLog:
    try:
        recorder = open_log(home / "log.db")
    except BaseException:
        keys.close()
        raise
    try:
        log = SealedLog(recorder, keys, Pin(home / "pin", keys.device.public_key()), clock)
        _check_keys(log, keys)
    except BaseException:
        recorder.datastore.close()
        keys.close()
        raise
    return log


def _check_keys(log: SealedLog, keys: VaultKeys) -> None:
    if log.newest_key_page() > keys.store.last_page():
        raise RolledBack(
            "keys.db is older than the log; put its newest copy back, or what was added since "
            "cannot be read."
        )


def delegate(home: Path, log: SealedLog, file: Path | None = None) -> Path:
    """Let a collector run while the vault is locked: write its keys into a private file.

    Whoever reads that file can append, and can test guesses of what was collected; he
    cannot read what was written, by himself or by others. Delete it to end this.

    Raises:
        Locked: The vault is not unlocked.
        StorageError: The disk refused.
    """
    if not isinstance(log.keys, Keys):
        raise Locked("Only an unlocked vault can let a collector write; give its passphrase.")
    path = file or home.absolute() / _COLLECTOR
    with storage("The collector's key file"):
        write_atomic(path, log.keys.delegated())
    return path


def open_unattended(
    home: Path, file: Path | None = None, *, clock: Clock = time.time_ns
) -> SealedLog:
    """Open a vault with a collector's keys: it can append and ask what is known.

    Raises:
        NotFound: There is no vault, or nobody let a collector write.
        ForeignVault: The key file is damaged, or the vault is of a newer format.
    """
    home = home.absolute()
    _identity(home)
    path = file or home / _COLLECTOR
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NotFound("No collector may write unattended; allow it first.") from None
    except OSError as error:
        raise StorageError(f"The collector's keys could not be read: {error.strerror}.") from error
    keys = CollectorKeys.load(content, lambda: KeyStore(home / "keys.db"))
    return _opened(home, keys, clock)
