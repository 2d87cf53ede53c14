"""Serving the pages until interrupted."""

import errno
import logging
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import uvicorn

from console.pages.app import build
from console.pages.door import Door
from console.pages.sessions import Sessions
from vault.errors import NotFound, UsageError

__all__ = ["Lan", "hush", "serve"]

_LOOPBACK = "127.0.0.1"
_PATIENCE_SECONDS = 3
_OWN_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lan:
    """What it takes to let other machines reach the pages: a name, and TLS for it."""

    name: str
    certificate: Path
    key: Path


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


def hush() -> None:
    """Let nothing that goes wrong be printed by libraries: what they print may quote content."""
    logging.disable(logging.CRITICAL)
    threading.excepthook = lambda _: None
    sys.unraisablehook = lambda _: None


def serve(home: Path, port: int, ready: Callable[[str], None], lan: Lan | None = None) -> None:
    """Serve the pages of a vault until interrupted, on this computer or in its network.

    Args:
        home: The vault's folder; without a vault the pages begin by creating one.
        port: The port, 0 for any that is free.
        ready: Told the address once the server listens. On this computer it lets one browser
            in; in the network everybody has to know the passphrase.
        lan: How other machines reach it; None where they do not.

    Raises:
        NotFound: The network is to see a vault that is not there yet, or there is no such file.
        UsageError: The port is taken, or name, certificate or key cannot be used.
    """
    home = home.absolute()
    if lan:
        _check(home, lan)
    listening = _listening(lan.name if lan else _LOOPBACK, port)
    port = listening.getsockname()[1]
    sessions = Sessions(f"twin-{sha256(str(home).encode()).hexdigest()[:16]}")
    door = _door(port, lan)
    config = uvicorn.Config(
        build(home, door, sessions),
        access_log=False,
        log_config=None,
        server_header=False,
        # Nothing stands in front: who speaks from where is what the connection says.
        proxy_headers=False,
        ssl_certfile=lan.certificate if lan else None,
        ssl_keyfile=lan.key if lan else None,
        timeout_graceful_shutdown=_PATIENCE_SECONDS,
        ws="none",
    )
    url = f"{door.origins[0]}/" if lan else f"{door.origins[0]}/enter/{sessions.link()}"
    _Server(config, lambda: ready(url)).run(sockets=[listening])


def _door(port: int, lan: Lan | None) -> Door:
    if lan is None:
        names = (_LOOPBACK, "localhost")
        return Door(origins=tuple(_origin("http", name, port) for name in names))
    name = f"[{lan.name}]" if ":" in lan.name else lan.name.lower()
    return Door(origins=(_origin("https", name, port),), is_lan=True)


def _origin(scheme: str, name: str, port: int) -> str:
    """Return an origin as browsers write it: without the port that is the scheme's own."""
    return f"{scheme}://{name}" if port == _OWN_PORTS[scheme] else f"{scheme}://{name}:{port}"


def _check(home: Path, lan: Lan) -> None:
    if not (home / "vault.json").exists():
        raise NotFound("There is no vault yet; create it first, with `twin init` or `twin up`.")
    for file in (lan.certificate, lan.key):
        if not file.is_file():
            raise NotFound(f"There is no file {file}; name one with --certificate and --key.")
    try:
        # A key under a passphrase of its own would be asked for in the middle of the start.
        ssl.create_default_context().load_cert_chain(lan.certificate, lan.key, lambda: "")
    except (OSError, ValueError):
        raise UsageError(
            f"{lan.certificate} and {lan.key} are no certificate and its key in PEM, without a "
            "passphrase; `mkcert` and `openssl` make them."
        ) from None


def _listening(name: str, port: int) -> socket.socket:
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"Port {port} is taken by another program; name another one with --port."
            ) from None
        if error.errno == errno.EACCES:
            raise UsageError(f"Port {port} is not for everybody; name one above 1023.") from None
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such name"
        raise UsageError(
            f"{name} is no name or address of this computer ({why}); name one that is."
        ) from None
