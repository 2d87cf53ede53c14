"""The door: what every request must be before any page sees it.

A page of somebody else's, open in the same browser, can send requests to this machine; it can
also make its own name resolve to it (DNS rebinding). So the server answers only to its own
names, takes only what its own pages send, and knows a browser by a cookie. All of it holds for
every route, also one that is added tomorrow; only what `OPEN` names is answered without a
session.

Sources: Fetch Metadata Request Headers (W3C), RFC 9110 §15.5.20 (421), Content Security Policy
Level 3, Trusted Types.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import NoReturn

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.pages.door import Door
from console.pages.sessions import Sessions
from console.pages.telling import TooLarge

__all__ = ["OPEN", "Guard"]

# What is answered without a session: nothing of it shows or changes anything in a vault.
OPEN = ("/enter/", "/health/", "/static/", "/unlock")

_SAFE = frozenset({"GET", "HEAD"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
# How much of what is too large is read and thrown away, so that a browser, which answers only
# when it has sent all, shows the page that says so.
_THROWN_AWAY = 64 << 30


class Guard:
    """ASGI middleware before every route; see the module."""

    def __init__(self, app: ASGIApp, door: Door, sessions: Sessions) -> None:
        self._app = app
        self._door = door
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what may not pass, and hand on what may."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # No page speaks over a WebSocket; closing before accepting answers 403.
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        refused = self._refused(scope)
        if refused:
            await _answer(refused, send)
            return
        if not self._may_pass(scope):
            await _unknown(scope, send)
            return
        limit = self._limit(scope["path"])
        limited = _Limited(receive, limit)
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            await limited.refuse()
        await self._app(scope, limited, send)

    def _refused(self, scope: Scope) -> HTTPStatus | None:
        """Return why a request is not from one of our own pages, None where it may be."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._door.hosts:
            return HTTPStatus.MISDIRECTED_REQUEST
        site = headers.getlist("sec-fetch-site")
        origins = headers.getlist("origin")
        is_elsewhere = any(one not in {"same-origin", "none"} for one in site)
        if is_elsewhere or any(one not in self._door.origins for one in origins):
            return HTTPStatus.FORBIDDEN
        if scope["method"] in _SAFE:
            return None
        return _unsafe(scope["method"], site, origins, headers.getlist("content-type"))

    def _limit(self, path: str) -> int:
        is_upload = path.startswith(self._door.uploads)
        return self._door.largest_upload if is_upload else self._door.largest

    def _may_pass(self, scope: Scope) -> bool:
        if _is_open(scope["path"], OPEN):
            return True
        return self._sessions.knows(Request(scope).cookies.get(self._sessions.cookie, ""))


def _unsafe(
    method: str, site: list[str], origins: list[str], kinds: list[str]
) -> HTTPStatus | None:
    """Return why a request may not change anything, None where it may."""
    if method != "POST":
        return HTTPStatus.METHOD_NOT_ALLOWED
    if not origins and site != ["same-origin"]:
        return HTTPStatus.FORBIDDEN
    if len(kinds) != 1 or kinds[0].partition(";")[0].strip().lower() not in _FORMS:
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    return None


def _is_open(path: str, opened: Iterable[str]) -> bool:
    return any(path.startswith(one) if one.endswith("/") else path == one for one in opened)


class _Limited:
    """Lets no request bring more than it may, whatever it said of its length."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._came = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._came += len(message.get("body", b""))
        if self._came > self._limit:
            await self.refuse(more=message.get("more_body", False))
        return message

    async def refuse(self, *, more: bool = True) -> NoReturn:
        """Throw away what is left, and say that it was too much."""
        while more and self._came < _THROWN_AWAY:
            message = await self._receive()
            self._came += len(message.get("body", b""))
            more = message.get("more_body", False)
        raise TooLarge(
            f"That is larger than {self._limit >> 20:,} MB, and nothing of it was kept; a file of "
            "this size is added by its place on this computer."
        )


async def _answer(status: HTTPStatus, send: Send) -> None:
    body = f"{status.phrase}.\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _unknown(scope: Scope, send: Send) -> None:
    """Lead a browser that is not known to the page where it can say who it is."""
    headers = Headers(scope=scope)
    if headers.get("hx-request"):
        told, status = (b"hx-redirect", b"/unlock"), HTTPStatus.UNAUTHORIZED
    elif scope["method"] in _SAFE and "text/html" in headers.get("accept", ""):
        told, status = (b"location", b"/unlock"), HTTPStatus.SEE_OTHER
    else:
        told, status = (b"content-type", b"text/plain; charset=utf-8"), HTTPStatus.UNAUTHORIZED
    await send({"type": "http.response.start", "status": status.value, "headers": [told]})
    await send({"type": "http.response.body", "body": b""})
