"""Why an item is in a view, or is not: for each view, and by which statement."""

from collections.abc import Iterator
from dataclasses import dataclass

from console.bootstrap import Twin
from projections import lineage
from projections.timeline import Stored
from projections.training import Training, Whereabouts
from vault.consent import Purpose
from vault.errors import NotFound

__all__ = ["Place", "Traced", "why"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One view and whether an item is in it; `statement` decided, where one did."""

    view: str
    within: bool
    reason: str
    statement: str = ""
    pairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """An item, and where it is."""

    id: str
    type: str
    labels: tuple[str, ...]
    places: tuple[Place, ...]


def why(twin: Twin, item_id: str) -> Traced:
    """Say for each view why an item is in or out.

    Raises:
        NotFound: There is no such item.
        Erased: It was erased.
    """
    twin.catch_up()
    stored = twin.views.timeline.show(twin.views.timeline.root(item_id))
    places = (
        Place(view="timeline", within=True, reason="Everything that is kept is in the timeline."),
        _searched(twin, stored),
        *(_taught(twin, one, stored) for one in twin.views.trainings),
        *_learned(twin, stored),
        _mirrored(twin, stored),
    )
    return Traced(id=stored.id, type=stored.item.type, labels=stored.item.labels, places=places)


def _searched(twin: Twin, stored: Stored) -> Place:
    decision = twin.views.search.decide(stored.id, twin.now)
    return Place(
        view="search",
        within=decision.permitted,
        reason=decision.reason,
        statement=decision.statement,
    )


def _mirrored(twin: Twin, stored: Stored) -> Place:
    judge = twin.views.permissions.judge(Purpose.MIRROR, twin.now)
    decision = judge(twin.views.people.subject(stored.item))
    return Place(
        view="mirror",
        within=decision.permitted,
        reason=decision.reason,
        statement=decision.statement,
    )


def _taught(twin: Twin, view: Training, stored: Stored) -> Place:
    found = view.whereabouts(stored, twin.now)
    return Place(
        view=view.name,
        within=bool(found.learned or found.held or found.context),
        reason=_reason(found, stored),
        statement=found.decision.statement,
        pairs=found.learned or found.held or found.context or found.alike,
    )


def _reason(found: Whereabouts, stored: Stored) -> str:
    """Say in a sentence where an item is; what consent forbids comes before everything else."""
    if not found.decision.permitted:
        return found.decision.reason
    return f"{found.decision.reason} {_beyond_consent(found, stored)}"


def _beyond_consent(found: Whereabouts, stored: Stored) -> str:
    left_out = ", ".join(found.left_out)
    cases = (
        (not found.within, "It lies outside of what this view was defined to hold."),
        (found.learned, "It is learned from."),
        (found.held, "It is held out for ever: models are measured on it, and none learns it."),
        (found.alike, "Another example says the same, or nearly, and is learned."),
        (left_out, f"No example was made of it ({left_out})."),
        (found.context, "It stands before answers, and is not learned itself."),
        (not stored.item.sent, "Others' words are never learned, and no answer follows these."),
    )
    return next((said for holds, said in cases if holds), "It has no words to learn.")


def _learned(twin: Twin, stored: Stored) -> Iterator[Place]:
    """Yield the models that learned from an item, and what they are now."""
    for model in twin.views.lineage.models():
        try:
            rows = lineage.learned(twin.models, model.id)
        except NotFound:
            continue
        number = sum(stored.id in row.events for row in rows)
        if number:
            yield Place(
                view=f"model {model.id}",
                within=True,
                reason=f"It learned {_examples(number)} with it, and is {model.status}.",
            )


def _examples(number: int) -> str:
    return "1 example" if number == 1 else f"{number} examples"
