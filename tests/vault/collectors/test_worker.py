"""The child is real in every test: what it must not do, it tries to do."""

import errno
import os
import struct
import sys
import time
from pathlib import Path

import pytest

from vault.collectors.readers import sandbox, worker
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

# Found before the hook forbids it: what machine code would call.
import ctypes
LIBC = ctypes.CDLL(None)
SYSCALL, ERRNO = LIBC.syscall, LIBC.__errno_location
ERRNO.restype = ctypes.POINTER(ctypes.c_int)

def machine_code(job, outlet):
    path = job
    for name, arguments in {
        "socket": (41, 2, 1, 0),
        "connect": (42, 0, 0, 0),
        "write a file": (257, -100, path, os.O_WRONLY | os.O_CREAT, 0o600),
        "write it otherwise": (2, path, os.O_RDWR, 0),
        "a file without a name": (257, -100, b"/tmp", 0o20000000 | os.O_WRONLY, 0o600),
        "unlink": (87, path),
        "unlinkat": (263, -100, path, 0),
        "rename": (82, path, path + b"2"),
        "mkdir": (83, path, 0o700),
        "fork": (57,),
        "clone as fork": (56, 17, 0, 0, 0, 0),
        "vfork": (58,),
        "execve": (59, b"/bin/true", 0, 0),
        "kill": (62, os.getppid(), 0),
        "tgkill": (234, os.getppid(), os.getppid(), 0),
        "who gets signals": (72, 0, 8, os.getppid()),
        "limits of others": (302, os.getppid(), 0, 0, 0),
        "ptrace": (101, 0, 0, 0, 0),
        "other memory": (310, os.getppid(), 0, 0, 0, 0, 0),
        "mount": (165, 0, 0, 0, 0, 0),
        "bpf": (321, 0, 0, 0),
        "memfd": (319, b"x", 0),
        "io_uring": (425, 1, 0),
        "keys": (250, 0, 0, 0, 0, 0),
        "the old numbers": (0x40000000 + 41, 2, 1, 0),
    }.items():
        result = SYSCALL(*arguments)
        outlet.send(b"x", f"{name}: {result} {ERRNO()[0]}".encode())

def threads(job, outlet):
    import threading
    thread = threading.Thread(target=lambda: outlet.send(b"x", b"from a thread"))
    thread.start()
    thread.join()
    with open("/proc/self/status") as status:
        outlet.send(b"x", next(line for line in status if line.startswith("Seccomp:")).encode())

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


@pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="numbers of Linux on x86-64"
)
def test_machine_code_in_a_child_reaches_nothing_either(run, tmp_path):
    target = tmp_path / "target"
    target.write_text("kept")
    told = [line.decode() for line in run("machine_code", os.fsencode(target))]
    assert len(told) == 25
    assert [line for line in told if not line.endswith(f": -1 {errno.EPERM}")] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code", "target"]
    assert target.read_text() == "kept"


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")
def test_under_the_filter_threads_run(run):
    assert run("threads") == [b"from a thread", b"Seccomp:\t2\n"]


def verdict(machine, number, *arguments, architecture=None):
    """Run the filter as the kernel would."""
    architecture = architecture or {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    call = struct.pack("<iIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = list(struct.iter_unpack("<HBBI", sandbox.program(machine, 7)))
    at = loaded = 0
    while True:
        code, then, otherwise, value = steps[at]
        at += 1
        if code == 0x20:
            (loaded,) = struct.unpack_from("<I", call, value)
        elif code == 0x06:
            return {0x7FFF0000: "allow", 0x50001: "EPERM", 0x50026: "ENOSYS"}[value]
        else:
            at += then if (loaded == value if code == 0x15 else loaded & value) else otherwise


@pytest.mark.parametrize(
    ("machine", "numbers"),
    [("x86_64", (0, 257, 56, 234, 41)), ("aarch64", (63, 56, 220, 131, 198))],
)
def test_the_filter_decides_alike_on_both_machines(machine, numbers):
    read, openat, clone, tgkill, socket = numbers
    assert verdict(machine, read) == "allow"
    assert verdict(machine, read, architecture=0x40000003) == "EPERM"
    assert verdict(machine, openat, 0, 0, os.O_RDONLY | os.O_CLOEXEC) == "allow"
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, 0o20200000):
        assert verdict(machine, openat, 0, 0, flags) == "EPERM", flags
    assert verdict(machine, clone, 0x3D0F00) == "allow"
    assert verdict(machine, clone, 17) == "EPERM"
    assert verdict(machine, tgkill, 7, 8, 11) == "allow"
    assert verdict(machine, tgkill, 1, 1, 9) == "EPERM"
    assert verdict(machine, 435) == "ENOSYS"
    assert verdict(machine, socket) == "EPERM"
    allowed = {number for number in range(600) if verdict(machine, number) == "allow"}
    assert len(allowed) < 75


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
    others = _children()  # of other tests, such as the server that `tests.forked` keeps
    frames = worker.run("deeds_of_a_child:flood", b"")
    next(frames)
    assert len(_children() - others) == 1
    frames.close()
    assert not _children() - others


def _children():
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
