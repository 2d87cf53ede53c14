"""The RFC 9162 Merkle tree: an edge that grows by appending, and both kinds of proof.

Only the right edge is kept (one hash for every bit of the size), so appending costs two
hashes an entry and a checkpoint carries all that the next append needs.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Self

__all__ = [
    "Frontier",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one leaf (RFC 9162, section 2.1.1)."""
    return sha256(b"\0" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


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

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaf hashes."""
        nodes = list(leaves)
        bits, hash_ = self.size, sha256
        self.size += len(nodes)
        edge: list[bytes] = []
        # Level by level, which costs a third less than leaf by leaf: an edge hash of this
        # level pairs with the first new node, and an odd one at the end becomes edge itself.
        while nodes:
            if bits & 1:
                nodes.insert(0, self.hashes.pop())
            if len(nodes) & 1:
                edge.append(nodes.pop())
            pairs = zip(nodes[::2], nodes[1::2], strict=True)
            nodes = [hash_(b"\1" + left + right).digest() for left, right in pairs]
            bits >>= 1
        self.hashes += reversed(edge)

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        if not self.hashes:
            return sha256(b"").digest()
        *rest, root = self.hashes
        for hash_ in reversed(rest):
            root = _node(hash_, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def _split(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root (section 2.1.3.1).

    Raises:
        IndexError: There is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_proof(index, leaves[:k]), root_of(leaves[k:])]
    return [*inclusion_proof(index - k, leaves[k:]), root_of(leaves[:k])]


def consistency_proof(size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the hashes that show the first `size` leaves to be a prefix (section 2.1.4.1).

    Raises:
        IndexError: The older tree is empty or larger than the newer one.
    """
    if not 0 < size <= len(leaves):
        raise IndexError(size)
    return _subproof(size, leaves, whole=True)


def _subproof(size: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if size == len(leaves):
        return [] if whole else [root_of(leaves)]
    k = _split(len(leaves))
    if size <= k:
        return [*_subproof(size, leaves[:k], whole=whole), root_of(leaves[k:])]
    return [*_subproof(size - k, leaves[k:], whole=False), root_of(leaves[:k])]


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
