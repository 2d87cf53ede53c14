"""Proof files: what they prove, that no byte of them is free, and whose fault a refusal is."""

import base64
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proofkit import (
    CHANGED,
    CUT,
    DATA_KEY,
    KINDS,
    NEWER,
    NOT_SHOWN,
    OTHER,
    OWNER,
    OWNERS,
    PUBLIC,
    TOPIC,
    UNCERTIFIED,
    WORDS,
    WORLD,
    World,
    edited,
    extra_of,
    forged,
    kinds,
    refused,
    sealed,
    with_extra,
)

from vault.errors import BadSignature, ForeignVault, RootMismatch, TamperError, UsageError
from vault.log import proof
from vault.log.certificate import NO_LIMIT, certify
from vault.log.merkle import (
    ListTree,
    consistency_proof,
    leaf_hash,
)
from vault.log.proof import Consistency, Inclusion, Reveal, check


def test_a_proof_reads_as_c2sp_says():
    lines = KINDS["inclusion"].decode().split("\n")
    note = lines.index("")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[2] == "index 6"
    assert [base64.b64decode(line) for line in lines[3:note]] == WORLD.path(6, 11)
    assert "\n".join(lines[note + 1 :]).encode() == WORLD.note(11)
    certificate = WORLD.signer.certificate
    extra = b"\1" + OWNERS + PUBLIC + NO_LIMIT.to_bytes(8) + certificate.signature
    assert extra_of(KINDS["inclusion"]) == extra + WORLD.entries[6][0]
    assert extra_of(KINDS["words"]) == extra + WORLD.entries[6][0] + DATA_KEY + WORLD.entries[6][1]


def test_a_consistency_proof_holds_both_notes_as_they_are():
    lines = KINDS["consistency"].split(b"\n")
    path = consistency_proof(WORLD.tree, 5, 11)
    assert lines[0] == b"twinvault/tlog-consistency@v1"
    assert [base64.b64decode(line) for line in lines[2 : 2 + len(path)]] == path
    assert b"\n".join(lines[2 + len(path) :]) == b"\n" + WORLD.note(5) + b"\n" + WORLD.note(11)
    assert proof.notes_in(KINDS["consistency"]) == [WORLD.note(5), WORLD.note(11)]
    assert proof.notes_in(KINDS["words"]) == [WORLD.note(11)]


@pytest.mark.parametrize("size", [1, 2, 3, 8, 12])
def test_what_a_proof_says_comes_back(size):
    for index in range(size):
        found = check(WORLD.inclusion(index, size), OWNERS)
        assert isinstance(found, Inclusion)
        assert (found.header.seq, found.header.topic, found.header.time) == (
            index, TOPIC.decode(), 1000 + index,
        )  # fmt: skip
        assert (found.note.size, found.note.time, found.body) == (size, 999 + size, None)
        assert found.signer == WORLD.signer
        both = check(WORLD.consistency(index + 1, size), OWNERS)
        assert isinstance(both, Consistency)
        assert (both.old.size, both.new.size) == (index + 1, size)


@kinds
def test_every_flipped_bit_of_a_proof_is_refused(kind):
    data = KINDS[kind]
    for i in range(len(data) * 8):
        bad = bytearray(data)
        bad[i // 8] ^= 1 << i % 8
        refused(bytes(bad))
        refused(bytes(bad), None)


@kinds
def test_every_cut_is_refused_as_a_cut(kind):
    for end in range(len(KINDS[kind])):
        assert refused(KINDS[kind][:end]) == CUT
    assert refused(KINDS[kind].partition(b"\n")[0] + b"\nextra AAAA\n") == CUT


@kinds
def test_everything_added_is_refused(kind):
    data = KINDS[kind]
    for more in (b"\n", b"\0", b" ", b"x", b"\n\n", "— a b\n".encode(), data):
        refused(data + more)
    for at in range(len(data)):
        for more in (b"\n", b" ", b"A", b"=", b"0"):
            changed = data[:at] + more + data[at:]
            if changed != data:
                refused(changed)


@kinds
def test_other_line_ends_are_refused_and_said(kind):
    assert refused(KINDS[kind].replace(b"\n", b"\r\n")) == (
        "The proof's line ends were changed on the way; ask for it as a file."
    )
    refused(KINDS[kind].replace(b"\n", b"\r"))


@settings(deadline=None)
@given(st.data())
def test_no_change_ever_raises_anything_but_a_refusal(data):
    good = KINDS[data.draw(st.sampled_from(sorted(KINDS)))]
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(good))] * 2)))
    bad = good[:first] + data.draw(st.binary(max_size=40)) + good[last:]
    if bad != good:
        refused(bad)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_no_proof(data):
    refused(data)
    refused(b"c2sp.org/tlog-proof@v1\n" + data)
    refused(b"twinvault/tlog-consistency@v1\n" + data)


@kinds
def test_another_owner_is_named_with_her_fingerprint(kind):
    others = OTHER.public_key().public_bytes_raw()
    with pytest.raises(ForeignVault) as caught:
        check(KINDS[kind], others)
    assert str(caught.value) == (
        f"The proof is of another owner, whose fingerprint is {WORLD.signer.fingerprint}."
    )
    assert check(KINDS[kind]).signer.owner == OWNERS


@kinds
def test_a_device_that_the_owner_did_not_certify_is_refused(kind):
    extra = extra_of(KINDS[kind])
    others = OTHER.public_key().public_bytes_raw()
    with pytest.raises(BadSignature, match=UNCERTIFIED):
        check(with_extra(KINDS[kind], extra[:1] + others + extra[33:]))
    forged = certify(OTHER, PUBLIC).signature
    with pytest.raises(BadSignature, match=UNCERTIFIED):
        check(with_extra(KINDS[kind], extra[:73] + forged + extra[137:]))
    longer = (NO_LIMIT - 1).to_bytes(8)
    with pytest.raises(BadSignature, match=UNCERTIFIED):
        check(with_extra(KINDS[kind], extra[:65] + longer + extra[73:]))


@kinds
def test_another_device_of_the_same_owner_did_not_sign_this(kind):
    second = certify(OWNER, OTHER.public_key().public_bytes_raw())
    extra = extra_of(KINDS[kind])
    signed = second.public_key + second.most.to_bytes(8) + second.signature
    with pytest.raises(BadSignature):
        check(with_extra(KINDS[kind], extra[:33] + signed + extra[137:]))


@kinds
def test_what_a_later_release_writes_is_named_as_such(kind):
    data = KINDS[kind]
    for later in (b"@v2\n", b"@v10\n"):
        with pytest.raises(ForeignVault, match=f"^{NEWER}$"):
            check(edited(data, b"@v1\n", later))
    with pytest.raises(ForeignVault, match=f"^{NEWER}$"):
        check(with_extra(data, b"\2" + extra_of(data)[1:]))
    if kind != "consistency":
        extra = bytearray(extra_of(data))
        extra[137] = 3
        with pytest.raises(ForeignVault, match=f"^{NEWER.replace('proof', 'entry')}$"):
            check(with_extra(data, bytes(extra)))


def test_another_index_is_refused_even_where_the_tree_would_bear_it():
    data = KINDS["inclusion"]
    for other in (b"7", b"5", b"11", b"06", b"+6", b"6 ", b"0x6", b"", b"-6", "\uff16".encode()):
        refused(edited(data, b"index 6\n", b"index " + other + b"\n"))


def test_an_entry_of_another_feed_is_refused_even_where_the_device_signed_it():
    world = World()
    head = bytearray(world.entries[6][0])
    head[2] ^= 1
    hashes = [leaf_hash(entry) for entry, _ in world.entries]
    hashes[6] = leaf_hash(bytes(head))
    world.tree = ListTree(hashes)
    with pytest.raises(TamperError, match=f"^{CHANGED}$"):
        proof.write_inclusion(world.signer, bytes(head), world.note(11), world.path(6, 11))


def test_hashes_swapped_left_out_doubled_or_cut_are_refused():
    for kind, first in (("inclusion", 3), ("consistency", 2)):
        lines = KINDS[kind].split(b"\n")
        last = lines.index(b"")
        path = lines[first:last]
        assert len(path) > 2
        for changed in (
            [path[1], path[0], *path[2:]],
            path[1:],
            path[:-1],
            [*path, path[-1]],
            [path[0], *path],
            path * 50,
            [],
        ):
            refused(b"\n".join([*lines[:first], *changed, *lines[last:]]))
        raw = base64.b64decode(path[0])
        for other in (raw[:-1], raw + b"\0", b""):
            changed = [base64.b64encode(other), *path[1:]]
            assert refused(b"\n".join([*lines[:first], *changed, *lines[last:]])) == CHANGED


@kinds
def test_there_is_one_way_to_write_base64(kind):
    lines = KINDS[kind].split(b"\n")
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    padded = 0
    for number, line in enumerate(lines):
        if not line.endswith(b"="):
            continue
        text = line.rstrip(b"=")
        same = alphabet[alphabet.index(text[-1:]) | 1]
        loose = text[:-1] + bytes([same]) + line[len(text) :]
        base64.b64decode(loose.split(b" ")[-1], validate=True)
        for other in (loose, text, line + b"=", line.replace(b"=", b"\n="), line + b" "):
            refused(b"\n".join([*lines[:number], other, *lines[number + 1 :]]))
            padded += 1
    assert padded >= 10


@kinds
def test_witnesses_unknown_to_the_checker_may_sign_too(kind):
    blob = b"\1\2\3\4" + bytes(5000)
    more = "".join(
        f"— witness{n}.example/w {base64.b64encode(blob).decode()}\n" for n in range(16)
    ).encode()
    data = KINDS[kind]
    found = check(data + more, OWNERS)
    assert check(data, OWNERS).signer == found.signer
    first = data.rindex("— twinvault/".encode())
    check(data[:first] + more + data[first:], OWNERS)


@kinds
@pytest.mark.parametrize(
    "line",
    [
        "- name AAAAAAA=",
        "—name AAAAAAA=",
        "— name",
        "—  AAAAAAA=",
        "— na+me AAAAAAA=",
        "— na\u00a0me AAAAAAA=",
        "— na\tme AAAAAAA=",
        "— na\x01me AAAAAAA=",
        "— na\u2003me AAAAAAA=",
        "— name AAAA",
        "— name AAAAAA==",
        "— name AAAAAAB=",
        "— name AAAAAAA",
        "— name AAAAAAA= ",
        "— name AAAA AAA=",
    ],
    ids=range(15),
)
def test_a_signature_line_that_no_note_has_is_refused(kind, line):
    refused(KINDS[kind] + line.encode() + b"\n")
    refused(KINDS[kind] + b"\xe2\x80\x94 \xff AAAAAAA=\n")


@kinds
def test_the_devices_own_signature_stands_there_once(kind):
    own = KINDS[kind].splitlines(keepends=True)[-1]
    refused(KINDS[kind] + own)
    assert "another key" in refused(
        KINDS[kind].removesuffix(own) + "— witness.example/w AAAAAAA=\n".encode()
    )


@kinds
def test_the_second_form_of_a_signature_is_refused(kind):
    *rest, line = KINDS[kind].removesuffix(b"\n").split(b"\n")
    before, _, text = line.rpartition(b" ")
    blob = base64.b64decode(text)
    order = 2**252 + 27742317777372353535851937790883648493
    again = int.from_bytes(blob[36:], "little") + order
    other = base64.b64encode(blob[:36] + again.to_bytes(32, "little"))
    refused(b"\n".join([*rest, before + b" " + other, b""]))


def test_what_a_revoked_device_wrote_afterwards_does_not_count():
    revoked = World(most=6)
    assert isinstance(check(revoked.inclusion(5)), Inclusion)
    for index in (6, 10):
        with pytest.raises(
            TamperError, match=r"^The entry does not count: its device was revoked before it\.$"
        ):
            revoked.inclusion(index)


def test_words_are_shown_only_if_they_were_sealed():
    found = check(KINDS["words"], OWNERS)
    assert isinstance(found, Inclusion)
    assert (found.body, found.committed) == (WORDS, True)
    extra = extra_of(KINDS["words"])
    body = WORLD.entries[6][1]
    start = extra[: -len(DATA_KEY) - len(body)]
    for shown in (
        bytes(32) + body,
        DATA_KEY + WORLD.entries[7][1],
        DATA_KEY + body[:-1],
        DATA_KEY + body + b"\0",
        DATA_KEY + forged(),
        DATA_KEY,
        DATA_KEY[:-1],
    ):
        refused(with_extra(KINDS["words"], start + shown))
    assert check(with_extra(KINDS["words"], start)).body is None


def test_an_entry_over_nothing_shows_nothing():
    world = World()
    head = world.entries[6][0][:-32] + sha256(b"").digest()
    hashes = [leaf_hash(entry) for entry, _ in world.entries]
    hashes[6] = leaf_hash(head)
    world.tree = ListTree(hashes)
    for key in (bytes(32), bytes(5)):
        with pytest.raises(
            TamperError, match=r"^The words in the proof are not those that were sealed\.$"
        ):
            proof.write_inclusion(
                world.signer, head, world.note(11), world.path(6, 11), Reveal(key, b"")
            )


def test_an_entry_of_the_second_version_opens_under_one_key():
    uncommitted = World(plain=WORDS.ljust(40, b"\0"))
    with pytest.raises(
        TamperError, match=r"^The key in the proof does not open what was sealed\.$"
    ):
        uncommitted.inclusion(reveal=True)


def test_an_entry_of_the_first_version_opens_and_is_said_not_to_commit():
    found = check(WORLD.inclusion(4, reveal=True), OWNERS)
    assert isinstance(found, Inclusion)
    assert (found.body, found.committed) == (WORDS, False)


def test_without_words_nothing_that_could_open_them_is_in_the_file():
    body = WORLD.entries[6][1]
    everything = KINDS["inclusion"] + extra_of(KINDS["inclusion"])
    for secret in (DATA_KEY, body, WORDS):
        assert secret not in everything
        assert base64.b64encode(secret)[:-4] not in everything
    assert body in extra_of(KINDS["words"])


def test_times_that_contradict_each_other_are_refused():
    head, _ = WORLD.entries[6]
    with pytest.raises(
        TamperError, match=r"^The entry is later than the checkpoint that covers it\.$"
    ):
        proof.write_inclusion(WORLD.signer, head, WORLD.note(11, 5), WORLD.path(6, 11))
    path = consistency_proof(WORLD.tree, 5, 11)
    with pytest.raises(TamperError, match=r"^The newer checkpoint has the earlier time\.$"):
        proof.write_consistency(WORLD.signer, WORLD.note(5, 5000), WORLD.note(11), path)
    with pytest.raises(TamperError, match=r"^The newer checkpoint has the earlier time\.$"):
        proof.write_consistency(WORLD.signer, WORLD.note(5), WORLD.note(5, 5000), [])


def test_what_proves_nothing_is_not_written():
    head, _ = WORLD.entries[6]
    with pytest.raises(RootMismatch, match=r"^The entry is not in the tree that was signed\.$"):
        proof.write_inclusion(WORLD.signer, head, WORLD.note(11), WORLD.path(7, 11))
    with pytest.raises(RootMismatch, match=r"^The entry is not in the tree that was signed\.$"):
        proof.write_inclusion(WORLD.signer, head, WORLD.note(12), WORLD.path(6, 11))
    path = consistency_proof(WORLD.tree, 5, 11)
    with pytest.raises(RootMismatch, match=f"^{NOT_SHOWN}$"):
        proof.write_consistency(WORLD.signer, WORLD.note(4), WORLD.note(11), path)
    with pytest.raises(RootMismatch, match=f"^{NOT_SHOWN}$"):
        proof.write_consistency(WORLD.signer, WORLD.note(11), WORLD.note(5), [])


def test_a_file_without_end_is_refused_before_it_is_read():
    assert refused(KINDS["words"] + bytes(proof.LARGEST)) == (
        "The proof is larger than 64 MiB, which no proof is."
    )
    huge = Reveal(DATA_KEY, bytes(proof.LARGEST))
    head, _ = WORLD.entries[6]
    with pytest.raises(UsageError) as caught:
        proof.write_inclusion(WORLD.signer, head, WORLD.note(11), WORLD.path(6, 11), huge)
    assert str(caught.value) == (
        "The words are too many to be shown in a proof; prove it without them."
    )


def test_a_proof_may_be_exactly_as_large_as_one_may_be(monkeypatch):
    monkeypatch.setattr(proof, "LARGEST", len(KINDS["words"]))
    assert WORLD.inclusion(reveal=True) == KINDS["words"]
    monkeypatch.setattr(proof, "LARGEST", len(KINDS["words"]) - 1)
    with pytest.raises(UsageError):
        WORLD.inclusion(reveal=True)
    assert refused(KINDS["words"]).startswith("The proof is larger than ")


@pytest.mark.parametrize(
    "data",
    [
        b"c2sp.org/tlog-proof@v0x1\n",
        b"words\n\nmore\n\nand more\n",
        KINDS["words"].replace(b"@v1\n", b"@v1X\n"),
    ],
    ids=range(3),
)
def test_what_is_no_proof_is_named_as_such(data):
    with pytest.raises(ForeignVault, match=r"^This is no proof of a vault's log\.$"):
        check(data)
    with pytest.raises(ForeignVault, match=r"^This is no proof of a vault's log\.$"):
        proof.notes_in(data)


def test_words_may_be_none():
    world = World()
    world.entries[4] = sealed(4, 1, b"")
    world.tree = ListTree([leaf_hash(head) for head, _ in world.entries])
    found = check(world.inclusion(4, reveal=True), OWNERS)
    assert isinstance(found, Inclusion)
    assert found.body == b""


def test_an_older_and_a_newer_checkpoint_of_one_time_are_consistent():
    path = consistency_proof(WORLD.tree, 5, 11)
    data = proof.write_consistency(WORLD.signer, WORLD.note(5, 1010), WORLD.note(11), path)
    assert isinstance(check(data), Consistency)
    same = proof.write_consistency(WORLD.signer, WORLD.note(5), WORLD.note(5), [])
    assert isinstance(check(same), Consistency)


def test_a_consistency_proof_holds_nothing_more():
    extra = extra_of(KINDS["consistency"])
    assert refused(with_extra(KINDS["consistency"], extra + b"x")) == CHANGED


def test_an_inclusion_proof_without_an_entry_or_an_index_was_changed():
    data = KINDS["inclusion"]
    assert refused(with_extra(data, extra_of(data)[:137])) == CHANGED
    assert refused(with_extra(data, extra_of(data)[:136])) == CHANGED
    lines = data.split(b"\n")
    assert refused(b"\n".join([*lines[:2], *lines[lines.index(b"") :]])) == CHANGED
    assert refused(data.replace(b"\nextra ", b"\nmore ", 1)) == CHANGED
