"""A folder while a portable copy is written into it: each file appears whole, and is listed.

Files are for their owner alone (0600, folders 0700). What a run that was stopped left half
written has a name of its own and is removed by the next one.
"""

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from vault import points
from vault.collectors.copied import Listed
from vault.collectors.portable import (
    ATTACHMENTS,
    CONTEXT_FILE,
    CORRECTIONS,
    MANIFEST,
    OWNER,
    README,
    STATEMENTS,
    UNFINISHED,
)
from vault.disk import storage, sync_folder, write_atomic
from vault.errors import Exists

__all__ = ["Desk", "Draft", "claimed"]

_NEW = ".new"
_FOLDERS = (ATTACHMENTS, "models", "papers")
_NAMES = (CONTEXT_FILE, CORRECTIONS, MANIFEST, OWNER, README, STATEMENTS, UNFINISHED)
_OURS = re.compile(
    rf"(?:items-\d{{5,}}\.jsonl|{'|'.join(map(re.escape, _NAMES))})(?:(?:\.\d+)?{re.escape(_NEW)})?"
    rf"|{'|'.join(_FOLDERS)}"
)


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make a folder, with its parents, and keep other writers of copies out of it.

    Raises:
        Exists: Another one is at work there.
        StorageError: The disk refused.
    """
    with storage(f"The folder {folder}"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(PermissionError):  # a stick without modes takes no others either
            folder.chmod(0o700)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Exists(
                f"Another export is being written into {folder}; wait for it, or name another."
            ) from error
        yield
    finally:
        os.close(descriptor)


class Draft:
    """A file on its way: it has its name once it is whole."""

    def __init__(self, folder: Path, path: str) -> None:
        self.path = path
        self.lines = 0
        self._file = folder / path
        self._draft = self._file.with_name(self._file.name + _NEW)
        self._told = hashlib.sha256()
        self._size = 0
        flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        self._out = os.fdopen(os.open(self._draft, flags, 0o600), "wb")

    def add(self, piece: bytes) -> None:
        """Add some bytes."""
        self._out.write(piece)
        self._told.update(piece)
        self._size += len(piece)

    def line(self, content: bytes) -> None:
        """Add a line."""
        self.add(content)
        self.add(b"\n")
        self.lines += 1

    def keep(self) -> Listed | None:
        """Give a file of lines its name; None where there is no line in it, and so no file."""
        if not self.lines:
            self.drop()
            return None
        return self.whole()

    def whole(self) -> Listed:
        """Give the file its name."""
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()
        points.reached("export.drafted")
        self._draft.replace(self._file)
        points.reached("export.file")
        return Listed(
            path=self.path, size=self._size, sha256=self._told.hexdigest(), lines=self.lines
        )

    def drop(self) -> None:
        """Leave nothing of it."""
        with suppress(OSError):  # a full disk may refuse what is still in the buffer
            self._out.close()
        self._draft.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._out.closed:
            self.drop()


class Desk:
    """The files of a copy, each listed with its hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._listed: dict[str, Listed] = {}

    @property
    def listed(self) -> tuple[Listed, ...]:
        """Every file, in the order of names."""
        return tuple(self._listed[path] for path in sorted(self._listed))

    def clear(self, *, keep: frozenset[str]) -> None:
        """Remove what earlier runs wrote, but for some files."""
        self._listed.clear()
        for found in sorted(self.folder.iterdir()):
            if found.name in keep or not _OURS.fullmatch(found.name):
                continue
            if found.name in _FOLDERS and not found.is_symlink():
                shutil.rmtree(found)
            else:
                found.unlink()

    def draft(self, path: str) -> Draft:
        """Begin a file of lines; `keep` what it becomes."""
        return Draft(self.folder, path)

    def keep(self, listed: Listed | None) -> None:
        """List a file that is there."""
        if listed is not None:
            self._listed[listed.path] = listed

    def put(self, path: str, content: bytes) -> None:
        """Write a whole file, and list it."""
        self.write(path, content)
        self._listed[path] = Listed(
            path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest()
        )

    def pour(self, path: str, sha256: str, blocks: Iterable[bytes]) -> bool:
        """Write a file of any size from its blocks, and list it; False where it was listed.

        One that an earlier run left there whole is not written again.
        """
        if path in self._listed:
            return False
        file = self.folder / path
        there = Listed(path=path, size=file.stat().st_size if file.is_file() else 0, sha256=sha256)
        if self.is_whole(there):
            self.keep(there)
            return True
        file.parent.mkdir(mode=0o700, exist_ok=True)
        with self.draft(path) as draft:
            for block in blocks:
                draft.add(block)
            self.keep(draft.whole())
        return True

    def sweep(self, folder: str) -> None:
        """Remove what is in a folder and not listed."""
        for file in (self.folder / folder).glob("*"):
            if f"{folder}/{file.name}" not in self._listed:
                file.unlink()

    def write(self, path: str, content: bytes) -> None:
        """Write a whole file that is not listed."""
        file = self.folder / path
        if not file.parent.is_dir():
            file.parent.mkdir(mode=0o700, parents=True)
        write_atomic(file, content, durable=False)
        points.reached("export.file")

    def is_whole(self, listed: Listed) -> bool:
        """Whether a file that was listed before is there as it was written."""
        try:
            with (self.folder / listed.path).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == listed.sha256
        except OSError:
            return False

    def sync(self) -> None:
        """Make all names durable."""
        folders = {(self.folder / path).parent for path in self._listed}
        for folder in sorted({*folders, *(one.parent for one in folders if one != self.folder)}):
            sync_folder(folder)
