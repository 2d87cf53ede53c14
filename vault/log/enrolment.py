"""The devices of a vault as its owner sees them: listing them, and revoking one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from vault import points
from vault.codec import topics_of
from vault.errors import Locked, NotFound, UsageError
from vault.events import DeviceEnrolled, DeviceRevoked
from vault.follow import Entry
from vault.log.certificate import Certificate
from vault.log.envelope import parse
from vault.log.keys import Keys
from vault.log.merge import learn_devices
from vault.log.sealed import Draft, SealedLog
from vault.log.sqlite import sqlite_errors

__all__ = ["Device", "devices", "enrolled", "finish_revocations", "revoke"]

_ENROLLED: Final = DCBQuery([DCBQueryItem([], [topic]) for topic in topics_of(DeviceEnrolled)])
_REVOKED: Final = DCBQuery([DCBQueryItem([], [topic]) for topic in topics_of(DeviceRevoked)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device: its feed (hex), its owner's name for it, how much of its feed is here and counts.

    `enrolled` is None where the entry that says so has not arrived yet.
    """

    feed: str
    name: str
    enrolled: datetime | None
    entries: int
    revoked: bool
    this: bool


def enrolled(certificate: Certificate, name: str) -> DeviceEnrolled:
    """Return the first event of a device's feed."""
    return DeviceEnrolled(
        device=certificate.feed.hex(),
        name=name,
        public_key=certificate.public_key,
        certificate=certificate.signature,
    )


def devices(log: SealedLog) -> tuple[Device, ...]:
    """Return every device of an unlocked vault, in the order in which they were enrolled."""
    log.records.advance()
    names: dict[str, tuple[str, datetime]] = {}
    for entry in _entries(log, _ENROLLED):
        if isinstance(entry.event, DeviceEnrolled):
            names.setdefault(entry.event.device, (entry.event.name, entry.at))
    listed = []
    for certificate in log.devices.all():
        feed = certificate.feed
        name, at = names.get(feed.hex(), ("", None))
        listed.append(
            Device(
                feed=feed.hex(),
                name=name,
                enrolled=at,
                entries=min(log.records.place.trail(feed).frontier.size, certificate.most),
                revoked=certificate.revoked,
                this=feed == log.feed,
            )
        )
    return tuple(sorted(listed, key=lambda one: (one.enrolled is None, one.enrolled, one.feed)))


def _entries(log: SealedLog, query: DCBQuery) -> list[Entry]:
    with sqlite_errors("log.db"):
        found = log.records.recorder.read(query)
        return log.opened([parse(stored.position, stored.event.data) for stored in found])


def finish_revocations(log: SealedLog) -> None:
    """See to it that the certificates are those that signed revocations state.

    The table of certificates is not signed; whoever put back an older row would revive a
    device.
    """
    known = {certificate.feed.hex(): certificate for certificate in log.devices.all()}
    due = []
    for entry in _entries(log, _REVOKED):
        if isinstance(entry.event, DeviceRevoked) and entry.event.device in known:
            here = known[entry.event.device]
            if entry.event.size < here.most and isinstance(log.keys, Keys):
                due.append(log.keys.owner.certify(here.public_key, entry.event.size))
    learn_devices(log, due)


def revoke(log: SealedLog, name: str) -> Device:
    """Revoke a device, by its name or its feed: what it writes from now on counts nowhere.

    Raises:
        NotFound: There is no such device.
        UsageError: It is this one, is revoked already, or several have the name.
        Locked: The vault is not unlocked.
    """
    if not isinstance(log.keys, Keys):
        raise Locked("Only an unlocked vault can revoke a device; give its passphrase.")
    found = [one for one in devices(log) if name in {one.name, one.feed}]
    live = [one for one in found if not one.revoked]
    if not found:
        raise NotFound(f"There is no device {name!r}; `twin device list` names them.")
    if not live:
        raise UsageError("This device was revoked already; nothing was changed.")
    if len(live) > 1:
        raise UsageError("Several devices have this name; revoke one by its feed.")
    [one] = live
    if one.this:
        raise UsageError("This is the device that you are using; revoke it from another one.")
    known = log.devices.certificate(bytes.fromhex(one.feed))
    certificate = log.keys.owner.certify(known.public_key, one.entries)
    event = DeviceRevoked(device=one.feed, size=one.entries, certificate=certificate.signature)
    log.append([Draft(event=event)], certificates=[certificate])
    points.reached("device.revoked")
    return one
