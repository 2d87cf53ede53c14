"""Pauses, for how long things are kept, what is asked for in the pod, and signed papers."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.bootstrap import Twin
from console.pages.access import Proven, TheJobs, TheKeeper
from console.pages.asking import NumberInForm, NumberInPath, NumberInQuery, PerhapsNumberInQuery
from console.pages.consent_orders import Done, PauseUse, Resume, Retain
from console.pages.jobs import Job
from console.pages.rendering import page
from console.pages.routes.consent import line_of, whom
from console.pages.saying import changes, check, mark, pause_changes, person_form
from console.pages.wording import SENSITIVE_TYPES, paused_in_words, words
from console.use import answering, effects, people, receipts, retaining
from console.use.conversations import conversation, conversations
from console.use.matrix import matrix
from vault.consent import Pause, check_type
from vault.errors import NotFound, UsageError

__all__ = ["router"]

router = APIRouter(prefix="/consent")

_PAGE = 50
_MOST_DAYS = 36_500
Seen = Annotated[str, Form(max_length=64)]
Name = Annotated[str, Form(max_length=500)]


# ---------------------------------------------------------------------- pauses


@router.get("/pauses")
def pauses(request: Request, keeper: TheKeeper, who: str = "") -> Response:
    """Show what is paused, and offer to pause more."""
    with keeper.looking() as twin:
        kinds = matrix(twin)
        context: dict[str, object] = {
            "pauses": [(one, paused_in_words(one), whom(one)) for one in kinds.pauses],
            "kinds": [one.type for one in kinds.kinds],
            "sources": sorted({one for kind in kinds.kinds for one in kind.sources if one}),
            "person": people.show(twin, who) if who else None,
            "words": words,
        }
    return page(request, "consent_pauses.html", context)


@router.post("/pauses/effect")
def pausing(
    request: Request,
    keeper: TheKeeper,
    type: Name = "",  # noqa: A002 - the name of the field
    source: Name = "",
    who: Name = "",
) -> Response:
    """Tell what a pause would change."""
    with keeper.looking() as twin:
        twin.catch_up()
        pause = _pause(twin, type, source, who)
        context: dict[str, object] = {
            "what": paused_in_words(pause),
            "whom": whom(pause),
            "changes": pause_changes(pause, effects.of_pause(twin, pause)),
            "fields": {"type": type, "source": source, "who": who, "seen": mark(twin, pause)},
            "to": "/consent/pauses",
            "verb": "Pause",
        }
    return page(request, "pause_effect.html", context)


def _pause(twin: Twin, type_: str, source: str, who: str) -> Pause:
    return Pause(
        id="",
        type=check_type(type_) if type_ else "",
        source=source,
        person=person_form(twin, who) if who else "",
    )


@router.post("/pauses")
def pause(  # noqa: PLR0917 - a form
    keeper: TheKeeper,
    jobs: TheJobs,
    seen: Seen,
    type: Name = "",  # noqa: A002 - the name of the field
    source: Name = "",
    who: Name = "",
) -> Response:
    """Pause what the page before told the effect of."""
    with keeper.changing() as twin:
        twin.catch_up()
        meant = _pause(twin, type, source, who)
        check(twin, meant, seen)
    return _begun(jobs.start(PauseUse(pause=meant, seen=seen), keeper.secret, then=_to_pauses))


@router.post("/pauses/{id_}/effect")
def resuming(request: Request, id_: str, keeper: TheKeeper) -> Response:
    """Tell what ending a pause would change."""
    with keeper.looking() as twin:
        twin.catch_up()
        standing = _standing(twin, id_)
        found = effects.of_resuming(twin, standing)
        context: dict[str, object] = {
            "what": paused_in_words(standing),
            "whom": whom(standing),
            "changes": _resumed(found),
            "fields": {"seen": mark(twin, standing)},
            "to": f"/consent/pauses/{id_}/end",
            "verb": "Use again",
        }
    return page(request, "pause_effect.html", context)


def _resumed(found: effects.Effects) -> tuple[str, ...]:
    about = "" if found.exact else "About "
    told = [f"What you said before holds again for {found.items:,} items."]
    if found.begins:
        told.append(f"{about}{found.begins:,} of them may teach your model again.")
    if found.examples_enter:
        told.append(f"Up to {found.examples_enter:,} examples come back for the next run.")
    told.append("A model that was suspended stays so until it is rebuilt.")
    return tuple(told)


@router.post("/pauses/{id_}/end")
def resume(id_: str, keeper: TheKeeper, jobs: TheJobs, seen: Seen) -> Response:
    """End a pause; what was said before holds again."""
    with keeper.changing() as twin:
        twin.catch_up()
        standing = _standing(twin, id_)
        check(twin, standing, seen)
    return _begun(jobs.start(Resume(pause=standing, seen=seen), keeper.secret, then=_to_pauses))


def _standing(twin: Twin, id_: str) -> Pause:
    for one in twin.views.permissions.pauses:
        if one.id == id_:
            return one
    raise NotFound("That pause has ended already; open the list of pauses again.")


def _to_pauses(job: Job) -> str:
    del job
    return "/consent/pauses"


def _begun(job: Job) -> Response:
    return RedirectResponse(f"/jobs/{job.id}", 303)


# ---------------------------------------------------------------------- retention


@router.get("/kept")
def kept(
    request: Request,
    keeper: TheKeeper,
    type: str = "",  # noqa: A002 - the name of the parameter
) -> Response:
    """Show for how long what is kept, and offer to change it."""
    with keeper.looking() as twin:
        kinds = matrix(twin).kinds
        context: dict[str, object] = {
            "rules": retaining.rules(twin),
            "kinds": sorted({above for kind in kinds for above in _above(kind.type)}),
            "sensitive": SENSITIVE_TYPES,
            "type": type,
            "words": words,
        }
    return page(request, "consent_kept.html", context)


def _above(type_: str) -> list[str]:
    parts = type_.split(".")
    return [".".join(parts[: size + 1]) for size in range(len(parts))]


@router.post("/kept/effect")
def keeping(
    request: Request,
    keeper: TheKeeper,
    type: Name,  # noqa: A002 - the name of the field
    days: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Tell how many items a rule would erase at once."""
    number = _days(days)
    with keeper.looking() as twin:
        going = retaining.would_go(twin, check_type(type), number)
        context: dict[str, object] = {
            "type": type,
            "days": number,
            "going": len(going),
            "models": effects.of_erasing(twin, going),
            "seen": mark(twin, [type, number]),
            "words": words,
        }
    return page(request, "kept_effect.html", context)


@router.post("/kept", dependencies=[Proven])
def keep(  # noqa: PLR0917 - a form
    keeper: TheKeeper,
    jobs: TheJobs,
    seen: Seen,
    type: Name,  # noqa: A002 - the name of the field
    days: Annotated[str, Form(max_length=10)] = "",
    going: NumberInForm = 0,
    typed: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Set a rule, and erase what is past its days."""
    number = _days(days)
    if going and typed.replace(",", "").strip() != str(going):
        raise UsageError("The number you typed is not how many items go; nothing was changed.")
    with keeper.changing() as twin:
        check(twin, [check_type(type), number], seen)
    order = Retain(type=type, days=number, going=going, seen=seen)
    return _begun(jobs.start(order, keeper.secret, then=_to_kept, after=keeper.refresh))


def _to_kept(job: Job) -> str:
    done = job.resulted(Done)
    return "/consent/papers" if done.receipt else "/consent/kept"


def _days(given: str) -> int | None:
    if not given:
        return None
    if not given.isdecimal():
        raise UsageError("Days are a whole number; leave the field empty to keep it for ever.")
    if int(given) > _MOST_DAYS:
        raise UsageError(
            f"Days are {_MOST_DAYS:,} at most; leave the field empty to keep it for ever."
        )
    return int(given)


# ---------------------------------------------------------------------- conversations


@router.get("/conversations")
def rooms(
    request: Request, keeper: TheKeeper, items: PerhapsNumberInQuery = None, no: NumberInQuery = 0
) -> Response:
    """Show conversations, those of most items first, to say something of one."""
    with keeper.looking() as twin:
        after = None if items is None else (items, no)
        found = conversations(twin, after, _PAGE + 1)
    context: dict[str, object] = {
        "rooms": found[:_PAGE],
        "last": found[_PAGE - 1] if len(found) > _PAGE else None,
        "later": items is not None,
        "words": words,
    }
    return page(request, "consent_rooms.html", context)


@router.get("/conversations/{no}")
def room(request: Request, no: NumberInPath, keeper: TheKeeper) -> Response:
    """Show what was said of one conversation, and offer to say more."""
    with keeper.looking() as twin:
        found = conversation(twin, no)
        context: dict[str, object] = {
            "room": found,
            "lines": [line_of(twin, one) for one in found.statements],
            "words": words,
        }
    return page(request, "consent_room.html", context)


# ---------------------------------------------------------------------- the pod's inbox


@router.get("/inbox")
def inbox(request: Request, keeper: TheKeeper) -> Response:
    """Show what other applications ask for in the pod."""
    with keeper.looking() as twin:
        found = answering.inbox(twin)
        waiting = [
            {
                "waiting": one,
                "line": line_of(twin, one.statement),
                "changes": changes(one.statement, effects.of_statements(twin, one.statement)),
                "seen": mark(twin, one.statement),
            }
            for one in found.waiting[:_PAGE]
        ]
        context: dict[str, object] = {
            "waiting": waiting,
            "unread": found.unread,
            "linked": twin.is_linked,
        }
    return page(request, "consent_inbox.html", context)


@router.post("/inbox/{id_}/accept", dependencies=[Proven])
def accept(id_: str, keeper: TheKeeper, seen: Seen) -> Response:
    """Say what was asked for, as the owner's own word."""
    with keeper.changing() as twin:
        _check_waiting(twin, id_, seen)
        answering.accept(twin, id_)
    return RedirectResponse("/consent/inbox", 303)


@router.post("/inbox/{id_}/refuse")
def refuse(id_: str, keeper: TheKeeper, seen: Seen) -> Response:
    """Leave everything as it is."""
    with keeper.changing() as twin:
        _check_waiting(twin, id_, seen)
        answering.refuse(twin, id_)
    return RedirectResponse("/consent/inbox", 303)


def _check_waiting(twin: Twin, id_: str, seen: str) -> None:
    twin.catch_up()
    found = [one.statement for one in twin.views.permissions.waiting if one.statement.id == id_]
    if not found:
        raise NotFound("That was answered or taken back meanwhile; open the inbox again.")
    check(twin, found[0], seen)


# ---------------------------------------------------------------------- papers


@router.get("/papers")
def papers(request: Request, keeper: TheKeeper, after: NumberInQuery = 0) -> Response:
    """Show signed receipts and certificates."""
    with keeper.looking() as twin:
        found = receipts.listed(twin, max(0, after), _PAGE)
    context: dict[str, object] = {
        "papers": found.papers,
        "count": found.count,
        "next": after + _PAGE if found.count > after + _PAGE else None,
        "after": after,
    }
    return page(request, "consent_papers.html", context)


@router.get("/papers/{name}")
def paper(name: str, keeper: TheKeeper) -> Response:
    """Hand out one paper as a file."""
    with keeper.looking() as twin:
        found = receipts.paper(twin, name)
        content = found.file.read_bytes()
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{found.name}.json"',
            "Content-Security-Policy": "sandbox",
        },
    )
