"""A server of notices in this process: what Community Solid Server 7.2 says of WebSocketChannel2023."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx2
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from tests.pod_sync.fake import FakePod

NOTIFY = "http://www.w3.org/ns/solid/notifications#"
DESCRIPTION = (
    "<../> <{n}subscription> <{service}>.\n"
    "<{service}> <{n}channelType> <{n}WebSocketChannel2023>.\n"
)


class Bells(httpx2.BaseTransport):
    """In front of a fake pod: gives out channels, and tells on them what changes there.

    `answer` is what a subscription is answered with, but for its address; `deaf` gives none;
    `said` are the topics that were asked for.
    """

    def __init__(self, pod: FakePod) -> None:
        self.pod = pod
        self.answer: dict[str, str] = {}
        self.deaf = False
        self.said: list[str] = []
        self.listening: dict[str, list[ServerConnection]] = {}
        self._lock = threading.Lock()
        pod.changed.append(self._changed)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path.endswith("/.well-known/solid"):
            text = DESCRIPTION.format(n=NOTIFY, service=f"{self.pod.url}.notifications/ws/")
            return httpx2.Response(200, text=text, headers={"Content-Type": "text/turtle"})
        if path == "/.notifications/ws/":
            return self._subscribed(request)
        return self.pod.handle_request(request)

    def _subscribed(self, request: httpx2.Request) -> httpx2.Response:
        if self.deaf:
            return httpx2.Response(404)
        assert request.headers["Authorization"].startswith("DPoP ")
        topic = httpx2.URL(json.loads(request.read())["topic"]).path
        self.said.append(topic)
        port = self.server.socket.getsockname()[1]
        channel = {"receiveFrom": f"ws://localhost:{port}{topic}"} | self.answer
        return httpx2.Response(200, json=channel, headers={"Content-Type": "application/ld+json"})

    def _changed(self, path: str, what: str) -> None:
        self.ring(path, json.dumps({"type": what, "object": path}))
        if what != "Update":
            self.ring(path[: path.rstrip("/").rfind("/") + 1], json.dumps({"type": "Add"}))

    def ring(self, path: str, text: str) -> None:
        """Say something on the channels of a topic."""
        with self._lock:
            listening = list(self.listening.get(path, ()))
        for connection in listening:
            with suppress(ConnectionClosed):
                connection.send(text)

    def hang_up(self) -> None:
        """Close every channel."""
        with self._lock:
            listening = [one for every in self.listening.values() for one in every]
        for connection in listening:
            connection.close()

    def _serve(self, connection: ServerConnection) -> None:
        path = connection.request.path
        with self._lock:
            self.listening.setdefault(path, []).append(connection)
        with suppress(ConnectionClosed):
            for _ in connection:
                pass
        with self._lock:
            self.listening[path].remove(connection)

    @property
    def server(self) -> Server:
        return self._server

    @classmethod
    @contextmanager
    def on(cls, make: type[FakePod]) -> Iterator["Bells"]:
        """Start a pod whose address is that of its notices."""
        bells: list[Bells] = []

        def ring(connection: ServerConnection) -> None:
            bells[0]._serve(connection)

        with serve(ring, "localhost", 0) as server:
            port = server.socket.getsockname()[1]
            bells.append(cls(make(f"http://localhost:{port}/")))
            bells[0]._server = server
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield bells[0]
            finally:
                server.shutdown()
                thread.join()
