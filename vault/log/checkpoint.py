"""The signed tree head: a C2SP checkpoint in a C2SP signed note.

The note says origin, size, root and the time of the newest entry; behind it stand the
hashes of the tree's right edge, which the root covers. A checkpoint is the last record of
the page that it signs. What is handed out is the note alone, to which witnesses may add
their signatures; a record has the device's and no other.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from vault.errors import BadSignature, RootMismatch, TamperError
from vault.log.merkle import Frontier

__all__ = [
    "TOPIC",
    "Checkpoint",
    "Note",
    "feed_of",
    "note_of",
    "note_text",
    "parse",
    "parse_note",
    "read",
    "sign",
    "stated_feed",
]

TOPIC = "checkpoint/1"
_ED25519 = b"\x01"
_TEXT = (
    rb"(?P<text>twinvault/(?P<feed>[0-9a-f]{16})\n(?P<size>0|[1-9][0-9]{0,18})\n"
    rb"(?P<root>[A-Za-z0-9+/]{43}=)\ntime (?P<time>0|[1-9][0-9]{0,19})\n)\n"
)
_FORM = re.compile(
    _TEXT + "— ".encode() + rb"(?P<name>[^ \n]+) (?P<signature>[A-Za-z0-9+/]{90,91}={0,2})\n"
)
_NOTE = re.compile(_TEXT + rb"(?P<lines>(?s:.+))")
_LINE = re.compile("— (?P<name>[^ ]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")
_KEY_HASH = 4
_MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signed tree head says, and the edge of the tree that it is the head of."""

    feed: bytes
    size: int
    root: bytes
    time: int
    frontier: Frontier


@dataclass(frozen=True, slots=True)
class Note:
    """A signed tree head as it is handed out: what it says, its bytes, the edge if it is known."""

    feed: bytes
    size: int
    root: bytes
    time: int
    data: bytes
    edge: tuple[bytes, ...] = ()


def feed_of(key: Ed25519PublicKey) -> bytes:
    """Return the first eight bytes of a device's public key, which name its feed."""
    return key.public_bytes_raw()[:8]


def _name(feed: bytes) -> str:
    return f"twinvault/{feed.hex()}"


def note_text(feed: bytes, size: int, root: bytes, time: int) -> bytes:
    """Return the text that is signed."""
    return f"{_name(feed)}\n{size}\n{base64.b64encode(root).decode()}\ntime {time}\n".encode()


def _key_hash(name: str, key: Ed25519PublicKey) -> bytes:
    """Return the key hash of a signature line (C2SP signed-note, Ed25519)."""
    return sha256(name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:_KEY_HASH]


def _record(text: bytes, name: str, signature: bytes, frontier: Frontier) -> bytes:
    line = f"\n— {name} {base64.b64encode(signature).decode()}\n".encode()
    return text + line + b"".join(frontier.hashes)


def sign(key: Ed25519PrivateKey, frontier: Frontier, time: int) -> bytes:
    """Return the record of a signed checkpoint over a tree."""
    public = key.public_key()
    feed = feed_of(public)
    text = note_text(feed, frontier.size, frontier.root(), time)
    signature = _key_hash(_name(feed), public) + key.sign(text)
    return _record(text, _name(feed), signature, frontier)


def parse(data: bytes, key: Ed25519PublicKey) -> Checkpoint:
    """Read a checkpoint and check its signature, its root and every one of its bytes.

    Raises:
        TamperError: It is not exactly what the device's key signed.
    """
    form = _FORM.match(data)
    if form is None:
        raise TamperError("A checkpoint cannot be read.")
    size, time = int(form["size"]), int(form["time"])
    edge = data[form.end() :]
    if len(edge) != 32 * size.bit_count():
        raise TamperError("A checkpoint has been cut or lengthened.")
    frontier = Frontier(size, (edge[i : i + 32] for i in range(0, len(edge), 32)))
    feed, name = feed_of(key), _name(feed_of(key))
    try:
        signature = base64.b64decode(form["signature"])
    except binascii.Error:
        raise BadSignature("A checkpoint's signature cannot be read.") from None
    text = note_text(feed, size, frontier.root(), time)
    if base64.b64decode(form["root"]) != frontier.root():
        raise RootMismatch("A checkpoint's root does not match the edge of its tree.")
    # Comparing the whole record leaves no byte, not even an unused bit of base64, uncovered.
    if data != _record(text, name, signature, frontier):
        raise BadSignature("A checkpoint is not from this device's feed.")
    if signature[:_KEY_HASH] != _key_hash(name, key):
        raise BadSignature("A checkpoint was signed by another key.")
    try:
        key.verify(signature[_KEY_HASH:], text)
    except InvalidSignature:
        raise BadSignature("A checkpoint's signature does not match.") from None
    return Checkpoint(feed, size, frontier.root(), time, frontier)


def note_of(record: bytes) -> bytes:
    """Return the note of a checkpoint's record, without the edge behind it.

    Raises:
        TamperError: It is no record of a checkpoint.
    """
    form = _FORM.match(record)
    if form is None:
        raise TamperError("A checkpoint cannot be read.")
    return form[0]


def stated_feed(data: bytes) -> bytes:
    """Return the feed that a note or a record says it is of; nobody has checked that yet.

    Raises:
        TamperError: It is no checkpoint.
    """
    form = _NOTE.match(data)
    if form is None:
        raise TamperError("A checkpoint cannot be read.")
    return bytes.fromhex(form["feed"].decode())


def parse_note(data: bytes, key: Ed25519PublicKey) -> Note:
    """Read a note and check the device's signature and every byte but others' signatures.

    Raises:
        TamperError: The device's key did not sign it, or it is not written as C2SP says.
    """
    form = _NOTE.fullmatch(data)
    if form is None:
        raise TamperError("A checkpoint cannot be read.")
    feed, size, time = feed_of(key), int(form["size"]), int(form["time"])
    root = base64.b64decode(form["root"])
    if form["text"] != note_text(feed, size, root, time):
        raise BadSignature("A checkpoint is not from this device's feed.")
    known = (_name(feed), _key_hash(_name(feed), key))
    signatures = [sig for *line, sig in _signatures(form["lines"]) if tuple(line) == known]
    if len(signatures) != 1:
        raise BadSignature("A checkpoint was signed by another key.")
    try:
        key.verify(signatures[0], form["text"])
    except InvalidSignature:
        raise BadSignature("A checkpoint's signature does not match.") from None
    return Note(feed, size, root, time, data)


def _signatures(lines: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield name, key hash and signature of each line of a signed note."""
    try:
        *each, rest = lines.decode().split("\n")
    except UnicodeDecodeError:
        each, rest = [], "not UTF-8"
    if rest or len(each) > _MOST_LINES:
        raise TamperError("A checkpoint's signatures cannot be read.")
    for line in each:
        form = _LINE.fullmatch(line)
        name, text = (form["name"], form["signature"]) if form else ("", "")
        try:
            blob = base64.b64decode(text)
        except binascii.Error:
            blob = b""
        forbidden = any(letter < " " or letter == "+" or letter.isspace() for letter in name)
        if forbidden or len(blob) <= _KEY_HASH or base64.b64encode(blob).decode() != text:
            raise TamperError("A checkpoint's signatures cannot be read.")
        yield name, blob[:_KEY_HASH], blob[_KEY_HASH:]


def read(data: bytes, key: Ed25519PublicKey) -> Note:
    """Read a checkpoint that somebody kept: the record of one, or a note.

    Raises:
        TamperError: The device's key did not sign it.
    """
    try:
        stated = parse(data, key)
    except TamperError:
        # The lines of other signers may stand where a record has its edge.
        return parse_note(data, key)
    edge = tuple(stated.frontier.hashes)
    return Note(stated.feed, stated.size, stated.root, stated.time, note_of(data), edge)
