"""A network that fails, between a client and a server on loopback.

`FaultProxy` forwards requests one by one and spoils those that its plan names; `Detour` takes
a client there. Only the connection goes elsewhere: the address that is asked for, and so what
the proofs of identity are about, stays the server's.
"""

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self

import httpx2

__all__ = ["Detour", "Fault", "FaultProxy", "chance"]

CHUNK = 1 << 16
LONGEST = 0.05
"""Seconds that a request is held back at most."""


class Fault(Enum):
    """What happens to one request, or to its answer."""

    DELAYED = auto()
    DROPPED = auto()
    CUT = auto()
    HALF_CLOSED = auto()
    ANSWER_DROPPED = auto()
    ANSWER_CUT = auto()
    REFUSED = auto()
    DONE_AND_REFUSED = auto()
    DOUBLED = auto()
    OVERTAKEN = auto()
    STALE_TAG = auto()


Plan = Callable[[str, str], Fault | None]


def chance(seed: int, share: float, faults: tuple[Fault, ...] = tuple(Fault)) -> Plan:
    """Spoil a share of all requests, which ones and how drawn by a seed."""
    drawn = random.Random(seed)
    return lambda *_: drawn.choice(faults) if drawn.random() < share else None


class Detour(httpx2.BaseTransport):
    """Carries requests to a port of this machine, whatever their address says."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._network = httpx2.HTTPTransport(trust_env=False)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        elsewhere = request.url.copy_with(host="127.0.0.1", port=self._port)
        return self._network.handle_request(
            httpx2.Request(
                request.method,
                elsewhere,
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions,
            )
        )

    def close(self) -> None:
        self._network.close()


@dataclass
class _Message:
    """A request or an answer: its first line and headers, and the body as it comes."""

    head: bytes
    body: Iterator[bytes]

    @property
    def first(self) -> list[str]:
        return self.head.split(b"\r\n", 1)[0].decode().split(" ", 2)

    def header(self, name: str) -> str:
        return _header(self.head, name)


class FaultProxy:
    """Listens on a port of the loopback interface until it is closed.

    Args:
        port: The server's.
        plan: Asked for every request, by method and path, what is to happen to it.
        trip: Called once `after` bytes of bodies went to the server, in the middle of one; the
            connection ends there.
        after: How many; counted from the start.
    """

    def __init__(
        self,
        port: int,
        plan: Plan = lambda *_: None,
        trip: Callable[[], None] | None = None,
        after: int = 0,
    ) -> None:
        self._server = port
        self._plan = plan
        self._trip = trip
        self._left = after
        self._tags: dict[str, str] = {}
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._passed = threading.Condition()
        self._draw = random.Random(0)
        self.sent = 0
        self.spoiled: list[Fault] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every connection."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Carry one connection's requests, each to a connection of its own."""
        self._open.add(client)
        with client, suppress(OSError, _Lost):
            while (request := _received(client)) is not None:
                method, path, _ = request.first
                fault = self._plan(method, path)
                if fault:
                    self.spoiled.append(fault)
                self._carry(client, request, fault)
        self._open.discard(client)

    def _carry(self, client: socket.socket, request: _Message, fault: Fault | None) -> None:
        if fault is Fault.DROPPED:
            raise _Lost
        if fault is Fault.REFUSED:
            for _ in request.body:
                pass
            client.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            return
        if fault is Fault.DELAYED:
            time.sleep(self._draw.random() * LONGEST)
        if fault is Fault.OVERTAKEN:
            with self._passed:
                self._passed.wait(LONGEST)
        answer, server = self._asked(request, fault)
        with server:
            self._give(client, answer, fault, request)
        with self._passed:
            self._passed.notify_all()

    def _asked(self, request: _Message, fault: Fault | None) -> tuple[_Message, socket.socket]:
        """Send a request on; return the answer, and where the rest of it comes from."""
        head = _without(request.head, "Connection")
        length = int(request.header("Content-Length") or 0)
        keep = self._draw.randrange(length) if length and fault in _SHORT else length
        body = b"" if fault is not Fault.DOUBLED else b"".join(request.body)
        chunks = iter([body]) if fault is Fault.DOUBLED else request.body
        server = socket.create_connection(("127.0.0.1", self._server))
        try:
            server.sendall(head)
            self._forward(server, chunks, keep)
            if keep < length or fault in _SHORT:
                if fault is Fault.HALF_CLOSED:
                    server.shutdown(socket.SHUT_WR)
                    _received(server)
                raise _Lost  # noqa: TRY301 - the server's end is closed below
            if fault is Fault.DOUBLED:
                _emptied(server)
                server.close()
                server = socket.create_connection(("127.0.0.1", self._server))
                server.sendall(head + body)
            answer = _received(server, bodiless=request.first[0] == "HEAD")
            if answer is None:
                raise _Lost  # noqa: TRY301 - the server's end is closed below
        except BaseException:
            server.close()
            raise
        return answer, server

    def _forward(self, server: socket.socket, chunks: Iterator[bytes], keep: int) -> None:
        for chunk in chunks:
            with self._lock:
                part, tripped = chunk[:keep], None
                if self._trip and self._left < len(part):
                    part, tripped, self._trip = part[: self._left], self._trip, None
                self._left -= len(part)
                self.sent += len(part)
            server.sendall(part)
            if tripped:
                tripped()
                raise _Lost
            keep -= len(part)
            if keep <= 0:
                return

    def _give(
        self, client: socket.socket, answer: _Message, fault: Fault | None, request: _Message
    ) -> None:
        body = b"".join(answer.body)
        if fault is Fault.ANSWER_DROPPED:
            raise _Lost
        if fault is Fault.DONE_AND_REFUSED:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        head = answer.head
        if tag := answer.header("ETag"):
            before = self._tags.setdefault(request.first[1], tag)
            if fault is Fault.STALE_TAG:
                head = head.replace(tag.encode(), before.encode())
            else:
                self._tags[request.first[1]] = tag
        if fault is Fault.ANSWER_CUT:
            client.sendall((head + body)[: self._draw.randrange(len(head + body))])
            raise _Lost
        client.sendall(head + body)


class _Lost(Exception):
    """The connection is to end here."""


_SHORT = {Fault.CUT, Fault.HALF_CLOSED}


def _header(head: bytes, name: str) -> str:
    for line in head.split(b"\r\n")[1:]:
        found, _, value = line.decode("latin-1").partition(":")
        if found.lower() == name.lower():
            return value.strip()
    return ""


def _without(head: bytes, name: str) -> bytes:
    """Return a head that asks for the connection to be closed after the answer."""
    lines = [
        one for one in head.split(b"\r\n") if not one.lower().startswith(name.lower().encode())
    ]
    return b"\r\n".join([*lines[:-2], b"Connection: close", b"", b""])


def _received(peer: socket.socket, *, bodiless: bool = False) -> _Message | None:
    """Read one message's head; its body follows as it is asked for. None: the peer is done."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(CHUNK)
        if not more:
            return None
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    head += b"\r\n\r\n"
    status = head.split(b" ", 2)[1]
    if bodiless or status in {b"204", b"304"}:
        return _Message(head, iter(()))
    if _header(head, "Transfer-Encoding"):
        return _Message(head, _until(peer, rest))
    return _Message(head, _counted(peer, rest, int(_header(head, "Content-Length") or 0)))


def _counted(peer: socket.socket, rest: bytes, length: int) -> Iterator[bytes]:
    while length > 0:
        chunk = rest or peer.recv(CHUNK)
        if not chunk:
            raise _Lost
        rest = b""
        length -= len(chunk)
        yield chunk


def _until(peer: socket.socket, rest: bytes) -> Iterator[bytes]:
    """Yield chunks as they are framed, up to the last one."""
    data = rest
    yield rest
    while not data.endswith(b"0\r\n\r\n"):
        chunk = peer.recv(CHUNK)
        if not chunk:
            return
        data = (data + chunk)[-8:]
        yield chunk


def _emptied(peer: socket.socket) -> None:
    while peer.recv(CHUNK):
        pass
