"""The child is real in every test: what it must not do, it tries to do."""

import os
import time
from pathlib import Path

import pytest

from vault.collectors.readers import worker
from vault.collectors.readers.worker import Died, Limits

DEEDS = """
import os, sys, time, signal

def echo(job, outlet):
    for number in range(3):
        outlet.send(b"x", job + str(number).encode())

def noise(job, outlet):
    print("between the frames")
    os.write(1, b"garbage")
    outlet.send(b"x", b"ok")

def network(job, outlet):
    import socket
    socket.create_connection(("127.0.0.1", 9), timeout=1)

def shell(job, outlet):
    os.system("true")

def program(job, outlet):
    import subprocess
    subprocess.run(["true"])

def write(job, outlet):
    open(job.decode(), "w").write("x")

def remove(job, outlet):
    os.remove(job.decode())

def memory(job, outlet):
    outlet.enter("big.mbox#7")
    block = bytearray(1 << 33)

def loop(job, outlet):
    outlet.enter("slow.md")
    while True: pass

def sleep(job, outlet):
    outlet.enter("still.md")
    time.sleep(60)

def crash(job, outlet):
    outlet.enter("evil.mbox#3")
    outlet.send(b"x", b"before")
    signal.raise_signal(signal.SIGSEGV)

def fail(job, outlet):
    raise ValueError("secret content")

def leave(job, outlet):
    os._exit(3)

def flood(job, outlet):
    for number in range(200):
        outlet.send(b"x", bytes(1 << 16))
        open("/proc/self/stat").close()

def largest_file(job, outlet):
    import resource
    outlet.send(b"x", repr(resource.getrlimit(resource.RLIMIT_FSIZE)).encode())

def files(job, outlet):
    held = [open("/dev/null") for _ in range(1000)]
"""


@pytest.fixture
def deeds(tmp_path, monkeypatch):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "deeds_of_a_child.py").write_text(DEEDS)
    monkeypatch.syspath_prepend(folder)


@pytest.fixture
def run(deeds):  # noqa: ARG001 - the code of the child is there
    def start(name, job=b"", **limits):
        frames = worker.run(f"deeds_of_a_child:{name}", job, Limits(**limits))
        return [payload for _, payload in frames]

    return start


def test_frames_come_back_in_order(run):
    assert run("echo", b"n") == [b"n0", b"n1", b"n2"]


def test_what_a_library_prints_does_not_get_between_the_frames(run):
    assert run("noise") == [b"ok"]


@pytest.mark.parametrize("deed", ["network", "shell", "program"])
def test_a_child_has_no_network_and_starts_no_programs(run, deed):
    with pytest.raises(Died, match="PermissionError"):
        run(deed)


def test_a_child_writes_and_removes_no_files(run, tmp_path):
    target = tmp_path / "target"
    with pytest.raises(Died, match="PermissionError"):
        run("write", str(target).encode())
    assert not target.exists()
    target.write_text("kept")
    with pytest.raises(Died, match="PermissionError"):
        run("remove", str(target).encode())
    assert target.read_text() == "kept"


def test_the_kernel_too_lets_no_file_grow(run):
    assert run("largest_file") == [b"(0, 0)"]


def test_too_much_memory_is_told_with_its_place(run):
    with pytest.raises(Died, match="memory") as death:
        run("memory", memory=1 << 29)
    assert death.value.where == "big.mbox#7"


def test_an_endless_loop_ends(run):
    began = time.monotonic()
    with pytest.raises(Died, match="processor time") as death:
        run("loop", cpu_seconds=1)
    assert death.value.where == "slow.md"
    assert time.monotonic() - began < 15


def test_silence_ends(run):
    began = time.monotonic()
    with pytest.raises(Died, match="no sign of life") as death:
        run("sleep", silent_seconds=0.7)
    assert death.value.where == "still.md"
    assert time.monotonic() - began < 10


def test_a_crash_keeps_what_came_before_and_names_the_place(deeds):  # noqa: ARG001
    frames = worker.run("deeds_of_a_child:crash", b"")
    assert next(frames) == (b"x", b"before")
    with pytest.raises(Died, match="SIGSEGV") as death:
        next(frames)
    assert death.value.where == "evil.mbox#3"


def test_an_error_is_told_without_its_message(run):
    with pytest.raises(Died, match="ValueError") as death:
        run("fail")
    assert "secret" not in str(death.value)


def test_leaving_without_a_word_is_noticed(run):
    with pytest.raises(Died, match="exit 3"):
        run("leave")


def test_open_files_are_few(run):
    with pytest.raises(Died, match="OSError"):
        run("files")


def test_a_parent_that_is_busy_holds_the_child_back(deeds):  # noqa: ARG001
    frames = worker.run("deeds_of_a_child:flood", b"", Limits(silent_seconds=1))
    next(frames)
    time.sleep(2.5)  # longer than the child may be silent: waiting for us is no silence
    assert sum(len(payload) for _, payload in frames) == 199 << 16


def test_a_parent_that_stops_listening_leaves_no_child_behind(deeds):  # noqa: ARG001
    frames = worker.run("deeds_of_a_child:flood", b"")
    next(frames)
    children = _children()
    assert len(children) == 1
    frames.close()
    assert not _children()


def _children():
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
