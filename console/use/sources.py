"""What can be read, as those say who read it."""

from dataclasses import dataclass

from vault.collectors import registry
from vault.collectors.api import About, Source

__all__ = ["Format", "Known", "Readable", "known"]


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
