"""The devices of the vault: which there are, adding one, revoking one, meeting in a folder."""

import os
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.pages.access import Proven, TheJobs, TheKeeper
from console.pages.asking import NumberInForm
from console.pages.pod_orders import Exchange, Met
from console.pages.rendering import page
from console.use import mirroring
from vault.errors import NotFound, UsageError

__all__ = ["router"]

router = APIRouter(prefix="/pod/devices")


@router.get("")
def devices(request: Request, keeper: TheKeeper) -> Response:
    """List the devices."""
    with keeper.looking() as twin:
        found = mirroring.devices(twin).devices
        url = twin.pod.linked.url if twin.is_linked else ""
    return page(request, "devices.html", {"devices": found, "url": url})


@router.get("/{feed}/revoke")
def revoking(request: Request, feed: str, keeper: TheKeeper) -> Response:
    """Say what revoking a device does, and ask."""
    with keeper.looking() as twin:
        found = [one for one in mirroring.devices(twin).devices if one.feed == feed]
    if not found:
        raise NotFound("There is no such device; the list of devices shows those there are.")
    return page(request, "device_revoke.html", {"device": found[0]})


@router.post("/{feed}/revoke", dependencies=[Proven])
def revoke(feed: str, keeper: TheKeeper, entries: NumberInForm) -> Response:
    """Revoke a device, as it was shown: what it writes from now on counts nowhere."""
    with keeper.changing() as twin:
        found = [one for one in mirroring.devices(twin).devices if one.feed == feed]
        if not found:
            raise NotFound("There is no such device; the list of devices shows those there are.")
        if found[0].entries != entries and not found[0].revoked:
            raise UsageError(
                "More of this device arrived since the page was opened, and nothing was changed; "
                "look at it again before you revoke it."
            )
        if not found[0].revoked:
            mirroring.revoke(twin, feed)
    return RedirectResponse("/pod/devices", 303)


@router.post("/exchange", dependencies=[Proven])
def exchange(keeper: TheKeeper, jobs: TheJobs, folder: Annotated[str, Form()]) -> Response:
    """Meet other devices in a folder: read what they know, write what this one does."""
    typed = folder.strip()
    if not typed or not typed.isprintable():
        raise UsageError("No folder was named; type where the devices meet.")
    out = Path(os.path.expanduser(typed))  # noqa: PTH111 — ~user that is nobody stays text
    if not out.is_absolute():
        raise UsageError("Type the whole path of the folder, from the root or from ~.")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out.name} is a file; name a folder in which the devices meet.")
    for job in jobs.running(Exchange):
        return RedirectResponse(f"/jobs/{job.id}", 303)
    job = jobs.start(
        Exchange(out=str(out)),
        keeper.secret,
        then=lambda job: f"/pod/devices/exchanged/{job.id}",
        alone=(Exchange,),
    )
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.get("/exchanged/{name}")
def exchanged(request: Request, name: str, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Show what came and went."""
    job = jobs.get(name)
    if not isinstance(job.order, Exchange) or job.state != "done":
        raise NotFound("Nothing is known of that any more; the list of devices is on this page.")
    with keeper.looking():
        done = job.resulted(Met)
    return page(request, "devices_exchanged.html", {"done": done})
