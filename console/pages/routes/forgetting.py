"""Forgetting: choose, look at the consequences, confirm by typing the count, certificate."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.bootstrap import Twin
from console.pages.access import Proven, TheJobs, TheKeeper
from console.pages.asking import NumberInForm, NumberInQuery, day, midnight
from console.pages.erasing_orders import Finish, Foresee, Forget, Gone, Tidy
from console.pages.jobs import Job, Jobs
from console.pages.kinds import kinds_beneath, kinds_counted
from console.pages.rendering import page
from console.use import conversations, filing, foreseeing, forgetting, people, retaining
from console.use import sources as kept
from console.use.foreseeing import Choice, Foreseen, Meant
from projections.circles import Room
from vault.errors import NotFound, UsageError

__all__ = ["router"]

router = APIRouter(prefix="/forget")

_ERASING = (Forget, Finish, Tidy)
_ROOMS = 200
_PLACES = {
    "bodies in the log": "Their words in the log",
    "data keys": "The keys that open these words",
    "samples of bodies in database files and write-ahead logs": "Traces of them in the vault's files",
    "free pages that are not zero": "Freed space that is not overwritten yet",
    "items in the timeline": "The timeline",
    "blocks of files in the timeline": "Files that came with them",
    "vectors and scores of labels": "What was guessed of sensitive matters",
    "versions in who is who": "What is known of people from them",
    "texts in the search index": "The search index",
    "feedback on answers": "Your feedback on answers",
    "records of imports": "What was noted when they were added",
    "training rows": "Examples to learn from",
    "states of models": "What models had learned",
    "evaluations of models": "Reports on models",
    "copies of a clean run": "Working copies of the vault",
}
"""What a person calls the stores that a certificate names."""


@router.get("")
def choosing(  # noqa: PLR0917 — fields
    request: Request,
    keeper: TheKeeper,
    jobs: TheJobs,
    item: str = "",
    person: str = "",
    room: NumberInQuery = 0,
) -> Response:
    """Ask what is to be forgotten, and list what was; other pages name what they show."""
    with keeper.looking() as twin:
        twin.catch_up()
        held = kept.held(twin).holdings
        rules = retaining.rules(twin)
        context: dict[str, object] = {
            "item": item,
            "person": people.show(twin, person) if person else None,
            "room": room,
            "rooms": conversations.titled(twin, _ROOMS),
            "sources": held,
            "kinds": kinds_beneath(name for one in held for name, _ in one.types),
            "due": rules.due,
            "doubt": rules.doubt,
            "certificates": filing.certificates(twin),
            "is_unfinished": forgetting.is_unfinished(twin) and not _erasing(jobs),
        }
    return page(request, "forget.html", context)


@router.post("/look")
def look(  # noqa: PLR0917 — fields
    keeper: TheKeeper,
    jobs: TheJobs,
    item: Annotated[str, Form()] = "",
    person: Annotated[str, Form()] = "",
    room: NumberInForm = 0,
    source: Annotated[str, Form()] = "",
    kind: Annotated[str, Form()] = "",
    since: Annotated[str, Form()] = "",
    until: Annotated[str, Form()] = "",
) -> Response:
    """Look at what would go; nothing is changed."""
    with keeper.looking() as twin:
        meant = _room(twin, room) if room else None
        choice = Choice(
            item=item.strip(),
            person=foreseeing.called(twin, person.strip()) if person.strip() else "",
            conversation=meant.name if meant else "",
            source=source or (meant.source if meant else ""),
            type=kind,
            since=midnight(day(since)),
            until=midnight(day(until)),
        )
    if choice.is_empty:
        raise UsageError("Say what is to be forgotten: fill in at least one of the fields.")
    job = jobs.start(Foresee(choice=choice), keeper.secret, lambda job: f"/forget/{job.id}")
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.post("/finish")
def finish(keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Finish an erasure that was interrupted."""
    job = jobs.start(Finish(), keeper.secret, _to_certificate, keeper.refresh, _ERASING)
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.get("/certificates/{name}")
def certificate(request: Request, name: str, keeper: TheKeeper) -> Response:
    """Show the certificate of one erasure."""
    with keeper.looking() as twin:
        filed = filing.certificate(twin, name)
    context = {"filed": filed, "said": filed.certificate, "places": _PLACES}
    return page(request, "certificate.html", context)


@router.get("/certificates/{name}/file")
def certificate_file(name: str, keeper: TheKeeper) -> Response:
    """Hand out a certificate as it was signed; it holds no content."""
    with keeper.looking() as twin:
        filed = filing.certificate(twin, name)
    headers = {
        "content-disposition": f'attachment; filename="certificate-{filed.name}.json"',
        "content-security-policy": "sandbox",
    }
    return Response(filed.content, media_type="application/octet-stream", headers=headers)


@router.get("/{name}")
def preview(request: Request, name: str, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Show what would go, and ask for the count of it."""
    with keeper.looking():
        pass
    job = _seen(jobs, name)
    if job is None:
        return _over(request)
    return RedirectResponse(f"/jobs/{job.next}", 303) if job.next else _preview(request, job)


@router.post("/{name}", dependencies=[Proven])
def forget(
    request: Request,
    name: str,
    keeper: TheKeeper,
    jobs: TheJobs,
    count: Annotated[str, Form()] = "",
) -> Response:
    """Forget what was looked at, once; sent twice, it leads to the same work."""
    with keeper.looking():
        pass
    job = _seen(jobs, name)
    if job is None:
        return _over(request)
    seen = job.resulted(Foreseen)
    typed = count.replace(",", "").replace(".", "").replace("\N{NO-BREAK SPACE}", "").strip()
    if typed.replace(" ", "") != str(seen.items):
        problem = (
            "That is not the count, so nothing was forgotten. It is the number of items above."
        )
        return _preview(request, job, problem, 400)

    def begin() -> Job:
        meant = Meant(choice=seen.choice, mark=seen.mark, items=seen.items)
        order = Forget(seen=meant)
        return jobs.start(order, keeper.secret, _to_certificate, keeper.refresh, _ERASING)

    return RedirectResponse(f"/jobs/{jobs.once(job, begin).id}", 303)


def _preview(request: Request, job: Job, problem: str = "", status: int = 200) -> Response:
    seen = job.resulted(Foreseen)
    context: dict[str, object] = {
        "job": job,
        "seen": seen,
        "kinds": kinds_counted(seen.by_type),
        "problem": problem,
    }
    return page(request, "forget_preview.html", context, status=status)


def _over(request: Request) -> Response:
    return page(request, "forget_over.html", {}, status=404)


def _seen(jobs: Jobs, name: str) -> Job | None:
    try:
        job = jobs.get(name)
    except NotFound:
        return None
    return job if isinstance(job.order, Foresee) and job.state == "done" else None


def _to_certificate(job: Job) -> str:
    name = job.resulted(Gone).certificate
    return f"/forget/certificates/{name}" if name else "/forget"


def _erasing(jobs: Jobs) -> bool:
    return any(jobs.running(kind) for kind in _ERASING)


def _room(twin: Twin, number: int) -> Room:
    found = twin.views.timeline.circles.room(number)
    if found is None:
        raise NotFound("That conversation is not there any more; choose another one.")
    return found
