"""What was imported, what of it could not be read, and what is watched."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.pages.access import TheJobs, TheKeeper
from console.pages.asking import NumberInForm, NumberInPath, PerhapsNumberInQuery
from console.pages.collecting_orders import ReadAgain
from console.pages.picking import checked
from console.pages.rendering import page
from console.pages.routes.sources import ThePlaces
from console.use import importing, watching
from vault.errors import NotFound, UsageError

__all__ = ["router"]

router = APIRouter(prefix="/sources")

_PAGE = 50
_UNREAD = 200


@router.get("/imports")
def imports(request: Request, keeper: TheKeeper, before: PerhapsNumberInQuery = None) -> Response:
    """List imports, the newest first."""
    with keeper.looking() as twin:
        listed = importing.before(twin, before, most=_PAGE).imports
        is_unread = importing.is_anything_unread(twin)
    older = listed[-1].number if len(listed) == _PAGE and listed[-1].number > 1 else None
    return page(
        request,
        "imports.html",
        {"imports": listed, "older": older, "is_newest": before is None, "is_unread": is_unread},
    )


@router.get("/imports/{number}")
def one(request: Request, number: NumberInPath, keeper: TheKeeper) -> Response:
    """Show an import, with the places of what it could not read."""
    with keeper.looking() as twin:
        shown = importing.show(twin, number)
        is_there = bool(shown.past.path) and Path(shown.past.path).exists()
    return page(
        request,
        "import.html",
        {"past": shown.past, "unread": shown.unread[:_UNREAD], "is_there": is_there},
    )


@router.post("/imports/retry")
def retry(
    keeper: TheKeeper,
    jobs: TheJobs,
    *,
    number: NumberInForm = 0,
    path: Annotated[str, Form()] = "",
) -> Response:
    """Read again what could not be read, of one import or of the newest of each thing."""
    for job in jobs.running(ReadAgain):
        return RedirectResponse(f"/jobs/{job.id}", 303)
    lies = str(checked(path, but=keeper.home)) if path.strip() else ""
    if lies and not number:
        raise UsageError("Where something lies now is said of one import; open it first.")
    job = jobs.start(
        ReadAgain(number=number, path=lies),
        keeper.secret,
        then=lambda job: f"/sources/again/{job.id}",
        alone=(ReadAgain,),
    )
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.get("/again/{name}")
def again(request: Request, name: str, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Show what came of reading again."""
    job = jobs.get(name)
    if not isinstance(job.order, ReadAgain) or job.state != "done":
        raise NotFound("Nothing is known of that any more; the list of imports says what is there.")
    with keeper.looking():
        done = job.resulted(importing.Retries)
    return page(request, "imports_again.html", {"done": done})


# Watching.


@router.post("/watched/pause")
def pause(keeper: TheKeeper) -> Response:
    """Read nothing that is watched until it is resumed."""
    with keeper.changing() as twin:
        watching.pause(twin)
    return RedirectResponse("/sources#watched", 303)


@router.post("/watched/resume")
def resume(keeper: TheKeeper) -> Response:
    """Read what is watched again."""
    with keeper.changing() as twin:
        watching.resume(twin)
    return RedirectResponse("/sources#watched", 303)


@router.post("/watched/stop")
def stop(keeper: TheKeeper, places: ThePlaces, place: Annotated[str, Form()]) -> Response:
    """Watch a place no more; what was collected of it stays."""
    with keeper.changing() as twin:
        watching.unwatch(twin, places.path(place))
    return RedirectResponse("/sources#watched", 303)
