"""Searching: what consent allows to be searched, by words and by meaning."""

from collections.abc import Iterable
from dataclasses import dataclass

from console.bootstrap import Twin
from projections.search import By, Hit
from vault.consent import SENSITIVE, Filters, check_type
from vault.errors import NotFound

__all__ = ["By", "Hits", "Reach", "check", "reach", "search"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What a search found."""

    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a search reaches: of so many `items`, so many may be found."""

    items: int
    found: int


def search(
    twin: Twin,
    query: str,
    *,
    by: By = By.TEXT,
    data_type: str = "",
    filters: Filters | None = None,
    limit: int = 20,
) -> Hits:
    """Find items by what they say or mean, the best first.

    Raises:
        UsageError: There is no such data type.
        NotFound: Nothing here is of the type or the source, or nobody is called that.
    """
    twin.catch_up()
    filters = filters or Filters()
    check(twin, data_type, filters)
    found = twin.views.search.find(
        query, now=twin.now, by=by, type_=data_type, filters=filters, limit=limit
    )
    return Hits(hits=tuple(found))


def reach(twin: Twin) -> Reach:
    """Say how many items may be searched."""
    twin.catch_up()
    twin.views.search.settle(twin.now)
    return Reach(items=twin.views.timeline.count(), found=twin.views.search.count())


def check(twin: Twin, data_type: str, filters: Filters) -> None:
    """Refuse what could only find nothing.

    Raises:
        UsageError: There is no such data type.
        NotFound: Nothing here is of the type or the source, or nobody is called that.
    """
    counts = twin.views.timeline.counts()
    types = {name for _, name in counts}
    if data_type and check_type(data_type).partition(".")[0] not in SENSITIVE:
        beneath = (name == data_type or name.startswith(data_type + ".") for name in types)
        if not any(beneath):
            raise NotFound(f"Nothing here is of the type {data_type}; {_there('types', types)}.")
    sources = {source for source, _ in counts}
    if filters.source and filters.source not in sources:
        raise NotFound(f"Nothing here is of that source; {_there('sources', sources)}.")
    if filters.person and not twin.views.people.called(filters.person):
        raise NotFound("Nobody here is called that; `twin people list` names everybody.")


def _there(what: str, names: Iterable[str]) -> str:
    told = ", ".join(sorted(names))
    return f"{what} that are: {told}" if told else f"there are no {what} yet, `twin add` collects"
