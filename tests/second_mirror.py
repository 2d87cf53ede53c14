"""A second implementation of `specs/mirror.md`, section 2: segments, and what their names say."""

import hmac
import re
from typing import NamedTuple

import msgspec

from tests.second_reader import Refused, entry, require, unwrap


class Segment(NamedTuple):
    """Records, key pages, numbers of the entries whose bodies stayed at home."""

    feed: bytes
    first: int
    size: int
    generation: int
    records: list[bytes]
    keys: list[tuple[int, bytes, bytes]]
    withheld: list[int]


def segment(content: bytes, mirrors: list[bytes]) -> Segment:
    """A segment, opened."""
    number = rb"([1-9][0-9]{0,18})"
    head = rb"twinvault/segment/1\n([0-9a-f]{16}) (0|[1-9][0-9]{0,18}) "
    form = re.match(head + number + b" " + number + rb"\n", content)
    if form is None:
        raise Refused("malformed")
    feed, first, size, generation = bytes.fromhex(form[1].decode()), *map(int, form.groups()[1:])
    require(generation <= len(mirrors), "foreign")
    plain = unwrap(mirrors[generation - 1], content[form.end() :], form[0], "malformed")
    try:
        kinds = tuple[list[bytes], list[tuple[int, bytes, bytes]], list[int]]
        found = msgspec.msgpack.decode(plain, type=kinds)
    except msgspec.MsgspecError:
        raise Refused("malformed") from None
    return Segment(feed, first, size, generation, *found)


def named(found: Segment, mirrors: list[bytes]) -> str:
    """The beginning of the name of a segment's file."""
    entries = [entry(data) for data in found.records if not data.startswith(b"twinvault/")]
    gone = [one.seq for one in entries if not one.ciphertext]
    require(set(found.withheld) <= set(gone), "malformed")
    require(sorted(set(found.withheld)) == list(found.withheld), "malformed")
    erased = [seq for seq in gone if seq not in found.withheld]
    absent = [found.feed, found.first, found.size, found.withheld, erased]
    text = b"twinvault/absent\n" + msgspec.msgpack.encode(absent)
    digest = hmac.digest(mirrors[found.generation - 1], text, "sha256")[:16].hex()
    counts = f"{len(entries) - len(gone)}-{len(found.withheld)}-{found.generation}"
    return f"segment-{found.feed.hex()}-{found.first}-{found.size}-{counts}-{digest}"
