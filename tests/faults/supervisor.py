"""Runs a piece of work in a child process and decides about every write and sync it asks for.

The kernel itself asks: a seccomp filter hands each call that changes a file to the parent
(`SECCOMP_RET_USER_NOTIF`, Linux 5.5 or newer, no privileges), which lets it happen, makes it
fail, tears it in the middle, or kills the child there. So the same harness reaches the standard
library's SQLite, other SQLites and plain files, and needs no compiler.
"""

import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from vault import points
from vault.errors import VaultError

__all__ = ["Call", "Fault", "Outcome", "supervised"]

# Numbers of the calls that change files, and of seccomp itself, from the kernel's tables.
_NUMBERS = {
    "x86_64": {
        "write": 1, "pwrite64": 18, "writev": 20, "pwritev": 296, "pwritev2": 328,
        "fsync": 74, "fdatasync": 75, "ftruncate": 77, "fallocate": 285,
        "rename": 82, "renameat": 264, "renameat2": 316, "link": 86, "linkat": 265,
        "unlink": 87, "unlinkat": 263, "rmdir": 84, "mkdir": 83, "mkdirat": 258,
        "openat": 257, "seccomp": 317,
    },
    "aarch64": {
        "write": 64, "pwrite64": 68, "writev": 66, "pwritev": 70, "pwritev2": 287,
        "fsync": 82, "fdatasync": 83, "ftruncate": 46, "fallocate": 47,
        "renameat": 38, "renameat2": 276, "linkat": 37,
        "unlinkat": 35, "mkdirat": 34, "openat": 56, "seccomp": 277,
    },
}  # fmt: skip
_WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2")
_AT_OPEN = os.O_CREAT | os.O_TRUNC
_AT_FDCWD = 0xFFFFFF9C
_NO_NEW_PRIVS, _SET_FILTER, _NEW_LISTENER = 38, 1, 8
_ALLOW, _ASK = 0x7FFF0000, 0x7FC00000
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_RECEIVE, _SEND, _CONTINUE = 0xC0502100, 0xC0182101, 1
_NOTICE, _ANSWER = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")
_MOST_PATH = 4096


class Fault(Enum):
    """What happens to a call instead of its being done."""

    EIO = errno.EIO
    ENOSPC = errno.ENOSPC
    TORN = "half of it is written, then EIO"
    SHORT = "half of it is written, and says so"
    KILL = "the process dies before it"
    TORN_KILL = "half of it is written, and the process dies"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that would change a file, as the kernel reports it before it happens."""

    kind: str
    path: str
    other: str = ""
    offset: int = 0
    size: int = 0
    data: bytes = b""

    @property
    def needs_room(self) -> bool:
        """Whether a full disk refuses it."""
        return self.kind in ("write", "create", "mkdir", "fallocate")


@dataclass
class Outcome:
    """How the child's work ended, and what it had acknowledged."""

    acknowledged: int = 0
    told: str = ""
    broke: str = ""
    killed: bool = False
    calls: list[Call] = field(default_factory=list)
    points: list[str] = field(default_factory=list)


Decide = Callable[[Call, Outcome], Fault | None]


def supervised(
    work: Callable[[], Iterable[object]],
    place: Path,
    decide: Decide,
    at_point: Callable[[str], bool] = lambda _: False,
) -> Outcome:
    """Run work in a child; every item it yields is an acknowledgement.

    Args:
        work: What to run; it may raise errors of ours, which are told, and no others.
        place: Calls outside this folder are left alone.
        decide: Asked about each call before it happens, with what happened so far.
        at_point: Whether the child is to be killed at a named point that it reaches.
    """
    ours, theirs = socket.socketpair()
    words, speak = os.pipe()
    child = os.fork()
    if not child:
        ours.close()
        os.close(words)
        _work(work, theirs, speak, at_point)
    theirs.close()
    os.close(speak)
    os.set_blocking(words, False)
    outcome = Outcome()
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    ours.close()
    if not fds:
        os.waitpid(child, 0)
        raise OSError("seccomp user notification is refused here; Linux 5.5 or newer is needed.")
    watch = _Watch(child, fds[0], words, os.path.realpath(place), decide)
    try:
        watch.serve(outcome)
    finally:
        os.close(fds[0])
        os.close(words)
    return outcome


def _work(
    work: Callable[[], Iterable[object]],
    theirs: socket.socket,
    speak: int,
    at_point: Callable[[str], bool],
) -> None:
    """The child: install the filter, hand over its listener, work, tell, leave."""

    def reached(name: str) -> None:
        os.write(speak, f"@{name}\n".encode())
        if at_point(name):
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        points.reached = reached
        listener = _install()
        socket.send_fds(theirs, [b"!"], [listener] if listener >= 0 else [])
        if listener < 0:
            os._exit(1)
        os.close(listener)
        try:
            for _ in work():
                os.write(speak, b"+\n")
            os.write(speak, b"=\n")
        except VaultError as error:
            os.write(speak, f"-{error}".replace("\n", "\\n").encode() + b"\n")
    except BaseException:  # noqa: BLE001 - told to the parent, who fails the test
        os.write(speak, b"!" + traceback.format_exc()[-2000:].replace("\n", "\\n").encode() + b"\n")
    finally:
        os._exit(0)


class _Filter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte),
        ("value", ctypes.c_uint32),
    )  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Filter)))


def _install() -> int:
    """Install the filter; return its listener, or -1."""
    numbers = _NUMBERS[platform.machine()]
    asked = sorted(n for name, n in numbers.items() if name not in ("seccomp", "openat"))
    lines = [_Filter(_LOAD, 0, 0, 0)]
    lines += [_Filter(_EQUAL, len(asked) - i + 3, 0, n) for i, n in enumerate(asked)]
    lines += [
        _Filter(_EQUAL, 0, 2, numbers["openat"]),
        _Filter(_LOAD, 0, 0, 32),  # the low half of the third argument: the flags
        _Filter(_ANY_BIT, 1, 0, _AT_OPEN),
        _Filter(_RETURN, 0, 0, _ALLOW),
        _Filter(_RETURN, 0, 0, _ASK),
    ]
    code = (_Filter * len(lines))(*lines)
    program = _Program(len(lines), code)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    listener: int = libc.syscall(
        numbers["seccomp"], _SET_FILTER, _NEW_LISTENER, ctypes.byref(program)
    )
    return listener


class _Notice(NamedTuple):
    id: int
    pid: int
    flags: int
    number: int
    arch: int
    at: int
    a: int
    b: int
    c: int
    d: int
    e: int
    f: int


class _Watch:
    """The parent's side: one notice after the other until the child is gone."""

    def __init__(
        self,
        child: int,
        listener: int,
        words: int,
        place: str,
        decide: Decide,
    ) -> None:
        self._child, self._listener, self._words = child, listener, words
        self._place, self._decide = place, decide
        self._names = {number: name for name, number in _NUMBERS[platform.machine()].items()}
        self._heard = b""

    def serve(self, outcome: Outcome) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._words, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if ready.get(self._words, 0) & select.POLLIN:
                self._listen(outcome)
            events = ready.get(self._listener, 0)
            if events & select.POLLIN:
                self._answer(outcome)
            elif events & (select.POLLHUP | select.POLLERR) or ready.get(self._words) == (
                select.POLLHUP
            ):
                break
        self._listen(outcome)
        _, status = os.waitpid(self._child, 0)
        outcome.killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if status and not outcome.killed:
            outcome.broke = outcome.broke or f"the child left with status {status}"

    def _listen(self, outcome: Outcome) -> None:
        while True:
            try:
                part = os.read(self._words, 65536)
            except BlockingIOError:
                return
            if not part:
                return
            *lines, self._heard = (self._heard + part).split(b"\n")
            for line in lines:
                self._take(line.decode(), outcome)

    def _take(self, line: str, outcome: Outcome) -> None:
        if line == "+":
            outcome.acknowledged += 1
        elif line.startswith("@"):
            outcome.points.append(line[1:])
        elif line.startswith("-"):
            outcome.told = line[1:]
        elif line.startswith("!"):
            outcome.broke = line[1:].replace("\\n", "\n")

    def _kill(self) -> None:
        # The call is never answered: the child waits for it until it dies.
        os.kill(self._child, signal.SIGKILL)

    def _answer(self, outcome: Outcome) -> None:
        raw = bytearray(_NOTICE.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, raw)
        except OSError:  # the child died in between
            return
        notice = _Notice(*_NOTICE.unpack(raw))
        try:
            call = self._call(notice)
        except OSError:
            return
        # What it said was said before this call.
        self._listen(outcome)
        if call is None:
            self._send(notice.id, flags=_CONTINUE)
            return
        outcome.calls.append(call)
        self._do(notice, call, self._decide(call, outcome))

    def _do(self, notice: _Notice, call: Call, fault: Fault | None) -> None:
        match fault:
            case None:
                self._send(notice.id, flags=_CONTINUE)
            case Fault.EIO | Fault.ENOSPC:
                self._send(notice.id, error=-fault.value)
            case Fault.KILL:
                self._kill()
            case Fault.SHORT if call.size > 1:
                self._send(notice.id, value=self._half(notice, call, advance=True))
            case Fault.TORN:
                self._half(notice, call)
                self._send(notice.id, error=-errno.EIO)
            case Fault.TORN_KILL:
                self._half(notice, call)
                self._kill()
            case _:
                self._send(notice.id, flags=_CONTINUE)

    def _half(self, notice: _Notice, call: Call, *, advance: bool = False) -> int:
        """Write the first half of what the child would write; return how much."""
        half = call.data[: call.size // 2]
        if half:
            file = os.open(f"/proc/{notice.pid}/fd/{notice.a}", os.O_WRONLY)
            try:
                os.pwrite(file, half, call.offset)
            finally:
                os.close(file)
        assert not advance or self._names[notice.number] == "pwrite64", "the offset would stay"
        return len(half)

    def _send(self, id_: int, *, value: int = 0, error: int = 0, flags: int = 0) -> None:
        try:
            fcntl.ioctl(self._listener, _SEND, _ANSWER.pack(id_, value, error, flags))
        except OSError as failed:
            if failed.errno != errno.ENOENT:
                raise

    def _call(self, notice: _Notice) -> Call | None:
        """Return what is about to happen, None where it is not about files in the place."""
        name, pid = self._names[notice.number], notice.pid
        match name:
            case "write" | "pwrite64" | "writev" | "pwritev" | "pwritev2":
                call = self._write(notice, name)
            case "fsync" | "fdatasync":
                call = Call("sync", self._of(pid, notice.a))
            case "ftruncate":
                call = Call("truncate", self._of(pid, notice.a), size=notice.b)
            case "fallocate":
                call = Call("fallocate", self._of(pid, notice.a), offset=notice.c, size=notice.d)
            case "openat":
                kind = "create" if notice.c & os.O_CREAT else "empty"
                call = Call(kind, self._path(pid, notice.a, notice.b), size=notice.c)
                if kind == "create" and Path(call.path).exists() and not notice.c & os.O_TRUNC:
                    return None
            case "rename" | "link":
                call = Call(
                    name,
                    self._path(pid, _AT_FDCWD, notice.a),
                    self._path(pid, _AT_FDCWD, notice.b),
                )
            case "renameat" | "renameat2" | "linkat":
                call = Call(
                    name[:6] if name != "linkat" else "link",
                    self._path(pid, notice.a, notice.b),
                    self._path(pid, notice.c, notice.d),
                )
            case "unlinkat" | "mkdirat":
                call = Call(name[:-2], self._path(pid, notice.a, notice.b))
            case _:
                call = Call(name, self._path(pid, _AT_FDCWD, notice.a))
        inside = call.path == self._place or call.path.startswith(self._place + "/")
        return call if inside else None

    def _write(self, notice: _Notice, name: str) -> Call:
        path = self._of(notice.pid, notice.a)
        if not path.startswith(self._place):
            return Call("write", path)
        if name == "pwrite64":
            offset = notice.d
        else:
            info = Path(f"/proc/{notice.pid}/fdinfo/{notice.a}").read_text()
            offset = int(info.split()[1])
        assert name in ("write", "pwrite64"), f"{name} is not expected here"
        data = self._memory(notice.pid, notice.b, notice.c)
        return Call("write", path, offset=offset, size=notice.c, data=data)

    @staticmethod
    def _of(pid: int, descriptor: int) -> str:
        return os.readlink(f"/proc/{pid}/fd/{descriptor & 0xFFFFFFFF}")  # noqa: PTH115

    def _path(self, pid: int, folder: int, address: int) -> str:
        # A path may end anywhere before the end of its memory page.
        text = b""
        while b"\0" not in text and len(text) < _MOST_PATH:
            part = 256 - (address + len(text)) % 256
            text += self._memory(pid, address + len(text), part)
        path = os.fsdecode(text.partition(b"\0")[0])
        if not path.startswith("/"):
            cwd = folder & 0xFFFFFFFF == _AT_FDCWD
            base = os.readlink(f"/proc/{pid}/cwd") if cwd else self._of(pid, folder)  # noqa: PTH115
            path = f"{base}/{path}"
        return os.path.normpath(path)

    @staticmethod
    def _memory(pid: int, address: int, size: int) -> bytes:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
            memory.seek(address)
            return memory.read(size)
