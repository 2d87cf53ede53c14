"""Sources: what is collected from where, and adding more after looking at it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.pages.access import TheJobs, TheKeeper
from console.pages.asking import NumberInForm, NumberInQuery
from console.pages.collecting_orders import Collect, Collected, Look, Looked
from console.pages.jobs import Job, Jobs
from console.pages.keeper import Keeper
from console.pages.kinds import kind_of, kinds_counted
from console.pages.orders import Order
from console.pages.picking import Places, checked, stamped
from console.pages.rendering import page
from console.pages.uploads import Uploads, received
from console.use import collecting, importing, watching
from console.use import sources as use
from vault.consent import normal
from vault.errors import NotFound, UsageError

__all__ = ["router"]

router = APIRouter(prefix="/sources")

_LATEST = 5


def _places(request: Request) -> Places:
    state = request.app.state
    if not hasattr(state, "places"):
        state.places = Places()
    found = state.places
    assert isinstance(found, Places)
    return found


def _uploads(request: Request) -> Uploads:
    state = request.app.state
    if not hasattr(state, "uploads"):
        state.uploads = Uploads()
    found = state.uploads
    assert isinstance(found, Uploads)
    return found


ThePlaces = Annotated[Places, Depends(_places)]
TheUploads = Annotated[Uploads, Depends(_uploads)]


@router.get("")
def sources(request: Request, keeper: TheKeeper, jobs: TheJobs, places: ThePlaces) -> Response:
    """Show what was collected from where, and what is watched."""
    with keeper.looking() as twin:
        held = use.held(twin)
        latest = importing.before(twin, most=_LATEST)
        watched = watching.watched(twin)
        pauses = twin.views.permissions.pauses
    return page(
        request,
        "sources.html",
        {
            "held": held,
            "kinds": {one.source: kinds_counted(one.types) for one in held.holdings},
            "latest": latest.imports,
            "watched": watched,
            "handles": {one.path: places.handle(Path(one.path)) for one in watched.places},
            "running": jobs.running(Collect),
            "is_all_paused": any(not (p.type or p.source or p.person) for p in pauses),
        },
    )


@router.get("/exports")
def exports(request: Request, keeper: TheKeeper) -> Response:
    """Show what can be read, and how to ask for it where it lies now."""
    with keeper.looking():
        pass
    known = use.known()
    brings = {
        one.name: list(dict.fromkeys(kind_of(type_).name for type_ in one.types))
        for one in known.sources
    }
    return page(request, "sources_exports.html", {"known": known, "brings": brings})


# Choosing.


@router.get("/add")
def adding(
    request: Request, keeper: TheKeeper, places: ThePlaces, begin: NumberInQuery = 0
) -> Response:
    """Ask where an export lies: on this machine, or in the browser's hands."""
    with keeper.looking() as twin:
        names = collecting.me(twin, ()).names
    return page(
        request,
        "sources_add.html",
        {"names": names, "starts": places.starts(Path.home()), "begin": begin},
    )


@router.get("/folder/{handle}")
def folder(
    request: Request, handle: str, keeper: TheKeeper, places: ThePlaces, begin: NumberInQuery = 0
) -> Response:
    """Show the names in a folder."""
    with keeper.looking() as twin:
        names = collecting.me(twin, ()).names
    listing = places.listing(handle, but=keeper.home)
    return page(
        request, "sources_folder.html", {"listing": listing, "names": names, "begin": begin}
    )


# Looking, before anything is stored.


@router.post("/survey")
def survey(
    keeper: TheKeeper,
    jobs: TheJobs,
    places: ThePlaces,
    uploads: TheUploads,
    *,
    path: Annotated[str, Form()] = "",
    place: Annotated[str, Form()] = "",
    names: Annotated[str, Form()] = "",
    source: Annotated[str, Form()] = "",
    begin: NumberInForm = 0,
) -> Response:
    """Look at a path that was typed, or at a place that was picked, and store nothing."""
    picked = places.path(place) if place else None
    is_copy = picked is not None and uploads.has(picked)
    if picked is None or not is_copy:
        picked = checked(str(picked or path), but=keeper.home)
    order = Look(path=str(picked), source=_known(source), names=_lines(names), is_copy=is_copy)
    return _look(jobs, keeper, order, begin)


@router.post("/upload")
async def upload(
    request: Request,
    keeper: TheKeeper,
    jobs: TheJobs,
    uploads: TheUploads,
) -> Response:
    """Take files from the browser into a private folder, and look at them."""
    assert keeper.secret, "a locked vault takes nothing"
    got = await received(request, keeper.home)
    uploads.keep(got.path, got.scratch, lambda: keeper.is_open)
    order = Look(path=str(got.path), names=_lines(got.fields.get("names", "")), is_copy=True)
    try:
        return _look(jobs, keeper, order, int(got.fields.get("begin") == "1"))
    except BaseException:
        uploads.remove(got.path)
        raise


def _look(jobs: Jobs, keeper: Keeper, order: Look, begin: int) -> Response:
    job = jobs.start(
        order, keeper.secret, then=lambda job: f"/sources/found/{job.id}{_asked(begin)}"
    )
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.get("/found/{name}")
def found(
    request: Request,
    name: str,
    keeper: TheKeeper,
    jobs: TheJobs,
    places: ThePlaces,
    *,
    begin: NumberInQuery = 0,
) -> Response:
    """Show what was found, and ask whether to collect it."""
    job, order = _looked_at(jobs, name)
    with keeper.looking() as twin:
        names = collecting.me(twin, ()).names
    return page(
        request,
        "sources_found.html",
        {
            "job": job,
            "order": order,
            "name": Path(order.path).name,
            "kind_of": kind_of,
            "found": job.resulted(Looked),
            "names": _together(names, order.names),
            "known": use.known().sources,
            "place": places.handle(Path(order.path)),
            "begin": begin,
        },
    )


def _looked_at(jobs: Jobs, name: str) -> tuple[Job, Look]:
    job = jobs.get(name)
    if not isinstance(job.order, Look) or job.state != "done":
        raise NotFound("Nothing is known of that any more; choose the file or folder again.")
    return job, job.order


# Collecting.


@router.post("/collect")
def collect(
    keeper: TheKeeper,
    jobs: TheJobs,
    uploads: TheUploads,
    *,
    look: Annotated[str, Form()],
    watch: Annotated[bool, Form()] = False,
    begin: NumberInForm = 0,
) -> Response:
    """Collect what was looked at, if it still is what was shown."""
    job, order = _looked_at(jobs, look)
    path = Path(order.path)
    asked = Collect(path=order.path, source=order.source, names=order.names, is_copy=order.is_copy)
    if running := [one for one in jobs.running() if _is_same(one.order, asked)]:
        return _already(running[0])
    if order.is_copy and not uploads.has(path):
        raise NotFound(
            "This upload was collected or is older than an hour, and its copy here is gone; "
            "upload it again to see what is new in it."
        )
    if stamped(path) != job.resulted(Looked).stamp:
        raise UsageError(
            f"{path.name} has changed since you looked at it; nothing was stored. Look again."
        )
    if watch and not order.is_copy:
        with keeper.changing() as twin:
            watching.watch(twin, path, source=order.source)
    started = jobs.start(
        asked,
        keeper.secret,
        then=lambda job: f"/sources/collected/{job.id}{_asked(begin)}",
        after=lambda: uploads.remove(path),
        # Two tabs may have come this far at once.
        same=lambda other: _is_same(other, asked),
    )
    if started.order is not asked:
        return _already(started)
    uploads.hold(path)
    return RedirectResponse(f"/jobs/{started.id}", 303)


def _is_same(other: Order, asked: Collect) -> bool:
    return isinstance(other, Collect) and other.path == asked.path


def _already(job: Job) -> Response:
    return RedirectResponse(f"/jobs/{job.id}?already=1", 303)


@router.post("/discard")
def discard(
    jobs: TheJobs,
    uploads: TheUploads,
    *,
    look: Annotated[str, Form()],
    begin: NumberInForm = 0,
) -> Response:
    """Store nothing of what was looked at; a copy that was uploaded goes at once."""
    _, order = _looked_at(jobs, look)
    uploads.remove(Path(order.path))
    return RedirectResponse(f"/sources/add{_asked(begin)}", 303)


@router.get("/collected/{name}")
def collected(
    request: Request, name: str, keeper: TheKeeper, jobs: TheJobs, begin: NumberInQuery = 0
) -> Response:
    """Show what came of collecting."""
    job = jobs.get(name)
    if not isinstance(job.order, Collect) or job.state != "done":
        raise NotFound("Nothing is known of that any more; what was collected is on this page.")
    with keeper.looking():
        done = job.resulted(Collected)
    return page(
        request,
        "sources_collected.html",
        {"done": done, "name": Path(job.order.path).name, "begin": begin},
    )


def _together(known: Iterable[str], given: Iterable[str]) -> list[str]:
    """Return all names once, as they were typed where they were."""
    return list({normal(name): name for name in (*known, *given)}.values())


def _asked(begin: int) -> str:
    return "?begin=1" if begin else ""


def _lines(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.splitlines() if name.strip())


def _known(source: str) -> str:
    if source and source not in {one.name for one in use.known().sources}:
        raise UsageError("No such source is known; choose one of the list, or none.")
    return source
