"""A model of names as it is kept: lists, steps between labels, and weights of features."""

import struct
import sys
import zlib
from array import array
from dataclasses import dataclass

from projections.redaction.naming.features import KINDS, Lexicon

__all__ = ["LABELS", "Weights"]

LABELS = 1 + 2 * len(KINDS)
"""0 is no name; 2k + 1 begins a name of kind k, 2k + 2 goes on with it."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A model as it is kept.

    Args:
        lexicon: Its lists.
        steps: From each label (rows) to each (columns), in a row of numbers.
        keys: Digests of features, ascending.
        values: For each feature one byte for each label, raised by 128.
    """

    lexicon: Lexicon
    steps: tuple[int, ...]
    keys: "array[int]"
    values: bytes

    def packed(self) -> bytes:
        """Return the bytes of the file."""
        lists = [array("I", sorted(known)) for known in self.lexicon]
        sizes = struct.pack(f"<{len(lists) + 1}I", *map(len, lists), len(self.keys))
        steps = struct.pack(f"<{LABELS * LABELS}h", *self.steps)
        numbers = b"".join(_little(numbers) for numbers in (*lists, self.keys))
        # One column after the other, so that what is alike stands together.
        columns = b"".join(self.values[label::LABELS] for label in range(LABELS))
        return _MAGIC + zlib.compress(sizes + steps + numbers + columns, 9)

    @classmethod
    def unpacked(cls, file: bytes) -> "Weights":
        """Read the bytes of a file."""
        assert file.startswith(_MAGIC), "no names model of this version"
        body = zlib.decompress(file[len(_MAGIC) :])
        head = f"<{_LISTS + 1}I{LABELS * LABELS}h"
        told = struct.unpack_from(head, body)
        at = struct.calcsize(head)
        numbers = []
        for size in told[: _LISTS + 1]:
            numbers.append(_numbers(body[at : at + 4 * size]))
            at += 4 * size
        keys = numbers.pop()
        values = bytearray(len(keys) * LABELS)
        for label in range(LABELS):
            values[label::LABELS] = body[at + label * len(keys) : at + (label + 1) * len(keys)]
        return cls(Lexicon(*map(frozenset, numbers)), told[_LISTS + 1 :], keys, bytes(values))


_LISTS = len(Lexicon._fields)
_MAGIC = b"twin names 1\n"


def _little(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _numbers(data: bytes) -> "array[int]":
    numbers = array("I", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
