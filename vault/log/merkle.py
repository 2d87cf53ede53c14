"""The RFC 9162 Merkle tree: an edge that grows by appending, and both kinds of proof.

Only the right edge is needed to append (one hash for every bit of the size), so an entry
costs two hashes and a checkpoint carries all that the next append needs. Proofs look back:
they read leaves and the roots of complete subtrees by tiles of 256, two a level at most.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple, Protocol, Self

from vault.errors import TamperError

__all__ = [
    "TILE_LEVELS",
    "Frontier",
    "ListTree",
    "Nodes",
    "Tree",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "root_between",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]


TILE_LEVELS: Final = (8, 16)
"""Levels whose complete subtrees have their roots stored; leaves are level 0."""

_TILE: Final = 256


class Nodes(NamedTuple):
    """Roots of consecutive complete subtrees of 2**level leaves, `first` numbering the first."""

    level: int
    first: int
    hashes: list[bytes]


class Tree(Protocol):
    """A stored tree, as proofs read it."""

    @property
    def size(self) -> int:
        """How many leaves there are."""

    def leaves(self, first: int, last: int) -> list[bytes]:
        """Return the leaf hashes from a number up to, not with, another."""

    def nodes(self, level: int, first: int, last: int) -> list[bytes]:
        """Return the roots of complete subtrees of 2**level leaves, likewise."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one leaf (RFC 9162, section 2.1.1)."""
    return sha256(b"\0" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def _folded(edge: Sequence[bytes]) -> bytes:
    """Return the root over the roots of perfect subtrees, the largest first."""
    *rest, root = edge
    for hash_ in reversed(rest):
        root = _node(hash_, root)
    return root


class Frontier:
    """The right edge of a tree: the hashes of its perfect subtrees, the largest first."""

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if len(self.hashes) != size.bit_count():
            raise ValueError("A tree has one edge hash for every bit of its size.")

    def copy(self) -> Self:
        """Return an edge that grows on its own."""
        return type(self)(self.size, self.hashes)

    def extend(self, leaves: Iterable[bytes]) -> list[Nodes]:
        """Append leaf hashes; return the roots at `TILE_LEVELS` that this completed."""
        nodes = list(leaves)
        level, bits, hash_ = 0, self.size, sha256
        self.size += len(nodes)
        edge: list[bytes] = []
        completed: list[Nodes] = []
        # Level by level, which costs a third less than leaf by leaf: an edge hash of this
        # level pairs with the first new node, and an odd one at the end becomes edge itself.
        while nodes:
            if level in TILE_LEVELS:
                completed.append(Nodes(level, bits, nodes.copy()))
            if bits & 1:
                nodes.insert(0, self.hashes.pop())
            if len(nodes) & 1:
                edge.append(nodes.pop())
            pairs = zip(nodes[::2], nodes[1::2], strict=True)
            nodes = [hash_(b"\1" + left + right).digest() for left, right in pairs]
            bits >>= 1
            level += 1
        self.hashes += reversed(edge)
        return completed

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        if not self.hashes:
            return sha256(b"").digest()
        return _folded(self.hashes)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


class ListTree:
    """A tree that is small enough to be a list of leaf hashes."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self._hashes = list(hashes)

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._hashes)

    def leaves(self, first: int, last: int) -> list[bytes]:
        """Return the leaf hashes from a number up to, not with, another."""
        return self._hashes[first:last]

    def nodes(self, level: int, first: int, last: int) -> list[bytes]:
        """Return the roots of complete subtrees of 2**level leaves, likewise."""
        return [
            root_of(self._hashes[n << level : (n + 1) << level])
            for n in range(first, min(last, self.size >> level))
        ]


class _Tiles:
    """A tree read by whole tiles, each once: neighbouring hashes of a proof share them."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._read: dict[tuple[int, int], list[bytes]] = {}

    def _tile(self, level: int, number: int) -> list[bytes]:
        tile = self._read.get((level, number))
        if tile is None:
            first = number * _TILE
            last = min(first + _TILE, self._tree.size >> level)
            tree = self._tree
            tile = tree.nodes(level, first, last) if level else tree.leaves(first, last)
            if len(tile) != last - first:
                raise TamperError("A stored part of the tree has gaps; `twin verify` says where.")
            self._read[level, number] = tile
        return tile

    def _hashes(self, level: int, first: int, last: int) -> list[bytes]:
        found: list[bytes] = []
        for number in range(first // _TILE, (last - 1) // _TILE + 1):
            start = number * _TILE
            found += self._tile(level, number)[max(first - start, 0) : last - start]
        return found

    def root(self, first: int, last: int) -> bytes:
        """Return the root over leaves; `first` is a multiple of the power of two that spans them."""
        edge = []
        for bit in range((last - first).bit_length() - 1, -1, -1):
            if (last - first) >> bit & 1:
                level = max(stored for stored in (0, *TILE_LEVELS) if stored <= bit)
                width = 1 << bit - level
                at = first >> level
                edge.append(root_of(self._hashes(level, at, at + width)))
                first += 1 << bit
        return _folded(edge)


def _split(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1


def root_between(tree: Tree, first: int, last: int) -> bytes:
    """Return the root over the leaves from a number up to, not with, another.

    Args:
        tree: The tree.
        first: A multiple of the smallest power of two that is at least `last - first`.
        last: Where it ends.

    Raises:
        IndexError: There are not so many leaves, or none between the two.
        TamperError: The stored tree has gaps.
    """
    if not 0 <= first < last <= tree.size:
        raise IndexError(last)
    return _Tiles(tree).root(first, last)


def inclusion_proof(tree: Tree, index: int, size: int | None = None) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root (section 2.1.3.1).

    Args:
        tree: The tree.
        index: The leaf's number.
        size: The tree as it was at this size; as it is, if left out.

    Raises:
        IndexError: There is no such leaf, or the tree was never that large.
        TamperError: The stored tree has gaps.
    """
    end = tree.size if size is None else size
    if not 0 <= index < end <= tree.size:
        raise IndexError(index)
    tiles, first, proof = _Tiles(tree), 0, list[bytes]()
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            proof.append(tiles.root(middle, end))
            end = middle
        else:
            proof.append(tiles.root(first, middle))
            first = middle
    return proof[::-1]


def consistency_proof(tree: Tree, old: int, new: int | None = None) -> list[bytes]:
    """Return the hashes that show one size of a tree to be a prefix of another (2.1.4.1).

    Args:
        tree: The tree.
        old: The size of the older one.
        new: The size of the newer one; the tree as it is, if left out.

    Raises:
        IndexError: The older one is empty or larger, or the tree was never that large.
        TamperError: The stored tree has gaps.
    """
    end = tree.size if new is None else new
    if not 0 < old <= end <= tree.size:
        raise IndexError(old)
    tiles, first, proof = _Tiles(tree), 0, list[bytes]()
    while end > old:
        middle = first + _split(end - first)
        if old <= middle:
            proof.append(tiles.root(middle, end))
            end = middle
        else:
            proof.append(tiles.root(first, middle))
            first = middle
    if first:
        # What is left is no prefix of the whole tree, so its root is not known by itself.
        proof.append(tiles.root(first, end))
    return proof[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Tell whether a proof places a leaf hash at an index of a tree (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, node = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = _node(step, node)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            node = _node(node, step)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(
    size: int, new_size: int, root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether a proof shows one tree to be a prefix of another (section 2.1.4.2)."""
    if size == new_size:
        return not proof and root == new_root
    if not 0 < size < new_size:
        return False
    path = [root, *proof] if size & (size - 1) == 0 else list(proof)
    if not path:
        return False
    position, last = size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = _node(step, old), _node(step, new)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = _node(new, step)
        position, last = position >> 1, last >> 1
    return last == 0 and old == root and new == new_root
