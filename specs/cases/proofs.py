"""Proof files for others: proofs.md."""

import base64
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cases import BAD_SIGNATURE, FOREIGN, MALFORMED, SUCCESS, Case, Value, flipped, seed
from cases.checkpoints import (
    DEVICE,
    NO_LIMIT,
    OTHER,
    OWNER,
    TIME,
    certificate,
    note_of,
    public,
)
from cases.entries import Parts
from cases.trees import consistency, inclusion

__all__ = ["cases"]

WRONG_ROOT = "wrong root"
_INDEX = 2
_SIZE = 5
_KEY = seed("data key")


def _entry(seq: int, version: int = 2) -> Parts:
    return Parts(version=version, seq=seq, time=TIME + seq, key_page=seq + 1)


def _leaves(count: int, version: int = 2) -> list[bytes]:
    return [_entry(seq, version).leaf for seq in range(count)]


class _Proof(NamedTuple):
    """What a proof file is put together from, right or wrong."""

    magic: bytes = b"c2sp.org/tlog-proof@v1"
    signer_version: int = 1
    owner: Ed25519PrivateKey = OWNER
    device: Ed25519PrivateKey = DEVICE
    most: int = NO_LIMIT
    signature: bytes | None = None
    rest: bytes = _entry(_INDEX).head
    lines: Sequence[bytes] = ()
    notes: Sequence[bytes] = ()

    @property
    def extra(self) -> bytes:
        device = public(self.device)
        signature = self.signature or certificate(device, self.most, self.owner)
        signer = bytes([self.signer_version]) + public(self.owner) + device
        return signer + self.most.to_bytes(8, "big") + signature + self.rest

    @property
    def data(self) -> bytes:
        head = [self.magic, b"extra " + base64.b64encode(self.extra), *self.lines]
        return b"\n".join(head) + b"\n\n" + b"\n".join(self.notes)


def _note(size: int = _SIZE, version: int = 2, device: Ed25519PrivateKey = DEVICE) -> bytes:
    return note_of(_leaves(size, version), TIME + size - 1, device)


def _hashes(hashes: Sequence[bytes]) -> list[bytes]:
    return [base64.b64encode(hash_) for hash_ in hashes]


_PATH = _hashes(inclusion(_INDEX, _leaves(_SIZE)))
_INCLUDED = _Proof(lines=[b"index %d" % _INDEX, *_PATH], notes=[_note()])
_REVEALED = _INCLUDED._replace(rest=_entry(_INDEX).head + _KEY + _entry(_INDEX).ciphertext)
_GREW = _hashes(consistency(3, _leaves(_SIZE)))
_CONSISTENT = _Proof(
    magic=b"twinvault/tlog-consistency@v1", rest=b"", lines=_GREW, notes=[_note(3), _note()]
)


def cases() -> Iterator[Case]:
    """All cases of this part."""
    yield from _good()
    for name, comment, data, *expect in (*_inclusion(), *_reveal(), *_consistency(), *_form()):
        yield _case(name, comment, data, *(expect or [MALFORMED]))


def _case(name: str, comment: str, data: bytes, expect: str, **more: Value) -> Case:
    fields: dict[str, Value] = {"owner": public(OWNER), **more}
    return Case(family="proof", name=name, comment=comment, expect=expect, fields=fields, body=data)


def _good() -> Iterator[Case]:
    stated: dict[str, Value] = {"seq": _INDEX, "topic": "owner.named/1", "size": _SIZE}
    plain: dict[str, Value] = {"plain": _entry(_INDEX).body, "committed": 1}
    yield _case("included", "an entry, without its words", _INCLUDED.data, SUCCESS, **stated)
    yield _case("revealed", "an entry with its words", _REVEALED.data, SUCCESS, **stated, **plain)
    first = _hashes(inclusion(_INDEX, _leaves(_SIZE, 1)))
    old = _entry(_INDEX, 1)
    parts = _INCLUDED._replace(
        rest=old.head + _KEY + old.ciphertext,
        lines=[b"index %d" % _INDEX, *first],
        notes=[_note(version=1)],
    )
    plain["committed"] = 0
    comment = "an entry of version 1, whose words are not tied to one key"
    yield _case("revealed-1", comment, parts.data, SUCCESS, **stated, **plain)
    alone = _Proof(rest=_entry(0).head, lines=[b"index 0"], notes=[_note(1)])
    sizes: dict[str, Value] = {"seq": 0, "topic": "owner.named/1", "size": 1}
    yield _case("only-entry", "the only entry of its log", alone.data, SUCCESS, **sizes)
    revoked = _INCLUDED._replace(most=_INDEX + 1)
    yield _case(
        "revoked-later", "the device was revoked behind it", revoked.data, SUCCESS, **stated
    )
    grew: dict[str, Value] = {"old-size": 3, "new-size": _SIZE}
    yield _case("consistent", "three entries, then five", _CONSISTENT.data, SUCCESS, **grew)
    same = _CONSISTENT._replace(lines=[], notes=[_note(), _note()])
    equal: dict[str, Value] = {"old-size": _SIZE, "new-size": _SIZE}
    yield _case("consistent-same", "a checkpoint and itself", same.data, SUCCESS, **equal)


Wrong = tuple[str, str, bytes] | tuple[str, str, bytes, str]


def _inclusion() -> Iterator[Wrong]:
    good = _INCLUDED
    index = b"index %d" % _INDEX
    yield "other-owner", "another owner's", good._replace(owner=OTHER).data, FOREIGN
    stolen = certificate(public(DEVICE), key=OTHER)
    yield (
        "certificate-of-another",
        "a device that another owner certified",
        good._replace(signature=stolen).data,
        BAD_SIGNATURE,
    )
    revived = certificate(public(DEVICE), 1)
    yield (
        "certificate-revived",
        "a revocation taken out",
        good._replace(signature=revived).data,
        BAD_SIGNATURE,
    )
    yield "revoked", "the device was revoked before the entry", good._replace(most=_INDEX).data
    yield (
        "signer-newer",
        "a later version of who signed",
        good._replace(signer_version=2).data,
        FOREIGN,
    )
    yield (
        "other-device",
        "a device that is certified and did not sign",
        good._replace(device=OTHER).data,
        BAD_SIGNATURE,
    )
    yield (
        "note-of-another",
        "another device's checkpoint",
        good._replace(notes=[_note(device=OTHER)]).data,
        BAD_SIGNATURE,
    )
    other = _entry(_INDEX)._replace(feed=bytes(8)).head
    yield "feed-of-another", "a leaf of another feed", good._replace(rest=other).data
    yield "other-leaf", "another entry's leaf", good._replace(rest=_entry(3).head).data
    changed = flipped(good.rest, 8 * 60)
    yield "leaf-flipped", "one bit of the leaf", good._replace(rest=changed).data, WRONG_ROOT
    yield "leaf-cut", "a leaf that lacks a byte", good._replace(rest=good.rest[:-1]).data
    yield (
        "leaf-newer",
        "an entry of a later version",
        good._replace(rest=b"\3" + good.rest[1:]).data,
        FOREIGN,
    )
    yield "no-leaf", "no leaf", good._replace(rest=b"").data
    yield "index-other", "another index", good._replace(lines=[b"index 3", *_PATH]).data
    yield (
        "index-zero",
        "an index with a zero in front",
        good._replace(lines=[b"index 02", *_PATH]).data,
    )
    yield "index-missing", "no index", good._replace(lines=_PATH).data
    yield "index-twice", "the index twice", good._replace(lines=[index, index, *_PATH]).data
    yield "index-last", "the index behind the hashes", good._replace(lines=[*_PATH, index]).data
    yield (
        "path-short",
        "one hash is missing",
        good._replace(lines=[index, *_PATH[:-1]]).data,
        WRONG_ROOT,
    )
    yield (
        "path-long",
        "one hash too many",
        good._replace(lines=[index, *_PATH, _PATH[0]]).data,
        WRONG_ROOT,
    )
    yield (
        "path-reversed",
        "the hashes from the root down",
        good._replace(lines=[index, *_PATH[::-1]]).data,
        WRONG_ROOT,
    )
    yield (
        "path-loose",
        "an unused bit of base64",
        good._replace(lines=[index, _PATH[0][:-2] + b"/=", *_PATH[1:]]).data,
    )
    yield (
        "path-unpadded",
        "a hash without its padding",
        good._replace(lines=[index, _PATH[0][:-1], *_PATH[1:]]).data,
    )
    yield (
        "path-31",
        "a hash of 31 bytes",
        good._replace(lines=[index, *_hashes([bytes(31)]), *_PATH[1:]]).data,
    )
    endless = good._replace(lines=[index, *_PATH * 400]).data
    yield "path-endless", "a thousand hashes", endless, WRONG_ROOT
    late = _entry(_INDEX)._replace(time=TIME + 100)
    leaves = [late.leaf if seq == _INDEX else leaf for seq, leaf in enumerate(_leaves(_SIZE))]
    lines = [index, *_hashes(inclusion(_INDEX, leaves))]
    later = good._replace(rest=late.head, lines=lines, notes=[note_of(leaves, TIME + 50)])
    yield "later-than-note", "an entry that is later than its checkpoint", later.data


def _reveal() -> Iterator[Wrong]:
    entry = _entry(_INDEX)
    head, sealed = entry.head, entry.ciphertext

    def but(rest: bytes) -> bytes:
        return _REVEALED._replace(rest=head + rest).data

    yield "key-alone", "a key and nothing that it opens", but(_KEY)
    yield "key-other", "a key that opens something else", but(seed("other") + sealed)
    yield "body-flipped", "one bit of the ciphertext", but(_KEY + flipped(sealed, 9))
    yield "body-cut", "a ciphertext that lacks a byte", but(_KEY + sealed[:-1])
    yield "body-other", "another entry's ciphertext", but(_KEY + _entry(3).ciphertext)
    resealed = entry._replace(body=b"\x81\xa5names\x91\xa3Bex").ciphertext
    yield "body-resealed", "other words sealed under the same key", but(_KEY + resealed)
    yield "body-longer", "a byte more", but(_KEY + sealed + b"\0")
    bare = entry._replace(zeros=b"")
    leaves = [bare.leaf if seq == _INDEX else leaf for seq, leaf in enumerate(_leaves(_SIZE))]
    uncommitted = _REVEALED._replace(
        rest=bare.head + _KEY + bare.ciphertext,
        lines=[b"index %d" % _INDEX, *_hashes(inclusion(_INDEX, leaves))],
        notes=[note_of(leaves, TIME + _SIZE - 1)],
    )
    yield "uncommitted", "words without the zeros before them", uncommitted.data


def _consistency() -> Iterator[Wrong]:
    good = _CONSISTENT
    yield "grew-short", "one hash is missing", good._replace(lines=_GREW[:-1]).data, WRONG_ROOT
    yield "grew-long", "one hash too many", good._replace(lines=[*_GREW, _GREW[0]]).data, WRONG_ROOT
    yield (
        "grew-backwards",
        "the newer first",
        good._replace(notes=good.notes[::-1]).data,
        WRONG_ROOT,
    )
    forked = [*_leaves(2), seed("another leaf")]
    notes = [note_of(forked, TIME + 2), _note()]
    yield "grew-forked", "another beginning", good._replace(notes=notes).data, WRONG_ROOT
    empty = [note_of([], 0), _note()]
    yield (
        "grew-from-nothing",
        "an empty log is the beginning of all",
        good._replace(lines=[], notes=empty).data,
        WRONG_ROOT,
    )
    late = [note_of(_leaves(3), TIME + 99), _note()]
    yield "grew-in-the-past", "the older has the later time", good._replace(notes=late).data
    again = [_note(), note_of(_leaves(_SIZE), TIME + 99)]
    yield "same-at-two-times", "one tree at two times", good._replace(lines=[], notes=again).data
    theirs = [_note(3, device=OTHER), _note()]
    yield (
        "grew-of-another",
        "the older is another device's",
        good._replace(notes=theirs).data,
        BAD_SIGNATURE,
    )
    yield "grew-with-leaf", "a leaf where there is none", good._replace(rest=_entry(0).head).data
    yield "grew-with-one-note", "one note", good._replace(notes=good.notes[:1]).data
    yield (
        "grew-newer",
        "a later form",
        good._replace(magic=b"twinvault/tlog-consistency@v2").data,
        FOREIGN,
    )


def _form() -> Iterator[Wrong]:
    """What happens to files on their way."""
    good, data = _INCLUDED, _INCLUDED.data
    yield "empty", "nothing", b""
    yield "not-a-proof", "something else", b"Dear Sir or Madam,\n\nno.\n", FOREIGN
    yield "newer", "a later form", good._replace(magic=b"c2sp.org/tlog-proof@v2").data, FOREIGN
    yield (
        "other-kind",
        "another project's file",
        good._replace(magic=b"c2sp.org/other@v1").data,
        FOREIGN,
    )
    yield "crlf", "line ends of another system", data.replace(b"\n", b"\r\n")
    yield "crlf-once", "one line end of another system", data.replace(b"\nindex", b"\r\nindex")
    yield "cut-in-magic", "the first half of the first line", data[:10]
    yield "cut-in-extra", "the file ends within who signed", data[:200]
    yield "cut-before-note", "the file ends before the note", data[: data.index(b"\n\n") + 2]
    yield "cut-in-note", "the file ends within the note", data[: data.rindex(b"\n\n")]
    yield "cut-last", "the last line break is missing", data[:-1]
    yield "line-behind", "a line break more", data + b"\n"
    yield "twice", "the same proof again behind it", data + b"\n" + data
    yield "byte-order-mark", "a byte order mark before all", b"\xef\xbb\xbf" + data, FOREIGN
    yield "line-in-front", "a line break before all", b"\n" + data, FOREIGN
    yield "extra-padded", "padding where none belongs", data.replace(b"\nindex", b"=\nindex")
    yield (
        "extra-missing",
        "nobody signed",
        b"\n".join(line for line in data.split(b"\n") if not line.startswith(b"extra")),
    )
    yield (
        "extra-short",
        "half of who signed",
        data.replace(base64.b64encode(good.extra), base64.b64encode(good.extra[:100])),
    )
