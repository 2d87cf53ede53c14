"""The string of an archived `NSAttributedString`, as Apple's Messages keeps what was written.

A typedstream is a sequence of values behind their type codes; strings, classes and objects
are written once and then named by number. Only what leads to the first string is read, so
nothing in it can recurse. Layout after the public descriptions by other readers of it.
"""

import struct

from vault.collectors.readers.tree import Unreadable

__all__ = ["first_string"]

_SIGNATURE = b"streamtyped"
_SHORT, _LONG, _NEW, _NIL, _END = 0x81, 0x82, 0x84, 0x85, 0x86
_FIRST_REFERENCE = 0x92
_DEEPEST = 16
_BROKEN = "the archived text is broken"


def first_string(data: bytes) -> str:
    """Return the text of an archived attributed string, nothing where it has none.

    Raises:
        Unreadable: It is no such archive, or broken.
    """
    try:
        return _Stream(data).text()
    except (IndexError, struct.error) as error:
        raise Unreadable(_BROKEN) from error


class _Stream:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._strings: list[bytes] = []

    def text(self) -> str:
        """Read down through objects until the first value that is bytes of text."""
        if self._integer() != 4 or self._take(self._integer()) != _SIGNATURE:  # noqa: PLR2004
            raise Unreadable("the archived text is of another format")
        self._integer()  # the version of the system that wrote it
        for _ in range(_DEEPEST):
            code = self._string()
            if code == b"+":
                return self._take(self._integer()).decode("utf-8", "replace")
            if code != b"@":
                raise Unreadable(_BROKEN)
            if not self._object():
                return ""
        raise Unreadable(_BROKEN)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _take(self, size: int) -> bytes:
        if not 0 <= size <= len(self._data) - self._at:
            raise Unreadable(_BROKEN)
        self._at += size
        return self._data[self._at - size : self._at]

    def _integer(self) -> int:
        head = self._byte()
        if head == _SHORT:
            return int.from_bytes(self._take(2), "little")
        if head == _LONG:
            return int.from_bytes(self._take(4), "little")
        return head

    def _string(self) -> bytes:
        """Read a type code or a name: written anew, or named by number."""
        head = self._byte()
        if head == _NEW:
            self._strings.append(self._take(self._integer()))
            return self._strings[-1]
        return self._strings[head - _FIRST_REFERENCE] if head >= _FIRST_REFERENCE else b""

    def _object(self) -> bool:
        """Enter an object: skip its class and those above it; false where there is none."""
        if self._byte() != _NEW:
            return False
        for _ in range(_DEEPEST):
            if self._byte() != _NEW:  # no class above, or one that was named before
                return True
            self._string()
            self._integer()
        raise Unreadable(_BROKEN)
