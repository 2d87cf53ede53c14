"""One root for a set of names, and proofs that a name is, or is not, among them.

Names are hashed and sorted, so that absence can be shown too: by two neighbouring leaves with
nothing between them. The number of names stands beside the root, since it gives every leaf
its one place in the tree of RFC 9162.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from vault.errors import RootMismatch
from vault.log.merkle import ListTree, inclusion_proof, leaf_hash, root_of, verify_inclusion

__all__ = ["Leaf", "Members", "is_member"]

_CONTEXT = b"twinvault/item/1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A hashed name, its place among the sorted ones, and the hashes from there to the root."""

    index: int
    digest: bytes
    path: tuple[bytes, ...]


class Members:
    """A set of names, committed to."""

    def __init__(self, names: Iterable[str]) -> None:
        self._digests = sorted({_digest(name) for name in names})
        self._leaves = [leaf_hash(digest) for digest in self._digests]

    @property
    def size(self) -> int:
        """How many names there are."""
        return len(self._digests)

    @property
    def root(self) -> str:
        """The RFC 9162 root over the sorted hashes of the names, hex."""
        return root_of(self._leaves).hex()

    def about(self, name: str) -> tuple[Leaf, ...]:
        """Return what shows whether a name is there: its leaf, or those it would stand between."""
        digest = _digest(name)
        at = bisect_left(self._digests, digest)
        if at < self.size and self._digests[at] == digest:
            return (self._leaf(at),)
        return tuple(self._leaf(place) for place in (at - 1, at) if 0 <= place < self.size)

    def _leaf(self, at: int) -> Leaf:
        path = inclusion_proof(ListTree(self._leaves), at)
        return Leaf(index=at, digest=self._digests[at], path=tuple(path))


def is_member(name: str, leaves: Sequence[Leaf], size: int, root: str) -> bool:
    """Tell from leaves whether a name is among the names that a root commits to.

    Args:
        name: The name.
        leaves: What `Members.about` returned.
        size: How many names there are.
        root: The root over them, hex.

    Raises:
        RootMismatch: The leaves show neither.
    """
    for leaf in leaves:
        here = leaf_hash(leaf.digest)
        if not verify_inclusion(here, leaf.index, size, leaf.path, _root(root)):
            raise RootMismatch("The proof does not lead to the root that was signed.")
    digest = _digest(name)
    if [leaf.digest for leaf in leaves] == [digest]:
        return True
    if not _surround(digest, leaves, size):
        raise RootMismatch("The proof shows neither that the item was learned nor that it was not.")
    return False


def _surround(digest: bytes, leaves: Sequence[Leaf], size: int) -> bool:
    """Whether a hash would stand between neighbouring leaves, or beyond the first or last one."""
    match leaves:
        case [left, right]:
            return left.digest < digest < right.digest and right.index == left.index + 1
        case [one]:
            beyond = one.index == 0 and digest < one.digest
            return beyond or (one.index == size - 1 and digest > one.digest)
        case _:
            return False


def _root(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _digest(name: str) -> bytes:
    return sha256(_CONTEXT + name.encode()).digest()
