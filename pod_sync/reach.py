"""Where the vault goes and how much it takes: the one way out to a pod, for every request.

A pod's host, and whoever writes in the pod, name addresses that the vault then asks. So an
address that the owner did not give is asked over https and at a public address only, checked
on the connection itself (what a name resolved to before says nothing), and no answer is
taken beyond its bound. Nothing is followed anywhere.
"""

import ipaddress
import threading
import time
from collections.abc import Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Literal, Protocol, cast

import httpx2

from pod_sync.errors import PodForeign, PodRefused
from pod_sync.oidc import origin

__all__ = ["MOST", "Reach", "Traffic", "client"]

MOST: Final = 1 << 20
"""Bytes of an answer that are taken unless a request says otherwise in its extension `most`."""
_ERROR: Final = 1 << 16
"""Bytes of an answer that says no; what follows is left unread."""
_CONNECTIONS: Final = 8
"""More gain nothing (measured against Community Solid Server 7)."""
_IDLE: Final = 4.0
"""Seconds; servers on Node close an idle connection after 5, and a request may cross with that."""
_TIMEOUT: Final = httpx2.Timeout(60.0, connect=15.0, pool=600.0)
_PATIENT: Final = 600.0
_SLOWEST: Final = 1024
"""Bytes a second that an answer must have brought on average after `_PATIENT` seconds."""


class Traffic:
    """Counts requests, and the bytes of bodies: logging in and trying again included."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self.sent = 0
        self.received = 0

    def count(self, *, requests: int = 0, sent: int = 0, received: int = 0) -> None:
        """Add what went over the wire."""
        with self._lock:
            self.requests += requests
            self.sent += sent
            self.received += received


class _Stream(Protocol):
    def get_extra_info(self, info: Literal["server_addr"]) -> tuple[str, int]: ...

    def close(self) -> None: ...


class Reach(httpx2.BaseTransport):
    """Sends requests where they may go."""

    def __init__(
        self, typed: httpx2.URL, traffic: Traffic, inner: httpx2.BaseTransport | None = None
    ) -> None:
        """Let requests out.

        Args:
            typed: The address that the owner gave: its origin may lie on this computer or in
                her network, and there alone go without encryption.
            traffic: Counts them.
            inner: What carries them; by default the network.
        """
        self._typed = origin(typed)
        self._traffic = traffic
        self._inner = inner or httpx2.HTTPTransport(
            limits=httpx2.Limits(
                max_connections=_CONNECTIONS,
                max_keepalive_connections=_CONNECTIONS,
                keepalive_expiry=_IDLE,
            )
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request.

        Raises:
            PodForeign: It must not go there.
            PodRefused: The answer is longer than the request takes, or compressed.
        """
        own = origin(request.url) == self._typed
        if request.url.scheme != "https" and not (own and request.url.scheme == "http"):
            raise PodForeign(
                f"{origin(request.url)} is not asked without encryption; only the pod whose "
                "address you gave may be, in your own network."
            )

        def traced(event: str, facts: dict[str, object]) -> None:
            if event == "connection.connect_tcp.complete":
                _check(cast(_Stream, facts["return_value"]), request.url, own=own)

        request.extensions["trace"] = traced
        length = int(request.headers.get("Content-Length", "0"))
        self._traffic.count(requests=1, sent=length)
        try:
            answer = self._inner.handle_request(request)
        except UnicodeError:  # a name that is none
            raise PodForeign(f"{origin(request.url)} is no address; correct it.") from None
        try:
            body = self._bounded(request, answer)
        except BaseException:
            answer.close()
            raise
        # What is no success is cut short, and its encoding would have it unpacked in memory.
        answer.headers.pop("Content-Encoding", None)
        return httpx2.Response(
            answer.status_code, headers=answer.headers, stream=body, extensions=answer.extensions
        )

    def _bounded(self, request: httpx2.Request, answer: httpx2.Response) -> "_Bounded":
        assert isinstance(answer.stream, httpx2.SyncByteStream)
        most = request.extensions.get("most", MOST)
        if answer.is_error:
            return _Bounded(answer.stream, _ERROR, self._traffic, None)
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            # A small body could become any size.
            raise PodRefused(
                f"{origin(request.url)} answers compressed, which it was not asked to do; "
                "check the server."
            )
        refusal = PodRefused(
            f"{origin(request.url)} sends more than the {most} bytes that the vault takes "
            "there; remove what lies there, if it is not the vault's."
        )
        length = answer.headers.get("Content-Length", "0")
        if request.method != "HEAD" and length.isdecimal() and int(length) > most:
            raise refusal
        return _Bounded(answer.stream, most, self._traffic, refusal)

    def close(self) -> None:
        """Close all connections."""
        self._inner.close()


class _Bounded(httpx2.SyncByteStream):
    """A body that stops at its bound, loudly if a refusal is given."""

    def __init__(
        self,
        stream: httpx2.SyncByteStream,
        most: int,
        traffic: Traffic,
        refusal: PodRefused | None,
    ) -> None:
        self._stream = stream
        self._most = most
        self._traffic = traffic
        self._refusal = refusal

    def __iter__(self) -> Iterator[bytes]:
        received = 0
        began = time.monotonic()
        for piece in self._stream:
            self._traffic.count(received=len(piece))
            received += len(piece)
            if received > self._most:
                if self._refusal:
                    raise self._refusal
                return
            if received < (time.monotonic() - began - _PATIENT) * _SLOWEST:
                raise httpx2.ReadTimeout("too slow to be ever done")
            yield piece

    def close(self) -> None:
        self._stream.close()


def _check(stream: _Stream, url: httpx2.URL, *, own: bool) -> None:
    """Look where a connection leads, before anything is said on it.

    A name may mean another address from one moment to the next; this is the peer itself.
    """
    if own and url.scheme == "https":
        return  # the certificate tells whether it is whom the owner meant
    host, *_ = stream.get_extra_info("server_addr")
    address = ipaddress.ip_address(host.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    if own is not address.is_global:
        return
    stream.close()
    if own:
        raise PodForeign(
            f"{origin(url)} lies beyond your own network, where nothing goes unencrypted; give "
            "its address with https://."
        )
    raise PodForeign(
        f"{origin(url)} lies in a private network, where a pod has no business to send the "
        "vault; if it is yours, give that address yourself."
    )


class _NoCookies(DefaultCookiePolicy):
    """Nothing that a host wants to be remembered by is kept."""

    def __init__(self) -> None:
        super().__init__(allowed_domains=())


def client(reach: Reach, auth: httpx2.Auth | None = None) -> httpx2.Client:
    """Return a client that speaks over `reach`, as the one who `auth` says."""
    return httpx2.Client(
        auth=auth,
        transport=reach,
        timeout=_TIMEOUT,
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(_NoCookies()),
        headers={"Accept-Encoding": "identity", "User-Agent": "twinvault"},
    )
