"""A read-only view over what was added: a file, a folder, a zip or a tar, of mixed things.

Sources never touch paths of the machine and archives are never extracted, so a member
named `../../evil` has nowhere to go. Sizes that an archive states about itself are not
believed: what is counted is what comes out of it. Everything that is refused on the way
is a `Bad` with its place.
"""

import io
import os
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self, TypeVar, cast

from msgspec import structs

from vault.errors import CollectError
from vault.items import Bad, Item

__all__ = [
    "ENCRYPTED",
    "HEAD",
    "HEAD_MARK",
    "Caps",
    "File",
    "Marks",
    "Names",
    "Stream",
    "Tree",
    "Unreadable",
    "hidden",
    "identity",
    "printable",
    "too_long",
    "walk",
]

HEAD = 65536
"""As much of a file as a source may see while it detects."""

HEAD_MARK = "#head"
"""Ends a place where only the beginning of a file is looked at."""

ENCRYPTED = "it is encrypted; unpack it with its password and add what was in it"

_BLOCK = 1 << 20
_Record = TypeVar("_Record")
_HEADS_KEPT = 16
_ARCHIVES_KEPT = 4
MAIL = ("cur", "new")
"""The folders in which a maildir keeps what was delivered."""
_JUNK = frozenset({".ds_store", "thumbs.db", "desktop.ini", "__macosx"})
_LONGEST_NAME = 4096
_MOST_LEVELS = 200


class Unreadable(CollectError):
    """A file of a tree cannot be read; the message is the reason, without content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What an archive may cost.

    `ratio` counts after `ratio_from` bytes, since small files of one repeated word are
    no attack. `nested` is the largest archive inside an archive, which is held in memory.
    """

    members: int = 1_000_000
    size: int = 50 << 30
    ratio: int = 200
    ratio_from: int = 10 << 20
    depth: int = 2
    nested: int = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One readable file: its path within what was added (`folder/x.zip!member`) and its size.

    `size` is what the folder or archive states; it serves progress bars, nothing else.
    """

    path: str
    size: int
    modified: datetime | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path[max(self.path.rfind("/"), self.path.rfind("!")) + 1 :]

    @property
    def suffix(self) -> str:
        """The lower-case suffix with its dot, or nothing."""
        # Asked by every source for every file.
        start = max(self.path.rfind("/"), self.path.rfind("!")) + 1
        dot = self.path.rfind(".", start + 1)
        return self.path[dot:].lower() if dot > 0 else ""


class Marks(Protocol):
    """Where the reader says what it is about to touch, so that its death can be placed."""

    def enter(self, locator: str) -> str:
        """Note the place; return why an earlier reader died there, or nothing."""

    def beat(self) -> None:
        """Tell that the reader is alive."""


class Holder(Protocol):
    """An opened archive, or the folder itself."""

    def open(self, key: object) -> IO[bytes]:
        """Open a member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the bytes of a file lie; `archive` is the path of the archive that holds them."""

    archive: str
    key: object
    packed: int = 0


class Beating:
    """A file that tells at each read that the reader is alive, however long a seek takes."""

    def __init__(self, raw: IO[bytes], beat: Callable[[], None]) -> None:
        self._raw = raw
        self._beat = beat
        self.name = ""
        self.mode = "rb"

    def read(self, size: int = -1) -> bytes:
        self._beat()
        return self._raw.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._raw.close()


class Stream:
    """The bytes of a file, counted against the caps while they come."""

    def __init__(self, raw: IO[bytes], *, budget: int, beat: Callable[[], None]) -> None:
        self._raw = raw
        self._left = budget
        self._beat = beat

    def read(self, size: int = _BLOCK) -> bytes:
        """Return up to `size` bytes, nothing at the end.

        Raises:
            Unreadable: The file is damaged, encrypted or expands beyond the caps.
        """
        self._beat()
        try:
            block = self._raw.read(min(size, self._left + 1))
        except Exception as error:
            raise Unreadable(explain(error)) from error
        self._left -= len(block)
        if self._left < 0:
            raise Unreadable("it expands beyond what an archive may (a bomb, or too large)")
        return block

    def read_exactly(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end.

        Raises:
            Unreadable: The file is damaged, encrypted or expands beyond the caps.
        """
        return _fill(self, size)

    def read_all(self, limit: int) -> bytes:
        """Return everything.

        Raises:
            Unreadable: There is more than `limit`, or the file is damaged.
        """
        blocks = []
        size = 0
        while block := self.read():
            size += len(block)
            if size > limit:
                raise Unreadable(f"it is larger than the {limit >> 20} MiB read at once")
            blocks.append(block)
        return b"".join(blocks)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._raw.close()


_REASONS = {
    "BadZipFile": "the archive is damaged",
    "LargeZipFile": "the archive is damaged",
    "EOFError": "the archive is cut off",
    "error": "the compressed data is damaged",
    "BadGzipFile": "the compressed data is damaged",
    "ReadError": "the archive is damaged or cut off",
    "NotImplementedError": "it is compressed in a way that is not read",
    "PermissionError": "permission denied",
    "FileNotFoundError": "it has disappeared",
    "MemoryError": "it needs more memory than a reader may use",
}


def explain(error: BaseException) -> str:
    """Say what went wrong without repeating a message, which may hold content."""
    name = type(error).__name__
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, RuntimeError) and "encrypted" in str(error):
        return ENCRYPTED
    return _REASONS.get(name, f"it cannot be read ({name})")


def printable(name: str) -> str:
    """Return a name that can be written as UTF-8, whatever bytes the disk holds."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def hidden(name: str, inside: str = "") -> bool:
    """Whether a name is that of configuration, rubbish or version control: no part of an export.

    But for a folder of Maildir++, which is known by what lies `inside`: mail that was filed is there.
    """
    return (name.startswith(".") and inside not in MAIL) or name.casefold() in _JUNK


def too_long(name: str) -> str:
    """Say why a name is refused that costs too much to hold in mind; nothing where it does not."""
    is_long = len(name) > _LONGEST_NAME or name.count("/") > _MOST_LEVELS
    return "its name is too long" if is_long else ""


class Names:
    """The paths that are taken: two files of one name, or of names that look alike, get two."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def free(self, path: str) -> str:
        """Take a path, or else the first with a number that is free."""
        number = self._numbers.setdefault(path, 0) + 1
        free = path if number == 1 else _numbered(path, number)
        while number > 1 and free in self._numbers:
            number += 1
            free = _numbered(path, number)
        self._numbers[path] = number
        self._numbers.setdefault(free, 1)
        return free


def _numbered(path: str, number: int) -> str:
    """Tell apart files of one name, keeping the suffix."""
    start = max(path.rfind("/"), path.rfind("!")) + 1
    stem, dot, suffix = path[start:].rpartition(".")
    return f"{path[:start]}{stem}~{number}.{suffix}" if dot else f"{path}~{number}"


def walk(
    root: Path, names: Names, but: Container[tuple[int, int]] = ()
) -> Iterator[tuple[str, bytes, os.stat_result | str]]:
    """Yield what lies beneath a folder, always in the same order.

    Each with its path, its place in the folder, and what it is or why it is refused. Files and
    folders that are in `but`, by device and inode, are no part of it, whatever they are called.
    """
    waiting = [b""]
    while waiting:
        inside = waiting.pop()
        shown = "/".join(filter(None, (root.name, os.fsdecode(inside))))
        try:
            place = os.path.join(os.fsencode(root), inside)  # noqa: PTH118
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            yield printable(shown), inside, explain(error)
            continue
        folders = []
        for entry in entries:
            name = os.fsdecode(entry.name)
            key = os.path.join(inside, entry.name)  # noqa: PTH118
            path = printable(f"{shown}/{name}")
            is_folder = entry.is_dir(follow_symlinks=False)
            if but and identity(entry.stat(follow_symlinks=False)) in but:
                continue
            if reason := _refused(entry, name, path):
                yield path, key, reason
            elif is_folder and (not hidden(name) or not hidden(name, _mail_in(entry))):
                folders.append(key)
            elif not is_folder and not hidden(name):
                yield names.free(path), key, entry.stat(follow_symlinks=False)
        waiting += reversed(folders)


def _mail_in(folder: "os.DirEntry[bytes]") -> str:
    place = Path(os.fsdecode(folder.path))
    return next((name for name in MAIL if (place / name).is_dir()), "")


def identity(facts: os.stat_result) -> tuple[int, int]:
    """Return what a file or folder is known by, under every name that it has."""
    return facts.st_dev, facts.st_ino


def _refused(entry: os.DirEntry[bytes], name: str, path: str) -> str:
    if entry.is_symlink():
        return "a symbolic link is not followed"
    if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False):
        return "" if hidden(name) else too_long(path)
    return "it is not a regular file"


class Store:
    """The one list of all files behind the views of a tree."""

    def __init__(
        self,
        root: Path,
        caps: Caps,
        marks: Marks | None,
        opener: Callable[["Store", str], Holder],
    ) -> None:
        self.root = root
        self._opener = opener
        self.caps = caps
        self.opened: set[str] = set()
        self.problems: list[Bad] = []
        self.places: dict[str, Place] = {}
        self.archives: dict[str, tuple[Place, ...]] = {}
        self.located_at: dict[str, str] = {}
        self.files: list[File] = []
        self.names = Names()
        self._marks = marks
        self._holders: OrderedDict[str, Holder] = OrderedDict()
        self._heads: OrderedDict[str, bytes] = OrderedDict()
        self._by_name: dict[str, list[File]] | None = None

    def enter(self, locator: str) -> str:
        return self._marks.enter(self.located(locator)) if self._marks else ""

    def beat(self) -> None:
        if self._marks:
            self._marks.beat()

    def add(self, file: File, place: Place) -> None:
        self.places[file.path] = place
        self.files.append(file)

    def refuse(self, path: str, reason: str) -> None:
        self.problems.append(Bad(locator=self.located(path), reason=reason))

    def located(self, locator: str) -> str:
        """Return a locator with the archive in which its file really lies."""
        if not self.located_at:
            return locator
        path = locator
        while path not in self.located_at:
            path, mark, _ = path.rpartition("#")
            if not mark:
                return locator
        return self.located_at[path] + locator[len(path) :]

    def holds(self, path: str) -> bool:
        return (
            path in self.places
            or path in self.archives
            or path == self.root.name
            or path in self.located_at.values()
            or any(path == bad.locator for bad in self.problems)
        )

    def open(self, path: str) -> Stream:
        return self.stream(self._entered(path))

    def seekable(self, path: str, limit: int) -> IO[bytes]:
        place = self._entered(path)
        if place.archive:
            return in_memory(self.stream(place), limit)
        try:
            raw = self.holder("").open(place.key)
        except Exception as error:
            raise Unreadable(explain(error)) from error
        return cast("IO[bytes]", Beating(raw, self.beat))

    def _entered(self, path: str) -> Place:
        place = self.places.get(path)
        if place is None:
            raise Unreadable("there is no such file")
        if reason := self.enter(path):
            raise Unreadable(reason)
        self.opened.add(path)
        return place

    def stream(self, place: Place) -> Stream:
        try:
            raw = self.holder(place.archive).open(place.key)
        except Exception as error:
            raise Unreadable(explain(error)) from error
        if not place.archive:
            return Stream(raw, budget=1 << 62, beat=self.beat)
        allowed = max(self.caps.ratio_from, place.packed * self.caps.ratio)
        return Stream(raw, budget=min(allowed, self.caps.size), beat=self.beat)

    def holder(self, archive: str) -> Holder:
        """Return an archive opened; a few stay open, since files come in order."""
        found = self._holders.get(archive)
        if found is None:
            found = self._opener(self, archive)
            self._holders[archive] = found
            while len(self._holders) > _ARCHIVES_KEPT:
                self._holders.popitem(last=False)
        self._holders.move_to_end(archive)
        return found

    def head(self, path: str) -> bytes:
        found = self._heads.get(path)
        if found is None:
            if reason := self.enter(path + HEAD_MARK):
                raise Unreadable(reason)
            with self.stream(self.places[path]) as stream:
                found = _fill(stream, HEAD)
            self._heads[path] = found
            if len(self._heads) > _HEADS_KEPT:
                self._heads.popitem(last=False)
        return found

    def named(self, name: str) -> list[File]:
        if self._by_name is None:
            self._by_name = {}
            for file in self.files:
                self._by_name.setdefault(file.name.casefold(), []).append(file)
        return self._by_name.get(name.casefold(), [])


def _fill(stream: Stream, size: int) -> bytes:
    blocks = []
    while size > 0 and (block := stream.read(size)):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


class Tree:
    """Some files of what was added, as a source sees them.

    `base` is the folder or archive that holds them all; `name` is how a person calls it.
    """

    def __init__(self, store: Store, files: Iterable[File], base: str) -> None:
        self._store = store
        self.files = tuple(files)
        self.base = base

    def __iter__(self) -> Iterator[File]:
        return iter(self.files)

    @property
    def name(self) -> str:
        """The name of the folder, archive or file that this is."""
        last = self.base.replace("!", "/").rstrip("/").rpartition("/")[2]
        return last or self._store.root.name

    @property
    def size(self) -> int:
        """The stated bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def problems(self) -> list[Bad]:
        """What was refused while the whole was listed."""
        return self._store.problems

    @property
    def opened(self) -> set[str]:
        """Paths of the whole that some source has read."""
        return self._store.opened

    def sub(self, files: Iterable[File], base: str | None = None) -> "Tree":
        """Return a view of some of the files."""
        return Tree(self._store, files, self.base if base is None else base)

    def relative(self, path: str) -> str:
        """Return the path within `base`."""
        return path[len(self.base) :].lstrip("/!") if path.startswith(self.base) else path

    def called(self, path: str) -> str:
        """Return the path with the folder or archive that was added, or that holds the file.

        So notes of one name in two folders are two notes, and a note is the same one whether it
        was added alone or with its folder.
        """
        inside = path.startswith((self._store.root.name + "/", self._store.root.name + "!"))
        return path if inside else f"{self._store.root.parent.name}/{path}".lstrip("/")

    def head(self, path: str) -> bytes:
        """Return the first 64 KB of a file."""
        return self._store.head(path)

    def open(self, path: str) -> Stream:
        """Open a file of the whole for reading.

        Raises:
            Unreadable: It is damaged, or a reader died on it before.
        """
        return self._store.open(path)

    def seekable(self, path: str, limit: int) -> IO[bytes]:
        """Open a file of the whole for a parser that must seek in it; close it afterwards.

        Args:
            path: The file.
            limit: The largest in bytes that may be held in memory, where it lies in an
                archive. On a disk it is read in place, however large it is.

        Raises:
            Unreadable: It is damaged or too large, or a reader died on it before.
        """
        return self._store.seekable(path, limit)

    def located(self, locator: str) -> str:
        """Return a locator as a person follows it.

        Downloads that came in several archives are one to a source; this names the one in
        which a file really lies.
        """
        return self._store.located(locator)

    def holds(self, path: str) -> bool:
        """Whether a path is that of a file of the whole, or of an archive there."""
        return self._store.holds(path)

    def placed(self, record: _Record) -> _Record:
        """Return a record with the locator that a person follows."""
        if isinstance(record, Item | Bad) and self._store.located_at:
            return structs.replace(record, locator=self._store.located(record.locator))
        return record

    def enter(self, locator: str) -> str:
        """Say which record is read next, before anything that might kill the reader.

        Returns:
            Why an earlier reader died at this very place, or nothing. Where it is
            something, yield a `Bad` with it and go on behind the record.
        """
        return self._store.enter(locator)

    def find(self, name: str, near: str) -> File | None:
        """Return the file of that name or path end that lies nearest to another file."""
        wanted = name.replace("\\", "/").strip("/")
        last = wanted.rpartition("/")[2]
        folder = near.replace("!", "/").rpartition("/")[0]
        ranked = [
            (not _ends(file.path, wanted), -_common(file.path, folder), file.path, file)
            for file in self._store.named(last)
            if file.path != near
        ]
        return min(ranked)[3] if ranked else None


def _ends(path: str, wanted: str) -> bool:
    return ("/" + path.replace("!", "/")).endswith("/" + wanted)


def _common(path: str, folder: str) -> int:
    count = 0
    for ours, theirs in zip(path.replace("!", "/").split("/"), folder.split("/"), strict=False):
        if ours != theirs:
            break
        count += 1
    return count


def in_memory(stream: Stream, limit: int) -> io.BytesIO:
    """Return an archive that lies within an archive as bytes that can be sought in."""
    return io.BytesIO(stream.read_all(limit))
