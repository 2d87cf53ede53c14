"""Replacing what opens a vault: passphrase, recovery page, owner key, device key, scope keys.

The log is never rewritten. A replacement writes down first what it is about to do, so that
one which a crash interrupted is finished, or undone, when the vault is opened next, with
the old secret or the new one.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from vault import points
from vault.codec import topics_of
from vault.derived import Derived
from vault.disk import InUse, storage, write_atomic
from vault.errors import BadSignature, ForeignVault, Revoked, UsageError
from vault.events import DeviceRevoked, KeysRotated
from vault.log.certificate import Certificate
from vault.log.enrolment import devices, enrolled
from vault.log.envelope import parse
from vault.log.folder import (
    COLLECTOR,
    FOLDERS,
    IDENTITY,
    NEXT,
    USE_LOCK,
    opened_with,
    unlocked,
)
from vault.log.identity import FIRST_FORMAT, Identity
from vault.log.index import Index
from vault.log.keys import Keys
from vault.log.keystore import KeyStore
from vault.log.owner import Owner, check_handover, opened_by
from vault.log.passphrase import recovery_page
from vault.log.sealed import Draft, SealedLog
from vault.log.sqlite import open_log, sqlite_errors

__all__ = [
    "Page",
    "adopt_owner",
    "change_passphrase",
    "finish_device_rotation",
    "finish_owner_rotation",
    "new_recovery_page",
    "rotate_device_key",
    "rotate_owner_key",
    "rotate_scopes",
    "upgraded",
]

_ROTATED: Final = DCBQuery([DCBQueryItem([], [topic]) for topic in topics_of(KeysRotated)])

Page = Callable[[bytes, str], str]
"""Makes the text of a recovery page from a recovery key and the vault's id."""


def change_passphrase(home: Path, secret: str, new: str) -> None:
    """Let another passphrase open a vault, and the present one no more.

    Args:
        home: The vault's folder.
        secret: The present passphrase, or the text of the recovery key.
        new: The passphrase from now on.

    Raises:
        Locked: The secret is wrong; nothing on disk was touched.
        UsageError: The new passphrase is empty.
        StorageError: The disk refused, or another process uses the vault; the old one holds.
    """
    home = home.absolute()
    identity, owner = _present(home, secret)
    changed = owner.under(identity, new)
    with _alone(home, "Changing the passphrase"):
        _write(home, changed)


def new_recovery_page(home: Path, secret: str, file: Path, *, page: Page = recovery_page) -> None:
    """Write a new recovery page; the present one opens the vault no more.

    Raises:
        Locked: The secret is wrong; nothing on disk was touched.
        UsageError: The file is in the way.
        StorageError: The disk refused, or another process uses the vault; the old page holds.
    """
    home = home.absolute()
    identity, owner = _present(home, secret)
    changed, recovery = owner.with_recovery(identity)
    with _alone(home, "Making a new recovery page"):
        _write_page(home, file, page(recovery, identity.vault))
        _write(home, changed)


def _present(home: Path, secret: str) -> tuple[Identity, Owner]:
    """Return identity and owner of a vault in which nothing is left to finish."""
    identity, owner = unlocked(home, secret)
    if identity.format == FIRST_FORMAT or identity.transition or identity.next_device:
        raise UsageError("The vault has work to finish; open it once, with `twin status`, say.")
    return identity, owner


@contextmanager
def _alone(home: Path, what: str) -> Iterator[None]:
    """Keep every other process out of a vault's folder."""
    with storage("The vault's folder"):
        guard = InUse(home / USE_LOCK)
    try:
        with guard.alone(what):
            yield
    finally:
        guard.close()


def _write(home: Path, identity: Identity) -> None:
    with storage("vault.json"):
        write_atomic(home / IDENTITY, identity.encode())
    points.reached("identity.replaced")


def _remove(path: Path) -> None:
    with storage(path.name):
        path.unlink(missing_ok=True)


def _write_page(home: Path, file: Path, text: str) -> None:
    file = file.absolute()
    if file.is_relative_to(home):
        raise UsageError("The recovery key must lie outside the vault's folder; name another file.")
    if file.exists():
        raise UsageError(f"{file} exists; name another file for the recovery key.")
    with storage("The recovery page"):
        write_atomic(file, text.encode())
    points.reached("page.written")


def upgraded(home: Path, owner: Owner, identity: Identity) -> Identity:
    """Turn a folder of format 1 into one of the present format; twice does no harm."""
    device = owner.device(identity.device)
    public = device.public_key().public_bytes_raw()
    store = KeyStore(home / "keys.db")
    try:
        store.upgrade(public[:8])
        recorder = open_log(home / "log.db")
        try:
            index = Index(recorder)
            index.create()
            index.store([owner.certify(public)])
        finally:
            recorder.datastore.close()
        points.reached("upgrade.indexed")
    finally:
        store.close()
    # A collector's keys of format 1 lack the owner's; it is allowed anew.
    _remove(home / COLLECTOR)
    present = owner.upgraded(identity)
    _write(home, present)
    return present


# The owner key.


def rotate_owner_key(
    home: Path, secret: str, new: str, recovery_file: Path, *, page: Page = recovery_page
) -> None:
    """Replace the owner key: a new passphrase and a new recovery page, everything wrapped anew.

    What is in the log stays as it is. Collectors that ran unattended must be allowed again.

    Args:
        home: The vault's folder.
        secret: The present passphrase, or the text of the recovery key.
        new: The passphrase from now on.
        recovery_file: Where to write the new recovery page.
        page: Makes its text.

    Raises:
        Locked: The secret is wrong; nothing on disk was touched.
        UsageError: The new passphrase is empty, or the file is in the way.
        Revoked: The owner revoked this device.
        StorageError: The disk refused, or another process uses the vault.
    """
    home = home.absolute()
    identity, owner = _present(home, secret)
    following = owner.next()
    bare, recovery = following.identity(new, identity.stretch)
    bare = following.with_device(bare, owner.device(identity.device))
    passing, bare = owner.hand_over(identity, following, bare)
    with _alone(home, "Replacing the owner key"):
        _refuse_revoked(home, owner.device(identity.device))
        _write_page(home, recovery_file, page(recovery, identity.vault))
        with storage("vault.json"):
            write_atomic(home / NEXT, bare.encode())
        points.reached("owner.prepared")
        _write(home, passing)
        finish_owner_rotation(home, passing, owner)


def _refuse_revoked(home: Path, device: Ed25519PrivateKey) -> None:
    """Refuse before anything is written down that a revoked device could never finish."""
    feed = device.public_key().public_bytes_raw()[:8]
    recorder = open_log(home / "log.db")
    try:
        revoked = any(c.revoked for c in Index(recorder).certificates() if c.feed == feed)
    finally:
        recorder.datastore.close()
    if revoked:
        raise Revoked(
            "This device was revoked, so it takes part in no replacement; restore a backup into a new folder to go on."
        )


def adopt_owner(home: Path, secret: str, shared: Identity, new: Owner) -> None:
    """Take over the owner key that took the place of this one on another device.

    Args:
        home: The vault's folder.
        secret: What opens it now.
        shared: The identity under the new owner key.
        new: Its owner.

    Raises:
        ForeignVault: It is another vault's.
        BadSignature: The owner key of this device did not name it.
        Revoked: The owner revoked this device.
        StorageError: The disk refused, or another process uses the vault.
    """
    home = home.absolute()
    identity, owner = _present(home, secret)
    if shared.vault != identity.vault or new.constants.root != owner.constants.root:
        raise ForeignVault("The newer owner key is another vault's; nothing was changed.")
    if new.generation == owner.generation + 1:
        check_handover(owner.public, shared)
    device = owner.device(identity.device)
    passing, bare = owner.give_way(identity, new, new.with_device(shared, device))
    with _alone(home, "Taking over the owner key"):
        _refuse_revoked(home, device)
        with storage("vault.json"):
            write_atomic(home / NEXT, bare.encode())
        points.reached("owner.prepared")
        _write(home, passing)
        finish_owner_rotation(home, passing, owner)


def finish_owner_rotation(home: Path, identity: Identity, owner: Owner) -> tuple[Identity, Owner]:
    """Do what is left of a replacement that was written down; twice does no harm."""
    with storage("vault.json"):
        following = Identity.decode((home / NEXT).read_bytes(), NEXT)
    new = opened_by(following, owner.passing(identity))
    device = new.device(following.device)
    store = KeyStore(home / "keys.db")
    try:
        Keys(owner, device, store).move_to(new)
        store.truncate_wal()
        points.reached("owner.keys-moved")
        for name in FOLDERS:
            label = f"derived/{name}"
            Derived(home / name, owner.derived(label)).move_to(new.derived(label))
        points.reached("owner.stores-moved")
        _remove(home / COLLECTOR)
        recorder = open_log(home / "log.db")
        try:
            index = Index(recorder)
            index.recertify(_certified(index, owner, new))
            points.reached("owner.devices-certified")
        finally:
            recorder.datastore.close()
    finally:
        store.close()
    _record_owner(home, new, device, following)
    settled = new.settled(following)
    _write(home, settled)
    _remove(home / NEXT)
    return settled, new


def _certified(index: Index, owner: Owner, new: Owner) -> list[Certificate]:
    certificates = []
    for certificate in index.certificates():
        try:
            certificate.check(owner.public)
        except BadSignature:
            certificate.check(new.public)
        certificates.append(new.certify(certificate.public_key, certificate.most))
    return certificates


def _record_owner(home: Path, new: Owner, device: Ed25519PrivateKey, following: Identity) -> None:
    keys = Keys(new, device, KeyStore(home / "keys.db"))
    log = opened_with(home, keys, time.time_ns, None)
    try:
        if not any(e.part == "owner" and e.generation == new.generation for e in _rotations(log)):
            log.append(
                [
                    Draft(
                        event=KeysRotated(
                            part="owner",
                            generation=new.generation,
                            public_key=following.owner,
                            certificate=following.handover,
                        )
                    )
                ]
            )
    finally:
        log.close()
    points.reached("owner.recorded")


def _rotations(log: SealedLog) -> list[KeysRotated]:
    with sqlite_errors("log.db"):
        records = [
            parse(stored.position, stored.event.data)
            for stored in log.records.recorder.read(_ROTATED)
        ]
    entries = log.opened(records)
    return [entry.event for entry in entries if isinstance(entry.event, KeysRotated)]


# The device key.


def rotate_device_key(home: Path, secret: str) -> None:
    """Give this device a new key: a new feed, and its feed so far ends where it is.

    Raises:
        Locked: The secret is wrong; nothing on disk was touched.
        StorageError: The disk refused, or another process uses the vault.
    """
    home = home.absolute()
    identity, owner = _present(home, secret)
    device, following = owner.device(identity.device), Ed25519PrivateKey.generate()
    prepared = owner.with_device(identity, device, following)
    with _alone(home, "Replacing the device key"):
        _write(home, prepared)
        keys = Keys(owner, following, KeyStore(home / "keys.db"))
        log = opened_with(home, keys, time.time_ns, None)
        try:
            _follow(log, owner, device.public_key().public_bytes_raw())
        finally:
            log.close()
        points.reached("device.followed")
        finish_device_rotation(home, prepared, owner)


def _follow(log: SealedLog, owner: Owner, before: bytes) -> None:
    """Enrol the log's device and end the feed of the one before, in one page."""
    [old] = [one for one in devices(log) if one.feed == before[:8].hex()]
    mine = owner.certify(log.public_key)
    ended = owner.certify(before, old.entries)
    revoked = DeviceRevoked(device=old.feed, size=old.entries, certificate=ended.signature)
    log.append(
        [Draft(event=enrolled(mine, old.name)), Draft(event=revoked)], certificates=[mine, ended]
    )


def finish_device_rotation(home: Path, identity: Identity, owner: Owner) -> Identity:
    """Take the next device key if it was enrolled, or drop it if it was not."""
    following = owner.device(identity.next_device)
    recorder = open_log(home / "log.db")
    try:
        feeds = {certificate.feed for certificate in Index(recorder).certificates()}
    finally:
        recorder.datastore.close()
    device = owner.device(identity.device)
    taken = following.public_key().public_bytes_raw()[:8] in feeds
    if taken:
        _remove(home / COLLECTOR)
    settled = owner.with_device(identity, following if taken else device)
    _write(home, settled)
    return settled


# The keys of scopes.


def rotate_scopes(log: SealedLog, progress: Callable[[int, int], None] | None = None) -> int:
    """Give every scope a new key and wrap its data keys under it; return how many scopes.

    An interrupted rotation leaves some scopes with new keys and some with old ones, all of
    which open; rotating again replaces them all.

    Args:
        log: The unlocked log.
        progress: Told (scopes done, scopes in all).
    """
    keys = log.keys
    assert isinstance(keys, Keys), "only an unlocked log can be rotated"
    scopes = keys.store.scope_ids()
    for done, scope in enumerate(scopes, 1):
        keys.rotate_scope(scope)
        if progress:
            progress(done, len(scopes))
    keys.store.truncate_wal()
    log.append(
        [
            Draft(
                event=KeysRotated(
                    part="scopes",
                    generation=keys.owner.generation,
                    public_key=b"",
                    certificate=b"",
                )
            )
        ]
    )
    return len(scopes)
