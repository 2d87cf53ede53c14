"""A `.msg` file: the properties of one message in a compound file (MS-OXMSG)."""

import io
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vault.collectors.readers.mail.mapi import WANTED, Enclosed, Letter, Properties
from vault.collectors.readers.tree import Unreadable

if TYPE_CHECKING:
    from olefile import OleFileIO  # type: ignore[import-untyped]

__all__ = ["is_compound", "is_msg", "read_msg"]

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARK = "__substg1.0_".encode("utf-16-le")
_PROPERTIES = "__properties_version1.0"
_STREAM = "__substg1.0_"
_EMBEDDED = "__substg1.0_3701000D"
_CONTENT = "__substg1.0_37010102"
_FIXED = struct.Struct("<HHI8s")
# Before the properties stands what counts recipients and attachments, where there are any.
_TOP, _WITHIN, _PLAIN = 32, 24, 8
_READ_AT_MOST = 256 << 20
_DEEPEST = 8

# What olefile raises of files that are not as they ought to be.
_ERRORS = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError),
    struct.error,
)

_Path = tuple[str, ...]


def is_compound(head: bytes) -> bool:
    """Whether a file begins as Microsoft's compound files do."""
    return head.startswith(_MAGIC)


def is_msg(head: bytes) -> bool:
    """Whether the beginning of a compound file names properties of a message."""
    return is_compound(head) and _MARK in head


def read_msg(data: bytes) -> Letter:
    """Return the message of a `.msg` file.

    Raises:
        Unreadable: It is damaged, or not what its name says.
    """
    from olefile import OleFileIO  # noqa: PLC0415 - few have such files

    try:
        return _Compound(OleFileIO(io.BytesIO(data))).letter((), _TOP, 0)
    except _ERRORS as error:
        raise Unreadable("the file is damaged or cut off") from error


class _Compound:
    """The streams of a compound file by the storage in which they lie."""

    def __init__(self, ole: "OleFileIO") -> None:
        self._ole = ole
        self._left = _READ_AT_MOST
        self._inside: dict[_Path, dict[str, None]] = {}
        for entry in ole.listdir(streams=True, storages=False):
            for depth in range(len(entry)):
                self._inside.setdefault(tuple(entry[:depth]), {})[entry[depth]] = None

    def letter(self, path: _Path, header: int, depth: int) -> Letter:
        if depth > _DEEPEST:
            raise Unreadable("messages are nested too deeply in each other")
        return Letter(
            properties=self._properties(path, header),
            recipients=[
                self._properties(one, _PLAIN) for one in self._within(path, "__recip_version1.0_")
            ],
            enclosed=[
                self._enclosed(one, depth) for one in self._within(path, "__attach_version1.0_")
            ],
        )

    def _within(self, path: _Path, beginning: str) -> Iterator[_Path]:
        for name in sorted(self._inside.get(path, ())):
            if name.startswith(beginning):
                yield *path, name

    def _enclosed(self, path: _Path, depth: int) -> Enclosed:
        properties = self._properties(path, _PLAIN)
        names = self._inside.get(path, {})
        if _EMBEDDED in names:
            letter = self.letter((*path, _EMBEDDED), _WITHIN, depth + 1)
            return Enclosed(properties=properties, letter=letter)
        data = self._stream((*path, _CONTENT)) if _CONTENT in names else b""
        return Enclosed(properties=properties, data=data)

    def _properties(self, path: _Path, header: int) -> Properties:
        values: dict[int, tuple[int, bytes]] = {}
        names = self._inside.get(path, {})
        if _PROPERTIES in names:
            fixed = self._stream((*path, _PROPERTIES))
            whole = len(fixed) - (len(fixed) - header) % _FIXED.size
            for kind, tag, _, value in _FIXED.iter_unpack(fixed[header:whole]):
                if tag in WANTED:
                    values[tag] = kind, value
        for name in names:
            if name.startswith(_STREAM) and len(name) == len(_STREAM) + 8:
                tag, kind = int(name[12:16], 16), int(name[16:], 16)
                if tag in WANTED:
                    values[tag] = kind, self._stream((*path, name))
        return Properties(values)

    def _stream(self, path: _Path) -> bytes:
        self._left -= self._ole.get_size(list(path))
        if self._left < 0:
            raise Unreadable("it expands beyond what a message may")
        with self._ole.openstream(list(path)) as stream:
            content: bytes = stream.read()
        return content
