"""What items are about, in 256 bits a passage: near by meaning is near by bits.

The bits are the sides of 256 fixed planes on which a vector lies (SimHash, Charikar 2002), the
same number for vectors of any length. They name candidates, and exact vectors decide. All sums
are whole numbers below 2^53, so that every machine draws the same bits. In memory a passage
takes 44 bytes: its row, its kind, its bits.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import shake_256

import numpy as np
from numpy.typing import NDArray

from projections.embed import Vector

__all__ = ["PASSAGE", "Codes", "Passages", "coded", "without"]

PASSAGE = np.dtype([("row", "<i8"), ("kind", "<i4"), ("bits", "<u8", (4,))])
"""One passage as it is stored: the number of its item's row, what kind of item, its bits."""

Passages = NDArray[np.void]
_BITS = 256
_SLICE = 1 << 16


@cache
def _planes(size: int) -> NDArray[np.float64]:
    """Return the planes for vectors of one length, each a side to every axis."""
    drawn = shake_256(b"twinvault/1/search/planes").digest(size * _BITS // 8)
    sides = np.unpackbits(np.frombuffer(drawn, np.uint8)).reshape(size, _BITS)
    return sides.astype(np.float64) * 2 - 1


def coded(vectors: Sequence[Vector]) -> NDArray[np.uint64]:
    """Return the bits of vectors of one length, four numbers each."""
    if not vectors:
        return np.empty((0, 4), np.uint64)
    told = np.array([list(vector) for vector in vectors], np.float64)
    return np.packbits(told @ _planes(told.shape[1]) > 0, axis=1).view("<u8").astype(np.uint64)


def without(stored: bytes, rows: Iterable[int]) -> bytes:
    """Return stored passages without those of some rows."""
    found = np.frombuffer(stored, PASSAGE)
    return found[~np.isin(found["row"], np.fromiter(rows, np.int64))].tobytes()


class Codes:
    """Every passage that may be searched, in memory."""

    def __init__(self, stored: Sequence[bytes]) -> None:
        count = sum(map(len, stored)) // PASSAGE.itemsize
        self._rows = np.empty(count, np.int64)
        self._kinds = np.empty(count, np.int32)
        self._bits = np.empty((4, count), np.uint64)
        at = 0
        for one in stored:
            found = np.frombuffer(one, PASSAGE)
            self._rows[at : at + len(found)] = found["row"]
            self._kinds[at : at + len(found)] = found["kind"]
            self._bits[:, at : at + len(found)] = found["bits"].T
            at += len(found)

    def nearest(
        self,
        vector: Vector,
        count: int,
        *,
        between: tuple[int, int],
        kinds: Sequence[int] | None = None,
        among: Sequence[int] | None = None,
    ) -> list[int]:
        """Return the rows whose passages are nearest to a vector, among those that match.

        Args:
            vector: What is looked for.
            count: How many passages to take; one row may have several.
            between: The first and the last row that count.
            kinds: The kinds that count; all of them by default.
            among: The rows that count; all of them by default.
        """
        far = self._distances(coded([vector])[0])
        counts = (self._rows >= between[0]) & (self._rows <= between[1])
        if kinds is not None:
            counts &= np.isin(self._kinds, np.array(kinds, np.int32))
        if among is not None:
            counts &= np.isin(self._rows, np.array(among, np.int64))
        left = np.flatnonzero(counts)
        if len(left) > count:
            # All that are as near as the last one stay, whatever their order in the store.
            border = np.partition(far[left], count - 1)[count - 1]
            left = left[far[left] <= border]
        found = np.lexsort((self._rows[left], far[left]))[:count]
        return list(dict.fromkeys(self._rows[left][found].tolist()))

    def _distances(self, bits: NDArray[np.uint64]) -> NDArray[np.uint16]:
        far = np.empty(len(self._rows), np.uint16)
        for start in range(0, len(far), _SLICE):
            part = slice(start, start + _SLICE)
            total = np.bitwise_count(self._bits[0, part] ^ bits[0]).astype(np.uint16)
            for word in range(1, 4):
                total += np.bitwise_count(self._bits[word, part] ^ bits[word])
            far[part] = total
        return far
