"""The door: what every request must be before any page sees it, and what every answer carries.

A page of somebody else's, open in the same browser, can send requests to this machine; it can
also make its own name resolve to it (DNS rebinding). So the server answers only to its own
names, takes only what its own pages send, and knows a browser by a cookie. All of it holds for
every route, also one that is added tomorrow; only what `OPEN` names is answered without a
session.

Sources: Fetch Metadata Request Headers (W3C), RFC 9110 §15.5.20 (421), Content Security Policy
Level 3, Trusted Types.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.pages.sessions import Sessions

__all__ = ["OPEN", "Door", "Guard"]

# What is answered without a session: nothing of it shows or changes anything in a vault.
OPEN = ("/enter/", "/health/", "/static/", "/unlock")

_SAFE = frozenset({"GET", "HEAD"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types twinvault",
    )
)
_HEADERS = {
    "content-security-policy": _CSP,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Under which names the server answers, and how much one request may bring.

    `origins` are whole origins (`http://127.0.0.1:8642`), `largest` and `largest_upload` are
    bytes; only a path that begins with one of `uploads` may bring as much as the latter.
    """

    origins: tuple[str, ...]
    largest: int = 1 << 20
    largest_upload: int = 4 << 30
    uploads: tuple[str, ...] = ("/sources/upload",)
    hosts: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        hosts = frozenset(origin.partition("://")[2] for origin in self.origins)
        object.__setattr__(self, "hosts", hosts)


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
            await _answer(refused, send, scope)
            return
        if not self._may_pass(scope):
            await _unknown(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        await self._app(scope, _limited(receive, limit), _dressed(send, scope["path"]))

    def _refused(self, scope: Scope) -> HTTPStatus | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._door.hosts:
            return HTTPStatus.MISDIRECTED_REQUEST
        site = headers.getlist("sec-fetch-site")
        if any(one not in {"same-origin", "none"} for one in site):
            return HTTPStatus.FORBIDDEN
        origins = headers.getlist("origin")
        if any(one not in self._door.origins for one in origins):
            return HTTPStatus.FORBIDDEN
        if scope["method"] in _SAFE:
            return None
        if scope["method"] != "POST":
            return HTTPStatus.METHOD_NOT_ALLOWED
        if not origins and site != ["same-origin"]:
            return HTTPStatus.FORBIDDEN
        kinds = headers.getlist("content-type")
        if len(kinds) != 1 or kinds[0].partition(";")[0].strip().lower() not in _FORMS:
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._limit(scope["path"]):
            return HTTPStatus.CONTENT_TOO_LARGE
        return None

    def _limit(self, path: str) -> int:
        is_upload = path.startswith(self._door.uploads)
        return self._door.largest_upload if is_upload else self._door.largest

    def _may_pass(self, scope: Scope) -> bool:
        if _is_open(scope["path"], OPEN):
            return True
        return self._sessions.knows(Request(scope).cookies.get(self._sessions.cookie, ""))


def _is_open(path: str, opened: Iterable[str]) -> bool:
    return any(path.startswith(one) if one.endswith("/") else path == one for one in opened)


def _limited(receive: Receive, limit: int) -> Receive:
    """Let no request bring more than it may, whatever it said of its length."""
    left = limit

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            return {"type": "http.disconnect"}
        return message

    return counted


def _dressed(send: Send, path: str) -> Send:
    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            kept = "no-cache" if path.startswith("/static/") else "no-store"
            headers.setdefault("cache-control", kept)
        await send(message)

    return dressed


async def _answer(status: HTTPStatus, send: Send, scope: Scope) -> None:
    body = f"{status.phrase}.\n".encode()
    send = _dressed(send, scope["path"])
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _unknown(scope: Scope, receive: Receive, send: Send) -> None:
    """Lead a browser that is not known to the page where it can say who it is."""
    del receive
    headers = Headers(scope=scope)
    if headers.get("hx-request"):
        told, status = (b"hx-redirect", b"/unlock"), HTTPStatus.UNAUTHORIZED
    elif scope["method"] in _SAFE and "text/html" in headers.get("accept", ""):
        told, status = (b"location", b"/unlock"), HTTPStatus.SEE_OTHER
    else:
        told, status = (b"content-type", b"text/plain; charset=utf-8"), HTTPStatus.UNAUTHORIZED
    send = _dressed(send, scope["path"])
    await send({"type": "http.response.start", "status": status.value, "headers": [told]})
    await send({"type": "http.response.body", "body": b""})


