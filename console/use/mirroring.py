"""Backups, further devices, and folders in which devices exchange what they know."""

import hashlib
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from console import bootstrap
from console.bootstrap import Twin
from vault import mirrors, restoring
from vault.errors import UsageError
from vault.mirrors import Device, Folder, Given, Keepsake, Place, Taken
from vault.restoring import Checked, Restored

__all__ = [
    "Backup",
    "Devices",
    "Enrolled",
    "Exchanged",
    "Revoked",
    "adopted",
    "backup",
    "check",
    "devices",
    "enrol",
    "exchange",
    "is_newer",
    "keepsakes",
    "restore",
    "revoke",
    "take",
]

Progress = Callable[[int, int], None]

_UNFINISHED = "erasing"  # the note of an erasure that is under way


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup: `events` are in it now, the rest is what this run wrote and deleted."""

    out: Path
    events: int
    written: Given


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A further device, and what it wrote for the others to know it by."""

    restored: Restored
    written: Given


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """What came and went; `suspended` models had learned what is no longer permitted."""

    out: Path
    events: int
    checkpoint: str
    taken: Taken
    written: Given
    suspended: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """The devices of a vault."""

    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """The device that was revoked, with how many entries of it count."""

    device: Device


def _place(home: Path, out: Path, writer: str) -> Folder:
    """Return a mirror's folder, which no vault's folder holds.

    Raises:
        UsageError: It lies inside the vault's folder.
    """
    out = out.absolute()
    if out.resolve().is_relative_to(home.resolve()):
        raise UsageError("The folder lies inside the vault's own; name one elsewhere.")
    return Folder(out, writer)


def backup(twin: Twin, out: Path, progress: Progress | None = None) -> Backup:
    """Bring a backup up to date: the log, the models, the papers.

    Raises:
        RolledBack: The backup knows more than this vault: the vault was put back.
        ForeignVault: It is another vault's, or of a newer release.
    """
    place = _place(twin.home, out, twin.log.public_key[:8].hex())
    given = mirrors.give(twin.log, twin.home, place, keepsakes(twin), progress)
    return Backup(out=out.absolute(), events=twin.log.head.size, written=given)


def keepsakes(twin: Twin, wanted: Callable[[str], bool] = lambda _name: True) -> Iterator[Keepsake]:
    """Yield what cannot be made again from the log alone: papers, and files of models if wanted."""
    models = twin.models
    for name in models.names():
        if not name.endswith(".db") and name != _UNFINISHED and wanted(name):
            edition = models.edition(name)
            yield Keepsake("models", name, edition, partial(models.read, name))
    for path in sorted((twin.home / "papers").glob("*.json")):
        content = path.read_bytes()
        edition = hashlib.sha256(content).digest()
        yield Keepsake("papers", path.name, edition, partial(bytes, content))


def check(
    home: Path, out: Path, secret: str, share: float = 0.0, progress: Progress | None = None
) -> Checked:
    """Check a backup: its structure, and a share of what is in its files."""
    return restoring.check(_place(home, out, ""), secret, share, progress)


def restore(
    home: Path, out: Path, secret: str, name: str = "", progress: Progress | None = None
) -> Restored:
    """Make a vault from a backup, as a new device."""
    called = name or platform.node() or "restored"
    return restoring.restore(home, _place(home, out, ""), secret, called, progress)


def enrol(
    home: Path, out: Path, secret: str, name: str = "", progress: Progress | None = None
) -> Enrolled:
    """Make a further device from a mirror, and tell the others there."""
    restored = restore(home, out, secret, name, progress)
    twin = bootstrap.open_(home, secret)
    try:
        place = _place(home, out, restored.feed)
        return Enrolled(restored=restored, written=mirrors.give(twin.log, twin.home, place))
    finally:
        twin.close()


def is_newer(twin: Twin, out: Path) -> bool:
    """Whether another device replaced the owner key, as the mirror tells."""
    place = _place(twin.home, out, "")
    return bool(place.sizes()) and mirrors.is_newer(twin.log, place)


def adopted(home: Path, secret: str, out: Path, new_secret: str) -> Twin:
    """Take over the owner key that another device made, and open the vault with it."""
    mirrors.adopt(home, secret, _place(home, out, ""), new_secret)
    return bootstrap.open_(home, new_secret)


def exchange(twin: Twin, out: Path, progress: Progress | None = None) -> Exchanged:
    """Read what other devices wrote into a folder, and write what this one knows.

    Raises:
        RolledBack: The folder knows more than this vault: the vault was put back.
        ForeignVault: It is another vault's, or of a newer release.
        TamperError: Something there is damaged or missing; what was merged before stays.
    """
    place = _place(twin.home, out, twin.log.public_key[:8].hex())
    taken, suspended = take(twin, place, progress)
    given = mirrors.give(twin.log, twin.home, place)
    head = twin.log.head
    return Exchanged(
        out=out.absolute(),
        events=head.size,
        checkpoint=head.root.hex(),
        taken=taken,
        written=given,
        suspended=suspended,
    )


def take(
    twin: Twin, place: Place, progress: Progress | None = None
) -> tuple[Taken, tuple[str, ...]]:
    """Read what other devices wrote into a mirror; return it with the models suspended for it.

    Raises:
        RolledBack: The mirror knows more than this vault: the vault was put back.
        ForeignVault: It is another vault's, or of a newer release.
        TamperError: Something there is damaged or missing; what was merged before stays.
    """
    order = twin.log.order
    taken = mirrors.take(twin.log, place, progress) if place.sizes() else Taken()
    news = taken.entries or taken.revoked or twin.log.order != order
    return taken, _followed(twin) if news else ()


def _followed(twin: Twin) -> tuple[str, ...]:
    """Let views and models follow what came, as they would have if it was said here."""
    twin.catch_up()
    twin.views.settle(twin.vault.now())
    if twin.log.certificate().revoked:
        return ()  # a revoked device can put nothing on the record
    suspended = twin.suspend_tainted("no longer permitted")
    if suspended:
        twin.destroy_tainted_states()
    return suspended


def devices(twin: Twin) -> Devices:
    """List the devices."""
    return Devices(devices=mirrors.devices(twin.log))


def revoke(twin: Twin, name: str) -> Revoked:
    """Revoke a device: what it writes from now on counts nowhere.

    Raises:
        NotFound: There is no such device.
        UsageError: It is this one, is revoked already, or several have the name.
    """
    return Revoked(device=mirrors.revoke(twin.log, name))
