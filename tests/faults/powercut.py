"""What a disk holds when the power goes: all that was synced, and of the rest nothing or anything.

Killing a process loses nothing that it wrote: the kernel still has it. So a missing sync shows
only here. The model follows the calls of one run: what was written to a file is on disk once
the file was synced, what a folder lists once the folder was; between two syncs any part of the
writes may have got there, in sectors, and any number of the changes of names, in their order.
"""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.faults.supervisor import Call

__all__ = ["Disk"]

_SECTOR = 512
_LOST = "-shm"  # memory that processes share; it does not outlive them


Change = tuple[int, bytes | None]
"""Bytes written at an offset; None cuts the file there."""


@dataclass
class _File:
    """A file: what is on disk, and what was done to it since."""

    disk: bytes = b""
    pending: list[Change] = field(default_factory=list)

    def content(self, chance: random.Random | None) -> bytes:
        """Return what is there after a cut; without a chance, what was synced alone."""
        if chance is None:
            return self.disk
        return _applied(self.disk, [p for p in map(_torn(chance), self.pending) if p])

    def sync(self) -> None:
        self.disk = _applied(self.disk, self.pending)
        self.pending = []


def _torn(chance: random.Random) -> Callable[[Change], Change | None]:
    """Return what is left of a change of a file: all, nothing, or its first sectors."""

    def left(change: Change) -> Change | None:
        offset, data = change
        what = chance.randrange(4)
        if what == 0:
            return None
        if what == 1 and data is not None:
            return offset, data[: chance.randrange(len(data) + 1) // _SECTOR * _SECTOR]
        return change

    return left


def _applied(content: bytes, changes: list[Change]) -> bytes:
    now = bytearray(content)
    for offset, data in changes:
        end = offset if data is None else offset + len(data)
        if data is None:
            del now[end:]
        if len(now) < end:
            now.extend(bytes(end - len(now)))
        if data is not None:
            now[offset:end] = data
    return bytes(now)


class _Naming(NamedTuple):
    """A change of what a folder lists: a file under a name, a folder, nothing, or another name."""

    path: str
    file: _File | None = None
    folder: bool = False
    to: str = ""

    @property
    def parents(self) -> set[str]:
        return {os.path.dirname(path) for path in (self.path, self.to) if path}  # noqa: PTH120

    def apply(self, names: dict[str, _File | None]) -> None:
        """Apply it to names, in which None stands for a folder."""
        if self.to:
            moved = [n for n in names if n == self.path or n.startswith(self.path + "/")]
            for name in moved:
                names[self.to + name[len(self.path) :]] = names.pop(name)
        elif self.file or self.folder:
            names[self.path] = self.file
        else:
            names.pop(self.path, None)


class Disk:
    """A folder as the calls of a process change it, and as a power cut would leave it."""

    def __init__(self, place: Path) -> None:
        self._place = place.resolve()
        self._pending: list[_Naming] = []
        self._disk: dict[str, _File | None] = {str(self._place): None}
        for path in sorted(self._place.rglob("*")):
            self._disk[str(path)] = None if path.is_dir() else _File(path.read_bytes())
        self._now = dict(self._disk)

    def apply(self, call: Call) -> bool:
        """Take in a call that succeeds; return whether it made something durable."""
        match call.kind:
            case "sync":
                return self._sync(call.path)
            case "write" | "truncate" | "fallocate":
                self._change(call)
            case "create":
                self._name(_Naming(call.path, self._now.get(call.path) or _File()))
            case "rename":
                self._name(_Naming(call.path, to=call.other))
            case "link":
                self._name(_Naming(call.other, self._now[call.path]))
            case "unlink" | "rmdir":
                self._name(_Naming(call.path))
            case "mkdir":
                if call.path not in self._now:
                    self._name(_Naming(call.path, folder=True))
        return False

    def _change(self, call: Call) -> None:
        file = self._now.get(call.path)
        if file is None:  # it was unlinked and is still open
            return
        if call.kind == "write":
            file.pending.append((call.offset, call.data))
        elif call.kind == "truncate":
            file.pending.append((call.size, None))
        else:
            file.pending.append((call.offset + call.size, b""))

    def _name(self, naming: _Naming) -> None:
        self._pending.append(naming)
        naming.apply(self._now)

    def _sync(self, path: str) -> bool:
        file = self._now.get(path)
        if file:
            file.sync()
        else:
            for naming in self._pending:
                if path in naming.parents:
                    naming.apply(self._disk)
            self._pending = [naming for naming in self._pending if path not in naming.parents]
        return not path.endswith(_LOST)

    def write(self, to: Path, chance: random.Random | None = None) -> None:
        """Write what a cut leaves into an empty folder; without a chance, only what was synced."""
        names = dict(self._disk)
        for naming in self._pending[: chance.randint(0, len(self._pending))] if chance else ():
            naming.apply(names)
        for name, file in sorted(names.items()):
            path = to / os.path.relpath(name, self._place)
            if not path.parent.is_dir():
                continue  # nobody knows the way to it
            if file is None:
                path.mkdir(exist_ok=True)
            elif not name.endswith(_LOST):
                path.write_bytes(file.content(chance))
