"""What may be done with each kind of data for each purpose, as the statements in force say it.

A kind is a type of which something is kept, or of which more was said than that it is collected. Its cell is decided
as an item of it would be of which nothing more is known than its source; statements narrowed
further are told beside it, since only single items tell how far these go.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from console.bootstrap import Twin
from vault.consent import (
    SENSITIVE,
    Decision,
    Effect,
    Filters,
    Pause,
    Profile,
    Purpose,
    Statement,
    Subject,
    decide_by,
    in_force,
    standing,
)
from vault.retention import days_kept

__all__ = ["Cell", "Kind", "Matrix", "State", "is_narrowed", "matrix"]


class State(StrEnum):
    """Whether all of a kind may be used for a purpose, some of it, or nothing."""

    ON = "on"
    PART = "part"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One kind and one purpose.

    `reason` says why in one sentence; `redact` is what is masked where it may be used;
    `narrowed` counts the statements in force that say the contrary of a part of it, and
    `recipients` are those with whom it is shared.
    """

    purpose: Purpose
    state: State
    reason: str
    redact: Profile
    narrowed: int
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One type: how many items are kept, from where, for how many days, and what may be done."""

    type: str
    items: int
    sources: tuple[str, ...]
    days: int | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Every kind, sensitive matters apart, and the pauses that stand against all of it."""

    kinds: tuple[Kind, ...]
    sensitive: tuple[Kind, ...]
    pauses: tuple[Pause, ...]


def matrix(twin: Twin) -> Matrix:
    """Return what may be done now."""
    twin.catch_up()
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (source, type_), number in twin.views.timeline.counts().items():
        found[type_][source] = number
    for type_ in _spoken_of(twin, found.keys() | SENSITIVE):
        found[type_] = {}
    teller = _Teller(twin)
    return Matrix(
        kinds=tuple(teller.kind(one, found[one]) for one in sorted(found, key=_hers_first)),
        sensitive=tuple(teller.kind(one, {}) for one in sorted(SENSITIVE)),
        pauses=twin.views.permissions.pauses,
    )


def _hers_first(type_: str) -> tuple[str, bool]:
    """Sort what the owner wrote before what others wrote to her."""
    base, _, last = type_.rpartition(".")
    return base if last in {"sent", "received"} else type_, last == "received"


def is_narrowed(filters: Filters) -> bool:
    """Whether more than the source tells which items a statement is about."""
    return filters != Filters(source=filters.source)


def _spoken_of(twin: Twin, known: set[str]) -> set[str]:
    """Return the types of which more was said than collecting, but for those above others."""
    # What a source may bring is allowed to be collected as a whole, whatever it brought.
    said = {
        one.type
        for one in in_force(twin.views.permissions.statements)
        if one.purpose is not Purpose.COLLECT
    } - known
    return {
        one
        for one in said
        if one.partition(".")[0] not in SENSITIVE
        and not any(other.startswith(one + ".") for other in known | said)
    }


class _Teller:
    """Tells of kinds, by statements that are looked for once."""

    def __init__(self, twin: Twin) -> None:
        permissions = twin.views.permissions
        self._now = permissions.moment(twin.vault.now())
        self._statements = permissions.statements
        self._pauses = tuple(one for one in permissions.pauses if not one.person)
        self._retention = permissions.retention
        self._live = {one: standing(self._statements, one, self._now) for one in Purpose}

    def kind(self, type_: str, sources: dict[str, int]) -> Kind:
        return Kind(
            type=type_,
            items=sum(sources.values()),
            sources=tuple(sorted(sources)),
            days=days_kept(self._retention, (type_,)),
            cells=tuple(self._cell(type_, tuple(sources) or ("",), one) for one in Purpose),
        )

    def _cell(self, type_: str, sources: Sequence[str], purpose: Purpose) -> Cell:
        if purpose is Purpose.SHARE:
            return self._shared(type_)
        live = self._live[purpose]
        broad = [one for one in live if not is_narrowed(one.filters)]
        narrowed = [one for one in live if is_narrowed(one.filters) and _touches(one, type_)]
        told = [
            decide_by(broad, Subject(type=type_, source=one), purpose, self._pauses)
            for one in sources
        ]
        allowed = sum(one.permitted for one in told)
        state = State.ON if allowed == len(told) else State.PART if allowed else State.OFF
        contrary = Effect.DENY if state is State.ON else Effect.ALLOW
        narrowed = [one for one in narrowed if one.effect is contrary]
        if state is State.OFF and narrowed:
            state = State.PART
        said = _telling(told)
        return Cell(
            purpose=purpose,
            state=state,
            reason=said.reason,
            redact=said.redact,
            narrowed=len(narrowed),
        )

    def _shared(self, type_: str) -> Cell:
        recipients = sorted({one.recipient for one in self._statements if one.recipient})
        reached = tuple(
            one
            for one in recipients
            if any(
                said.effect is Effect.ALLOW and _covers(said, type_)
                for said in standing(self._statements, Purpose.SHARE, self._now, recipient=one)
            )
        )
        return Cell(
            purpose=Purpose.SHARE,
            state=State.PART if reached else State.OFF,
            reason=f"Shared with {len(reached)}." if reached else "Shared with nobody.",
            redact=Profile.STRICT,
            narrowed=0,
            recipients=reached,
        )


def _telling(told: Sequence[Decision]) -> Decision:
    """Return the decision to be told of several: one that permits, if there is one."""
    return next((one for one in told if one.permitted), told[0])


def _covers(statement: Statement, type_: str) -> bool:
    """Whether a permission would cover a type, its filters aside."""
    filterless = Statement(
        id=statement.id, effect=Effect.ALLOW, type=statement.type, purpose=statement.purpose
    )
    return decide_by([filterless], Subject(type=type_), statement.purpose, ()).permitted


def _touches(statement: Statement, type_: str) -> bool:
    """Whether a statement is about some items of a type."""
    if statement.effect is Effect.ALLOW:
        return _covers(statement, type_)
    return type_ == statement.type or type_.startswith(statement.type + ".")
