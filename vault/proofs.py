"""Proofs about a vault's log: made from an open vault, checked by anybody without one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault.codec import decode
from vault.errors import Erased, ForeignVault, TamperError, UsageError
from vault.events import Event
from vault.follow import moment
from vault.log import proof
from vault.log.certificate import Certificate
from vault.log.checkpoint import Note, read
from vault.log.envelope import Record
from vault.log.merkle import Tree, consistency_proof, inclusion_proof
from vault.log.mirror import Place
from vault.log.proof import Consistency, Inclusion, Reveal, Signer
from vault.log.witness import (
    FileWitness,
    compare,
    confront,
    kept_in,
    read_file,
    refusal,
)

__all__ = [
    "Provable",
    "ProvedEntry",
    "ProvedGrowth",
    "TreeHead",
    "check",
    "checked",
    "differences",
    "hand_out",
    "prove",
    "prove_since",
]

_KEY_SIZE = 32


class Provable(Protocol):
    """What proofs ask of an open log."""

    @property
    def owner_public(self) -> bytes:
        """The owner's Ed25519 public key, raw."""

    def located(self, ids: Iterable[str]) -> list[Record]:
        """Return records by id."""

    def tree(self, feed: bytes | None = None) -> Tree:
        """Return the tree of a feed, this device's by default."""

    def checkpoint(self, feed: bytes | None = None) -> bytes:
        """Return the record of the newest checkpoint of a feed, this device's by default."""

    def certificate(self, feed: bytes | None = None) -> Certificate:
        """Return the owner's certificate of the device that signs a feed."""

    def data_key(self, record: Record) -> bytes:
        """Return the key of an entry's body, empty where it was destroyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """What a checkpoint says: how many entries a feed had, up to when, and their root."""

    size: int
    at: datetime
    root: str

    @classmethod
    def of(cls, note: Note) -> "TreeHead":
        """Return what a note says."""
        return cls(size=note.size, at=moment(note.time), root=note.root.hex())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedEntry:
    """What a proof of inclusion shows.

    `owner` is the owner's fingerprint. `event` is what was sealed, None where the proof does
    not show it or this release does not know its topic; `shown` says whether it does, and
    `committed` that no other key opens the same entry to something else.
    """

    proves: str = "entry"
    owner: str
    entry: str
    topic: str
    at: datetime
    tree: TreeHead
    shown: bool
    committed: bool
    event: Event | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedGrowth:
    """What a proof of consistency shows: all of the older tree stands unchanged in the newer.

    `counted` is how many entries of the feed count, where its device was revoked.
    """

    proves: str = "growth"
    owner: str
    feed: str
    older: TreeHead
    tree: TreeHead
    counted: int | None


def prove(log: Provable, entry_id: str, *, reveal: bool = False) -> bytes:
    """Return the proof that an entry stands in the log.

    Args:
        log: The open log.
        entry_id: The entry: an item is the entry that first held it.
        reveal: Show what was sealed.

    Raises:
        NotFound: There is no such entry.
        Erased: Its words are to be shown, and there are none any more.
    """
    [record] = log.located([entry_id])
    shown = _revealed(log, record) if reveal else None
    feed = record.header.feed
    tree, note = _tree(log, feed)
    path = inclusion_proof(tree, record.header.seq, note.size)
    return proof.write_inclusion(_signer(log, feed), record.head, note.data, path, shown)


def _revealed(log: Provable, record: Record) -> Reveal:
    key = log.data_key(record) if record.body else b""
    if not key:
        raise Erased("What this entry held was erased; that it stands can be proved, not more.")
    return Reveal(key, record.body)


def prove_since(log: Provable, kept: Path) -> bytes:
    """Return the proof that a log only grew since a checkpoint that somebody kept.

    Args:
        log: The open log.
        kept: A file with the checkpoint.

    Raises:
        NotFound: There is no such file.
        RolledBack: The log has less than the checkpoint says, or something else.
        UsageError: It holds checkpoints of several devices.
    """
    notes = kept_in(kept, lambda feed: _key_of(log, feed))
    if len({note.feed for note in notes}) > 1:
        raise UsageError(f"{kept} holds checkpoints of several devices; name a file with one.")
    old = max(notes, key=lambda note: note.size)
    tree, new = _tree(log, old.feed)
    found = compare(tree, new, old)
    if not found.sound:
        raise refusal(f"The checkpoint in {kept}", found)
    path = consistency_proof(tree, old.size, new.size)
    return proof.write_consistency(_signer(log, old.feed), old.data, new.data, path)


def differences(log: Provable, path: Path | Place) -> list[str]:
    """Compare a log with the checkpoints in a file, in a mirror, or in another copy's folder.

    Returns:
        A sentence for each that knows more than this log has, or something else.

    Raises:
        NotFound: There is nothing there.
        ForeignVault: It holds no checkpoint.
        TamperError: No device of this vault signed it.
    """
    found = (
        compare(*_tree(log, theirs.feed), theirs)
        for theirs in kept_in(path, lambda feed: _key_of(log, feed))
    )
    where = path if isinstance(path, Path) else path.name
    return [str(refusal(f"The copy in {where}", one)) for one in found if not one.sound]


def hand_out(log: Provable, file: Path | None = None) -> Note:
    """Return the newest checkpoint of this device, and put it in the place of an older one.

    Raises:
        RolledBack: The file knows more than this log has, or something else.
        UsageError: The file holds another log's checkpoint.
    """
    certificate = log.certificate()
    tree, note = _tree(log, certificate.feed)
    if file is not None:
        witness = FileWitness(file)
        confront(tree, note, _key_of(log, certificate.feed), witness)
        witness.keep(note.data)
    return note


def check(path: Path, owner: str = "") -> ProvedEntry | ProvedGrowth:
    """Check a proof file, without any vault.

    Args:
        path: The file.
        owner: The fingerprint of the owner, if it is known from elsewhere.

    Raises:
        NotFound: There is no such file.
        ForeignVault: It is another owner's, of a newer format, or no proof.
        TamperError: It is cut short, or it was changed.
        UsageError: The fingerprint is none.
    """
    return checked(read_file(path, proof.LARGEST), owner)


def checked(data: bytes, owner: str = "") -> ProvedEntry | ProvedGrowth:
    """Check the bytes of a proof, as `check` does a file's."""
    expected = _owner_of(owner) if owner else None
    match proof.check(data, expected):
        case Inclusion() as found:
            return _proved(found)
        case Consistency(signer, old, new):
            return ProvedGrowth(
                owner=signer.fingerprint,
                feed=new.feed.hex(),
                older=TreeHead.of(old),
                tree=TreeHead.of(new),
                counted=signer.certificate.most if signer.certificate.revoked else None,
            )


def _owner_of(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _KEY_SIZE:
        raise UsageError("An owner's fingerprint has 64 hexadecimal digits; spaces do not matter.")
    return key


def _proved(found: Inclusion) -> ProvedEntry:
    topic = found.header.topic
    if not topic.isprintable() or not topic:
        raise ForeignVault("The proof is of an entry without a topic, which no release writes.")
    try:
        event = None if found.body is None else decode(topic, found.body)
    except msgspec.MsgspecError:
        raise TamperError("What the proof shows is no event of its topic.") from None
    return ProvedEntry(
        owner=found.signer.fingerprint,
        entry=found.header.id,
        topic=topic,
        at=moment(found.header.time),
        tree=TreeHead.of(found.note),
        shown=found.body is not None,
        committed=found.committed,
        event=event,
    )


def _key_of(log: Provable, feed: bytes) -> Ed25519PublicKey:
    return log.certificate(feed).check(Ed25519PublicKey.from_public_bytes(log.owner_public))


def _tree(log: Provable, feed: bytes) -> tuple[Tree, Note]:
    """Return a feed's tree and its newest checkpoint, which is not newer than the tree."""
    note = read(log.checkpoint(feed), _key_of(log, feed))
    return log.tree(feed), note


def _signer(log: Provable, feed: bytes) -> Signer:
    return Signer(log.owner_public, log.certificate(feed))
