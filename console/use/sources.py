"""What can be read, as those say who read it, and what was collected from where."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from console.bootstrap import Twin
from vault.collectors import registry
from vault.collectors.api import About, Source

__all__ = ["Format", "Held", "Holding", "Known", "Readable", "held", "known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A kind of export, and on what its reading rests."""

    name: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """A source: what it reads, the data types it yields, how such files are called."""

    name: str
    title: str
    version: int
    built_in: bool
    types: tuple[str, ...]
    formats: tuple[Format, ...]
    paths: tuple[str, ...]
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Every source that works, and a sentence for each that does not."""

    sources: tuple[Readable, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is kept of one source; `last_at` is when something was last added from it.

    `last_at` is None where that was on another device.
    """

    source: str
    title: str
    items: int
    types: tuple[tuple[str, int], ...]
    last_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is kept of every source, the largest first."""

    items: int
    holdings: tuple[Holding, ...]


def held(twin: Twin) -> Held:
    """Return what is kept, source by source."""
    twin.catch_up()
    types: dict[str, Counter[str]] = {}
    for (source, type_), count in twin.views.timeline.counts().items():
        types.setdefault(source, Counter())[type_] += count
    last = {name: one.at for one in twin.views.imports.all() for name, _ in one.event.sources}
    titles = {one.name: one.title for one in known().sources}
    holdings = [
        Holding(
            source=source,
            title=titles.get(source, source),
            items=counts.total(),
            types=tuple(counts.most_common()),
            last_at=last.get(source),
        )
        for source, counts in types.items()
    ]
    return Held(
        items=sum(one.items for one in holdings),
        holdings=tuple(sorted(holdings, key=lambda one: (-one.items, one.source))),
    )


def known() -> Known:
    """Return what can be read, built-in sources first."""
    sources, broken = registry.load()
    built_in = {point.name for point in registry.BUILT_IN}
    return Known(
        sources=tuple(_readable(one, built_in=one.name in built_in) for one in sources),
        broken=tuple(broken),
    )


def _readable(source: Source, *, built_in: bool) -> Readable:
    # A plug-in written for an earlier release says nothing of itself.
    about: About | None = getattr(source, "about", None)
    return Readable(
        name=source.name,
        title=about.title if about else source.name,
        version=source.version,
        built_in=built_in,
        types=tuple(sorted(source.types)),
        formats=tuple(Format(name=name, evidence=how) for name, how in about.formats)
        if about
        else (),
        paths=about.paths if about else (),
        how=about.how if about else "",
    )
