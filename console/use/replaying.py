"""Views as they once were: the log read up to a position or a time, in a folder for a while.

What was erased since is not there, because nobody can read it any more. What was withdrawn
since is: so whatever leaves this room asks consent as it stands today.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from console import bootstrap
from console.bootstrap import Twin
from console.scratch import Scratch
from projections.view import View
from vault.errors import UsageError

__all__ = ["Checked", "Moment", "Then", "check", "once", "then"]

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A position of the log, or a time."""

    position: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """The training view as it once was: rows then, those that are permitted today, its digest."""

    position: int
    at: datetime
    items: int
    statements: int
    rows: int
    permitted_today: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Whether every view says what it says when it is made again from nothing."""

    position: int
    views: tuple[tuple[str, bool], ...]


@contextmanager
def once(twin: Twin, moment: Moment, progress: Told | None = None) -> Iterator[Twin]:
    """Open the vault as it stood at a moment; its views are gone with the block.

    Raises:
        UsageError: The moment lies before the first entry, or in the future.
    """
    end = twin.catch_up()
    position = end if moment.position is None else moment.position
    if position > end:
        raise UsageError(f"The log ends at position {end}; name an earlier one.")
    if moment.at is not None and moment.at > twin.vault.now():
        raise UsageError("That day is yet to come; name an earlier one.")
    folder = Scratch(twin.home)
    try:
        past = bootstrap.open_(twin.home, twin.secret, views=folder.path)
        try:
            past.read_until(position, moment.at, progress)
            past.views.settle(past.now)
            yield past
        finally:
            past.close()
    finally:
        folder.remove()


def then(twin: Twin, moment: Moment, view: str = "", progress: Told | None = None) -> Then:
    """Say what a training view held at a moment, and how much of it is permitted today."""
    with once(twin, moment, progress) as past:
        rows = past.rows(view=view)
        return Then(
            position=past.views.timeline.position,
            at=past.now,
            items=past.views.timeline.count(),
            statements=len(past.views.permissions.statements),
            rows=len(rows),
            permitted_today=len(twin.still_permitted(rows)),
            digest=digest(past.views.all),
        )


def check(twin: Twin, progress: Told | None = None) -> Checked:
    """Make every view again from nothing, beside those that are there, and compare them."""
    position = twin.catch_up()
    twin.views.settle(twin.now)
    with once(twin, Moment(position=position), progress) as again:
        again.views.settle(twin.now)
        pairs = zip(twin.views.all, again.views.all, strict=True)
        same = tuple((one.name, digest([one]) == digest([other])) for one, other in pairs)
    return Checked(position=position, views=same)


def digest(views: "list[View] | tuple[View, ...]") -> str:
    """Return the SHA-256 of all that some views say, in hexadecimal."""
    total = sha256()
    for view in views:
        total.update(view.fingerprint())
    return total.hexdigest()
