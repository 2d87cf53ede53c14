"""The real server for tests: a Community Solid Server on loopback, its files in a folder of ours."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from console.solid_server import SolidServer
from vault.errors import NotFound

__all__ = ["Server", "free_port", "shared_server"]

INSTALLED = Path(__file__).parents[2] / ".solid"


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server that can be killed in the middle of a request, and started on what it left."""

    def __init__(self, folder: Path, config: str = "@css:config/file.json") -> None:
        self.folder = folder
        self._config = config
        self.port = free_port()
        self._running = self._started()

    def _started(self) -> SolidServer:
        return SolidServer(self.folder, port=self.port, installed=INSTALLED, config=self._config)

    @property
    def url(self) -> str:
        return self._running.url

    @property
    def data(self) -> Path:
        """Where all its files are."""
        return self.folder / "data"

    def kill(self) -> None:
        """Kill it at once; what it was writing stays as it is."""
        self._running.kill()

    def start(self) -> None:
        """Start it on the files that are there."""
        self._running = self._started()

    def stop(self) -> None:
        self._running.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def shared_server(folder: Path) -> Iterator[str | None]:
    """Give the address of one server for all processes that share a folder; None: none is there.

    Its files are in `pods/data` of the folder.

    Whoever comes first starts it; whoever goes last stops it. The worker that has it waits for
    the others, since it ends with its parent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note, users = folder / "url", folder / "users"
    users.mkdir(exist_ok=True)
    mine = users / str(os.getpid())
    server = None
    with _locked(folder):
        if not note.exists():
            try:
                server = Server(folder / "pods")
            except NotFound:
                note.write_text(json.dumps(None))
            else:
                note.write_text(json.dumps(server.url))
        mine.touch()
    try:
        yield json.loads(note.read_text())
    finally:
        mine.unlink()
        if server:
            while any(_lives(one.name) for one in users.iterdir()):
                time.sleep(0.1)
            with _locked(folder):
                note.unlink()
            server.stop()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True
