"""Serving the pages until interrupted."""

import socket
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import uvicorn

from console.pages.app import build
from console.pages.guard import Door
from console.pages.sessions import Sessions

__all__ = ["serve"]


class _Server(uvicorn.Server):
    """Says when it is there."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def serve(home: Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve the pages of a vault on this computer until interrupted.

    Args:
        home: The vault's folder; without a vault the pages begin by creating one.
        port: The port, 0 for any that is free.
        ready: Told the address that lets one browser in, once the server listens.

    Raises:
        OSError: The port is taken.
    """
    home = home.absolute()
    listening = socket.create_server(("127.0.0.1", port))
    port = listening.getsockname()[1]
    names = ("127.0.0.1", "localhost")
    door = Door(origins=tuple(f"http://{name}:{port}" for name in names))
    sessions = Sessions(f"twin-{sha256(str(home).encode()).hexdigest()[:16]}")
    config = uvicorn.Config(
        build(home, door, sessions),
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=3,
        ws="none",
    )
    url = f"http://127.0.0.1:{port}/enter/{sessions.link()}"
    _Server(config, lambda: ready(url)).run(sockets=[listening])
