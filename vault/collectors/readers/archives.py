"""What lies in a folder, a zip or a tar, without extracting anything.

Entries that would reach outside (absolute, `..`, drive letters), links, devices and
encrypted members are refused by name and the rest is read.
"""

import io
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from vault.collectors.readers.tree import (
    HEAD_MARK,
    Caps,
    File,
    Holder,
    Marks,
    Place,
    Store,
    Tree,
    Unreadable,
    explain,
    in_memory,
)

__all__ = ["Folder", "grow", "opened"]

# A file with one of these names is not opened only to look whether it is an archive.
_PLAIN = frozenset(
    (
        ".md",
        ".markdown",
        ".txt",
        ".text",
        ".eml",
        ".mbox",
        ".json",
        ".csv",
        ".html",
        ".htm",
        ".xml",
        ".jpg",
        ".jpeg",
        ".png",
        ".gif",
        ".webp",
        ".heic",
        ".mp3",
        ".m4a",
        ".opus",
        ".ogg",
        ".wav",
        ".mp4",
        ".mov",
        ".pdf",
        ".svg",
        ".ics",
        ".vcf",
        ".css",
        ".js",
        ".py",
        ".yaml",
        ".yml",
    )
)
_MAGIC = 512
_OFFICE = ("[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF", "AndroidManifest.xml")
_JUNK = frozenset({".ds_store", "thumbs.db", "desktop.ini", "__macosx"})
_ENCRYPTED = 0x1


def grow(root: Path, caps: Caps | None = None, marks: Marks | None = None) -> Tree:
    """List everything beneath a path.

    Raises:
        Unreadable: The path itself cannot be read.
    """
    store = Store(root, caps or Caps(), marks, opened)
    try:
        is_folder = root.is_dir()
        found = _folder(store) if is_folder else [_only(root)]
        for file, place in found:
            _take(store, file, place, depth=0)
    except OSError as error:
        raise Unreadable(explain(error)) from error
    return Tree(store, store.files, store.root.name if is_folder else "")


class _Opened(io.FileIO):
    """A file that closes itself when the last one who reads it has gone.

    An archive may leave the few that are kept open while one of its members is still read.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "rb")

    def __del__(self) -> None:
        self.close()


class Folder:
    """The files of the machine beneath the path that was added, opened for reading only."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, key: object) -> IO[bytes]:
        """Open a file, never through a link."""
        path = os.path.join(os.fsencode(self._root), cast("bytes", key)) if key else self._root  # noqa: PTH118
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
        if key:
            flags |= getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Unreadable("it is not a regular file")
        return _Opened(descriptor)


def _printable(name: str) -> str:
    """Return a name that can be written as UTF-8, whatever bytes the disk holds."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _only(root: Path) -> tuple[File, Place]:
    facts = root.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise Unreadable("it is neither a file nor a folder")
    modified = datetime.fromtimestamp(int(facts.st_mtime), UTC)
    file = File(path=_printable(root.name), size=facts.st_size, modified=modified)
    return file, Place(archive="", key=b"")


def _hidden(name: str) -> bool:
    """Configuration, rubbish and version control are no part of an export."""
    return name.startswith(".") or name.casefold() in _JUNK


def _folder(store: Store) -> Iterator[tuple[File, Place]]:
    waiting = [b""]
    while waiting:
        inside = waiting.pop()
        shown = "/".join(filter(None, (store.root.name, os.fsdecode(inside))))
        try:
            entries = sorted(
                os.scandir(os.path.join(os.fsencode(store.root), inside)),  # noqa: PTH118
                key=lambda entry: entry.name,
            )
        except OSError as error:
            store.refuse(_printable(shown), explain(error))
            continue
        folders = []
        for entry in entries:
            key = os.path.join(inside, entry.name)  # noqa: PTH118
            path = _printable(f"{shown}/{os.fsdecode(entry.name)}")
            if entry.is_symlink():
                store.refuse(path, "a symbolic link is not followed")
            elif entry.is_dir(follow_symlinks=False):
                if not _hidden(os.fsdecode(entry.name)):
                    folders.append(key)
            elif not entry.is_file(follow_symlinks=False):
                store.refuse(path, "it is not a regular file")
            elif not _hidden(os.fsdecode(entry.name)):
                facts = entry.stat(follow_symlinks=False)
                modified = datetime.fromtimestamp(int(facts.st_mtime), UTC)
                yield (
                    File(path=path, size=facts.st_size, modified=modified),
                    Place(archive="", key=key),
                )
        waiting += reversed(folders)


def _take(store: Store, file: File, place: Place, depth: int) -> None:
    """Add a file to the list, or what lies in it where it is an archive."""
    if file.suffix in _PLAIN:
        store.add(file, place)
        return
    try:
        members = _members(store, file, place)
    except Unreadable as error:
        store.refuse(file.path, str(error))
        return
    if members is None:
        store.add(file, place)
    elif depth >= store.caps.depth:
        store.refuse(file.path, "archives are nested too deeply in each other")
    else:
        try:
            for member, inside in members:
                _take(store, member, inside, depth + 1)
        except Unreadable as error:
            store.refuse(file.path, str(error))
        except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
            store.refuse(file.path, explain(error))


def _members(store: Store, file: File, place: Place) -> Iterator[tuple[File, Place]] | None:
    """Return what lies in an archive, or None where the file is none."""
    if reason := store.enter(file.path + HEAD_MARK):
        raise Unreadable(reason)
    with store.stream(place) as stream:
        magic = stream.read(_MAGIC)
    if magic[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        store.archives[file.path] = place
        holder = cast("_Zip", store.holder(file.path))
        return None if holder.is_document else _zip_members(store, file, holder)
    if magic[:2] == b"\x1f\x8b" or magic[257:262] == b"ustar":
        store.archives[file.path] = place
        return _tar_members(store, file, cast("_Tar", store.holder(file.path)))
    return None


def opened(store: Store, path: str) -> Holder:
    """Open an archive of the tree, or the folder itself for the empty path.

    Raises:
        Unreadable: It is damaged, or too large to lie within another archive.
    """
    if not path:
        return Folder(store.root)
    place = store.archives[path]
    raw: IO[bytes]
    if place.archive:
        raw = in_memory(store.stream(place), store.caps.nested)
    else:
        raw = store.holder("").open(place.key)
    magic = raw.read(4)
    raw.seek(0)
    try:
        return _Zip(raw) if magic[:2] == b"PK" else _Tar(raw, store.beat)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(explain(error)) from error


class _Zip:
    def __init__(self, raw: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(raw)

    @property
    def infos(self) -> list[zipfile.ZipInfo]:
        return self._zip.infolist()

    @property
    def is_document(self) -> bool:
        """Office documents, books and programs are zips that nobody means as archives."""
        names = {info.filename for info in self.infos[:64]}
        return any(name in names for name in _OFFICE)

    def open(self, key: object) -> IO[bytes]:
        # By entry and not by name: two entries may have the same name.
        return self._zip.open(cast("zipfile.ZipInfo", key))


class _Tar:
    def __init__(self, raw: IO[bytes], beat: Callable[[], None]) -> None:
        self.packed = raw.seek(0, os.SEEK_END)
        raw.seek(0)
        alive = cast("IO[bytes]", _Beating(raw, beat))
        self.tar = tarfile.open(fileobj=alive, mode="r:*")  # noqa: SIM115 - it stays open

    def open(self, key: object) -> IO[bytes]:
        start, size = cast("tuple[int, int]", key)
        assert self.tar.fileobj is not None
        return cast("IO[bytes]", _Window(cast("IO[bytes]", self.tar.fileobj), start, size))


class _Beating:
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


@dataclass(slots=True)
class _Window:
    """One member of a tar: a piece of the stream that holds them all."""

    raw: IO[bytes]
    start: int
    left: int

    def read(self, size: int) -> bytes:
        self.raw.seek(self.start)
        block = self.raw.read(min(size, self.left))
        if not block and self.left:
            raise EOFError
        self.start += len(block)
        self.left -= len(block)
        return block

    def close(self) -> None:
        """Leave the archive open for its other members."""


def _outside(name: str) -> bool:
    parts = name.split("/")
    return name.startswith("/") or ".." in parts or (len(name) > 1 and name[1] == ":")


def _numbered(path: str, number: int) -> str:
    """Tell apart members of one name, keeping the suffix."""
    stem, dot, suffix = path.rpartition(".")
    return f"{stem}~{number}.{suffix}" if dot and "/" not in suffix else f"{path}~{number}"


class _Admission:
    """What members must have in common: a place within the archive and a number in bounds."""

    def __init__(self, store: Store, archive: File) -> None:
        self._store = store
        self._archive = archive.path
        self._seen: dict[str, int] = {}
        self._count = 0
        self._size = 0

    def path(self, name: str, size: int) -> str:
        """Return the path of a member; nothing where it is refused or of no interest.

        Raises:
            Unreadable: The archive as a whole goes beyond the caps.
        """
        self._count += 1
        self._size += size
        caps = self._store.caps
        if self._count > caps.members:
            raise Unreadable(f"it has more than {caps.members} members")
        if self._size > caps.size:
            raise Unreadable(f"it expands beyond {caps.size >> 30} GiB")
        clean = _printable(name).replace("\\", "/")
        path = f"{self._archive}!{clean}"
        if _outside(clean):
            self._store.refuse(path, "its name points outside the archive")
            return ""
        if any(_hidden(part) for part in clean.split("/") if part):
            return ""
        number = self._seen[path] = self._seen.get(path, 0) + 1
        return path if number == 1 else _numbered(path, number)

    def refuse(self, name: str, reason: str) -> None:
        """Report a member that is not read."""
        self._store.refuse(f"{self._archive}!{_printable(name)}", reason)


def _zip_members(store: Store, archive: File, holder: _Zip) -> Iterator[tuple[File, Place]]:
    admission = _Admission(store, archive)
    for info in holder.infos:
        if info.is_dir():
            continue
        if stat.S_ISLNK(info.external_attr >> 16):
            admission.refuse(info.filename, "a symbolic link is not followed")
        elif info.flag_bits & _ENCRYPTED:
            admission.refuse(info.filename, "it is encrypted")
        elif info.file_size > max(store.caps.ratio_from, info.compress_size * store.caps.ratio):
            admission.refuse(info.filename, "it expands too much (an archive bomb)")
        elif path := admission.path(info.filename, info.file_size):
            file = File(path=path, size=info.file_size, modified=_zip_time(info))
            yield file, Place(archive=archive.path, key=info, packed=info.compress_size)


def _zip_time(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time, tzinfo=UTC)
    except ValueError:
        return None


def _tar_members(store: Store, archive: File, holder: _Tar) -> Iterator[tuple[File, Place]]:
    admission = _Admission(store, archive)
    caps = store.caps
    while (member := _next(holder.tar)) is not None:
        store.beat()
        if member.isdir():
            continue
        if member.issym() or member.islnk():
            admission.refuse(member.name, "a link is not followed")
        elif not member.isreg() or member.issparse():
            admission.refuse(member.name, "it is not a regular file")
        elif member.offset_data > max(caps.ratio_from, holder.packed * caps.ratio):
            raise Unreadable("it expands too much (an archive bomb)")
        elif path := admission.path(member.name, member.size):
            try:
                modified = datetime.fromtimestamp(int(member.mtime), UTC)
            except (ValueError, OverflowError, OSError):
                modified = None
            yield (
                File(path=path, size=member.size, modified=modified),
                Place(
                    archive=archive.path,
                    key=(member.offset_data, member.size),
                    packed=holder.packed,
                ),
            )


def _next(tar: tarfile.TarFile) -> tarfile.TarInfo | None:
    """Return the next member; the tar keeps none, so that a million cost nothing."""
    try:
        member = tar.next()
    except Exception as error:
        raise Unreadable(explain(error)) from error
    tar.members = []  # type: ignore[attr-defined]
    return member
