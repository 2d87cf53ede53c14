"""The lines of a text of any size and charset, and of tables the rows.

Nothing holds more than one row: a line that does not end, or a quote that does not close,
costs itself and not what follows.
"""

import codecs
import csv
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vault.collectors.readers.json import loads
from vault.collectors.readers.tree import Stream, Unreadable

__all__ = ["DELIMITERS", "Broken", "Lines", "Row", "cells", "objects", "table"]

DELIMITERS = (",", ";", "\t", "|")

_BLOCK = 1 << 20
_HEAD = 1 << 16
_LONGEST = 8 << 20
_LARGEST_CELL = 1 << 20
_ENDLESS = "the line is too long"
_UNCLOSED = "a quote in the row is not closed"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ENOUGH_TO_GUESS = 8
_ENOUGH = 0.2
_MIXED = "vault.windows-1252"


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Read what is no UTF-8 among UTF-8 as programs of old wrote it."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_MIXED, _as_windows)


class Lines(Iterator[str | None]):
    """The lines of a stream with their ends; None for one that is too long to be one.

    `number` is that of the line given last, from 1; `size` the bytes read so far.
    """

    def __init__(self, stream: Stream, charset: str = "") -> None:
        self.number = 0
        self.size = 0
        self._stream = stream
        head = stream.read_exactly(_HEAD)
        try:
            self._decoder = _decoder(head, charset)
        except LookupError as error:
            raise Unreadable("the mapping names an encoding that there is not") from error
        self._returns = b"\r" in head and b"\n" not in head
        self._lines = self._split(head)

    def __next__(self) -> str | None:
        line = next(self._lines)
        self.number += 1
        return line

    def _split(self, block: bytes) -> Iterator[str | None]:
        rest = ""
        is_skipping = False
        while block:
            self.size += len(block)
            text = self._text(block)
            block = self._stream.read(_BLOCK)
            if is_skipping:
                _, end, text = text.partition("\n")
                is_skipping = not end
            *lines, rest = (rest + text).split("\n")
            yield from (line + "\n" for line in lines)
            if len(rest) > _LONGEST:
                rest, is_skipping = "", True
                yield None
        rest += self._text(b"", final=True)
        if rest:
            yield rest

    def _text(self, block: bytes, *, final: bool = False) -> str:
        text = self._decoder.decode(block, final)
        return text.replace("\r", "\n") if self._returns else text


def _decoder(head: bytes, charset: str) -> codecs.IncrementalDecoder:
    """Choose the charset: its mark, what is declared, UTF-8, a guess."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return codecs.getincrementaldecoder(name)("replace")
    if charset:
        return codecs.getincrementaldecoder(charset)("replace")
    # Not final: the head may end within a character.
    text, _ = codecs.utf_8_decode(head, "surrogateescape", False)
    wrong = sum("\udc80" <= letter <= "\udcff" for letter in text)
    right = sum(letter > "\x7f" for letter in text) - wrong
    # Text of other charsets is hardly ever valid UTF-8, so a little of it is evidence of a mixture.
    if wrong >= _ENOUGH_TO_GUESS and right < _ENOUGH * wrong:
        # Imported where it is needed: most files are UTF-8, and this is slow to load.
        from charset_normalizer import from_bytes  # noqa: PLC0415

        guess = from_bytes(head).best()
        if guess is not None and guess.encoding:
            return codecs.getincrementaldecoder(guess.encoding)("replace")
    return codecs.getincrementaldecoder("utf-8")(_MIXED)


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the line where it begins, its values by column, and all of it as one text."""

    line: int
    values: Mapping[str, object]
    whole: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that cannot be read, and why."""

    line: int
    reason: str


def objects(lines: Lines) -> Iterator[Row | Broken]:
    """Yield the objects of JSON Lines; empty lines are none."""
    for line in lines:
        if line is None:
            yield Broken(lines.number, _ENDLESS)
        elif bare := line.strip():
            try:
                yield Row(
                    lines.number, loads(bare.encode("utf-8", "replace"), dict[str, object]), bare
                )
            except Unreadable as error:
                yield Broken(lines.number, str(error))


def cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line that is a row by itself."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def table(lines: Lines, names: list[str], delimiter: str) -> Iterator[Row | Broken]:
    """Yield the rows of a table behind its heading.

    A row of too few cells ends in empty ones. Where the quotes of a row are wrong, each of its
    lines is looked at for itself: it is a row if it has a cell for each column.
    """
    csv.field_size_limit(_LARGEST_CELL)
    feed = _Feed(lines)
    strict = csv.reader(feed, delimiter=delimiter, strict=True)
    lenient = csv.reader(feed, delimiter=delimiter)
    while True:
        is_single = feed.begin()
        try:
            row = next(lenient if is_single else strict)
            reason = _wrong(row, len(names), is_single=is_single)
        except StopIteration:
            return
        except csv.Error as error:
            row, reason = [], "a cell is too large" if "limit" in str(error) else _UNCLOSED
        except _NoRow as error:
            row, reason = [], str(error)
        if reason and feed.again():
            continue
        if reason:
            yield Broken(feed.start, reason)
        elif any(row):
            cells_of_all = row[: len(names)] + [""] * (len(names) - len(row))
            # Of two columns of one name the first is meant.
            values = dict(zip(reversed(names), reversed(cells_of_all), strict=True))
            yield Row(feed.start, values, "\x1f".join(row))


def _wrong(row: list[str], width: int, *, is_single: bool) -> str:
    """Say why cells are no row, or nothing."""
    surplus = any(cell.strip() for cell in row[width:])
    if surplus or (is_single and len(row) < width):
        return f"there are {len(row)} cells where {width} are named"
    return ""


class _NoRow(ValueError):
    """The lines so far are no row."""


class _Feed(Iterator[str]):
    """Gives lines to the parser of rows and remembers those of the row at hand."""

    def __init__(self, lines: Lines) -> None:
        self.start = 0
        self._lines = lines
        self._taken: list[tuple[int, str | None]] = []
        self._single: deque[tuple[int, str | None]] = deque()
        self._is_single = False
        self._size = 0

    def begin(self) -> bool:
        """Begin with another row; return whether it is a line that was a part of one."""
        self._taken.clear()
        self._size = 0
        self._is_single = bool(self._single)
        return self._is_single

    def again(self) -> bool:
        """Give the lines of this row once more, each for itself; return whether that is new."""
        if self._is_single:
            return False
        self._single.extend(self._taken)
        return bool(self._taken)

    def __next__(self) -> str:
        if self._is_single and self._taken:
            raise _NoRow(_UNCLOSED)
        number, line = self._single.popleft() if self._is_single else self._next()
        if not self._taken:
            self.start = number
        self._taken.append((number, line))
        self._size += len(line or "")
        if line is None or self._size > _LONGEST:
            raise _NoRow(_ENDLESS)
        return line

    def _next(self) -> tuple[int, str | None]:
        line = next(self._lines)
        return self._lines.number, line
