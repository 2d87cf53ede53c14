"""The owner's pod: linking it, what is there and what is not, and whether the vault comes back."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.pages.access import Proven, TheJobs, TheKeeper
from console.pages.jobs import Jobs
from console.pages.keeper import Keeper
from console.pages.orders import Order
from console.pages.pod_orders import Drill, Scrub, Sync
from console.pages.rendering import page
from console.pages.wording import words
from console.solid_server import usual_folder
from console.use import podding, reaching
from console.use.drilling import Drilled
from console.use.podding import Account, Credentials, Linked, Scrubbed, Synced
from vault.errors import NotFound, UsageError

__all__ = ["router"]

router = APIRouter(prefix="/pod")


@router.get("")
def pod(request: Request, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Show what this device knows of the pod, without asking it."""
    with keeper.looking() as twin:
        if not twin.is_linked:
            return page(request, "pod_none.html", {"folder": usual_folder()})
        status = podding.status(twin)
        reach = reaching.reach(twin)
    return page(
        request,
        "pod.html",
        {"status": status, "reach": reach, "running": jobs.running(Order), "words": words},
    )


# Linking.


@router.get("/link")
def linking(request: Request, keeper: TheKeeper) -> Response:
    """Ask for the pod: an account on a server, or credentials that exist already."""
    with keeper.looking() as twin:
        way = twin.pod.way if twin.is_linked else None
    return page(request, "pod_link.html", {"before": way.url if way else ""})


@router.post("/link/account", dependencies=[Proven])
def link_by_account(
    request: Request,
    keeper: TheKeeper,
    jobs: TheJobs,
    *,
    url: Annotated[str, Form()],
    email: Annotated[str, Form()],
    password: Annotated[str, Form()],
    pod: Annotated[str, Form()],
) -> Response:
    """Link a pod of an account, which is made where there is none."""
    return _link(
        request, keeper, jobs, url, Account(email=email.strip(), password=password, pod=pod.strip())
    )


@router.post("/link/credentials", dependencies=[Proven])
def link_by_credentials(
    request: Request,
    keeper: TheKeeper,
    jobs: TheJobs,
    *,
    url: Annotated[str, Form()],
    webid: Annotated[str, Form()],
    client_id: Annotated[str, Form()],
    secret: Annotated[str, Form()],
    issuer: Annotated[str, Form()] = "",
) -> Response:
    """Link a pod with credentials that the owner made for it."""
    by = Credentials(
        webid=webid.strip(), client_id=client_id.strip(), secret=secret, issuer=issuer.strip()
    )
    return _link(request, keeper, jobs, url, by)


def _link(
    request: Request, keeper: Keeper, jobs: Jobs, url: str, by: Account | Credentials
) -> Response:
    url = url.strip()
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise UsageError("An address of a pod begins with https:// or http://; type all of it.")
    if jobs.running():
        raise UsageError(
            "Other work is under way, and linking makes a new recovery page; let it end, or stop "
            "it, and link then."
        )
    with keeper.closed() as (home, secret):
        request.app.state.linked = podding.link(home, secret, url, by)
    return RedirectResponse("/pod/linked", 303)


@router.get("/linked")
def linked(request: Request, keeper: TheKeeper) -> Response:
    """Say what linking did, and where the new recovery page lies."""
    done = getattr(request.app.state, "linked", None)
    if done is None:
        return RedirectResponse("/pod", 303)
    assert isinstance(done, Linked)
    with keeper.looking():
        pass
    return page(request, "pod_linked.html", {"done": done})


# What takes its time.


@router.post("/sync")
def sync(keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Bring the pod up to date."""
    return _begun(keeper, jobs, Sync())


@router.post("/scrub")
def scrub(keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Read all that is in the pod again."""
    return _begun(keeper, jobs, Scrub())


@router.post("/drill")
def drill(keeper: TheKeeper, jobs: TheJobs) -> Response:
    """See whether the vault comes back from the pod alone."""
    return _begun(keeper, jobs, Drill())


def _begun(keeper: Keeper, jobs: Jobs, order: Order) -> Response:
    with keeper.looking() as twin:
        twin.pod.linked  # noqa: B018 — says so where none is linked
    for job in jobs.running(type(order)):
        return RedirectResponse(f"/jobs/{job.id}", 303)
    kind = type(order)
    job = jobs.start(order, keeper.secret, lambda job: f"/pod/done/{job.id}", alone=(kind,))
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.get("/done/{name}")
def done(request: Request, name: str, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Show what came of work on the pod."""
    job = jobs.get(name)
    if job.state != "done":
        return RedirectResponse(f"/jobs/{name}", 303)
    with keeper.looking():
        pass
    match job.order:
        case Sync():
            context: dict[str, object] = {"kind": "sync", "done": job.resulted(Synced)}
        case Scrub():
            context = {"kind": "scrub", "done": job.resulted(Scrubbed)}
        case Drill():
            context = {"kind": "drill", "done": job.resulted(Drilled)}
        case _:
            raise NotFound("That is no work on the pod; the page of the pod says how it stands.")
    return page(request, "pod_done.html", context)
