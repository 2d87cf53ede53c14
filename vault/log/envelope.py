"""The bytes of one entry: a signed header, the hash of its sealed body, the body.

The body is AES-256-GCM under a key of its own with the header as associated data. Since
version 2 zeros stand before what is sealed: a body then opens under one key alone, which
GCM by itself does not promise. A leaf of the tree is header and hash, so the body may be
destroyed later while the log still verifies. A hash of the plain body appears nowhere: it
would confirm guesses for ever.
"""

import struct
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eventsourcing.dcb.api import DCBEvent

from vault.errors import TamperError
from vault.log.cycles import unsearched

__all__ = [
    "COMMITTING",
    "FIXED",
    "HASH_SIZE",
    "KEY_PAGE",
    "KEY_PLACE",
    "KEY_SLOT",
    "KEY_SLOT_SIZE",
    "NATURAL_KEY",
    "NONCE",
    "NO_TAG",
    "VERSION",
    "VERSIONS",
    "Header",
    "Plain",
    "Record",
    "has_body",
    "open_body",
    "parse",
    "seal_page",
]

VERSION = 2
"""What new entries are written as."""

VERSIONS = frozenset({1, 2})
"""What is read."""

FIXED = struct.Struct(">BB8sQQQI16s16s")
KEY_PAGE = slice(26, 34)
KEY_SLOT = slice(34, 38)
KEY_PLACE = slice(26, 38)
KEY_SLOT_SIZE = 4
NATURAL_KEY = slice(38, 54)
"""Where these stand in an entry, for whoever needs no more of it."""

HASH_SIZE = 32
NO_TAG = bytes(16)
NONCE = bytes(12)
"""Every data key seals one body, once, so the nonce may be fixed."""

COMMITTING = {1: b"", 2: bytes(32)}
"""What stands before a body when it is sealed, by version.

A ciphertext that was made to open under two keys (a key-partitioning oracle, an invisible
salamander) cannot begin with so many zeros under both.
"""


def has_body(data: bytes) -> bool:
    """Tell whether a whole entry's body is there."""
    return len(data) > FIXED.size + HASH_SIZE + data[1]


class Header(NamedTuple):
    """What is signed in the clear: enough to order, find and decrypt an entry, no more."""

    version: int
    topic_length: int
    feed: bytes
    seq: int
    time: int
    key_page: int
    key_slot: int
    natural_key: bytes
    content: bytes
    topic: str

    @property
    def id(self) -> str:
        """The entry's id, unique across feeds."""
        return f"{self.feed.hex()}-{self.seq}"

    @property
    def tags(self) -> list[str]:
        """What the entry is found by: its blinded natural key, or its topic without one."""
        return [self.topic if self.natural_key == NO_TAG else self.natural_key.hex()]


class Record(NamedTuple):
    """An entry taken apart.

    `signed` are the bytes of the header, `head` is the leaf (header bytes and body hash),
    and an empty `body` was erased.
    """

    position: int
    header: Header
    signed: bytes
    head: bytes
    body: bytes


Plain = tuple[str, bytes, str, bytes, bytes]
"""An event before it is sealed: topic, body, scope, blinded natural key, blinded content."""


def seal_page(
    page: Sequence[Plain], keys: Iterable[tuple[bytes, int, int]], feed: bytes, seq: int, time: int
) -> tuple[list[DCBEvent], list[bytes]]:
    """Seal events, each under its own key; return them as records, and their leaf hashes.

    Args:
        page: The events.
        keys: Data key, key page and slot for each.
        feed: Whose they are.
        seq: The number of the first.
        time: The time of the first; each next one is a nanosecond later.
    """
    # One loop in one piece, with everything bound: it is what an append costs.
    pack, hash_, aead, zeros = FIXED.pack, sha256, AESGCM, COMMITTING[VERSION]
    names = {topic: topic.encode() for topic in {plain[0] for plain in page}}
    events: list[DCBEvent] = []
    leaves: list[bytes] = []
    with unsearched():
        for (topic, body, _, tag, content), (key, key_page, slot) in zip(page, keys, strict=True):
            name = names[topic]
            signed = pack(VERSION, len(name), feed, seq, time, key_page, slot, tag, content) + name
            ciphertext = aead(key).encrypt(NONCE, zeros + body, signed)
            head = signed + hash_(ciphertext).digest()
            leaves.append(hash_(b"\0" + head).digest())
            events.append(
                DCBEvent(topic, head + ciphertext, [topic if tag == NO_TAG else tag.hex()])
            )
            seq += 1
            time += 1
    return events, leaves


def open_body(key: bytes, signed: bytes, body: bytes) -> bytes:
    """Return what was sealed in a body.

    Args:
        key: The data key.
        signed: The header.
        body: What stands behind the hash.

    Raises:
        InvalidTag: It does not open under this key.
    """
    zeros = COMMITTING[signed[0]]
    plain = AESGCM(key).decrypt(NONCE, body, signed)
    if not plain.startswith(zeros):
        raise InvalidTag
    return plain[len(zeros) :]


def parse(position: int, data: bytes) -> Record:
    """Take an entry apart.

    Raises:
        TamperError: These are not the bytes of an entry.
    """
    try:
        fixed = FIXED.unpack_from(data)
        end = FIXED.size + fixed[1]
        header = Header._make((*fixed, data[FIXED.size : end].decode("ascii")))
    except (struct.error, UnicodeDecodeError):
        raise TamperError(f"The header of the entry at {position} cannot be read.") from None
    if header.version not in VERSIONS or len(data) < end + HASH_SIZE:
        raise TamperError(
            f"The header of the entry at {position} is damaged or from another format."
        )
    return Record(position, header, data[:end], data[: end + HASH_SIZE], data[end + HASH_SIZE :])
