"""The inbox: what other applications asked for in the pod and only the owner can say.

It is read from the log, so it is the same on all devices and part of the history; documents
that said nothing to the vault are kept sealed on the device that read them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

import msgspec

from console.bootstrap import Twin
from console.use.consenting import Said
from projections.permissions import Waiting
from vault.consent import Effect, Purpose, Statement, same_words, standing
from vault.derived import Derived
from vault.errors import NotFound, TamperError
from vault.events import ConsentGiven, ConsentProhibited, Event, MaskedAlias

__all__ = [
    "Inbox",
    "Known",
    "Refused",
    "Unread",
    "accept",
    "inbox",
    "kept",
    "recalled",
    "refusal",
    "refuse",
    "remember",
]

_MEMORY = "documents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A document in the pod that says nothing to the vault, and why.

    `digest` is the SHA-256 of its bytes, which are kept; empty where they were not read.
    """

    document: str
    reason: str
    at: datetime
    digest: str = ""


class Known(msgspec.Struct):
    """What this device knows of documents in the pod.

    `settled` is when each was last written there, in the server's words, and the digest of what
    was to stand there then: it need not be read again. `others` is since when another device's
    words in one are waited for, `heard` the ETag of each as it was heard last. `unread` are
    those that say nothing.
    """

    settled: dict[str, tuple[str, str]] = msgspec.field(default_factory=dict)
    others: dict[str, datetime] = msgspec.field(default_factory=dict)
    heard: dict[str, str] = msgspec.field(default_factory=dict)
    unread: list[Unread] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """What waits for the owner's word, the oldest first, and documents that say nothing."""

    waiting: tuple[Waiting, ...]
    unread: tuple[Unread, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What was asked for and refused; what `stands` in its place, if anything does."""

    refused: Statement
    stands: Statement | None
    at: datetime


def recalled(files: Derived) -> Known:
    """Return what is known of the documents; nothing where it can be read no more."""
    try:
        content = files.read(_MEMORY)
    except TamperError:
        content = None
    return Known() if content is None else msgspec.msgpack.decode(content, type=Known)


def remember(files: Derived, known: Known) -> None:
    """Keep what is known of the documents."""
    files.write(_MEMORY, msgspec.msgpack.encode(known))


def inbox(twin: Twin) -> Inbox:
    """Return what waits for the owner's word."""
    twin.catch_up()
    known = recalled(twin.pod_files) if twin.is_linked else Known()
    return Inbox(waiting=twin.views.permissions.waiting, unread=tuple(known.unread))


def kept(digest: str) -> str:
    """Return the name under which the bytes of a document are kept that says nothing."""
    return f"unread-{digest}"


def accept(twin: Twin, id_: str) -> Said:
    """Say what was asked for, as the owner's own word.

    Raises:
        NotFound: Nothing that waits has this id.
    """
    return Said(statement=_say(twin, _waiting(twin, id_)), at=twin.vault.now())


def refuse(twin: Twin, id_: str) -> Refused:
    """Say once more what stands in place of a wish; where nothing does, that it is refused.

    Either way nothing is permitted or forbidden that was not before.

    Raises:
        NotFound: Nothing that waits has this id.
    """
    asked = _waiting(twin, id_)
    now = twin.vault.now()
    said = twin.views.permissions.statements
    twin.vault.record(*(_event(twin, one, now) for one in refusal(said, asked, now)))
    twin.catch_up()
    return Refused(refused=asked, stands=_stands(said, asked, now), at=now)


def refusal(said: Sequence[Statement], asked: Statement, now: datetime) -> list[Statement]:
    """Return what answers a wish and changes nothing, in the order in which it is to be said.

    Args:
        said: Everything that counts, in order.
        asked: What is refused.
        now: When it is.
    """
    # A prohibition that has ended forbids nothing, and is an answer all the same.
    answer = _stands(said, asked, now) or replace(asked, effect=Effect.DENY, expires=now)
    if asked.purpose is not Purpose.SHARE or asked.recipient:
        return [replace(answer, recipient=asked.recipient)]
    # Said to everybody it takes the place of what was said since to one: that is said again.
    single: dict[str, Statement] = {}
    for one in said:
        if same_words(replace(one, recipient=""), asked):
            if one.recipient:
                single[one.recipient] = one
            elif one.effect is Effect.DENY:
                single.clear()
    return [answer, *single.values()]


def _stands(said: Sequence[Statement], asked: Statement, now: datetime) -> Statement | None:
    """Return what decides where a wish would: for everybody, too, where it names somebody."""
    live = standing(said, asked.purpose, now, recipient=asked.recipient)
    return next((s for s in live if (s.type, s.filters) == (asked.type, asked.filters)), None)


def _event(twin: Twin, said: Statement, now: datetime) -> Event:
    """Return the owner's word as it goes on the record."""
    said = replace(said, id=uuid4().hex)
    if said.effect is Effect.ALLOW:
        return ConsentGiven(statement=said)
    return ConsentProhibited(statement=said, masked=_masked(twin, said, now))


def _waiting(twin: Twin, id_: str) -> Statement:
    twin.catch_up()
    found = [w.statement for w in twin.views.permissions.waiting if w.statement.id.startswith(id_)]
    if len(found) != 1 or not id_:
        which = "Several things" if found else "Nothing"
        raise NotFound(f"{which} in the inbox has the id {id_}; `twin consent inbox` lists it.")
    return found[0]


def _say(twin: Twin, said: Statement) -> Statement:
    """Put a statement on the record, and let every view follow at once."""
    statement = twin.vault.say(
        said.effect,
        said.type,
        said.purpose,
        filters=said.filters,
        redact=said.redact,
        recipient=said.recipient,
        expires=said.expires,
        masked=_masked(twin, said, twin.vault.now()),
    )
    twin.catch_up()
    twin.suspend_tainted(statement.id)
    return statement


def _masked(twin: Twin, said: Statement, now: datetime) -> tuple[MaskedAlias, ...]:
    """Return whom a statement concerns; one that has ended already concerns nobody."""
    ended = said.expires is not None and said.expires <= now
    denies = said.effect is Effect.DENY and not ended
    return twin.masked_by(said.type, said.filters) if denies else ()
