"""A part of the rows that stands for all of them, or holds as many of every sort.

How many rows each stratum gives follows from how many it has; which ones, from a keyed digest
of their ids, the smallest first. A row that goes is therefore replaced by one other and moves
at most one more (consistent sampling by smallest hash: Broder 1997).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from hashlib import blake2b
from heapq import heapify, heapreplace, nsmallest
from math import ceil

__all__ = ["Stratified", "quarter", "sample"]

Stratum = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratified:
    """What decides whether a row is taken: its id, and what it can be sorted by."""

    id: str
    source: str
    type: str
    style: str
    kind: str
    at: datetime | None

    @property
    def time(self) -> str:
        """The quarter of the year in which it was written."""
        return quarter(self.at)


def quarter(at: datetime | None) -> str:
    """Return the quarter of a time, such as `2021-Q3`, or nothing where it is unknown."""
    return f"{at.year:04}-Q{ceil(at.month / 3)}" if at else ""


def sample(
    rows: Sequence[Stratified], size: int, *, by: Sequence[str], balanced: bool, seed: bytes
) -> frozenset[str]:
    """Return the ids of the rows to take, the same for the same rows in any order.

    Args:
        rows: All rows, each once.
        size: How many to take.
        by: Names of what rows are sorted by: `source`, `type`, `style`, `kind`, `time`.
        balanced: Take as many from every stratum, and all where there are fewer. Otherwise
            strata are as large as they are among all rows, but none is left out while there
            are fewer of them than rows to take.
        seed: The key of the digests, 64 bytes at most.
    """
    if size >= len(rows):
        return frozenset(row.id for row in rows)
    strata: defaultdict[Stratum, list[str]] = defaultdict(list)
    for row in rows:
        strata[tuple([getattr(row, name) for name in by])].append(row.id)
    counts = {stratum: len(ids) for stratum, ids in strata.items()}
    seats = (_even if balanced else _proportional)(counts, max(0, size))

    def chance(id_: str) -> tuple[bytes, str]:
        return blake2b(id_.encode(), digest_size=8, key=seed).digest(), id_

    return frozenset(
        id_ for stratum, many in seats.items() for id_ in nsmallest(many, strata[stratum], chance)
    )


def _even(counts: Mapping[Stratum, int], size: int) -> dict[Stratum, int]:
    """Fill all strata to the same level; what remains goes to the largest that have more."""
    order = _largest_first(counts)
    level = 0
    left, open_ = size, len(order)
    # From the smallest on: one that the level drowns gives all it has.
    for stratum in reversed(order):
        level = left // open_
        if counts[stratum] > level:
            break
        left -= counts[stratum]
        open_ -= 1
    extra = left - level * open_ if open_ else 0
    return {stratum: min(counts[stratum], level + (at < extra)) for at, stratum in enumerate(order)}


def _proportional(counts: Mapping[Stratum, int], size: int) -> dict[Stratum, int]:
    """Share out seats by the divisor method of Webster, the first of each stratum free.

    Unlike largest remainders it is monotone (Balinski and Young 1982): with one row less,
    only that row's stratum can lose a seat.
    """
    order = _largest_first(counts)
    if size <= len(order):
        return dict.fromkeys(order[:size], 1)
    total = sum(counts.values())
    seats = {one: max(1, (2 * size * counts[one] + total) // (2 * total)) for one in order}
    missing = size - sum(seats.values())
    step = 1 if missing > 0 else -1
    # Of equals, those that stand first are the first to get a seat and the last to lose one.
    heap = [_bid(counts[one], seats[one], step, at) for at, one in enumerate(order)]
    heapify(heap)
    for _ in range(abs(missing)):
        at = heap[0][2] * step
        one = order[at]
        seats[one] += step
        heapreplace(heap, _bid(counts[one], seats[one], step, at))
    return seats


def _bid(count: int, seats: int, step: int, at: int) -> tuple[bool, Fraction, int]:
    """Return how soon a stratum gets its next seat, or loses its last, the smallest first."""
    only = step < 0 and seats == 1  # is never lost
    return only, -step * Fraction(count, 2 * seats + step), step * at


def _largest_first(counts: Mapping[Stratum, int]) -> list[Stratum]:
    return sorted(counts, key=lambda stratum: (-counts[stratum], stratum))
