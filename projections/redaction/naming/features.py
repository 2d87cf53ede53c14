"""What the names model reads of a text: tokens, the lists they are on, and their features."""

import re
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from projections.redaction.kinds import Kind

__all__ = [
    "EDGE",
    "JOINTS",
    "KINDS",
    "OFFSETS",
    "TOKEN",
    "Lexicon",
    "Word",
    "chunks",
    "digest",
    "features",
    "joined",
    "joint",
    "reach",
    "word",
]

KINDS = (Kind.PERSON, Kind.ORG, Kind.LOC)
"""What the model finds."""

TOKEN = re.compile(
    r"\n\s*|https?://[^\s?&]+|www\.[^\s?&]+|[@#] ?\w+|'(?:[stmdSTMD]|re|ve|ll|RE|VE|LL)\b|[^\W_]+|"
    r"([^\w\s])\1*|\S"
)
EDGE = "\n"
"""The token that stands before the first and after the last."""


def digest(text: str, offset: int = 0) -> int:
    """Return the 32 bits by which lists and weights know a text, other ones at each offset."""
    return zlib.crc32(text.encode(), offset & 0xFF)


class Lexicon(NamedTuple):
    """Lists of lower-case words, as digests.

    Args:
        common: Words that everybody uses.
        silent: Common words that are never part of a name.
        given: Given names.
        family: Family names.
        place: Words of names of places.
        vocabulary: Words that are in use; some are names as well.
    """

    common: frozenset[int] = frozenset()
    silent: frozenset[int] = frozenset()
    given: frozenset[int] = frozenset()
    family: frozenset[int] = frozenset()
    place: frozenset[int] = frozenset()
    vocabulary: frozenset[int] = frozenset()


class Word(NamedTuple):
    """What a token is by itself.

    Args:
        lower: Without case and marks, digits levelled.
        kind: Its letter case and the lists it is on, a character each.
        case: Its letter case.
        candidate: Whether it may be a name where it stands.
    """

    lower: str
    kind: str
    case: str
    candidate: bool


_DIGITS = str.maketrans("123456789", "0" * 9)
_LONGEST = 24
_SHORTEST_LOWER = 3
_ON_LISTS = "csgfpv"


def word(token: str, lexicon: Lexicon) -> Word:
    """Return what a token is by itself."""
    case = _case(token)
    if case in "/n":
        return Word(case, case, case, candidate=False)
    lower = token.lower().translate(_DIGITS)[:_LONGEST]
    if not lower.isascii():
        lower = lower.encode("utf-8", "replace").decode()
    if case in "p0":
        return Word(lower, lower, case, candidate=False)
    bare = lower.lstrip("@# ")
    found = digest(bare)
    lists = [mark for mark, known in zip(_ON_LISTS, lexicon, strict=True) if found in known]
    if case == "l":
        usual = "c" in lists or "s" in lists or lists == ["v"]
        candidate = not usual and len(bare) >= _SHORTEST_LOWER
    else:
        candidate = "s" not in lists and case not in "ao"
    return Word(bare, "".join((case, *lists)), case, candidate=candidate)


def features(own: Word, distance: int) -> list[str]:
    """Return what a word says of one that is so far away; 0 is itself."""
    lower, kind, case, _ = own
    found = [f"w={lower}", f"k={kind}"]
    if case in "/np0":
        return found
    found += [f"i={case}{mark}" for mark in kind[1:]]
    if distance < _FAR:
        found.append(f"3={lower[-3:]}")
    if distance:
        return found
    found += [
        f"<1={lower[:1]}",
        f"<2={lower[:2]}",
        f"<3={lower[:3]}",
        f"<4={lower[:4]}",
        f">1={lower[-1:]}",
        f">2={lower[-2:]}",
        f">4={lower[-4:]}",
        f"l={min(len(lower), 12)}{case}",
        f"w={lower}{case}",
    ]
    if "c" not in kind:
        rim = f"^{lower}$"
        found += [f"g={rim[at : at + 3]}" for at in range(len(rim) - 2)]
        found += [f"{case}>{lower[-3:]}", f"{case}>{lower[-2:]}"]
    return found


_FAR = 2


def reach(own: Word) -> int:
    """Return how many of a word's own features, the first ones, are those it has farthest away."""
    return 2 if own.case in "/np0" else 1 + len(own.kind)


def _case(token: str) -> str:
    """Return one character that says how a token is written."""
    first = token[0]
    if first == "\n":
        return "n"
    if first in "@#" and token[-1] != first:
        return first
    if not token.isalnum():
        return "/" if "://" in token or token[:4].lower() == "www." else "p"
    if token.isalpha():
        return _letters(token)
    if token.isdecimal():
        return "0"
    return "A" if first.isupper() else "a"


def _letters(token: str) -> str:
    if token.islower():
        return "l"
    if token.isupper():
        return "I" if len(token) == 1 else "U"
    if token[0].isupper():
        return "C" if token[1:].islower() else "M"
    return "m" if token.upper() != token.lower() else "o"


def joined(before: Word, here: Word, after: Word, second: Word) -> tuple[tuple[str, ...], ...]:
    """Return the features that only several words together have, one for each kind of them.

    Args:
        before: The word before.
        here: The word that is weighed.
        after: The word after.
        second: The word before the word before.
    """
    return (
        (before.kind, here.kind, after.kind),
        (before.lower, here.kind),
        (here.kind, after.lower),
        (second.lower, before.lower, here.case),
    )


JOINTS = "abde"
"""Names of the features of several words."""


def joint(name: str, key: Iterable[str]) -> str:
    """Return how a feature of several words is written."""
    return f"{name}={'|'.join(key)}"


OFFSETS = (-2, -1, 0, 1, 2)
"""From a word that is weighed to those that say something of it."""

_CHUNK = 20_000


def chunks(text: str) -> Iterator[tuple[int, int]]:
    """Cut a text at ends of lines, or of words, so that memory stays small."""
    start = 0
    while len(text) - start > _CHUNK:
        end = start + _CHUNK
        line, space = text.rfind("\n", start, end), text.rfind(" ", start, end)
        cut = line if line > start + _CHUNK // 2 else max(space, line)
        yield start, (cut if cut > start else end)
        start = cut if cut > start else end
    yield start, len(text)
