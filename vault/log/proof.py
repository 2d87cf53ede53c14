"""Proof files: text that anybody can check without the vault, its passphrase or this program.

A proof of inclusion is a C2SP tlog-proof: it says that an entry stands in the tree that a
device signed. Its extra data hold the owner's certificate of that device, the bytes of the
leaf, and, only where the words are to be shown, the key and the ciphertext behind it. A
proof of consistency says that the tree of one checkpoint is the beginning of another's.
Both are made of bytes and checked as bytes: there is one way to write each, and whatever
was changed is refused.
"""

import base64
import binascii
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault.errors import BadSignature, ForeignVault, RootMismatch, TamperError, UsageError
from vault.log.certificate import Certificate, fingerprint
from vault.log.checkpoint import Note, parse_note
from vault.log.envelope import HASH_SIZE, VERSIONS, Header, Record, open_body, parse
from vault.log.merkle import leaf_hash, verify_consistency, verify_inclusion

__all__ = [
    "LARGEST",
    "Consistency",
    "Inclusion",
    "Reveal",
    "Signer",
    "check",
    "notes_in",
    "write_consistency",
    "write_inclusion",
]

LARGEST: Final = 64 << 20
"""A file that is larger is no proof."""

_INCLUSION = b"c2sp.org/tlog-proof@v1"
_CONSISTENCY = b"twinvault/tlog-consistency@v1"
_SECTIONS = {_INCLUSION: 3, _CONSISTENCY: 5}
_LATER = re.compile(rb"(c2sp\.org/tlog-proof|twinvault/tlog-consistency)@v[0-9]{1,9}")
_INDEX = re.compile(rb"index (0|[1-9][0-9]{0,18})")
_VERSION = 1
_SIGNER = struct.Struct(">B32s32sQ64s")
_KEY = 32
_TAG = 16
_COMMITTED_SINCE = 2


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed a feed: the owner's Ed25519 public key and her certificate of the device."""

    owner: bytes
    certificate: Certificate

    @property
    def fingerprint(self) -> str:
        """The owner's key as people compare it."""
        return fingerprint(self.owner)


@dataclass(frozen=True, slots=True)
class Reveal:
    """What shows the words of one entry, and of no other: its data key and its ciphertext."""

    key: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A checked proof: this entry stands in the tree that this note is the head of.

    `body` is what was sealed, None where the proof does not show it. `committed` says that
    no other key can open the same entry to other words.
    """

    signer: Signer
    note: Note
    header: Header
    body: bytes | None
    committed: bool


@dataclass(frozen=True, slots=True)
class Consistency:
    """A checked proof: the tree of the old note is the beginning of that of the new one."""

    signer: Signer
    old: Note
    new: Note


def write_inclusion(
    signer: Signer, head: bytes, note: bytes, path: Sequence[bytes], reveal: Reveal | None = None
) -> bytes:
    """Return the file that proves an entry, checked as everybody will check it.

    Args:
        signer: Who signed.
        head: The entry's leaf: its header and the hash of its body.
        note: The signed note of a checkpoint that covers it.
        path: The inclusion proof in the tree of that checkpoint.
        reveal: What shows the words.

    Raises:
        TamperError: These do not fit together, so they prove nothing.
        UsageError: The words are too many to be shown in a proof.
    """
    shown = reveal.key + reveal.body if reveal else b""
    index = parse(0, head).header.seq
    lines = [_INCLUSION, _extra(signer, head + shown), b"index %d" % index, *_lines(path)]
    data = b"\n".join(lines) + b"\n\n" + note
    if len(data) > LARGEST:
        raise UsageError("The words are too many to be shown in a proof; prove it without them.")
    check(data)
    return data


def write_consistency(signer: Signer, old: bytes, new: bytes, path: Sequence[bytes]) -> bytes:
    """Return the file that proves a checkpoint to be the beginning of another, checked.

    Raises:
        TamperError: These do not fit together, so they prove nothing.
    """
    lines = [_CONSISTENCY, _extra(signer, b""), *_lines(path)]
    data = b"\n".join(lines) + b"\n\n" + old + b"\n" + new
    check(data)
    return data


def _extra(signer: Signer, rest: bytes) -> bytes:
    """Return the line of extra data: who signed, then what the kind of proof adds."""
    signed = _SIGNER.pack(_VERSION, signer.owner, *signer.certificate)
    return b"extra " + base64.b64encode(signed + rest)


def _lines(hashes: Sequence[bytes]) -> list[bytes]:
    return [base64.b64encode(hash_) for hash_ in hashes]


def check(data: bytes, owner: bytes | None = None) -> Inclusion | Consistency:
    """Check a proof from its first byte to its last; return what it proves.

    Args:
        data: The file.
        owner: The owner's public key, if it is known from elsewhere. Otherwise the proof
            holds for the owner it names, and who that is remains to be found out.

    Raises:
        ForeignVault: It is another owner's, of a newer format, or no proof at all.
        TamperError: It is cut short, or it was changed.
    """
    head, *rest = _sections(data)
    kind, extra, *lines = head.split(b"\n")
    signer, more = _signer(extra)
    if owner is not None and signer.owner != owner:
        raise ForeignVault(
            f"The proof is of another owner, whose fingerprint is {signer.fingerprint}."
        )
    try:
        key = signer.certificate.check(Ed25519PublicKey.from_public_bytes(signer.owner))
    except (BadSignature, ValueError):
        raise BadSignature("The owner that the proof names did not certify its device.") from None
    notes = [
        parse_note(b"\n\n".join(both), key) for both in zip(rest[::2], rest[1::2], strict=True)
    ]
    if kind == _CONSISTENCY:
        return _consistent(signer, notes, _hashes(lines), more)
    return _included(signer, notes[0], lines, more)


def notes_in(data: bytes) -> list[bytes]:
    """Return the notes in a proof file as they stand there; nobody has checked them yet.

    Raises:
        ForeignVault: It is of a newer format, or no proof at all.
        TamperError: It is cut short, or it was changed.
    """
    _, *rest = _sections(data)
    return [b"\n\n".join(both) for both in zip(rest[::2], rest[1::2], strict=True)]


def _sections(data: bytes) -> list[bytes]:
    """Return the parts between empty lines: the head, then text and signatures of each note.

    All end with a line break but the head and the texts, whose last one was the separator's.
    """
    if len(data) > LARGEST:
        raise TamperError(f"The proof is larger than {LARGEST >> 20} MiB, which no proof is.")
    first = data.partition(b"\n")[0].rstrip(b"\r")
    if first not in _SECTIONS:
        if any(known.startswith(data) for known in _SECTIONS):
            _cut_short()
        if _LATER.fullmatch(first):
            raise ForeignVault("The proof is of a newer format; check it with a newer release.")
        raise ForeignVault("This is no proof of a vault's log.")
    if b"\r" in data:
        raise TamperError("The proof's line ends were changed on the way; ask for it as a file.")
    sections = data.split(b"\n\n")
    if len(sections) > _SECTIONS[first]:
        _changed()
    if len(sections) < _SECTIONS[first] or not data.endswith(b"\n") or not sections[-1]:
        _cut_short()
    if len(sections) == _SECTIONS[_CONSISTENCY]:
        # Here the empty line took the line break that ends the older note.
        sections[2] += b"\n"
    return sections


def _cut_short() -> NoReturn:
    raise TamperError("The proof is cut short; ask for it again.")


def _changed() -> NoReturn:
    raise TamperError("The proof was changed after it was written; ask for it again.")


def _unbase64(text: bytes) -> bytes:
    """Decode the one way to write bytes in base64."""
    try:
        found = base64.b64decode(text)
    except binascii.Error:
        _changed()
    if base64.b64encode(found) != text:
        _changed()
    return found


def _hashes(lines: Sequence[bytes]) -> list[bytes]:
    hashes = [_unbase64(line) for line in lines]
    if any(len(hash_) != HASH_SIZE for hash_ in hashes):
        _changed()
    return hashes


def _signer(line: bytes) -> tuple[Signer, bytes]:
    """Return who signed, and what stands behind that in the extra data."""
    word, _, text = line.partition(b" ")
    extra = _unbase64(text)
    if word != b"extra" or len(extra) < _SIGNER.size:
        _changed()
    version, owner, *certificate = _SIGNER.unpack_from(extra)
    if version != _VERSION:
        raise ForeignVault("The proof is of a newer format; check it with a newer release.")
    return Signer(owner, Certificate(*certificate)), extra[_SIGNER.size :]


def _consistent(
    signer: Signer, notes: Sequence[Note], path: Sequence[bytes], more: bytes
) -> Consistency:
    old, new = notes
    if more:
        _changed()
    if not verify_consistency(old.size, new.size, old.root, new.root, path):
        raise RootMismatch("The older checkpoint is not shown to be the beginning of the newer.")
    if old.time > new.time or (old.size == new.size and old.time != new.time):
        raise TamperError("The newer checkpoint has the earlier time.")
    return Consistency(signer, old, new)


def _included(signer: Signer, note: Note, lines: Sequence[bytes], more: bytes) -> Inclusion:
    entry = _entry(more)
    header = entry.header
    index = _INDEX.fullmatch(lines[0]) if lines else None
    if index is None or int(index[1]) != header.seq or header.feed != note.feed:
        _changed()
    path = _hashes(lines[1:])
    if not verify_inclusion(leaf_hash(entry.head), header.seq, note.size, path, note.root):
        raise RootMismatch("The entry is not in the tree that was signed.")
    if header.time > note.time:
        raise TamperError("The entry is later than the checkpoint that covers it.")
    if header.seq >= signer.certificate.most:
        raise TamperError("The entry does not count: its device was revoked before it.")
    body = _shown(entry) if entry.body else None
    return Inclusion(signer, note, header, body, header.version >= _COMMITTED_SINCE)


def _entry(more: bytes) -> Record:
    """Return the entry in the extra data; in the place of its body stands what shows it."""
    if more and more[0] not in VERSIONS:
        raise ForeignVault("The entry is of a newer format; check it with a newer release.")
    try:
        return parse(0, more)
    except TamperError:
        _changed()


def _shown(entry: Record) -> bytes:
    key, body = entry.body[:_KEY], entry.body[_KEY:]
    if len(body) < _TAG or sha256(body).digest() != entry.head[-HASH_SIZE:]:
        raise TamperError("The words in the proof are not those that were sealed.")
    try:
        return open_body(key, entry.signed, body)
    except InvalidTag:
        raise TamperError("The key in the proof does not open what was sealed.") from None
