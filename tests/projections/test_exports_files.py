"""A file is whole or not there, private, and never within the vault."""

import errno

import pytest

from projections.exports.files import whole
from vault.errors import StorageError, UsageError


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out" / "rows.jsonl"


@pytest.fixture(autouse=True)
def folders(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "vault").mkdir()


def put(out, content=b"new"):
    with whole(out, home=out.parents[1] / "vault") as file:
        file.write(content)


def test_a_file_is_private_and_takes_the_place_of_another(out):
    out.write_bytes(b"old")
    out.chmod(0o644)
    put(out)
    assert out.read_bytes() == b"new"
    assert out.stat().st_mode & 0o777 == 0o600
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_whatever_ends_the_writing_leaves_what_was_there(out, error):
    out.write_bytes(b"old")
    with pytest.raises(error), whole(out, home=out.parents[1] / "vault"):
        raise error
    assert out.read_bytes() == b"old"
    assert list(out.parent.iterdir()) == [out]


def test_a_full_disk_is_one_sentence_and_leaves_no_draft(out):
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        pytest.raises(StorageError, match=r"rows.jsonl cannot be written \(No space left"),
        whole(out, home=out.parents[1] / "vault"),
    ):
        raise full
    assert list(out.parent.iterdir()) == []


def test_a_place_that_is_no_place_for_a_file_is_one_sentence(out):
    out.mkdir()
    (out / "file").touch()
    for place in (out, out.parent / "missing" / "rows.jsonl", out / "file" / "rows.jsonl"):
        with pytest.raises(StorageError, match="name another"), whole(place, home=out / "vault"):
            pass
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize("name", ["vault/rows.jsonl", "vault/views/rows.jsonl", "link/rows.jsonl"])
def test_nothing_is_written_into_the_vault(tmp_path, name):
    (tmp_path / "vault" / "views").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "vault")
    with (
        pytest.raises(UsageError, match="lies within the vault"),
        whole(tmp_path / name, home=tmp_path / "link"),
    ):
        pass
    assert [path.name for path in (tmp_path / "vault").iterdir()] == ["views"]


def test_a_draft_that_a_dead_process_left_is_no_hindrance_and_not_followed(out, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    out.with_name("rows.jsonl.part").symlink_to(victim)
    put(out)
    assert (out.read_bytes(), victim.read_bytes()) == (b"new", b"mine")
    assert list(out.parent.iterdir()) == [out]
