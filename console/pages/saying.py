"""A word about consent on its way through forms: read, weighed, told in sentences, carried out.

Nothing is said by the page that tells what a word would change. What is said afterwards is
what that page was about: its form carries a mark of the word and of everything said before,
and where either is another by then nothing happens.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from fastapi import Form

from console.bootstrap import Twin
from console.pages.asking import day, midnight
from console.pages.wording import plainly, words
from console.use import people
from console.use.effects import Effects
from vault.consent import Effect, Filters, Pause, Profile, Purpose, Statement, check_type, normal
from vault.errors import ConsentError, NotFound, UsageError

__all__ = [
    "TOLD",
    "Asked",
    "changes",
    "check",
    "known",
    "mark",
    "pause_changes",
    "person_form",
    "statement",
]

TOLD = ConsentError(
    "What may be done with your data was changed meanwhile, in another tab or on another device; "
    "nothing was done. Open the page again and look at it as it is now."
)
_CELL = 4
_Kind = TypeVar("_Kind", Effect, Purpose, Profile)


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields of a form, as they came."""

    type: str
    purpose: str
    effect: str
    redact: str
    source: str
    room: int | None
    who: str
    since: str
    until: str
    expires: str
    recipient: str

    @classmethod
    def of(  # noqa: PLR0917 - a form
        cls,
        cell: Annotated[str, Form(max_length=200)] = "",
        type: Annotated[str, Form(max_length=200)] = "",  # noqa: A002 - the name of the field
        purpose: Annotated[str, Form(max_length=20)] = "",
        effect: Annotated[str, Form(max_length=20)] = "",
        redact: Annotated[str, Form(max_length=20)] = "",
        source: Annotated[str, Form(max_length=200)] = "",
        room: Annotated[str, Form(max_length=18)] = "",
        who: Annotated[str, Form(max_length=500)] = "",
        since: Annotated[str, Form(max_length=20)] = "",
        until: Annotated[str, Form(max_length=20)] = "",
        expires: Annotated[str, Form(max_length=20)] = "",
        recipient: Annotated[str, Form(max_length=500)] = "",
    ) -> "Asked":
        """Read a form; one `cell` of the matrix stands for effect, type, purpose and redaction."""
        if cell:
            effect, type, purpose, redact = (cell.split("|") + [""] * _CELL)[:_CELL]  # noqa: A001
        return cls(
            type=type.strip(),
            purpose=purpose,
            effect=effect,
            redact=redact,
            source=source.strip(),
            room=int(room) if room.isdecimal() else None,
            who=who.strip(),
            since=since,
            until=until,
            expires=expires,
            recipient=recipient.strip(),
        )


def statement(twin: Twin, asked: Asked) -> Statement:
    """Return what a form says.

    Raises:
        UsageError: It does not make sense.
        NotFound: It names a person or a conversation that is not here.
    """
    effect, purpose = _one_of(Effect, asked.effect), _one_of(Purpose, asked.purpose)
    if asked.recipient and purpose is not Purpose.SHARE:
        raise UsageError("Somebody to share with is named only where sharing is allowed or denied.")
    if effect is Effect.ALLOW and purpose is Purpose.SHARE and not asked.recipient:
        raise UsageError("Sharing is with somebody: say with whom.")
    since, until = midnight(day(asked.since)), midnight(day(asked.until))
    if since and until and since >= until:
        raise UsageError("No item lies between these two days; the first one comes first.")
    room = None
    if asked.room is not None:
        room = twin.views.timeline.circles.room(asked.room)
        if room is None:
            raise NotFound("That conversation is not here any more; choose one that is.")
    return Statement(
        id="",
        effect=effect,
        type=check_type(asked.type),
        purpose=purpose,
        filters=Filters(
            source=room.source if room else asked.source,
            conversation=room.name if room else "",
            person=person_form(twin, asked.who) if asked.who else "",
            since=since,
            until=until,
        ),
        redact=_one_of(Profile, asked.redact or Profile.BALANCED),
        recipient=asked.recipient,
        expires=_future(midnight(day(asked.expires)), twin.vault.now()),
    )


def person_form(twin: Twin, who: str) -> str:
    """Return the form by which a statement means a person, named by her id, a name or an address.

    Raises:
        NotFound: Nobody here is called so.
        UsageError: Several are.
    """
    people.show(twin, who)
    return normal(twin.views.people.form_of(twin.views.people.called(who)[0]))


def known(twin: Twin, *ids: str) -> list[object]:
    """Return what a page shows of some persons, to be marked.

    Raises:
        NotFound: One of them is not here any more.
    """
    found = [people.show(twin, one) for one in ids]
    return [(p.id, p.names, p.addresses, p.relation, p.blocked) for p in found]


def _one_of(kind: type[_Kind], given: str) -> _Kind:
    try:
        return kind(given)
    except ValueError:
        raise UsageError("Something in that form is missing; go back and choose it.") from None


def _future(on: datetime | None, now: datetime) -> datetime | None:
    if on and on <= now:
        raise UsageError("It would have ended already; choose a day to come.")
    return on


def mark(twin: Twin, about: object) -> str:
    """Return what names a word, or whatever a page is about, and everything said before it."""
    told = msgspec.json.encode((twin.views.permissions.edition, about), order="deterministic")
    return hashlib.sha256(told).hexdigest()[:32]


def check(twin: Twin, about: object, seen: str) -> None:
    """Let pass what a page was about, as long as nothing was said since.

    Raises:
        ConsentError: Something was.
    """
    twin.catch_up()
    if mark(twin, about) != seen:
        raise TOLD


def changes(said: Statement, found: Effects) -> tuple[str, ...]:
    """Tell in sentences what a statement would change."""
    allows = said.effect is Effect.ALLOW
    told = {
        Purpose.COLLECT: _collecting,
        Purpose.MIRROR: _mirroring,
        Purpose.SEARCH: _searching,
        Purpose.TRAIN: _training,
        Purpose.SHARE: _sharing,
    }[said.purpose](said, found)
    if allows and found.refused and said.purpose is not Purpose.SHARE:
        still = (
            f"{_items(found.refused, found)} may not be used even then: {plainly(found.because)}"
        )
        told = (*told, still)
    if said.expires:
        told = (*told, f"It ends by itself on {said.expires:%-d %b %Y}.")
    return told


def pause_changes(pause: Pause, found: Effects) -> tuple[str, ...]:
    """Tell in sentences what a pause would change."""
    about = " with them, or that mention them," if pause.person else ""
    kept = f"{_items(found.items, found)}{about} are kept and used for nothing: not searched, "
    return (
        kept + "not mirrored, not learned, not shared. Collecting goes on.",
        *_taught(found),
    )


def _about(found: Effects) -> str:
    return "" if found.exact else "About "


def _items(number: int, found: Effects) -> str:
    noun = "item" if number == 1 else "items"
    return f"{_about(found)}{number:,} {noun}"


def _collecting(said: Statement, found: Effects) -> tuple[str, ...]:
    kept = f"The {found.items:,} items that are here stay." if found.items else ""
    if said.effect is Effect.ALLOW:
        return tuple(filter(None, ("New ones are taken in when you add a source again.", kept)))
    gone = "They stay until you forget them." if found.items else ""
    return tuple(filter(None, ("No new ones are taken in from now on.", kept, gone)))


def _mirroring(said: Statement, found: Effects) -> tuple[str, ...]:
    del said
    told = []
    if found.stops:
        told.append(f"{_items(found.stops, found)} leave your pod with the next sync.")
    if found.begins:
        told.append(f"{_items(found.begins, found)} go to your pod, encrypted, with the next sync.")
    return tuple(told) or _nothing(found)


def _searching(said: Statement, found: Effects) -> tuple[str, ...]:
    del said
    told = []
    if found.stops:
        told.append(f"{_items(found.stops, found)} leave the search index, with their words.")
    if found.begins:
        told.append(f"{_items(found.begins, found)} can be found by search.")
    return tuple(told) or _nothing(found)


def _training(said: Statement, found: Effects) -> tuple[str, ...]:
    told = []
    if found.begins:
        told.append(f"{_items(found.begins, found)} may teach your model.")
    if found.stops:
        told.append(f"{_items(found.stops, found)} may not teach your model any more.")
    told += _taught(found)
    if said.effect is Effect.ALLOW and said.redact is Profile.NONE:
        told.append("Nothing is masked: names, numbers and secrets are learned as they are.")
    return tuple(told) or _nothing(found)


def _taught(found: Effects) -> tuple[str, ...]:
    told = []
    if found.examples_leave:
        noun = "example leaves" if found.examples_leave == 1 else "examples leave"
        told.append(f"{_about(found)}{found.examples_leave:,} {noun} the next run.")
    if found.examples_enter:
        noun = "example" if found.examples_enter == 1 else "examples"
        told.append(f"Up to {found.examples_enter:,} {noun} can be made for the next run.")
    if len(found.models) == 1:
        told.append(
            f"{found.models[0]} is suspended: it may not answer until it is rebuilt without them."
        )
    elif found.models:
        names = ", ".join(found.models)
        told.append(f"{names} are suspended: they may not answer until they are rebuilt.")
    return tuple(told)


def _sharing(said: Statement, found: Effects) -> tuple[str, ...]:
    if said.effect is Effect.ALLOW:
        what = f"{words(said.type).full.lower()}: {_items(found.items, found).lower()} now"
        return (
            f"{said.recipient} may be given {what}.",
            "Nothing is sent by this; what is sent later stands in your history.",
        )
    whom = said.recipient or "Nobody"
    may = "may not be given it" if said.recipient else "may be given it"
    return (f"{whom} {may} from now on. What was sent before cannot be called back.",)


def _nothing(found: Effects) -> tuple[str, ...]:
    if not found.items:
        return ("Nothing of this is here yet; it holds for what comes.",)
    return ("Nothing changes for what is here now.",)
