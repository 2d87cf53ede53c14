"""Files and folders that are read again whenever they change, while the pages are served.

Which they are stays on this device, sealed: other devices have other folders. What is read is
collected as by `collecting.add`, so consent decides about it in the same way.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from console.bootstrap import Twin
from console.use import collecting
from vault.errors import Exists, NotFound, UsageError

__all__ = ["Place", "Watched", "pause", "resume", "stamp", "unwatch", "watch", "watched"]

_STORE: Final = "watched"
_MOST: Final = 100


class _Kept(msgspec.Struct, frozen=True):
    path: str
    source: str = ""


class _List(msgspec.Struct, frozen=True):
    places: tuple[_Kept, ...] = ()
    is_paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A watched file or folder, and the number of the import that it brought last, 0 before any.

    `at` is when that was, `unread` counts what it could not read.
    """

    path: str
    source: str
    is_there: bool
    number: int = 0
    at: datetime | None = None
    unread: int = 0

    @property
    def name(self) -> str:
        """The last part of its path."""
        return Path(self.path).name or self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is watched; while it `is_paused` nothing of it is read."""

    places: tuple[Place, ...]
    is_paused: bool


def watched(twin: Twin) -> Watched:
    """Return what is watched on this device."""
    twin.catch_up()
    known = _read(twin)
    return Watched(
        places=tuple(_place(twin, one) for one in known.places),
        is_paused=known.is_paused,
    )


def stamp(home: Path) -> int:
    """Return what changes when the list of a vault does, whoever changes it; 0 without one."""
    try:
        return (home / "views" / _STORE).stat().st_mtime_ns
    except OSError:
        return 0


def watch(twin: Twin, path: Path, *, source: str = "") -> Watched:
    """Read a file or folder again whenever it changes; watching it already changes nothing.

    Raises:
        NotFound: There is nothing at the path.
        UsageError: It is the vault or its recovery page, holds the vault, or is one too many.
    """
    path = path.absolute()
    known = _read(twin)
    if any(one.path == str(path) for one in known.places):
        return watched(twin)
    if not path.exists():
        raise NotFound(f"There is nothing at {path}; say where the file or folder lies.")
    collecting.apart(twin.home, path)
    if twin.home.resolve().is_relative_to(path.resolve()):
        raise UsageError(
            "The vault lies in there, and changes all the time; choose a folder in it."
        )
    if len(known.places) >= _MOST:
        raise UsageError(f"{_MOST} places are watched; stop watching one of them first.")
    _write(twin, _List((*known.places, _Kept(str(path), source)), known.is_paused))
    return watched(twin)


def unwatch(twin: Twin, path: Path) -> Watched:
    """Read a file or folder no more; what was collected of it stays.

    Raises:
        NotFound: It is not watched.
    """
    known = _read(twin)
    left = tuple(one for one in known.places if one.path != str(path.absolute()))
    if len(left) == len(known.places):
        raise NotFound(f"{path} is not watched; `twin sources watched` lists what is.")
    _write(twin, _List(left, known.is_paused))
    return watched(twin)


def pause(twin: Twin) -> Watched:
    """Read nothing that is watched until `resume`.

    Raises:
        Exists: It is paused already.
    """
    return _paused(twin, is_paused=True, refused="Watching is paused already.")


def resume(twin: Twin) -> Watched:
    """Read what is watched again; what changed meanwhile is read at once.

    Raises:
        Exists: It is not paused.
    """
    return _paused(twin, is_paused=False, refused="Watching is not paused.")


def _paused(twin: Twin, *, is_paused: bool, refused: str) -> Watched:
    known = _read(twin)
    if known.is_paused is is_paused:
        raise Exists(refused)
    _write(twin, _List(known.places, is_paused))
    return watched(twin)


def _place(twin: Twin, kept: _Kept) -> Place:
    there = Path(kept.path).exists()
    last = twin.views.imports.last(kept.path)
    if last is None:
        return Place(path=kept.path, source=kept.source, is_there=there)
    return Place(
        path=kept.path,
        source=kept.source,
        is_there=there,
        number=last.number,
        at=last.at,
        unread=sum(count for _, count in last.event.bad_reasons),
    )


def _read(twin: Twin) -> _List:
    content = twin.settings.read(_STORE)
    return msgspec.json.decode(content, type=_List) if content else _List()


def _write(twin: Twin, kept: _List) -> None:
    twin.settings.write(_STORE, msgspec.json.encode(kept))
