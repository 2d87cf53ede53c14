"""Records: a named field gives its value away, whatever the value is.

`Diagnosis: …`, `"salary": 84000`, `<religion>…</religion>`, `job_title=…`, and the columns of
tables whose first line names them.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind

__all__ = ["find"]

_KINDS = {
    "health": Kind.HEALTH,
    "job": Kind.JOB,
    "salary": Kind.SALARY,
    "money": Kind.SALARY,
    "age": Kind.AGE,
    "religion": Kind.RELIGION,
    "politics": Kind.POLITICS,
    "ethnicity": Kind.ETHNICITY,
    "sexuality": Kind.SEXUALITY,
    "crime": Kind.CRIME,
    "id": Kind.ID,
}
_MARK = re.compile(r"[:=>](?![/)(|\\]|-[)(])")
_NOT_KEY = re.compile(r".*[^a-z0-9 _/-]", re.DOTALL)
_PART = re.compile(r"[a-z0-9]+")
_LETTERS = re.compile(r"[a-z]+")
_KEY_LENGTH = 48
_OPENS = re.compile(r"[\"'*_`>\s]{0,4}[\[(]?[\"'*_`]?[^\S\n]{0,4}")
_SHORT = re.compile(r"[^\n\"<>|;,{}\[\]()]{1,60}")
_LINE = re.compile(r"[^\n\"<>|{}]{1,160}")
_QUOTED = re.compile(r"[^\n\"]{1,300}")
_SENTENCE = re.compile(
    r"[.;!?](?:\s|$)|[^\S\n]{3}|\t| [-\u2013\u2014] |,\s[^\s:,]{1,20}(?: [^\s:,]{1,20})?:"
)
_NUMBERS = re.compile(
    r"[^\w\n]{0,4}(?:[a-z]{2,3}\b[^\w\n]{0,2})?\d{1,3}(?:[.,' ]?\d{3}){0,4}(?:[.,]\d{1,2})?(?!\d)\s?(?:\u20ac|\$|\u00a3|k\b|m\b|eur\b|usd\b|gbp\b|pln\b|zl\b|chf\b)?"
)
_AGES = re.compile(r"\d{1,3}(?!\d)")
_LONGEST_KEY = 4
_WORDS = re.compile(r"[^\W_]")
_NOT_VALUES = frozenset(
    {
        "none",
        "null",
        "n/a",
        "na",
        "nil",
        "unknown",
        "yes",
        "no",
        "true",
        "false",
        "tbd",
        "follow up",
        "follow-up",
        "normal",
        "other",
        "healthy",
        "ok",
        "not available",
    }
)


@cache
def _fields() -> dict[str, str]:
    """Return what kind of value each field has."""
    fields: dict[str, str] = {}
    section = ""
    lines = files("projections.redaction.terms").joinpath("records.txt").read_text("utf-8")
    for line in lines.splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif line and not line.startswith("#"):
            for name in line.split(", "):
                fields.setdefault(name, section)
    return fields


@cache
def _last_words() -> frozenset[str]:
    """Return words of which each field's name holds one: the last one of letters."""
    return frozenset(_LETTERS.findall(name)[-1] for name in _fields())


def find(text: Folded) -> Iterator[Found]:
    """Yield the values of fields that are private."""
    lower = text.lower
    if _last_words().isdisjoint(text.words):
        return
    for mark in _MARK.finditer(lower):
        field = _field(lower, mark.start())
        if field:
            yield from _value(lower, mark.end(), field)
    if "\n" in lower:
        yield from _tables(lower)


def _field(lower: str, end: int) -> str:
    """Return what the field before a mark holds, or nothing."""
    while end and lower[end - 1] in "\"'*_` )":
        end -= 1
    before = lower[max(0, end - _KEY_LENGTH) : end]
    cut = _NOT_KEY.match(before)
    parts = _PART.findall(before, cut.end() if cut else 0)
    for size in range(min(_LONGEST_KEY, len(parts)), 0, -1):
        field = _fields().get(" ".join(parts[-size:]))
        if field:
            return field
    return ""


def _value(lower: str, start: int, field: str) -> Iterator[Found]:
    """Yield the value that begins at a place, as far as a value of its kind goes."""
    opened = _OPENS.match(lower, start)
    begin = opened.end() if opened else start
    quoted = begin > start and lower[begin - 1] == '"'
    found = _extent(field, quoted=quoted).match(lower, begin)
    if not found:
        return
    end = found.end()
    if field in {"health", "crime", "job"} and not quoted:
        stop = _SENTENCE.search(lower, begin, end)
        end = stop.start() if stop else end
    yield from _cut(lower, begin, end, field)


def _extent(field: str, *, quoted: bool) -> re.Pattern[str]:
    if field in {"salary", "money"}:
        return _NUMBERS
    if field == "age":
        return _AGES
    if quoted:
        return _QUOTED
    return _LINE if field in {"health", "job", "crime"} else _SHORT


def _cut(lower: str, begin: int, end: int, field: str) -> Iterator[Found]:
    while begin < end and not lower[begin].isalnum() and field not in {"salary", "money"}:
        begin += 1
    while begin < end and not (lower[end - 1].isalnum() or lower[end - 1] in "%)\u20ac$\u00a3+"):
        end -= 1
    value = lower[begin:end]
    if _WORDS.search(value) and value not in _NOT_VALUES:
        yield Found(begin, end, _KINDS[field])


class _Table(NamedTuple):
    """The columns of a table that are private, and how its lines are divided."""

    cells: re.Pattern[str]
    width: int
    fields: dict[int, str]


_DELIMITERS = {
    mark: re.compile(
        rf'(?:^|{re.escape(mark)})[^\S\n\t]{{0,40}}("[^"\n]{{0,400}}"|[^{re.escape(mark)}\n]{{0,400}})'
    )
    for mark in (",", "\t", "|", ";")
}
_DIGIT = re.compile(r"\d")
_LONGEST_LINE = 4_000


def _tables(lower: str) -> Iterator[Found]:
    """Yield the values of private columns of tables."""
    table: _Table | None = None
    start = 0
    for line in lower.split("\n"):
        if len(line) <= _LONGEST_LINE:
            fresh = _header(line)
            if fresh:
                table = fresh
            elif table:
                cells = list(table.cells.finditer(line.rstrip()))
                if len(cells) == table.width:
                    yield from _row(line, start, cells, table)
                elif any(character.isalnum() for character in line):
                    table = None
        start += len(line) + 1


def _header(line: str) -> _Table | None:
    if _DIGIT.search(line):
        return None
    for mark, pattern in _DELIMITERS.items():
        if mark in line:
            cells = [cell.group(1).strip(" \"'") for cell in pattern.finditer(line.rstrip())]
            fields = {place: field for place, cell in enumerate(cells) if (field := _column(cell))}
            if fields and all(len(cell) <= _KEY_LENGTH for cell in cells):
                return _Table(pattern, len(cells), fields)
    return None


def _column(cell: str) -> str:
    return _fields().get(" ".join(_PART.findall(cell)), "")


def _row(line: str, start: int, cells: list[re.Match[str]], table: _Table) -> Iterator[Found]:
    for place, field in table.fields.items():
        begin, end = cells[place].span(1)
        yield from (
            Found(start + found.start, start + found.end, found.kind)
            for found in _cut(line, begin, end, field)
        )
