"""The sources there are: built-in ones and those of other packages, through one door.

Each is an entry point of the group `vault.collectors`, loaded only where it is needed.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from operator import attrgetter
from typing import NamedTuple, cast

from vault.collectors.api import Source
from vault.errors import UsageError

__all__ = ["BUILT_IN", "GROUP", "Point", "edition", "load", "names", "others"]

GROUP = "vault.collectors"

# The same declarations as in the package's own metadata, which a bare checkout has not.
_NAMES = (
    "mbox",
    "outlook",
    "whatsapp",
    "signal",
    "imessage",
    "messenger",
    "instagram",
    "sms",
    "google-chat",
    "discord",
    "slack",
    "telegram",
    "notion",
    "keep",
    "documents",
    "pdf",
    "markdown",
    "text",
    "jupyter",
    "table",
    "portable",
)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class Point(NamedTuple):
    """Where a source lies (`module:name`), and in which release of the package that declares it.

    An entry point of the standard library says the same, and loads mail, CSV and archives for it.
    """

    name: str
    value: str
    release: str = ""

    def load(self) -> object:
        """Return the source."""
        module, _, name = self.value.partition("[")[0].partition(":")
        found = import_module(module.strip())
        return attrgetter(name.strip())(found) if name.strip() else found


BUILT_IN = tuple(
    Point(name, f"vault.collectors.sources.{name.replace('-', '_')}:SOURCE") for name in _NAMES
)


@lru_cache(1)
def _others(path: tuple[str, ...]) -> dict[str, Point]:
    """Return what other packages declare on a path; looking through all of them is slow."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to load

    del path
    built_in = {point.name for point in BUILT_IN}
    return {
        one.name: Point(one.name, one.value, one.dist.version if one.dist else "")
        for one in sorted(entry_points(group=GROUP))
        if one.name not in built_in
    }


def others() -> tuple[Point, ...]:
    """Return what other packages declare; nobody takes the name of a built-in one."""
    return tuple(_others(tuple(sys.path)).values())


def _declared(only: str | None = None, known: Iterable[Point] | None = None) -> Mapping[str, Point]:
    """Return all sources that are declared, built-in ones first."""
    built_in = {point.name: point for point in BUILT_IN}
    if only in built_in:
        return built_in
    return built_in | {point.name: point for point in (others() if known is None else known)}


def names() -> tuple[str, ...]:
    """Return the names of all declared sources, without loading any."""
    return tuple(_declared())


def edition() -> str:
    """Return what names all declared sources in the releases in which they are installed."""
    return " ".join(f"{one.name}={one.release}" for one in _declared().values())


def load(
    only: str | None = None, known: Iterable[Point] | None = None
) -> tuple[list[Source], list[str]]:
    """Load the sources, or one of them.

    Args:
        only: The name of the one.
        known: What `others` said in another process; looked up where it is None.

    Returns:
        The sources, built-in ones first, and a sentence for each that is broken.

    Raises:
        UsageError: There is no source of that name.
    """
    declared = _declared(only, known)
    if only is not None and only not in declared:
        there = ", ".join(sorted(declared))
        raise UsageError(f"There is no source {only!r}; there are {there}.")
    sources: list[Source] = []
    broken: list[str] = []
    for name in [only] if only else declared:
        try:
            source = cast("Source", declared[name].load())
            _check(name, source)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's module does when it is imported
            broken.append(f"The source {name!r} is broken and left out ({type(error).__name__}).")
        else:
            sources.append(source)
    return sources, broken


def _check(name: str, source: Source) -> None:
    """Look that a plug-in has what a source has."""
    if source.name != name or not source.types or source.version < 1 or not _NAME.fullmatch(name):
        raise TypeError(name)
    assert callable(source.detect)
    assert callable(source.read)
