"""Picking a file or folder of this machine: names only, and never a path in an address.

An address ends up in a browser's history, so a folder goes by a handle there, which means
something only to the server that gave it out.
"""

import os
import secrets
import stat
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from console.use.collecting import apart
from vault.errors import NotFound, UsageError

__all__ = ["Crumb", "Entry", "Listing", "Places", "checked", "stamped"]

_REMEMBERED = 50_000
_SHOWN = 300
_STARTS = ("Downloads", "Documents", "Desktop")
# What the system shows as files and is none: reading it may never end.
_NO_FILES = (Path("/dev"), Path("/proc"), Path("/sys"))
_MOUNTS = ("/media", "/run/media", "/mnt", "/Volumes")


@dataclass(frozen=True, slots=True)
class Crumb:
    """A folder on the way to where one is."""

    name: str
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A name in a folder; `size` is of a file, and 0 of a folder."""

    name: str
    handle: str
    is_folder: bool
    size: int
    changed: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A folder: the way to it, the first names in it, and how many `more` there are."""

    name: str
    handle: str
    way: tuple[Crumb, ...]
    entries: tuple[Entry, ...]
    more: int


class Places:
    """The files and folders that this server has shown, by handle."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._paths: OrderedDict[str, Path] = OrderedDict()

    def handle(self, path: Path) -> str:
        """Return what a path goes by in addresses, always the same."""
        name = blake2b(os.fsencode(path), key=self._key, digest_size=16).hexdigest()
        self._paths[name] = path
        self._paths.move_to_end(name)
        while len(self._paths) > _REMEMBERED:
            self._paths.popitem(last=False)
        return name

    def path(self, handle: str) -> Path:
        """Return the path of a handle.

        Raises:
            NotFound: This server never gave it out, or long ago.
        """
        if handle not in self._paths:
            raise NotFound("That folder is not known any more; choose it again from the start.")
        return self._paths[handle]

    def starts(self, home: Path) -> tuple[Crumb, ...]:
        """Return the folders that most exports are in: those of a person, and mounted disks."""
        named = [("Home", home), *((name, home / name) for name in _STARTS)]
        for mount in map(Path, _MOUNTS):
            named += [(one.name, one) for one in _folders(mount)]
        return tuple(Crumb(name, self.handle(path)) for name, path in named if path.is_dir())

    def listing(self, handle: str, *, but: Path) -> Listing:
        """List what is in a folder: files and folders that are not hidden.

        Args:
            handle: The folder's.
            but: The vault's own folder, which is not for picking.

        Raises:
            NotFound: It is gone, is no folder, or may not be read.
        """
        folder = self.path(handle)
        try:
            with os.scandir(folder) as found:
                entries = [entry for one in found if (entry := self._entry(one, but))]
        except OSError as error:
            raise NotFound(
                f"The folder {folder.name or folder} cannot be opened; choose another one."
            ) from error
        entries.sort(key=lambda entry: (not entry.is_folder, entry.name.casefold()))
        return Listing(
            name=folder.name or str(folder),
            handle=handle,
            way=tuple(Crumb(one.name or "/", self.handle(one)) for one in folder.parents)[::-1],
            entries=tuple(entries[:_SHOWN]),
            more=max(0, len(entries) - _SHOWN),
        )

    def _entry(self, one: "os.DirEntry[str]", but: Path) -> Entry | None:
        if one.name.startswith(".") or not _is_text(one.name):
            return None
        try:
            about = one.stat()
        except OSError:
            return None
        is_folder = stat.S_ISDIR(about.st_mode)
        path = Path(one.path)
        if not (is_folder or stat.S_ISREG(about.st_mode)) or path in {but, *_NO_FILES}:
            return None
        return Entry(
            name=one.name,
            handle=self.handle(path),
            is_folder=is_folder,
            size=0 if is_folder else about.st_size,
            changed=datetime.fromtimestamp(about.st_mtime, UTC),
        )


def checked(typed: str, *, but: Path) -> Path:
    """Return the path that a person means, if it can be collected from.

    Args:
        typed: What she typed; one that does not begin at the root is in her home folder.
        but: The vault's own folder.

    Raises:
        UsageError: Nothing was typed, it is no path, no file or folder, the vault itself or a
            recovery page of it.
        NotFound: There is nothing, or it may not be read.
    """
    typed = typed.strip()
    if not typed:
        raise UsageError("Nothing was chosen; type where it lies, or pick it from a folder.")
    if not typed.isprintable() or not _is_text(typed):
        raise UsageError("That is no path; type where the file or folder lies, or pick it.")
    path = Path(os.path.normpath(Path.home() / os.path.expanduser(typed)))  # noqa: PTH111 — ~user that is nobody stays text
    try:
        # Links are followed first, so that none leads around what is refused here.
        place = path.resolve(strict=True)
        mode = place.stat().st_mode
    except (OSError, RuntimeError) as error:  # the latter: links that lead in a circle
        raise NotFound(
            f"There is nothing at {path} that can be read; look whether it is written correctly."
        ) from error
    is_kind = stat.S_ISDIR(mode) or stat.S_ISREG(mode)
    if not is_kind or any(place.is_relative_to(one) for one in _NO_FILES):
        raise UsageError(f"{path} is neither a file nor a folder of yours; choose one of these.")
    if not os.access(path, os.R_OK):
        raise NotFound(f"{path} may not be read by you; change its permissions, or copy it.")
    apart(but, place)
    return path


def stamped(path: Path) -> str:
    """Return what changes when a file does; of a folder, when something in it comes or goes."""
    try:
        about = path.stat()
    except OSError:
        return "gone"
    return f"{about.st_ino}-{about.st_size}-{about.st_mtime_ns}"


def _folders(mount: Path) -> list[Path]:
    try:
        return sorted(one for one in mount.iterdir() if one.is_dir() and one.name[0] != ".")
    except OSError:
        return []


def _is_text(name: str) -> bool:
    """Whether a name is UTF-8: others can be in no line of JSON and on no page."""
    return not any("\udc80" <= letter <= "\udcff" for letter in name)
