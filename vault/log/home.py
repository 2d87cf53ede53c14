"""The vault's folder: making one, opening it, and handing a collector its keys.

`vault.json` is written last: a folder without it is no vault yet, and making one there
again starts over.
"""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vault import points
from vault.disk import (
    InUse,
    exclusive,
    private_folder,
    remove_drafts,
    storage,
    sync_folder,
    write_atomic,
)
from vault.errors import ForeignVault, Locked, NotFound, StorageError, UsageError
from vault.log.certificate import Certificate
from vault.log.enrolment import enrolled, finish_revocations
from vault.log.folder import (
    COLLECTOR,
    FOLDERS,
    IDENTITY,
    IDENTITY_GONE,
    NEXT,
    PREPARED,
    USE_LOCK,
    Clock,
    holds_more_than_a_beginning,
    is_ours,
    opened_with,
    read_identity,
    unlocked,
)
from vault.log.identity import FIRST_FORMAT, Identity
from vault.log.index import Index
from vault.log.keys import CollectorKeys, Keys
from vault.log.keystore import KeyStore
from vault.log.owner import Owner, unlock
from vault.log.passphrase import Stretch, recovery_page
from vault.log.pin import Pin
from vault.log.rotation import (
    Page,
    finish_device_rotation,
    finish_owner_rotation,
    upgraded,
)
from vault.log.sealed import Draft, SealedLog
from vault.log.sqlite import open_log

__all__ = ["create", "delegate", "enrol", "open_", "open_unattended"]


def create(
    home: Path,
    passphrase: str,
    recovery_file: Path,
    *,
    stretch: Stretch | None = None,
    clock: Clock = time.time_ns,
    page: Page = recovery_page,
    device: str = "first device",
) -> SealedLog:
    """Make a vault and open it; its first entry enrols this device.

    Args:
        home: Its folder: new, empty, or left by a creation that did not finish.
        passphrase: What will unlock it.
        recovery_file: Where to write the recovery key, outside the folder.
        stretch: The cost of trying a passphrase.
        clock: Nanoseconds since 1970.
        page: Makes the text of the recovery page.
        device: What the owner calls this device.

    Raises:
        UsageError: The folder or the recovery file is in the way, or the passphrase is empty.
        StorageError: The disk refused; creating it again starts over.
    """
    home, recovery_file = home.absolute(), recovery_file.absolute()
    with storage(f"The vault could not be made in {home}"), _new_folder(home, recovery_file):
        owner = Owner.first()
        identity, recovery = owner.identity(passphrase, stretch)
        text = page(recovery, identity.vault)
        return _made(home, owner, identity, clock, device, recovery=(recovery_file, text))


def enrol(
    home: Path,
    shared: Identity,
    secret: str,
    name: str,
    certificates: Sequence[Certificate] = (),
    *,
    clock: Clock = time.time_ns,
) -> SealedLog:
    """Make a folder for another device of a vault: a key of its own, a feed of its own.

    Entries that the other devices wrote are merged into it afterwards.

    Args:
        home: The new folder.
        shared: What the devices have in common (`Identity.shared`).
        secret: The passphrase, or the text of the recovery key.
        name: What the owner calls this device.
        certificates: Of the devices there are.
        clock: Nanoseconds since 1970.

    Raises:
        Locked: The secret is wrong; nothing was made.
        UsageError: The folder is in the way.
        TamperError: The identity or a certificate is not the owner's.
        StorageError: The disk refused; enrolling again starts over.
    """
    home = home.absolute()
    owner = unlock(shared, secret)
    for certificate in certificates:
        certificate.check(owner.public)
    with storage(f"The vault could not be made in {home}"), _new_folder(home, None):
        return _made(home, owner, shared, clock, name, certificates=certificates)


@contextmanager
def _new_folder(home: Path, recovery_file: Path | None) -> Iterator[None]:
    """Prepare an empty vault folder that no other process makes at the same time."""
    _check_place(home, recovery_file)
    private_folder(home)
    with exclusive(home / "create.lock"):
        _check_place(home, recovery_file)
        _start_over(home, recovery_file)
        for name in FOLDERS:
            private_folder(home / name)
        points.reached("home.folders")
        yield


def _made(
    home: Path,
    owner: Owner,
    identity: Identity,
    clock: Clock,
    name: str,
    *,
    certificates: Sequence[Certificate] = (),
    recovery: tuple[Path, str] | None = None,
) -> SealedLog:
    device = Ed25519PrivateKey.generate()
    identity = owner.with_device(identity, device)
    certificate = owner.certify(device.public_key().public_bytes_raw())
    keys = Keys(owner, device, KeyStore(home / "keys.db", create=True))
    points.reached("home.keys")
    recorder = open_log(home / "log.db", create=True)
    Index(recorder).create()
    guard = InUse(home / USE_LOCK)
    log = SealedLog(recorder, keys, Pin(home / "pin"), clock, fresh=True, guard=guard)
    try:
        log.append(
            [Draft(event=enrolled(certificate, name))], certificates=[*certificates, certificate]
        )
        _check_pinned(home)
        points.reached("home.log")
        write_atomic(home / PREPARED, identity.encode())
        points.reached("home.prepared")
        if recovery is not None:
            file, text = recovery
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(file, text.encode())
            points.reached("home.recovery")
        (home / PREPARED).replace(home / IDENTITY)
        sync_folder(home)
        points.reached("home.created")
    except BaseException:
        log.close()
        raise
    return log


def _check_pinned(home: Path) -> None:
    if not (home / "pin").exists():
        raise StorageError("The vault's first checkpoint could not be pinned: the disk is full.")


def _check_place(home: Path, recovery_file: Path | None) -> None:
    if (home / IDENTITY).exists():
        raise UsageError(f"There is a vault in {home} already; choose another folder.")
    if home.exists() and not home.is_dir():
        raise UsageError(f"{home} is a file; choose another folder.")
    foreign = sorted(p.name for p in home.iterdir() if not is_ours(p)) if home.is_dir() else []
    if home.is_dir() and holds_more_than_a_beginning(home):
        raise ForeignVault(IDENTITY_GONE.format(home=home))
    if foreign:
        raise UsageError(f"{home} holds other files ({foreign[0]}); choose an empty folder.")
    if recovery_file is None:
        return
    if recovery_file.is_relative_to(home):
        raise UsageError("The recovery key must lie outside the vault's folder; name another file.")
    if recovery_file.exists() and not _left_over(home, recovery_file):
        raise UsageError(f"{recovery_file} exists; name another file for the recovery key.")


def _left_over(home: Path, recovery_file: Path) -> bool:
    """Tell whether a creation that did not finish wrote this recovery key."""
    try:
        identity = Identity.decode((home / PREPARED).read_bytes())
    except (OSError, ForeignVault):
        return False
    return identity.vault in recovery_file.read_text(errors="replace")


def _start_over(home: Path, recovery_file: Path | None) -> None:
    # The recovery key goes first: while the prepared file is there, it is known to be ours.
    if recovery_file is not None:
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

    A vault of format 1 is turned into one of this format.

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
    identity, owner = unlocked(home, secret)
    with storage("The vault's folder"):
        guard = InUse(home / USE_LOCK)
    try:
        if read_identity(home) != identity:
            # Another process replaced a key while this one waited for it.
            identity, owner = unlocked(home, secret)
        if identity.format == FIRST_FORMAT:
            with guard.alone("Bringing the vault to this version's format"):
                identity = upgraded(home, owner, identity)
        if identity.transition:
            with guard.alone("Replacing the owner key"):
                identity, owner = finish_owner_rotation(home, identity, owner)
        if identity.next_device:
            with guard.alone("Replacing the device key"):
                identity = finish_device_rotation(home, identity, owner)
        keys = Keys(owner, owner.device(identity.device), KeyStore(home / "keys.db"))
        log = opened_with(home, keys, clock, guard)
    except BaseException:
        guard.close()
        raise
    try:
        finish_revocations(log)
        log.repair()
        with storage("The vault's folder"):
            (home / NEXT).unlink(missing_ok=True)
            remove_drafts(home)
    except BaseException:
        log.close()
        raise
    return log


def delegate(home: Path, log: SealedLog, file: Path | None = None) -> Path:
    """Let a collector run while the vault is locked: write its keys into a private file.

    Whoever reads that file can append, and can test guesses of what was collected; he
    cannot read what was written, by himself or by others. Delete it to end this; replacing
    the device's or the owner's key ends it too.

    Raises:
        Locked: The vault is not unlocked.
        StorageError: The disk refused.
    """
    if not isinstance(log.keys, Keys):
        raise Locked("Only an unlocked vault can let a collector write; give its passphrase.")
    path = file or home.absolute() / COLLECTOR
    with storage("The collector's key file"):
        write_atomic(path, log.keys.delegated())
    return path


def open_unattended(
    home: Path, file: Path | None = None, *, clock: Clock = time.time_ns
) -> SealedLog:
    """Open a vault with a collector's keys: it can append and ask what is known.

    Raises:
        NotFound: There is no vault, or nobody let a collector write.
        ForeignVault: The key file is damaged, or the vault is of another format.
    """
    home = home.absolute()
    if read_identity(home).format == FIRST_FORMAT:
        raise ForeignVault("The vault is of format 1; unlock it once, which brings it up to date.")
    path = file or home / COLLECTOR
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NotFound("No collector may write unattended; allow it first.") from None
    except OSError as error:
        raise StorageError(f"The collector's keys could not be read: {error.strerror}.") from error
    with storage("The vault's folder"):
        guard = InUse(home / USE_LOCK)
    try:
        keys = CollectorKeys.load(content, lambda: KeyStore(home / "keys.db"))
        return opened_with(home, keys, clock, guard)
    except BaseException:
        guard.close()
        raise
