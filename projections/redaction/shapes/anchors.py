"""Everything that begins with, or holds, a digit: one walk over a text from digit to digit.

At each digit the rules are asked in order, and the walk goes on where the first that fits
ends. A text without digits costs one search.
"""

import re
from collections.abc import Iterator

from projections.redaction import signs
from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.shapes import bank, checks, contact, dates, identity, network, places
from projections.redaction.shapes.rules import BARE, LIKELY, POSSIBLE, Rules

__all__ = ["numbers"]

_DIGIT = re.compile(r"[0-9]")
_RUN = re.compile(r"[0-9]+")
_TOKEN = re.compile(r"[0-9A-Za-z_]+")
_JOINED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_#")
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_LONGEST_PREFIX = 40

_NUMERIC = Rules(
    (
        *contact.FIRST[:1],
        *dates.FIRST[:3],
        *identity.FIRST,
        *bank.FIRST,
        *network.FIRST,
        *contact.FIRST[1:],
        *dates.FIRST[3:],
        *places.FIRST,
        *bank.AFTER_DATES,
        *identity.AFTER_DATES,
        *contact.AFTER_DATES,
    )
)
_LETTERED = Rules((*bank.LETTERED, *identity.LETTERED))

_MONEY = "$€£¥"
_LONG_NUMBER = re.compile(
    r"[0-9]{5,40}(?![0-9A-Za-z_%€$£]|[.,][0-9]|\s?(?:%|€|EUR|USD|GBP|PLN|zl|kg|km|kb|mb|gb|ms)\b)"
)
_SHORT = 3


def numbers(text: Folded) -> Iterator[Found]:
    """Yield what is private around every digit."""
    if not text.signs & signs.DIGIT:
        return
    plain = text.text
    position = 0
    separate = True
    while found := _DIGIT.search(plain, position):
        at = found.start()
        start = _token_start(plain, at, position)
        if plain[start] in _LETTERS:
            one = _LETTERED.at(plain, start)
        elif (before := _letters_before(plain, start, position)) is not None:
            one = before
        else:
            one = _numeric(text, at, position) if separate or not _fraction(plain, at) else None
        separate = one is not None
        if one is None:
            token = _TOKEN.match(plain, at)
            position = token.end() if token else at + 1
            continue
        yield one
        position = max(one.end, at + 1)


def _token_start(plain: str, at: int, position: int) -> int:
    """Return where the word begins that a digit stands in."""
    first = max(position, at - _LONGEST_PREFIX)
    while at > first and plain[at - 1] in _JOINED:
        at -= 1
    while plain[at] in "-_#":
        at += 1
    return at


_BEFORE = re.compile(r"(?<![\w-])(?:[A-Z]{1,3}[ -])?[A-Z]{1,3} $")


def _letters_before(plain: str, start: int, position: int) -> Found | None:
    """Return what begins with capitals and a space, as some number plates do."""
    if start < position + 2 or plain[start - 1] != " " or not "A" <= plain[start - 2] <= "Z":
        return None
    before = _BEFORE.search(plain[max(position, start - 9) : start])
    return _LETTERED.at(plain, start - len(before.group())) if before else None


def _fraction(plain: str, at: int) -> bool:
    """Whether digits follow others after a point or a comma."""
    return at > 1 and plain[at - 1] in ".," and plain[at - 2] in "0123456789"


def _numeric(text: Folded, at: int, position: int) -> Found | None:
    plain = text.text
    end = _end_of_digits(plain, at)
    start = _with_sign(plain, at, position)
    if start < at:
        one = _NUMERIC.at(plain, start, 0)
        if one is not None:
            return one
    elif end - at <= _LONGEST_HOUSE and plain[end : end + 1] in _BESIDE_HOUSE:
        one = _with_words(text, at, end)
        if one is not None:
            return one
    return _NUMERIC.at(plain, at, end - at) or _bare(text, at, end)


def _end_of_digits(plain: str, at: int) -> int:
    run = _RUN.match(plain, at)
    return run.end() if run else at


def _bare(text: Folded, at: int, end: int) -> Found | None:
    """Return a number that nothing but its length, or the word before it, makes telling."""
    plain = text.text
    if end - at == _YEAR_DIGITS:
        return dates.year(text, at)
    long = _LONG_NUMBER.match(plain, at) if end - at > _YEAR_DIGITS else None
    if long is None or (at and plain[at - 1] in _MONEY):
        return None
    sure = checks.number(long.group())
    return Found(at, long.end(), Kind.ID if sure else Kind.NUMBER, POSSIBLE if sure else BARE)


def _with_sign(plain: str, at: int, position: int) -> int:
    """Return where a number begins with its plus and bracket."""
    start = at
    while start > position and at - start < _SHORT and plain[start - 1] in "+(":
        start -= 1
    return start


_LONGEST_HOUSE = 6
_YEAR_DIGITS = 4
_BESIDE_HOUSE = frozenset(" ,.-/\nabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") | {""}


def _with_words(text: Folded, at: int, end: int) -> Found | None:
    """Return what a number and the words beside it are: a date, an age, an address."""
    if end - at < _SHORT:
        day = dates.day_and_month(text.lower, at)
        if day:
            return Found(at, day, Kind.DATE, LIKELY)
    if end - at <= _SHORT and dates.old(text.lower, at):
        return Found(at, end, Kind.AGE, LIKELY)
    return places.at_number(text, at, end)
