"""A feed and its proofs, made by hand, for the tests of proofs."""

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import ForeignVault, TamperError
from vault.log import proof
from vault.log.certificate import NO_LIMIT, certify
from vault.log.checkpoint import note_of, sign
from vault.log.envelope import FIXED, NO_TAG
from vault.log.merkle import Frontier, ListTree, consistency_proof, inclusion_proof, leaf_hash
from vault.log.proof import Reveal, Signer, check

OWNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DEVICE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
PUBLIC, OWNERS = DEVICE.public_key().public_bytes_raw(), OWNER.public_key().public_bytes_raw()
DATA_KEY = bytes(range(100, 132))
WORDS = b"\x81\xa5names\x91\xa4Mara"
TOPIC = b"owner.named/1"


def sealed(seq: int, version: int, plain: bytes) -> tuple[bytes, bytes]:
    """An entry, made by hand as the specification says: leaf and ciphertext."""
    header = FIXED.pack(version, len(TOPIC), PUBLIC[:8], seq, 1000 + seq, 1, seq, NO_TAG, NO_TAG)
    header += TOPIC
    body = AESGCM(DATA_KEY).encrypt(bytes(12), plain, header)
    return header + sha256(body).digest(), body


class World:
    """A feed of twelve entries, the fifth and sixth of the first version, and who signed it."""

    def __init__(self, plain: bytes = bytes(32) + WORDS, most: int = NO_LIMIT) -> None:
        self.entries = [
            sealed(n, 1, WORDS) if n in {4, 5} else sealed(n, 2, plain) for n in range(12)
        ]
        self.tree = ListTree([leaf_hash(head) for head, _ in self.entries])
        self.signer = Signer(OWNERS, certify(OWNER, PUBLIC, most))

    def note(self, size: int, time: int | None = None) -> bytes:
        frontier = Frontier()
        frontier.extend(self.tree.leaves(0, size))
        return note_of(sign(DEVICE, frontier, 1000 + size - 1 if time is None else time))

    def path(self, index: int, size: int) -> list[bytes]:
        return inclusion_proof(self.tree, index, size)

    def inclusion(self, index: int = 6, size: int = 11, *, reveal: bool = False) -> bytes:
        head, body = self.entries[index]
        shown = Reveal(DATA_KEY, body) if reveal else None
        return proof.write_inclusion(
            self.signer, head, self.note(size), self.path(index, size), shown
        )

    def consistency(self, old: int = 5, new: int = 11) -> bytes:
        path = consistency_proof(self.tree, old, new)
        return proof.write_consistency(self.signer, self.note(old), self.note(new), path)


WORLD = World()
KINDS = {
    "inclusion": WORLD.inclusion(),
    "words": WORLD.inclusion(reveal=True),
    "consistency": WORLD.consistency(),
}
CUT = "The proof is cut short; ask for it again."
CHANGED = "The proof was changed after it was written; ask for it again."
NEWER = "The proof is of a newer format; check it with a newer release."
UNCERTIFIED = r"^The owner that the proof names did not certify its device\.$"
NOT_SHOWN = "The older checkpoint is not shown to be the beginning of the newer."
kinds = pytest.mark.parametrize("kind", KINDS)


def refused(data: bytes, owner: bytes | None = OWNERS) -> str:
    with pytest.raises((TamperError, ForeignVault)) as caught:
        check(data, owner)
    return str(caught.value)


def edited(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1
    return data.replace(old, new)


def extra_of(data: bytes) -> bytes:
    return base64.b64decode(data.split(b"\n")[1].removeprefix(b"extra "))


def with_extra(data: bytes, extra: bytes) -> bytes:
    kind, _, rest = data.split(b"\n", 2)
    return b"\n".join((kind, b"extra " + base64.b64encode(extra), rest))


def forged() -> bytes:
    """Other words for the seventh entry, sealed without a flaw; only the leaf's hash differs."""
    return AESGCM(DATA_KEY).encrypt(bytes(12), bytes(32) + b"forged", WORLD.entries[6][0][:-32])
