"""Looking at what deleting leaves in SQLite's files finds what is there, and nothing else."""

import sqlite3

import pytest

from vault.residue import found, unclean_pages

SECRET = b"the words that were deleted"


def made(folder, *, secure):
    """A database of which most pages were freed."""
    path = folder / "some.db"
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(f"PRAGMA secure_delete={'ON' if secure else 'OFF'}")
    database.execute("CREATE TABLE t (body BLOB)")
    database.executemany("INSERT INTO t VALUES (?)", [(SECRET * 300,)] * 900)
    assert found([path], [SECRET]) == 1
    database.execute("DELETE FROM t")
    [(free,)] = database.execute("PRAGMA freelist_count")
    assert free > 1500
    database.close()
    return path


def test_free_pages_that_were_zeroed_are_clean(tmp_path):
    path = made(tmp_path, secure=True)
    assert unclean_pages(path) == 0
    assert found([path], [SECRET]) == 0


def test_free_pages_that_were_not_zeroed_are_counted(tmp_path):
    path = made(tmp_path, secure=False)
    assert unclean_pages(path) > 1500
    assert found([path], [SECRET]) == 1


def test_a_single_byte_in_one_free_page_is_found(tmp_path):
    path = made(tmp_path, secure=True)
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    trunk = int.from_bytes(content[32:36], "big")
    leaf = int.from_bytes(content[(trunk - 1) * size + 8 :][:4], "big")
    content[leaf * size - 1] = 1
    path.write_bytes(content)
    assert unclean_pages(path) == 1


def test_words_behind_the_numbers_of_a_trunk_are_found(tmp_path):
    path = made(tmp_path, secure=True)
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    trunk = int.from_bytes(content[32:36], "big")
    content[trunk * size - 8 : trunk * size] = b"left over"[:8]
    path.write_bytes(content)
    assert unclean_pages(path) == 1


@pytest.mark.parametrize("content", [b"", b"short", bytes(4096), b"\xff" * 8192])
def test_what_is_no_database_ends_the_search(tmp_path, content):
    path = tmp_path / "some.db"
    path.write_bytes(content)
    assert unclean_pages(path) in {0, 1}


def test_a_sample_in_any_of_the_files_counts_once(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"..abc..")
    other.write_bytes(b"..abc.def")
    assert found([one, other, tmp_path / "none"], [b"abc", b"def", b"ghi", b""]) == 2
