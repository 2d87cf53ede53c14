"""The harness itself: it sees every call that changes a file, and does what it says."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.faults.powercut import Disk
from tests.faults.supervisor import Call, Fault, supervised
from vault import points
from vault.errors import StorageError

# Others may have left threads in this process; the children here use none.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def calls(work, place, decide=lambda *_: None, **more):
    return supervised(work, place, decide, **more)


def nth(number, fault):
    seen = []

    def decide(call, _):
        seen.append(call)
        return fault if len(seen) == number else None

    return decide


def touched(outcome):
    return [(call.kind, Path(call.path).name) for call in outcome.calls]


def test_every_kind_of_call_is_seen_with_the_file_it_is_about(tmp_path):
    def work():
        (tmp_path / "folder").mkdir()
        with (tmp_path / "one").open("wb") as file:
            file.write(b"text")
            file.flush()
            os.fsync(file.fileno())
            os.fdatasync(file.fileno())
            os.ftruncate(file.fileno(), 2)
            os.pwrite(file.fileno(), b"!", 1)
        (tmp_path / "one").rename(tmp_path / "two")
        os.link(tmp_path / "two", tmp_path / "three")
        (tmp_path / "two").unlink()
        (tmp_path / "folder").rmdir()
        yield

    outcome = calls(work, tmp_path)
    assert outcome.acknowledged == 1
    assert touched(outcome) == [
        ("mkdir", "folder"), ("create", "one"), ("write", "one"), ("sync", "one"), ("sync", "one"),
        ("truncate", "one"), ("write", "one"), ("rename", "one"), ("link", "two"),
        ("unlink", "two"), ("rmdir", "folder"),
    ]  # fmt: skip
    assert [c.data for c in outcome.calls if c.kind == "write"] == [b"text", b"!"]
    assert outcome.calls[7].other == str(tmp_path / "two")


def test_both_sqlites_and_processes_that_are_started_are_seen_and_other_folders_are_not(tmp_path):
    place, elsewhere = tmp_path / "place", tmp_path / "elsewhere"
    place.mkdir()
    elsewhere.mkdir()

    def work():
        with closing(sqlite3.connect(place / "one.db", isolation_level=None)) as database:
            database.execute("CREATE TABLE t(a)")
        with closing(apsw.Connection(str(place / "two.db"))) as database:
            database.execute("CREATE TABLE t(a)")
        write = f"open({str(place / 'three')!r}, 'w').write('text')"
        subprocess.run([sys.executable, "-c", write], check=True)
        (elsewhere / "four").write_text("text")
        yield

    names = {name for _, name in touched(calls(work, place))}
    assert {"one.db", "one.db-journal", "two.db", "three"} <= names
    assert "four" not in names


@pytest.mark.parametrize(
    ("fault", "left"), [(Fault.EIO, b""), (Fault.ENOSPC, b""), (Fault.TORN, b"12345")]
)
def test_a_call_that_fails_fails_in_the_child_and_leaves_what_it_should(tmp_path, fault, left):
    def work():
        try:
            (tmp_path / "one").write_bytes(b"1234567890")
        except OSError as error:
            raise StorageError(f"Number {error.errno}.") from error
        yield

    outcome = calls(work, tmp_path, nth(2, fault))
    number = 28 if fault is Fault.ENOSPC else 5
    assert (outcome.told, outcome.acknowledged) == (f"Number {number}.", 0)
    assert (tmp_path / "one").read_bytes() == left


def test_a_short_write_is_gone_on_with(tmp_path):
    def work():
        with closing(sqlite3.connect(tmp_path / "one.db", isolation_level=None)) as database:
            database.execute("CREATE TABLE t AS SELECT randomblob(9000)")
        yield

    def decide(call, _):
        return Fault.SHORT if call.kind == "write" and call.size > 1 else None

    short = calls(work, tmp_path, decide)
    assert short.acknowledged == 1
    with closing(sqlite3.connect(tmp_path / "one.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize(("fault", "left"), [(Fault.KILL, b""), (Fault.TORN_KILL, b"12345")])
def test_a_child_that_is_killed_at_a_call_never_finishes_it(tmp_path, fault, left):
    def work():
        yield
        (tmp_path / "one").write_bytes(b"1234567890")
        yield

    outcome = calls(work, tmp_path, nth(2, fault))
    assert outcome.killed
    assert outcome.acknowledged == 1
    assert (tmp_path / "one").read_bytes() == left


def test_a_child_is_killed_at_the_named_point_and_not_behind_it(tmp_path):
    def work():
        points.reached("one")
        (tmp_path / "one").touch()
        points.reached("two")
        (tmp_path / "two").touch()
        yield

    outcome = calls(work, tmp_path, at_point=lambda name: name == "two")
    assert (outcome.killed, outcome.points, outcome.acknowledged) == (True, ["one", "two"], 0)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_an_error_that_is_none_of_ours_is_told_as_a_fault(tmp_path):
    def work():
        raise KeyError("oh")
        yield

    assert "KeyError: 'oh'" in calls(work, tmp_path).broke

    def died():
        os.kill(os.getpid(), signal.SIGTERM)
        yield

    assert "left with status" in calls(died, tmp_path).broke


def written(disk, to, chance=None):
    to.mkdir()
    disk.write(to, chance)
    return {path.name: path.read_bytes() for path in to.iterdir()}


def test_a_power_cut_leaves_what_was_synced_and_names_once_their_folder_was(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    (place / "old").write_bytes(b"before")
    disk, one, old = Disk(place), str(place / "one"), str(place / "old")
    disk.apply(Call("create", one))
    disk.apply(Call("write", one, data=b"text", size=4))
    disk.apply(Call("write", old, offset=6, data=b" and after", size=10))
    assert written(disk, tmp_path / "1") == {"old": b"before"}
    disk.apply(Call("sync", one))
    assert written(disk, tmp_path / "2") == {"old": b"before"}
    disk.apply(Call("sync", str(place)))
    assert written(disk, tmp_path / "3") == {"old": b"before", "one": b"text"}
    disk.apply(Call("rename", one, old))
    assert written(disk, tmp_path / "4") == {"old": b"before", "one": b"text"}
    disk.apply(Call("sync", str(place)))
    assert written(disk, tmp_path / "5") == {"old": b"text"}


def test_of_what_was_not_synced_a_power_cut_leaves_anything(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    disk, one = Disk(place), str(place / "one")
    disk.apply(Call("create", one))
    for number in range(3):
        disk.apply(
            Call("write", one, offset=number * 512, data=bytes([number + 1]) * 512, size=512)
        )
    seen = set()
    for seed in range(200):
        names = written(disk, tmp_path / str(seed), random.Random(seed))
        seen.add(names["one"][::512] if "one" in names else None)
    assert {None, b"", b"\1\2\3", b"\0\0\3", b"\1\0\3", b"\1\2"} <= seen
