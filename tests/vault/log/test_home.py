"""Making and opening a vault: what is written where, and what is refused without a trace."""

import json
import os
import shutil
import subprocess

import pytest
from logkit import (
    CANARY,
    CHEAP,
    PASSPHRASE,
    create,
    draft,
    drafts,
    everything,
    numbers,
    recovery_key,
    reopen,
    script,
    sound,
)

from vault.errors import ForeignVault, Locked, NotFound, StorageError, TamperError, UsageError
from vault.log import home
from vault.log.keys import CollectorKeys


def test_a_new_vault_is_private_and_complete(tmp_path):
    log = create(tmp_path)
    log.append(drafts(0, 3))
    folder = tmp_path / "home"
    files = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert {"vault.json", "log.db", "keys.db", "pin", "views", "models"} <= files.keys()
    assert set(files.values()) == {0o600, 0o700}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "recovery.txt").stat().st_mode & 0o777 == 0o600
    assert sound(log)
    log.close()


def test_it_opens_with_the_passphrase_or_the_recovery_key(tmp_path):
    log = create(tmp_path)
    log.append(drafts(0, 3))
    label = log.keys.derived("views")
    log.close()
    for secret in (PASSPHRASE, recovery_key(tmp_path), recovery_key(tmp_path).lower()):
        log = home.open_(tmp_path / "home", secret)
        assert numbers(log) == [0, 1, 2]
        assert log.keys.derived("views") == label
        assert log.keys.derived("aliases") != label
        log.close()


def test_a_passphrase_may_look_like_a_recovery_key(tmp_path):
    other = create(tmp_path)
    other.close()
    passphrase = recovery_key(tmp_path)
    log = home.create(tmp_path / "two", passphrase, tmp_path / "two.txt", stretch=CHEAP)
    log.close()
    home.open_(tmp_path / "two", passphrase).close()


def test_a_wrong_passphrase_changes_nothing(tmp_path):
    create(tmp_path).close()
    folder = tmp_path / "home"

    def state():
        return {
            path.name: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted(folder.rglob("*"))
        }

    before = state()
    slip = recovery_key(tmp_path)[:-1] + "*"
    for secret in ("", "wrong", PASSPHRASE + " ", PASSPHRASE.upper(), slip):
        with pytest.raises(Locked, match="passphrase"):
            home.open_(folder, secret)
    assert state() == before


def test_an_empty_passphrase_is_refused(tmp_path):
    with pytest.raises(UsageError, match="empty"):
        home.create(tmp_path / "home", "", tmp_path / "recovery.txt")
    assert not (tmp_path / "recovery.txt").exists()


def test_what_is_there_already_is_not_overwritten(tmp_path):
    create(tmp_path).close()
    held = everything(tmp_path)
    with pytest.raises(UsageError, match="vault in"):
        create(tmp_path)
    with pytest.raises(UsageError, match="exists"):
        home.create(tmp_path / "other", PASSPHRASE, tmp_path / "recovery.txt", stretch=CHEAP)
    with pytest.raises(UsageError, match="outside"):
        home.create(tmp_path / "other", PASSPHRASE, tmp_path / "other" / "key.txt", stretch=CHEAP)
    with pytest.raises(UsageError, match="is a file"):
        home.create(tmp_path / "recovery.txt", PASSPHRASE, tmp_path / "new.txt", stretch=CHEAP)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "novel.txt").write_text("mine")
    with pytest.raises(UsageError, match="other files"):
        home.create(tmp_path / "letters", PASSPHRASE, tmp_path / "new.txt", stretch=CHEAP)
    assert (tmp_path / "letters" / "novel.txt").read_text() == "mine"
    (tmp_path / "letters" / "novel.txt").unlink()
    assert held in everything(tmp_path) or everything(tmp_path) == held


def test_folders_that_are_no_vault_are_named(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere", tmp_path / "file" / "below"):
        (tmp_path / "file").touch()
        with pytest.raises(NotFound, match="no vault"):
            home.open_(folder, PASSPHRASE)
    for content in (b"", b"[]", b"{}", b"\xff", b'"x"', b"null", b'{"some": "program"}'):
        (tmp_path / "vault.json").write_bytes(content)
        with pytest.raises(ForeignVault):
            home.open_(tmp_path, PASSPHRASE)


def test_a_newer_format_is_refused_before_anything_is_touched(tmp_path):
    create(tmp_path).close()
    path = tmp_path / "home" / "vault.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 3, "new": True}))
    held = everything(tmp_path)
    with pytest.raises(ForeignVault, match="format 3"):
        reopen(tmp_path)
    assert everything(tmp_path) == held


def test_a_changed_field_is_noticed_even_with_its_checksum_made_right(tmp_path):
    create(tmp_path).close()
    create_other = tmp_path / "other"
    create_other.mkdir()
    create(create_other).close()
    path = tmp_path / "home" / "vault.json"
    from vault.log.identity import Identity  # noqa: PLC0415 - the one test that forges

    mine = Identity.decode(path.read_bytes())
    theirs = Identity.decode((create_other / "home" / "vault.json").read_bytes())
    from dataclasses import replace  # noqa: PLC0415

    for field in ("recovery", "device", "mac"):
        path.write_bytes(replace(mine, **{field: getattr(theirs, field)}).encode())
        with pytest.raises(TamperError):
            reopen(tmp_path)


@pytest.mark.parametrize("name", ["log.db", "keys.db", "pin"])
def test_a_missing_file_is_named(tmp_path, name):
    create(tmp_path).close()
    (tmp_path / "home" / name).unlink()
    with pytest.raises(TamperError, match=name.removesuffix(".db")):
        reopen(tmp_path)


def test_files_of_another_vault_are_refused(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        create(tmp_path / name).close()
    for name in ("log.db", "keys.db", "pin", "vault.json"):
        shutil.rmtree(tmp_path / "mixed", ignore_errors=True)
        shutil.copytree(tmp_path / "one", tmp_path / "mixed")
        shutil.copy(tmp_path / "two" / "home" / name, tmp_path / "mixed" / "home")
        with pytest.raises(TamperError):
            list(reopen(tmp_path / "mixed").pages())


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises((StorageError, UsageError)):
        home.create(tmp_path / "file" / "home", PASSPHRASE, tmp_path / "new.txt", stretch=CHEAP)


def test_a_locked_folder_shows_nothing(tmp_path):
    log = create(tmp_path)
    secret = "zanzibarcanary"
    log.append([draft(i, secret) for i in range(40)])
    home.delegate(tmp_path / "home", log)
    unlocked = everything(tmp_path / "home")
    log.close()
    held = unlocked + everything(tmp_path / "home")
    texts = [secret, CANARY, "document.note", "source\x1f", "conversation", PASSPHRASE]
    texts += [recovery_key(tmp_path), recovery_key(tmp_path).replace("-", "")]
    import base64  # noqa: PLC0415 - three spellings of the same thing

    for text in texts:
        for cut in range(3):
            plain = text.encode()[cut:]
            coded = base64.b64encode(plain).rstrip(b"=")[:-1]
            assert coded not in held
            assert base64.urlsafe_b64encode(plain).rstrip(b"=")[:-1] not in held
        for form in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")):
            assert form not in held
            assert form.hex().encode() not in held
            assert form.hex().upper().encode() not in held


def test_a_collector_appends_and_cannot_read_what_it_wrote(tmp_path):
    log = create(tmp_path)
    old = log.append(drafts(0, 2))
    file = home.delegate(tmp_path / "home", log)
    assert file.stat().st_mode & 0o777 == 0o600
    log.close()
    child = subprocess.run(
        script(
            """
            from vault.errors import Locked
            log = home.open_unattended(Path(sys.argv[1]))
            known = log.known([(d.natural_key, d.content) for d in drafts(1, 2)])
            assert known[0].same and known[1] is None
            ids = log.append(drafts(2, 3))
            for read in (lambda: list(log.pages()), lambda: log.entry(ids[0]), lambda: log.erase(ids)):
                try:
                    read()
                except Locked:
                    continue
                raise SystemExit("it could read")
            print(*ids)
            log.close()
            """,
            tmp_path / "home",
        ),
        check=True,
        capture_output=True,
        text=True,
    )
    new = child.stdout.split()
    again = home.open_unattended(tmp_path / "home")
    assert isinstance(again.keys, CollectorKeys)
    with pytest.raises(Locked):
        again.entry(new[0])
    again.close()
    log = reopen(tmp_path)
    assert numbers(log) == [0, 1, 2, 3, 4]
    assert log.entry(new[0]).event == drafts(2, 1)[0].event
    assert sound(log)
    assert log.erase([new[1], old[0]]) == 2
    log.close()


def test_no_key_that_a_collector_holds_opens_what_it_wrote(tmp_path):
    """Its file, and everything in the folder, tried as keys and as private keys."""
    log = create(tmp_path)
    file = home.delegate(tmp_path / "home", log)
    log.close()
    collector = home.open_unattended(tmp_path / "home")
    collector.append(drafts(0, 1))
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: PLC0415

    from vault.log.keys import _PAGE_CONTEXT, _SUITE  # noqa: PLC0415

    page = collector.keys.store.pages([(collector.feed, collector.newest_key_page())])
    [(scope, wrapped)] = page.values()
    assert scope == 0
    held = [bytes.fromhex(value) for value in json.loads(file.read_text()).values()]
    for key in held:
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the library raises
            _SUITE.decrypt(wrapped, X25519PrivateKey.from_private_bytes(key), _PAGE_CONTEXT)
    collector.close()


def test_a_collector_needs_leave(tmp_path):
    log = create(tmp_path)
    with pytest.raises(NotFound, match="allow it"):
        home.open_unattended(tmp_path / "home")
    file = home.delegate(tmp_path / "home", log)
    collector = home.open_unattended(tmp_path / "home")
    with pytest.raises(Locked):
        home.delegate(tmp_path / "home", collector)
    collector.close()
    file.write_text("{}")
    with pytest.raises(ForeignVault):
        home.open_unattended(tmp_path / "home")
    log.close()


def test_what_dead_writers_left_is_swept(tmp_path):
    create(tmp_path).close()
    (tmp_path / "home" / "pin.999999999.new").write_bytes(b"x")
    (tmp_path / "home" / f"pin.{os.getpid()}.new").write_bytes(b"x")
    reopen(tmp_path).close()
    assert not (tmp_path / "home" / "pin.999999999.new").exists()
    assert (tmp_path / "home" / f"pin.{os.getpid()}.new").exists()
