"""Whatever opens a vault can be replaced; a crash leaves the old, the new, or both, never none."""

import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import pytest
from logkit import (
    PASSPHRASE,
    create,
    draft,
    drafts,
    everything,
    forget,
    numbers,
    recovery_key,
    reopen,
    sound,
)
from mirrorkit import Memory, copied, further, killed_at, memory, reached_by, swap, told

from vault.derived import Derived
from vault.errors import BadSignature, Locked, Revoked, StorageError, TamperError, UsageError
from vault.events import DeviceRevoked, KeysRotated
from vault.log import home, rotation
from vault.log.enrolment import devices, finish_revocations, revoke
from vault.log.folder import NEXT, read_identity
from vault.log.owner import check_handover, unlock

NEW = "another horse, another battery"
HELD = [0, None, 2, 3, 10, 11]


@pytest.fixture
def tmp_path():
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        yield Path(folder)


@pytest.fixture
def vault(tmp_path):
    """A closed vault with items of two scopes, one erased, some by a collector, and a model."""
    with closing(create(tmp_path)) as log:
        ids = log.append(drafts(0, 4))
        forget(log, [ids[1]])
        home.delegate(tmp_path / "home", log)
        models(log, tmp_path).write("state", b"weights")
    with closing(home.open_unattended(tmp_path / "home")) as collector:
        collector.append(drafts(10, 2))
    return tmp_path / "home"


def models(log, tmp_path) -> Derived:
    return Derived(tmp_path / "home" / "models", log.keys.sealing("models"))


def opens(vault, secret) -> bool:
    try:
        home.open_(vault, secret).close()
    except Locked:
        return False
    return True


def is_whole(vault, secret) -> bool:
    with closing(home.open_(vault, secret)) as log:
        assert sound(log)
        assert numbers(log) == HELD
        assert models(log, vault.parent).read("state") == b"weights"
    return True


# The owner key.


def test_after_a_new_owner_key_only_the_new_secrets_open_and_all_is_there(vault, tmp_path):
    old = recovery_key(tmp_path)
    rotation.rotate_owner_key(vault, PASSPHRASE, NEW, tmp_path / "new.txt")
    assert is_whole(vault, NEW)
    assert is_whole(vault, (tmp_path / "new.txt").read_text())
    assert not opens(vault, PASSPHRASE)
    assert not opens(vault, old)
    identity = read_identity(vault)
    assert (identity.generation, identity.transition) == (2, b"")
    assert not (vault / NEXT).exists()
    assert not (vault / "collector.json").exists()


def test_the_owner_before_names_the_next_and_the_log_says_so(vault, tmp_path):
    old = unlock(read_identity(vault), PASSPHRASE)
    rotation.rotate_owner_key(vault, PASSPHRASE, PASSPHRASE, tmp_path / "new.txt")
    identity = read_identity(vault)
    check_handover(old.public, identity)
    new = unlock(identity, PASSPHRASE)
    with pytest.raises(BadSignature):
        check_handover(new.public, identity)
    assert new.constants.root == old.constants.root
    assert new.constants.mirrors[:1] == old.constants.mirrors
    assert (new.key, new.public.public_bytes_raw()) != (old.key, old.public.public_bytes_raw())
    with closing(reopen(tmp_path)) as log:
        said = [entry[4] for entry in told(log) if isinstance(entry[4], KeysRotated)]
    assert [(one.part, one.generation, one.public_key) for one in said] == [
        ("owner", 2, identity.owner)
    ]


def test_an_old_copy_of_vault_json_opens_nothing_of_the_vault_as_it_is_now(vault, tmp_path):
    old = (vault / "vault.json").read_bytes()
    rotation.rotate_owner_key(vault, PASSPHRASE, NEW, tmp_path / "new.txt")
    (vault / "vault.json").write_bytes(old)
    before = everything(vault)
    with pytest.raises(TamperError):
        home.open_(vault, PASSPHRASE)
    assert everything(vault) == before


def test_items_blinded_under_one_owner_key_are_known_under_the_next(vault, tmp_path):
    rotation.rotate_owner_key(vault, PASSPHRASE, PASSPHRASE, tmp_path / "new.txt")
    with closing(reopen(tmp_path)) as log:
        one, erased, other = log.known(
            [(d.natural_key, d.content) for d in (draft(0), draft(1), draft(7))]
        )
    assert one is not None
    assert (one.same, one.erased) == (True, False)
    assert erased is not None
    assert erased.erased
    assert other is None


@pytest.mark.parametrize("again", [PASSPHRASE, NEW, "page"])
def test_a_new_owner_key_killed_at_any_point_is_finished_by_either_secret(vault, tmp_path, again):
    start = copied(vault, tmp_path / "start")
    page = tmp_path / "new.txt"

    def work():
        rotation.rotate_owner_key(vault, PASSPHRASE, NEW, page)

    names = reached_by(work)
    assert {
        "page.written", "owner.prepared", "identity.replaced", "owner.keys-moved",
        "owner.stores-moved", "owner.devices-certified", "owner.recorded",
    } <= set(names)  # fmt: skip
    for number, _ in enumerate(names):
        copied(start, vault)
        page.unlink(missing_ok=True)
        killed_at(number, work)
        secret = page.read_text() if again == "page" and page.exists() else again
        under_way = bool(read_identity(vault).transition)
        assert opens(vault, secret) or not under_way, "while it is under way both open it"
        assert opens(vault, PASSPHRASE) != opens(vault, NEW)
        moved = read_identity(vault).generation == 2
        assert moved or not under_way
        assert is_whole(vault, NEW if moved else PASSPHRASE)
        assert not (vault / NEXT).exists()
        page.unlink(missing_ok=True)
        present = NEW if moved else PASSPHRASE
        rotation.rotate_owner_key(vault, present, "a third one", page)
        assert is_whole(vault, "a third one")


def test_a_revoked_device_cannot_replace_the_owner_key_and_is_not_stuck(vault, tmp_path):
    place = Memory()
    with closing(reopen(tmp_path)) as log:
        swap(log, vault, place)
        with closing(further(tmp_path / "b", place, "laptop")) as other:
            revoke(other, "first device")
            swap(other, tmp_path / "b", place)
        swap(log, vault, place)
    before = everything(vault)
    with pytest.raises(Revoked, match="This device was revoked"):
        rotation.rotate_owner_key(vault, PASSPHRASE, NEW, tmp_path / "new.txt")
    assert everything(vault) == before
    assert not (tmp_path / "new.txt").exists()
    assert is_whole(vault, PASSPHRASE)


# The device key.


def test_a_new_device_key_is_a_new_feed_and_the_old_one_ends(vault, tmp_path):
    old = read_identity(vault)
    rotation.rotate_device_key(vault, PASSPHRASE)
    assert is_whole(vault, PASSPHRASE)
    with closing(reopen(tmp_path)) as log:
        before, after = devices(log)
        assert (before.revoked, before.this, before.entries) == (True, False, 8)
        assert (after.revoked, after.this, after.name) == (False, True, before.name)
        assert any(isinstance(entry[4], DeviceRevoked) for entry in told(log))
        log.append(drafts(20, 1))
        assert numbers(log) == [*HELD, 20]
    assert read_identity(vault).device != old.device
    assert not (vault / "collector.json").exists()


def test_what_is_signed_with_the_old_device_key_counts_no_more(vault, tmp_path):
    old = copied(vault, tmp_path / "old")
    rotation.rotate_device_key(vault, PASSPHRASE)
    place = Memory()
    with closing(reopen(tmp_path)) as log:
        swap(log, vault, place)
        with closing(home.open_(old, PASSPHRASE)) as thief:
            thief.append(drafts(66, 1))
            swap(thief, old, place)
        swap(log, vault, place)
        assert numbers(log) == HELD
        assert sound(log)


def test_a_new_device_key_killed_at_any_point_is_taken_or_dropped(vault, tmp_path):
    start = copied(vault, tmp_path / "start")

    def work():
        rotation.rotate_device_key(vault, PASSPHRASE)

    names = reached_by(work)
    assert {"identity.replaced", "log.committed", "device.followed"} <= set(names)
    for number, _ in enumerate(names):
        copied(start, vault)
        killed_at(number, work)
        assert is_whole(vault, PASSPHRASE)
        with closing(reopen(tmp_path)) as log:
            assert [one.this for one in devices(log) if not one.revoked] == [True]
            log.append(drafts(20, 1))
            assert numbers(log) == [*HELD, 20]
        assert read_identity(vault).next_device == b""
        work()
        with closing(reopen(tmp_path)) as log:
            assert sound(log)
            assert sum(not one.revoked for one in devices(log)) == 1


# The keys of scopes.


def test_new_keys_of_scopes_open_all_and_leave_no_wrapped_key_as_it_was(vault, tmp_path):
    with closing(reopen(tmp_path)) as log:
        ids = [entry[2] for entry in told(log)]
        pages = {
            (record.header.feed, record.header.key_page)
            for record in log.located(ids)
            if record.body
        }
        store = log.keys.store
        before = {id_: page for id_, page in store.pages(pages).items() if page.scope}
        scopes = store.scope_ids()
        assert rotation.rotate_scopes(log) == len(scopes) >= 3
        after = store.pages(before)
        assert not {page.wrapped for page in before.values()} & {
            page.wrapped for page in after.values()
        }
        assert not set(scopes) & set(store.scope_ids())
        assert sound(log)
    content = (vault / "keys.db").read_bytes()
    assert not any(page.wrapped in content for page in before.values())
    assert is_whole(vault, PASSPHRASE)


def test_new_keys_of_scopes_killed_at_any_point_leave_everything_readable(vault, tmp_path):
    start = copied(vault, tmp_path / "start")

    def work():
        with closing(reopen(tmp_path)) as log:
            rotation.rotate_scopes(log)

    names = reached_by(work)
    assert "keys.scope-rotated" in names
    for number, _ in enumerate(names):
        copied(start, vault)
        killed_at(number, work)
        assert is_whole(vault, PASSPHRASE)
        work()
        assert is_whole(vault, PASSPHRASE)


@pytest.mark.usefixtures("vault")
def test_a_process_that_holds_old_keys_of_scopes_goes_on(tmp_path):
    with closing(reopen(tmp_path)) as log, closing(reopen(tmp_path)) as other:
        other.append(drafts(20, 1))
        rotation.rotate_scopes(log)
        assert numbers(other) == [*HELD, 20]
        ids = other.append(drafts(21, 2))
        rotation.rotate_scopes(log)
        assert forget(other, [ids[0]]) == 1
        assert numbers(log) == numbers(other) == [*HELD, 20, None, 22]
        assert sound(log)


# Passphrase and recovery page.


@pytest.mark.parametrize("by", ["passphrase", "recovery key"])
def test_a_new_passphrase_takes_the_place_of_the_old_and_the_page_stays(vault, tmp_path, by):
    page = recovery_key(tmp_path)
    before = (vault / "log.db").read_bytes()
    rotation.change_passphrase(vault, PASSPHRASE if by == "passphrase" else page, NEW)
    assert (vault / "log.db").read_bytes() == before
    assert [opens(vault, secret) for secret in (PASSPHRASE, NEW, page)] == [False, True, True]
    assert is_whole(vault, NEW)


def test_a_new_page_takes_the_place_of_the_old_and_the_passphrase_stays(vault, tmp_path):
    page = recovery_key(tmp_path)
    rotation.new_recovery_page(vault, PASSPHRASE, tmp_path / "new.txt")
    new = (tmp_path / "new.txt").read_text()
    assert [opens(vault, secret) for secret in (PASSPHRASE, page, new)] == [True, False, True]


@pytest.mark.parametrize("what", ["passphrase", "page"])
def test_changes_killed_at_any_point_leave_the_old_or_the_new(vault, tmp_path, what):
    start = copied(vault, tmp_path / "start")
    page, new = recovery_key(tmp_path), tmp_path / "new.txt"

    def work():
        if what == "passphrase":
            rotation.change_passphrase(vault, PASSPHRASE, NEW)
        else:
            rotation.new_recovery_page(vault, PASSPHRASE, new)

    names = reached_by(work)
    assert "identity.replaced" in names
    for number, _ in enumerate(names):
        copied(start, vault)
        new.unlink(missing_ok=True)
        killed_at(number, work)
        if what == "passphrase":
            assert opens(vault, PASSPHRASE) != opens(vault, NEW)
            assert opens(vault, page)
        else:
            with suppress(FileNotFoundError):
                assert opens(vault, page) != opens(vault, new.read_text())
            assert opens(vault, PASSPHRASE)


# Refused.


@pytest.mark.parametrize(
    "change",
    [
        lambda vault, secret: rotation.change_passphrase(vault, secret, NEW),
        lambda vault, secret: rotation.new_recovery_page(vault, secret, vault.parent / "n.txt"),
        rotation.rotate_device_key,
        lambda vault, secret: rotation.rotate_owner_key(vault, secret, NEW, vault.parent / "n.txt"),
    ],
)
def test_nothing_changes_under_a_wrong_secret_or_beside_another_process(vault, tmp_path, change):
    before = everything(vault)
    with pytest.raises(Locked):
        change(vault, "wrong")
    assert everything(vault) == before
    alone = pytest.raises(StorageError, match="needs the vault for itself")
    with closing(reopen(tmp_path)), alone:
        change(vault, PASSPHRASE)
    assert is_whole(vault, PASSPHRASE)
    assert not (tmp_path / "n.txt").exists()


def test_an_empty_passphrase_and_a_page_in_the_way_are_refused(vault, tmp_path):
    (tmp_path / "n.txt").write_text("in the way")
    before = everything(vault)
    for refused in (
        lambda: rotation.change_passphrase(vault, PASSPHRASE, ""),
        lambda: rotation.rotate_owner_key(vault, PASSPHRASE, "", tmp_path / "m.txt"),
        lambda: rotation.rotate_owner_key(vault, PASSPHRASE, NEW, tmp_path / "n.txt"),
        lambda: rotation.new_recovery_page(vault, PASSPHRASE, tmp_path / "n.txt"),
        lambda: rotation.new_recovery_page(vault, PASSPHRASE, vault / "page.txt"),
    ):
        with pytest.raises(UsageError):
            refused()
    assert everything(vault) == before


def test_an_older_row_of_a_certificate_does_not_revive_a_revoked_device(vault, tmp_path):
    with closing(sqlite3.connect(vault / "log.db")) as db:
        row = db.execute("SELECT * FROM device").fetchone()
    rotation.rotate_device_key(vault, PASSPHRASE)
    with closing(sqlite3.connect(vault / "log.db")) as db, db:
        db.execute("INSERT OR REPLACE INTO device VALUES(?, ?, ?, ?)", row)
    with closing(reopen(tmp_path)) as log:
        assert [one.revoked for one in devices(log)] == [True, False]
        finish_revocations(log)
        assert sound(log)
