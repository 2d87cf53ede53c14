"""The server put together: the guard before everything, then the routes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from console.pages.door import Door
from console.pages.guard import Guard
from console.pages.jobs import Jobs
from console.pages.keeper import Keeper
from console.pages.routes import ROUTERS
from console.pages.sessions import Sessions
from console.pages.telling import Telling, told
from console.pages.warming import Warming
from console.pages.watcher import Watcher

__all__ = ["build", "leave"]

_STATIC = Path(__file__).parent / "static"
_LOOK_SECONDS = 60.0


def build(home: Path, door: Door, sessions: Sessions) -> FastAPI:
    """Return the server for one vault.

    Args:
        home: The vault's folder; there need not be a vault yet.
        door: Under which names it answers.
        sessions: The browsers that it knows.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(_lock_when_left(app))
        app.state.watcher.start()
        yield
        watching.cancel()
        await asyncio.to_thread(app.state.watcher.stop)
        app.state.jobs.stop_all()
        app.state.keeper.lock()

    app = FastAPI(
        title="Twinvault",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        middleware=[Middleware(Telling), Middleware(Guard, door=door, sessions=sessions)],
    )
    app.state.keeper = Keeper(home)
    app.state.jobs = Jobs(home)
    app.state.watcher = Watcher(app.state.keeper, app.state.jobs)
    app.state.sessions = sessions
    app.state.warming = Warming()
    app.state.static = "/static"
    app.state.door = door
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    for router in ROUTERS:
        app.include_router(router)
    for kind in (HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _told)
    return app


async def _lock_when_left(app: FastAPI) -> None:
    """Lock the vault when nobody has looked at it for half a day and nothing is being done."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        await asyncio.to_thread(leave, app)


def leave(app: FastAPI) -> None:
    """Lock the vault if nobody is there any more."""
    keeper: Keeper = app.state.keeper
    jobs: Jobs = app.state.jobs
    sessions: Sessions = app.state.sessions
    if keeper.is_open and not sessions.is_anybody_there() and not jobs.running():
        keeper.lock()
        jobs.let_go()


async def _told(request: Request, error: Exception) -> Response:
    return told(request, error)
