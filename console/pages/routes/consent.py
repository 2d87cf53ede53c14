"""What may be done with what: the matrix, a word weighed before it is said, what was said."""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.bootstrap import Twin
from console.pages.access import Proven, TheJobs, TheKeeper
from console.pages.asking import NumberInQuery, PerhapsNumberInQuery
from console.pages.consent_orders import Done, Say
from console.pages.jobs import Job
from console.pages.rendering import fragment, is_partial, page
from console.pages.saying import Asked, changes, check, mark, statement
from console.pages.wording import (
    PROFILES,
    PURPOSES,
    paused_in_words,
    statement_in_words,
    words,
)
from console.use import consenting, effects, people, receipts
from console.use.consenting import Asked as InPod
from console.use.consenting import Kept, Paused, Resumed
from console.use.matrix import Kind, is_narrowed, matrix
from vault.consent import Effect, Pause, Purpose, Statement
from vault.errors import UsageError

__all__ = ["router"]

router = APIRouter(prefix="/consent")

_PAGE = 50
Words = Annotated[Asked, Depends(Asked.of)]


@dataclass(frozen=True, slots=True)
class Line:
    """One statement as a page tells it."""

    statement: Statement
    words: str
    conditions: tuple[str, ...]
    who: str = ""


@router.get("")
def overview(request: Request, keeper: TheKeeper) -> Response:
    """Show the matrix."""
    with keeper.looking() as twin:
        found = matrix(twin)
        models = twin.views.lineage.models()
        narrowed = [one for one in consenting.show(twin).statements if _is_special(one)]
        context: dict[str, object] = {
            "matrix": found,
            "items": twin.views.timeline.count(),
            "model": next((one for one in models if one.status != "replaced"), None),
            "narrowed": len(narrowed),
            "linked": twin.is_linked,
            "waiting": len(twin.views.permissions.waiting),
        }
    return page(request, "consent.html", context | _WORDING)


def _is_special(one: Statement) -> bool:
    return bool(one.expires) or is_narrowed(one.filters)


_WORDING: dict[str, object] = {
    "words": words,
    "purposes": PURPOSES,
    "profiles": PROFILES,
    "statement_in_words": statement_in_words,
}


@router.post("/effect")
def effect(request: Request, keeper: TheKeeper, asked: Words) -> Response:
    """Tell what a word would change; nothing is said."""
    with keeper.looking() as twin:
        said = statement(twin, asked)
        context = _told(twin, said) | {"fields": _fields(asked)}
    if is_partial(request) and not _shares(said):
        return fragment("_effect.html", context | {"needs_passphrase": False})
    return page(request, "effect.html", context)


def _told(twin: Twin, said: Statement) -> dict[str, object]:
    found = effects.of_statements(twin, said)
    return {
        "line": line_of(twin, said),
        "changes": changes(said, found),
        "models": found.models,
        "fields": {},
        "seen": mark(twin, said),
        "allows": said.effect is Effect.ALLOW,
        "shares": _shares(said),
        "to": "/consent/share" if _shares(said) else "/consent/apply",
    }


def _fields(asked: Asked) -> dict[str, str]:
    return {
        "type": asked.type,
        "purpose": asked.purpose,
        "effect": asked.effect,
        "redact": asked.redact,
        "source": asked.source,
        "room": "" if asked.room is None else str(asked.room),
        "who": asked.who,
        "since": asked.since,
        "until": asked.until,
        "expires": asked.expires,
        "recipient": asked.recipient,
    }


def _shares(said: Statement) -> bool:
    return said.purpose is Purpose.SHARE and said.effect is Effect.ALLOW


def line_of(twin: Twin, said: Statement) -> Line:
    """Return a statement as a page tells it, its person by her id where she is known."""
    filters = said.filters
    told = [f"only from {filters.source}"] if filters.source else []
    told += [f"only the conversation {filters.conversation}"] if filters.conversation else []
    told += [f"only with {filters.person}"] if filters.person else []
    told += [f"only from {filters.since:%-d %b %Y} on"] if filters.since else []
    told += [f"only before {filters.until:%-d %b %Y}"] if filters.until else []
    told += [f"to {said.recipient}"] if said.recipient else []
    told += [f"until {said.expires:%-d %b %Y}"] if said.expires else []
    if said.effect is Effect.ALLOW and said.purpose is Purpose.TRAIN:
        told.append(PROFILES[said.redact].lower())
    called = twin.views.people.called(filters.person) if filters.person else ()
    who = called[0].id if len(called) == 1 else ""
    return Line(said, statement_in_words(said), tuple(told), who)


@router.post("/apply")
def apply(
    keeper: TheKeeper, jobs: TheJobs, asked: Words, seen: Annotated[str, Form(max_length=64)]
) -> Response:
    """Say what the page before told the effect of."""
    return _apply(keeper, jobs, asked, seen, shares=False)


@router.post("/share", dependencies=[Proven])
def share(
    keeper: TheKeeper, jobs: TheJobs, asked: Words, seen: Annotated[str, Form(max_length=64)]
) -> Response:
    """Allow that something is shared with somebody."""
    return _apply(keeper, jobs, asked, seen, shares=True)


def _apply(keeper: TheKeeper, jobs: TheJobs, asked: Asked, seen: str, *, shares: bool) -> Response:
    with keeper.changing() as twin:
        twin.catch_up()
        said = statement(twin, asked)
        if _shares(said) is not shares:
            raise UsageError("Sharing is allowed on a page of its own, with your passphrase.")
        check(twin, said, seen)
    job = jobs.start(Say(statement=said, seen=seen), keeper.secret, then=_said)
    return RedirectResponse(f"/jobs/{job.id}", 303)


def _said(job: Job) -> str:
    done = job.resulted(Done)
    return f"/consent/said/{done.id}"


@router.get("/said/{id_}")
def told(request: Request, id_: str, keeper: TheKeeper) -> Response:
    """Show a statement as it went on the record."""
    with keeper.looking() as twin:
        said = consenting.statement(twin, id_)
        line = line_of(twin, said.statement)
        receipt = receipts.of_statement(twin, id_)
    return page(request, "consent_said.html", {"said": said, "line": line, "receipt": receipt})


@router.get("/say")
def saying(  # noqa: PLR0917 - a query
    request: Request,
    keeper: TheKeeper,
    type: str = "",  # noqa: A002 - the name of the parameter
    purpose: str = "",
    who: str = "",
    room: PerhapsNumberInQuery = None,
) -> Response:
    """Offer a word with conditions, on one kind, person or conversation."""
    with keeper.looking() as twin:
        kinds = matrix(twin)
        person = people.show(twin, who) if who else None
        place = twin.views.timeline.circles.room(room) if room is not None else None
        context: dict[str, object] = {
            "kinds": _choices(kinds.kinds),
            "sensitive": [one.type for one in kinds.sensitive],
            "sources": sorted({one for kind in kinds.kinds for one in kind.sources if one}),
            "type": type,
            "purpose": purpose,
            "person": person,
            "room": place,
            "about": [line_of(twin, one) for one in _touching(twin, type, purpose)],
        }
    return page(request, "consent_say.html", context | _WORDING)


def _choices(kinds: tuple[Kind, ...]) -> list[str]:
    """Return types to choose from: those that are here, and all above them."""
    found: set[str] = set()
    for kind in kinds:
        parts = kind.type.split(".")
        found.update(".".join(parts[: size + 1]) for size in range(len(parts)))
    return sorted(found)


def _touching(twin: Twin, type_: str, purpose: str) -> list[Statement]:
    """Return the statements in force that are about a kind and a purpose."""
    return [
        one
        for one in consenting.show(twin).statements
        if type_
        and purpose in {"", one.purpose}
        and (f"{type_}.".startswith(f"{one.type}.") or one.type.startswith(f"{type_}."))
    ][:_PAGE]


@router.get("/statements")
def statements(request: Request, keeper: TheKeeper, after: NumberInQuery = 0) -> Response:
    """Show the statements in force, the newest first."""
    with keeper.looking() as twin:
        found = list(reversed(consenting.show(twin).statements))
        shown = [line_of(twin, one) for one in islice(found, after, after + _PAGE)]
    context: dict[str, object] = {
        "lines": shown,
        "count": len(found),
        "after": after,
        "next": after + _PAGE if len(found) > after + _PAGE else None,
        "before": max(0, after - _PAGE) if after else None,
    }
    return page(request, "consent_statements.html", context | _WORDING)


@router.post("/statements/{id_}/end")
def ending(request: Request, id_: str, keeper: TheKeeper) -> Response:
    """Tell what saying the contrary of a statement would change."""
    with keeper.looking() as twin:
        context = _told(twin, _contrary(twin, id_))
    return page(request, "effect.html", context | {"to": f"/consent/statements/{id_}/ended"})


@router.post("/statements/{id_}/ended")
def ended(
    id_: str, keeper: TheKeeper, jobs: TheJobs, seen: Annotated[str, Form(max_length=64)]
) -> Response:
    """Say the contrary of a statement."""
    with keeper.changing() as twin:
        twin.catch_up()
        said = _contrary(twin, id_)
        check(twin, said, seen)
    job = jobs.start(Say(statement=said, seen=seen), keeper.secret, then=_said)
    return RedirectResponse(f"/jobs/{job.id}", 303)


def _contrary(twin: Twin, id_: str) -> Statement:
    said = consenting.statement(twin, id_).statement
    if said.purpose is Purpose.SHARE and said.effect is Effect.DENY:
        raise UsageError("Sharing is allowed on a page of its own, with your passphrase.")
    effect = Effect.DENY if said.effect is Effect.ALLOW else Effect.ALLOW
    return replace(said, id="", effect=effect, expires=None)


@router.get("/history")
def history(request: Request, keeper: TheKeeper, before: PerhapsNumberInQuery = None) -> Response:
    """Show everything that was ever said, the newest first."""
    with keeper.looking() as twin:
        found = consenting.recent(twin, before, _PAGE + 1)
        shown = [_entry(twin, one) for one in found[:_PAGE]]
    context: dict[str, object] = {
        "entries": shown,
        "before": found[_PAGE - 1].position if len(found) > _PAGE else None,
        "newer": before is not None,
    }
    template = "_history.html" if is_partial(request) else "consent_history.html"
    return fragment(template, context) if is_partial(request) else page(request, template, context)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history: when, what, under which conditions, and an icon."""

    at: datetime
    icon: str
    words: str
    conditions: tuple[str, ...] = ()
    id: str = ""


def _entry(twin: Twin, one: consenting.Told) -> Entry:
    match one.said:
        case InPod(asked=asked, at=at):
            line = line_of(twin, asked)
            told = f"Asked for in your pod: {line.words}"
            return Entry(at, "inbox", told, line.conditions)
        case Paused(paused=pause, at=at):
            return Entry(at, "pause", f"{paused_in_words(pause)} paused", whom(pause))
        case Resumed(resumed=pause, at=at):
            return Entry(at, "play", f"{paused_in_words(pause)} in use again", whom(pause))
        case Kept(type=type_, days=days, at=at):
            kept = "for ever" if days is None else f"for {days:,} days"
            return Entry(at, "hourglass", f"{words(type_).full} kept {kept}")
        case said:
            line = line_of(twin, said.statement)
            allows = said.statement.effect is Effect.ALLOW
            icon = "circle-check" if allows else "circle-slash"
            return Entry(said.at, icon, line.words, line.conditions, said.statement.id)


def whom(pause: Pause) -> tuple[str, ...]:
    """Return the condition that a pause on a person has."""
    return (f"only with or about {pause.person}",) if pause.person else ()
