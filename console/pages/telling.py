"""What every answer carries, and what a person is told when something does not work.

No exception passes this middleware: frameworks print what passes with its text, which may
quote what was read. What is told of an error is decided in `console.problems` alone.
"""

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.pages.following import Behind
from console.pages.rendering import fragment, is_partial, page
from console.problems import Problem, problem_of
from vault.errors import VaultError

__all__ = ["Telling", "TooLarge", "told"]

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types twinvault"
)
_HEADERS = {
    "content-security-policy": _CSP,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
# What an exit code of the command line is to a browser.
_STATUS = {1: 500, 2: 400, 3: 404, 4: 403, 5: 409, 6: 500, 7: 502, 130: 503}
_FULL = 507
_TOO_LARGE = 413
_NOT_NOW = 503
_WORDS = {
    404: "There is no such page; the address may be mistyped.",
    405: "This address is not a page of its own; go to the overview and on from there.",
}
_NOT_UNDERSTOOD = "Something in that form is missing or not as expected; go back and look at it."


class TooLarge(VaultError):
    """A request brings more than it may."""


class Telling:
    """ASGI middleware around everything; see the module."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, dress the answer, and answer for whatever was raised."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def dressed(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                _dress(message, scope["path"])
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        except Exception as error:  # noqa: BLE001 - see the module
            if not has_begun:
                await told(Request(scope), error)(scope, receive, dressed)
            # An answer that has begun ends short of its end: the server closes the connection.


def _dress(message: Message, path: str) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("cache-control", "no-cache" if path.startswith("/static/") else "no-store")


def told(request: Request, error: Exception) -> Response:
    """Return the page that says in one sentence what did not work, and the way out."""
    if isinstance(error, HTTPException):
        # A form that could not be read whole says why beneath.
        if isinstance(error.__cause__, VaultError):
            return told(request, error.__cause__)
        words = _WORDS.get(error.status_code, _NOT_UNDERSTOOD)
        return _page(request, _usage(words), error.status_code)
    if isinstance(error, RequestValidationError):
        return _page(request, _usage(_NOT_UNDERSTOOD), 400)
    problem = problem_of(error)
    if problem.code == "locked" and not request.app.state.keeper.is_open:
        return _to_unlock(request)
    return _page(request, problem, _status(error, problem))


def _status(error: Exception, problem: Problem) -> int:
    if isinstance(error, Behind):
        return _NOT_NOW
    if isinstance(error, TooLarge):
        return _TOO_LARGE
    return _FULL if problem.code == "storage" else _STATUS[problem.status]


def _usage(words: str) -> Problem:
    return Problem(status=2, code="usage", message=words)


def _to_unlock(request: Request) -> Response:
    if is_partial(request):
        return Response(status_code=401, headers={"HX-Redirect": "/unlock"})
    return RedirectResponse("/unlock", 303)


def _page(request: Request, problem: Problem, status: int) -> Response:
    if is_partial(request):
        answer = fragment("_problem.html", {"problem": problem}, status=status)
        answer.headers["HX-Retarget"] = "#said"
        answer.headers["HX-Reswap"] = "innerHTML"
        return answer
    return page(request, "problem.html", {"problem": problem}, status=status)
