"""The tree against RFC 9162 as written, its published vectors, and a naive implementation."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.log.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(bytes([i])) for i in range(130)]


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


def test_published_roots():
    entries = [
        b"",
        b"\0",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        bytes(range(0x50, 0x58)),
        bytes(range(0x60, 0x70)),
    ]
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
    leaves = [leaf_hash(entry) for entry in entries]
    assert [root_of(leaves[:n]).hex() for n in range(1, 9)] == roots


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
def test_inclusion_is_proved_for_what_is_there_alone(data):
    size = data.draw(st.integers(1, 130))
    index = data.draw(st.integers(0, size - 1))
    root = naive(LEAVES[:size])
    proof = inclusion_proof(index, LEAVES[:size])
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
    proof = consistency_proof(old, LEAVES[:size])
    assert verify_consistency(old, size, old_root, root, proof)
    forked = naive([*LEAVES[: old - 1], leaf_hash(b"fork")])
    assert not verify_consistency(old, size, forked, root, proof)
    assert not verify_consistency(old, size, old_root, leaf_hash(root), proof)
    assert not verify_consistency(old, size, old_root, root, [*proof, root])
    if proof:
        assert not verify_consistency(old, size, old_root, root, proof[1:])


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(IndexError):
        inclusion_proof(3, LEAVES[:3])
    with pytest.raises(IndexError):
        consistency_proof(0, LEAVES[:3])
    with pytest.raises(ValueError, match="edge hash"):
        Frontier(3, [b""])
    assert not verify_inclusion(LEAVES[0], 1, 1, [], LEAVES[0])
    assert not verify_consistency(0, 3, b"", root_of(LEAVES[:3]), [])
