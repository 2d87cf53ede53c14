"""Saying, showing and withdrawing consent."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from console.bootstrap import Twin
from console.papers import Receipt, write_paper
from projections.permissions import Recorded, covering, statement_of
from vault.consent import Effect, Filters, Pause, Profile, Purpose, Statement, in_force, normal
from vault.errors import NotFound
from vault.events import ConsentObserved, RetentionSet, UsePaused, UseResumed

__all__ = [
    "Asked",
    "History",
    "Kept",
    "Paused",
    "Resumed",
    "Said",
    "Statements",
    "Told",
    "Withdrawn",
    "history",
    "pause",
    "recent",
    "resume",
    "say",
    "show",
    "statement",
    "withdraw",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One statement, as it went on the record."""

    statement: Statement
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What another application wrote into a document in the pod; what narrows holds at once."""

    asked: Statement
    document: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A pause, as it went on the record; `models_suspended` learned from what it covers."""

    paused: Pause
    at: datetime
    models_suspended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The end of a pause, as it went on the record."""

    resumed: Pause
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A rule of retention, as it went on the record."""

    type: str
    days: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """The statements in force, and the pauses that stand against them."""

    statements: tuple[Statement, ...]
    pauses: tuple[Pause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything the owner ever said, and others asked for in her pod, in order."""

    history: tuple[Said | Asked | Paused | Resumed | Kept, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One of these, and its position in the log."""

    position: int
    said: Said | Asked | Paused | Resumed | Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What a withdrawal took away, and where its signed receipt lies."""

    rows_removed: int
    models_suspended: tuple[str, ...]
    receipt: Path


def say(
    twin: Twin,
    effect: Effect,
    data_type: str,
    purpose: Purpose,
    *,
    filters: Filters,
    redact: Profile,
    expires: datetime | None,
    recipient: str,
) -> Said:
    """Allow or forbid, and let every view follow at once."""
    twin.catch_up()
    statement = twin.vault.say(
        effect,
        data_type,
        purpose,
        filters=filters,
        redact=redact,
        expires=expires,
        recipient=recipient,
        masked=twin.masked_by(data_type, filters) if effect is Effect.DENY else (),
    )
    twin.catch_up()
    twin.suspend_tainted(statement.id)
    return Said(statement=statement, at=twin.vault.now())


def show(twin: Twin) -> Statements:
    """Return the statements in force, expired ones left out, and every pause."""
    twin.catch_up()
    now = twin.vault.now()
    said = in_force(twin.views.permissions.statements)
    return Statements(
        statements=tuple(s for s in said if s.expires is None or now < s.expires),
        pauses=twin.views.permissions.pauses,
    )


def statement(twin: Twin, id_: str) -> Said:
    """Return one statement that counts, as it went on the record.

    Raises:
        NotFound: There is none of this id.
    """
    twin.catch_up()
    found = twin.views.permissions.statement(id_)
    if found is None:
        raise NotFound("No statement has this id; the history shows them all.")
    words, at = found
    return Said(statement=words, at=at)


def history(twin: Twin) -> History:
    """Return everything the owner ever said, in order."""
    return History(history=tuple(one.said for one in reversed(recent(twin, limit=-1))))


def recent(twin: Twin, before: int | None = None, limit: int = 50) -> tuple[Told, ...]:
    """Return what the owner said, the newest first.

    Args:
        twin: The open vault.
        before: Only what stands before this position of the log.
        limit: How many at most.
    """
    twin.catch_up()
    return tuple(
        Told(position=one.position, said=_said(one))
        for one in twin.views.permissions.history(before, limit)
    )


def _said(one: Recorded) -> Said | Asked | Paused | Resumed | Kept:
    match one.event:
        case ConsentObserved(statement=asked, document=document):
            return Asked(asked=asked, document=document, at=one.at)
        case UsePaused(pause=pause):
            return Paused(paused=pause, at=one.at)
        case UseResumed(pause=pause):
            return Resumed(resumed=pause, at=one.at)
        case RetentionSet(type=type_, days=days):
            return Kept(type=type_, days=days, at=one.at)
        case event:
            statement = statement_of(event)
            assert statement, "everything else that is heard is a word of hers"
            return Said(statement=statement, at=one.at)


def pause(twin: Twin, data_type: str, *, source: str = "", person: str = "") -> Paused:
    """Keep some items and use them for nothing; what stands already is not said again."""
    standing = _standing(twin, data_type, source, person)
    if standing:
        return Paused(paused=standing[0], at=twin.vault.now())
    meant = Pause(id="", type=data_type, source=source, person=normal(person))
    said = twin.vault.pause(
        data_type,
        source=source,
        person=person,
        masked=twin.masked_of_covered(covering(meant, Purpose.TRAIN)),
    )
    twin.catch_up()
    suspended = twin.suspend_tainted(said.id)
    return Paused(paused=said, at=twin.vault.now(), models_suspended=suspended)


def resume(twin: Twin, data_type: str, *, source: str = "", person: str = "") -> Resumed:
    """End the pause that was said with the same words; what was said before holds again.

    Raises:
        NotFound: There is none.
    """
    standing = _standing(twin, data_type, source, person)
    if not standing:
        raise NotFound("No pause has these words; `twin consent show` lists those that stand.")
    twin.vault.resume(standing)
    twin.catch_up()
    return Resumed(resumed=standing[0], at=twin.vault.now())


def _standing(twin: Twin, data_type: str, source: str, person: str) -> list[Pause]:
    """Return the pauses with these words; two devices may have said the same."""
    twin.catch_up()
    words = (data_type, source, normal(person))
    return [p for p in twin.views.permissions.pauses if (p.type, p.source, p.person) == words]


def withdraw(twin: Twin, data_type: str, purpose: Purpose, filters: Filters) -> Withdrawn:
    """Take a permission back: rows go, models that learned from them are suspended.

    The prohibition has exactly the filters given, so what it covers stays denied until the
    owner allows the same again.
    """
    twin.catch_up()
    before = {row.id for row in twin.rows()}
    statement = twin.vault.say(
        Effect.DENY,
        data_type,
        purpose,
        filters=filters,
        withdraw=True,
        masked=twin.masked_by(data_type, filters),
    )
    position = twin.catch_up()
    removed = len(before - {row.id for row in twin.rows()})
    suspended = twin.suspend_tainted(statement.id)
    receipt = Receipt(
        statement=statement.id,
        type=statement.type,
        purpose=purpose,
        filters=tuple(
            name
            for name in ("source", "conversation", "person", "since", "until")
            if getattr(filters, name)
        ),
        at=twin.vault.now(),
        position=position,
        checkpoint=twin.log.head.root.hex(),
        rows_removed=removed,
        models_suspended=suspended,
    )
    return Withdrawn(
        rows_removed=removed,
        models_suspended=suspended,
        receipt=write_paper(twin, f"receipt-{statement.id}", receipt),
    )
