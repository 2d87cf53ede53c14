"""The tree against RFC 9162 as written, its published vectors, and a naive implementation."""

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vault.errors import TamperError
from vault.log.merkle import (
    TILE_LEVELS,
    Frontier,
    ListTree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_between,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(bytes([i])) for i in range(130)]
MANY = [leaf_hash(i.to_bytes(3)) for i in range((1 << 16) + 3 * 256 + 5)]
ENTRIES = [
    b"",
    b"\0",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
# Sizes and numbers on both sides of every border between tiles and levels.
BORDERS = sorted(
    {at + by for at in (0, 256, 512, 1 << 15, 1 << 16, len(MANY)) for by in (-2, -1, 0, 1, 2)}
)


class Stored:
    """A tree as a log stores it: leaves, the roots that appending completed, what was read."""

    def __init__(self, portions: list[int]) -> None:
        self.frontier, self.read = Frontier(), 0
        self._nodes: dict[int, list[bytes]] = {level: [] for level in TILE_LEVELS}
        for first, last in pairwise([0, *portions]):
            for level, start, hashes in self.frontier.extend(MANY[first:last]):
                assert start == len(self._nodes[level])
                self._nodes[level] += hashes
        self.size = self.frontier.size

    def leaves(self, first: int, last: int) -> list[bytes]:
        self.read += last - first
        return MANY[first : min(last, self.size)]

    def nodes(self, level: int, first: int, last: int) -> list[bytes]:
        self.read += last - first
        return self._nodes[level][first:last]


LARGE = Stored([3, 200, 300, 1300, 1 << 15, (1 << 16) - 1, 1 << 16, len(MANY)])


def naive(leaves: list[bytes]) -> bytes:
    """Section 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + naive(leaves[:k]) + naive(leaves[k:])).digest()


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*path(index, leaves[:k]), naive(leaves[k:])]
    return [*path(index - k, leaves[k:]), naive(leaves[:k])]


def subproof(old: int, leaves: list[bytes], *, known: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1, word for word."""
    if old == len(leaves):
        return [] if known else [naive(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if old <= k:
        return [*subproof(old, leaves[:k], known=known), naive(leaves[k:])]
    return [*subproof(old - k, leaves[k:], known=False), naive(leaves[:k])]


def test_published_roots():
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    leaves = [leaf_hash(entry) for entry in ENTRIES]
    assert [root_of(leaves[:n]).hex() for n in range(1, 9)] == roots


def test_published_proofs():
    tree = ListTree([leaf_hash(entry) for entry in ENTRIES])
    starts = {
        (0, 8): ["96a296d2", "5f083f0a", "6b47aaf2"],
        (5, 8): ["bc1a0643", "ca854ea1", "d37ee418"],
        (2, 3): ["fac54203"],
        (1, 5): ["6e340b9c", "5f083f0a", "bc1a0643"],
    }
    for (index, size), proof in starts.items():
        assert [hash_.hex()[:8] for hash_ in inclusion_proof(tree, index, size)] == proof
    starts = {
        (1, 1): [],
        (1, 8): ["96a296d2", "5f083f0a", "6b47aaf2"],
        (6, 8): ["0ebc5d34", "ca854ea1", "d37ee418"],
        (2, 5): ["5f083f0a", "bc1a0643"],
    }
    for (old, new), proof in starts.items():
        assert [hash_.hex()[:8] for hash_ in consistency_proof(tree, old, new)] == proof


@given(st.lists(st.integers(0, 40), max_size=8))
def test_appending_in_any_portions_gives_the_naive_root(portions):
    frontier, leaves = Frontier(), []
    for portion in portions:
        new = [leaf_hash(b"%d %d" % (len(leaves), i)) for i in range(portion)]
        frontier.extend(new)
        leaves += new
        assert frontier.size == len(leaves)
        assert len(frontier.hashes) == len(leaves).bit_count()
        assert frontier.root() == naive(leaves)


@given(st.data())
def test_both_proofs_are_those_of_the_definition(data):
    size = data.draw(st.integers(1, 130))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    tree = ListTree(LEAVES)
    assert inclusion_proof(tree, index, size) == path(index, LEAVES[:size])
    assert consistency_proof(tree, old, size) == subproof(old, LEAVES[:size], known=True)
    assert inclusion_proof(ListTree(LEAVES[:size]), index) == path(index, LEAVES[:size])


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_proofs_across_the_borders_of_tiles_lead_to_the_root_of_every_size(data):
    near = st.sampled_from(BORDERS).filter(lambda n: 0 < n <= len(MANY))
    anywhere = st.integers(1, len(MANY))
    size = data.draw(near | anywhere)
    index = data.draw((near | anywhere).filter(lambda n: n <= size)) - 1
    root = root_of(MANY[:size])
    proof = inclusion_proof(LARGE, index, size)
    assert verify_inclusion(MANY[index], index, size, proof, root)
    proof = consistency_proof(LARGE, index + 1, size)
    assert verify_consistency(index + 1, size, root_of(MANY[: index + 1]), root, proof)


@settings(deadline=None)
@given(st.lists(st.integers(0, 1300), max_size=6), st.integers(0, 5))
def test_appending_tells_the_complete_subtrees_whatever_the_portions(portions, cut):
    ends = [sum(portions[: i + 1]) for i in range(len(portions))]
    stored = Stored(ends)
    if stored.size <= cut:
        return
    plain, count = ListTree(MANY[: stored.size]), stored.size >> 8
    assert stored.nodes(8, 0, count) == plain.nodes(8, 0, count)
    assert inclusion_proof(stored, cut) == inclusion_proof(plain, cut)


def test_the_roots_of_65536_leaves_are_told_when_the_last_of_them_comes():
    assert LARGE.nodes(16, 0, 9) == [root_of(MANY[: 1 << 16])]
    assert LARGE.frontier.root() == root_of(MANY)


def test_a_proof_reads_a_few_tiles_and_never_the_whole_tree():
    for index in (0, 255, 256, 40_000, len(MANY) - 1):
        LARGE.read = 0
        inclusion_proof(LARGE, index)
        consistency_proof(LARGE, index + 1)
        assert LARGE.read <= 2 * 2 * 256 * (1 + len(TILE_LEVELS))


def test_a_stored_tree_with_gaps_is_refused_before_a_wrong_proof_is_made():
    gaps = Stored([len(MANY)])
    gaps._nodes[8].pop()
    with pytest.raises(
        TamperError, match=r"^A stored part of the tree has gaps; `twin verify` says where\.$"
    ):
        inclusion_proof(gaps, 0)
    with pytest.raises(
        TamperError, match=r"^A stored part of the tree has gaps; `twin verify` says where\.$"
    ):
        consistency_proof(gaps, 5)


@given(st.data())
def test_inclusion_is_proved_for_what_is_there_alone(data):
    size = data.draw(st.integers(1, 130))
    index = data.draw(st.integers(0, size - 1))
    root = naive(LEAVES[:size])
    proof = inclusion_proof(ListTree(LEAVES[:size]), index)
    assert verify_inclusion(LEAVES[index], index, size, proof, root)
    other = data.draw(
        st.integers(0, size - 1).filter(lambda i: i != index) if size > 1 else st.just(size)
    )
    assert not verify_inclusion(LEAVES[index], other, size, proof, root)
    assert not verify_inclusion(LEAVES[(index + 1) % 130], index, size, proof, root)
    assert not verify_inclusion(LEAVES[index], index, size, [*proof, root], root)
    if proof:
        assert not verify_inclusion(LEAVES[index], index, size, proof[:-1], root)
        broken = data.draw(st.integers(0, len(proof) - 1))
        bad = [*proof[:broken], leaf_hash(proof[broken]), *proof[broken + 1 :]]
        assert not verify_inclusion(LEAVES[index], index, size, bad, root)


@given(st.data())
def test_consistency_is_proved_for_prefixes_alone(data):
    size = data.draw(st.integers(1, 130))
    old = data.draw(st.integers(1, size))
    root, old_root = naive(LEAVES[:size]), naive(LEAVES[:old])
    proof = consistency_proof(ListTree(LEAVES[:size]), old)
    assert verify_consistency(old, size, old_root, root, proof)
    forked = naive([*LEAVES[: old - 1], leaf_hash(b"fork")])
    assert not verify_consistency(old, size, forked, root, proof)
    assert not verify_consistency(old, size, old_root, leaf_hash(root), proof)
    assert not verify_consistency(old, size, old_root, root, [*proof, root])
    if proof:
        assert not verify_consistency(old, size, old_root, root, proof[1:])


def test_what_cannot_be_asked_is_refused():
    tree = ListTree(LEAVES[:3])
    for index, size in ((3, 3), (-1, 3), (2, 2), (0, 4), (0, 0)):
        with pytest.raises(IndexError, match=f"^{index}$"):
            inclusion_proof(tree, index, size)
    for old, new in ((0, 3), (3, 2), (3, 4), (-1, 3)):
        with pytest.raises(IndexError, match=f"^{old}$"):
            consistency_proof(tree, old, new)
    for first, last in ((-1, 2), (2, 2), (3, 2), (0, 4)):
        with pytest.raises(IndexError, match=f"^{last}$"):
            root_between(tree, first, last)
    with pytest.raises(ValueError, match=r"^A tree has one edge hash for every bit of its size\.$"):
        Frontier(3, [b""])
    assert not verify_inclusion(LEAVES[0], 1, 1, [], LEAVES[0])
    assert not verify_consistency(0, 3, b"", root_of(LEAVES[:3]), [])


def test_roots_between_two_leaves_are_those_of_the_leaves_alone():
    for first, last in ((0, 1), (0, 130), (129, 130), (64, 128), (64, 100), (8, 11)):
        assert root_between(ListTree(LEAVES), first, last) == naive(LEAVES[first:last])
    assert root_between(LARGE, 0, len(MANY)) == root_of(MANY)
    assert root_between(LARGE, 512, 1000) == root_of(MANY[512:1000])


def test_a_list_tells_only_complete_subtrees():
    tree = ListTree(LEAVES)
    assert tree.nodes(3, 2, 4) == [naive(LEAVES[16:24]), naive(LEAVES[24:32])]
    assert tree.nodes(3, 15, 99) == [naive(LEAVES[120:128])]


def test_every_proof_of_a_small_tree_holds_for_its_place_and_its_sizes_alone():
    for size in range(1, 18):
        tree, root = ListTree(LEAVES[:size]), naive(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(tree, index)
            assert verify_inclusion(LEAVES[index], index, size, proof, root)
            for other in (-1, *range(size + 2)):
                if other != index:
                    assert not verify_inclusion(LEAVES[index], other, size, proof, root)
            assert not verify_inclusion(LEAVES[index], index, 0, proof, root)
            assert not verify_inclusion(
                LEAVES[index], index, size, [*proof, proof[-1]] if proof else [root], root
            )
            old = index + 1
            proof = consistency_proof(tree, old)
            old_root = naive(LEAVES[:old])
            assert verify_consistency(old, size, old_root, root, proof)
            assert not verify_consistency(old, size, old_root, leaf_hash(root), proof)
            assert not verify_consistency(old, size, leaf_hash(old_root), root, proof)
            assert not verify_consistency(size, old, root, old_root, proof) or size == old
            assert not verify_consistency(-1, size, old_root, root, proof)
            for end in range(len(proof)):
                assert not verify_consistency(old, size, old_root, root, proof[:end])
            for more in proof:
                assert not verify_consistency(old, size, old_root, root, [*proof, more])


def test_a_tree_of_tens_of_millions_is_read_by_more_than_one_of_its_highest_tiles():
    class Wide:
        size = 1 << 25

        def leaves(self, first: int, last: int) -> list[bytes]:
            raise AssertionError((first, last))

        def nodes(self, level: int, first: int, last: int) -> list[bytes]:
            assert level == 16
            return MANY[first:last]

    assert root_between(Wide(), 0, 1 << 25) == root_of(MANY[:512])
