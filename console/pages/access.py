"""What a route asks for: the keeper of the vault, the jobs, a passphrase typed just now."""

from typing import Annotated, cast

from fastapi import Depends, Form, Request

from console.pages.jobs import Jobs
from console.pages.keeper import Keeper
from console.pages.sessions import Sessions
from console.pages.warming import Warming
from vault.errors import Locked

__all__ = ["Proven", "TheJobs", "TheKeeper", "TheSessions", "TheWarming", "proven"]


def _keeper(request: Request) -> Keeper:
    return cast("Keeper", request.app.state.keeper)


def _jobs(request: Request) -> Jobs:
    return cast("Jobs", request.app.state.jobs)


def _sessions(request: Request) -> Sessions:
    return cast("Sessions", request.app.state.sessions)


def _warming(request: Request) -> Warming:
    return cast("Warming", request.app.state.warming)


TheKeeper = Annotated[Keeper, Depends(_keeper)]
TheJobs = Annotated[Jobs, Depends(_jobs)]
TheSessions = Annotated[Sessions, Depends(_sessions)]
TheWarming = Annotated[Warming, Depends(_warming)]


def proven(
    request: Request,
    keeper: TheKeeper,
    sessions: TheSessions,
    passphrase: Annotated[str, Form()] = "",
) -> None:
    """Let pass who typed the passphrase within five minutes, or types it with this form.

    Export, forget, key and share actions name this in their `dependencies`.

    Raises:
        Locked: The passphrase is missing or wrong.
    """
    cookie = request.cookies.get(sessions.cookie, "")
    if sessions.has_proven(cookie):
        return
    if not passphrase:
        raise Locked("This needs your passphrase again; go back and type it.")
    if not sessions.attempt(cookie, lambda: keeper.is_right(passphrase)):
        raise Locked("That passphrase is wrong, so nothing was done; go back and type it again.")


Proven = Depends(proven)
