"""The content root: one digest for a set of rows, in whatever order they come.

The manifest of a model states it of the rows that the model learned, so it tells whether a
dataset holds the same; held rows are learned by none and change only the root of everything.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256

from projections.rows import Row, digest

__all__ = ["Root", "rows_root"]

_LENGTH = 32


class Root:
    """The RFC 9162 root over the sorted digests of rows; it keeps 32 bytes of each."""

    __slots__ = ("_digests",)

    def __init__(self) -> None:
        self._digests = bytearray()

    def add(self, row: Row) -> None:
        """Take one row."""
        self._digests += bytes.fromhex(digest(row.events, row.messages, row.split))

    def hex(self) -> str:
        """Return the root over the rows taken so far."""
        return _root(self._sorted()).hex()

    def _sorted(self) -> Iterator[bytes]:
        import numpy as np  # noqa: PLC0415 - heavy; it sorts a million digests where they lie

        np.frombuffer(self._digests, dtype=f"S{_LENGTH}").sort()
        for start in range(0, len(self._digests), _LENGTH):
            yield bytes(self._digests[start : start + _LENGTH])


def rows_root(rows: Iterable[Row]) -> str:
    """Return the root over some rows, hex."""
    root = Root()
    for row in rows:
        root.add(row)
    return root.hex()


def _root(digests: Iterable[bytes]) -> bytes:
    """Return the Merkle tree head of entries (RFC 9162, section 2.1.1), keeping its edge alone."""
    edge: list[tuple[int, bytes]] = []
    for entry in digests:
        level, node = 0, sha256(b"\0" + entry).digest()
        while edge and edge[-1][0] == level:
            node = sha256(b"\1" + edge.pop()[1] + node).digest()
            level += 1
        edge.append((level, node))
    if not edge:
        return sha256().digest()
    _, root = edge.pop()
    while edge:
        root = sha256(b"\1" + edge.pop()[1] + root).digest()
    return root
