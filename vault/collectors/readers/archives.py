"""What lies in a folder, a zip or a tar, without extracting anything.

Entries that would reach outside (absolute, `..`, drive letters), links, devices and
encrypted members are refused by name and the rest is read.
"""

import io
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from vault.collectors.readers.pieces import Piece, missing, piece_of
from vault.collectors.readers.tree import (
    ENCRYPTED,
    HEAD_MARK,
    Beating,
    Caps,
    File,
    Holder,
    Marks,
    Place,
    Store,
    Tree,
    Unreadable,
    explain,
    hidden,
    in_memory,
    printable,
    too_long,
    walk,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["Folder", "grow", "opened", "planted"]

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
# Of Office, of OpenDocument and EPUB, of programs, of Apple's Pages, Numbers and Keynote.
_DOCUMENTS = (
    "[Content_Types].xml",
    "mimetype",
    "META-INF/container.xml",
    "META-INF/MANIFEST.MF",
    "AndroidManifest.xml",
    "Index/Document.iwa",
    "Index.zip",
)
_UNREAD = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_ENCRYPTED = 0x1
_LONGEST_TOLD = 200  # as much of a name without end is repeated
_LOCAL = struct.Struct("<26xHH")  # a local file header: the lengths of name and extra field


def grow(
    root: Path,
    caps: Caps | None = None,
    marks: Marks | None = None,
    but: Container[tuple[int, int]] = (),
) -> Tree:
    """List everything beneath a path, leaving out of a folder what `walk` is to leave out.

    Raises:
        Unreadable: The path itself cannot be read.
    """
    store = Store(root, caps or Caps(), marks, opened)
    try:
        is_folder = root.is_dir()
        found = _folder(store, but) if is_folder else [_only(root)]
        _take_all(store, found, depth=0)
    except OSError as error:
        raise Unreadable(explain(error)) from error
    return Tree(store, store.files, store.root.name if is_folder else "")


def planted(name: str, files: Mapping[str, bytes]) -> Tree:
    """Return a tree of bytes in memory, for checks: what is in a folder, or in the one file.

    Args:
        name: What the folder is called, or nothing for a single file.
        files: By path within the folder.
    """
    memory = _Memory(files)
    store = Store(
        Path(name or next(iter(files), "")),
        Caps(),
        None,
        lambda store, path: opened(store, path) if path else memory,
    )
    top = f"{name}/" if name else ""
    found = [
        (
            File(path=store.names.free(top + path), size=len(files[path])),
            Place(archive="", key=path),
        )
        for path in sorted(files)
    ]
    _take_all(store, found, depth=0)
    return Tree(store, store.files, name)


class _Memory:
    """A folder that lies on no disk."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def open(self, key: object) -> IO[bytes]:
        return io.BytesIO(self._files[cast("str", key)])


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


def _only(root: Path) -> tuple[File, Place]:
    facts = root.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise Unreadable("it is neither a file nor a folder")
    modified = datetime.fromtimestamp(int(facts.st_mtime), UTC)
    file = File(path=printable(root.name), size=facts.st_size, modified=modified)
    return file, Place(archive="", key=b"")


def _folder(store: Store, but: Container[tuple[int, int]]) -> list[tuple[File, Place]]:
    """List a folder: all of it at once, so that no member of an archive takes a file's path."""
    found = []
    for path, key, facts in walk(store.root, store.names, but):
        store.beat()
        if isinstance(facts, str):
            store.refuse(path, facts)
            continue
        modified = datetime.fromtimestamp(int(facts.st_mtime), UTC)
        file = File(path=path, size=facts.st_size, modified=modified)
        found.append((file, Place(archive="", key=key)))
    return found


def _take_all(store: Store, found: Iterable[tuple[File, Place]], depth: int) -> None:
    """Add files to the list; those that are pieces of something come last, as one."""
    pieces: dict[str, list[tuple[Piece, File, Place]]] = {}
    for file, place in found:
        if piece := piece_of(file.path):
            pieces.setdefault(piece.whole, []).append((piece, file, place))
        else:
            _take(store, file, place, depth)
    for whole in sorted(pieces):
        together = sorted(pieces[whole], key=lambda one: (one[0].group, one[0].number, one[1].path))
        _take_pieces(store, whole, together, depth)


def _take_pieces(
    store: Store, whole: str, pieces: list[tuple[Piece, File, Place]], depth: int
) -> None:
    """Add what lies in the parts of a download as if it lay in one archive."""
    absent = missing([piece for piece, _, _ in pieces])
    name = store.names.free(whole)
    if not pieces[0][0].is_bytes:
        for part in absent:
            store.refuse(
                pieces[0][1].path, f"{part} of this download is not there; add all at once"
            )
        for _, file, place in pieces:
            _take(store, file, place, depth, name)
    elif absent:
        for _, file, _ in pieces:
            store.refuse(file.path, f"{absent[0]} of this archive is not there; add all at once")
    else:
        size = sum(file.size for _, file, _ in pieces)
        store.located_at[name] = pieces[0][1].path
        _take(store, File(path=name, size=size), tuple(place for _, _, place in pieces), depth)


def _take(
    store: Store,
    file: File,
    place: Place | tuple[Place, ...],
    depth: int,
    shown: str = "",
) -> None:
    """Add a file to the list, or what lies in it where it is an archive.

    `shown` is the archive as whose members sources see that, nothing for the file itself.
    """
    places = place if isinstance(place, tuple) else (place,)
    if file.suffix in _PLAIN:
        store.add(file, places[0])
        return
    try:
        members = _members(store, file, places, shown or file.path)
    except Unreadable as error:
        store.refuse(file.path, str(error))
        return
    if members is None:
        store.add(file, places[0])
    elif depth >= store.caps.depth:
        store.refuse(file.path, "archives are nested too deeply in each other")
    else:
        try:
            _take_all(store, members, depth + 1)
        except Unreadable as error:
            store.refuse(file.path, str(error))
        except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
            store.refuse(file.path, explain(error))


def _members(
    store: Store, file: File, places: tuple[Place, ...], shown: str
) -> Iterator[tuple[File, Place]] | None:
    """Return what lies in an archive, or None where the file is none.

    Raises:
        Unreadable: It is damaged, or of a kind that is not read.
    """
    if reason := store.enter(file.path + HEAD_MARK):
        raise Unreadable(reason)
    with store.stream(places[0]) as stream:
        magic = stream.read(_MAGIC)
    for mark, kind in _UNREAD.items():
        if magic.startswith(mark):
            raise Unreadable(f"{kind} archives are not read; unpack it and add what was in it")
    if magic[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        store.archives[file.path] = places
        holder = cast("_Zip", store.holder(file.path))
        admission = _Admission(store, file.path, shown)
        return None if holder.is_document else _zip_members(store, admission, holder)
    if magic[:2] == b"\x1f\x8b" or magic[257:262] == b"ustar":
        store.archives[file.path] = places
        tar = cast("_Tar", store.holder(file.path))
        return _tar_members(store, _Admission(store, file.path, shown), tar)
    return None


def opened(store: Store, path: str) -> Holder:
    """Open an archive of the tree, or the folder itself for the empty path.

    Raises:
        Unreadable: It is damaged, or too large to lie within another archive.
    """
    if not path:
        return Folder(store.root)
    raws = [_raw(store, place) for place in store.archives[path]]
    raw = raws[0] if len(raws) == 1 else _joined([(raw, 0, _size(raw)) for raw in raws])
    magic = raw.read(4)
    raw.seek(0)
    try:
        return _Zip(raw) if magic[:2] == b"PK" else _Tar(raw, store.beat)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(explain(error)) from error


def _raw(store: Store, place: Place) -> IO[bytes]:
    """Return the bytes of an archive to seek in: in memory only where they were compressed."""
    holder = store.holder(place.archive)
    if not place.archive:
        return holder.open(place.key)
    if isinstance(holder, _Zip) and (stored := holder.stored(place.key)):
        return _joined([stored])
    return in_memory(store.stream(place), store.caps.nested)


def _size(raw: IO[bytes]) -> int:
    return raw.seek(0, os.SEEK_END)


class _Joined(io.RawIOBase):
    """Stretches of other files, one behind the other, as a file."""

    def __init__(self, stretches: list[tuple[IO[bytes], int, int]]) -> None:
        self._stretches = stretches
        self._size = sum(size for _, _, size in stretches)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("before the beginning")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        at = self._at
        for raw, start, size in self._stretches:
            if at < size:
                raw.seek(start + at)
                block = raw.read(min(len(view), size - at))
                view[: len(block)] = block
                self._at += len(block)
                return len(block)
            at -= size
        return 0


def _joined(stretches: list[tuple[IO[bytes], int, int]]) -> IO[bytes]:
    return cast("IO[bytes]", io.BufferedReader(_Joined(stretches)))


class _Zip:
    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._zip = zipfile.ZipFile(raw)

    @property
    def infos(self) -> list[zipfile.ZipInfo]:
        return self._zip.infolist()

    @property
    def is_document(self) -> bool:
        """Office documents, books and programs are zips that nobody means as archives."""
        return any(name in self._zip.NameToInfo for name in _DOCUMENTS)

    def stored(self, key: object) -> tuple[IO[bytes], int, int] | None:
        """Return where a member lies that is not compressed, or None where it is."""
        info = cast("zipfile.ZipInfo", key)
        if info.compress_type != zipfile.ZIP_STORED:
            return None
        self._raw.seek(info.header_offset)
        header = self._raw.read(_LOCAL.size)
        if len(header) < _LOCAL.size:
            raise Unreadable("the archive is cut off")
        name, extra = _LOCAL.unpack(header)
        return self._raw, info.header_offset + _LOCAL.size + name + extra, info.compress_size

    def open(self, key: object) -> IO[bytes]:
        # By entry and not by name: two entries may have the same name.
        return self._zip.open(cast("zipfile.ZipInfo", key))


class _Tar:
    def __init__(self, raw: IO[bytes], beat: Callable[[], None]) -> None:
        self.packed = raw.seek(0, os.SEEK_END)
        raw.seek(0)
        alive = cast("IO[bytes]", Beating(raw, beat))
        self.tar = tarfile.open(fileobj=alive, mode="r:*")  # noqa: SIM115 - it stays open

    def open(self, key: object) -> IO[bytes]:
        start, size = cast("tuple[int, int]", key)
        assert self.tar.fileobj is not None
        return cast("IO[bytes]", _Window(cast("IO[bytes]", self.tar.fileobj), start, size))


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


class _Admission:
    """What members must have in common: a place within the archive and a number in bounds."""

    def __init__(self, store: Store, archive: str, shown: str) -> None:
        self._store = store
        self.archive = archive
        self._shown = shown
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
        clean = printable(name).replace("\\", "/")
        if _outside(clean):
            self.refuse(clean, "its name points outside the archive")
            return ""
        parts = [*filter(None, clean.split("/")), ""]
        if any(hidden(part, inside) for part, inside in pairwise(parts)):
            return ""
        if reason := too_long(clean):
            self.refuse(clean, reason)
            return ""
        path = self._store.names.free(f"{self._shown}!{clean}")
        where = self._store.located(self.archive)
        if where != self._shown:
            self._store.located_at[path] = where + path[len(self._shown) :]
        return path

    def refuse(self, name: str, reason: str) -> None:
        """Report a member that is not read."""
        where = self._store.located(self.archive)
        told = printable(name)
        if too_long(told):
            told = f"{told[:_LONGEST_TOLD]}…"
        self._store.refuse(f"{where}!{told}", reason)


def _zip_members(store: Store, admission: _Admission, holder: _Zip) -> Iterator[tuple[File, Place]]:
    for info in holder.infos:
        if info.filename.endswith("/"):
            continue
        if stat.S_ISLNK(info.external_attr >> 16):
            admission.refuse(info.filename, "a symbolic link is not followed")
        elif info.flag_bits & _ENCRYPTED:
            admission.refuse(info.filename, ENCRYPTED)
        elif info.file_size > max(store.caps.ratio_from, info.compress_size * store.caps.ratio):
            admission.refuse(info.filename, "it expands too much (an archive bomb)")
        elif path := admission.path(info.filename, info.file_size):
            file = File(path=path, size=info.file_size, modified=_zip_time(info))
            yield file, Place(archive=admission.archive, key=info, packed=info.compress_size)


def _zip_time(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time, tzinfo=UTC)
    except ValueError:
        return None


def _tar_members(store: Store, admission: _Admission, holder: _Tar) -> Iterator[tuple[File, Place]]:
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
                    archive=admission.archive,
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
