"""The signed tree head follows C2SP to the letter, and no byte of it is free."""

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vault.errors import BadSignature, RootMismatch, TamperError
from vault.log.checkpoint import feed_of, parse, sign
from vault.log.merkle import Frontier, leaf_hash

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def tree(size: int) -> Frontier:
    frontier = Frontier()
    frontier.extend(leaf_hash(bytes([i])) for i in range(size))
    return frontier


def test_a_note_reads_as_c2sp_says():
    record = sign(KEY, tree(5), 1234)
    note = record[: -2 * 32].decode()
    origin, size, root, time, empty, line, end = note.split("\n")
    name = f"twinvault/{KEY.public_key().public_bytes_raw()[:8].hex()}"
    assert (origin, size, time, empty, end) == (name, "5", "time 1234", "", "")
    assert base64.b64decode(root) == tree(5).root()
    dash, signer, blob = line.split(" ")
    assert (dash, signer) == ("—", name)
    raw = base64.b64decode(blob)
    public = KEY.public_key().public_bytes_raw()
    assert raw[:4] == sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    KEY.public_key().verify(raw[4:], note[: note.index("\n\n") + 1].encode())


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 100])
def test_what_was_signed_comes_back(size):
    stated = parse(sign(KEY, tree(size), 7), KEY.public_key())
    assert (stated.size, stated.root, stated.time) == (size, tree(size).root(), 7)
    assert stated.frontier.hashes == tree(size).hashes
    assert stated.feed == feed_of(KEY.public_key())


def test_every_bit_of_a_checkpoint_is_covered():
    record = sign(KEY, tree(5), 1234)
    for i in range(len(record) * 8):
        bad = bytearray(record)
        bad[i // 8] ^= 1 << i % 8
        with pytest.raises(TamperError):
            parse(bytes(bad), KEY.public_key())
    for cut in range(len(record)):
        with pytest.raises(TamperError):
            parse(record[:cut], KEY.public_key())
    for extra in (b"\0", b"\n", record):
        with pytest.raises(TamperError):
            parse(record + extra, KEY.public_key())


def test_another_key_or_another_tree_is_refused():
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    record = sign(KEY, tree(5), 1234)
    with pytest.raises(BadSignature):
        parse(record, other.public_key())
    edge = b"".join(tree(5).hashes)
    with pytest.raises(RootMismatch):
        parse(record[: -len(edge)] + edge[::-1], KEY.public_key())
