"""A text without its disguises, and the way back to where each character stood."""

import re
import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from projections.redaction import signs
from vault.aliases import WORD, fold_character

__all__ = ["Builder", "Folded", "composed", "folded", "spots"]


@dataclass(frozen=True, slots=True)
class Pieces:
    """How a changed text goes back to its original, piece by piece.

    Piece `i` begins at `starts[i]`. Its characters stand one for one from `origins[i]` where
    `stops[i]` is 0; otherwise each of them stands for the whole of `origins[i]:stops[i]`.
    """

    starts: "array[int]" = field(default_factory=lambda: array("I"))
    origins: "array[int]" = field(default_factory=lambda: array("I"))
    stops: "array[int]" = field(default_factory=lambda: array("I"))

    def add(self, start: int, origin: int, stop: int = 0) -> None:
        """Append a piece."""
        self.starts.append(start)
        self.origins.append(origin)
        self.stops.append(stop)

    def begin(self, at: int) -> int:
        """Return where what a character stands for begins."""
        piece = bisect_right(self.starts, at) - 1
        moved = 0 if self.stops[piece] else at - self.starts[piece]
        return self.origins[piece] + moved

    def end(self, at: int) -> int:
        """Return where what a character stands for ends."""
        piece = bisect_right(self.starts, at) - 1
        return self.stops[piece] or self.origins[piece] + at - self.starts[piece] + 1


class Folded(NamedTuple):
    """`text` keeps letter case, `lower` does not; both have the same length.

    `words` are its runs of the letters a to z in lower case, `spoken` its words as people are
    looked for; `signs` what else it holds (see `signs`), and `longest` the length of what is
    longest between spaces, points and colons, from 14 on: they spare whoever looks for
    something what cannot be there. `apart` is the text with spaces for all but letters (and one
    at either end), `plain` for all but letters and digits, or nothing where other scripts have
    words. `pieces` is None where nothing moved. A text made out of a folded one names it as
    `base`.
    """

    text: str
    lower: str
    words: frozenset[str]
    spoken: frozenset[str]
    signs: int
    longest: int
    apart: str
    plain: str
    pieces: Pieces | None = None
    base: "Folded | None" = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a folded span stood in the original."""
        if self.pieces is not None:
            start, end = self.pieces.begin(start), self.pieces.end(end - 1)
        return self.base.span(start, end) if self.base else (start, end)


class Builder:
    """Puts a text together out of pieces of a folded one."""

    def __init__(self, base: Folded) -> None:
        self._base = base
        self._pieces = Pieces()
        self._parts: list[str] = []
        self._length = 0

    def keep(self, start: int, end: int) -> None:
        """Take over a span as it is."""
        if end > start:
            self._add(self._base.text[start:end], start, 0)

    def put(self, text: str, start: int, end: int) -> None:
        """Write a text, folded, in place of a span; each of its characters stands for all of it."""
        self._add(_translated(composed(text)), start, end)

    def swap(self, text: str, start: int) -> None:
        """Write a text whose characters stand one for one from `start`."""
        self._add(text, start, 0)

    def apart(self) -> None:
        """Begin a new line, so that what stands apart is not read together."""
        self._add("\n", self._pieces.end(self._length - 1) if self._length else 0, 0)

    def built(self) -> Folded:
        """Return the whole."""
        return _folded("".join(self._parts), self._pieces, self._base)

    def _add(self, text: str, origin: int, stop: int) -> None:
        if text:
            self._pieces.add(self._length, origin, stop)
            self._parts.append(text)
            self._length += len(text)


class _Table(dict[int, str]):
    """What each character folds to, asked once."""

    def __missing__(self, code: int) -> str:
        plain = fold_character(chr(code))
        self[code] = plain
        return plain


_TABLE = _Table()


def _translated(text: str) -> str:
    return text if text.isascii() else text.translate(_TABLE)


def folded(text: str) -> Folded:
    """Fold a text; a word that only composing makes readable is found, and masked, as a whole."""
    if text.isascii():
        return _folded(text)
    apart = [] if unicodedata.is_normalized("NFC", text) else _apart(text)
    pieces = Pieces()
    parts: list[str] = []
    length = done = 0
    for start, end, said in (*apart, (len(text), len(text), "")):
        plain = text[done:start]
        for at, origin, stop in _moves(plain):
            pieces.add(length + at, done + origin, stop and done + stop)
        parts += (_translated(plain), said)
        length += len(parts[-2])
        if said:
            pieces.add(length, start, end)
            length += len(said)
        done = end
    visible = "".join(parts)
    return _folded(visible, pieces if apart or _uneven(text) else None)


def _apart(text: str) -> list[tuple[int, int, str]]:
    """Return where words stand that say something else once they are composed, and what."""
    return [
        (found.start(), found.end(), said)
        for found in re.finditer(r"\S+", text)
        if (said := _translated(composed(found.group()))) != _translated(found.group())
    ]


_ODD = re.compile(r"[^\x00-\x7f]+")
_ODD_ONE = re.compile(r"[^\x00-\x7f]")
_DIGITS = b"0123456789"
_LETTERS = b"abcdefghijklmnopqrstuvwxyz"


def _only(kept: bytes) -> bytes:
    """Return a table that makes spaces of all bytes but some."""
    return bytes(byte if byte in kept else 32 for byte in range(256))


_WORDS, _SPOKEN = _only(_LETTERS), _only(_LETTERS + _DIGITS)
_LONG = 14
"""Nobody asks whether something shorter is there."""


def _folded(text: str, pieces: Pieces | None = None, base: Folded | None = None) -> Folded:
    lower = _lower(text)
    met = signs.signs(text)
    longest = 0
    if met & signs.LONG:
        parts = lower.replace(".", " ").replace(":", " ").split()
        longest = max(map(len, parts), default=0)
    # What is not ASCII becomes a question mark, which is no letter either.
    written = b" %b " % lower.encode("ascii", "replace")
    apart = plain = written.translate(_WORDS).decode("ascii")
    words = spoken = frozenset(apart.split())
    if not lower.isascii() and any(map(str.isalnum, "".join(_ODD.findall(lower)))):
        plain, spoken = "", frozenset(WORD.findall(lower))
    elif met & signs.DIGIT:
        plain = written.translate(_SPOKEN).decode("ascii")
        spoken = frozenset(plain.split())
    return Folded(text, lower, words, spoken, met, longest, apart, plain, pieces, base)


def spots(apart: str, word: str) -> Iterator[int]:
    """Yield where a word stands in a text, given as it is in `apart` or `plain`."""
    wanted = f" {word} "
    at = apart.find(wanted)
    while at >= 0:
        yield at
        at = apart.find(wanted, at + len(word) + 1)


def _uneven(text: str) -> bool:
    """Whether some character folds to none or to several."""
    return any(len(_TABLE[ord(c)]) != 1 for c in set("".join(_ODD.findall(text))))


def _moves(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the pieces of a text in which some characters may fold to none or to several."""
    length = done = 0
    for found in _ODD_ONE.finditer(text):
        at, width = found.start(), len(_TABLE[ord(found.group())])
        if width == 1:
            continue
        if at > done:
            yield length, done, 0
            length += at - done
        if width:
            yield length, at, at + 1
            length += width
        done = at + 1
    if done < len(text) or (done and not length):
        yield length, done, 0


def _lower(text: str) -> str:
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


def composed(text: str) -> str:
    """Return a text in the form that `folded` expects."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
