"""A segment: consecutive pages of one feed with their data keys, sealed as one file.

Segments are how a log travels: to a backup, to another device of its owner, to her pod.
Only an owner's key of the generation that sealed one, or a later one, opens it.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import ForeignVault, TamperError
from vault.log.envelope import parse
from vault.log.keys import SharedPage

__all__ = ["NOTE", "Segment", "open_segment", "seal_segment"]

_FORM: Final = re.compile(
    rb"twinvault/segment/1\n(?P<feed>[0-9a-f]{16}) (?P<first>0|[1-9][0-9]{0,18}) "
    rb"(?P<size>[1-9][0-9]{0,18}) (?P<generation>[1-9][0-9]{0,8})\n"
)
_FOREIGN: Final = re.compile(rb"twinvault/segment/([0-9]{1,9})\n")
_NONCE: Final = 12
NOTE: Final = b"twinvault/"
"""What a checkpoint begins with, and no entry does."""


class Segment(NamedTuple):
    """Pages of a feed, from one size of it to another.

    `records` are entries and checkpoints as they are stored, `keys` the key pages of its
    entries by number; what was erased is erased here too.
    """

    feed: bytes
    first: int
    size: int
    records: Sequence[bytes]
    keys: Mapping[int, SharedPage]

    @property
    def bodies(self) -> int:
        """How many of its entries were not erased."""
        entries = (data for data in self.records if not data.startswith(NOTE))
        return sum(bool(parse(0, data).body) for data in entries)


class _Content(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    records: list[bytes]
    keys: list[tuple[int, bytes, bytes]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Content).decode


def seal_segment(segment: Segment, mirrors: Sequence[bytes]) -> bytes:
    """Return the bytes of a segment's file.

    Args:
        segment: What to seal.
        mirrors: The keys of mirrors, one of each generation of the owner key.
    """
    head = b"twinvault/segment/1\n%b %d %d %d\n" % (
        segment.feed.hex().encode(),
        segment.first,
        segment.size,
        len(mirrors),
    )
    keys = [(id_, *page) for id_, page in sorted(segment.keys.items())]
    content = _encode(_Content(list(segment.records), keys))
    nonce = os.urandom(_NONCE)
    return head + nonce + AESGCM(mirrors[-1]).encrypt(nonce, content, head)


def open_segment(content: bytes, mirrors: Sequence[bytes], name: str) -> Segment:
    """Open a segment's file.

    Args:
        content: Its bytes.
        mirrors: The keys of mirrors.
        name: What to call the file in an error.

    Raises:
        ForeignVault: It is of a newer format, or sealed by a newer owner key.
        TamperError: It is damaged, or another vault's.
    """
    form = _FORM.match(content)
    if form is None:
        foreign = _FOREIGN.match(content)
        if foreign and foreign[1] != b"1":
            raise ForeignVault(
                f"{name} is of a newer format; use the version of Twinvault that wrote it."
            )
        raise TamperError(f"{name} is damaged or is no segment of a log.")
    generation = int(form["generation"])
    if generation > len(mirrors):
        raise ForeignVault(
            f"{name} was sealed after the vault's keys were rotated; "
            "take the newer keys over from the same folder first."
        )
    at = form.end()
    nonce, sealed = content[at : at + _NONCE], content[at + _NONCE :]
    try:
        plain = AESGCM(mirrors[generation - 1]).decrypt(nonce, sealed, content[:at])
        found = _decode(plain)
    except (InvalidTag, ValueError, msgspec.MsgspecError):
        raise TamperError(f"{name} is damaged, or belongs to another vault.") from None
    return Segment(
        bytes.fromhex(form["feed"].decode()),
        int(form["first"]),
        int(form["size"]),
        found.records,
        {id_: SharedPage(scope, keys) for id_, scope, keys in found.keys},
    )
