"""Files that a browser hands over: straight into a private folder, and gone when they were read.

A form is taken apart while it arrives, so that no other copy of it is ever made. The folder is
inside the vault's own, for this person alone; it is removed when what was to be done with it is
done, when the vault is locked, within the hour, and by the next who opens the vault if the
server was killed.
"""

import os
import shutil
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from console.scratch import Scratch
from vault.disk import storage
from vault.errors import StorageError, UsageError

__all__ = ["Received", "Uploads", "received"]

_FILES = 200
_FIELDS = 20
_LARGEST_FIELD = 64 << 10
_LONGEST_NAME = 180
_SPARE = 200 << 20
_ROOM_EVERY = 4 << 20
_SECONDS_KEPT = 3600.0
_LOOK_SECONDS = 1.0
_BROKEN_OFF = "The upload broke off, and nothing of it was kept; send it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A form that arrived whole: where its files lie, and its other fields."""

    scratch: Scratch
    path: Path
    fields: dict[str, str]


async def received(request: Request, home: Path) -> Received:
    """Take in a form with files, writing each as it comes.

    Raises:
        UsageError: It broke off, is no form, or holds no file.
        StorageError: There is no room for it.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    if not options.get(b"boundary"):
        raise UsageError("That is no form with a file; choose a file and send it again.")
    length = request.headers.get("content-length", "")
    _assert_room(home, int(length) if length.isdecimal() else 0)
    scratch = Scratch(home)
    try:
        form = _Form(scratch.path / "uploaded", options[b"boundary"])
        await _fill(form, request.stream(), home)
        return Received(scratch=scratch, path=form.path, fields=form.fields)
    except BaseException:
        await run_in_threadpool(scratch.remove)
        raise


def _assert_room(home: Path, size: int) -> None:
    free = shutil.disk_usage(home).free
    if size + _SPARE > free:
        raise StorageError(
            f"The disk has {max(0, free - _SPARE) >> 20} MB left for an upload; make room, or "
            "collect it from where it lies instead."
        )


async def _fill(form: "_Form", chunks: AsyncIterator[bytes], home: Path) -> None:
    unseen = 0
    try:
        async for chunk in chunks:
            # Not every form says beforehand how long it is, and others fill the disk meanwhile.
            unseen += len(chunk)
            if unseen >= _ROOM_EVERY:
                _assert_room(home, unseen)
                unseen = 0
            await run_in_threadpool(form.write, chunk)
    except ClientDisconnect:
        raise UsageError(_BROKEN_OFF) from None
    except MultipartParseError:
        raise UsageError("That is no form that can be read; send it again.") from None
    finally:
        form.close()
    if not form.is_whole:
        raise UsageError(_BROKEN_OFF)


class _Form:
    """A form while it arrives."""

    def __init__(self, folder: Path, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.is_whole = False
        self._folder = folder
        self._names: list[str] = []
        self._name = ""
        self._field: bytearray | None = None
        self._file: BinaryIO | None = None
        self._header = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        folder.mkdir(mode=0o700)
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    @property
    def path(self) -> Path:
        """The file, or the folder where there are several.

        Raises:
            UsageError: There is none.
        """
        if not self._names:
            raise UsageError("No file was chosen; choose one and send it.")
        return self._folder / self._names[0] if len(self._names) == 1 else self._folder

    def write(self, chunk: bytes) -> None:
        """Take in what arrived."""
        with storage("The upload"):
            self._parser.write(chunk)

    def close(self) -> None:
        """Close the file that is open."""
        if self._file:
            self._file.close()
            self._file = None

    def _on_header_field(self, content: bytes, start: int, end: int) -> None:
        self._header += content[start:end]

    def _on_header_value(self, content: bytes, start: int, end: int) -> None:
        self._value += content[start:end]

    def _on_header_end(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        _, about = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = about.get(b"name", b"").decode(errors="replace")
        self._field = None
        if b"filename" not in about:
            self._field = bytearray()
            return
        if about[b"filename"]:
            self._begin(_plain(about[b"filename"].decode(errors="replace")))

    def _begin(self, name: str) -> None:
        if len(self._names) >= _FILES:
            raise UsageError(
                f"These are more than {_FILES} files; put them in one zip, or collect the folder "
                "from where it lies."
            )
        name = _free(name, self._names)
        opened = os.open(self._folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._file = os.fdopen(opened, "wb")
        self._names.append(name)

    def _on_part_data(self, content: bytes, start: int, end: int) -> None:
        if self._file:
            self._file.write(content[start:end])
        elif self._field is not None:
            self._field += content[start:end]
            if len(self._field) > _LARGEST_FIELD or len(self.fields) > _FIELDS:
                raise UsageError("A field of the form is too long; shorten it.")

    def _on_part_end(self) -> None:
        self.close()
        if self._field is not None:
            self.fields[self._name] = self._field.decode(errors="replace")

    def _on_end(self) -> None:
        self.is_whole = True


def _plain(name: str) -> str:
    """Return a file's name as far as it can name a file in one folder, and no other."""
    name = name.replace("\\", "/").rpartition("/")[2]
    name = "".join(letter if letter.isprintable() else "_" for letter in name).lstrip(". ")
    stem, dot, suffix = name.rpartition(".")
    kept = max(0, _LONGEST_NAME - len(f"{dot}{suffix}".encode()))
    stem = stem.encode()[:kept].decode(errors="ignore")
    return f"{stem}{dot}{suffix}".encode()[:_LONGEST_NAME].decode(errors="ignore") or "file"


def _free(name: str, taken: list[str]) -> str:
    stem, dot, suffix = name.rpartition(".")
    number, free = 1, name
    while free.casefold() in {one.casefold() for one in taken}:
        number += 1
        free = f"{stem} ({number}){dot}{suffix}" if dot else f"{name} ({number})"
    return free


@dataclass(slots=True)
class _Kept:
    scratch: Scratch
    since: float
    is_held: bool = False


@dataclass(slots=True)
class Uploads:
    """What was uploaded and is still there, by path."""

    _kept: dict[Path, _Kept] = field(default_factory=dict)

    def keep(self, path: Path, scratch: Scratch, is_open: Callable[[], bool]) -> None:
        """Keep an upload for an hour at most, and only while the vault is open."""
        weakref.finalize(scratch, shutil.rmtree, scratch.path, ignore_errors=True)
        self._kept[path] = _Kept(scratch, time.monotonic())
        threading.Thread(target=self._watch, args=(path, is_open), daemon=True).start()

    def has(self, path: Path) -> bool:
        """Whether a path is of an upload that is still there."""
        return path in self._kept

    def hold(self, path: Path) -> None:
        """Keep an upload until it is removed: it is being read."""
        if path in self._kept:
            self._kept[path].is_held = True

    def remove(self, path: Path) -> None:
        """Remove an upload, if it is one and still there."""
        kept = self._kept.pop(path, None)
        if kept:
            kept.scratch.remove()

    def _watch(self, path: Path, is_open: Callable[[], bool]) -> None:
        while kept := self._kept.get(path):
            is_old = time.monotonic() - kept.since > _SECONDS_KEPT
            if not kept.is_held and (is_old or not is_open()):
                self.remove(path)
            time.sleep(_LOOK_SECONDS)
