"""Training views that the owner names, side by side."""

from collections.abc import Callable
from dataclasses import dataclass

from console.bootstrap import Twin
from projections.definitions import checked
from vault.events import ViewDefined, ViewDropped

__all__ = ["Defined", "Dropped", "Listed", "ViewOf", "define", "drop", "listed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """A view that was defined, and how many examples it has."""

    view: str
    rows: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewOf:
    """A view and what it holds; the one without a name holds all that is permitted."""

    view: str
    rows: int
    definition: ViewDefined


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Every training view."""

    views: tuple[ViewOf, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A view that is not made any more."""

    view: str


def define(
    twin: Twin, definition: ViewDefined, progress: Callable[[int, int], None] | None = None
) -> Defined:
    """Put a definition on the record and make the view; one of the same name is replaced.

    Raises:
        UsageError: No view can be made so.
    """
    checked(definition)
    twin.catch_up(progress)
    if definition not in twin.views.definitions.all():
        twin.vault.record(definition)
        twin.catch_up(progress)
    rows = twin.rows(view=definition.name)
    return Defined(
        view=definition.name, rows=len(rows), held=sum(row.split == "held" for row in rows)
    )


def drop(twin: Twin, name: str) -> Dropped:
    """Put on the record that a view is not made any more, and delete what it holds.

    Raises:
        NotFound: There is none of this name.
    """
    twin.catch_up()
    twin.views.named(name)
    twin.vault.record(ViewDropped(name=name))
    twin.catch_up()
    return Dropped(view=name)


def listed(twin: Twin) -> Listed:
    """List every training view, that of everything first."""
    twin.catch_up()
    return Listed(
        views=tuple(
            ViewOf(
                view=one.definition.name,
                rows=len(twin.rows(view=one.definition.name)),
                definition=one.definition,
            )
            for one in twin.views.trainings
        )
    )
