"""Columns that a header names: separated values, tables drawn in text, SQL inserts."""

import re
from collections.abc import Generator, Iterator

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.shapes.fields import Telling
from projections.redaction.shapes.rules import CERTAIN
from projections.redaction.shapes.vocabulary import WORDS, Field

__all__ = ["columns", "inserts"]

_KINDS = {
    Field.PERSON: Kind.PERSON,
    Field.NAME: Kind.PERSON,
    Field.ORG: Kind.ORG,
    Field.PHONE: Kind.PHONE,
    Field.EMAIL: Kind.EMAIL,
    Field.SSN: Kind.SSN,
    Field.ID: Kind.ID,
    Field.BANK: Kind.BANK,
    Field.CARD: Kind.CARD,
    Field.DOB: Kind.DOB,
    Field.ADDRESS: Kind.ADDRESS,
    Field.PLACE: Kind.LOC,
    Field.POSTCODE: Kind.ADDRESS,
    Field.HANDLE: Kind.HANDLE,
}
_DELIMITERS = ",;|\t"
_HEADER = re.compile(r"[^\d:=(){}<>]{5,400}")
_CELL = {
    sign: re.compile(rf"[ ]*(?P<v>\"[^\"\n]*\"|[^{re.escape(sign)}\n]*)") for sign in _DELIMITERS
}
_DELIMITED = re.compile(r"[\w\"' ]{0,24}[,;|\t][^\n]")
_RULE = re.compile(r"[\s+|=:-]+")
_WORDS = re.compile(r"[a-z]+")
_LONGEST_HEADING = 30
_FEWEST = 2


def columns(text: Folded, words: list[Telling]) -> Iterator[Found]:
    """Yield the cells under headings that are telling words."""
    plain = text.text
    done = -1
    if "\n" not in plain:
        return
    for one in words:
        if one.start < done or not _DELIMITED.match(plain, one.end):
            continue
        start = plain.rfind("\n", 0, one.start) + 1
        stop = plain.find("\n", one.start)
        done = stop if stop > 0 else len(plain)
        kinds = _headings(text.lower[start:done])
        if kinds is not None:
            done = yield from _rows(plain, done + 1, *kinds)


def _headings(line: str) -> tuple[str, list[Kind | None]] | None:
    """Return the delimiter and the kinds of columns, where a line is a header."""
    if not _HEADER.fullmatch(line):
        return None
    delimiter = max(_DELIMITERS, key=line.count)
    cells = line.split(delimiter)
    kinds = [_heading(cell) for cell in cells]
    known = sum(kind is not None for kind in kinds)
    if known < _FEWEST or any(len(cell.strip()) > _LONGEST_HEADING for cell in cells):
        return None
    return delimiter, kinds


def _heading(cell: str) -> Kind | None:
    fields = [field for word in _WORDS.findall(cell) for field in WORDS.get(word, ())]
    return next((_KINDS[field] for field in fields if field in _KINDS), None)


def _rows(
    plain: str, start: int, sign: str, kinds: list[Kind | None]
) -> Generator[Found, None, int]:
    """Yield the cells of the rows that follow; return where they end."""
    while start < len(plain):
        stop = plain.find("\n", start)
        stop = stop if stop >= 0 else len(plain)
        if not _RULE.fullmatch(plain, start, stop):
            cells = list(_cells(plain, start, stop, sign))
            if len(cells) != len(kinds):
                break
            yield from _known(plain, cells, kinds)
        start = stop + 1
    return start


def _cells(plain: str, start: int, stop: int, sign: str) -> Iterator[tuple[int, int]]:
    match = _CELL[sign].match
    while start <= stop:
        cell = match(plain, start, stop)
        if cell is None:
            break
        yield cell.span("v")
        start = cell.end() + 1


def _known(plain: str, cells: list[tuple[int, int]], kinds: list[Kind | None]) -> Iterator[Found]:
    for (start, end), kind in zip(cells, kinds, strict=False):
        value = plain[start:end].strip(" \"'")
        if kind is not None and value:
            at = plain.index(value, start, end)
            yield Found(at, at + len(value), kind, CERTAIN)


_INSERT = re.compile(r"\((?P<names>[^()\d]{3,400})\)\s{0,4}values\s{0,4}")
_ROW = re.compile(r"\s{0,4},?\s{0,4}\((?P<v>[^()]{1,4000}(?:\([^()]{0,40}\)[^()]{0,400}){0,8})\)")
_SQL_CELL = re.compile(r"\s*(?P<v>'[^'\n]*'|\"[^\"\n]*\"|[^,]*)")


def inserts(text: Folded) -> Iterator[Found]:
    """Yield the values of SQL inserts that name their columns."""
    if "values" not in text.lower:
        return
    for found in _INSERT.finditer(text.lower):
        kinds = [_heading(cell) for cell in found["names"].split(",")]
        at = found.end()
        while row := _ROW.match(text.text, at):
            yield from _known(text.text, _sql_cells(text.text, *row.span("v")), kinds)
            at = row.end()


def _sql_cells(plain: str, start: int, stop: int) -> list[tuple[int, int]]:
    cells = []
    while start <= stop:
        cell = _SQL_CELL.match(plain, start, stop)
        if cell is None:
            break
        cells.append(cell.span("v"))
        start = cell.end() + 1
    return cells
