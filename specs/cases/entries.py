"""Entries: header and sealed body, of both versions. event-format.md, sections 2 and 3."""

import struct
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cases import MALFORMED, SUCCESS, Case, flipped, seed
from cases.checkpoints import DEVICE, TIME, public

__all__ = ["NO_TAG", "Parts", "cases"]

NO_TAG = bytes(16)
WRONG_KEY = "wrong key"
BODY_CHANGED = "body changed"
_FIXED = struct.Struct(">BB8sQQQI16s16s")
_BODY = msgspec.msgpack.encode({"names": ["Mara"]})


class Parts(NamedTuple):
    """What an entry is put together from, right or wrong."""

    version: int = 2
    feed: bytes = public(DEVICE)[:8]
    seq: int = 0
    time: int = TIME
    key_page: int = 1
    key_slot: int = 0
    natural_key: bytes = NO_TAG
    content: bytes = NO_TAG
    topic: bytes = b"owner.named/1"
    length: int | None = None
    body: bytes = _BODY
    zeros: bytes | None = None
    key: bytes = seed("data key")
    nonce: bytes = bytes(12)

    @property
    def header(self) -> bytes:
        """The signed header."""
        length = len(self.topic) if self.length is None else self.length
        return _FIXED.pack(self.version, length, *self[1:8]) + self.topic

    @property
    def ciphertext(self) -> bytes:
        """The sealed body."""
        committing = bytes(32) if self.version == 2 else b""  # noqa: PLR2004 - the version
        zeros = committing if self.zeros is None else self.zeros
        return AESGCM(self.key).encrypt(self.nonce, zeros + self.body, self.header)

    @property
    def head(self) -> bytes:
        """Header and hash, which the leaf covers."""
        return self.header + sha256(self.ciphertext).digest()

    @property
    def leaf(self) -> bytes:
        """The leaf's hash."""
        return sha256(b"\0" + self.head).digest()

    @property
    def data(self) -> bytes:
        """The whole entry."""
        return self.head + self.ciphertext


def cases() -> Iterator[Case]:
    """All cases of this part."""
    yield from _good()
    for version in (1, 2):
        yield from _malformed(version)
        yield from _sealed_otherwise(version)
    yield from _uncommitted()


def _case(name: str, comment: str, data: bytes, expect: str, **more: bytes | int | str) -> Case:
    fields = {"key": seed("data key"), **more}
    return Case(family="entry", name=name, comment=comment, expect=expect, fields=fields, body=data)


def _good() -> Iterator[Case]:
    tagged = {"natural_key": seed("natural key", 16), "content": seed("content", 16)}
    all_ones = {"seq": (1 << 64) - 1, "time": (1 << 64) - 1, "key_page": (1 << 64) - 1}
    variants: list[tuple[str, str, dict[str, object]]] = [
        ("plain", "an entry without a natural key", {}),
        ("tagged", "an entry with a natural key", tagged | {"topic": b"item.collected/1"}),
        ("largest-numbers", "numbers of 64 bits", all_ones | {"key_slot": (1 << 32) - 1}),
        ("empty-body", "nothing sealed", {"body": b""}),
        ("long-body", "a body of a thousand bytes", {"body": seed("long", 1000)}),
        ("long-topic", "a topic of 255 letters", {"topic": b"a" * 253 + b"/1"}),
        ("no-topic", "a topic without letters, which nobody knows", {"topic": b""}),
    ]
    for version in (1, 2):
        for name, comment, changed in variants:
            parts = Parts(version)._replace(**changed)
            tag = parts.natural_key.hex() if any(parts.natural_key) else parts.topic.decode()
            stated: dict[str, bytes | int | str] = {
                "version": version,
                "feed": parts.feed,
                "seq": parts.seq,
                "time": parts.time,
                "key-page": parts.key_page,
                "key-slot": parts.key_slot,
                "content": parts.content,
                "topic": parts.topic.decode(),
                "tag": tag,
                "leaf": parts.leaf,
            }
            plain = {"plain": parts.body}
            yield _case(f"{name}-{version}", comment, parts.data, SUCCESS, **stated, **plain)
            if name == "tagged":
                erased = "an erased entry: its body was cut off"
                yield _case(f"erased-{version}", erased, parts.head, "erased", **stated)


def _malformed(version: int) -> Iterator[Case]:
    def case(name: str, comment: str, data: bytes, expect: str = MALFORMED) -> Case:
        return _case(f"{name}-{version}", comment, data, expect)

    parts = Parts(version)
    data, header = parts.data, parts.header
    yield case("cut-in-hash", "the last byte of the hash is missing", parts.head[:-1])
    yield case("cut-in-topic", "the header ends within the topic", header[:-1])
    yield case("cut-in-header", "the header ends within its numbers", header[:69])
    yield case(
        "length-too-long",
        "a topic that reaches beyond the end",
        Parts(version, length=255).data[:110],
    )
    yield case(
        "topic-not-ascii", "a topic that is not ASCII", Parts(version, topic="ö/1".encode()).data
    )
    yield case(
        "body-flipped", "one bit of the body", data[:-1] + flipped(data[-1:], 0), BODY_CHANGED
    )
    yield case("body-cut", "the last byte of the body is missing", data[:-1], BODY_CHANGED)
    yield case("body-longer", "a byte behind the body", data + b"\0", BODY_CHANGED)
    yield case(
        "hash-flipped",
        "one bit of the hash",
        header + flipped(data[len(header) :], 5),
        BODY_CHANGED,
    )
    yield case(
        "length-too-short",
        "a topic that ends one letter early",
        data[:1] + bytes([12]) + data[2:],
        BODY_CHANGED,
    )
    if version == 1:
        for number in (0, 3, 255):
            comment = "a version that does not exist yet" if number else "no version"
            yield _case(f"version-{number}", comment, bytes([number]) + data[1:], MALFORMED)
        yield _case("empty", "nothing", b"", MALFORMED)


def _sealed_otherwise(version: int) -> Iterator[Case]:
    """Whole entries whose bodies do not open: somebody put together what does not belong."""
    good, other = Parts(version), Parts(version, body=b"\x81\xa5names\x91\xa3Bex", seq=1)

    def case(name: str, comment: str, data: bytes) -> Case:
        return _case(f"{name}-{version}", comment, data, WRONG_KEY)

    def joined(header: bytes, ciphertext: bytes) -> bytes:
        return header + sha256(ciphertext).digest() + ciphertext

    yield case("other-key", "sealed under another key", Parts(version, key=seed("other")).data)
    yield case(
        "other-nonce", "sealed with another nonce", Parts(version, nonce=bytes(11) + b"\1").data
    )
    yield case("other-body", "the body of another entry", joined(good.header, other.ciphertext))
    for name, changed in (
        ("seq", good._replace(seq=1)),
        ("time", good._replace(time=TIME + 1)),
        ("feed", good._replace(feed=bytes(8))),
        ("slot", good._replace(key_slot=1)),
        ("page", good._replace(key_page=2)),
        ("natural-key", good._replace(natural_key=seed("other", 16))),
        ("content", good._replace(content=seed("other", 16))),
        ("topic", good._replace(topic=b"owner.named/2")),
    ):
        comment = "a header in which this was changed, the hash made anew"
        yield case(f"header-{name}", comment, joined(changed.header, good.ciphertext))
    retyped = bytes([3 - version]) + good.header[1:]
    yield case("header-version", "the other version's number", joined(retyped, good.ciphertext))
    yield case("no-tag", "shorter than a tag of GCM", joined(good.header, good.ciphertext[:15]))
    bare = AESGCM(good.key).encrypt(bytes(12), bytes(32) + good.body, None)
    yield case("no-header", "sealed without the header", joined(good.header, bare))


def _uncommitted() -> Iterator[Case]:
    """Bodies of version 2 that open under GCM and do not commit to their key."""
    ones = bytes(31) + b"\1"
    for name, comment, zeros, body in (
        ("uncommitted", "no zeros before the body", b"", _BODY),
        ("uncommitted-late", "the last of the zeros is none", ones, _BODY),
        ("uncommitted-early", "the first of the zeros is none", b"\1" + bytes(31), _BODY),
        ("uncommitted-short", "31 zeros", bytes(31), b""),
        ("uncommitted-empty", "nothing at all", b"", b""),
    ):
        yield _case(name, comment, Parts(2, zeros=zeros, body=body).data, WRONG_KEY)
    zeros = {"zeros": bytes(32), "body": _BODY}
    comment = "version 1 has no zeros: they are part of the body"
    parts = Parts(1)._replace(**zeros)
    yield _case("zeros-1", comment, parts.data, SUCCESS, plain=bytes(32) + _BODY)
