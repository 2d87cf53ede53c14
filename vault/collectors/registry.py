"""The sources there are: built-in ones and those of other packages, through one door.

Each is an entry point of the group `vault.collectors`, loaded only where it is needed.
"""

import re
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from vault.collectors.api import Source
from vault.errors import UsageError

__all__ = ["BUILT_IN", "GROUP", "edition", "load", "names"]

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
BUILT_IN = tuple(
    EntryPoint(
        name=name,
        value=f"vault.collectors.sources.{name.replace('-', '_')}:SOURCE",
        group=GROUP,
    )
    for name in _NAMES
)


_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


@lru_cache(1)
def _others(path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Return what other packages declare on a path; looking through all of them is slow."""
    del path
    return {point.name: point for point in sorted(entry_points(group=GROUP))}


def _declared(only: str | None = None) -> dict[str, EntryPoint]:
    """Return all entry points, built-in ones first; nobody takes the name of one of those."""
    built_in = {point.name: point for point in BUILT_IN}
    if only in built_in:
        return built_in
    others = _others(tuple(sys.path))
    return {**built_in, **{name: others[name] for name in others if name not in built_in}}


def names() -> tuple[str, ...]:
    """Return the names of all declared sources, without loading any."""
    return tuple(_declared())


def edition() -> str:
    """Return what names all declared sources in the releases in which they are installed."""
    points = _declared().values()
    return " ".join(f"{one.name}={one.dist.version if one.dist else ''}" for one in points)


def load(only: str | None = None) -> tuple[list[Source], list[str]]:
    """Load the sources, or one of them.

    Returns:
        The sources, built-in ones first, and a sentence for each that is broken.

    Raises:
        UsageError: There is no source of that name.
    """
    declared = _declared(only)
    if only is not None and only not in declared:
        known = ", ".join(sorted(declared))
        raise UsageError(f"There is no source {only!r}; there are {known}.")
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
