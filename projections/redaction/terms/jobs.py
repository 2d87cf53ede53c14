"""Titles of jobs: composed of rank, field and role, written like a title or said to be one's own.

A role in lower case (teacher, driver) is one's own after "works as" or "I am a"; in capitals
it is a title where rank or field stand with it, or where a company follows.
"""

import re
from collections.abc import Iterable, Iterator

from projections.redaction.kinds import Found, Kind
from projections.redaction.terms.lexicon import OTHER, Lexicon, Tokens

__all__ = ["WORTH", "find", "lexicon"]

_LETTERS = {
    "never": OTHER,
    "role": "R",
    "cue": "q",
    "level": "L",
    "field": "F",
    "article": "a",
    "being": "b",
    "join": "j",
    "who": "w",
}


def lexicon() -> Lexicon:
    """Return the words of titles."""
    return Lexicon(_LETTERS, ("jobs.txt",))


WORTH = frozenset("R")
_TITLE = r"(?:[LFR]~*(?:j~*(?=[LFR]))?){0,6}R~*(?:(?:,?j~*|,)(?:[FRL]~*(?:j~*(?=[FRL]))?){1,4})?"
_TERM = re.compile(
    r"(?=[qwLFR])(?:"
    rf"q~*[:\"]?(?:[a]~*){{0,2}}(?P<said>(?:\.(?=[.LFR])){{0,2}}{_TITLE})"
    rf"|w~*b~*(?:a~*)?(?P<being>{_TITLE})(?=[|,jq\"]|$)"
    rf"|(?P<title>{_TITLE}(?:j~*\.{{1,3}})?)"
    r")"
)
_AT = re.compile(r"[^\S\n]{0,3}(?:[-\u2013\u2014,|@]|at\b|bei\b|chez\b|[(])[^\S\n]{0,3}[A-Z]")
_TITLE_LINE = re.compile(r"[LFRj,.~]+R~*")
_LONGEST_LINE = 100
_MOST_WORDS = 8
_ALONE = frozenset({"president", "model", "head", "lead", "chair", "owner", "partner"})


def find(tokens: Tokens, letters: str) -> Iterable[Found]:
    """Return titles of jobs in a window of a text."""
    return () if WORTH.isdisjoint(letters) else _find(tokens, letters)


def _find(tokens: Tokens, letters: str) -> Iterator[Found]:
    for match in _TERM.finditer(letters):
        group = match.lastgroup or ""
        first, last = match.span(group)
        if group == "title":
            yield from _written(tokens, letters, first, last)
            yield from _line(tokens, letters, last)
        else:
            yield tokens.found(first, last, Kind.JOB)


def _written(tokens: Tokens, letters: str, first: int, last: int) -> Iterator[Found]:
    """Yield what is written like a title: all words of rank, field and role with a capital."""
    while first < last and not _title_word(tokens, letters, first):
        first += 1
    end = first
    while end < last and _title_word(tokens, letters, end):
        end += 1
    if "R" not in letters[first:end]:
        return
    while letters[end - 1] in "j,":
        end -= 1
    words = end - first
    if words == 1 and (tokens.words[first] in _ALONE or not _company_follows(tokens, end)):
        return
    yield tokens.found(first, end, Kind.JOB)


def _line(tokens: Tokens, letters: str, last: int) -> Iterator[Found]:
    """Yield a line that is nothing but a title of several words and begins with a capital."""
    text = tokens.text.text
    end = tokens.spans[last - 1][1]
    if text[end : end + 1] not in {"", "\n"}:
        return
    begin = text.rfind("\n", max(0, end - _LONGEST_LINE), end) + 1
    first = last - 1
    while first and tokens.spans[first - 1][0] >= begin and last - first < _MOST_WORDS:
        first -= 1
    line = letters[first:last]
    if (
        tokens.spans[first][0] == begin
        and tokens.capital(first)
        and _TITLE_LINE.fullmatch(line)
        and not {"L", "F"}.isdisjoint(line)
    ):
        yield tokens.found(first, last, Kind.JOB)


def _title_word(tokens: Tokens, letters: str, position: int) -> bool:
    return letters[position] in "j," or tokens.capital(position)


def _company_follows(tokens: Tokens, end: int) -> bool:
    return bool(_AT.match(tokens.text.text, tokens.spans[end - 1][1]))
