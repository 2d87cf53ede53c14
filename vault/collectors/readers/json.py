"""JSON of strangers: decoded into declared shapes, and large files by the element.

The fast decoder is strict; what it refuses (lone surrogates, NaN, raw line breaks, other
charsets) is repaired slowly, and only then. Nothing recursive sees what is nested too deeply.
"""

import codecs
import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import msgspec

from vault.collectors.readers.text import decode
from vault.collectors.readers.tree import Stream, Unreadable

__all__ = ["DEEPEST", "Broken", "Element", "Start", "loads", "split"]

T = TypeVar("T")

DEEPEST = 200
"""How deeply a document may be nested."""

_DECODERS: dict[object, msgspec.json.Decoder[Any]] = {}
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0")
_NO_STRUCTURE = bytes(set(range(256)) - set(b'"\\[]{}'))
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"')
_OPENING = re.compile(rb"[\[{]{%d}" % (DEEPEST + 1))
_HEX_ESCAPE = re.compile(rb"((?<!\\)(?:\\\\)*)\\x([0-9A-Fa-f]{2})")


def loads(data: bytes, kind: type[T]) -> T:
    """Decode a document into a declared shape; what the shape does not name is skipped.

    Half of a surrogate pair and what is no UTF-8 become U+FFFD, NaN and the infinities null.

    Args:
        data: The document, in UTF-8 or UTF-16, with or without a byte order mark.
        kind: What it is decoded into, such as a `msgspec.Struct` or `list[Message]`.

    Raises:
        Unreadable: It is broken, nested deeper than `DEEPEST`, or of another shape.
    """
    decoder: msgspec.json.Decoder[T] = _DECODERS.get(kind) or _decoder(kind)
    if data[:1] not in b"{[" or data[1:2] == b"\0":
        data = _narrow(data)
    if data.count(b"[") + data.count(b"{") > DEEPEST and _is_deep(data):
        raise Unreadable(f"it is nested deeper than {DEEPEST}")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        repaired = _repaired(data)
    try:
        return decoder.decode(repaired)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable("it is of another shape than such files have") from error


def _decoder(kind: type[T]) -> "msgspec.json.Decoder[T]":
    """Make a decoder, which is slow, and keep it."""
    return _DECODERS.setdefault(kind, msgspec.json.Decoder(kind))


def _narrow(data: bytes) -> bytes:
    """Return a document as UTF-8 without mark."""
    if data.startswith(_MARKS) or data[1:2] == b"\0":
        return decode(data, _wide(data)).encode("utf-8", "replace")
    return data


def _wide(data: bytes) -> str:
    """Return the charset of UTF-16 without its mark: JSON begins with ASCII."""
    return "utf-16-be" if data.startswith(b"\0") else "utf-16-le"


def _is_deep(data: bytes) -> bool:
    """Whether brackets nest too deeply: each round strips the innermost of all of them."""
    # Escapes first: without the letters behind it a backslash would take the quote along.
    skeleton = _STRING.sub(b"", _ESCAPED.sub(b"", data).translate(None, _NO_STRUCTURE))
    for _ in range(DEEPEST):
        if _OPENING.search(skeleton):
            return True
        shorter = skeleton.replace(b"[]", b"").replace(b"{}", b"")
        if len(shorter) == len(skeleton):
            return False
        skeleton = shorter
    return bool(skeleton)


def _repaired(data: bytes) -> bytes:
    """Return a document as the fast decoder wants it.

    Raises:
        Unreadable: It is no JSON at all.
    """
    # Telegram Desktop writes control characters as `\x0B`, which is of C and not of JSON.
    data = _HEX_ESCAPE.sub(rb"\1\\u00\2", data)
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    try:
        # The library's own decoder lets pass what it and other programs write against the standard.
        value = json.loads(text, strict=False)
        return msgspec.json.encode(_whole(value))
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is broken or cut off JSON") from error


def _whole(value: object) -> object:
    """Replace halves of surrogate pairs, which can be written nowhere."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_whole(one) for one in value]
        case dict():
            return {_whole(key): _whole(one) for key, one in value.items()}
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An array begins whose elements follow.

    `around` are the objects around it, outermost first, each a document with the members that
    stood before the array; long ones are left out.
    """

    around: tuple[bytes, ...]


class Element(msgspec.Struct, frozen=True, gc=False):
    """An element of an array: where it stands, in bytes, and what it is, not yet decoded."""

    offset: int
    data: bytes

    def decode(self, kind: type[T]) -> T:
        """Return what it is, as `loads` does, which it calls only where it has to.

        Raises:
            Unreadable: It is broken, nested too deeply, or of another shape.
        """
        decoder: msgspec.json.Decoder[T] = _DECODERS.get(kind) or _decoder(kind)
        try:
            return decoder.decode(self.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return loads(self.data, kind)


class Broken(NamedTuple):
    """From there on the file cannot be read."""

    offset: int
    reason: str


def split(stream: Stream, key: str) -> Iterator[Start | Element | Broken]:
    """Yield the elements of all arrays that are called so, of a file of any size.

    What is broken within an element is the element's own matter; in an indented file, as most
    programs write large ones, it does not reach the next one.

    Args:
        stream: The file.
        key: The name of the arrays, nothing for the one that is the whole document.
    """
    return _Splitter(stream, key).parts()


_BLOCK = 1 << 20
_LARGEST_ELEMENT = 64 << 20
_LONGEST_MEMBER = 1 << 16
_DEEPEST_INDENT = 256
_SEARCHES = 16
_INDENT = re.compile(rb"\r?\n([ \t]++)\Z")
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_BLANK = re.compile(rb"[ \t\r\n]*+")
_GAP = re.compile(rb"[ \t\r\n,]*+")
_WHOLE_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^ \t\r\n,:\[\]{}\"]*+")
# Strings and all that lies between are skipped in one go.
_BRACKET = re.compile(
    rb'[^"\[\]{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}]*+)*+(["\[\]{}]|\Z)', re.DOTALL
)
_CUT_OFF = "the file is cut off or broken from here on"


@dataclass(slots=True)
class _Open:
    """An object or array that has begun, with the members of the object so far."""

    start: int
    is_array: bool
    key: bytes = b""
    members: list[bytes] = field(default_factory=list)


class _Window:
    """A part of a file, which moves on; all positions are those in `data`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.data = stream.read_exactly(_BLOCK)
        self.base = 0
        self.pos = len(codecs.BOM_UTF8) if self.data.startswith(codecs.BOM_UTF8) else 0
        self._wide: codecs.IncrementalDecoder | None = None
        if self.data.startswith(_MARKS[1:]) or self.data[1:2] == b"\0":
            name = "utf-16" if self.data.startswith(_MARKS[1:3]) else _wide(self.data)
            self._wide = codecs.getincrementaldecoder(name)("replace")
            self.data = self._wide.decode(self.data).encode("utf-8", "replace")

    def more(self) -> bool:
        """Read on and forget what lies well before the position; whether anything came."""
        kept = max(0, self.pos - _LONGEST_MEMBER)
        if len(self.data) - kept > _LARGEST_ELEMENT:
            return False
        # Twice as much each time, so that a long element is not searched from its start for ever.
        block = self._stream.read_exactly(max(_BLOCK, len(self.data) - kept))
        if self._wide:
            block = self._wide.decode(block).encode("utf-8", "replace")
        self.data = self.data[kept:] + block
        self.base += kept
        self.pos -= kept
        return bool(block)

    def skip(self) -> int:
        """Go to the next byte that is no blank and return it, -1 at the end."""
        while True:
            found = _BLANK.match(self.data, self.pos)
            assert found
            self.pos = found.end()
            if self.pos < len(self.data):
                return self.data[self.pos]
            if not self.more():
                return -1

    def value_end(self) -> int:
        """Return where the value at the position ends, -1 where it does not."""
        while (end := _end_of(self.data, self.pos)) < 0:
            if not self.more():
                return -1
        return end


def _end_of(data: bytes, pos: int) -> int:
    first = data[pos]
    if first in b"{[":
        depth = 0
        for token in _BRACKET.finditer(data, pos):
            bracket = token.group(1)
            if bracket in b'"':  # a string without end, or nothing at all
                return -1
            depth += 1 if bracket in b"{[" else -1
            if not depth:
                return token.end()
        return -1
    found = (_WHOLE_STRING if first == ord('"') else _SCALAR).match(data, pos)
    return found.end() if found and found.end() < len(data) else -1


class _Splitter:
    """Walks through a file from bracket to bracket, and through wanted arrays in strides."""

    def __init__(self, stream: Stream, key: str) -> None:
        self._window = _Window(stream)
        self._key = f'"{key}"'.encode() if key else b""
        self._open: list[_Open] = []
        self._tried = 0
        self._searched = 0

    def parts(self) -> Iterator[Start | Element | Broken]:
        window = self._window
        while (byte := window.skip()) >= 0 and len(self._open) <= DEEPEST:
            if byte == ord("[") and self._is_wanted():
                yield Start(around=tuple(self._documents()))
                window.pos += 1
                if not (yield from self._elements()):
                    return
                self._end_member(-1)
            elif not self._step(byte):
                break
            if not self._open:
                return
        yield Broken(window.base + window.pos, _CUT_OFF)

    def _is_wanted(self) -> bool:
        if not self._open:
            return not self._key
        return not self._open[-1].is_array and self._open[-1].key == self._key

    def _documents(self) -> Iterator[bytes]:
        for one in self._open:
            if not one.is_array:
                yield b"{" + b",".join(one.members) + b"}"

    def _step(self, byte: int) -> bool:
        """Take one bracket, mark or value; whether there was one."""
        window = self._window
        if byte in b",:":
            window.pos += 1
        elif byte in b"{[":
            self._open.append(_Open(window.base + window.pos, byte == ord("[")))
            window.pos += 1
        elif byte in b"}]":
            window.pos += 1
            if self._open:
                self._end_member(self._open.pop().start)
        else:
            return self._value(byte)
        return True

    def _value(self, byte: int) -> bool:
        window = self._window
        end = window.value_end()
        if end <= window.pos:
            return False
        start, window.pos = window.pos, end
        within = self._open[-1] if self._open else None
        if within and not within.is_array and not within.key and byte == ord('"'):
            within.key = window.data[start:end]
        else:
            self._end_member(window.base + start)
        return True

    def _end_member(self, start: int) -> None:
        """Note the member of an object whose value began there and ends at the position."""
        window = self._window
        if not self._open:
            return
        within = self._open[-1]
        size = window.base + window.pos - start
        if within.key and start >= window.base and size <= _LONGEST_MEMBER:
            value = window.data[start - window.base : window.pos]
            within.members.append(within.key + b":" + value)
        within.key = b""

    def _elements(self) -> Generator[Element | Broken, None, bool]:
        """Yield the elements of an array; return whether it has an end."""
        window = self._window
        close = _closing(window)
        while (byte := window.skip()) >= 0:
            if byte == ord("]"):
                window.pos += 1
                return True
            if byte == ord(","):
                window.pos += 1
                continue
            between = _between(window) if self._may_search() else None
            if between:
                yield from self._stride(between, close)
            elif byte == ord("{") and window.base + window.pos >= self._tried:
                yield from self._batch()
            end = self._next_end(between, close)
            if end <= window.pos:
                break
            yield Element(window.base + window.pos, window.data[window.pos : end])
            window.pos = end
        yield Broken(window.base + window.pos, _CUT_OFF)
        return False

    def _may_search(self) -> bool:
        """Whether lines may be searched on: not for ever in vain, as in files of unusual lines."""
        window = self._window
        return self._searched <= _SEARCHES * (window.base + len(window.data))

    def _stop(self, close: "re.Pattern[bytes]") -> int:
        """Return where the line that ends the array begins, or the end of the window."""
        window = self._window
        found = close.search(window.data, window.pos)
        stop = found.start() if found else len(window.data)
        self._searched += stop - window.pos
        return stop

    def _stride(
        self, between: "re.Pattern[bytes]", close: "re.Pattern[bytes]"
    ) -> Iterator[Element]:
        """Yield elements up to the last that begins in the window, where the file is indented.

        There a line that ends one element and a line that begins the next can be told from
        all others by their indentation, for no string holds a line break.
        """
        window = self._window
        data, base, pos = window.data, window.base, window.pos
        for found in between.finditer(data, pos, self._stop(close)):
            end = found.start() + 1
            yield Element(base + pos, data[pos:end])
            pos = found.end() - 1
        window.pos = pos

    def _batch(self) -> Iterator[Element]:
        """Yield elements of the window, where the file is tight, by one call of the decoder.

        Where the last one begins is guessed by its first key; the decoder says whether that
        is so. If it is not, as in elements that hold others like them, the rest of the window
        is left to `_next_end`, as are those behind the last: each window is searched once.
        """
        window = self._window
        data, base, pos = window.data, window.base, window.pos
        key = data[pos : data.find(b":", pos)]
        last = max(data.rfind(key, pos), pos)
        self._tried = base + len(data)
        try:
            found = _RAWS.decode(b"[" + data[pos:last].rstrip(b", \t\r\n") + b"]")
        except (msgspec.DecodeError, RecursionError):
            return
        for raw in found:
            element = bytes(raw)
            yield Element(base + pos, element)
            gap = _GAP.match(data, pos + len(element))
            assert gap
            pos = gap.end()
        window.pos = pos

    def _next_end(self, between: "re.Pattern[bytes] | None", close: "re.Pattern[bytes]") -> int:
        """Return where the element at the position ends, at most where the next one begins."""
        window = self._window
        end = window.value_end()
        if between:
            stop = self._stop(close)
            found = between.search(window.data, window.pos, stop)
            bound = found.start() + 1 if found else stop
            if bound < len(window.data) and not 0 <= end <= bound:
                return bound
        return end


def _closing(window: _Window) -> "re.Pattern[bytes]":
    """Return how the end of the array that begins at the position looks, if it is indented."""
    line = window.data.rfind(b"\n", max(0, window.pos - _LONGEST_MEMBER), window.pos) + 1
    indent = _BLANK.match(window.data, line, window.pos)
    return re.compile(rb"\n%b\]" % (indent.group() if indent else b""))


def _between(window: _Window) -> "re.Pattern[bytes] | None":
    """Return what stands between the element at the position and the next one.

    Nothing, where it is no object or does not begin its line, further in than its array.
    """
    data, pos = window.data, window.pos
    if data[pos] != ord("{") or not data[pos - 1 : pos].isspace():
        return None
    before = _INDENT.search(data, max(0, pos - _DEEPEST_INDENT), pos)
    return re.compile(rb"\},%b\{" % before.group()) if before else None
