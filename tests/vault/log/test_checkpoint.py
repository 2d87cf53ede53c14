"""The signed tree head follows C2SP to the letter, and no byte of it is free."""

import base64
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vault.errors import BadSignature, RootMismatch, TamperError
from vault.log.checkpoint import (
    feed_of,
    note_of,
    note_text,
    parse,
    parse_note,
    read,
    sign,
    stated_feed,
)
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


def test_a_refusal_says_in_one_sentence_what_is_wrong():
    public = KEY.public_key()
    record = sign(KEY, tree(5), 1234)
    note = note_of(record)
    *text, line, _ = note.decode().split("\n")
    dash, name, signature = line.split(" ")
    edge = b"".join(tree(5).hashes)
    blob = bytearray(base64.b64decode(signature))

    def with_signature(text_of_it: str) -> bytes:
        return "\n".join([*text, f"{dash} {name} {text_of_it}", ""]).encode() + edge

    def flipped(at: int) -> bytes:
        bad = blob.copy()
        bad[at] ^= 1
        return with_signature(base64.b64encode(bad).decode())

    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    said = [
        (b"", public, TamperError, "A checkpoint cannot be read."),
        (record[:-1], public, TamperError, "A checkpoint has been cut or lengthened."),
        (
            note + edge[::-1], public, RootMismatch,
            "A checkpoint's root does not match the edge of its tree.",
        ),
        (record, other, BadSignature, "A checkpoint is not from this device's feed."),
        (
            with_signature(signature[:91]), public, BadSignature,
            "A checkpoint's signature cannot be read.",
        ),
        (flipped(0), public, BadSignature, "A checkpoint was signed by another key."),
        (flipped(40), public, BadSignature, "A checkpoint's signature does not match."),
    ]  # fmt: skip
    for data, key, error, sentence in said:
        with pytest.raises(error) as caught:
            parse(data, key)
        assert (type(caught.value), str(caught.value)) == (error, sentence)
    for data, key, error, sentence in (
        (b"", public, TamperError, "A checkpoint cannot be read."),
        (note, other, BadSignature, "A checkpoint is not from this device's feed."),
        (flipped(0)[: len(note)], public, BadSignature, "A checkpoint was signed by another key."),
        (
            flipped(40)[: len(note)],
            public,
            BadSignature,
            "A checkpoint's signature does not match.",
        ),
        (note + b"x", public, TamperError, "A checkpoint's signatures cannot be read."),
        (note + b"x\n", public, TamperError, "A checkpoint's signatures cannot be read."),
        (note + b"\xff\n", public, TamperError, "A checkpoint's signatures cannot be read."),
    ):
        with pytest.raises(error) as caught:
            parse_note(data, key)
        assert (type(caught.value), str(caught.value)) == (error, sentence)
    for reader in (note_of, stated_feed):
        with pytest.raises(TamperError, match=r"^A checkpoint cannot be read\.$"):
            reader(b"")


def test_a_note_bears_a_hundred_signatures_and_no_more():
    note = note_of(sign(KEY, tree(5), 1234))
    line = "— witness.example/w AAAAAAA=\n".encode()
    assert parse_note(note + line * 99, KEY.public_key()).size == 5
    with pytest.raises(TamperError, match="signatures cannot be read"):
        parse_note(note + line * 100, KEY.public_key())


def test_a_record_that_somebody_kept_reads_as_its_note_with_the_edge():
    for size in (0, 5):
        record = sign(KEY, tree(size), 1234)
        note = parse_note(note_of(record), KEY.public_key())
        assert read(record, KEY.public_key()) == replace(note, edge=tuple(tree(size).hashes))


def test_what_is_handed_out_is_the_note_without_the_edge():
    record = sign(KEY, tree(5), 1234)
    note = note_of(record)
    assert record == note + b"".join(tree(5).hashes)
    stated = parse_note(note, KEY.public_key())
    assert (stated.feed, stated.size, stated.root) == (feed_of(KEY.public_key()), 5, tree(5).root())
    assert (stated.time, stated.data, stated.edge) == (1234, note, ())
    assert stated_feed(note) == stated_feed(record) == stated.feed
    with pytest.raises(TamperError):
        parse_note(record, KEY.public_key())
    for nothing in (b"", b"note", note[:40]):
        with pytest.raises(TamperError):
            note_of(nothing)
        with pytest.raises(TamperError):
            stated_feed(nothing)


def test_every_bit_of_a_note_is_covered():
    note = note_of(sign(KEY, tree(5), 1234))
    for i in range(len(note) * 8):
        bad = bytearray(note)
        bad[i // 8] ^= 1 << i % 8
        with pytest.raises(TamperError):
            parse_note(bytes(bad), KEY.public_key())
    for cut in range(len(note)):
        with pytest.raises(TamperError):
            parse_note(note[:cut], KEY.public_key())


def test_a_note_says_nothing_more_and_nothing_in_another_way():
    name = f"twinvault/{feed_of(KEY.public_key()).hex()}"
    text = note_text(feed_of(KEY.public_key()), 5, tree(5).root(), 7).decode()
    lines = text.split("\n")
    key_hash = sha256(name.encode() + b"\n\x01" + KEY.public_key().public_bytes_raw()).digest()[:4]

    def signed(body: str) -> bytes:
        blob = key_hash + KEY.sign(body.encode())
        return f"{body}\n— {name} {base64.b64encode(blob).decode()}\n".encode()

    assert parse_note(signed(text), KEY.public_key()).size == 5
    for other in (
        text + "more\n",
        text + "\n",
        "\n".join([*lines[:3], ""]),
        "\n".join([lines[0], "05", *lines[2:]]),
        "\n".join([lines[0], "+5", *lines[2:]]),
        "\n".join([*lines[:3], "time 07", ""]),
        "\n".join([*lines[:3], "time  7", ""]),
        "\n".join([lines[0].upper(), *lines[1:]]),
        "\n".join(["twinvault/" + "0" * 16, *lines[1:]]),
        "\n".join([*lines[:2], lines[2][:-2] + chr(ord(lines[2][-2]) + 1) + "=", *lines[3:]]),
    ):
        assert other != text
        with pytest.raises(TamperError):
            parse_note(signed(other), KEY.public_key())
    for more in ("x", "— witness.example/w AAAAAAA=", "\n", "\n\n", "\0"):
        with pytest.raises(TamperError):
            parse_note(signed(text) + more.encode(), KEY.public_key())


def test_a_record_and_a_note_are_told_apart_whatever_others_signed():
    record = sign(KEY, tree(7), 1234)
    note = note_of(record)
    assert read(record, KEY.public_key()).edge == tuple(tree(7).hashes)
    assert read(note, KEY.public_key()).edge == ()
    lengths = set()
    for count in range(1, 80):
        blob = base64.b64encode(bytes(4 + count)).decode()
        for name in ("w", "ww", "www", "wwww"):
            line = f"— {name} {blob}\n".encode()
            lengths.add(len(line))
            assert read(note + line, KEY.public_key()).data == note + line
    assert 3 * 32 in lengths, "none was as long as the edge of the tree"
    for bad in (record[:-1], record + b"\0", record[:-32], record[:-1] + b"?"):
        with pytest.raises(TamperError):
            read(bad, KEY.public_key())
