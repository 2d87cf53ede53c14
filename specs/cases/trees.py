"""Trees and both kinds of proof: log.md, section 2."""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from cases import SUCCESS, Case, flipped

__all__ = ["LEAVES", "cases", "consistency", "edge_of", "inclusion", "root_of"]

LEAVES = [sha256(b"\0" + bytes([i])).digest() for i in range(130)]


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def root_of(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, over leaf hashes."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256(b"").digest()
    k = _split(len(leaves))
    return _node(root_of(leaves[:k]), root_of(leaves[k:]))


def inclusion(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion(index, leaves[:k]), root_of(leaves[k:])]
    return [*inclusion(index - k, leaves[k:]), root_of(leaves[:k])]


def consistency(old: int, leaves: Sequence[bytes], *, known: bool = True) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1."""
    if old == len(leaves):
        return [] if known else [root_of(leaves)]
    k = _split(len(leaves))
    if old <= k:
        return [*consistency(old, leaves[:k], known=known), root_of(leaves[k:])]
    return [*consistency(old - k, leaves[k:], known=False), root_of(leaves[:k])]


def edge_of(leaves: Sequence[bytes]) -> list[bytes]:
    """Return the hashes of the perfect subtrees on the right edge, the largest first."""
    edge, left = [], list(leaves)
    while left:
        k = 1 << len(left).bit_length() - 1
        edge.append(root_of(left[:k]))
        left = left[k:]
    return edge


def cases() -> Iterator[Case]:
    """All cases of this part."""
    yield from _roots()
    yield from _inclusions()
    yield from _consistencies()


def _roots() -> Iterator[Case]:
    for size in (0, 1, 2, 3, 7, 8, 130):
        leaves = LEAVES[:size]
        fields = {"leaves": leaves, "root": root_of(leaves), "edge": edge_of(leaves)}
        yield Case(family="tree", name=f"root-{size}", comment=f"a tree of {size}", fields=fields)


def _inclusions() -> Iterator[Case]:
    def case(name: str, comment: str, expect: str = SUCCESS, **changed: object) -> Case:
        index, size = 4, 7
        fields = {
            "leaf": LEAVES[index],
            "index": index,
            "size": size,
            "root": root_of(LEAVES[:size]),
            "proof": inclusion(index, LEAVES[:size]),
        }
        fields |= changed
        return Case(family="inclusion", name=name, comment=comment, expect=expect, fields=fields)

    for index, size in (
        (0, 1),
        (0, 2),
        (1, 2),
        (2, 3),
        (0, 7),
        (6, 7),
        (63, 64),
        (64, 65),
        (128, 130),
    ):
        yield case(
            f"leaf-{index}-of-{size}",
            f"the leaf at {index} in a tree of {size}",
            leaf=LEAVES[index],
            index=index,
            size=size,
            root=root_of(LEAVES[:size]),
            proof=inclusion(index, LEAVES[:size]),
        )
    wrong, proof = "wrong proof", inclusion(4, LEAVES[:7])
    yield case("other-leaf", "another leaf of the same tree", wrong, leaf=LEAVES[5])
    yield case("other-index", "its neighbour's index", wrong, index=5)
    yield case("index-beyond", "an index that is no leaf's", wrong, index=7)
    yield case("index-far-beyond", "an index of 64 bits", wrong, index=(1 << 64) - 1)
    yield case(
        "empty-tree",
        "no leaf is in an empty tree",
        wrong,
        index=0,
        size=0,
        proof=[],
        root=sha256(b"").digest(),
    )
    yield case(
        "other-size", "hashes do not bind the size of a tree, only a checkpoint does", size=8
    )
    yield case("smaller-size", "the size of a smaller tree", wrong, size=6)
    yield case("other-root", "the root of a larger tree", wrong, root=root_of(LEAVES[:8]))
    yield case("short", "the last hash is missing", wrong, proof=proof[:-1])
    yield case("empty", "no hashes at all", wrong, proof=[])
    yield case("long", "one hash too many", wrong, proof=[*proof, LEAVES[0]])
    yield case("doubled", "every hash twice", wrong, proof=[h for h in proof for _ in "ab"])
    yield case("reordered", "the hashes from the root down", wrong, proof=proof[::-1])
    yield case("flipped", "one bit of one hash", wrong, proof=[flipped(proof[0], 77), *proof[1:]])
    yield case(
        "inner-node-as-leaf",
        "a node of the tree in the place of a leaf, with a proof that fits it",
        wrong,
        leaf=_node(LEAVES[4], LEAVES[5]),
        proof=proof[1:],
    )
    yield case(
        "leaf-without-its-prefix",
        "the hash of the entry without 0x00",
        wrong,
        leaf=sha256(b"\4").digest(),
    )
    yield case(
        "alone-with-a-proof",
        "a tree of one leaf needs no hash",
        wrong,
        index=0,
        size=1,
        leaf=LEAVES[0],
        root=LEAVES[0],
        proof=[LEAVES[1]],
    )
    pair = _node(LEAVES[0], LEAVES[1])
    yield case(
        "alone-in-a-pair",
        "the second of two leaves as the only one",
        wrong,
        index=0,
        size=1,
        leaf=LEAVES[1],
        root=pair,
        proof=[LEAVES[0]],
    )
    yield case(
        "root-as-leaf",
        "the root in the place of a leaf",
        wrong,
        index=0,
        size=2,
        leaf=pair,
        root=pair,
        proof=[],
    )
    yield case(
        "behind-the-only-one",
        "the index behind the only leaf",
        wrong,
        index=1,
        size=1,
        leaf=LEAVES[0],
        root=LEAVES[0],
        proof=[],
    )


def _consistencies() -> Iterator[Case]:
    def case(name: str, comment: str, expect: str = SUCCESS, **changed: object) -> Case:
        old, new = 3, 7
        fields = {
            "old-size": old,
            "new-size": new,
            "old-root": root_of(LEAVES[:old]),
            "new-root": root_of(LEAVES[:new]),
            "proof": consistency(old, LEAVES[:new]),
        }
        fields |= changed
        return Case(family="consistency", name=name, comment=comment, expect=expect, fields=fields)

    for old, new in (
        (1, 1),
        (1, 2),
        (2, 3),
        (3, 3),
        (4, 7),
        (6, 7),
        (6, 8),
        (64, 65),
        (65, 130),
        (127, 128),
    ):
        yield case(
            f"{old}-to-{new}",
            f"a tree of {old} is the beginning of one of {new}",
            **{
                "old-size": old,
                "new-size": new,
                "old-root": root_of(LEAVES[:old]),
                "new-root": root_of(LEAVES[:new]),
                "proof": consistency(old, LEAVES[:new]),
            },
        )
    wrong, proof = "wrong proof", consistency(3, LEAVES[:7])
    forked = [*LEAVES[:2], sha256(b"\0another").digest()]
    yield case(
        "forked", "the old tree has another last leaf", wrong, **{"old-root": root_of(forked)}
    )
    yield case(
        "other-root",
        "the new root is of a larger tree",
        wrong,
        **{"new-root": root_of(LEAVES[:8])},
    )
    yield case(
        "backwards",
        "the old tree is the larger one",
        wrong,
        **{
            "old-size": 7,
            "new-size": 3,
            "old-root": root_of(LEAVES[:7]),
            "new-root": root_of(LEAVES[:3]),
        },
    )
    yield case(
        "from-nothing",
        "an empty tree is the beginning of all and proves nothing",
        wrong,
        **{"old-size": 0, "old-root": sha256(b"").digest(), "proof": []},
    )
    yield case(
        "equal-with-a-proof",
        "trees of one size need no hash",
        wrong,
        **{"old-size": 7, "old-root": root_of(LEAVES[:7]), "proof": proof},
    )
    yield case(
        "equal-size-other-root",
        "trees of one size and two roots",
        wrong,
        **{"old-size": 7, "old-root": root_of(LEAVES[1:8]), "proof": []},
    )
    yield case("short", "the last hash is missing", wrong, proof=proof[:-1])
    yield case("empty", "no hashes at all", wrong, proof=[])
    yield case("long", "one hash too many", wrong, proof=[*proof, LEAVES[0]])
    yield case("reordered", "the hashes from the root down", wrong, proof=proof[::-1])
    yield case("flipped", "one bit of one hash", wrong, proof=[*proof[:-1], flipped(proof[-1], 0)])
    yield case("other-old-size", "the proof of another old size", wrong, **{"old-size": 5})
    yield case(
        "other-new-size",
        "hashes do not bind the size of a tree, only a checkpoint does",
        **{"new-size": 8},
    )
    yield case(
        "power-of-two-with-its-root",
        "the old root is not part of the proof where the old tree is perfect",
        wrong,
        **{
            "old-size": 4,
            "old-root": root_of(LEAVES[:4]),
            "proof": [root_of(LEAVES[:4]), *consistency(4, LEAVES[:7])],
        },
    )
