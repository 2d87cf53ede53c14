"""A segment: consecutive pages of one feed with their data keys, sealed as one file.

Segments are how a log travels: to a backup, to another device of its owner, to her pod.
Only an owner's key of the generation that sealed one, or a later one, opens it. A body that
must not be where a segment goes stays at home, with its key: its entry travels without.
"""

import hmac
import os
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import ForeignVault, TamperError
from vault.log.cycles import unsearched
from vault.log.envelope import FIXED, HASH_SIZE
from vault.log.keys import SharedPage

__all__ = [
    "NOTE",
    "Segment",
    "absence",
    "generation_of",
    "numbers_without_body",
    "open_segment",
    "seal_segment",
]

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
    entries by number; what was erased is erased here too. `withheld` are the numbers, in
    order, of the entries whose bodies stayed at home.
    """

    feed: bytes
    first: int
    size: int
    records: Sequence[bytes]
    keys: Mapping[int, SharedPage]
    withheld: tuple[int, ...] = ()

    def counted(self) -> tuple[int, tuple[int, ...]]:
        """Return how many bodies are in it, and the numbers of the entries that were erased.

        Raises:
            TamperError: What is said to be withheld is there, or a record is none.
        """
        entries = [data for data in self.records if not data.startswith(NOTE)]
        gone, withheld = numbers_without_body(entries, self.first), set(self.withheld)
        if [seq for seq in gone if seq in withheld] != list(self.withheld):
            raise TamperError("A segment does not hold what it says.")
        return len(entries) - len(gone), tuple(seq for seq in gone if seq not in withheld)


def numbers_without_body(entries: Sequence[bytes], first: int) -> list[int]:
    """Return the numbers of entries without body, given the number of the first.

    Raises:
        TamperError: A record is none.
    """
    fixed = FIXED.size + HASH_SIZE
    try:
        return [seq for seq, data in enumerate(entries, first) if len(data) <= fixed + data[1]]
    except IndexError:
        raise TamperError("A segment holds a record that is none.") from None


_pack = msgspec.msgpack.Encoder().encode


def absence(mirror: bytes, absent: tuple[bytes, int, int, Sequence[int], Sequence[int]]) -> str:
    """Return what tells in a segment's name which bodies are not in it.

    Without the key nobody can tell whether a guess is right.

    Args:
        mirror: The key of mirrors of the generation that seals it.
        absent: Feed, first, size, and the numbers of withheld and of erased entries, in order.
    """
    return hmac.digest(mirror, b"twinvault/absent\n" + _pack(absent), "sha256")[:16].hex()


class _Content(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    records: list[bytes]
    keys: list[tuple[int, bytes, bytes]]
    withheld: tuple[int, ...]


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
    content = _pack(_Content(list(segment.records), keys, segment.withheld))
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
    nonce, sealed = content[at : at + _NONCE], memoryview(content)[at + _NONCE :]
    try:
        plain = AESGCM(mirrors[generation - 1]).decrypt(nonce, sealed, content[:at])
        with unsearched():
            found = _decode(plain)
    except (InvalidTag, ValueError, msgspec.MsgspecError):
        raise TamperError(f"{name} is damaged, or belongs to another vault.") from None
    return Segment(
        bytes.fromhex(form["feed"].decode()),
        int(form["first"]),
        int(form["size"]),
        found.records,
        {id_: SharedPage(scope, keys) for id_, scope, keys in found.keys},
        found.withheld,
    )


def generation_of(content: bytes) -> int:
    """Return of which generation the key is that sealed a segment's file, which was opened."""
    form = _FORM.match(content)
    assert form is not None, "what was opened has the form"
    return int(form["generation"])
