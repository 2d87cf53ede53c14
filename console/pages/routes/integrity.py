"""Integrity: verifying, checkpoints, and proofs for others."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from console.pages.access import Proven, TheJobs, TheKeeper
from console.pages.rendering import page
from console.pages.verifying_orders import Verify
from console.use import proving, witnessing
from console.use.learning import models
from console.use.witnessing import Proof
from vault.application import Report
from vault.errors import NotFound, UsageError
from vault.proofs import ProvedEntry

__all__ = ["router"]

router = APIRouter(prefix="/integrity")

_POD = "pod"
_Chosen = Annotated[UploadFile, File()]


@router.get("")
def integrity(request: Request, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Show the state of the log, what was found when it was verified last, and its devices."""
    last = jobs.last(Verify)
    with keeper.looking() as twin:
        context: dict[str, object] = {
            "log": witnessing.log(twin),
            "is_linked": twin.is_linked,
            "last": last,
            "found": last.resulted(Report) if last and last.state == "done" else None,
        }
    return page(request, "integrity.html", context)


@router.post("/verify")
def verify(keeper: TheKeeper, jobs: TheJobs, against: Annotated[str, Form()] = "") -> Response:
    """Verify everything, and against the pod if that is asked for."""
    if against not in {"", _POD}:
        raise UsageError("Verify alone, or against the pod.")
    for job in jobs.running(Verify):
        return RedirectResponse(f"/jobs/{job.id}", 303)
    order = Verify(against=against)
    job = jobs.start(order, keeper.secret, lambda _job: "/integrity", alone=(Verify,))
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.get("/checkpoint")
def checkpoint(keeper: TheKeeper) -> Response:
    """Hand out the newest checkpoint; it says how many entries there are, and nothing of them."""
    with keeper.looking() as twin:
        kept = proving.checkpoint(twin, None)
    return _download(Proof(name=f"checkpoint-{kept.tree.size}.txt", content=kept.note.encode()))


@router.post("/compare")
def compare(request: Request, keeper: TheKeeper, kept: _Chosen) -> Response:
    """Compare the log with a checkpoint that was kept."""
    content = _content(kept)
    with keeper.looking() as twin:
        differing = witnessing.differing(twin, content)
        log = witnessing.log(twin)
    return page(request, "integrity_compared.html", {"differing": differing, "log": log})


@router.post("/grown", dependencies=[Proven])
def grown(keeper: TheKeeper, kept: _Chosen) -> Response:
    """Prove to whoever kept a checkpoint that the log only grew since."""
    content = _content(kept)
    with keeper.looking() as twin:
        return _download(witnessing.prove_since(twin, content))


@router.get("/prove")
def proving_page(request: Request, keeper: TheKeeper, item: str = "") -> Response:
    """Ask what is to be proved."""
    with keeper.looking() as twin:
        context: dict[str, object] = {"item": item, "models": models(twin).models}
    return page(request, "integrity_prove.html", context)


@router.post("/prove", dependencies=[Proven])
def prove(
    keeper: TheKeeper,
    item: Annotated[str, Form()],
    model: Annotated[str, Form()] = "",
    reveal: Annotated[bool, Form()] = False,
    older: Annotated[bool, Form()] = False,
) -> Response:
    """Prove that an item stands in the log, or whether a model learned from it."""
    item = item.strip()
    # That words are shown is put on the record.
    with keeper.changing() if reveal else keeper.looking() as twin:
        if model:
            return _download(witnessing.prove_learning(twin, model, item))
        if reveal and not older and proving.shows_older_words(twin, item):
            raise UsageError(
                "This item was corrected since, and a proof shows its first words; say in the "
                "form that you want that."
            )
        return _download(witnessing.prove(twin, item, reveal=reveal))


@router.get("/check")
def checking_page(request: Request) -> Response:
    """Ask for a proof that somebody handed over."""
    return page(request, "integrity_check.html", {"found": None})


@router.post("/check")
def check(
    request: Request, keeper: TheKeeper, proof: _Chosen, owner: Annotated[str, Form()] = ""
) -> Response:
    """Check a proof; whose vault it is from does not matter."""
    found = witnessing.check(keeper.home, _content(proof), owner)
    context: dict[str, object] = {
        "found": found,
        "is_named": bool(owner.strip()),
        "words": _words(found) if isinstance(found, ProvedEntry) else "",
    }
    return page(request, "integrity_check.html", context)


def _words(found: ProvedEntry) -> str:
    """Return what a proof shows: a stranger's text, or the event as JSON."""
    if found.event is None:
        return ""
    item = getattr(found.event, "item", None)
    return item.text if item else msgspec.json.encode(found.event, order="deterministic").decode()


def _content(chosen: UploadFile) -> bytes:
    content = chosen.file.read()
    if not content:
        raise NotFound("The file is empty, or none was chosen; go back and choose one.")
    return content


def _download(proof: Proof) -> Response:
    headers = {
        "content-disposition": f'attachment; filename="{proof.name}"',
        "content-security-policy": "sandbox",
    }
    return Response(proof.content, media_type="application/octet-stream", headers=headers)
