"""Proofs made from a real log: its tiles, its devices, its gaps, and who remembers it."""

import sqlite3

import pytest

from vault import proofs
from vault.errors import Erased, ForeignVault, NotFound, RolledBack, TamperError, UsageError
from vault.events import ItemCollected, ItemErased, OwnerNamed
from vault.items import Item
from vault.log import home, rotation
from vault.log.certificate import fingerprint
from vault.log.passphrase import Stretch
from vault.log.proof import Consistency, Inclusion, check
from vault.log.sealed import Draft
from vault.proofs import ProvedEntry, ProvedGrowth

PASSPHRASE = "correct horse battery staple"
CANARY = "zanzibar-canary"


def note(number: int) -> Draft:
    item = Item(source="s", native_id=str(number), type="document.note", text=f"{CANARY} {number}")
    return Draft(event=ItemCollected(item=item), natural_key=b"%d" % number, content=b"c")


@pytest.fixture
def log(tmp_path):
    """A log of a few pages, with two complete tiles of 256 entries."""
    stretch = Stretch(memory=64, passes=1, lanes=1)
    made = home.create(tmp_path / "home", PASSPHRASE, tmp_path / "recovery", stretch=stretch)
    for start, end in ((1, 5), (5, 300), (300, 301), (301, 600)):
        made.append([note(number) for number in range(start, end)])
    yield made
    made.close()


def test_every_entry_of_a_log_can_be_proved(log):
    for seq in (0, 1, 4, 255, 256, 299, 300, 511, 512, 599):
        found = check(proofs.prove(log, f"{log.feed.hex()}-{seq}"), log.owner_public)
        assert isinstance(found, Inclusion)
        assert (found.header.seq, found.note.size, found.body) == (seq, 600, None)
        assert found.note.root == log.head.root


def test_what_was_collected_is_shown_with_its_words_and_no_others(log, tmp_path):
    file = tmp_path / "proof"
    file.write_bytes(proofs.prove(log, f"{log.feed.hex()}-7", reveal=True))
    proved = proofs.check(file, fingerprint(log.owner_public))
    assert isinstance(proved, ProvedEntry)
    assert (proved.event, proved.shown) == (note(7).event, True)
    assert proved.entry == f"{log.feed.hex()}-7"
    assert proved.tree.root == log.head.root.hex()


def test_an_erased_entry_can_be_proved_and_not_shown(log):
    item = f"{log.feed.hex()}-7"
    log.append([Draft(event=ItemErased(item_ids=(item,)))])
    log.erase([item])
    assert isinstance(check(proofs.prove(log, item)), Inclusion)
    with pytest.raises(Erased, match="erased"):
        proofs.prove(log, item, reveal=True)


def test_growth_is_proved_from_every_page_on(log, tmp_path):
    kept = tmp_path / "kept"
    for size in (600, 601, 900):
        kept.unlink(missing_ok=True)
        head = proofs.hand_out(log, kept)
        log.append([Draft(event=OwnerNamed(names=("Ada",)))] * (1 if size < 601 else 299))
        found = check(proofs.prove_since(log, kept), log.owner_public)
        assert isinstance(found, Consistency)
        assert (found.old.data, found.new.size) == (head.data, log.head.size)
    file = tmp_path / "proof"
    file.write_bytes(proofs.prove_since(log, kept))
    proved = proofs.check(file)
    assert isinstance(proved, ProvedGrowth)
    assert (proved.older.size, proved.tree.size, proved.counted) == (head.size, log.head.size, None)
    assert check(proofs.prove_since(log, file)).old.size == proved.tree.size


def test_a_damaged_index_of_the_tree_makes_no_wrong_proof(log, tmp_path):
    kept = tmp_path / "kept"
    proofs.hand_out(log, kept)
    log.append([note(number) for number in range(600, 900)])
    database = sqlite3.connect(tmp_path / "home" / "log.db", isolation_level=None)
    changed = "UPDATE tile SET hash = zeroblob(32) WHERE level = 8 AND number = 0"
    assert database.execute(changed).rowcount == 1
    with pytest.raises(TamperError, match="not in the tree"):
        proofs.prove(log, f"{log.feed.hex()}-700")
    with pytest.raises(TamperError, match="twin verify") as caught:
        proofs.differences(log, kept)
    assert not isinstance(caught.value, RolledBack)
    database.execute("DELETE FROM tile WHERE level = 8 AND number = 0")
    with pytest.raises(TamperError, match="gaps"):
        proofs.prove(log, f"{log.feed.hex()}-700")
    database.close()


def test_whoever_remembers_more_is_not_overwritten(log, tmp_path):
    kept = tmp_path / "kept"
    assert proofs.hand_out(log, kept).size == 600
    before = kept.read_bytes()
    other = home.create(
        tmp_path / "other",
        PASSPHRASE,
        tmp_path / "other-recovery",
        stretch=Stretch(memory=64, passes=1, lanes=1),
    )
    with pytest.raises(UsageError, match="another vault"):
        proofs.hand_out(other, kept)
    with pytest.raises(TamperError, match="no checkpoint of this vault"):
        proofs.differences(other, kept)
    with pytest.raises(TamperError, match="never enrolled"):
        proofs.prove_since(other, kept)
    other.close()
    assert kept.read_bytes() == before
    assert proofs.differences(log, kept) == proofs.differences(log, tmp_path / "home") == []


def test_what_is_not_there_cannot_be_proved(log, tmp_path):
    for entry in (f"{log.feed.hex()}-600", "0" * 16 + "-0", "nonsense", f"{log.feed.hex()}-07"):
        with pytest.raises(NotFound):
            proofs.prove(log, entry)
    with pytest.raises(NotFound):
        proofs.prove_since(log, tmp_path / "nothing")
    with pytest.raises(NotFound):
        proofs.check(tmp_path / "nothing")
    with pytest.raises(NotFound):
        proofs.check(tmp_path)


def test_a_device_key_that_was_replaced_still_proves_what_it_signed(log, tmp_path):
    kept, old = tmp_path / "kept", log.feed
    proofs.hand_out(log, kept)
    log.close()
    rotation.rotate_device_key(tmp_path / "home", PASSPHRASE)
    renewed = home.open_(tmp_path / "home", PASSPHRASE)
    assert renewed.feed != old
    renewed.append([note(900)])
    certificate = renewed.certificate(old)
    assert certificate.revoked
    for entry in (f"{old.hex()}-7", f"{renewed.feed.hex()}-{renewed.tree().size - 1}"):
        found = check(proofs.prove(renewed, entry, reveal=True), renewed.owner_public)
        assert found.header.id == entry
    file = tmp_path / "proof"
    file.write_bytes(proofs.prove_since(renewed, kept))
    proved = proofs.check(file)
    assert (proved.feed, proved.counted) == (old.hex(), certificate.most)
    assert proofs.differences(renewed, kept) == []
    with pytest.raises(UsageError, match="another device"):
        proofs.hand_out(renewed, kept)
    renewed.close()


def test_a_new_owner_key_has_another_fingerprint_and_old_proofs_keep_theirs(log, tmp_path):
    entry, before = f"{log.feed.hex()}-7", log.owner_public
    old = proofs.prove(log, entry)
    log.close()
    rotation.rotate_owner_key(tmp_path / "home", PASSPHRASE, PASSPHRASE, tmp_path / "new-recovery")
    renewed = home.open_(tmp_path / "home", PASSPHRASE)
    assert renewed.owner_public != before
    new = proofs.prove(renewed, entry)
    assert check(new, renewed.owner_public).header == check(old, before).header
    for data, owner in ((new, before), (old, renewed.owner_public)):
        with pytest.raises(ForeignVault, match="another owner"):
            check(data, owner)
    renewed.close()
