"""Sealed stores: what they keep, what a locked folder shows, and what deleting leaves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vault.derived import Derived
from vault.errors import StorageError, TamperError, UsageError

KEY = bytes(range(32))
WORD = "zanzibarcanary"


@pytest.fixture
def stores(tmp_path: Path) -> Derived:
    return Derived(tmp_path / "views", KEY)


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_file_comes_back_as_it_was(stores, tmp_path):
    stores.write("state", b"")
    stores.write("state", WORD.encode() * 100)
    assert stores.read("state") == WORD.encode() * 100
    assert stores.read("absent") is None
    assert stores.names() == ("state",)
    assert WORD.encode() not in everything(tmp_path)
    stores.delete("state")
    stores.delete("state")
    assert stores.names() == ()


def test_a_flip_anywhere_in_a_file_is_refused(stores, tmp_path):
    stores.write("state", b"abc")
    path = tmp_path / "views" / "state"
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :])
        with pytest.raises(TamperError):
            stores.read("state")
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(TamperError):
            stores.read("state")


def test_a_file_renamed_to_another_is_refused(stores, tmp_path):
    stores.write("one", b"abc")
    (tmp_path / "views" / "one").rename(tmp_path / "views" / "two")
    with pytest.raises(TamperError):
        stores.read("two")


def test_names_stay_inside_the_folder(stores):
    for name in ("../out", "a/b", "", ".hidden", "x.new", "A", "a" * 200):
        with pytest.raises(UsageError):
            stores.write(name, b"")
    with pytest.raises(UsageError):
        stores.database("nodb")
    with pytest.raises(UsageError):
        stores.write("file.db", b"")


def test_everything_is_private(stores, tmp_path):
    stores.write("state", b"abc")
    stores.database("view.db").close()
    folder = tmp_path / "views"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def filled(stores: Derived) -> None:
    database = stores.database("view.db")
    assert not database.anew
    database.execute("CREATE TABLE plain(word TEXT)")
    database.execute("CREATE VIRTUAL TABLE words USING fts5(body)")
    database.execute("INSERT INTO words(words, rank) VALUES('secure-delete', 1)")
    with database:
        for i in range(200):
            database.execute("INSERT INTO plain VALUES(?)", (f"{WORD} {i}",))
            database.execute("INSERT INTO words VALUES(?)", (f"{WORD} number {i}",))
    database.close()


def test_a_database_is_encrypted_journal_and_all(stores, tmp_path):
    filled(stores)
    database = stores.database("view.db")
    with database:
        database.execute("UPDATE plain SET word = word || 'x'")
        assert (tmp_path / "views" / "view.db-journal").stat().st_size > 0
        held = everything(tmp_path)
    assert database.execute("SELECT count(*) FROM words('zanzi*')").get == 200
    database.close()
    for text in (WORD, "SQLite format"):
        assert text.encode() not in held
        assert text.encode("utf-16-le") not in held


def test_deleted_words_leave_no_residue_even_for_who_holds_the_key(stores):
    filled(stores)
    database = stores.database("view.db")
    database.execute("DELETE FROM words")
    database.execute("DELETE FROM plain")
    database.execute("PRAGMA rekey=''")  # decrypts the file in place, free pages and all
    database.close()
    assert WORD.encode() not in (stores._folder / "view.db").read_bytes()


@pytest.mark.parametrize("damage", ["key", "start", "foreign", "cut"])
def test_a_database_that_does_not_open_is_begun_anew(stores, tmp_path, damage):
    filled(stores)
    path = tmp_path / "views" / "view.db"
    whole = path.read_bytes()
    match damage:
        case "key":
            stores = Derived(tmp_path / "views", bytes(32))
        case "start":
            path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
        case "foreign":
            path.write_bytes(b"not a database" * 100)
        case "cut":
            path.write_bytes(whole[:1000])
    database = stores.database("view.db")
    assert database.anew == "damaged"
    assert database.execute("SELECT count(*) FROM sqlite_schema").get == 0
    database.close()
    again = stores.database("view.db")
    assert not again.anew
    again.close()


def test_deleting_a_database_takes_its_journal_along(stores, tmp_path):
    filled(stores)
    assert stores.names() == ("view.db",)
    stores.delete("view.db")
    assert list((tmp_path / "views").iterdir()) == []


def test_a_folder_that_is_a_file_is_a_storage_error(tmp_path):
    (tmp_path / "views").write_bytes(b"")
    with pytest.raises(StorageError):
        Derived(tmp_path / "views", KEY)


def test_what_a_dead_writer_left_is_removed(tmp_path):
    folder = tmp_path / "views"
    Derived(folder, KEY)
    (folder / "state.999999999.new").write_bytes(b"x")
    (folder / f"state.{os.getpid()}.new").write_bytes(b"x")
    Derived(folder, KEY)
    assert [path.name for path in folder.iterdir()] == [f"state.{os.getpid()}.new"]


def test_opening_a_database_again_frees_no_lock_of_this_process(stores, tmp_path):
    """POSIX drops all locks of a process on a file when it closes any descriptor of it."""
    held = stores.database("x.db")
    held.execute("CREATE TABLE t (a)")
    held.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")
    stores.database("x.db").close()
    other = (
        "import sys, fcntl; f = open(sys.argv[1], 'r+b'); "
        "fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0x40000001)"
    )
    [path] = tmp_path.rglob("x.db")
    done = subprocess.run([sys.executable, "-c", other, path], capture_output=True, check=False)
    assert b"BlockingIOError" in done.stderr
