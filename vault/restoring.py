"""Making a vault again from a mirror, and checking that this could be done."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from cryptography.exceptions import InvalidTag

from vault import points
from vault.derived import Derived
from vault.disk import private_folder, storage, sync_folder, write_atomic
from vault.errors import (
    BadSignature,
    Exists,
    ForeignVault,
    Locked,
    NotFound,
    TamperError,
    VaultError,
)
from vault.log import checkpoint
from vault.log import home as vault_home
from vault.log.certificate import Certificate
from vault.log.envelope import open_body, parse
from vault.log.folder import IDENTITY, read_identity
from vault.log.keys import Keys, data_key
from vault.log.merge import rows_of
from vault.log.mirror import (
    Gap,
    HeadFile,
    Listing,
    Mirror,
    Place,
    SegmentFile,
    covering,
    open_parcel,
)
from vault.log.owner import Owner
from vault.log.planning import opened_file
from vault.log.sealed import SealedLog
from vault.log.segment import NOTE, Segment
from vault.log.sqlite import sqlite_errors
from vault.log.verify import Place as Walked
from vault.log.verify import Trail, walk
from vault.mirrors import devices, opened_identity, take

__all__ = ["Checked", "Restored", "check", "restore"]

_KINDS: Final = ("models", "papers")
_PARTLY: Final = ".restoring"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A vault that was made again: how many entries, whose bodies but for `withheld` ones are there.

    `checkpoint` is the Merkle root of what was restored, as the other devices know it, before
    the entry that enrols the new device with its feed.
    """

    vault: Path
    events: int
    checkpoint: str
    device: str
    feed: str
    models: int
    papers: int
    withheld: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was looked at in a mirror, how much of it was read, what is wrong with it.

    The bodies of `withheld` entries stayed at home, as the names of segments say.
    """

    files: int
    read: int
    entries: int
    problems: tuple[str, ...]
    withheld: int = 0


# Restoring.


def restore(
    home: Path,
    place: Place,
    secret: str,
    name: str,
    progress: Progress | None = None,
) -> Restored:
    """Make a vault's folder from a mirror, as a new device; it appears whole or not at all.

    Until it is whole it lies beside its place; restoring again goes on with it.

    Args:
        home: The new folder.
        place: Where the mirror lies.
        secret: The passphrase or the recovery key.
        name: What the owner calls the device.
        progress: Told (entries done, entries in all).

    Raises:
        Exists: There is something in the folder already.
        NotFound: There is no mirror.
        Locked: The secret is wrong.
        ForeignVault: It was written by a newer release.
        TamperError: Something is damaged or missing; nothing was made.
        StorageError: The disk refused; restoring again goes on.
    """
    home = home.absolute()
    mirror = Mirror(place)
    found = _begun(mirror)
    _, owner = opened_identity(mirror, found, secret)
    found.readable(owner.generation)
    structure = _Structure(mirror, found, owner)
    structure.look()
    if structure.problems:
        more = len(structure.problems) - 1
        also = f" ({more} more problems; `twin check` lists them)" if more else ""
        raise TamperError(structure.problems[0] + also)
    with storage(f"The vault could not be made in {home}"):
        if home.exists() and (not home.is_dir() or any(home.iterdir())):
            raise Exists(f"There is something in {home} already; choose another folder.")
    restoring = _Restoring(home, mirror, found, structure)
    try:
        return restoring.run(secret, name, progress)
    except (TamperError, ForeignVault):
        restoring.drop()
        raise


def _begun(mirror: Mirror) -> Listing:
    found = mirror.listing()
    mirror.check(found)
    if not found.vaults:
        raise NotFound(f"There is no mirror of a vault in {mirror.place.name}.")
    return found


class _Restoring:
    """One run of making a vault's folder."""

    def __init__(self, home: Path, mirror: Mirror, found: Listing, structure: "_Structure") -> None:
        self._home = home
        self._partly = home.with_name(home.name + _PARTLY)
        self._mirror = mirror
        self._found = found
        self._structure = structure

    def drop(self) -> None:
        """Leave nothing of it."""
        shutil.rmtree(self._partly, ignore_errors=True)

    def run(self, secret: str, name: str, progress: Progress | None) -> Restored:
        """Merge, unpack, and put the folder in its place."""
        log = self._device(secret, name)
        try:
            points.reached("restore.enrolled")
            with sqlite_errors("log.db"), log.records.recorder.written_once():
                withheld = take(log, self._mirror.place, progress).withheld
            points.reached("restore.merged")
            counts = self._unpacked(log)
            points.reached("restore.unpacked")
            head, root = log.head, log.root_of_others()
            [device] = [one for one in devices(log) if one.this]
        finally:
            log.close()
        with storage(f"The vault could not be made in {self._home}"):
            self._partly.replace(self._home)
            sync_folder(self._home.parent)
        points.reached("restore.done")
        return Restored(
            vault=self._home,
            events=head.size,
            checkpoint=root.hex(),
            device=device.name,
            feed=device.feed,
            models=counts["models"],
            papers=counts["papers"],
            withheld=withheld,
        )

    def _device(self, secret: str, name: str) -> SealedLog:
        """Open the folder that an earlier run left, or make one."""
        identity, owner = opened_identity(self._mirror, self._found, secret)
        if (self._partly / IDENTITY).exists():
            there = read_identity(self._partly)
            if (there.vault, there.generation) == (identity.vault, identity.generation):
                try:
                    return vault_home.open_(self._partly, secret)
                except Locked:
                    pass  # begun under another passphrase
            self.drop()
        certificates = self._structure.certificates
        return vault_home.enrol(self._partly, owner.shared(identity), secret, name, certificates)

    def _unpacked(self, log: SealedLog) -> dict[str, int]:
        """Put back what lay beside the log; of two of one name the one of the later device."""
        keys = log.keys
        assert isinstance(keys, Keys), "a restored log is unlocked"
        models = Derived(self._partly / "models", keys.sealing("models"))
        papers = self._partly / "papers"
        with storage("The folder papers"):
            private_folder(papers)
        names: dict[str, set[str]] = {kind: set() for kind in _KINDS}
        place, most = log.records.place, log.devices.most
        for file in sorted(
            self._found.parcels, key=lambda f: (most(f.feed), place.trail(f.feed).time, f.name)
        ):
            content = self._mirror.read(file.name)
            parcel = open_parcel(content, keys.owner.constants.mirrors, file.name)
            if parcel.kind not in names or Path(parcel.name).name != parcel.name:
                raise ForeignVault(f"{file.name} is of a newer format; use a newer release.")
            names[parcel.kind].add(parcel.name)
            if parcel.kind == "models":
                models.write(parcel.name, parcel.content)
            else:
                with storage("The folder papers"):
                    write_atomic(papers / parcel.name, parcel.content)
        return {kind: len(each) for kind, each in names.items()}


# Checking.


def check(
    place: Place,
    secret: str,
    share: float = 0.0,
    progress: Progress | None = None,
    *,
    random: Random | None = None,
    sound: set[str] | None = None,
) -> Checked:
    """Check a mirror: that nothing is missing or cut short, and what is in its files.

    Args:
        place: Where the mirror lies.
        secret: The passphrase or the recovery key.
        share: Which share of the segments and parcels to read and open, chosen at random.
        progress: Told (files read, files to be read).
        random: What chooses.
        sound: Segments and parcels that need not be read again; those found sound are added.

    Raises:
        NotFound: There is no mirror.
        Locked: The secret is wrong.
        ForeignVault: It was written by a newer release.
        TamperError: Not even the owner key can be read.
    """
    sound = set() if sound is None else sound
    mirror = Mirror(place)
    found = _begun(mirror)
    _, owner = opened_identity(mirror, found, secret)
    found.readable(owner.generation)
    structure = _Structure(mirror, found, owner)
    structure.look()
    if not any(found.vaults.values()):
        structure.problems.append(
            f"The file in {mirror.place.name} that says whose it is is gone; the next backup "
            "writes it again."
        )
    contents = _Contents(mirror, owner, structure, sound)
    names = sorted({*(s.name for s in found.segments), *(p.name for p in found.parcels)} - sound)
    count = -(-len(names) * min(share, 1.0) // 1)
    chosen = set((random or Random()).sample(names, int(count)))  # noqa: S311 - no secret
    done = 0
    for read in contents.look(found, chosen):
        done += read
        if progress:
            progress(done, len(chosen))
    return Checked(
        files=len(found.names),
        read=done,
        entries=sum(structure.reach(head) for head in structure.heads),
        problems=(*structure.problems, *contents.problems),
        withheld=structure.withheld,
    )


class _Structure:
    """What can be said without reading segments: owner, certificates, heads, gaps."""

    def __init__(self, mirror: Mirror, found: Listing, owner: Owner) -> None:
        self._mirror = mirror
        self._found = found
        self._owner = owner
        self.certificates: list[Certificate] = []
        self.heads: list[HeadFile] = []
        self.problems: list[str] = []
        self.withheld = 0

    def reach(self, head: HeadFile) -> int:
        """Return how many entries of a feed count."""
        most = [c.most for c in self.certificates if c.feed == head.feed]
        return min([head.size, *most])

    def look(self) -> None:
        """Look at everything, and list every problem."""
        self.problems += [f"{name} is cut short." for name in self._found.cut]
        for name in filter(None, self._found.vaults.values()):
            self._read(name)
        self._look_at_identities()
        self._look_at_certificates()
        self._look_at_heads()
        for head in self.heads:
            self._look_for_gaps(head)

    def _read(self, name: str) -> bytes | None:
        try:
            return self._mirror.read(name)
        except (TamperError, NotFound) as error:
            self.problems.append(str(error))
            return None

    def _look_at_identities(self) -> None:
        for file in self._found.identities:
            self._read(file.name)

    def _look_at_certificates(self) -> None:
        narrowest: dict[bytes, Certificate] = {}
        for file in self._found.devices:
            content = self._read(file.name)
            if content is None or file.generation != self._owner.generation:
                continue
            certificate = Certificate.decode(content)
            if (certificate.feed, certificate.most) != (file.feed, file.most):
                self.problems.append(f"{file.name} is not what its name says.")
                continue
            try:
                certificate.check(self._owner.public)
            except BadSignature as error:
                self.problems.append(f"{file.name}: {error}")
                continue
            known = narrowest.get(certificate.feed)
            if known is None or certificate.most < known.most:
                narrowest[certificate.feed] = certificate
        self.certificates = [narrowest[feed] for feed in sorted(narrowest)]
        there = {file.feed for file in self._found.devices}
        for feed in sorted({file.feed for file in self._found.segments} - there):
            self.problems.append(f"The certificate of the device that wrote {feed.hex()} is gone.")

    def _look_at_heads(self) -> None:
        keys = {c.feed: c.check(self._owner.public) for c in self.certificates}
        newest: dict[bytes, HeadFile] = {}
        for file in self._found.heads:
            content = self._read(file.name)
            if content is None or file.feed not in keys:
                continue
            try:
                stated = checkpoint.parse(content, keys[file.feed])
            except TamperError as error:
                self.problems.append(f"{file.name}: {error}")
                continue
            if stated.size != file.size:
                self.problems.append(f"{file.name} is not what its name says.")
            elif file.feed not in newest or newest[file.feed].size < file.size:
                newest[file.feed] = file
        self.heads = [newest[feed] for feed in sorted(newest)]
        if not self.heads:
            self.problems.append("No feed is complete: the first backup did not finish.")

    def _look_for_gaps(self, head: HeadFile) -> None:
        for one in covering(self._found.of(head.feed), 0, self.reach(head)):
            if isinstance(one, Gap):
                self.problems.append(
                    f"Entries {one.first} to {one.size - 1} of feed {head.feed.hex()} are missing."
                )
            else:
                self.withheld += one.withheld


class _Contents:
    """What is in segments and parcels, opened and verified."""

    def __init__(
        self, mirror: Mirror, owner: Owner, structure: _Structure, sound: set[str]
    ) -> None:
        self._mirror = mirror
        self._sound = sound
        self._mirrors = owner.constants.mirrors
        self._keys = {c.feed: c.check(owner.public) for c in structure.certificates}
        self._heads = {head.feed: head for head in structure.heads}
        self._trails: dict[bytes, Trail] = {}
        self.problems: list[str] = []

    def look(self, found: Listing, chosen: set[str]) -> Iterator[int]:
        """Read the chosen files; yield 1 for each."""
        segments = sorted(found.segments, key=lambda f: (f.feed, f.first, f.size))
        names = [*(file.name for file in segments), *(file.name for file in found.parcels)]
        if chosen:
            self._mirror.place.expect([name for name in names if name in chosen])
        for file in segments:
            if file.name in chosen:
                self._try(file.name, partial(self._segment, file))
                yield 1
        for parcel in found.parcels:
            if parcel.name in chosen:
                self._try(parcel.name, partial(self._parcel, parcel.name))
                yield 1

    def _try(self, name: str, look: Callable[[], None]) -> None:
        try:
            look()
        except VaultError as error:
            text = str(error)
            self.problems.append(text if name in text else f"{name}: {text}")
        else:
            self._sound.add(name)

    def _parcel(self, name: str) -> None:
        open_parcel(self._mirror.read(name), self._mirrors, name)

    def _segment(self, file: SegmentFile) -> None:
        segment = opened_file(self._mirror, file, self._mirrors)
        if file.feed not in self._keys:
            return  # its device has not taken over the newer keys
        self._walk(segment)
        self._open(segment)

    def _walk(self, segment: Segment) -> None:
        trail = self._trails.get(segment.feed, Trail())
        records = list(segment.records)
        if trail.frontier.size != segment.first:
            # What comes before was not read: the first checkpoint says where to go on.
            first = next(i for i, data in enumerate(records) if data.startswith(NOTE))
            stated = checkpoint.parse(records[first], self._keys[segment.feed])
            trail, records = Trail(stated.frontier, stated.time), records[first + 1 :]
        key = self._keys[segment.feed]
        for page in walk(rows_of(records), lambda _: key, Walked(0, {segment.feed: trail})):
            trail = page.trail
        if trail.frontier.size != segment.size:
            raise TamperError("It holds less than it says.")
        self._trails[segment.feed] = trail

    @staticmethod
    def _open(segment: Segment) -> None:
        pages = {(segment.feed, id_): page.keys for id_, page in segment.keys.items()}
        for data in segment.records:
            if data.startswith(NOTE):
                continue
            record = parse(0, data)
            if not record.body:
                continue
            page = (segment.feed, record.header.key_page)
            try:
                open_body(data_key(pages, page, record.header.key_slot), record.signed, record.body)
            except (InvalidTag, ValueError):
                raise TamperError(f"Entry {record.header.id} does not open.") from None
