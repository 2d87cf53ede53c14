"""Texts that teach nobody's voice: pasted, encoded, counted or quoted rather than written.

Only what is plainly no writing goes; in doubt a text stays. A lone emoji, `ok`, `?`, `8:30`
and a long `hahaha` are replies, and how somebody writes.
"""

import re
from typing import NamedTuple

__all__ = ["poor"]

_READ = 20_000  # characters; what comes after them is judged by what came before
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe0f\ufeff\ufffc\ufffd]+")
_DRAWN = frozenset("-_=*#|~+/\\<>[](){}\"'`^,&•·\u2013\u2014")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)

_MANY_WORDS = 20
_FIRST_WORDS = 500  # in longer texts even good ones come back
_LONG = 32  # characters
_RUN = re.compile(r"(\S)\1{19,}")
_CODED = re.compile(r"(?=\S*[0-9])[\w+/=.-]{32,}", re.ASCII)
_MANY_SIGNS = 10
_SIGNS = re.compile(r"\":|([{}\[\]<>;=|&$%\\_])(?!\1)")  # a drawn line is one
_MANY_LINES = 3
_PRINTED = re.compile(
    r"\s*(?:at [\w.$<>/]{3,200}\(|File \".{1,200}\", line \d|Traceback \(most recent|Caused by: |"
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|\[?(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL)[\]:| ]|"
    r"(?:0x)?[0-9a-f]{6,16}[: ] ?[0-9a-f]{2,8} |[\w./\\:-]{3,200}:\d{1,6}:|"
    r".{0,300}[;{}]\s*$|[{}\])]+,?\s*$)"
)


class _Read(NamedTuple):
    """A text, its words, the long ones among them, and how many characters of it can be seen."""

    text: str
    words: list[str]
    long: list[str]
    size: int


def poor(text: str) -> str:
    """Return why nothing is to be learned from a text, or nothing where it may be.

    The reasons are `empty`, `no words` (drawn lines), `link` (nothing beside it), `quoted`
    (nearly all is), `repeated` (few words or one character again and again), `encoded`
    (base64, logs, stack traces, code) and `machine` (rows of numbers).
    """
    text = text[:_READ]
    words = text.split()
    seen = _seen("".join(words))
    if not seen:
        return "empty"
    read = _Read(text, words, [word for word in words if len(word) >= _LONG], len(seen))
    return next((reason for reason, holds in _REASONS if holds(read)), "")


def _seen(text: str) -> str:
    return text if text.isascii() else _UNSEEN.sub("", text)


def _drawn(read: _Read) -> bool:
    return all(_DRAWN.issuperset(_seen(word)) for word in read.words)


def _linked(read: _Read) -> bool:
    """Whether there are links, and nothing beside them."""
    without, links = _LINK.subn("", read.text)
    return links > 0 and _DRAWN.issuperset(_seen("".join(without.split())))


def _quoted(read: _Read) -> bool:
    """Whether four fifths of the characters stand behind a mark of quoting."""
    if ">" not in read.text:
        return False
    quoted = (line for line in read.text.splitlines() if line.lstrip().startswith(">"))
    return 5 * sum(len("".join(line.split())) for line in quoted) >= 4 * read.size


def _repeated(read: _Read) -> bool:
    """Whether each word stands five times on average, or half are runs of one character."""
    first = read.words[:_FIRST_WORDS]
    if len(first) >= _MANY_WORDS and 5 * len(set(first)) <= len(first):
        return True
    runs = (len(run[0]) for word in read.long for run in _RUN.finditer(word))
    return 2 * sum(runs) >= read.size


def _encoded(read: _Read) -> bool:
    """Whether half are words that nobody types, an eighth signs, or half of the lines printed."""
    coded = (word for word in read.long if _CODED.match(word))
    if 2 * sum(map(len, coded)) >= read.size:
        return True
    if 8 * (signs := len(_SIGNS.findall(read.text))) >= read.size and signs >= _MANY_SIGNS:
        return True
    if read.text.count("\n") + 1 < _MANY_LINES:
        return False
    lines = [line for line in read.text.split("\n") if line.strip()]
    printed = sum(_PRINTED.match(line) is not None for line in lines)
    return printed >= _MANY_LINES and 2 * printed >= len(lines)


def _counted(read: _Read) -> bool:
    """Whether three words of five hold digits."""
    least = -(-3 * len(read.words) // 5)
    if len(read.words) < _MANY_WORDS or sum(map(read.text.count, "0123456789")) < least:
        return False
    return sum(any(map(str.isdecimal, word)) for word in read.words) >= least


_REASONS = (
    ("no words", _drawn),
    ("link", _linked),
    ("quoted", _quoted),
    ("repeated", _repeated),
    ("encoded", _encoded),
    ("machine", _counted),
)
