"""A mirror: a store of whole files that carries a vault from one place to another.

A backup, a folder between two devices and, later, a pod are the same thing. All that is
asked of the store is to list, read, write and delete whole files. No file is ever changed:
its name says what it is, how long it is and how it hashes, so that one which was half
written is not taken for a whole one, and whoever reads while others write needs no lock.

    mirror-…    which vault          segment-…  pages of a feed, sealed
    identity-…  wrapped owner key    parcel-…   a model or a paper, sealed
    device-…    a certificate        head-…     how far a feed goes, written last
"""

import errno
import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Protocol, Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault import points
from vault.disk import make_folder, storage, sync_folder
from vault.errors import ForeignVault, NotFound, StorageError, TamperError, UsageError
from vault.log.certificate import Certificate
from vault.log.identity import Identity

__all__ = [
    "DeviceFile",
    "Folder",
    "Gap",
    "HeadFile",
    "IdentityFile",
    "Listing",
    "Mirror",
    "Parcel",
    "ParcelFile",
    "Place",
    "SegmentFile",
    "Vanished",
    "covering",
    "name_of",
    "open_parcel",
    "parcel_id",
    "seal_parcel",
]

FORMAT: Final = 1
_HASH: Final = 16
_LARGEST: Final = 2**31 - 1 - 16
_NUMBER: Final = r"(?:0|[1-9][0-9]{0,18})"
_MOST: Final = 2**63 - 1
_GENERATION: Final = r"[1-9][0-9]{0,8}"
_FEED: Final = r"[0-9a-f]{16}"
_FIELDS: Final = {
    "mirror": (_NUMBER, _FEED),
    "identity": (_GENERATION, _FEED),
    "device": (_GENERATION, _FEED, _NUMBER),
    "segment": (_FEED, _NUMBER, _NUMBER, _NUMBER, _NUMBER, _GENERATION, r"[0-9a-f]{32}"),
    "parcel": (_FEED, _GENERATION, r"[0-9a-f]{32}"),
    "head": (_FEED, _NUMBER),
}
_TAIL: Final = rf"-(?P<length>{_NUMBER})-(?P<hash>[0-9a-f]{{{2 * _HASH}}})"
_NAMES: Final = {
    kind: re.compile("-".join([kind, *(f"({each})" for each in fields)]) + _TAIL, re.ASCII)
    for kind, fields in _FIELDS.items()
}
_ANY_FORMAT: Final = re.compile(rf"mirror-({_NUMBER})-.*", re.ASCII)
_NEW: Final = ".new"


class Vanished(NotFound):
    """A file was deleted since it was listed; what takes its place is there already."""


class Place(Protocol):
    """Where a mirror lies: any store of whole files, however simple."""

    @property
    def name(self) -> str:
        """What to call it in an error."""

    def sizes(self) -> dict[str, int]:
        """Return the name and the length of every file."""

    def read(self, name: str) -> bytes:
        """Return a file.

        Raises:
            Vanished: There is none.
        """

    def write(self, name: str, content: bytes) -> None:
        """Write a file that is not there; half a one may stay if this is interrupted."""

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""

    def expect(self, names: Sequence[str]) -> None:
        """Hear which files will be read next, in this order; a place may fetch ahead."""

    def flush(self) -> None:
        """Make what was written and deleted so far known to other readers."""


class Folder:
    """A mirror in a folder of a file system: a stick, a share, a synchronised folder."""

    def __init__(self, path: Path, writer: str = "") -> None:
        """Take a folder; it is made when something is written.

        Args:
            path: The folder.
            writer: What tells this device's drafts from those of other devices.
        """
        self._path = path
        self._draft = f".{writer}{_NEW}"
        self._tidy = False

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._path)

    def sizes(self) -> dict[str, int]:
        """Return name and length of every file that is no draft."""
        found: dict[str, int] = {}
        with storage(f"The folder {self._path}"):
            if not self._path.exists():
                return {}
            with os.scandir(self._path) as entries:
                for entry in entries:
                    if entry.name.endswith(_NEW) or entry.name.startswith("."):
                        continue
                    try:
                        found[entry.name] = entry.stat().st_size if entry.is_file() else -1
                    except FileNotFoundError:
                        continue  # somebody deleted it meanwhile
        return found

    def read(self, name: str) -> bytes:
        """Return a file.

        Raises:
            Vanished: There is none.
        """
        try:
            with storage(f"{name} in {self._path}"):
                return (self._path / name).read_bytes()
        except StorageError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise Vanished(f"{name} is not in {self._path} any more.") from None
            raise

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all."""
        with storage(f"The folder {self._path}"):
            for new in make_folder(self._path):
                _sync(new.parent)
            if not self._tidy:
                for left in self._path.glob(f"*{self._draft}"):
                    left.unlink(missing_ok=True)
                self._tidy = True
            draft = self._path / (name + self._draft)
            flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC
            with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            points.reached("mirror.drafted")
            draft.replace(self._path / name)
            _sync(self._path)

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        with storage(f"The folder {self._path}"):
            (self._path / name).unlink(missing_ok=True)

    def expect(self, names: Sequence[str]) -> None:
        """Fetch nothing ahead: the system does."""

    def flush(self) -> None:
        """Wait until deletions are durable; each file that was written is already."""
        with storage(f"The folder {self._path}"):
            _sync(self._path)


def _sync(path: Path) -> None:
    try:
        sync_folder(path)
    except OSError as error:
        # Network and user-space file systems often cannot sync a folder; they lose no more
        # than names, and a file whose name was lost is written again by the next backup.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EPERM}:
            raise


class IdentityFile(NamedTuple):
    """The part of vault.json that devices share, as one device has it."""

    name: str
    generation: int
    feed: bytes


class DeviceFile(NamedTuple):
    """A device's certificate by the owner key of a generation."""

    name: str
    generation: int
    feed: bytes
    most: int


class SegmentFile(NamedTuple):
    """A segment: how many `bodies` are in it, and how many were `withheld` when it was written.

    The rest of its entries were erased. `absent` tells which, to whoever has the mirror's key.
    """

    name: str
    feed: bytes
    first: int
    size: int
    bodies: int
    withheld: int
    generation: int
    absent: str
    length: int


class ParcelFile(NamedTuple):
    """A file that a device keeps beside the log."""

    name: str
    feed: bytes
    generation: int
    id: str


class HeadFile(NamedTuple):
    """The newest checkpoint of a feed when a device had written all up to it."""

    name: str
    feed: bytes
    size: int


@dataclass(slots=True)
class Listing:
    """The files of a mirror by their kinds; `cut` are those that are not as long as they say.

    `names` are those of all whole files.
    """

    vaults: dict[str, str] = field(default_factory=dict)
    identities: list[IdentityFile] = field(default_factory=list)
    devices: list[DeviceFile] = field(default_factory=list)
    segments: list[SegmentFile] = field(default_factory=list)
    parcels: list[ParcelFile] = field(default_factory=list)
    heads: list[HeadFile] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def of(self, feed: bytes) -> list[SegmentFile]:
        """Return the segments of a feed."""
        return [one for one in self.segments if one.feed == feed]

    def readable(self, generation: int) -> Self:
        """Leave out what is sealed under a later owner key than one of a generation.

        While a mirror is sealed anew, until the later identity is written, it is all there
        under the earlier key as well.
        """
        self.segments = [one for one in self.segments if one.generation <= generation]
        self.parcels = [one for one in self.parcels if one.generation <= generation]
        return self

    def add(self, name: str, length: int) -> None:
        """Take in a file."""
        kind = name.split("-", 1)[0]
        form = _NAMES[kind].fullmatch(name) if kind in _NAMES else None
        if form is None or length < 0 or _exceeds(kind, form.groups()):
            self.others.append(name)
            return
        if length != int(form["length"]):
            self.cut.append(name)
            return
        self.names.add(name)
        fields = form.groups()
        match kind:
            case "mirror":
                self.vaults[fields[1]] = name
            case "identity":
                self.identities.append(IdentityFile(name, int(fields[0]), bytes.fromhex(fields[1])))
            case "device":
                self.devices.append(
                    DeviceFile(name, int(fields[0]), bytes.fromhex(fields[1]), int(fields[2]))
                )
            case "segment":
                first, size, bodies, withheld, generation = map(int, fields[1:6])
                feed = bytes.fromhex(fields[0])
                self.segments.append(
                    SegmentFile(
                        name, feed, first, size, bodies, withheld, generation, fields[6], length
                    )
                )
            case "parcel":
                self.parcels.append(
                    ParcelFile(name, bytes.fromhex(fields[0]), int(fields[1]), fields[2])
                )
            case _:
                self.heads.append(HeadFile(name, bytes.fromhex(fields[0]), int(fields[1])))


def _exceeds(kind: str, fields: Sequence[str]) -> bool:
    """Tell whether a name has a number that no log counts to."""
    pairs = zip(_FIELDS[kind], fields, strict=False)
    return any(form == _NUMBER and int(field) > _MOST for form, field in pairs)


class Mirror:
    """The files of one vault in a place."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def listing(self) -> Listing:
        """Return what is there.

        Raises:
            ForeignVault: It was written by a newer release.
        """
        found = Listing()
        sizes = self.place.sizes()
        for name in sizes:
            form = _ANY_FORMAT.fullmatch(name)
            if form and int(form[1]) > FORMAT:
                raise ForeignVault(
                    f"The mirror in {self.place.name} is of a newer format; use the version of "
                    "Twinvault that wrote it, or a newer one."
                )
        for name, length in sorted(sizes.items()):
            found.add(name, length)
        if not found.vaults:
            # The one small file that says whose they are is gone; an identity says it too.
            found.vaults.update(self._named_by_identities(found))
        return found

    def _named_by_identities(self, found: Listing) -> Iterator[tuple[str, str]]:
        for file in found.identities:
            try:
                yield Identity.decode(self.read(file.name), file.name).vault, ""
            except (ForeignVault, TamperError, Vanished):
                continue

    def listing_of(self, vault: str) -> Listing:
        """Return what is there of a vault.

        Raises:
            NotFound: There is nothing.
            ForeignVault: It is another vault's, or of a newer release.
            TamperError: The file that says whose it is is gone.
        """
        found = self.listing()
        self.check(found, vault)
        if not found.vaults:
            raise NotFound(f"There is no mirror of a vault in {self.place.name}.")
        return found

    def check(self, found: Listing, vault: str = "") -> None:
        """Refuse another vault's files, and files that nobody says whose they are.

        Raises:
            ForeignVault: They are another vault's.
            TamperError: The file that says whose they are is gone.
        """
        foreign = found.vaults.keys() - {vault} if vault else set()
        if foreign or len(found.vaults) > 1:
            raise ForeignVault(
                f"{self.place.name} mirrors another vault ({min(foreign or found.vaults)}); "
                "name another folder."
            )
        if not found.vaults and found.names:
            raise TamperError(
                f"The file in {self.place.name} that says whose mirror it is is gone; write a "
                "new one into another folder."
            )

    def begun(self, vault: str) -> Listing:
        """Return what is there of a vault, after making it a mirror of it.

        Raises:
            UsageError: Other files are there.
            ForeignVault: It is another vault's, or of a newer release.
        """
        found = self.listing()
        self.check(found, vault)
        if not any(found.vaults.values()):
            if found.others and not found.names:
                raise UsageError(
                    f"{self.place.name} holds other files ({found.others[0]}); "
                    "choose an empty folder."
                )
            content = f"twinvault/mirror/{FORMAT}\n{vault}\n".encode()
            found.vaults[vault] = self.put(found, "mirror", FORMAT, vault, content=content)
        return found

    def read(self, name: str) -> bytes:
        """Return a file that was listed.

        Raises:
            Vanished: It was deleted since.
            TamperError: It is not what was written.
        """
        content = self.place.read(name)
        if not name.endswith(_tail(content)):
            raise TamperError(f"{name} in {self.place.name} is damaged.")
        return content

    def put(self, found: Listing, kind: str, *fields: object, content: bytes) -> str:
        """Write a file, unless it is there; return its name."""
        name = name_of(kind, *fields, content=content)
        if name not in found.names:
            self.place.write(name, content)
            points.reached(f"mirror.{kind}")
            found.add(name, len(content))
        return name

    def delete(self, names: Iterable[str]) -> int:
        """Delete files; return how many."""
        count = 0
        for name in names:
            self.place.delete(name)
            points.reached("mirror.deleted")
            count += 1
        return count

    def certificates(
        self, found: Listing, generation: int, known: Iterable[Certificate] = ()
    ) -> list[Certificate]:
        """Return the certificates by the owner key of a generation; nobody checked them yet.

        Those that are known already are not read again, and left out.

        Raises:
            TamperError: One is damaged.
        """
        certificates = []
        here = {
            name_of("device", generation, one.feed.hex(), one.most, content=one.encode())
            for one in known
        }
        for file in found.devices:
            if file.generation == generation and file.name not in here:
                try:
                    content = self.read(file.name)
                except Vanished:
                    continue  # a narrower one was put in its place
                certificate = Certificate.decode(content)
                if (certificate.feed, certificate.most) != (file.feed, file.most):
                    raise TamperError(f"{file.name} in {self.place.name} is not what it says.")
                certificates.append(certificate)
        return certificates


def name_of(kind: str, *fields: object, content: bytes) -> str:
    """Return the name of a file."""
    return "-".join([kind, *map(str, fields)]) + _tail(content)


def _tail(content: bytes) -> str:
    return f"-{len(content)}-{hashlib.sha256(content).hexdigest()[: 2 * _HASH]}"


class Gap(NamedTuple):
    """Entries of a feed that no segment holds: from a number up to, not with, another."""

    first: int
    size: int


def covering(files: Iterable[SegmentFile], first: int, last: int) -> list[SegmentFile | Gap]:
    """Return segments, and gaps between them, that cover a feed from one size to another.

    Of several segments the one that reaches farthest is taken, of those the one that had
    most erased, and of those the one with the most bodies; whoever chooses from the same
    files chooses the same.
    """
    waiting = sorted(files, key=lambda one: one.first, reverse=True)
    chosen: list[SegmentFile | Gap] = []
    best: SegmentFile | None = None
    at = first
    while at < last:
        while waiting and waiting[-1].first <= at:
            one = waiting.pop()
            best = one if best is None or _rank(one) > _rank(best) else best
        if best is not None and best.size > at:
            chosen.append(best)
            at = best.size
            continue
        end = min(waiting[-1].first, last) if waiting else last
        chosen.append(Gap(at, end))
        at = end
    return chosen


def _rank(file: SegmentFile) -> tuple[int, int, int, int, str]:
    alive = file.bodies + file.withheld
    return file.size, -alive, file.bodies, file.generation, file.name


# Parcels.


class Parcel(NamedTuple):
    """A file beside the log: `kind` is the folder it lies in."""

    kind: str
    name: str
    content: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, str, bytes]).decode


def parcel_id(mirrors: Sequence[bytes], kind: str, name: str, edition: bytes) -> str:
    """Return what names a parcel in a mirror: it tells nothing without the mirror's key."""
    text = _encode((kind, name, edition))
    return hmac.digest(mirrors[-1], b"twinvault/parcel\n" + text, "sha256")[:_HASH].hex()


def seal_parcel(parcel: Parcel, mirrors: Sequence[bytes]) -> bytes:
    """Return the bytes of a parcel's file.

    Raises:
        StorageError: It exceeds 2 GiB.
    """
    content = _encode(tuple(parcel))
    if len(content) > _LARGEST:
        raise StorageError(f"{parcel.kind}/{parcel.name} exceeds 2 GiB, which no mirror holds.")
    head = b"twinvault/parcel/1\n%d\n" % len(mirrors)
    nonce = os.urandom(12)
    return head + nonce + AESGCM(mirrors[-1]).encrypt(nonce, content, head)


_PARCEL: Final = re.compile(rb"twinvault/parcel/([1-9][0-9]{0,8})\n([1-9][0-9]{0,8})\n")


def open_parcel(content: bytes, mirrors: Sequence[bytes], name: str) -> Parcel:
    """Open a parcel's file.

    Raises:
        ForeignVault: It is of a newer format, or sealed by a newer owner key.
        TamperError: It is damaged, or another vault's.
    """
    form = _PARCEL.match(content)
    if form is None:
        raise TamperError(f"{name} is damaged or is no parcel of a mirror.")
    if form[1] != b"1":
        raise ForeignVault(f"{name} is of a newer format; use the version that wrote it.")
    generation, at = int(form[2]), form.end()
    if generation > len(mirrors):
        raise ForeignVault(f"{name} was sealed after the vault's keys were rotated.")
    try:
        plain = AESGCM(mirrors[generation - 1]).decrypt(
            content[at : at + 12], content[at + 12 :], content[:at]
        )
        return Parcel(*_decode(plain))
    except (InvalidTag, ValueError, msgspec.MsgspecError):
        raise TamperError(f"{name} is damaged, or belongs to another vault.") from None
