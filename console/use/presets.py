"""Three ways to begin: what is said at once about everything that the vault holds.

A preset is a set of ordinary statements, one for each data type that is there, so that each
of them can be taken back later by itself. What the owner forbade stays forbidden, and of
sensitive matters, which only she names, nothing is said; what a preset does without it takes
back.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from console.bootstrap import Twin
from console.use import consenting
from vault.consent import (
    SENSITIVE,
    Decision,
    Effect,
    Filters,
    Profile,
    Purpose,
    Statement,
    Subject,
    decide_by,
    in_force,
)
from vault.consent import standing as standing_of
from vault.errors import UsageError

__all__ = [
    "Applied",
    "Plan",
    "Preset",
    "Standing",
    "Word",
    "apply",
    "broadly",
    "is_broad",
    "plan",
    "standing",
]

Told = Callable[[int, int], None]


class Preset(StrEnum):
    """What the owner begins with."""

    KEEP = "keep"
    SEARCH = "search"
    TEACH = "teach"


_ABOUT = (Purpose.SEARCH, Purpose.TRAIN)
_WANTED: dict[Preset, tuple[Purpose, ...]] = {
    Preset.KEEP: (),
    Preset.SEARCH: (Purpose.SEARCH,),
    Preset.TEACH: _ABOUT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A type, a purpose, and how many items there are of the type."""

    type: str
    purpose: Purpose
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a preset would say, before it says it.

    `edition` names what had been said until then. `covered` counts the items that it lets be
    used for each purpose. `again` was taken back once as a whole, and
    would be permitted anew; `withdraw` would be taken back. `refused` is what the owner forbade
    and stays so; `sensitive` types are hers to decide, one by one.
    """

    preset: Preset
    others: bool
    edition: str
    covered: tuple[tuple[Purpose, int], ...]
    allow: tuple[Word, ...]
    again: tuple[Statement, ...]
    withdraw: tuple[Statement, ...]
    refused: tuple[Word, ...]
    sensitive: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a preset said: how many permissions it gave and took back, and what that did."""

    preset: Preset
    others: bool
    allowed: int
    withdrawn: int
    models_suspended: tuple[str, ...]
    receipts: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which preset comes nearest to what is permitted now, None before anything was said."""

    preset: Preset | None
    others: bool


def standing(twin: Twin) -> Standing:
    """Say which preset comes nearest to what is permitted now."""
    twin.catch_up()
    permitted = _permitted(twin)
    purposes = {statement.purpose for statement in permitted}
    said = any(one.purpose in _ABOUT for one in twin.views.permissions.statements)
    nearest = (
        Preset.TEACH
        if Purpose.TRAIN in purposes
        else Preset.SEARCH
        if Purpose.SEARCH in purposes
        else Preset.KEEP
    )
    return Standing(
        preset=nearest if said else None,
        others=any(s.purpose is Purpose.TRAIN and _is_received(s.type) for s in permitted),
    )


def plan(twin: Twin, preset: Preset, *, others: bool = False) -> Plan:
    """Say what a preset would say now.

    Args:
        twin: The opened vault.
        preset: Which.
        others: Let a model read what others wrote as well, as the question before an answer.
    """
    twin.catch_up()
    again = tuple(
        replace(one, effect=Effect.ALLOW, redact=Profile.BALANCED)
        for one in _taken_back(twin)
        if _is_wanted(one.type, one.purpose, preset, others=others)
    )
    allow, refused = _missing(twin, preset, again, others=others)
    return Plan(
        preset=preset,
        others=others,
        edition=twin.views.permissions.edition,
        covered=tuple(_covered(twin, preset, refused, others=others)),
        allow=tuple(allow),
        again=again,
        withdraw=tuple(
            one
            for one in _permitted(twin)
            if not _is_sensitive(one.type)
            and not _is_wanted(one.type, one.purpose, preset, others=others)
        ),
        refused=tuple(refused),
        sensitive=tuple(
            (name, sum(found.values()))
            for name, found in _kinds(twin).items()
            if _is_sensitive(name)
        ),
    )


def apply(
    twin: Twin,
    preset: Preset,
    *,
    others: bool = False,
    edition: str | None = None,
    progress: Told | None = None,
) -> Applied:
    """Say what a preset says, and let every view follow.

    Args:
        twin: The opened vault.
        preset: Which.
        others: Let a model read what others wrote as well, as the question before an answer.
        edition: Of the plan that was looked at; None where nobody looked.
        progress: Told (entries done, in all) while the views follow.

    Raises:
        UsageError: Something else was said meanwhile.
    """
    planned = plan(twin, preset, others=others)
    if edition is not None and planned.edition != edition:
        raise UsageError(
            "What may be done with your data was changed meanwhile, so nothing was said; look at "
            "the choice again."
        )
    gone = [
        consenting.withdraw(twin, one.type, one.purpose, one.filters) for one in planned.withdraw
    ]
    for one in planned.again:
        twin.vault.say(Effect.ALLOW, one.type, one.purpose, filters=one.filters)
    for word in planned.allow:
        twin.vault.say(Effect.ALLOW, word.type, word.purpose)
    twin.catch_up(progress)
    twin.views.settle(twin.now)
    return Applied(
        preset=preset,
        others=others,
        allowed=len(planned.again) + len(planned.allow),
        withdrawn=len(planned.withdraw),
        models_suspended=tuple(sorted({name for one in gone for name in one.models_suspended})),
        receipts=tuple(one.receipt for one in gone),
    )


def is_broad(filters: Filters) -> bool:
    """Whether a statement is about all items, or all of a source."""
    return filters in {Filters(), Filters(source=filters.source)}


def broadly(said: Iterable[Statement], name: str, source: str, purpose: Purpose) -> Decision:
    """Decide for a type from a source, leaving out what was said of some of its items only."""
    broad = [one for one in said if is_broad(one.filters)]
    return decide_by(broad, Subject(type=name, source=source), purpose, ())


def _missing(
    twin: Twin, preset: Preset, again: Sequence[Statement], *, others: bool
) -> tuple[list[Word], list[Word]]:
    """Return what is still to be permitted, and what cannot be, since it was forbidden."""
    said = (*twin.views.permissions.statements, *again)
    kinds = _kinds(twin)
    allow: list[Word] = []
    refused: list[Word] = []
    for purpose in _WANTED[preset]:
        live = standing_of(said, purpose, twin.now)
        for name, found in kinds.items():
            if _is_sensitive(name) or not _is_wanted(name, purpose, preset, others=others):
                continue
            word = Word(type=name, purpose=purpose, items=sum(found.values()))
            decisions = [broadly(live, name, source, purpose) for source in found]
            if any(not one.permitted and not one.statement for one in decisions):
                allow.append(word)
            elif not any(one.permitted for one in decisions):
                refused.append(word)
    return allow, refused


def _covered(
    twin: Twin, preset: Preset, refused: Sequence[Word], *, others: bool
) -> Iterator[tuple[Purpose, int]]:
    kinds = _kinds(twin)
    for purpose in _WANTED[preset]:
        but = {word.type for word in refused if word.purpose is purpose}
        yield (
            purpose,
            sum(
                sum(found.values())
                for name, found in kinds.items()
                if name not in but
                and not _is_sensitive(name)
                and _is_wanted(name, purpose, preset, others=others)
            ),
        )


def _kinds(twin: Twin) -> dict[str, dict[str, int]]:
    """Return how many items of each type came from each source."""
    kinds: dict[str, dict[str, int]] = {}
    for (source, name), number in sorted(twin.views.timeline.counts().items()):
        kinds.setdefault(name, {})[source] = number
    return kinds


def _is_wanted(name: str, purpose: Purpose, preset: Preset, *, others: bool) -> bool:
    is_taught_others = purpose is Purpose.TRAIN and _is_received(name)
    return purpose in _WANTED[preset] and (others or not is_taught_others)


def _is_received(name: str) -> bool:
    return name.endswith(".received")


def _is_sensitive(name: str) -> bool:
    return name.partition(".")[0] in SENSITIVE


def _standing(twin: Twin, effect: Effect) -> list[Statement]:
    now = twin.now
    return [
        one
        for one in in_force(twin.views.permissions.statements)
        if one.effect is effect
        and one.purpose in _ABOUT
        and (one.expires is None or now < one.expires)
    ]


def _permitted(twin: Twin) -> list[Statement]:
    """Return the permissions to search and train that stand."""
    return _standing(twin, Effect.ALLOW)


def _taken_back(twin: Twin) -> list[Statement]:
    """Return what the owner once permitted and then took back as a whole.

    What she forbade, or took back for a person or a conversation, is not among it.
    """
    withdrawn = {one.words.id for one in twin.views.permissions.told if one.withdrawn}
    return [
        one
        for one in _standing(twin, Effect.DENY)
        if one.id in withdrawn and is_broad(one.filters) and not _is_sensitive(one.type)
    ]
