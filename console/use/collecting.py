"""Collecting exports, under the names by which the owner is known."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from console import bootstrap
from console.bootstrap import Twin
from projections.permissions import Judge
from vault.application import Export, Imported
from vault.collectors import registry
from vault.collectors.api import Carrier, Ended, Found
from vault.collectors.collect import collect
from vault.collectors.collect import survey as survey_of
from vault.collectors.fingerprints import Told
from vault.collectors.readers.tree import identity
from vault.collectors.survey import Surveyed
from vault.consent import Decision, Effect, Filters, Purpose, Subject, normal
from vault.errors import PolicyClosed, UsageError
from vault.items import Bad, Content, Item, Progress

__all__ = ["Again", "Names", "Survey", "add", "apart", "me", "peek", "survey"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The owner's names and addresses, as they are compared."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found in a path before any of it is stored.

    `is_new` is False where every file is as it was when it was read before; what has not
    changed is in no part. `bad` is what no source reads, or only one of a later part.
    """

    is_new: bool
    parts: tuple[Surveyed, ...] = ()
    bad: tuple[Bad, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """An import whose failures are to be read again: its id, and where they stood.

    No places: whatever could not be read the last time.
    """

    id: str
    places: tuple[str, ...] = ()


def me(twin: Twin, names: Iterable[str]) -> Names:
    """Remember names and addresses of the owner, and return all that are known."""
    twin.catch_up()
    known = twin.vault.name_owner(names, twin.views.people.owner)
    twin.catch_up()
    return Names(names=tuple(sorted(known)))


def apart(home: Path, path: Path) -> frozenset[tuple[int, int]]:
    """Return what is never read, by device and inode: a vault and the recovery pages beside it.

    Args:
        home: The vault's folder.
        path: What is to be read.

    Raises:
        UsageError: That is one of these or lies in it, under whatever name.
    """
    place = Path(os.path.realpath(path))  # a circle of links is nobody's error here
    way = _identities(place, *place.parents)
    vault, pages = _identities(home), _identities(*bootstrap.recovery_pages(home))
    if vault & way:
        raise UsageError("That is the vault itself; choose what is to be collected into it.")
    if pages & way:
        raise UsageError(
            "That is the vault's recovery page, which nothing reads as an export; choose something "
            "else."
        )
    return vault | pages


def _identities(*paths: Path) -> frozenset[tuple[int, int]]:
    return frozenset(identity(path.stat()) for path in paths if path.exists())


def _left_out(twin: Twin, path: Path, *, is_copy: bool) -> frozenset[tuple[int, int]]:
    # What was handed over for this lies in the vault's folder, and holds no links out of its own.
    return frozenset() if is_copy else apart(twin.home, path)


def peek(twin: Twin, path: Path) -> Iterator[Item]:
    """Yield what a path holds, without storing anything."""
    found = collect(path, twin.views.people.owner, but=apart(twin.home, path))
    yield from (one for one in found if isinstance(one, Item))


def survey(
    twin: Twin,
    path: Path,
    *,
    source: str = "",
    names: Iterable[str] = (),
    is_copy: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Say what is in a path, part by part, in seconds and without storing anything.

    `is_copy`: it lies there only for this, in the vault's own folder.

    Raises:
        NotFound: There is nothing at the path.
        UsageError: It is the vault itself or a recovery page of it.
    """
    twin.catch_up()
    but = _left_out(twin, path, is_copy=is_copy)
    known = twin.views.people.owner | {normal(name) for name in names}
    with twin.fingerprints() as prints:
        look = prints.look(path, known, source=source, but=but)
    if not look.is_anything_new:
        return Survey(is_new=False)
    parts: list[Surveyed] = []
    bad: list[Bad] = []
    for one in survey_of(path, known, source=source or None, kept=look.kept, but=but):
        match one:
            case Surveyed():
                parts.append(one)
            case Bad():
                bad.append(one)
            case Progress():
                if progress:
                    progress(one.done, one.total)
    return Survey(is_new=True, parts=tuple(parts), bad=tuple(bad))


def add(
    twin: Twin,
    path: Path,
    *,
    source: str = "",
    names: Iterable[str] = (),
    dry_run: bool = False,
    again: Again | None = None,
    is_copy: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Collect what a path holds; what is there already is not stored again.

    Files that have not changed since the same sources read them under the same names, and of
    which consent refused nothing, are not read again. Adding is a permission to collect from
    a source, and goes on the record as one. A prohibition that stands against the whole
    source wins.

    Args:
        twin: The vault.
        path: A file, a folder, a zip or a tar.
        source: Read everything as this source.
        names: More names and addresses of the owner.
        dry_run: Read everything, store nothing.
        again: Read only what could not be read in an earlier import.
        is_copy: It lies there only for this; the record of its import names no place.
        progress: Told (bytes done, bytes in all).

    Raises:
        NotFound: There is nothing at the path.
        UsageError: It is the vault itself or a recovery page of it.
        PolicyClosed: Consent denies collecting from every source found.
    """
    twin.catch_up()
    but = _left_out(twin, path, is_copy=is_copy)
    known = (
        twin.views.people.owner | {normal(name) for name in names}
        if dry_run
        else twin.vault.name_owner(names, twin.views.people.owner)
    )
    grants = _Grants(twin, dry_run=dry_run)
    place = "" if is_copy else str(path.absolute())
    before = twin.views.imports.last(place) if place else None
    with twin.fingerprints() as prints:
        places = None if again is None else again.places
        look = prints.look(path, known, source=source, again=places, but=but)

        def permits(item: Item) -> bool:
            is_permitted = grants.permit(item)
            if not is_permitted:
                look.deny(item.locator)
            return is_permitted

        found = collect(
            path,
            known,
            source=source or look.source,
            cursors=look.cursors,
            kept=look.kept,
            but=but,
        )
        imported = twin.vault.collect(
            _granting(look.following(found), grants),
            export=Export(
                locator=path.name,
                path=place,
                asked=source,
                retried="" if again is None else again.id,
                versions=grants.versions,
                before=before.event if before else None,
            ),
            permits=permits,
            progress=progress,
            ended=lambda part: look.ended(part, twin.log.head.position),
            spoiled=look.deny,
            dry_run=dry_run,
        )
        if not dry_run:
            look.finish(twin.log.head.position)
    twin.catch_up()
    if grants.closed and not grants.is_any_open():
        raise PolicyClosed(
            f"Collecting from {', '.join(sorted(grants.closed))} is denied; `twin consent show` "
            "says by what, `twin consent allow TYPE collect` takes it back."
        )
    return imported


def _granting(
    found: Iterable[Told], grants: "_Grants"
) -> Iterator[Item | Content | Bad | Progress | Ended]:
    """Put the permission for each source on the record before its first item is stored."""
    for one in found:
        if isinstance(one, Found):
            grants.versions[one.source] = one.version
            if not one.brings:
                grants.grant(one.source, _types(one.source))
            for brought in one.brings:
                grants.grant(brought.source, brought.types)
        else:
            yield one


class _Grants:
    """Permissions to collect, given source by source while they are found."""

    def __init__(self, twin: Twin, *, dry_run: bool) -> None:
        self._twin = twin
        self._dry_run = dry_run
        self._granted: set[str] = set()
        self._asked: set[tuple[str, str]] = set()
        self.closed: set[str] = set()
        self.versions: dict[str, int] = {}
        self._judge: Judge | None = None

    def grant(self, source: str, types: tuple[str, ...]) -> None:
        """Allow to collect from a source, unless the owner said no; then it is `closed`."""
        types = tuple(name for name in types if (source, name) not in self._asked)
        if not types:
            return
        self._granted.add(source)
        self._asked.update((source, name) for name in types)
        open_ = [name for name in types if not self._decide(name, source).statement]
        denied = [name for name in types if not self._decide(name, source).permitted]
        if len(denied) == len(types) and not open_:
            self.closed.add(source)
        for name in open_:
            if not self._dry_run:
                self._twin.vault.say(
                    Effect.ALLOW, name, Purpose.COLLECT, filters=Filters(source=source)
                )
        self._twin.catch_up()
        self._judge = None

    def is_any_open(self) -> bool:
        """Whether some source that was found may be collected from."""
        return bool(self._granted - self.closed)

    def permit(self, item: Item) -> bool:
        """Return whether consent allows to collect an item."""
        if self._judge is None:
            self._judge = self._twin.views.permissions.judge(
                Purpose.COLLECT, self._twin.vault.now()
            )
        decision = self._judge(self._twin.views.people.subject(item))
        return decision.permitted or (self._dry_run and not decision.statement)

    def _decide(self, name: str, source: str) -> Decision:
        return self._twin.views.permissions.decide(
            Subject(type=name, source=source), Purpose.COLLECT, self._twin.vault.now()
        )


def _types(source: str) -> tuple[str, ...]:
    """Return the data types of a source; a carrier has none but those that it brings."""
    found, _ = registry.load(source)
    return tuple(
        sorted(name for one in found if not isinstance(one, Carrier) for name in one.types)
    )
