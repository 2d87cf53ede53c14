"""The signed tree head: a C2SP checkpoint in a C2SP signed note.

The note says origin, size, root and the time of the newest entry; behind it stand the
hashes of the tree's right edge, which the root covers. A checkpoint is the last record of
the page that it signs.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from vault.errors import BadSignature, RootMismatch, TamperError
from vault.log.merkle import Frontier

__all__ = ["TOPIC", "Checkpoint", "feed_of", "note_text", "parse", "sign"]

TOPIC = "checkpoint/1"
_ED25519 = b"\x01"
_FORM = re.compile(
    rb"(?P<text>(?P<origin>twinvault/[0-9a-f]{16})\n(?P<size>0|[1-9][0-9]{0,18})\n"
    rb"(?P<root>[A-Za-z0-9+/]{43}=)\ntime (?P<time>0|[1-9][0-9]{0,19})\n)\n"
    + "— ".encode()
    + rb"(?P<name>[^ \n]+) (?P<signature>[A-Za-z0-9+/]{90,91}={0,2})\n"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signed tree head says, and the edge of the tree that it is the head of."""

    feed: bytes
    size: int
    root: bytes
    time: int
    frontier: Frontier


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
    return sha256(name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:4]


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
        signature = base64.b64decode(form["signature"], validate=True)
    except binascii.Error:
        raise BadSignature("A checkpoint's signature cannot be read.") from None
    text = note_text(feed, size, frontier.root(), time)
    if base64.b64decode(form["root"]) != frontier.root():
        raise RootMismatch("A checkpoint's root does not match the edge of its tree.")
    # Comparing the whole record leaves no byte, not even an unused bit of base64, uncovered.
    if data != _record(text, name, signature, frontier):
        raise BadSignature("A checkpoint is not from this device's feed.")
    if signature[:4] != _key_hash(name, key):
        raise BadSignature("A checkpoint was signed by another key.")
    try:
        key.verify(signature[4:], text)
    except InvalidSignature:
        raise BadSignature("A checkpoint's signature does not match.") from None
    return Checkpoint(feed, size, frontier.root(), time, frontier)
