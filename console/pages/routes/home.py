"""The overview: what is kept, what may be done with it, what needs attention, what comes next."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from console.pages import clock
from console.pages.access import TheKeeper
from console.pages.kinds import kind_of
from console.pages.rendering import page
from console.use import beginning, overseeing
from console.use.beginning import Begun, Step
from console.use.overseeing import Extent, Kind, Notice, Overview, Trouble

__all__ = ["router"]

router = APIRouter()

_NAMED = 3
_EXTENTS = {
    Extent.ALL: ("yes", ""),
    Extent.SOME: ("in part", "warn"),
    Extent.NONE: ("no", "plain"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Next:
    """The one sensible step: where it leads, what it is, and why."""

    path: str
    icon: str
    label: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A kind of data with the items of it that are hers and that others wrote."""

    name: str
    icon: str
    whose: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Told:
    """Something that needs attention, as it is told of one and of many, and where it leads."""

    path: str
    icon: str
    label: str
    one: str
    many: str
    is_urgent: bool = False


_TOLD = {
    Trouble.SUSPENDED: _Told(
        "/models",
        "circle-pause",
        "Rebuild",
        "{models} may not answer: it learned from something that you no longer allow.",
        "{models} may not answer: they learned from something that you no longer allow.",
        is_urgent=True,
    ),
    Trouble.ASKED: _Told(
        "/consent/inbox",
        "inbox",
        "Look at it",
        "A wish of another app in your pod waits for your word.",
        "{count} wishes of other apps in your pod wait for your word.",
        is_urgent=True,
    ),
    Trouble.PAUSED: _Told(
        "/consent",
        "pause",
        "Look at it",
        "Something is paused: it is kept, and used for nothing until you end the pause.",
        "{count} things are paused: they are kept, and used for nothing until you end the pauses.",
    ),
    Trouble.UNREAD: _Told(
        "/sources/imports",
        "file-question-mark",
        "See why",
        "One record could not be read. It can be tried again.",
        "{count} records could not be read. They can be tried again.",
    ),
    Trouble.NEW: _Told(
        "/begin/allow",
        "sparkles",
        "Decide",
        "One item is of a kind that you have said nothing about; nothing is done with it.",
        "{count} items are of kinds that you have said nothing about; nothing is done with them.",
    ),
    Trouble.OWED: _Told(
        "/pod",
        "eraser",
        "Synchronise",
        "Something was forgotten here, and not yet in the pod.",
        "{count} things were forgotten here, and not yet in the pod.",
        is_urgent=True,
    ),
    Trouble.WAITING: _Told(
        "/pod",
        "cloud-upload",
        "Synchronise",
        "One entry is not in the pod yet.",
        "{count} entries are not in the pod yet.",
    ),
    Trouble.PAPER: _Told(
        "/begin/key",
        "key-round",
        "Print and delete it",
        "The recovery key lies in a file beside the vault. Whoever can read this disk can open"
        " the vault with it.",
        "Recovery keys lie in {count} files beside the vault. Whoever can read this disk can open"
        " the vault with one.",
    ),
}


@router.get("/")
def home(request: Request, keeper: TheKeeper) -> Response:
    """Show what the vault holds; where there is none yet, begin."""
    if not keeper.exists:
        return RedirectResponse("/begin", 303)
    with keeper.looking() as twin:
        found = overseeing.overview(twin, clock.begins)
        begun = beginning.begun(twin)
    context: dict[str, object] = {
        "found": found,
        "rows": [_row(kind) for kind in found.kinds],
        "extents": _EXTENTS,
        "next": _next(found, begun),
        "notices": [(_TOLD[notice.trouble], _words(notice)) for notice in found.notices],
        "largest": found.sources[0][1] if found.sources else 1,
    }
    return page(request, "home.html", context)


def _row(kind: Kind) -> _Row:
    named = kind_of(kind.type)
    whose = {"received": "from others", "sent": "yours"}.get(kind.type.rpartition(".")[2], "")
    return _Row(name=named.name, icon=named.icon, whose=whose, kind=kind)


def _next(found: Overview, begun: Begun) -> _Next | None:
    """Return what would be sensible to do now, None where nothing is."""
    if begun.guided and begun.next and not (begun.next is Step.POD and found.items):
        return _Next(
            path=f"/begin/{begun.next}", icon="arrow-right", label="Go on",
            words="You are not through with the beginning; this leads to where you left off.",
        )  # fmt: skip
    if not found.items:
        return _Next(
            path="/begin/source", icon="plug", label="Choose one source",
            words="Nothing is collected yet. One chat, mailbox or folder is enough to begin with.",
        )  # fmt: skip
    if all(one.search is one.train is Extent.NONE for one in found.kinds):
        return _Next(
            path="/begin/allow", icon="shield-check", label="Say what is allowed",
            words="Your items are kept and used for nothing. That may stay so, or you allow more.",
        )  # fmt: skip
    if found.examples and not found.models:
        return _Next(
            path="/training", icon="activity", label="Teach a model",
            words="Examples of yours are ready, and no model has learned from them yet.",
        )  # fmt: skip
    if found.model:
        return _Next(
            path="/chat", icon="message-circle", label=f"Talk to {found.model}",
            words="It learned from what you allow, and everything that it learned still stands.",
        )  # fmt: skip
    return None


def _words(notice: Notice) -> str:
    told = _TOLD[notice.trouble]
    models = " and ".join(notice.models[-_NAMED:])
    if len(notice.models) > _NAMED:
        models = f"{notice.count:,} models"
    return (told.one if notice.count == 1 else told.many).format(
        count=f"{notice.count:,}", models=models
    )
