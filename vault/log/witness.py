"""Witnesses: whoever remembers a checkpoint of this log, and what comparing with him tells.

A log that lost its tail, and one that was written twice in different ways, are both well
signed. Only somebody who has seen a newer or another checkpoint notices: a pin beside the
database, a backup, a second device, a note in a mail. Nobody of them needs a key.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault.disk import storage, write_atomic
from vault.errors import ForeignVault, NotFound, RolledBack, RootMismatch, TamperError, UsageError
from vault.follow import moment
from vault.log import proof
from vault.log.checkpoint import Note, parse_note, read, stated_feed
from vault.log.merkle import Tree, consistency_proof, root_between, verify_consistency
from vault.log.mirror import Folder, Mirror, Place
from vault.log.pin import Pin
from vault.log.verify import KeyOf

__all__ = [
    "Compared",
    "FileWitness",
    "Standing",
    "Witness",
    "compare",
    "confront",
    "kept_in",
    "read_file",
    "refusal",
]

_LARGEST_NOTE: Final = 1 << 20
_ORIGIN: Final = re.compile(rb"twinvault/[0-9a-f]{16}\n")


class Witness(Protocol):
    """Somebody who remembers checkpoints.

    He may hand out notes or records, and is believed nothing: whatever he hands out is
    checked under the device's key.
    """

    @property
    def name(self) -> str:
        """Where he is, as a refusal says it."""

    def newest(self, feed: bytes) -> bytes | None:
        """Return the newest checkpoint of a feed that he has seen, None if he has seen none."""

    def keep(self, note: bytes) -> None:
        """Remember a note, unless he has seen a newer one."""


class Standing(StrEnum):
    """How this log stands to what a witness remembers."""

    SAME = "same"
    AHEAD = "ahead"
    BEHIND = "behind"
    FORKED = "forked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A comparison: `common` entries are known to be the same in both."""

    standing: Standing
    ours: Note
    theirs: Note
    common: int

    @property
    def sound(self) -> bool:
        """Whether all that the witness has seen is in this log."""
        return self.standing in {Standing.SAME, Standing.AHEAD}


def compare(tree: Tree, ours: Note, theirs: Note) -> Compared:
    """Compare a log with a checkpoint that somebody else remembers.

    Args:
        tree: The tree of the feed.
        ours: Its newest checkpoint.
        theirs: The other checkpoint of the feed, checked under the device's key.

    Raises:
        TamperError: The stored tree is not the one that was signed.
    """
    if 0 < theirs.size <= ours.size:
        if _begins(tree, ours, theirs.size, theirs.root):
            same = theirs.size == ours.size
            standing = Standing.SAME if same else Standing.AHEAD
            return Compared(standing=standing, ours=ours, theirs=theirs, common=theirs.size)
        if not _begins(tree, ours, theirs.size, root_between(tree, 0, theirs.size)):
            raise RootMismatch("The stored tree is not what was signed; `twin verify` says where.")
        standing, common = Standing.FORKED, _agreed(tree, ours, theirs)[0]
    else:
        common, differs = _agreed(tree, ours, theirs)
        standing = Standing.FORKED if differs else Standing.BEHIND
    return Compared(standing=standing, ours=ours, theirs=theirs, common=common)


def _begins(tree: Tree, ours: Note, size: int, root: bytes) -> bool:
    """Tell whether a tree of this size and root is the beginning of what we signed."""
    path = consistency_proof(tree, size, ours.size)
    return verify_consistency(size, ours.size, root, ours.root, path)


def _agreed(tree: Tree, ours: Note, theirs: Note) -> tuple[int, bool]:
    """Return how many first entries are known to be the same, and whether later ones differ.

    What is known is what the other edge tells, where there is one.
    """
    first, bits = 0, [bit for bit in range(theirs.size.bit_length()) if theirs.size >> bit & 1]
    for bit, hash_ in zip(reversed(bits), theirs.edge, strict=False):
        last = first + (1 << bit)
        if last > ours.size:
            break
        if root_between(tree, first, last) != hash_:
            return first, True
        first = last
    return first, False


def refusal(place: str, found: Compared) -> RolledBack:
    """Return the error that says what differs since when.

    Args:
        place: Where the other checkpoint was found.
        found: A comparison that is not sound.
    """
    ours, theirs = found.ours, found.theirs
    if found.standing is Standing.BEHIND:
        return RolledBack(
            f"{place} knows {_entries(theirs)} and this log has {_entries(ours)}: its end is "
            "missing; put the newer log back."
        )
    common = (
        f"only the first {found.common} are known to be the same"
        if found.common
        else ("they are not the same from some entry on")
    )
    return RolledBack(
        f"{place} knows {_entries(theirs)} that are not those of this log, which has "
        f"{_entries(ours)}: {common}; the log was written twice in different ways, so keep both "
        "copies and put back the one you trust."
    )


def _entries(note: Note) -> str:
    return f"{note.size} entries up to {moment(note.time):%Y-%m-%d %H:%M:%S} UTC"


def confront(tree: Tree, ours: Note, key: Ed25519PublicKey, witness: Witness) -> Compared | None:
    """Compare a log with what a witness remembers; refuse to go on with less or with another.

    Returns:
        The comparison, None if he remembers nothing of this feed.

    Raises:
        RolledBack: He knows more than this log has, or something else.
        TamperError: What he remembers was not signed by the device.
    """
    remembered = witness.newest(ours.feed)
    if remembered is None:
        return None
    try:
        theirs = read(remembered, key)
    except TamperError as error:
        raise type(error)(f"{witness.name} holds no sound checkpoint: {error}") from None
    found = compare(tree, ours, theirs)
    if not found.sound:
        raise refusal(witness.name, found)
    return found


class FileWitness:
    """A file with the note of one checkpoint: on a stick, in a synced folder, on paper again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """The file."""
        return f"The checkpoint in {self._path}"

    def newest(self, feed: bytes) -> bytes | None:
        """Return the note in the file, None if there is none or it is of another feed."""
        try:
            data = read_file(self._path, _LARGEST_NOTE)
        except NotFound:
            return None
        return data if stated_feed(data) == feed else None

    def keep(self, note: bytes) -> None:
        """Write a note into the file, unless a newer one is there.

        Raises:
            UsageError: A note of another feed is there.
        """
        feed = stated_feed(note)
        kept = self.newest(feed)
        if kept is None and self._path.exists():
            raise UsageError(
                f"{self.name} is another device's or another vault's; name another file."
            )
        if kept is None or _stated_size(kept) < _stated_size(note):
            with storage(self.name):
                write_atomic(self._path, note)


def _stated_size(data: bytes) -> int:
    return int(data.split(b"\n", 2)[1])


def kept_in(path: Path | Place, key_of: KeyOf) -> list[Note]:
    """Return the checkpoints in a checkpoint file, a proof, a mirror, or another copy's folder.

    Args:
        path: The file or folder, or where a mirror lies.
        key_of: The keys that sign the feeds of this vault.

    Raises:
        NotFound: There is nothing there.
        ForeignVault: It is no proof and no checkpoint.
        TamperError: This vault's devices did not sign them.
    """
    if not isinstance(path, Path):
        return _heads_in(path, key_of)
    if path.is_dir():
        if not (path / "pin").exists():
            return _heads_in(Folder(path), key_of)
        try:
            records = Pin(path / "pin").read(key_of).records
        except TamperError as error:
            raise TamperError(
                f"{path} cannot be compared: {error} If it is a new device of yours, let this "
                "one hear of it first (`twin device exchange`)."
            ) from None
        return [read(record, key_of(feed)) for feed, (_, record) in records.items()]
    data = read_file(path, proof.LARGEST)
    try:
        if _ORIGIN.match(data):
            notes = [data]
        else:
            proof.check(data)
            notes = proof.notes_in(data)
        return [parse_note(note, key_of(stated_feed(note))) for note in notes]
    except (ForeignVault, TamperError) as error:
        raise type(error)(f"{path} holds no checkpoint of this vault: {error}") from None


def _heads_in(place: Place, key_of: KeyOf) -> list[Note]:
    """Return the checkpoints in a mirror.

    Raises:
        NotFound: There are none.
    """
    mirror = Mirror(place)
    heads = mirror.listing().heads
    if not heads:
        raise NotFound(
            f"There is no pin and no backup in {place.name}; name a vault's folder, a backup, or a file."
        )
    return [read(mirror.read(head.name), key_of(head.feed)) for head in heads]


def read_file(path: Path, most: int) -> bytes:
    """Return a file's bytes, as many as there may be.

    Raises:
        NotFound: There is no such file.
        TamperError: It is larger.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise TamperError(f"{path} is larger than {most >> 20} MiB, which no proof is.")
    return data
