"""Checkpoints as records and as notes, and certificates of devices: log.md."""

import base64
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cases import BAD_SIGNATURE, MALFORMED, SUCCESS, Case, flipped, seed
from cases.trees import LEAVES, edge_of, root_of

__all__ = [
    "DEVICE",
    "NO_LIMIT",
    "OTHER",
    "OWNER",
    "TIME",
    "cases",
    "certificate",
    "note_of",
    "public",
    "record",
]

DEVICE = Ed25519PrivateKey.from_private_bytes(seed("device"))
OTHER = Ed25519PrivateKey.from_private_bytes(seed("another device"))
OWNER = Ed25519PrivateKey.from_private_bytes(seed("owner"))
TIME = 1_740_816_000_000_000_000
NO_LIMIT = (1 << 63) - 1
WRONG_ROOT = "wrong root"
_DASH = "\N{EM DASH} ".encode()
_TREE = LEAVES[:5]
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

Wrong = tuple[str, str, bytes] | tuple[str, str, bytes, str]
"""Name, comment and bytes of a case, and the reason where they are not malformed."""


def public(key: Ed25519PrivateKey) -> bytes:
    """Return the raw public half of a key."""
    return key.public_key().public_bytes_raw()


def _name(key: Ed25519PrivateKey) -> bytes:
    return b"twinvault/" + public(key)[:8].hex().encode()


def _blob(text: bytes, key: Ed25519PrivateKey, name: bytes, kind: bytes = b"\x01") -> bytes:
    key_hash = sha256(name + b"\n" + kind + public(key)).digest()[:4]
    return base64.b64encode(key_hash + key.sign(text))


class _Parts(NamedTuple):
    """What a checkpoint's record is put together from, right or wrong."""

    size: bytes = b"5"
    root: bytes = base64.b64encode(root_of(_TREE))
    time: bytes = b"%d" % TIME
    edge: Sequence[bytes] = edge_of(_TREE)
    key: Ed25519PrivateKey = DEVICE
    name: bytes = _name(DEVICE)
    kind: bytes = b"\x01"
    missing: int = 0

    @property
    def text(self) -> bytes:
        return b"%b\n%b\n%b\ntime %b\n" % (self.name, self.size, self.root, self.time)

    @property
    def blob(self) -> bytes:
        """Key hash and signature; `missing` bytes at the end of the text are not signed."""
        signed = self.text[: len(self.text) - self.missing]
        return _blob(signed, self.key, self.name, self.kind)

    @property
    def line(self) -> bytes:
        return _DASH + self.name + b" " + self.blob + b"\n"

    @property
    def note(self) -> bytes:
        return self.text + b"\n" + self.line

    @property
    def record(self) -> bytes:
        return self.note + b"".join(self.edge)


def _over(leaves: Sequence[bytes], time: int, key: Ed25519PrivateKey) -> _Parts:
    size, root = b"%d" % len(leaves), base64.b64encode(root_of(leaves))
    return _Parts(size, root, b"%d" % time, edge_of(leaves), key, _name(key))


def record(leaves: Sequence[bytes], time: int, key: Ed25519PrivateKey = DEVICE) -> bytes:
    """Return the record of a checkpoint over leaf hashes."""
    return _over(leaves, time, key).record


def note_of(leaves: Sequence[bytes], time: int, key: Ed25519PrivateKey = DEVICE) -> bytes:
    """Return the note of a checkpoint over leaf hashes, as it is handed out."""
    return _over(leaves, time, key).note


def certificate(
    device: bytes, most: int = NO_LIMIT, key: Ed25519PrivateKey = OWNER, context: str = "device/2"
) -> bytes:
    """Return the owner's signature over a device's public key and its number of entries."""
    return key.sign(f"twinvault/{context}\n".encode() + device + most.to_bytes(8, "big"))


def cases() -> Iterator[Case]:
    """All cases of this part."""
    yield from _good()
    for wrong in (*_changed_lines(), *_changed_edges(), *_changed_signatures(), *_signed()):
        name, comment, body, *expect = wrong
        yield _checkpoint(name, comment, body, *(expect or [MALFORMED]))
    yield from _notes()
    yield from _certificates()


def _checkpoint(name: str, comment: str, body: bytes, expect: str, **more: bytes | int) -> Case:
    fields = {"public-key": public(DEVICE), **more}
    return Case(
        family="checkpoint", name=name, comment=comment, expect=expect, fields=fields, body=body
    )


def _good() -> Iterator[Case]:
    trees = [(size, TIME) for size in (0, 1, 2, 5, 64, 127)]
    for size, time in (*trees, (3, 0), (3, (1 << 63) - 1)):
        name = f"size-{size}" if time == TIME else f"time-{time}"
        leaves = LEAVES[:size]
        more = {"size": size, "root": root_of(leaves), "time": time}
        body = record(leaves, time)
        yield _checkpoint(name, f"a tree of {size} at {time}", body, SUCCESS, **more)


def _changed_lines() -> Iterator[Wrong]:
    """A good record whose text was changed after it was signed."""
    good = _Parts().record
    name, root, size, time = _name(DEVICE), _Parts().root, b"\n5\n", b"time %d" % TIME

    def but(old: bytes, new: bytes) -> bytes:
        assert old in good
        return good.replace(old, new, 1)

    yield "crlf", "line ends of another system", _Parts().note.replace(b"\n", b"\r\n")
    yield "crlf-once", "one line end of another system", but(b"\ntime", b"\r\ntime")
    yield "size-leading-zero", "the size with a zero in front", but(size, b"\n05\n")
    yield "size-plus", "the size with a sign", but(size, b"\n+5\n")
    yield "size-negative", "a size below zero", but(size, b"\n-5\n")
    yield "size-space", "a space behind the size", but(size, b"\n5 \n")
    yield "size-arabic", "a digit that is not ASCII", but(size, b"\n\xd9\xa5\n")
    yield "size-hexadecimal", "a size in hexadecimal", but(size, b"\n0x5\n")
    yield "size-huge", "a size of twenty digits", but(size, b"\n" + b"9" * 20 + b"\n")
    yield "size-empty", "no size", but(size, b"\n\n")
    yield "size-other", "another size with as many bits", but(size, b"\n6\n"), BAD_SIGNATURE
    yield "size-more-bits", "a size with more bits than there are hashes", but(size, b"\n7\n")
    yield "time-leading-zero", "the time with a zero in front", but(b"time ", b"time 0")
    yield "time-missing", "no line of the time", but(b"\n" + time, b"")
    yield "time-twice", "the line of the time twice", but(time, time + b"\n" + time)
    yield "time-later", "a nanosecond later", but(time, b"time %d" % (TIME + 1)), BAD_SIGNATURE
    yield "line-added", "one more line in the text", but(b"\n\n", b"\nmore\n\n")
    yield "no-empty-line", "text and signature run together", but(b"\n\n", b"\n")
    yield "two-empty-lines", "one empty line too many", but(b"\n\n", b"\n\n\n")
    yield "space-in-front", "a space before all", b" " + good
    yield "line-in-front", "a line break before all", b"\n" + good
    yield "byte-order-mark", "a byte order mark before all", b"\xef\xbb\xbf" + good
    yield "feed-upper-case", "the feed in upper case", but(name[10:], name[10:].upper())
    yield "feed-short", "a feed of fifteen digits", but(name, name[:-1])
    yield "origin-other", "another project's name", but(b"twinvault/", b"transpara/")
    yield "feed-other", "another feed in the text", but(name, _name(OTHER)), BAD_SIGNATURE
    yield "root-url", "the other alphabet of base64", but(root[:2], b"-_")
    yield "root-no-padding", "the root without its padding", but(root, root[:-1])
    yield "root-31-bytes", "a root of 31 bytes", but(root, base64.b64encode(bytes(31)))
    yield "root-loose", "an unused bit of base64", but(root, _loose(root)), BAD_SIGNATURE
    flip = base64.b64encode(flipped(root_of(_TREE), 9))
    yield "root-flipped", "one bit of the root", but(root, flip), WRONG_ROOT


def _loose(text: bytes) -> bytes:
    """Set a bit that a lax decoder of base64 ignores."""
    return text[:-2] + bytes([_BASE64[_BASE64.index(text[-2:-1]) | 1]]) + b"="


def _changed_edges() -> Iterator[Wrong]:
    parts = _Parts()
    good, note, edge = parts.record, parts.note, b"".join(parts.edge)
    yield "empty", "nothing", b""
    yield "edge-alone", "hashes without a note", edge
    yield "cut", "the last byte is missing", good[:-1]
    yield "cut-in-note", "the note's last line break is missing", note[:-1]
    yield "edge-missing", "the note alone, which is no record", note
    yield "edge-short", "one hash of the edge is missing", good[:-32]
    yield "edge-long", "one hash more than the size has bits", good + LEAVES[0]
    yield "edge-behind", "a line break behind the edge", good + b"\n"
    yield "edge-reversed", "the smallest first", note + edge[32:] + edge[:32], WRONG_ROOT
    yield "edge-flipped", "one bit of the edge", note + flipped(edge, 300), WRONG_ROOT
    yield "record-twice", "the same record again behind it", good + good


def _changed_signatures() -> Iterator[Wrong]:
    parts = _Parts()
    good, line, name, text = parts.record, parts.line, _name(DEVICE), parts.blob
    blob = base64.b64decode(text)

    def other(new: bytes) -> bytes:
        return good.replace(text, new, 1)

    yield "hyphen", "a hyphen where C2SP has a dash", good.replace(_DASH, b"- ", 1)
    yield (
        "signer-other",
        "another feed's name",
        good.replace(b" " + name, b" " + _name(OTHER)),
        BAD_SIGNATURE,
    )
    yield "signature-missing", "no line of signatures", good.replace(line, b"", 1)
    yield "signature-twice", "the same line twice", good.replace(line, line + line, 1)
    yield "signature-loose", "an unused bit of base64", other(_loose(text)), BAD_SIGNATURE
    yield "signature-no-padding", "no padding", other(text[:-1]), BAD_SIGNATURE
    yield "signature-short", "one byte less", other(base64.b64encode(blob[:-1])), BAD_SIGNATURE
    yield "signature-flipped", "one bit", other(base64.b64encode(flipped(blob, 400))), BAD_SIGNATURE
    yield "key-hash-flipped", "one bit", other(base64.b64encode(flipped(blob, 3))), BAD_SIGNATURE
    yield "signature-zeros", "zeros", other(base64.b64encode(blob[:4] + bytes(64))), BAD_SIGNATURE


def _signed() -> Iterator[Wrong]:
    """What the device itself would have to sign, and a reader refuses all the same."""
    larger = LEAVES[:7]
    impostor = _Parts(key=OTHER)
    yield "signed-by-another", "another device's", record(_TREE, TIME, OTHER), BAD_SIGNATURE
    yield "signed-by-an-impostor", "another key under this name", impostor.record, BAD_SIGNATURE
    yield "signed-leading-zero", "a size with a zero in front", _Parts(size=b"05").record
    root = base64.b64encode(root_of(larger))
    yield "signed-root-of-another", "not the root of its edge", _Parts(root=root).record, WRONG_ROOT
    yield (
        "signed-edge-of-another",
        "a larger tree's",
        _Parts(root=root, edge=edge_of(larger)).record,
    )
    yield (
        "signed-other-origin",
        "zeros as feed",
        _Parts(name=b"twinvault/" + b"0" * 16).record,
        BAD_SIGNATURE,
    )
    yield (
        "signed-other-algorithm",
        "a key hash of type 2",
        _Parts(kind=b"\x02").record,
        BAD_SIGNATURE,
    )
    yield (
        "signed-without-end",
        "not over the last line break",
        _Parts(missing=1).record,
        BAD_SIGNATURE,
    )


def _notes() -> Iterator[Case]:
    """Notes as they are handed out: others may have added their signatures."""
    parts = _Parts()
    note, line = parts.note, parts.line
    witness = (
        _DASH
        + b"witness.example/one "
        + _blob(parts.text, OTHER, b"witness.example/one", b"\x04")
        + b"\n"
    )

    def case(name: str, comment: str, body: bytes, expect: str = MALFORMED) -> Case:
        fields: dict[str, bytes | int] = {"public-key": public(DEVICE)}
        if expect == SUCCESS:
            fields |= {"size": 5, "root": root_of(_TREE), "time": TIME}
        return Case(
            family="note", name=name, comment=comment, expect=expect, fields=fields, body=body
        )

    yield case("alone", "the device's signature alone", note, SUCCESS)
    yield case("witnessed", "a witness signed behind it", note + witness, SUCCESS)
    yield case(
        "witnessed-before",
        "a witness signed before it",
        note.replace(line, witness + line),
        SUCCESS,
    )
    unknown = witness.replace(b"one ", "zeuge\N{WHITE SMILING FACE} ".encode())
    yield case("witnessed-strangely", "a name that is not ASCII", note + unknown, SUCCESS)
    yield case("record", "a record is no note", parts.record)
    yield case("twice", "the device signed twice", note + line, BAD_SIGNATURE)
    yield case(
        "only-witness",
        "the device's signature is missing",
        note.replace(line, witness),
        BAD_SIGNATURE,
    )
    yield case("unsigned", "no signature at all", note.replace(line, b""))
    yield case("rest", "words behind the signatures", note + b"more\n")
    yield case("no-line-break", "the last line break is missing", note[:-1])
    yield case("empty-line", "an empty line behind the signatures", note + b"\n")
    yield case(
        "witness-padded",
        "padding where none belongs in the witness's line",
        note + witness.replace(b"\n", b"=\n"),
    )
    loose = _loose(witness.rstrip(b"\n")) + b"\n"
    yield case("witness-loose", "an unused bit in the witness's base64", note + loose)
    yield case(
        "witness-without-name",
        "a signature without a name",
        note + _DASH + b" " + parts.blob + b"\n",
    )
    yield case(
        "witness-plus",
        "a name with a plus, which C2SP forbids",
        note + witness.replace(b"/one", b"+one"),
    )
    yield case(
        "witness-short", "a key hash without a signature", note + _DASH + b"w.example AAAAAA==\n"
    )
    yield case("crowd", "a hundred signatures more", note + witness * 100)
    yield case(
        "not-utf-8", "bytes that are no text", note + _DASH + b"\xff\xfe " + parts.blob + b"\n"
    )
    flip = base64.b64encode(flipped(base64.b64decode(parts.blob), 99))
    yield case("flipped", "one bit of the signature", note.replace(parts.blob, flip), BAD_SIGNATURE)


def _certificates() -> Iterator[Case]:
    device = public(DEVICE)

    def case(name: str, comment: str, expect: str = BAD_SIGNATURE, **changed: bytes | int) -> Case:
        fields: dict[str, bytes | int] = {
            "owner": public(OWNER),
            "public-key": device,
            "most": NO_LIMIT,
            "signature": certificate(device),
        }
        fields |= changed
        return Case(family="certificate", name=name, comment=comment, expect=expect, fields=fields)

    yield case("device", "a device that was not revoked", SUCCESS)
    for most in (0, 7):
        signature = certificate(device, most)
        yield case(
            f"revoked-at-{most}", f"revoked at {most}", SUCCESS, most=most, signature=signature
        )
    yield case("limit-lifted", "a revocation taken out", signature=certificate(device, 7))
    yield case("limit-raised", "a revocation put off", most=8, signature=certificate(device, 7))
    yield case("limit-set", "a revocation made up", most=7)
    yield case("other-device", "the certificate of another", signature=certificate(public(OTHER)))
    yield case("other-owner", "from another owner", signature=certificate(device, key=OTHER))
    yield case(
        "by-itself", "a device that certifies itself", signature=certificate(device, key=DEVICE)
    )
    plain = OWNER.sign(b"twinvault/device/1\n" + device)
    yield case("of-format-1", "a certificate of format 1, which names no limit", signature=plain)
    bare = OWNER.sign(device + NO_LIMIT.to_bytes(8, "big"))
    yield case("without-context", "a signature without the words before it", signature=bare)
    yield case("short", "a signature that lacks a byte", signature=certificate(device)[:-1])
    yield case("empty", "no signature", signature=b"")
    yield case("flipped", "one bit", signature=flipped(certificate(device), 200))
