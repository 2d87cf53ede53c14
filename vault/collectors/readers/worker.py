"""Every parser of strangers' files runs here: in a child that can do next to nothing.

The child has bounded memory, processor time and open files; it cannot write any file
(`RLIMIT_FSIZE` 0) and an audit hook refuses sockets, new processes and foreign libraries.
The limits of memory, time and writing are the kernel's. The hook is Python's: it stops
code that goes through the interpreter. What machine code may that a broken native parser has
been talked into is the kernel's business again (`sandbox`, where it is Linux's).

What the function yields comes back over a pipe in frames (4 bytes length, 1 byte kind,
payload); a full pipe stops the child until the parent has taken something out. A place
shared by both says what the child is reading, so that its death can be told to one record.
"""

import contextlib
import importlib
import importlib.util
import mmap
import os
import resource
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from vault.collectors.readers.sandbox import confine
from vault.errors import CollectError

if TYPE_CHECKING:
    import subprocess

__all__ = ["Died", "Frame", "Limits", "Outlet", "refused", "run"]

Frame = tuple[bytes, bytes]
"""One byte of kind, and the payload."""

_HEADER = struct.Struct("<IB")
_PLACE = struct.Struct("<I")
_PLACE_SIZE = 4096
_END = b"."
_FAILED = b"!"
_BEAT = b"_"
_LARGEST = 512 << 20
_PIPE = 1 << 20
_BEAT_EVERY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use; times are between two signs of life, not for the whole."""

    memory: int = 1 << 30
    cpu_seconds: int = 10
    silent_seconds: float = 30.0
    open_files: int = 64


class Died(CollectError):
    """The child ended without finishing; `where` is the place it was reading."""

    def __init__(self, reason: str, where: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where


# --- the parent's side ---

_BOOT = """
import sys
sys.path[:0] = [path for path in sys.argv[4:] if path not in sys.path]
from vault.collectors.readers.worker import child
child()
"""


def run(function: str, job: bytes, limits: Limits | None = None) -> Iterator[Frame]:
    """Yield what a function yields in a child process.

    Args:
        function: `module:name` of a function from (job, `Outlet`) to nothing.
        job: Its argument.
        limits: What the child may use.

    Raises:
        Died: The child crashed, exceeded a limit or fell silent.
    """
    import tempfile  # noqa: PLC0415 - not for the child

    limits = limits or Limits()
    with tempfile.TemporaryFile() as shared:
        shared.truncate(_PLACE_SIZE)
        with mmap.mmap(shared.fileno(), _PLACE_SIZE) as place:
            child = _start(function, limits, shared.fileno())
            try:
                yield from _frames(child, job, limits, place)
            finally:
                _stop(child)


def _start(function: str, limits: Limits, shared: int) -> "subprocess.Popen[bytes]":
    import subprocess  # noqa: PLC0415 - not for the child

    here = str(Path(__file__).resolve().parents[3])
    paths = [here, *(entry for entry in sys.path if entry)]
    numbers = f"{limits.memory},{limits.cpu_seconds},{limits.open_files}"
    # Isolated: neither the environment nor the current folder decides what is imported.
    command = [sys.executable, "-I", "-B", "-c", _BOOT, function, numbers, str(shared), *paths]
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback may quote what was read
        pass_fds=(shared,),
        start_new_session=True,
    )


def _stop(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is None:
        child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    child.wait()


def _frames(
    child: "subprocess.Popen[bytes]", job: bytes, limits: Limits, place: mmap.mmap
) -> Iterator[Frame]:
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(OSError):  # a child that died at once is told below
        child.stdin.write(job)
        child.stdin.close()
    incoming = _Incoming(child.stdout, limits.silent_seconds)
    while True:
        header = incoming.take(_HEADER.size)
        if header is None:
            break
        size, kind = _HEADER.unpack(header)
        payload = incoming.take(size) if size <= _LARGEST else None
        if payload is None:
            break
        tag = bytes((kind,))
        if tag == _END:
            return
        if tag == _FAILED:
            raise Died(payload.decode("utf-8", "replace"), _read_place(place))
        if tag != _BEAT:
            yield tag, payload
    where = _read_place(place)
    if incoming.silent:
        raise Died(f"the reader gave no sign of life for {limits.silent_seconds:g} s", where)
    _wait_a_moment(child)
    raise Died(_cause(child, limits), where)


class _Incoming:
    """Bytes from the pipe, with a limit to how long it may stay silent."""

    def __init__(self, pipe: IO[bytes], patience: float) -> None:
        self._descriptor = pipe.fileno()
        self._patience = patience
        self._buffer = bytearray()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)
        self.silent = False
        with contextlib.suppress(ImportError, AttributeError, OSError):
            import fcntl  # noqa: PLC0415

            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, _PIPE)

    def take(self, size: int) -> bytes | None:
        """Return exactly so many bytes, or None where they never came."""
        while len(self._buffer) < size:
            if not self._poll.poll(self._patience * 1000):
                self.silent = True
                return None
            block = os.read(self._descriptor, _PIPE)
            if not block:
                return None
            self._buffer += block
        taken = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return taken


def _read_place(place: mmap.mmap) -> str:
    (size,) = _PLACE.unpack_from(place)
    return bytes(place[4 : 4 + min(size, _PLACE_SIZE - 4)]).decode("utf-8", "replace")


def _wait_a_moment(child: "subprocess.Popen[bytes]") -> None:
    import subprocess  # noqa: PLC0415 - not for the child

    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=5)


def _cause(child: "subprocess.Popen[bytes]", limits: Limits) -> str:
    code = child.poll()
    if code is None:
        return "the reader closed its pipe without finishing"
    if code == -signal.SIGXCPU:
        return f"reading it took more than {limits.cpu_seconds} s of processor time"
    if code == -signal.SIGKILL:
        return "the reader was killed, perhaps for lack of memory"
    if code < 0:
        return f"the reader crashed ({signal.Signals(-code).name})"
    return f"the reader stopped (exit {code})"


# --- the child's side ---


class Outlet:
    """The child's way out: frames to the parent, the shared place, and its own limits."""

    def __init__(self, descriptor: int, place: mmap.mmap, cpu_seconds: int) -> None:
        self._descriptor = descriptor
        self._place = place
        self._cpu_seconds = cpu_seconds
        self._last = 0.0
        self._renew()

    def send(self, kind: bytes, payload: bytes) -> None:
        """Send a frame; blocks while the parent is busy."""
        self._write(_HEADER.pack(len(payload), kind[0]))
        self._write(payload)
        self._renew()

    def enter(self, locator: str) -> None:
        """Write down what is read next."""
        encoded = locator.encode("utf-8", "replace")[: _PLACE_SIZE - 4]
        self._place[0 : 4 + len(encoded)] = _PLACE.pack(len(encoded)) + encoded
        self.beat()

    def beat(self) -> None:
        """Give a sign of life, at most one a second."""
        if time.monotonic() - self._last > _BEAT_EVERY:
            self.send(_BEAT, b"")

    def _renew(self) -> None:
        """Grant processor time anew: what is limited is one step, not a large mailbox."""
        self._last = time.monotonic()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(usage.ru_utime + usage.ru_stime) + 1
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = spent + self._cpu_seconds
        if hard == resource.RLIM_INFINITY or soft < hard:
            resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))

    def _write(self, payload: bytes) -> None:
        view = memoryview(payload)
        while view:
            view = view[os.write(self._descriptor, view) :]


_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.kill",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.utime",
    "pty.",
    "shutil.",
    "urllib.",
    "ftplib.",
    "smtplib.",
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LIBRARIES = ("pypdfium2_raw",)
"""Packages whose own libraries a reader may load."""


@cache
def _libraries() -> frozenset[str]:
    """Return the folders of those packages; asked for before anything is refused."""
    specs = [importlib.util.find_spec(name) for name in _LIBRARIES]
    origins = [Path(spec.origin) for spec in specs if spec and spec.origin]
    # Where a link leads to them, the packages themselves follow it.
    return frozenset(str(one.parent) for path in origins for one in (path, path.resolve()))


def _may_call(event: str, arguments: tuple[object, ...]) -> bool:
    """Whether a call into a foreign library is one into those that readers may load."""
    if event in {"ctypes.dlopen", "ctypes.dlsym"}:
        path = arguments[0] if event == "ctypes.dlopen" else getattr(arguments[0], "_name", "")
        if path is None:  # the interpreter itself: `ctypes` opens it, and nothing is taken from it
            return event == "ctypes.dlopen"
        return os.path.dirname(str(path)) in _libraries()  # noqa: PTH120 - a hook is called often
    return event == "ctypes.create_string_buffer"


refused: list[str] = []
"""What was tried in this child and refused by the hook, for checks of sources."""


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse what no reader needs (an audit hook, which nothing can take off again)."""
    reason = ""
    if event == "open":
        flags = arguments[2]
        if isinstance(flags, int) and flags & _WRITING:
            reason = "a reader writes no files"
    elif event.startswith("ctypes."):
        if not _may_call(event, arguments):
            reason = "a reader loads no foreign libraries"
    elif event.startswith(_FORBIDDEN):
        reason = "a reader has no network and starts no programs"
    if reason:
        refused.append(event)
        raise PermissionError(reason)


def _confine(memory: int, open_files: int) -> None:
    for kind, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        wanted = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (wanted, wanted))


def child() -> None:
    """Run one job (the entry point of the child process)."""
    function, numbers, shared = sys.argv[1:4]
    memory, cpu_seconds, open_files = map(int, numbers.split(","))
    # Nothing that a library prints may get between the frames.
    pipe = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    _confine(memory, open_files)
    place = mmap.mmap(int(shared), _PLACE_SIZE)
    outlet = Outlet(pipe, place, cpu_seconds)
    job = sys.stdin.buffer.read()
    try:
        module, _, name = function.partition(":")
        work = cast(
            "Callable[[bytes, Outlet], None]", getattr(importlib.import_module(module), name)
        )
        confine()
        _libraries()
        sys.addaudithook(_refuse)
        work(job, outlet)
    except MemoryError:
        _fail(outlet, "it needs more memory than a reader may use")
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told its kind
        _fail(outlet, f"the reader failed ({type(error).__name__})")
    else:
        outlet.send(_END, b"")
    # Without the interpreter's farewell, which takes longer than many a job.
    os._exit(0)


def _fail(outlet: Outlet, reason: str) -> None:
    with contextlib.suppress(OSError):
        outlet.send(_FAILED, reason.encode())
