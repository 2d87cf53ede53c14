"""Coming in: the one-time link, unlocking, locking, and whether the server is there."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from console.pages.access import TheKeeper, TheSessions
from console.pages.rendering import page
from vault.errors import Locked

__all__ = ["router"]

router = APIRouter()


@router.get("/health/live")
def live() -> PlainTextResponse:
    """Say that the server runs."""
    return PlainTextResponse("live\n")


@router.get("/health/ready")
def ready(keeper: TheKeeper) -> PlainTextResponse:
    """Say whether the vault is open."""
    return PlainTextResponse("ready\n" if keeper.is_open else "locked\n", 200 if keeper.is_open else 503)


@router.get("/enter/{token}")
def enter(token: str, sessions: TheSessions) -> Response:
    """Let a browser in that brings the link, once."""
    cookie = sessions.enter(token)
    if cookie is None:
        return RedirectResponse("/unlock", 303)
    return _known(RedirectResponse("/", 303), sessions.cookie, cookie)


@router.get("/unlock")
def unlocking(request: Request, keeper: TheKeeper) -> Response:
    """Ask for the passphrase."""
    return page(request, "unlock.html", {"exists": keeper.exists, "problem": ""})


@router.post("/unlock")
def unlock(
    request: Request, keeper: TheKeeper, sessions: TheSessions, passphrase: Annotated[str, Form()]
) -> Response:
    """Open the vault with the passphrase; who types it is known from then on."""
    try:
        keeper.unlock(passphrase)
    except Locked as error:
        context: dict[str, object] = {"exists": keeper.exists, "problem": str(error)}
        return page(request, "unlock.html", context, status=403)
    cookie = sessions.begin()
    sessions.prove(cookie)
    return _known(RedirectResponse("/", 303), sessions.cookie, cookie)


@router.post("/lock")
def lock(keeper: TheKeeper, sessions: TheSessions) -> Response:
    """Close the vault and end every session."""
    keeper.lock()
    sessions.end_all()
    return RedirectResponse("/unlock", 303)


def _known(answer: Response, name: str, cookie: str) -> Response:
    answer.set_cookie(name, cookie, path="/", httponly=True, samesite="strict")
    return answer
