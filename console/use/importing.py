"""What was imported, what of it could not be read, and reading that again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from console.bootstrap import Twin
from console.use import collecting
from projections.imports import Import
from vault.application import Imported
from vault.errors import CollectError, ConsentError, NotFound, UsageError
from vault.items import Bad

__all__ = [
    "Listed",
    "Past",
    "Refused",
    "Retried",
    "Retries",
    "Shown",
    "before",
    "count",
    "imports",
    "is_anything_unread",
    "retry",
    "show",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An import: `read` = `collected` + `duplicates` + `bad`, which `reasons` counts.

    `retried` is the number of the import whose failures it read again, 0 where it is none.
    """

    number: int
    at: datetime
    locator: str
    path: str
    sources: tuple[str, ...]
    read: int
    collected: int
    duplicates: int
    bad: int
    reasons: tuple[tuple[str, int], ...]
    first_at: datetime | None
    last_at: datetime | None
    retried: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Imports, by default every one, the oldest first."""

    imports: tuple[Past, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An import with the places of what it could not read, the first 10,000 of them."""

    past: Past
    unread: tuple[Bad, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What came of reading again what an import could not read."""

    number: int
    locator: str
    imported: Imported


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An import that may not be read again, and why."""

    number: int
    locator: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """What came of each import that was tried again.

    Of the `gone` nothing is there any more; the `refused` may not be read as they lie now.
    """

    retried: tuple[Retried, ...]
    gone: tuple[Past, ...]
    refused: tuple[Refused, ...] = ()


def imports(twin: Twin) -> Listed:
    """Return every import that brought something."""
    twin.catch_up()
    found = twin.views.imports.all()
    numbers = {one.id: one.number for one in found}
    return Listed(imports=tuple(_past(one, numbers) for one in found))


def count(twin: Twin) -> int:
    """Return how many imports there are, which is the number of the newest."""
    twin.catch_up()
    return twin.views.imports.count()


def before(twin: Twin, number: int | None = None, *, most: int = 50) -> Listed:
    """Return imports before a number, or the newest; here the newest comes first."""
    end = count(twin) + 1 if number is None else number
    known = twin.views.imports
    found = known.before(end, most)
    ids = {one.event.retried for one in found} - {""}
    numbers = {entry_id: known.number_of(entry_id) for entry_id in ids}
    return Listed(imports=tuple(_past(one, numbers) for one in found))


def is_anything_unread(twin: Twin) -> bool:
    """Whether `retry` without a number would find something to read again."""
    twin.catch_up()
    return bool(_unread(twin.views.imports.all()))


def show(twin: Twin, number: int) -> Shown:
    """Return one import with what it could not read.

    Raises:
        NotFound: There are not so many.
    """
    twin.catch_up()
    found = twin.views.imports.numbered(number)
    numbers = {one.id: one.number for one in twin.views.imports.all()}
    return Shown(past=_past(found, numbers), unread=found.event.bad)


def _past(one: Import, numbers: dict[str, int]) -> Past:
    event = one.event
    return Past(
        number=one.number,
        at=one.at,
        locator=event.locator,
        path=event.path,
        sources=tuple(name for name, _ in event.sources),
        read=event.read,
        collected=event.collected,
        duplicates=event.duplicates,
        bad=sum(count for _, count in event.bad_reasons),
        reasons=event.bad_reasons,
        first_at=event.first_at,
        last_at=event.last_at,
        retried=numbers.get(event.retried, 0),
    )


def retry(
    twin: Twin,
    number: int | None = None,
    *,
    path: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Retries:
    """Read again what could not be read, as far as files can be told, nothing else.

    Args:
        twin: The vault.
        number: An import; without one, the newest of each thing that was added.
        path: Where the export lies now.
        progress: Told (bytes done, bytes in all).

    Raises:
        NotFound: There is no such import, or nothing at the path where it was.
        UsageError: It lies where nothing is collected from; with a number alone, as below.
        PolicyClosed: Consent denies collecting it.
        CollectError: It cannot be read at all.
    """
    twin.catch_up()
    known = twin.views.imports
    chosen = _unread(known.all()) if number is None else (known.numbered(number),)
    there = [one for one in chosen if _place(one, path)]
    gone = [one for one in chosen if not _place(one, path)]
    if number is not None and gone:
        raise NotFound(
            f"What import {number} read ({gone[0].event.locator}) is not where it was; say with "
            "--from where it lies now."
        )
    numbers = {one.id: one.number for one in known.all()}
    retried, refused = [], []
    for one in there:
        try:
            retried.append(_again(twin, one, path, progress))
        except (ConsentError, UsageError, NotFound, CollectError) as error:
            # What is wrong with one import keeps nobody from reading the others.
            if number is not None:
                raise
            refused.append(Refused(number=one.number, locator=one.event.locator, reason=str(error)))
    return Retries(
        retried=tuple(retried),
        gone=tuple(_past(one, numbers) for one in gone),
        refused=tuple(refused),
    )


def _unread(imports: tuple[Import, ...]) -> tuple[Import, ...]:
    """Return the newest import of each thing, where something was left unread."""
    newest = {one.event.path or one.event.locator: one for one in imports}
    return tuple(one for one in newest.values() if one.event.bad_reasons)


def _place(one: Import, path: Path | None) -> Path | None:
    place = path or (Path(one.event.path) if one.event.path else None)
    return place if place is not None and place.exists() else None


def _again(
    twin: Twin,
    one: Import,
    path: Path | None,
    progress: Callable[[int, int], None] | None,
) -> Retried:
    place, event = _place(one, path), one.event
    assert place is not None, "only what is there is read"
    count = sum(count for _, count in event.bad_reasons)
    places = tuple(
        place.name + bad.locator[len(event.locator) :]
        if bad.locator.startswith(event.locator)
        else bad.locator
        for bad in event.bad
    )
    imported = collecting.add(
        twin,
        place,
        source=event.asked,
        # Of more than the log names, what was not read is found by what was noted of the files.
        again=collecting.Again(id=one.id, places=places if len(places) == count else ()),
        progress=progress,
    )
    return Retried(number=one.number, locator=event.locator, imported=imported)
