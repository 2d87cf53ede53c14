"""Texts with marked names: read from public sets, and changed so that less is learned by heart."""

import gzip
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from projections.redaction.kinds import Kind
from projections.redaction.naming.features import KINDS, TOKEN, digest
from vault.aliases import fold

__all__ = ["Mark", "Marked", "cased", "held_out", "labelled", "read", "replaced", "tightened"]


class Mark(NamedTuple):
    """A name in a text."""

    start: int
    end: int
    kind: Kind


class Marked(NamedTuple):
    """A folded text and its names, in order."""

    text: str
    marks: tuple[Mark, ...]


_HELD = 10
_NAMES = {kind.name: kind for kind in KINDS}


def held_out(text: str) -> bool:
    """Whether a text of the sets is kept from training, so that it can be measured on."""
    return digest(text) % _HELD == 0


def read(path: Path) -> Iterator[Marked]:
    """Yield the texts of a set: gzipped lines of JSON with `text` and `spans`."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            if not held_out(one["text"]):
                yield _folded(one["text"], one["spans"])


def _folded(text: str, spans: Iterable[Sequence[int | str]]) -> Marked:
    pieces: list[str] = []
    marks: list[Mark] = []
    done = length = 0
    for start, end, name, *_ in spans:
        if str(name) not in _NAMES or int(start) < done:
            continue
        before, inside = fold(text[done : int(start)]), fold(text[int(start) : int(end)])
        length += len(before)
        marks.append(Mark(length, length + len(inside), _NAMES[str(name)]))
        length += len(inside)
        pieces += (before, inside)
        done = int(end)
    return Marked("".join((*pieces, fold(text[done:]))), tuple(marks))


def labelled(one: Marked, *, handles: bool = True) -> tuple[list[str], list[int]]:
    """Return tokens and labels of a text.

    Args:
        one: The text.
        handles: Whether a handle that is not marked counts as a person; else it is no name.
    """
    tokens: list[str] = []
    labels: list[int] = []
    marks = list(one.marks)
    inside = False
    for match in TOKEN.finditer(one.text):
        while marks and marks[0].end <= match.start():
            marks.pop(0)
            inside = False
        named = bool(marks) and match.start() < marks[0].end and marks[0].start < match.end()
        begins = not inside and not match[0][0].isalnum() and not _HANDLE.fullmatch(match[0])
        tokens.append(match[0])
        if named and not begins:
            labels.append(1 + 2 * KINDS.index(marks[0].kind) + inside)
            inside = True
        else:
            labels.append(int(handles and bool(_JOINED.match(match[0]))))
    return tokens, labels


_HANDLE = re.compile(r"[@#] ?\w+")
_JOINED = re.compile(r"@\w")
_LOOSE = re.compile(
    r"(?<=[\w)\"'.,!?;:]) (?=[.,!?;:)](?:\s|$)|'(?:s|t|m|re|ve|ll|d)\b|n't\b)|(?<=@) (?=\w)|(?<=\() (?=\w)"
)


def tightened(one: Marked) -> Marked:
    """Take away the spaces that a tokenizer put in."""
    gaps = [match.start() for match in _LOOSE.finditer(one.text)]
    return _without(one, gaps)


def _without(one: Marked, gaps: list[int]) -> Marked:
    gone = set(gaps)
    moved = [0]
    for at in range(len(one.text)):
        moved.append(moved[-1] + (at not in gone))
    text = "".join(c for at, c in enumerate(one.text) if at not in gone)
    return Marked(text, tuple(Mark(moved[m.start], moved[m.end], m.kind) for m in one.marks))


def replaced(one: Marked, other: Callable[[Mark, str], str]) -> Marked:
    """Return a text with other names, one for each mark."""
    pieces: list[str] = []
    marks: list[Mark] = []
    done = length = 0
    for mark in one.marks:
        before, inside = one.text[done : mark.start], other(mark, one.text[mark.start : mark.end])
        length += len(before)
        marks.append(Mark(length, length + len(inside), mark.kind))
        length += len(inside)
        pieces += (before, inside)
        done = mark.end
    return Marked("".join((*pieces, one.text[done:])), tuple(marks))


def cased(one: Marked, rng: random.Random) -> Marked:
    """Return a text as hurried people write it, sometimes: small letters, capitals, no end."""
    chance = rng.random()
    text = one.text
    if chance < _SMALL:
        text = text.lower()
    elif chance < _SMALL_NAMES:
        return replaced(one, lambda _, name: name.lower())
    elif chance < _LARGE:
        text = text.upper()
    elif chance < _TITLE:
        text = re.sub(r"\b[a-z](?=\w{3})", lambda found: found[0].upper(), text)
    if len(text) != len(one.text):
        return one
    if rng.random() < _NO_END and text[-1:] in ".!" and text:
        text = text[:-1]
        marks = (Mark(m.start, min(m.end, len(text)), m.kind) for m in one.marks)
        return Marked(text, tuple(marks))
    return Marked(text, one.marks)


_SMALL, _SMALL_NAMES, _LARGE, _TITLE, _NO_END = 0.14, 0.2, 0.23, 0.26, 0.15
