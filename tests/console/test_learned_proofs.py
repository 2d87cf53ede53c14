"""Proving what a model learned from, and every way to cheat at it."""

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from console import bootstrap
from console.use import learning, proving
from projections import lineage
from projections.lineage import Learned
from projections.view import encode
from vault.consent import Effect, Purpose
from vault.errors import Exists, ForeignVault, NotFound, TamperError, UsageError
from vault.events import Manifest, ModelTrained
from vault.log.passphrase import Stretch
from vault.membership import Members


def manifest(name, items):
    members = Members(items)
    return Manifest(
        model=name, kind="scratch", base="", base_path="", recipe="{}", environment="{}",
        position=1, checkpoint="", rows=len(items), rows_root="", statements=(), slices=(),
        weights="", items=members.size if items else 0, items_root=members.root if items else "",
    )  # fmt: skip


def registered(twin, name, items, kept=None):
    made = manifest(name, items)
    rows = [Learned(id=item, events=(item,), statements=()) for item in kept or items]
    twin.models.write(f"{name}.rows", encode(rows))
    twin.vault.record(ModelTrained(manifest=made, signature=learning.sign(twin, made)))


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A vault of some statements, with a model that learned from a few of them."""
    home = tmp_path_factory.mktemp("proofs") / "home"
    costs = Stretch.__init__.__kwdefaults__ or {}
    before = dict(costs)
    costs.update(memory=64, passes=1, lanes=1)
    bootstrap.create(home, "words")
    costs.update(before)
    twin = bootstrap.open_(home, "words")
    for _ in range(20):
        twin.vault.say(Effect.ALLOW, "message", Purpose.TRAIN)
    ids = [entry.id for page in twin.log.pages() for entry in page.entries]
    registered(twin, "m1", ids[:16:2])
    registered(twin, "m2", ids[1:16:2])
    yield twin, ids
    twin.close()


@pytest.fixture
def proof(opened, tmp_path):
    """The bytes of proofs that `m1` learned an item, and did not learn another."""
    twin, ids = opened

    def made(item, model="m1"):
        out = tmp_path / f"{model}-{item}"
        out.unlink(missing_ok=True)
        return proving.prove_learning(twin, model, item, out=out).out.read_bytes()

    # What is smaller or greater than every leaf has one neighbour alone.
    absent = next(one for one in ids[1:16:2] if len(leaves(made(one))) == 2)
    return made(ids[4]), made(absent), made(absent, "m2")


@pytest.fixture
def check(tmp_path):
    def checked(data, owner=""):
        path = tmp_path / "given"
        path.write_bytes(data)
        return proving.verify(path, owner)

    return checked


def test_anybody_sees_what_a_model_learned_and_what_it_did_not(opened, proof, check):
    _, ids = opened
    yes, no, other = map(check, proof)
    assert (yes.item, yes.learned, yes.model, yes.items) == (ids[4], True, "m1", 8)
    assert (no.item in ids[1:16:2], no.learned) == (True, False)
    assert (other.learned, other.model) == (True, "m2")
    assert check(proof[0], yes.owner) == yes
    with pytest.raises(ForeignVault, match="another owner"):
        check(proof[0], Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex())


def leaves(data):
    """The leaves in a proof, each with its path."""
    head = data.partition(b"\n\n")[0]
    return re.findall(rb"leaf .*(?:\n(?!leaf).*)*", head.split(b"\n", 2)[2])


def other_bits(text):
    """Another way to write the same bytes in base64."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[:-2] + letters[letters.index(text[-2]) ^ 1 :][:1] + b"="


def test_a_proof_that_was_tampered_with_is_refused(opened, proof, check):
    _, ids = opened
    yes, no, other = proof
    one, two = leaves(no)
    entry = {data: data.partition(b"\n\n")[2] for data in proof}
    item, hashed = ids[4].encode(), leaves(yes)[0].split(b"\n")[1]
    absent = no.split(b"\n")[1].removeprefix(b"item ")
    for name, cheated in {
        "swapped neighbours": no.replace(one + b"\n" + two, two + b"\n" + one),
        "one neighbour": no.replace(b"\n" + two, b""),
        "the same twice": no.replace(two, one),
        "another item": yes.replace(b"item " + item, b"item " + absent),
        "absence of a member": no.replace(absent, item, 1),
        "another model's manifest": yes.replace(entry[yes], entry[other]),
        "leaves of another model": no.replace(one + b"\n" + two, leaves(other)[0]),
        "another place": yes.replace(b"leaf ", b"leaf 1", 1),
        "a hash less": yes.replace(leaves(yes)[0], leaves(yes)[0].rpartition(b"\n")[0]),
        "no leaf": yes.replace(b"\n" + leaves(yes)[0], b""),
        "written otherwise": yes.replace(b"item ", b"item  ", 1),
        "unused bits": yes.replace(hashed, other_bits(hashed)),
        "line ends": yes.replace(b"\n", b"\r\n"),
        "something behind": yes + b"\n",
    }.items():
        assert cheated not in proof, name
        with pytest.raises((TamperError, ForeignVault)):
            check(cheated)


def test_a_proof_that_was_cut_short_anywhere_is_refused(proof, check):
    for data in proof[:2]:
        for end in range(0, len(data), 37):
            with pytest.raises((TamperError, ForeignVault)):
                check(data[:end])


def test_a_flipped_bit_anywhere_is_refused_or_proves_another_truth(opened, proof, check):
    learned = set(opened[1][:16:2])
    for data in proof[:2]:
        named = data.index(b"\nleaf")
        for at in [*range(named), *range(named, len(data), 29)]:
            flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            if at >= named:
                with pytest.raises((TamperError, ForeignVault)):
                    check(flipped)
                continue
            # The neighbours of an absent item are those of others too: that proof is theirs.
            try:
                found = check(flipped)
            except (TamperError, ForeignVault):
                continue
            assert not found.learned
            assert found.item not in learned


def test_the_proof_of_an_entry_that_is_no_manifest_says_nothing_of_training(opened, proof, check):
    twin, ids = opened
    entry = proving.proofs.prove(twin.log, ids[0], reveal=True)
    with pytest.raises(TamperError, match="no manifest"):
        check(proof[0].partition(b"\n\n")[0] + b"\n\n" + entry)


def test_a_newer_proof_asks_for_a_newer_release(proof, check):
    with pytest.raises(ForeignVault, match="newer"):
        check(proof[0].replace(b"learned@v1", b"learned@v2", 1))


def test_what_cannot_be_proved_is_said_with_the_way_out(opened, tmp_path):
    twin, ids = opened
    registered(twin, "early", (), kept=ids[:1])
    registered(twin, "forged", ids[:4], kept=ids[:3])
    for model, item, error, words in (
        ("nobody", ids[0], NotFound, "twin models"),
        ("m1", f"{ids[0]}999", NotFound, "no entry"),
        ("early", ids[0], UsageError, "twin retrain"),
        ("forged", ids[0], TamperError, "does not lead"),
    ):
        with pytest.raises(error, match=words):
            proving.prove_learning(twin, model, item, out=tmp_path / "x")
        assert not (tmp_path / "x").exists()
    (tmp_path / "x").write_text("mine")
    with pytest.raises(Exists):
        proving.prove_learning(twin, "m1", ids[0], out=tmp_path / "x")
    lineage.forget_rows(twin.models, "m2")
    with pytest.raises(NotFound, match="not kept"):
        proving.prove_learning(twin, "m2", ids[0], out=tmp_path / "y")


def test_signatures_of_manifests_that_named_no_items_still_hold():
    """What such a release signed were these bytes, field after field."""
    signed = learning.signable(manifest("m", ()))
    assert signed.startswith(b'{"model":"m","kind":"scratch","base":"","base_path":"","recipe":')
    assert signed.endswith(b'"slices":[],"weights":"","metrics":[]}')
    assert b'"items":1' in learning.signable(manifest("m", ("one",)))
