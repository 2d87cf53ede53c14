"""Giving a vault's log to a mirror, and taking from it what other devices gave.

Backup and exchange are these two. Whatever is interrupted is gone on with by doing it
again: what is there is not written twice, heads come after what they promise, and nothing
is deleted before what takes its place is there.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from vault import points
from vault.disk import exclusive, storage
from vault.errors import ForeignVault, Locked, NotFound, RolledBack, TamperError
from vault.follow import moment
from vault.log import checkpoint
from vault.log.cycles import unsearched
from vault.log.enrolment import Device, devices, revoke
from vault.log.folder import read_identity
from vault.log.identity import Identity
from vault.log.keys import Keys
from vault.log.merge import learn_devices, segments, take_in
from vault.log.mirror import (
    Folder,
    Gap,
    HeadFile,
    Listing,
    Mirror,
    Parcel,
    Place,
    SegmentFile,
    Vanished,
    covering,
    name_of,
    parcel_id,
    seal_parcel,
)
from vault.log.owner import Owner, unlock
from vault.log.planning import Planner, Remembered, Withholding, damage, fields_of, opened_file
from vault.log.rotation import adopt_owner
from vault.log.sealed import SealedLog
from vault.log.segment import Segment, absence, seal_segment
from vault.log.sqlite import sqlite_errors
from vault.log.witness import Standing, compare, refusal

__all__ = [
    "Device",
    "Folder",
    "Given",
    "Keepsake",
    "Parcel",
    "Place",
    "Taken",
    "Vanished",
    "Withholding",
    "adopt",
    "devices",
    "give",
    "is_newer",
    "opened_identity",
    "revoke",
    "take",
]

_FLUSHED: Final = 256 << 20
"""So many bytes are written at most before others are told of them."""
_LOCK: Final = "mirror.lock"

Progress = Callable[[int, int], None]


class Keepsake(NamedTuple):
    """A file beside the log that a backup is to hold.

    `edition` changes whenever its content does; `load` returns the content, None where it is
    gone since.
    """

    kind: str
    name: str
    edition: bytes
    load: Callable[[], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was written: `entries` in `segments`, `parcels`; what was put in older files' place.

    `purged` files held something that was erased since; `resealed` ones were sealed before
    the owner key was replaced; `repacked` ones held bodies that must not be there, or lacked
    some that may. `deleted` counts all files that are there no more, `withheld` the bodies
    that are not there, in all.
    """

    entries: int = 0
    segments: int = 0
    parcels: int = 0
    purged: int = 0
    resealed: int = 0
    repacked: int = 0
    deleted: int = 0
    withheld: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was read: new `entries`, devices that are `revoked` now.

    `waiting` are feeds of devices that this vault's present owner key has not certified:
    they have to take over the newer keys first. Of entries that were here without their
    bodies `filled` have them now; `withheld` ones, old and new, have none yet.
    """

    entries: int = 0
    filled: int = 0
    withheld: int = 0
    revoked: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def _owner(log: SealedLog) -> Owner:
    if not isinstance(log.keys, Keys):
        raise Locked("Only an unlocked vault can be mirrored; give its passphrase.")
    return log.keys.owner


# Giving.


def give(
    log: SealedLog,
    home: Path,
    place: Place,
    keepsakes: Iterable[Keepsake] | None = None,
    progress: Progress | None = None,
    *,
    withholding: Withholding | None = None,
) -> Given:
    """Bring a mirror up to what this log has.

    Args:
        log: The unlocked log.
        home: Its folder.
        place: Where the mirror lies, or is to lie.
        keepsakes: What the mirror is to hold beside the log, of this device; None: as it is.
        progress: Told (entries done, entries in all).
        withholding: Which bodies stay at home; without it none does that is here.

    Raises:
        RolledBack: The mirror knows more of this device's feed than this log, or another.
        ForeignVault: It is another vault's, or of a newer release.
        UsageError: Other files are there.
        StorageError: The place refused; what was written stays, and giving again goes on.
    """
    owner = _owner(log)
    with storage("The vault's folder"), exclusive(home / _LOCK):
        log.records.advance()
        mirror = Mirror(place)
        found = mirror.begun(owner.vault)
        _confront(log, mirror, found)
        planner = Planner(log, mirror, found, owner.constants.mirrors, withholding)
        giving = _Giving(log, owner, planner, progress)
        giving.devices()
        giving.feeds()
        if keepsakes is not None:
            giving.keepsakes(keepsakes)
        giving.identity(owner.shared(read_identity(home)))
        giving.heads()
        place.flush()
        points.reached("mirror.complete")
        giving.clear()
        place.flush()
        return giving.done


def _confront(log: SealedLog, mirror: Mirror, found: Listing) -> None:
    """Compare this log with all that the mirror knows.

    Raises:
        RolledBack: A feed has forked, or this device's feed goes on there.
    """
    certified = {certificate.feed for certificate in log.devices.all()}
    place = f"The mirror in {mirror.place.name}"
    for head in found.heads:
        size = log.records.place.trail(head.feed).frontier.size
        if head.feed not in certified or not size or _is_ours(log, head):
            continue
        key = log.devices.key_of(head.feed)
        try:
            theirs = checkpoint.read(mirror.read(head.name), key)
        except Vanished:
            continue
        ours = checkpoint.read(log.checkpoint(head.feed), key)
        compared = compare(log.tree(head.feed), ours, theirs)
        behind = compared.standing is Standing.BEHIND and head.feed == log.feed
        if behind or compared.standing is Standing.FORKED:
            raise refusal(place, compared)
    known = log.records.place.trail(log.feed)
    for file in found.of(log.feed):
        if file.size > known.frontier.size:
            try:
                segment = opened_file(mirror, file, _owner(log).constants.mirrors)
            except Vanished:
                continue
            if not segment.records:
                raise TamperError(f"{file.name} holds less than it says.")
            last = checkpoint.parse(segment.records[-1], log.devices.key_of(log.feed))
            raise RolledBack(
                f"{place} knows {last.size} entries of this device up to {_day(last.time)}, and "
                f"this log has {known.frontier.size} up to {_day(known.time)}: it is an older "
                "copy; put its newest copy back, or restore the mirror into a new folder."
            )


def _is_ours(log: SealedLog, head: HeadFile) -> bool:
    """Tell by its name that a head in a mirror is the record of a checkpoint that is here."""
    record = _checkpoint(log, head.feed, head.size)
    fields = (head.feed.hex(), head.size)
    return record is not None and head.name == name_of("head", *fields, content=record)


def _checkpoint(log: SealedLog, feed: bytes, size: int) -> bytes | None:
    """Return the record of the checkpoint with which a feed reached a size."""
    page = log.index.ending(feed, size)
    if page is None:
        return None
    with sqlite_errors("log.db"):
        return log.records.recorder.at([page.position])[page.position][1]


def _day(nanoseconds: int) -> str:
    return f"{moment(nanoseconds):%Y-%m-%d %H:%M:%S} UTC"


class _Giving:
    """One run: writes first, in an order in which each file finds what it needs."""

    def __init__(
        self,
        log: SealedLog,
        owner: Owner,
        planner: Planner,
        progress: Progress | None,
    ) -> None:
        self._log = log
        self._mirrors = owner.constants.mirrors
        self._generation = owner.generation
        self._mirror = planner.mirror
        self._found = planner.found
        self._planner = planner
        self._progress = progress
        self._obsolete: list[str] = []
        self._sizes = {feed: planner.size(feed) for feed in log.records.place.trails}
        self._revoked = {c.feed for c in log.devices.all() if c.revoked} - {log.feed}
        self._entries = (0, 0)
        self._unflushed = 0
        self.done = Given()

    def _put(self, kind: str, *fields: object, content: bytes) -> str:
        return self._mirror.put(self._found, kind, *fields, content=content)

    def identity(self, identity: Identity) -> None:
        """Write who opens the mirror: for this device, as its vault.json has it now."""
        fields = (identity.generation, self._log.feed.hex())
        name = self._put("identity", *fields, content=identity.encode())
        for file in self._found.identities:
            own = file.feed == self._log.feed
            if (own and file.name != name) or file.feed in self._revoked:
                self._obsolete.append(file.name)

    def devices(self) -> None:
        """Write the certificates of all devices, unless narrower ones are there."""
        for certificate in self._log.devices.all():
            files = [f for f in self._found.devices if f.feed == certificate.feed]
            present = [f.most for f in files if f.generation == self._generation]
            if not present or min(present) > certificate.most:
                fields = (self._generation, certificate.feed.hex(), certificate.most)
                self._put("device", *fields, content=certificate.encode())
            most = min([certificate.most, *present])
            self._obsolete += [
                file.name
                for file in files
                if file.generation < self._generation
                or (file.generation == self._generation and file.most > most)
            ]

    def feeds(self) -> None:
        """Write what the mirror lacks of every feed, and what must not stay as it is."""
        plans = [(feed, self._planned(feed)) for feed in sorted(self._sizes)]
        gaps = [(feed, gap) for feed, gaps in plans for gap in gaps]
        self._entries = (0, sum(gap.size - gap.first for _, gap in gaps))
        reach = {file.feed: file.size for file in sorted(self._found.segments, key=_end)}
        # What is new comes first, and what this device wrote before the rest: whoever finds
        # something erased finds who asked for it.
        gaps.sort(key=lambda one: (one[1].size <= reach.get(one[0], 0), one[0] != self._log.feed))
        for feed, gap in gaps:
            choose = self._planner.choosing(feed, gap)
            for segment in segments(self._log, feed, gap.first, gap.size, choose):
                self._write(segment)
        self._planner.keep()

    def _write(self, segment: Segment) -> None:
        fields = fields_of(segment, self._mirrors, self._generation)
        content = seal_segment(segment, self._mirrors)
        self._planner.wrote(self._put("segment", *fields, content=content), segment)
        done, missing = self._entries
        self._entries = (done + segment.size - segment.first, missing)
        self.done = replace(self.done, entries=self._entries[0], segments=self.done.segments + 1)
        self._unflushed += len(content)
        if self._unflushed >= _FLUSHED:
            self._mirror.place.flush()
            self._unflushed = 0
        if self._progress:
            self._progress(*self._entries)

    def _planned(self, feed: bytes) -> list[Gap]:
        """Return what is to be written of a feed."""
        plan = self._planner.plan(feed)
        self._obsolete += [file.name for file in plan.gone]
        self.done = replace(
            self.done,
            purged=self.done.purged + plan.purged,
            resealed=self.done.resealed + plan.resealed,
            repacked=self.done.repacked + plan.repacked,
        )
        return plan.gaps

    def keepsakes(self, keepsakes: Iterable[Keepsake]) -> None:
        """Write models and papers that are new; leave no other of this device."""
        mine = self._log.feed.hex()
        there = {f.id: f for f in self._found.parcels if f.feed == self._log.feed}
        wanted = set()
        for kind, name, edition, load in keepsakes:
            id_ = parcel_id(self._mirrors, kind, name, edition)
            wanted.add(id_)
            content = None if id_ in there else load()
            if content is not None:
                sealed = seal_parcel(Parcel(kind, name, content), self._mirrors)
                self._put("parcel", mine, self._generation, id_, content=sealed)
                self.done = replace(self.done, parcels=self.done.parcels + 1)
        self._obsolete += [file.name for id_, file in there.items() if id_ not in wanted]
        self._obsolete += [f.name for f in self._found.parcels if f.feed in self._revoked]

    def heads(self) -> None:
        """Write how far every feed goes, now that all up to there is written."""
        for feed, size in sorted(self._sizes.items()):
            files = [file for file in self._found.heads if file.feed == feed]
            if size and all(file.size < size for file in files):
                record = _checkpoint(self._log, feed, size)
                if record is not None:
                    self._put("head", feed.hex(), size, content=record)
                    self._obsolete += [file.name for file in files]

    def clear(self) -> None:
        """Delete what something else has taken the place of."""
        # What was cut short may have been written again meanwhile, under the same name.
        cut = (name for name in self._found.cut if name not in self._found.names)
        names = dict.fromkeys([*self._obsolete, *cut])
        left = (file.withheld for file in self._found.segments if file.name not in names)
        self.done = replace(self.done, withheld=sum(left), deleted=self._mirror.delete(names))


def _end(file: SegmentFile) -> int:
    return file.size


# Taking.


def take(log: SealedLog, place: Place, progress: Progress | None = None) -> Taken:
    """Merge into this log what a mirror knows and this log does not.

    Args:
        log: The unlocked log.
        place: Where the mirror lies.
        progress: Told (entries done, entries in all).

    Raises:
        NotFound: There is no mirror.
        ForeignVault: It is another vault's, of a newer release, or under a newer owner key.
        RolledBack: It knows more of this device's feed than this log, or another.
        TamperError: Something is damaged or missing; what was merged before stays.
    """
    owner = _owner(log)
    mirror = Mirror(place)
    found = mirror.listing_of(owner.vault).readable(owner.generation)
    if any(file.generation > owner.generation for file in found.identities):
        raise ForeignVault(
            f"The owner key of the mirror in {place.name} is newer than this vault's; "
            "`twin device exchange` takes it over."
        )
    log.records.advance()
    new = learn_devices(log, mirror.certificates(found, owner.generation, log.devices.all()))
    _confront(log, mirror, found)
    taking = _Taking(log, owner, mirror, progress)
    waiting = taking.all(found)
    taking.fill()
    return Taken(
        entries=taking.entries,
        filled=taking.filled,
        withheld=log.index.count_withheld(),
        revoked=tuple(one.feed.hex() for one in new if one.revoked),
        waiting=tuple(sorted(feed.hex() for feed in waiting)),
    )


class _Taking:
    """One run: feed by feed, segment by segment."""

    def __init__(
        self, log: SealedLog, owner: Owner, mirror: Mirror, progress: Progress | None
    ) -> None:
        self._log = log
        self._mirrors = owner.constants.mirrors
        self._mirror = mirror
        self._found = Listing()
        self._progress = progress
        self._wanted = 0
        self._come = 0
        self.entries = 0
        self.filled = 0

    def _known(self, feed: bytes) -> int:
        return self._log.records.place.trail(feed).frontier.size

    def _reach(self, feed: bytes) -> int:
        """Return up to which size entries of a feed are to be had."""
        there = max((file.size for file in self._found.of(feed)), default=0)
        return min(there, self._log.devices.most(feed))

    def _covering(self, feed: bytes) -> list[SegmentFile | Gap]:
        """Return the segments with what is new of a feed, and what is missing between them."""
        return covering(self._found.of(feed), self._known(feed), self._reach(feed))

    def all(self, found: Listing) -> set[bytes]:
        """Take every feed; return those that no certificate vouches for."""
        self._found = found
        certified = {certificate.feed for certificate in self._log.devices.all()}
        feeds = sorted({file.feed for file in found.segments})
        known = [feed for feed in feeds if feed in certified]
        self._wanted = sum(max(0, self._reach(feed) - self._known(feed)) for feed in known)
        self._expect([one for feed in known for one in self._covering(feed)])
        for feed in known:
            self._feed(feed)
        return set(feeds) - certified

    def _expect(self, files: Iterable[SegmentFile | Gap]) -> None:
        names = [file.name for file in files if isinstance(file, SegmentFile)]
        if names:
            self._mirror.place.expect(names)

    def _again(self) -> bool:
        """List the mirror again; tell whether it is another than before."""
        before = self._found.names
        self._found = self._mirror.listing().readable(len(self._mirrors))
        return self._found.names != before

    def _feed(self, feed: bytes) -> None:
        while (known := self._known(feed)) < self._reach(feed):
            [one, *_] = self._covering(feed)
            if isinstance(one, SegmentFile) and self._taken(one):
                if self._known(feed) == known:
                    raise TamperError(f"{one.name} holds less than it says.")
            # Somebody may have put another file in its place since the listing.
            elif not self._again():
                raise TamperError(
                    f"Entries {known} and later of feed {feed.hex()} are missing in "
                    f"{self._mirror.place.name}; exchange on the device that has them."
                )

    def _taken(self, file: SegmentFile) -> bool:
        """Take a segment in; tell whether it was still there."""
        known = self._known(file.feed)
        lacking = self._lacking(file, known)
        with unsearched():
            try:
                segment = opened_file(self._mirror, file, self._mirrors)
            except Vanished:
                return False
            self.entries += take_in(self._log, segment)
            del segment  # before cycles are looked for again
        points.reached("mirror.taken")
        self.filled += lacking - self._lacking(file, known)
        self._come += self._known(file.feed) - known
        if self._progress:
            self._progress(self._come, max(self._come, self._wanted))
        return True

    # Bodies that stayed at home when their entries came.

    def _lacking(self, file: SegmentFile, known: int) -> int:
        """Return how many bodies of a segment's entries, as far as they are known, are not here."""
        return len(self._log.index.absent(file.feed, file.first, min(file.size, known)).withheld)

    def fill(self) -> None:
        """Take in what is withheld here and is there now."""
        if not self._log.index.count_withheld():
            return
        looked = Remembered(self._log, self._mirrors[-1])
        waiting = [file for file in self._found.segments if self._may_fill(file, looked)]
        self._expect(waiting)
        for file in waiting:
            lacking = self._lacking(file, file.size)
            try:
                if lacking and self._taken(file):
                    lacking = self._lacking(file, file.size)
                    looked.add(_has_no_more(file, lacking))
                    if lacking > file.size - file.first - file.bodies:
                        looked.add(damage(file, lacking))  # a body there does not open
            except RolledBack:
                raise
            except (TamperError, ForeignVault):
                # Nothing that is new hangs on it; the next giving writes it again.
                looked.add(damage(file, lacking))
        looked.keep()

    def _may_fill(self, file: SegmentFile, looked: Remembered) -> bool:
        """Tell whether a segment may hold a body that is withheld here."""
        feed, first, size = file[1:4]
        if size > self._known(feed):
            return False
        absent = self._log.index.absent(feed, first, size)
        return (
            bool(absent.withheld and file.bodies)
            and file.absent
            != absence(self._mirrors[file.generation - 1], (feed, first, size, *absent))
            and _has_no_more(file, len(absent.withheld)) not in looked
        )


def _has_no_more(file: SegmentFile, lacking: int) -> tuple[object, ...]:
    """Return what says that a segment has none of the bodies that are lacking."""
    return "taken", file.name, lacking


# A newer owner key.


def is_newer(log: SealedLog, place: Place) -> bool:
    """Whether the owner key of a mirror took the place of this vault's on another device."""
    owner = _owner(log)
    found = Mirror(place).listing_of(owner.vault)
    return any(file.generation > owner.generation for file in found.identities)


def adopt(home: Path, secret: str, place: Place, new_secret: str) -> None:
    """Take over the owner key that a mirror has.

    Args:
        home: The vault's folder; no process has it open.
        secret: What opens it now.
        place: Where the mirror lies.
        new_secret: What opens the mirror: the new passphrase or the new recovery key.

    Raises:
        Locked: One of the secrets is wrong; nothing on disk was touched.
        ForeignVault: It is another vault's.
        BadSignature: The owner key of this device did not name it.
        Revoked: The owner revoked this device.
    """
    mirror = Mirror(place)
    found = mirror.listing_of(read_identity(home).vault)
    identity, owner = opened_identity(mirror, found, new_secret)
    adopt_owner(home, secret, identity, owner)


def opened_identity(mirror: Mirror, found: Listing, secret: str) -> tuple[Identity, Owner]:
    """Return an identity of the newest owner key in a mirror that a secret opens, and its owner.

    Devices may have different passphrases: each of them opens.

    Raises:
        Locked: The secret opens none.
        NotFound: There is none.
        TamperError: One is damaged.
    """
    refused: Locked | None = None
    newest = max((file.generation for file in found.identities), default=0)
    for file in sorted(file for file in found.identities if file.generation == newest):
        identity = Identity.decode(mirror.read(file.name), file.name)
        if (identity.generation, identity.vault) != (file.generation, *found.vaults):
            raise TamperError(f"{file.name} is not what it says.")
        try:
            return identity, unlock(identity, secret)
        except Locked as error:
            refused = refused or error
    raise refused or NotFound(f"There is no owner key in {mirror.place.name}.")
