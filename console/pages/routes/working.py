"""Long work: how far it is, stopping it, and everything since the server began."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from console.pages.access import TheJobs, TheKeeper
from console.pages.asking import NumberInQuery
from console.pages.following import work
from console.pages.rendering import fragment, is_partial, page

__all__ = ["router"]

router = APIRouter(prefix="/jobs")


@router.get("")
def everything(request: Request, jobs: TheJobs) -> Response:
    """List the work since the server began."""
    return page(request, "jobs.html", {"running": jobs.running(), "over": jobs.over})


@router.get("/now")
def now(keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Say what runs, for a page that has been open for a while."""
    return fragment("_work.html", {"work": work(keeper, jobs)})


@router.get("/{name}")
def watch(request: Request, name: str, jobs: TheJobs, already: NumberInQuery = 0) -> Response:
    """Show how far a piece of work is; when it is done, lead to what came of it.

    `already` tells who asked for it again that it was under way.
    """
    job = jobs.get(name)
    if job.state == "done":
        if is_partial(request):
            return Response(headers={"HX-Redirect": job.then(job)})
        return RedirectResponse(job.then(job), 303)
    if is_partial(request):
        return fragment("_job.html", {"job": job})
    return page(request, "job.html", {"job": job, "already": already})


@router.post("/{name}/stop")
def stop(name: str, jobs: TheJobs) -> Response:
    """Stop it as Ctrl-C does."""
    jobs.stop(name)
    return RedirectResponse(f"/jobs/{name}", 303)
