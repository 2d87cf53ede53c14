"""Collecting exports, under the names by which the owner is known."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from console.bootstrap import Twin
from vault.application import Imported
from vault.collectors import registry
from vault.collectors.api import Found
from vault.collectors.collect import collect
from vault.consent import Decision, Effect, Filters, Purpose, Subject, normal
from vault.errors import PolicyClosed
from vault.items import Bad, Item, Progress

__all__ = ["Names", "add", "me", "peek"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The owner's names and addresses, as they are compared."""

    names: tuple[str, ...]


def me(twin: Twin, names: Iterable[str]) -> Names:
    """Remember names and addresses of the owner, and return all that are known."""
    twin.catch_up()
    known = twin.vault.name_owner(names, twin.views.people.owner)
    twin.catch_up()
    return Names(names=tuple(sorted(known)))


def peek(twin: Twin, path: Path) -> Iterator[Item]:
    """Yield what a path holds, without storing anything."""
    yield from (one for one in collect(path, twin.views.people.owner) if isinstance(one, Item))


def add(
    twin: Twin,
    path: Path,
    *,
    source: str = "",
    names: Iterable[str] = (),
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Collect what a path holds; what is there already is not stored again.

    Adding is a permission to collect from that source, and goes on the record as one. A
    prohibition that stands against the whole source wins.

    Raises:
        NotFound: There is nothing at the path.
        PolicyClosed: Consent denies collecting from every source found.
    """
    twin.catch_up()
    known = (
        twin.views.people.owner | {normal(name) for name in names}
        if dry_run
        else twin.vault.name_owner(names, twin.views.people.owner)
    )
    grants = _Grants(twin, dry_run=dry_run)
    imported = twin.vault.collect(
        _granting(collect(path, known, source=source or None), grants),
        locator=path.name,
        permits=grants.permit,
        progress=progress,
        dry_run=dry_run,
    )
    twin.catch_up()
    if grants.closed and not grants.is_any_open():
        raise PolicyClosed(
            f"Collecting from {', '.join(sorted(grants.closed))} is denied; `twin consent show` "
            "says by what, `twin consent allow TYPE collect` takes it back."
        )
    return imported


def _granting(
    found: Iterable[Found | Item | Bad | Progress], grants: "_Grants"
) -> Iterator[Item | Bad | Progress]:
    """Put the permission for each source on the record before its first item is stored."""
    for one in found:
        if isinstance(one, Found):
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
        self._decisions: dict[Subject, Decision] = {}

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
        self._decisions.clear()

    def is_any_open(self) -> bool:
        """Whether some source that was found may be collected from."""
        return bool(self._granted - self.closed)

    def permit(self, item: Item) -> bool:
        """Return whether consent allows to collect an item."""
        subject = self._twin.views.people.subject(item)
        decision = self._decisions.get(subject)
        if decision is None:
            decision = self._twin.views.permissions.decide(
                subject, Purpose.COLLECT, self._twin.vault.now()
            )
            self._decisions[subject] = decision
        if self._dry_run and not decision.statement:
            return True
        return decision.permitted

    def _decide(self, name: str, source: str) -> Decision:
        return self._twin.views.permissions.decide(
            Subject(type=name, source=source), Purpose.COLLECT, self._twin.vault.now()
        )


def _types(source: str) -> tuple[str, ...]:
    found, _ = registry.load(source)
    return tuple(sorted(name for one in found for name in one.types))
