"""The overview: what is kept, what may be done with it, what needs attention, what comes next."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from console.pages.access import TheKeeper
from console.pages.kinds import kind_of
from console.pages.rendering import page
from console.use import beginning, overseeing
from console.use.beginning import Begun, Step
from console.use.overseeing import Extent, Kind, Notice, Overview, Trouble

__all__ = ["router"]

router = APIRouter()

_WORDS = {
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """Something that needs attention, in words."""

    path: str
    icon: str
    words: str
    label: str
    is_urgent: bool = False


@router.get("/")
def home(request: Request, keeper: TheKeeper) -> Response:
    """Show what the vault holds; where there is none yet, begin."""
    if not keeper.exists:
        return RedirectResponse("/begin", 303)
    with keeper.looking() as twin:
        found = overseeing.overview(twin)
        begun = beginning.begun(twin)
    context: dict[str, object] = {
        "found": found,
        "rows": [_row(kind) for kind in found.kinds],
        "words": _WORDS,
        "next": _next(found, begun),
        "notices": [_told(notice) for notice in found.notices],
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


def _told(notice: Notice) -> _Told:
    count = f"{notice.count:,}"
    one = notice.count == 1
    match notice.trouble:
        case Trouble.SUSPENDED:
            models = " and ".join(notice.models[:3]) if notice.count <= 3 else f"{count} models"
            return _Told(
                path="/models", icon="circle-pause", label="Rebuild", is_urgent=True,
                words=f"{models} may not answer: {'it' if one else 'they'} learned from something "
                "that you no longer allow.",
            )  # fmt: skip
        case Trouble.ASKED:
            return _Told(
                path="/consent/inbox", icon="inbox", label="Look at it", is_urgent=True,
                words=f"{count} {'wish' if one else 'wishes'} of other apps in your pod "
                f"{'waits' if one else 'wait'} for your word.",
            )  # fmt: skip
        case Trouble.PAUSED:
            return _Told(
                path="/consent", icon="pause", label="Look at it",
                words="Something is paused: it is kept, and used for nothing until you end the pause.",
            )  # fmt: skip
        case Trouble.UNREAD:
            return _Told(
                path="/sources/imports", icon="file-question-mark", label="See why",
                words=f"{count} {'record' if one else 'records'} could not be read. They can be tried again.",
            )  # fmt: skip
        case Trouble.NEW:
            return _Told(
                path="/begin/allow", icon="sparkles", label="Decide",
                words=f"{count} {'item is' if one else 'items are'} of a kind that you have said "
                "nothing about; nothing is done with them.",
            )  # fmt: skip
        case Trouble.OWED:
            return _Told(
                path="/pod", icon="eraser", label="Synchronise", is_urgent=True,
                words="Something was forgotten here and not yet in the pod.",
            )  # fmt: skip
        case Trouble.WAITING:
            return _Told(
                path="/pod", icon="cloud-upload", label="Synchronise",
                words=f"{count} {'entry is' if one else 'entries are'} not in the pod yet.",
            )  # fmt: skip
        case Trouble.PAPER:
            return _Told(
                path="/begin/key", icon="key-round", label="Print and delete it",
                words="The recovery key lies in a file beside the vault. Whoever can read this "
                "disk can open the vault with it.",
            )  # fmt: skip
