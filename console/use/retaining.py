"""Keeping items for a time: the rules, what is past its days, and that it goes by itself."""

from dataclasses import dataclass

from console.bootstrap import Twin
from console.use import forgetting
from console.use.forgetting import Forgotten
from vault.errors import NotFound
from vault.retention import doubt

__all__ = [
    "Due",
    "Kept",
    "Rule",
    "Rules",
    "Tidied",
    "due",
    "is_owed",
    "plan",
    "retain",
    "rules",
    "tidy",
    "would_go",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """For how many days items of a type are kept; None: for ever, whatever a wider rule says."""

    type: str
    days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Every rule, how many items are past their days, and why those are still there."""

    rules: tuple[Rule, ...]
    due: int
    doubt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The items that are past their days, and why the time is not certain enough, if so."""

    items: tuple[str, ...]
    doubt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A rule as it was set, and what went at once."""

    rule: Rule
    erased: Forgotten | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """What was done by itself when the vault was opened, or was not, and why.

    `finished` was interrupted before; `late` counts entries of erased items that arrived
    after the erasure; `erased` was past its days, `kept` too, but for the doubt.
    """

    finished: Forgotten | None
    late: int
    erased: Forgotten | None
    kept: int
    doubt: str


def rules(twin: Twin) -> Rules:
    """Return the rules."""
    found = due(twin)
    said = twin.views.permissions.retention
    return Rules(
        rules=tuple(Rule(type=kind, days=days) for kind, days in said.items()),
        due=len(found.items),
        doubt=found.doubt,
    )


def due(twin: Twin) -> Due:
    """Return what is past its days now."""
    twin.catch_up()
    said = twin.views.permissions
    return Due(
        items=twin.views.timeline.outlived(said.retention, twin.vault.now(), said.pauses),
        doubt=doubt(twin.vault.clock(), twin.log.newest, said.leapt),
    )


def plan(twin: Twin) -> tuple[str, ...]:
    """Return what is past its days, however sure the time is: for the owner to decide.

    Raises:
        NotFound: Nothing is.
    """
    items = due(twin).items
    if not items:
        raise NotFound("Nothing is past its days; `twin retention` lists the rules.")
    return items


def would_go(twin: Twin, data_type: str, days: int | None) -> tuple[str, ...]:
    """Return what would be past its days under one more rule."""
    twin.catch_up()
    said = twin.views.permissions
    return twin.views.timeline.outlived(
        said.retention | {data_type: days}, twin.vault.now(), said.pauses
    )


def retain(twin: Twin, data_type: str, days: int | None) -> Kept:
    """Set a rule, and erase what is past its days under the rules as they are then."""
    twin.vault.retain(data_type, days)
    items = due(twin).items
    return Kept(
        rule=Rule(type=data_type, days=days),
        erased=forgetting.forget(twin, items, cause="retention") if items else None,
    )


def is_owed(twin: Twin) -> bool:
    """Whether `tidy` has anything to do; what the views have not seen yet may owe something."""
    found = due(twin)
    certain = bool(found.items) and not found.doubt
    return certain or bool(twin.behind or twin.views.owed()) or forgetting.is_unfinished(twin)


def tidy(twin: Twin) -> Tidied:
    """Do what is owed before anything else is: finish erasures, and begin those that are due."""
    finished = forgetting.finish(twin)
    found = due(twin)
    late = twin.views.owed()
    if late:
        twin.vault.erase(late, ())
        twin.catch_up()
    certain = found.items and not found.doubt
    return Tidied(
        finished=finished,
        late=len(late),
        erased=forgetting.forget(twin, found.items, cause="retention") if certain else None,
        kept=0 if certain else len(found.items),
        doubt=found.doubt if found.items else "",
    )
