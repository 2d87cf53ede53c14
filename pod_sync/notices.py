"""Hearing at once that something in the pod has changed, and looking from time to time where not.

Solid Notifications Protocol 0.2 with WebSocketChannel2023: one channel for each resource, since
that of a container tells of its members only that they came and went. A notice is never believed:
it says where to look. While a channel is not open, and seldom while all are, containers are listed.
"""

import contextlib
import ipaddress
import logging
import random
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import httpx2
import msgspec
import rdflib
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from pod_sync.errors import PodError, PodForeign, PodRefused
from pod_sync.oidc import origin
from pod_sync.rdf import READABLE, parsed
from pod_sync.session import Session
from vault.mirrors import Vanished

__all__ = ["Notices", "Pace"]

_DESCRIPTION: Final = "http://www.w3.org/ns/solid/terms#storageDescription"
_NOTIFY: Final = "http://www.w3.org/ns/solid/notifications#"
_CHANNEL: Final = f"{_NOTIFY}WebSocketChannel2023"
_CONTEXT: Final = "https://www.w3.org/ns/solid/notification/v1"
_JSON: Final = "application/ld+json"
_MOST_CHANNELS: Final = 64
"""More resources are looked at from time to time only."""
_MESSAGE: Final = 1 << 16
"""Bytes; a notice is some hundred."""
_DAY: Final = 86_400.0
_GOODBYE: Final = 2.0
"""Seconds for a thread to end; it keeps nobody from leaving."""
_EARLY: Final = 60.0
"""Seconds before its end at which a channel is replaced."""

_TROUBLE: Final = (PodError, Vanished, OSError, httpx2.InvalidURL, RuntimeError)
"""A session that was closed meanwhile is a `RuntimeError` of the library's."""

# The library tells addresses of channels, and whoever knows one may listen.
_silent = logging.getLogger("pod_sync.notices")
_silent.disabled = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often containers are listed, in seconds, and how long one notice holds up the next.

    Without a channel first every `first`, then each time twice as long until `longest`; with
    all channels open every `seldom`.
    """

    first: float = 1.0
    longest: float = 60.0
    seldom: float = 600.0
    pause: float = 0.05


class _Channel(msgspec.Struct, rename="camel"):
    receive_from: str
    end_at: str = ""


class Notices:
    """Tells which of some resources may have changed; a context manager with threads of its own."""

    def __init__(self, session: Session, paths: Iterable[str], pace: Pace = Pace()) -> None:
        """Prepare to listen; nothing is sent yet.

        Args:
            session: The conversation with the pod.
            paths: Resources below its root; of a container (`…/`) that members came or went.
            pace: How often to look.
        """
        self._session = session
        self._paths: tuple[str, ...] = ()
        self._pace = pace
        self._changed: set[str] = set()
        self._open: dict[str, ClientConnection] = {}
        self._news = threading.Condition()
        self._stopped = threading.Event()
        self._service = ""
        self._finding = threading.Lock()
        self._threads = [threading.Thread(target=self._look, daemon=True)]
        self.add(paths)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def add(self, paths: Iterable[str]) -> None:
        """Listen for changes of further resources."""
        running = self._threads[0].is_alive()
        for path in dict.fromkeys(paths):
            if path in self._paths:
                continue
            self._paths += (path,)
            if len(self._paths) <= _MOST_CHANNELS:
                self._threads.append(
                    threading.Thread(target=self._listen, args=(path,), daemon=True)
                )
                if running:
                    self._threads[-1].start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        with self._news:
            channels = list(self._open.values())
            self._news.notify_all()
        for channel in channels:
            # Whoever interrupts does not wait for a server's good-bye.
            with contextlib.suppress(OSError):
                channel.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_GOODBYE)

    @property
    def live(self) -> bool:
        """Whether every resource has an open channel."""
        with self._news:
            return len(self._open) == len(self._paths)

    def wait(self, timeout: float) -> set[str]:
        """Return what may have changed since the last call, after so many seconds at the latest."""
        with self._news:
            self._news.wait_for(lambda: self._changed or self._stopped.is_set(), timeout)
            changed, self._changed = self._changed, set()
        return changed

    def _tell(self, *paths: str) -> None:
        with self._news:
            self._changed.update(paths)
            self._news.notify_all()

    # Listening.

    def _listen(self, path: str) -> None:
        """Keep a channel open, again and again, each time after a longer pause."""
        tries = 0
        while not self._stopped.is_set():
            try:
                opened = self._hear(path)
            except (*_TROUBLE, ValueError, WebSocketException):
                opened = False
            tries = 0 if opened else tries + 1
            # An interrupted channel may have missed something.
            self._stopped.wait(self._delay(tries))

    def _delay(self, tries: int) -> float:
        longest = min(self._pace.first * 2.0 ** min(tries, 16), self._pace.longest)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def _hear(self, path: str) -> bool:
        """Tell every notice of a resource until its channel closes; return whether it was open."""
        channel = self._subscribe(path)
        until = _seconds_to(channel.end_at)
        with _connected(channel.receive_from, self._session.url) as connection:
            with self._news:
                self._open[path] = connection
            # Whatever happened before the channel was open was told to nobody.
            self._tell(path)
            try:
                ends = time.monotonic() + until
                while not self._stopped.is_set() and time.monotonic() < ends:
                    with contextlib.suppress(TimeoutError):
                        connection.recv(timeout=max(0.0, ends - time.monotonic()))
                        self._tell(path)
                        self._stopped.wait(self._pace.pause)
            except ConnectionClosed:
                pass
            finally:
                with self._news:
                    del self._open[path]
        return True

    def _subscribe(self, path: str) -> _Channel:
        """Ask for a channel (Solid Notifications Protocol 0.2, WebSocketChannel2023 0.1)."""
        topic = self._session.url + path
        asked = {"@context": [_CONTEXT], "type": _CHANNEL, "topic": topic}
        answer = self._session.post(self._found(), msgspec.json.encode(asked), _JSON, accept=_JSON)
        return msgspec.json.decode(answer.body, type=_Channel)

    def _found(self) -> str:
        """Return the address where channels are asked for."""
        with self._finding:
            if not self._service:
                self._service = _service(self._session)
            return self._service

    # Looking.

    def _look(self) -> None:
        """List containers, often while there is no channel and nothing is known."""
        seen: dict[str, object] = {}
        quiet = 0
        while not self._stopped.is_set():
            try:
                found = self._states()
            except _TROUBLE:
                found = seen
            changed = [path for path in found if path in seen and found[path] != seen[path]]
            seen = found
            quiet = 0 if changed else quiet + 1
            if changed:
                self._tell(*changed)
            self._rest(quiet)

    def _rest(self, quiet: int) -> None:
        """Wait until it is time to look again; a channel that closes makes it time sooner."""
        began = time.monotonic()
        while not self._stopped.wait(self._pace.first / 2):
            wanted = self._pace.seldom if self.live else self._delay(quiet)
            if time.monotonic() - began >= wanted:
                return

    def _states(self) -> dict[str, object]:
        """Return something for each resource that is another one once it has changed."""
        folders = {path if path.endswith("/") else _folder(path) for path in self._paths}
        listed = {
            folder: {member.name: member.modified for member in self._session.listing(folder)}
            for folder in sorted(folders)
        }
        return {
            path: listed[path]
            if path.endswith("/")
            else listed[_folder(path)].get(path.rpartition("/")[2])
            for path in self._paths
        }


def _folder(path: str) -> str:
    return path[: path.rfind("/") + 1]


def _seconds_to(end: str) -> float:
    """Return for how long a channel is good: a day, unless it says until when."""
    if not end:
        return _DAY
    at = datetime.fromisoformat(end)
    left = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(left - _EARLY, _EARLY), _DAY)


def _service(session: Session) -> str:
    """Find where a storage gives out channels (Solid Notifications Protocol 0.2, discovery).

    Raises:
        PodRefused: It does nowhere.
    """
    described = [link.url for link in session.links("") if link.rel == _DESCRIPTION]
    for url in map(str, described):
        found = session.get(url, accept=READABLE)
        assert found is not None
        graph = parsed(found.body, found.media_type, url)
        kind, channel = rdflib.URIRef(f"{_NOTIFY}channelType"), rdflib.URIRef(_CHANNEL)
        for service in graph.subjects(kind, channel):
            return str(service)
    raise PodRefused(f"{session.url} gives no notices; it is looked at from time to time.")


@contextlib.contextmanager
def _connected(address: str, pod: str) -> Iterator[ClientConnection]:
    """Open a channel: to the pod's own server, or encrypted to a public one.

    Raises:
        PodForeign: It leads somewhere else.
    """
    url, own = httpx2.URL(address), httpx2.URL(pod)
    secure = {"wss": "https", "ws": "http"}.get(url.scheme)
    if secure is None or url.userinfo:
        raise PodForeign("A channel for notices has no address that the vault goes to.")
    plain = url.copy_with(scheme=secure)
    at_home = origin(plain) == origin(own)
    if secure == "http" and not at_home:
        raise PodForeign("A channel for notices is not encrypted, and not at the pod's own server.")
    port = url.port or (443 if secure == "https" else 80)
    # A socket of ours: it is looked at before anything is said, and follows nothing anywhere.
    connection = socket.create_connection((url.host, port), timeout=15)
    with connection:
        peer = ipaddress.ip_address(connection.getpeername()[0].partition("%")[0])
        if not at_home and not peer.is_global:
            raise PodForeign("A channel for notices leads into a private network.")
        with connect(
            address,
            sock=connection,
            compression=None,
            proxy=None,
            max_size=_MESSAGE,
            close_timeout=1,
            logger=_silent,
        ) as channel:
            yield channel
