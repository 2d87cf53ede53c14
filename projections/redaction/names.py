"""Names of strangers, places and organisations, found by word, form and context.

A linear-chain model that ships with the project (`names.bin`, made by `make_names`). It
reads no library: weights are small integers, so that the same text has the same names on
every machine. Only words that may be names are weighed, with two words on either side;
what a word contributes is summed once and kept, all labels packed into one integer.
"""

import functools
import hashlib
import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import add
from pathlib import Path
from typing import Protocol

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.naming.features import (
    EDGE,
    JOINTS,
    KINDS,
    OFFSETS,
    TOKEN,
    Lexicon,
    Word,
    features,
    joint,
    word,
)

__all__ = ["LABELS", "Model", "Names", "Weights", "chunks", "shipped"]

LABELS = 1 + 2 * len(KINDS)
"""0 is no name; 2k + 1 begins a name of kind k, 2k + 2 goes on with it."""


class Names(Protocol):
    """A finder of names that needs no list of people."""

    @property
    def version(self) -> str:
        """Changes whenever the finder may find something else."""

    def find(self, text: Folded) -> Iterator[Found]:
        """Yield what is a person, an organisation or a place, in order of the text."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A model as it is kept.

    Args:
        lexicon: Its lists.
        steps: From each label (rows) to each (columns), in a row of numbers.
        keys: Digests of features, ascending.
        values: For each feature one byte for each label, raised by 128.
    """

    lexicon: Lexicon
    steps: tuple[int, ...]
    keys: "array[int]"
    values: bytes

    def packed(self) -> bytes:
        """Return the bytes of the file."""
        lists = [array("I", sorted(known)) for known in self.lexicon]
        sizes = struct.pack(f"<{len(lists) + 1}I", *map(len, lists), len(self.keys))
        steps = struct.pack(f"<{LABELS * LABELS}h", *self.steps)
        numbers = b"".join(_little(numbers) for numbers in (*lists, self.keys))
        # One column after the other, so that what is alike stands together.
        columns = b"".join(self.values[label::LABELS] for label in range(LABELS))
        return _MAGIC + zlib.compress(sizes + steps + numbers + columns, 9)

    @classmethod
    def unpacked(cls, file: bytes) -> "Weights":
        """Read the bytes of a file."""
        assert file.startswith(_MAGIC), "no names model of this version"
        body = zlib.decompress(file[len(_MAGIC) :])
        head = f"<{_LISTS + 1}I{LABELS * LABELS}h"
        told = struct.unpack_from(head, body)
        at = struct.calcsize(head)
        numbers = []
        for size in told[: _LISTS + 1]:
            numbers.append(_numbers(body[at : at + 4 * size]))
            at += 4 * size
        keys = numbers.pop()
        values = bytearray(len(keys) * LABELS)
        for label in range(LABELS):
            values[label::LABELS] = body[at + label * len(keys) : at + (label + 1) * len(keys)]
        return cls(Lexicon(*map(frozenset, numbers)), told[_LISTS + 1 :], keys, bytes(values))


_LISTS = len(Lexicon._fields)
_MAGIC = b"twin names 1\n"


def _little(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _numbers(data: bytes) -> "array[int]":
    numbers = array("I", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


# Scores of all labels travel in one integer, 16 bits each. What a feature adds is raised by
# 128, for every label alike, so that no score is ever negative or in need of more bits.
_APART = struct.Struct(f"<{LABELS}H")
_ROW = _APART.size
_RAISED = 128

_CACHED = 40_000
_JOINED = 60_000


class _Words(dict[str, Word]):
    """What each token is by itself; forgets all when it grows too large."""

    def __init__(self, lexicon: Lexicon) -> None:
        super().__init__()
        self._lexicon = lexicon

    def __missing__(self, token: str) -> Word:
        if len(self) >= _CACHED:
            self.clear()
        made = self[token] = word(token, self._lexicon)
        return made


class _Sums(dict[str, int]):
    """What each token adds to a word at one distance; forgets all when it grows too large."""

    def __init__(self, model: "Model", offset: int) -> None:
        super().__init__()
        self._model = model
        self._offset = offset

    def __missing__(self, token: str) -> int:
        if len(self) >= _CACHED:
            self.clear()
        found = features(self._model.words[token], abs(self._offset))
        made = self[token] = self._model.sum(found, self._offset)
        return made


class _Joined(dict[tuple[str, ...], int]):
    """What a feature of several words adds; forgets all when it grows too large."""

    def __init__(self, model: "Model", name: str) -> None:
        super().__init__()
        self._model = model
        self._name = name

    def __missing__(self, key: tuple[str, ...]) -> int:
        if len(self) >= _JOINED:
            self.clear()
        made = self[key] = self._model.sum((joint(self._name, key),), 0)
        return made


_CHUNK = 20_000
_GAP = 3


class Model:
    """Finds names by weights."""

    def __init__(self, file: bytes) -> None:
        weights = Weights.unpacked(file)
        self._version = hashlib.sha256(file).hexdigest()[:16]
        self.words = _Words(weights.lexicon)
        self._rows = dict(zip(weights.keys, range(0, len(weights.values) * 2, _ROW), strict=True))
        values = bytearray(len(weights.values) * 2)
        values[::2] = weights.values
        self._values = bytes(values)
        steps = tuple(weights.steps)
        self._into = _into(steps)
        self._begun = [steps[(label - 1) * LABELS + label] for label in range(LABELS)]
        self._single = tuple(
            steps[label] + steps[label * LABELS] if not label or label % 2 else _NEVER
            for label in range(LABELS)
        )
        self._on = steps[:: LABELS + 1]
        self._gains = _gains(steps)
        self._sums = tuple(_Sums(self, offset) for offset in OFFSETS)
        self._joined = tuple(_Joined(self, name) for name in JOINTS)

    @property
    def version(self) -> str:
        """The digest of the model's file."""
        return self._version

    def find(self, text: Folded) -> Iterator[Found]:
        """Yield names in order of the text, each after the title before it; see `Names`."""
        for start, end in chunks(text.text):
            yield from self._find(text.text[start:end], start)

    def sum(self, features: Iterable[str], offset: int) -> int:
        """Return the weights of features, added up and packed."""
        total = 0
        place, values, first = self._rows.get, self._values, offset & 0xFF
        for feature in features:
            # The body of `digest`, which is called so often that the call would count.
            at = place(zlib.crc32(feature.encode(), first))
            if at is not None:
                total += int.from_bytes(values[at : at + _ROW], "little")
        return total

    def _find(self, text: str, shift: int) -> Iterator[Found]:
        matches = list(TOKEN.finditer(text))
        tokens = [EDGE, EDGE, *[match[0] for match in matches], EDGE, EDGE]
        words = list(map(self.words.__getitem__, tokens))
        for first, last in _windows([at for at, one in enumerate(words) if one[3]]):
            for start, end, kind in self._names(tokens, words, first, last):
                if kind is Kind.PERSON and (title := _title(tokens, start)):
                    begin, stop = matches[title - 2].span()
                    yield Found(shift + begin, shift + stop, Kind.JOB, _SURE)
                begin, stop = matches[start - 2].start(), matches[end - 3].end()
                yield Found(shift + begin, shift + stop, _told(kind, tokens[start]), _SURE)

    def _names(
        self, tokens: Sequence[str], words: Sequence[Word], first: int, last: int
    ) -> Iterator[tuple[int, int, Kind]]:
        """Yield the names of a window, in tokens."""
        run: list[tuple[int, ...]] = []
        for at in range(first, last + 1):
            score = self._score(tokens, words, at)
            if max(map(add, score, self._gains)) > score[0]:
                run.append(score)
            elif run:
                yield from _spans(self._path(run), at - len(run))
                run = []
        if run:
            yield from _spans(self._path(run), last + 1 - len(run))

    def _score(self, tokens: Sequence[str], words: Sequence[Word], at: int) -> tuple[int, ...]:
        """Return what the words around say of each label."""
        two, one, own, next_, last = self._sums
        second, before, here, after = words[at - 2 : at + 2]
        around, left, right, phrase = self._joined
        kind = here[1]
        total = (
            two[tokens[at - 2]]
            + one[tokens[at - 1]]
            + own[tokens[at]]
            + next_[tokens[at + 1]]
            + last[tokens[at + 2]]
            + around[before[1], kind, after[1]]
            + left[before[0], kind]
            + right[kind, after[0]]
            + phrase[second[0], before[0], here[2]]
        )
        return _APART.unpack(total.to_bytes(_ROW, "little"))

    def _alone(self, score: tuple[int, ...]) -> int:
        """Return the best label of a single word between words that are no names."""
        values = list(map(add, score, self._single))
        return values.index(max(values))

    def _path(self, scores: list[tuple[int, ...]]) -> list[int]:
        """Return the best labels of words between words that are no names."""
        into = self._into
        if len(scores) == 1:
            return [self._alone(scores[0])]
        best = [0] + [_NEVER] * (LABELS - 1)
        came: list[list[int]] = []
        for score in (*scores, _ENDED):
            row = [0] * LABELS
            now = [0] * LABELS
            for label, steps in enumerate(into):
                if steps:
                    values = list(map(add, best, steps))
                    most = max(values)
                    row[label] = values.index(most)
                else:
                    begun, on = best[label - 1] + self._begun[label], best[label] + self._on[label]
                    row[label] = label - 1 if begun > on else label
                    most = max(begun, on)
                now[label] = most + score[label]
            best = now
            came.append(row)
        label = 0
        path: list[int] = []
        for row in reversed(came):
            label = row[label]
            path.append(label)
        path.reverse()
        return path[1:]


def _gains(steps: tuple[int, ...]) -> tuple[int, ...]:
    """Return the most by which the steps around a word can favour each label over none."""

    def step(old: int, label: int) -> int:
        return steps[old * LABELS + label]

    def gain(label: int) -> int:
        before = range(LABELS) if label % 2 else (label - 1, label)
        after = [n for n in range(LABELS) if not n or n % 2 or n in {label, label + label % 2}]
        return max(
            step(old, label) - step(old, 0) + step(label, new) - step(0, new - (new % 2 == 0 < new))
            for old in before
            for new in after
        )

    return (0, *map(gain, range(1, LABELS)))


def _into(steps: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the weights of the steps into each label that may follow on any."""
    return tuple(steps[label::LABELS] if not label or label % 2 else () for label in range(LABELS))


_SURE = 0.8
_NEVER = -(1 << 40)
_ENDED = (0, *[_NEVER] * (LABELS - 1))


_TITLES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "doctor",
        "prof",
        "professor",
        "sir",
        "madam",
        "dame",
        "rev",
        "judge",
        "nurse",
        "captain",
        "herr",
        "frau",
        "herrn",
        "doktor",
        "monsieur",
        "madame",
        "mademoiselle",
        "m",
        "mme",
        "mlle",
        "maitre",
        "docteur",
        "professeur",
        "senor",
        "senora",
        "senorita",
        "sr",
        "sra",
        "srta",
        "don",
        "dona",
        "doctora",
        "profesor",
        "profesora",
        "signor",
        "signora",
        "signorina",
        "sig",
        "dott",
        "dottor",
        "dottoressa",
        "professoressa",
        "avv",
        "avvocato",
        "senhor",
        "senhora",
        "doutor",
        "doutora",
        "meneer",
        "mevrouw",
        "mijnheer",
        "dhr",
        "mw",
        "mevr",
        "dokter",
        "pan",
        "pani",
        "panie",
        "panu",
        "doktora",
        "profesora",
    ]
)


def _told(kind: Kind, first: str) -> Kind:
    """Return what a name is that begins so: people go by `@name` where things do too."""
    return Kind.HANDLE if first[0] == "@" else kind


def _title(tokens: Sequence[str], start: int) -> int:
    """Return where a title stands before a name, or 0."""
    at = start - 2 if tokens[start - 1] == "." else start - 1
    return at if tokens[at][0].isupper() and tokens[at].lower() in _TITLES else 0


def _windows(candidates: list[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of candidates that stand close together, and what is between."""
    if not candidates:
        return
    first = last = candidates[0]
    for at in candidates:
        if at - last > _GAP:
            yield first, last
            first = at
        last = at
    yield first, last


def _spans(path: list[int], shift: int) -> Iterator[tuple[int, int, Kind]]:
    """Yield start, end and kind of the names in a row of labels."""
    start = 0
    for at, label in enumerate((*path, 0)):
        if label and not label % 2:
            continue
        if at and path[at - 1]:
            yield shift + start, shift + at, KINDS[(path[at - 1] - 1) // 2]
        start = at


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


@functools.cache
def shipped() -> Names:
    """Return the model that ships with the project."""
    return Model(Path(__file__).with_name("names.bin").read_bytes())
