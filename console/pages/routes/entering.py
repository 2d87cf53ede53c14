"""Coming in: the one-time link, unlocking, locking, and whether the server is there."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from console.pages.access import TheJobs, TheKeeper, TheSessions
from console.pages.erasing_orders import Tidy
from console.pages.jobs import Jobs
from console.pages.keeper import Keeper
from console.pages.rendering import page
from console.use import retaining
from vault.errors import Locked, VaultError

__all__ = ["router"]

router = APIRouter()


@router.get("/health/live")
def live() -> PlainTextResponse:
    """Say that the server runs."""
    return PlainTextResponse("live\n")


@router.get("/health/ready")
def ready(keeper: TheKeeper) -> PlainTextResponse:
    """Say whether the vault is open."""
    return PlainTextResponse("ready\n") if keeper.is_open else PlainTextResponse("locked\n", 503)


@router.get("/enter/{token}")
def enter(request: Request, token: str, sessions: TheSessions) -> Response:
    """Let a browser in that brings the link, once."""
    cookie = sessions.enter(token)
    if cookie is None:
        return RedirectResponse("/unlock", 303)
    return _known(request, RedirectResponse("/", 303), sessions.cookie, cookie)


@router.get("/unlock")
def unlocking(request: Request, keeper: TheKeeper) -> Response:
    """Ask for the passphrase."""
    return page(request, "unlock.html", {"exists": keeper.exists, "problem": ""})


@router.post("/unlock")
def unlock(
    request: Request,
    keeper: TheKeeper,
    sessions: TheSessions,
    jobs: TheJobs,
    passphrase: Annotated[str, Form()] = "",
) -> Response:
    """Open the vault with the passphrase; who types it is known from then on."""
    before = request.cookies.get(sessions.cookie, "")
    try:
        address = request.client.host if request.client else ""
        is_right = sessions.attempt(before, lambda: _opens(keeper, passphrase), address)
        problem = "" if is_right else "The passphrase is wrong; type it again."
    except Locked as error:
        problem = str(error)
    if problem:
        context: dict[str, object] = {"exists": keeper.exists, "problem": problem}
        return page(request, "unlock.html", context, status=403)
    sessions.end(before)
    cookie = sessions.begin()
    sessions.prove(cookie)
    # What cannot be begun now is owed still when the vault is opened next.
    with suppress(VaultError, OSError):
        _tidy(keeper, jobs)
    return _known(request, RedirectResponse("/", 303), sessions.cookie, cookie)


@router.post("/lock")
def lock(keeper: TheKeeper, sessions: TheSessions, jobs: TheJobs) -> Response:
    """Close the vault and end every session; work that is under way goes on."""
    keeper.lock()
    sessions.end_all()
    jobs.let_go()
    return RedirectResponse("/unlock", 303)


def _opens(keeper: Keeper, secret: str) -> bool:
    try:
        keeper.unlock(secret)
    except Locked:
        return False
    return True


def _tidy(keeper: Keeper, jobs: Jobs) -> None:
    """Do what is owed first, as every command does."""
    with keeper.looking() as twin:
        is_owed = retaining.is_owed(twin)
    if is_owed:
        tidying = (Tidy,)
        jobs.start(Tidy(), keeper.secret, lambda _job: "/forget", keeper.refresh, tidying)


def _known(request: Request, answer: Response, name: str, cookie: str) -> Response:
    is_tls = request.url.scheme == "https"
    answer.set_cookie(name, cookie, path="/", httponly=True, samesite="strict", secure=is_tls)
    return answer
