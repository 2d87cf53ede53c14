"""The server put together: the guard before everything, then the routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from console.pages.guard import Door, Guard
from console.pages.jobs import Jobs
from console.pages.keeper import Keeper
from console.pages.rendering import fragment, is_partial, page
from console.pages.routes import ROUTERS
from console.pages.sessions import Sessions
from console.problems import Problem, problem_of

__all__ = ["build"]

_STATIC = Path(__file__).parent / "static"
# What an exit code of the command line is to a browser.
_STATUS = {1: 500, 2: 400, 3: 404, 4: 403, 5: 409, 6: 500, 7: 502, 130: 503}


def build(home: Path, door: Door, sessions: Sessions) -> FastAPI:
    """Return the server for one vault.

    Args:
        home: The vault's folder; there need not be a vault yet.
        door: Under which names it answers.
        sessions: The browsers that it knows.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        app.state.jobs.stop_all()
        app.state.keeper.lock()

    app = FastAPI(
        title="Twinvault",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        middleware=[Middleware(Guard, door=door, sessions=sessions)],
    )
    app.state.keeper = Keeper(home)
    app.state.jobs = Jobs(home)
    app.state.sessions = sessions
    app.state.static = "/static"
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(Exception, _told)
    app.add_exception_handler(HTTPException, _told_by_framework)
    return app


async def _told(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem.code == "locked" and not request.app.state.keeper.is_open:
        return _to_unlock(request)
    return _page_of(request, problem, _STATUS[problem.status])


async def _told_by_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = "There is no such page." if error.status_code == 404 else error.detail
    return _page_of(
        request, Problem(status=2, code="usage", message=message), error.status_code
    )


def _to_unlock(request: Request) -> Response:
    if is_partial(request):
        return Response(status_code=401, headers={"HX-Redirect": "/unlock"})
    return RedirectResponse("/unlock", 303)


def _page_of(request: Request, problem: Problem, status: int) -> HTMLResponse:
    if is_partial(request):
        answer = fragment("_problem.html", {"problem": problem}, status=status)
        answer.headers["HX-Retarget"] = "#said"
        answer.headers["HX-Reswap"] = "innerHTML"
        return answer
    return page(request, "problem.html", {"problem": problem}, status=status)
