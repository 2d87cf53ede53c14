"""A Community Solid Server as a child of this process, for people who have no pod yet.

It is found, never installed; it listens on this machine alone unless somebody says a name
for the local network; it ends when this process does, however that happens: the child reads
the end of a pipe that nobody writes to. Its address is written down in its folder, because
a pod that moves to another one loses its WebIDs.
"""

import fcntl
import os
import re
import shutil
import socket
import subprocess
from collections import deque
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import IO, Self

import msgspec

from vault.errors import Exists, NotFound, StorageError, UsageError, VaultError

__all__ = ["SolidServer", "installed_in", "usual_folder"]

_COMMAND = "community-solid-server"
_PACKAGE = "@solid/community-server"
_OLDEST = (7, 1)
_OLDEST_NODE = 18
_PORT = 3000
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9][a-z0-9-]{0,62}){0,8}", re.IGNORECASE)
_LISTENING = "twinvault: listening"
_KIND_OF_ERROR = re.compile(r"\b(?:E[A-Z]{4,}|[A-Z][A-Za-z]*Error)\b")
_START = 180.0
_STOP = 10.0


class _Package(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Address(msgspec.Struct):
    url: str
    port: int


def _user_data() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()


def installed_in() -> Path:
    """Return the folder that a server is looked for in, beside PATH."""
    return _user_data() / "twinvault-solid"


def usual_folder() -> Path:
    """Return the folder that a pod's files are in where none is named."""
    return _user_data() / "twinvault-pod"


def _how_to_install() -> str:
    return f"npm install --prefix {installed_in()} {_PACKAGE}@7"


def _program(installed: Path | None) -> str:
    """Return the server's path: from the folder handed in, PATH, or the user's data.

    Raises:
        NotFound: There is none, or none that is new enough, or no Node to run it.
    """
    if shutil.which("node") is None:
        raise NotFound(f"A pod of one's own needs Node {_OLDEST_NODE} or newer; install Node.js.")
    places = [one / "node_modules" / ".bin" for one in (installed, installed_in()) if one]
    folders = [*map(str, places[:-1]), os.environ.get("PATH", os.defpath), str(places[-1])]
    found = shutil.which(_COMMAND, path=os.pathsep.join(folders))
    if found is None:
        raise NotFound(f"No Solid server is installed; this does it: {_how_to_install()}")
    _check_age(Path(found).resolve())
    return str(Path(found).absolute())


def _check_age(program: Path) -> None:
    """Refuse what is known to be too old.

    Raises:
        NotFound: The server or Node is older than what this was tried with.
    """
    for folder in program.parents[:3]:
        about = folder / "package.json"
        if not about.is_file():
            continue
        package = msgspec.json.decode(about.read_bytes(), type=_Package)
        parts = [int(part) for part in re.findall(r"\d+", package.version)]
        if package.name == _PACKAGE and tuple(parts[:2]) < _OLDEST:
            raise NotFound(
                f"The Solid server is {package.version}, too old; this renews it: "
                f"{_how_to_install()}"
            )
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)  # noqa: S607 — the person's own Node
    major = re.match(r"v(\d+)\.", node.stdout)
    if major is None or int(major[1]) < _OLDEST_NODE:
        raise NotFound(
            f"The Solid server needs Node {_OLDEST_NODE} or newer; install a newer Node.js."
        )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    if _is_free(_PORT):
        return _PORT
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _address(folder: Path, port: int, lan: str) -> _Address:
    """Return where the folder's pods live: as before, else as asked, else on a free port.

    Raises:
        UsageError: They live elsewhere, or something else listens there.
    """
    if lan and (not _NAME.fullmatch(lan) or lan.lower().rpartition(".")[2] == "localhost"):
        raise UsageError(
            "--lan takes this machine's name in the local network, like box.local; "
            "a name has letters, digits, dots and hyphens."
        )
    note = folder / "address.json"
    host = lan.lower() or "localhost"
    if note.is_file():
        before = msgspec.json.decode(note.read_bytes(), type=_Address)
        if before.url != f"http://{host}:{port or before.port}/":
            raise UsageError(
                f"The pods in {folder} live at {before.url} and cannot move; serve them there, "
                "or name another folder."
            )
        port = before.port
    if port and not _is_free(port):
        raise UsageError(
            f"Port {port} is in use; end what listens there, or serve another folder with --port."
        )
    port = port or _free_port()
    return _Address(url=f"http://{host}:{port}/", port=port)


def _environment(lan: str) -> dict[str, str]:
    """Return the child's environment: nothing of ours, and no settings but those in argv.

    Args:
        lan: Its address, where the local network is let in; else "".
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TWIN_", "CSS_"))}
    script = str(Path(__file__).with_suffix(".js")).replace("\\", "\\\\").replace('"', '\\"')
    options = f'{kept.get("NODE_OPTIONS", "")} --require "{script}"'.strip()
    return kept | {"NODE_OPTIONS": options, "TWIN_POD_LAN": lan}


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise StorageError(f"{folder} cannot be a pod's folder ({error.strerror}).") from error
    return folder.resolve()


def _held(folder: Path) -> IO[str]:
    """Hold a folder for one server: two would not see each other's locks.

    Raises:
        Exists: Another one runs on it.
    """
    lock = (folder / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Exists(f"A server runs on {folder} already; end it, or use that one.") from error
    return lock


class SolidServer:
    """A running server; leaving its context stops it.

    Args:
        folder: Where its files are (mode 0700); made where it is not there.
        port: Where it listens; 0: as before, or 3000, or one that is free.
        lan: The name under which the local network reaches it; "": nobody but this machine.
        installed: A folder with the server's `node_modules`, looked into before PATH.
        config: Its configuration, as it names them.

    Raises:
        NotFound: No server is installed, or none that is new enough.
        UsageError: The port is in use, or the pods in the folder live at another address.
        Exists: Another server runs on the folder.
        VaultError: It ended before it was ready.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        lan: str = "",
        installed: Path | None = None,
        config: str = "@css:config/file.json",
    ) -> None:
        program = _program(installed)
        self.folder = _made(folder)
        self._lock = _held(self.folder)
        self._last: deque[str] = deque(maxlen=50)
        try:
            address = _address(self.folder, port, lan)
            self.url, self.port = address.url, address.port
            self._child = self._started(program, config, lan=bool(lan))
        except BaseException:
            self._lock.close()
            raise
        try:
            self._wait_until_ready()
            (self.folder / "address.json").write_bytes(msgspec.json.encode(address))
        except BaseException:
            self.stop()
            raise

    def _started(self, program: str, config: str, *, lan: bool) -> subprocess.Popen[str]:
        files = self.folder / "data"
        files.mkdir(mode=0o700, exist_ok=True)
        options = {
            "-c": config,
            "-f": str(files),
            "-p": str(self.port),
            "-b": self.url,
            "-l": "error",
        }
        # A session of its own: Ctrl-C reaches it through us, once we are done with it.
        return subprocess.Popen(  # noqa: S603 — our own arguments to the server that was found
            [program, *(part for option in options.items() for part in option)],
            cwd=self.folder,
            env=_environment(self.url if lan else ""),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            umask=0o077,
        )

    def _wait_until_ready(self) -> None:
        ready = SimpleQueue[bool]()
        self._ears = Thread(target=self._listen, args=(ready,), daemon=True)
        self._ears.start()
        try:
            if ready.get(timeout=_START):
                return
        except Empty:
            raise VaultError(
                f"The Solid server was not ready after {_START:.0f} s; see whether this machine "
                "is busy, and try again."
            ) from None
        raise VaultError(f"The Solid server did not start ({self._why_it_ended()}).")

    def _listen(self, ready: SimpleQueue[bool]) -> None:
        """Read what the child says until it ends: unread, a full pipe would stop it."""
        assert self._child.stdout is not None
        with self._child.stdout as lines:
            for line in lines:
                if line.strip() == _LISTENING:
                    ready.put(True)
                else:
                    self._last.append(line)
        ready.put(False)

    def _why_it_ended(self) -> str:
        """Return the kind of its last error; the rest of the line may quote what it served."""
        status = self._child.wait(_STOP)
        self._ears.join()
        kinds = [kind for line in self._last for kind in _KIND_OF_ERROR.findall(line)]
        return str(kinds[-1]) if kinds else f"exit {status}"

    def wait(self) -> None:
        """Wait until the server ends by itself.

        Raises:
            VaultError: It did, with the kind of its last error.
        """
        self._child.wait()
        raise VaultError(
            f"The Solid server ended by itself ({self._why_it_ended()}); what it holds is in "
            f"{self.folder}, start it again."
        )

    def kill(self) -> None:
        """End the server in the middle of whatever it does."""
        self._child.kill()
        self.stop()

    def stop(self) -> None:
        """End the server once it has answered what it was asked; it may have ended already."""
        assert self._child.stdin is not None
        with suppress(OSError):
            self._child.stdin.close()
        try:
            self._child.wait(_STOP)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._ears.join()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
