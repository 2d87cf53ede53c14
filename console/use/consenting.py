"""Saying, showing and withdrawing consent."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from console.bootstrap import Twin
from console.papers import Receipt, write_paper
from projections.permissions import statement_of
from vault.consent import Effect, Filters, Profile, Purpose, Statement, in_force

__all__ = ["History", "Said", "Statements", "Withdrawn", "history", "say", "show", "withdraw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One statement, as it went on the record."""

    statement: Statement
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """The statements in force."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything the owner ever said, in order."""

    history: tuple[Said, ...]


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
    """Return the statements in force, expired ones left out."""
    twin.catch_up()
    now = twin.vault.now()
    said = in_force(twin.views.permissions.statements)
    return Statements(statements=tuple(s for s in said if s.expires is None or now < s.expires))


def history(twin: Twin) -> History:
    """Return everything the owner ever said, in order."""
    return History(
        history=tuple(
            Said(statement=statement, at=entry.at)
            for page in twin.log.pages()
            for entry in page.entries
            if (statement := statement_of(entry.event)) is not None
        )
    )


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
