"""A conversation with one pod, as its owner: whole resources, compared by their ETags.

What a hasty or broken server says at first is asked again; whether a write was done after all
is looked at before anybody else is blamed. Every body is bounded, every error is one sentence.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Final, NamedTuple, Self

import httpx2

from pod_sync.containers import Member, members
from pod_sync.errors import (
    PodError,
    PodForeign,
    PodRefused,
    PodUnreachable,
)
from pod_sync.headers import Link, allowed, links, moment
from pod_sync.oidc import Credentials, SolidOIDC, origin
from pod_sync.reach import MOST, Reach, Traffic, client
from pod_sync.refusals import FULL, HASTY, lasting, refusal, unreachable
from vault.mirrors import Vanished

__all__ = ["Access", "Found", "Member", "Patience", "Session", "State", "Traffic"]

_LISTING: Final = 16 << 20
"""Bytes of a container's listing: some 60,000 members."""
_RETRIES: Final = 4
_GONE: Final = frozenset({404, 410})
_CLOSED: Final = frozenset({401, 403, 404})
_UNDONE: Final = frozenset({*HASTY, 503} - {403})
"""Answers after which nothing was done for certain: a gateway's 502 tells nothing, and a lock
may expire, with a 403, when all is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The way into a pod: `url` is the root of its storage and ends with a slash."""

    url: str
    webid: str
    issuer: str
    client_id: str
    secret: str = field(repr=False)


class Found(NamedTuple):
    """A resource as it was answered."""

    body: bytes
    etag: str
    media_type: str


class State(NamedTuple):
    """How long a resource is, and what to name when it is to be written over as it is."""

    size: int
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait before a request is tried again: each time twice as long, and jittered.

    `first` and `longest` are seconds; `draw` returns a number in [0, 1).
    """

    first: float = 0.25
    longest: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random

    def wait(self, attempt: int, asked: float = 0.0) -> None:
        """Pause before the attempt after number `attempt`, at least the seconds `asked`."""
        pause = self.first * 2**attempt * (0.5 + self.draw())
        self.sleep(min(max(pause, asked), self.longest))


class _Ask(NamedTuple):
    """A request that can be sent again, unless it is to be done `once`.

    `settled` looks whether what was asked is so already, where a condition fails.
    """

    method: str
    url: httpx2.URL
    headers: dict[str, str]
    content: bytes | None = None
    most: int = MOST
    once: bool = False
    settled: Callable[[], bool] = bool


class _Trouble(NamedTuple):
    """No answer that lasts: `undone` for certain or not; to wait the seconds `asked`."""

    problem: PodError
    undone: bool
    asked: float = 0.0


class Session:
    """One owner's conversation with one pod; several threads may use it at once."""

    def __init__(
        self,
        access: Access,
        *,
        transport: httpx2.BaseTransport | None = None,
        patience: Patience = Patience(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare to speak with a pod; nothing is sent yet.

        Args:
            access: The way in.
            transport: What carries requests, by default the network.
            patience: How long to wait before trying again.
            clock: The time, in seconds since 1970.
        """
        self.url = access.url
        self.traffic = Traffic()
        self.webid = access.webid
        self._origin = origin(httpx2.URL(access.url))
        self._patience = patience
        self._clock = clock
        credentials = Credentials(
            issuer=access.issuer, client_id=access.client_id, secret=access.secret
        )
        reach = Reach(httpx2.URL(access.url), self.traffic, transport)
        self._oidc = SolidOIDC(credentials, clock)
        self._client = client(reach, self._oidc)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def assert_owner(self) -> None:
        """Make sure that the pod knows the vault as its owner (`WAC-Allow` of its root).

        Raises:
            PodRefused: It does not: servers answer as to a stranger, without a word, where
                they cannot check the WebID.
        """
        # Of the first answer the clock of the server is learned; a stranger may get it as well.
        owned = self._owned() or self._owned()
        who = self._oidc.webid
        if who and who != self.webid:
            raise PodRefused(
                f"These credentials are those of {who}, and the pod is linked for {self.webid}; "
                "give the credentials of this WebID."
            )
        if not owned:
            raise PodRefused(
                f"{self.url} does not take the vault for its owner {self.webid}; check the "
                "credentials, and whether the server knows itself under this address (localhost "
                "is not 127.0.0.1)."
            )

    def _owned(self) -> bool:
        return {"read", "write"} <= self.rights("").get("user", frozenset())

    def get(self, path: str, *, etag: str = "", accept: str = "", most: int = MOST) -> Found | None:
        """Return a resource, or None where it is still as `etag` says.

        Args:
            path: Below `url`, or an address on the same server.
            etag: Of the state that is known already.
            accept: The media types that are understood; by default any.
            most: Bytes that are taken at most.

        Raises:
            Vanished: There is none.
            PodRefused: It is longer, or may not be read.
            PodError: No answer, or one that makes no sense.
        """
        headers = {"Accept": accept or "*/*"}
        if etag:
            headers["If-None-Match"] = etag
        answer = self._answered(_Ask("GET", self._at(path), headers, most=most))
        if answer.status_code == httpx2.codes.NOT_MODIFIED:
            return None
        if answer.status_code in _GONE:
            raise Vanished(f"{path} is not in {self.url} any more.")
        _expect(answer)
        return _found(answer)

    def size(self, path: str) -> int | None:
        """Return the length of a resource in bytes, or None where there is none.

        Raises:
            PodError: No answer, or one without a length.
        """
        state = self.state(path)
        return None if state is None else state.size

    def state(self, path: str) -> State | None:
        """Return length and ETag of a resource, or None where there is none.

        Raises:
            PodError: No answer, or one without a length.
        """
        answer = self._head(path)
        if answer is None:
            return None
        length = answer.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise PodRefused(f"{self._origin} does not say how long {path} is; check the server.")
        return State(int(length), answer.headers.get("ETag", ""))

    def put(
        self, path: str, content: bytes, media_type: str, *, etag: str = "", new: bool = False
    ) -> None:
        """Write a whole resource.

        A condition that fails after an answer was lost may fail for this very write; then it
        is looked whether the content is there.

        Args:
            path: Below `url`, or an address on the same server.
            content: All its bytes.
            media_type: What they are.
            etag: Write only over the state that this names.
            new: Write only where nothing is.

        Raises:
            PodChanged: The condition does not hold.
            PodFull: No room is left.
            PodError: It was not written.
        """
        headers = {"Content-Type": media_type}
        if etag:
            headers["If-Match"] = etag
        if new:
            headers["If-None-Match"] = "*"
        settled = partial(self._holds, path, content) if etag or new else bool
        answer = self._send(_Ask("PUT", self._at(path), headers, content, settled=settled))
        if answer is not None:
            _expect(answer)

    def delete(self, path: str) -> bool:
        """Delete a resource; return whether it was there.

        Raises:
            PodError: It was not deleted.
        """
        answer = self._answered(_Ask("DELETE", self._at(path), {}))
        if answer.status_code in _GONE:
            return False
        _expect(answer)
        return True

    def listing(self, path: str) -> tuple[Member, ...]:
        """Return the members of a container, by name; none where there is no container.

        Raises:
            PodRefused: It is no listing of this container, or longer than 16 MiB.
            PodError: No answer.
        """
        try:
            found = self.get(path, accept="text/turtle", most=_LISTING)
        except Vanished:
            return ()
        assert found is not None
        return members(found.body, str(self._at(path)))

    def post(self, path_or_url: str, content: bytes, media_type: str, *, accept: str = "") -> Found:
        """Send something to a resource; it is not sent twice where the answer was lost.

        Raises:
            PodError: It was not taken, or no answer came.
        """
        headers = {"Content-Type": media_type, "Accept": accept or "*/*"}
        answer = self._answered(_Ask("POST", self._at(path_or_url), headers, content, once=True))
        if answer.status_code in _GONE:
            raise Vanished(f"{path_or_url} is not in {self.url} any more.")
        _expect(answer)
        return _found(answer)

    def links(self, path: str) -> tuple[Link, ...]:
        """Return what the headers of a resource link to, be it there or not.

        Raises:
            PodError: No answer, or one that makes no sense.
        """
        answer = self._answered(_Ask("HEAD", self._at(path), {"Accept": "*/*"}))
        if answer.status_code not in _GONE:
            _expect(answer)
        return links(answer)

    def rights(self, path: str) -> dict[str, frozenset[str]]:
        """Return what `user` and `public` may do with a resource; nothing where there is none.

        That is what `WAC-Allow` says. Servers with Access Control Policies do not say: there
        it is tried who may see the access document, and what nobody in particular may see.

        Raises:
            PodError: No answer, or one that makes no sense.
        """
        answer = self._head(path)
        if answer is None:
            return {}
        if stated := answer.headers.get("WAC-Allow"):
            return allowed(stated)
        rules = [str(url) for rel, url in links(answer) if rel == "acl"]
        owner = all(map(self._opens, rules)) and bool(rules)
        user = frozenset({"read", "write", "control"} if owner else {"read"})
        return {"user": user, "public": frozenset({"read"} if self._public(path) else ())}

    def _at(self, path: str) -> httpx2.URL:
        """Return the address of a path; the pod's own server alone learns who the vault is."""
        given = path.startswith(("http://", "https://"))
        try:
            url = httpx2.URL(path if given else self.url + path)
        except httpx2.InvalidURL:
            raise PodForeign(f"{path!r} is no address in a pod; correct it.") from None
        if origin(url) != self._origin:
            raise PodForeign(
                f"{origin(url)} is another server than {self._origin}, which alone learns who "
                "the vault is; move there what it names, or link the other pod."
            )
        return url

    def _opens(self, path: str) -> bool:
        try:
            self.links(path)
        except PodRefused:
            return False
        return True

    def _public(self, path: str) -> bool:
        nobody = self._client.build_request("HEAD", self._at(path))
        try:
            answer = self._client.send(nobody, auth=None)
        except httpx2.TransportError as error:
            raise unreachable(error) from None
        if answer.status_code in _CLOSED:
            return False
        _expect(answer)
        return True

    def _holds(self, path: str, content: bytes) -> bool:
        try:
            found = self.get(path, most=len(content))
        except (Vanished, PodRefused):
            return False
        return found is not None and found.body == content

    def _head(self, path: str) -> httpx2.Response | None:
        answer = self._answered(_Ask("HEAD", self._at(path), {"Accept": "*/*"}))
        if answer.status_code in _GONE:
            return None
        _expect(answer)
        return answer

    def _answered(self, ask: _Ask) -> httpx2.Response:
        answer = self._send(ask)
        assert answer is not None
        return answer

    def _send(self, ask: _Ask) -> httpx2.Response | None:
        """Send a request until it has an answer; None: it was found to be done."""
        perhaps_done = False
        for attempt in range(_RETRIES + 1):
            tried = self._tried(ask)
            if isinstance(tried, httpx2.Response):
                changed = tried.status_code == httpx2.codes.PRECONDITION_FAILED
                return None if changed and perhaps_done and ask.settled() else tried
            perhaps_done |= not tried.undone
            hopeless = attempt == _RETRIES or tried.asked > self._patience.longest
            if hopeless or (perhaps_done and ask.once):
                raise tried.problem
            self._patience.wait(attempt, tried.asked)
        raise AssertionError("the last attempt returns or raises")

    def _tried(self, ask: _Ask) -> httpx2.Response | _Trouble:
        request = self._client.build_request(
            ask.method,
            ask.url,
            headers=ask.headers,
            content=ask.content,
            extensions={"most": ask.most},
        )
        try:
            answer = self._client.send(request)
        except httpx2.TransportError as error:
            problem = unreachable(error)
            if lasting(error):
                raise problem from None
            unsent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            return _Trouble(problem, undone=unsent or error.request.url != ask.url)
        except PodUnreachable as problem:
            return _Trouble(problem, undone=True)
        code = answer.status_code
        if code in FULL or (code not in HASTY and not answer.is_server_error):
            return answer
        asked = _retry_after(answer, self._clock())
        return _Trouble(refusal(answer), undone=code in _UNDONE, asked=asked)


def _expect(answer: httpx2.Response) -> None:
    if not answer.is_success:
        raise refusal(answer)


def _found(answer: httpx2.Response) -> Found:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Found(answer.content, answer.headers.get("ETag", ""), kind)


def _retry_after(answer: httpx2.Response, now: float) -> float:
    """Return the seconds that a server wants to be left alone (RFC 9110 §10.2.3)."""
    text = answer.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    at = moment(text)
    return 0.0 if at is None else at - now
