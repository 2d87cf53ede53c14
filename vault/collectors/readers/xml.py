"""XML of strangers: no entities of its own, bounded in depth and in size.

A document type may be named but may declare nothing: entities are what bombs and spies are
made of. What programs are known to write although XML forbids it (control characters, one
character as two halves) is mended on the way, since one emoji is no reason to lose a file.
"""

import re
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import chain
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLParser, XMLPullParser
from xml.parsers import expat

from vault.collectors.readers.tree import Stream, Unreadable

__all__ = ["Element", "local", "parse", "pieces"]

_DEEPEST = 200
_MOST_TAGS = 3_000_000
_BLOCK = 1 << 20
_LARGEST_BLOCK = 32 << 20
_LARGEST_PIECE = 128 << 20
_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n\r")
_REFERENCE = re.compile(rb"&#(?:(\d{1,7})|[xX]([\da-fA-F]{1,6}));")
_REFERENCES = re.compile(rb"(?:&#(?:\d{1,7}|[xX][\da-fA-F]{1,6});)+")
_CUT_OFF = re.compile(rb"(?:&#\w{1,8};)*(?:&#?\w{0,8})?\Z")
_LONGEST_RUN = 4096
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def parse(data: bytes) -> Element:
    """Return the root of a whole document; its caller bounds its size.

    Raises:
        Unreadable: It is damaged, declares entities or is nested too deeply.
    """
    _look(data)
    if data.count(b"<") > _MOST_TAGS:
        raise Unreadable("it has more elements than are read at once")
    parser = XMLParser()  # noqa: S314 - what makes this dangerous was refused above
    try:
        parser.feed(_mended(data))
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable("it is damaged XML") from error
    level = [root]
    for _ in range(_DEEPEST):
        level = [child for element in level for child in element]
        if not level:
            return root
    raise Unreadable("it is nested too deeply")


def pieces(stream: Stream, depth: int = 1) -> Iterator[Element]:
    """Yield each element at a depth (children of the root: 1) when it is complete.

    It is emptied when the next one is asked for, so a document may be of any size.

    Raises:
        Unreadable: It is damaged, declares entities or is nested too deeply; what came
            before is good.
    """
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    path: list[Element] = []
    held = 0
    try:
        for block in chain(_blocks(stream), (None,)):
            held = _feed(parser, block, held)
            for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
                if event == "start":
                    path.append(element)
                    if len(path) > _DEEPEST:
                        raise Unreadable("it is nested too deeply")
                    continue
                path.pop()
                if len(path) == depth:
                    yield element
                if path and len(path) <= depth:
                    del path[-1][:]
                    held = 0
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable("it is damaged XML") from error


def _feed(parser: "XMLPullParser[Element]", block: bytes | None, held: int) -> int:
    """Give a block, or the end, to a parser; return how much of one record it holds at most."""
    if block is None:
        parser.close()
        return 0
    held += len(block)
    if held > _LARGEST_PIECE:
        raise Unreadable(f"one record of it is larger than {_LARGEST_PIECE >> 20} MiB")
    parser.feed(block)
    return held


@lru_cache(maxsize=4096)
def local(tag: str) -> str:
    """Return the name of a tag or attribute without its namespace, of which there are dialects."""
    return tag.rpartition("}")[2]


class _Begun(Exception):
    pass


class _Prolog:
    """What stands before the root element: the only place for a document type."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._element

    def feed(self, block: bytes) -> bool:
        """Return whether the root element has begun.

        Raises:
            Unreadable: It declares entities, or is no XML.
        """
        try:
            self._parser.Parse(block, False)
        except _Begun:
            return True
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise Unreadable("it is damaged XML") from error
        return False

    @staticmethod
    def _doctype(name: str, system: str | None, public: str | None, has_subset: int) -> None:  # noqa: ARG004
        if has_subset:
            raise Unreadable("it declares entities of its own, which are not read")

    @staticmethod
    def _element(name: str, attributes: dict[str, str]) -> None:  # noqa: ARG004
        raise _Begun


def _look(data: bytes) -> None:
    prolog = _Prolog()
    for start in range(0, len(data), _BLOCK):
        if prolog.feed(data[start : start + _BLOCK]):
            return
    raise Unreadable("it is damaged XML")


def _blocks(stream: Stream) -> Iterator[bytes]:
    """Yield mended blocks, growing while they are all of one record.

    An unfinished tag is looked at again from its beginning with each block, which would make
    one long attribute cost its length squared.
    """
    prolog = _Prolog()
    begun = False
    mend: Callable[[bytes], bytes] = _mended
    tail = b""
    size = _BLOCK
    while block := stream.read_exactly(size):
        if not begun and block.startswith(_UTF_16):
            mend = bytes
        block, tail = _cut(tail + block) if mend is _mended else (block, b"")
        mended = mend(block)
        begun = begun or prolog.feed(mended)
        yield mended
        size = _BLOCK if b">" in block else min(size * 2, _LARGEST_BLOCK)
    yield mend(tail)


def _cut(block: bytes) -> tuple[bytes, bytes]:
    """Split off a reference at the end that may go on behind it."""
    found = _CUT_OFF.search(block, max(0, len(block) - _LONGEST_RUN))
    end = found.start() if found else len(block)
    return block[:end], block[end:]


def _mended(data: bytes) -> bytes:
    if data.startswith(_UTF_16):
        return data
    data = data.translate(None, _CONTROLS)
    return _REFERENCES.sub(_allowed, data) if b"&#" in data else data


def _allowed(run: "re.Match[bytes]") -> bytes:
    """Return references as XML allows them: halves joined, controls left out."""
    found = _REFERENCE.findall(run.group())
    codes = [int(decimal) if decimal else int(hexadecimal, 16) for decimal, hexadecimal in found]
    if all(map(_may_stand, codes)):
        return run.group()
    text = "".join(chr(code) for code in codes if code <= sys.maxunicode)
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(f"&#{ord(letter)};" for letter in whole if _may_stand(ord(letter))).encode()


def _may_stand(code: int) -> bool:
    """Whether XML 1.0 (2.2) allows a character."""
    return (
        0x20 <= code < 0xD800  # noqa: PLR2004 - the ranges of the standard
        or 0xE000 <= code < 0xFFFE  # noqa: PLR2004
        or 0x10000 <= code <= sys.maxunicode  # noqa: PLR2004
        or code in {0x9, 0xA, 0xD}
    )
