"""What comparing with somebody who remembers tells: the same, ahead, rolled back, forked."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from vault.errors import (
    BadSignature,
    ForeignVault,
    NotFound,
    RolledBack,
    RootMismatch,
    TamperError,
    UsageError,
)
from vault.log import proof
from vault.log.certificate import certify
from vault.log.checkpoint import Note, feed_of, note_of, parse_note, read, sign
from vault.log.merkle import Frontier, ListTree, consistency_proof, leaf_hash
from vault.log.pin import Pin
from vault.log.witness import FileWitness, Standing, compare, confront, kept_in, refusal

DEVICE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OWNER = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
KEY = DEVICE.public_key()
FEED = feed_of(KEY)
HOUR = 3600 * 10**9
NOON = 1_795_000_000 * 10**9


def leaves(size: int, forked_at: int | None = None) -> list[bytes]:
    """Leaves of a log; from a number on, those of another one."""
    return [
        leaf_hash(b"%d %d" % (i, forked_at is not None and i >= forked_at)) for i in range(size)
    ]


def record(size: int, forked_at: int | None = None, key: Ed25519PrivateKey = DEVICE) -> bytes:
    frontier = Frontier()
    frontier.extend(leaves(size, forked_at))
    return sign(key, frontier, NOON + size * HOUR)


def note(size: int, forked_at: int | None = None) -> Note:
    return parse_note(note_of(record(size, forked_at)), KEY)


def key_of(feed: bytes) -> Ed25519PublicKey:
    if feed != FEED:
        raise TamperError("never enrolled")
    return KEY


@settings(deadline=None)
@given(st.data())
def test_a_comparison_says_what_is_true(data):
    ours, theirs = (data.draw(st.integers(1, 600)) for _ in range(2))
    forked_at = data.draw(st.none() | st.integers(0, 599))
    with_edge = data.draw(st.booleans())
    other = read(record(theirs, forked_at), KEY) if with_edge else note(theirs, forked_at)
    found = compare(ListTree(leaves(ours)), note(ours), other)
    differ = forked_at is not None and forked_at < min(ours, theirs)
    if theirs <= ours:
        standing = Standing.SAME if theirs == ours else Standing.AHEAD
        assert found.standing is (Standing.FORKED if differ else standing)
    elif not differ:
        assert found.standing is Standing.BEHIND
    # Where only the newer root is known nobody can tell a fork from a cut; both are refused.
    assert found.sound is (theirs <= ours and not differ)
    same = min(ours, theirs) if forked_at is None else min(ours, theirs, forked_at)
    assert found.common <= same
    if with_edge and not found.sound:
        assert found.common * 2 > same or found.common == 0


def test_a_fork_of_a_longer_log_is_seen_by_its_edge():
    found = compare(ListTree(leaves(100)), note(100), read(record(112, 70), KEY))
    assert (found.standing, found.common) == (Standing.FORKED, 64)
    found = compare(ListTree(leaves(100)), note(100), read(record(112), KEY))
    assert (found.standing, found.common) == (Standing.BEHIND, 96)
    found = compare(ListTree(leaves(100)), note(100), note(112, 70))
    assert (found.standing, found.common) == (Standing.BEHIND, 0)


def test_a_refusal_says_what_differs_since_when():
    behind = compare(ListTree(leaves(100)), note(100), note(120))
    sentence = str(refusal("The copy on the stick", behind))
    assert "The copy on the stick knows 120 entries up to 2026-11-23 11:06:40 UTC" in sentence
    assert "this log has 100 entries up to 2026-11-22 15:06:40 UTC" in sentence
    assert "put the newer log back" in sentence
    forked = compare(ListTree(leaves(100)), note(100), read(record(90, 70), KEY))
    sentence = str(refusal("The copy on the stick", forked))
    assert "90 entries" in sentence
    assert "not those of this log, which has 100 entries" in sentence
    assert "the first 64 are known to be the same" in sentence
    unknown = compare(ListTree(leaves(100)), note(100), note(90, 70))
    assert "known to be the same" not in str(refusal("The copy", unknown))


def test_a_stored_tree_that_is_not_what_was_signed_is_no_fork():
    with pytest.raises(RootMismatch, match="twin verify"):
        compare(ListTree(leaves(100, 30)), note(100), note(90))


def test_a_checkpoint_over_nothing_says_nothing_and_is_refused():
    found = compare(ListTree(leaves(5)), note(5), note(0))
    assert not found.sound


def test_a_file_remembers_the_newest_note_it_was_given(tmp_path):
    witness = FileWitness(tmp_path / "kept")
    assert witness.newest(FEED) is None
    for size in (5, 9, 7):
        witness.keep(note(size).data)
    assert witness.newest(FEED) == note(9).data
    assert witness.newest(bytes(8)) is None
    with pytest.raises(UsageError, match="another vault"):
        witness.keep(note_of(record(3, key=OTHER)))
    assert witness.newest(FEED) == note(9).data


def test_confronted_with_a_witness_a_log_is_taken_refused_or_unknown(tmp_path):
    witness = FileWitness(tmp_path / "kept")
    tree = ListTree(leaves(100))
    assert confront(tree, note(100), KEY, witness) is None
    witness.keep(note(40).data)
    found = confront(tree, note(100), KEY, witness)
    assert found is not None
    assert (found.standing, found.common) == (Standing.AHEAD, 40)
    witness.keep(note(120).data)
    with pytest.raises(RolledBack, match=r"kept knows 120 entries .* its end is missing"):
        confront(tree, note(100), KEY, witness)
    (tmp_path / "kept").write_bytes(note(50, 20).data)
    with pytest.raises(RolledBack, match="different ways"):
        confront(tree, note(100), KEY, witness)


def test_what_a_witness_hands_out_is_believed_only_if_the_device_signed_it(tmp_path):
    witness = FileWitness(tmp_path / "kept")
    good = note(120).data
    tree = ListTree(leaves(100))
    for bad in (good.replace(b"\n120\n", b"\n20\n"), good[:-1], good[:-9] + b"A" + good[-8:]):
        (tmp_path / "kept").write_bytes(bad)
        with pytest.raises(TamperError, match="kept holds no sound checkpoint") as caught:
            confront(tree, note(100), KEY, witness)
        assert not isinstance(caught.value, RolledBack)
    (tmp_path / "kept").write_bytes(b"no note\n")
    with pytest.raises(TamperError):
        confront(tree, note(100), KEY, witness)


def test_checkpoints_are_found_in_notes_proofs_and_folders(tmp_path):
    (tmp_path / "note").write_bytes(note(9).data)
    signer = proof.Signer(
        OWNER.public_key().public_bytes_raw(), certify(OWNER, KEY.public_bytes_raw())
    )
    path = consistency_proof(ListTree(leaves(9)), 4)
    (tmp_path / "proof").write_bytes(
        proof.write_consistency(signer, note(4).data, note(9).data, path)
    )
    (tmp_path / "home").mkdir()
    Pin(tmp_path / "home" / "pin").write(10, {FEED: (10, record(9))})
    assert kept_in(tmp_path / "note", key_of) == [note(9)]
    assert kept_in(tmp_path / "proof", key_of) == [note(4), note(9)]
    [pinned] = kept_in(tmp_path / "home", key_of)
    assert (pinned.data, len(pinned.edge)) == (note(9).data, 2)


def test_what_holds_no_checkpoint_of_this_vault_is_refused(tmp_path):
    with pytest.raises(NotFound):
        kept_in(tmp_path / "nothing", key_of)
    with pytest.raises(NotFound, match="pin"):
        kept_in(tmp_path, key_of)
    for content, error in (
        (b"anything", ForeignVault),
        (b"", TamperError),
        (note_of(record(9, key=OTHER)), TamperError),
        (note(9).data[:-1], TamperError),
        (note(9).data.replace(b"\n9\n", b"\n8\n"), BadSignature),
    ):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(error):
            kept_in(tmp_path / "file", key_of)
