"""Words as rows of whole numbers, and the best labels for many of them at once.

What a word adds to the words around it is summed once and kept. The digests of features of
several words follow from those of the words, because CRC-32 is linear: the checksum of two
texts is that of the first, moved by the length of the second, and that of the second together.
"""

import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from projections.redaction.naming.features import OFFSETS, Lexicon, Word, features, reach, word

__all__ = ["Numbers", "Path", "Rows", "Scores", "Words"]

Numbers = npt.NDArray[np.int64]
Digests = npt.NDArray[np.uint32]
Scores = npt.NDArray[np.int16]

_CACHED = 40_000
_LONGEST = 128
"""More bytes than a word has as features read it."""
_GAP = 3
_NEVER = -(1 << 40)
_BYTE = 255
_Any = TypeVar("_Any", bound=np.generic)
_RAISED = 128
_SHELF = 12
"""So many bits tell digests apart that stand beside each other."""


class Rows:
    """What each feature adds to the score of each label; what is no feature adds nothing."""

    def __init__(self, keys: Sequence[int], values: bytes, labels: int) -> None:
        self.labels = labels
        self._last = len(keys)
        self._keys = np.array([*keys, 0xFFFFFFFF], np.uint32)
        begun = self._keys[:-1] >> _SHELF
        self._shelves = np.searchsorted(begun, np.arange(1 << (32 - _SHELF), dtype=np.uint32))
        self._shelves = self._shelves.astype(np.int32)
        self._most = int(np.bincount(begun).max()) if keys else 0
        told = np.frombuffer(values, np.uint8).reshape(-1, labels).astype(np.int16) - _RAISED
        self._values = np.vstack([told, np.zeros((1, labels), np.int16)])

    def of(self, digests: Digests) -> Scores:
        """Return the row of each feature."""
        at = self._shelves.take(digests >> _SHELF)
        for _ in range(self._most):
            at += self._keys.take(at) < digests
        at[self._keys.take(at) != digests] = self._last
        return self._values.take(at, axis=0)


class _Moves:
    """Checksums moved by lengths: what is left of them when so many bytes follow."""

    def __init__(self) -> None:
        own = np.arange(_BYTE + 1, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
        nothing = zlib.crc32(b"\0")
        one = [[zlib.crc32(b"\0", int(value)) ^ nothing for value in row] for row in own]
        self._table = np.array(one, np.uint32).reshape(-1)
        tables = [own]
        for _ in range(_LONGEST):
            tables.append(self.by(tables[-1], np.zeros(1, np.int64)))
        self._table = np.concatenate([table.reshape(-1) for table in tables])

    def by(self, digests: Digests, lengths: Numbers) -> Digests:
        """Return checksums, each moved by a length in bytes."""
        base = lengths << 10
        moved: Digests = self._table.take(base + (digests & _BYTE))
        for place in (1, 2, 3):
            byte = (digests >> (8 * place)) & _BYTE
            moved ^= self._table.take(base + byte + place * (_BYTE + 1))
        return moved


class _Numbered(dict[str, int]):
    """A number for each word that was met; `fresh` are those nothing else is known of."""

    def __init__(self) -> None:
        super().__init__()
        self.fresh: list[str] = []

    def __missing__(self, token: str) -> int:
        number = self[token] = len(self)
        self.fresh.append(token)
        return number


_KIND, _LOWER, _CASE, _KIND_ON, _LOWER_ON, _AROUND, _BEFORE, _AFTER, _SECOND = range(9)
"""Checksums of a word: of its kind, of itself, of its case; of the first two with the sign after
them in a feature of several words; and of how each such feature begins; see `joint`."""


def _checks(own: Word) -> tuple[int, ...]:
    kind, lower = own.kind.encode(), own.lower.encode()
    kind_on, lower_on, check = kind + b"|", lower + b"|", zlib.crc32
    return (
        check(kind),
        check(lower),
        check(own.case.encode()),
        check(kind_on),
        check(lower_on),
        check(b"a=" + kind_on),
        check(b"b=" + lower_on),
        check(b"d=" + kind_on),
        check(b"e=" + lower_on),
    )


class Words:
    """Words that were met; all are forgotten when there are too many."""

    def __init__(self, lexicon: Lexicon, rows: Rows) -> None:
        self._lexicon = lexicon
        self._rows = rows
        self._moves = _Moves()
        zeros = [bytes(length) for length in range(_LONGEST)]
        begun = [[zlib.crc32(n, o & _BYTE) ^ zlib.crc32(n) for n in zeros] for o in OFFSETS]
        self._begun = np.array(begun, np.uint32)
        self._forget()

    def __len__(self) -> int:
        return len(self._numbers)

    def _forget(self) -> None:
        self._numbers = _Numbered()
        self._candidates = np.zeros(0, np.bool_)
        self._sums = [np.zeros((0, self._rows.labels), np.int16) for _ in OFFSETS]
        self._lengths = np.zeros((0, 2), np.int64)
        self._checks = np.zeros((0, _SECOND + 1), np.uint32)

    def numbered(self, tokens: Sequence[str]) -> Numbers:
        """Return the numbers by which tokens are known until this is asked again."""
        if len(self) >= _CACHED:
            self._forget()
        met = self._numbers
        numbers = np.fromiter(map(met.__getitem__, tokens), np.int64, len(tokens))
        if met.fresh:
            self._learn([word(token, self._lexicon) for token in met.fresh])
            met.fresh.clear()
        return numbers

    def _learn(self, fresh: Sequence[Word]) -> None:
        size, start = len(self), len(self) - len(fresh)
        self._candidates = _grown(self._candidates, size)
        self._candidates[start:size] = [one.candidate for one in fresh]
        self._lengths = _grown(self._lengths, size)
        self._lengths[start:size] = [(len(o.kind.encode()), len(o.lower.encode())) for o in fresh]
        self._checks = _grown(self._checks, size)
        self._checks[start:size] = [_checks(one) for one in fresh]
        for place, sums in enumerate(self._summed(fresh)):
            self._sums[place] = _grown(self._sums[place], size)
            self._sums[place][start:size] = sums

    def _summed(self, fresh: Sequence[Word]) -> Iterator[Scores]:
        """Yield for each offset what words add there."""
        own = [features(one, 0) for one in fresh]
        counts = np.fromiter(map(len, own), np.int64, len(own))
        starts = np.cumsum(counts) - counts
        far = np.fromiter(map(reach, fresh), np.int64, len(own))
        # Next to a word counts one feature more than farther away, but for signs and numbers.
        reaches = (counts, np.minimum(far + 1, counts), far)
        told = "\n".join(chain.from_iterable(own)).encode().split(b"\n")
        checks = np.fromiter(map(zlib.crc32, told), np.uint32, len(told))
        lengths = np.fromiter(map(len, told), np.int64, len(told))
        for place, offset in enumerate(OFFSETS):
            counts = reaches[abs(offset)]
            begins = np.cumsum(counts) - counts
            at = np.arange(counts.sum()) + np.repeat(starts - begins, counts)
            rows = self._rows.of(checks[at] ^ self._begun[place, lengths[at]])
            yield np.add.reduceat(rows, begins, axis=0, dtype=np.int16)

    def weighed(self, words: Numbers) -> Numbers:
        """Return where words are that may be names, or stand between such."""
        may = self._candidates[words]
        (at,) = may.nonzero()
        apart = np.diff(at)
        for step in range(1, _GAP):
            may[at[:-1][(apart > step) & (apart <= _GAP)] + step] = True
        return may.nonzero()[0]

    def scores(self, words: Numbers, at: Numbers) -> Scores:
        """Return what speaks for each label where words are weighed."""
        near = [words[at + offset] for offset in OFFSETS]
        told: Scores = self._sums[0].take(near[0], axis=0)
        for sums, numbers in zip(self._sums[1:], near[1:], strict=True):
            told += sums.take(numbers, axis=0)
        for digests in self._joined(*near[:-1]):
            told += self._rows.of(digests)
        return told

    def _joined(
        self, second: Numbers, before: Numbers, here: Numbers, after: Numbers
    ) -> Iterator[Digests]:
        """Yield the digests of features of several words; see `features.joined`."""
        checks, by = self._checks, self._moves.by
        kinds, lowers = self._lengths[:, 0], self._lengths[:, 1]
        two = by(checks[before, _AROUND], kinds[here] + 1) ^ checks[here, _KIND_ON]
        yield by(two, kinds[after]) ^ checks[after, _KIND]
        yield by(checks[before, _BEFORE], kinds[here]) ^ checks[here, _KIND]
        yield by(checks[here, _AFTER], lowers[after]) ^ checks[after, _LOWER]
        two = by(checks[second, _SECOND], lowers[before] + 1) ^ checks[before, _LOWER_ON]
        yield by(two, np.ones_like(here)) ^ checks[here, _CASE]


def _grown(array: npt.NDArray[_Any], size: int) -> npt.NDArray[_Any]:
    """Return an array with room for so many rows."""
    if len(array) >= size:
        return array
    room = np.zeros((2 * size, *array.shape[1:]), array.dtype)
    room[: len(array)] = array
    return room


class Path:
    """The best way through the labels of words, for many runs of words at once (Viterbi 1967).

    Label 0 is no name, odd ones begin a name, the even one after each goes on with it.
    """

    def __init__(self, steps: Sequence[int], labels: int) -> None:
        table = np.array(steps, np.int64).reshape(labels, labels)
        on = np.arange(2, labels, 2)
        self._on = on
        self._alone = table[0] + table[:, 0]
        self._alone[on] = _NEVER
        self._gains = _gains(table)
        self._steps = table
        self._steps[:, on] = np.where(
            (np.arange(labels)[:, None] == on) | (np.arange(labels)[:, None] == on - 1),
            table[:, on],
            _NEVER,
        )

    def may_name(self, scores: Scores) -> npt.NDArray[np.bool_]:
        """Return which words may be names, whatever stands around them."""
        return np.asarray((scores + self._gains).max(axis=1) > scores[:, 0], np.bool_)

    def names(self, at: Numbers, scores: Scores) -> Numbers:
        """Return first word, end and kind (a number) of each name.

        Args:
            at: Where the words stand that may be names, ascending.
            scores: What speaks for each of their labels.
        """
        begins = np.flatnonzero(np.diff(at, prepend=-2) > 1)
        runs = np.diff(begins, append=len(at))
        labels = self._labels(begins, runs, scores)
        named = labels.nonzero()[0]
        first = np.flatnonzero(labels[named] % 2)
        last = named[np.append(first[1:], len(named)) - 1] if first.size else first
        return np.stack([at[named[first]], at[last] + 1, (labels[last] - 1) // 2], axis=1)

    def _labels(self, begins: Numbers, runs: Numbers, scores: Scores) -> Numbers:
        """Return the best label of each word; between the runs are words that are no names."""
        found = np.zeros(len(scores), np.int64)
        single = begins[runs == 1]
        found[single] = (scores[single] + self._alone).argmax(axis=1)
        length = 2
        while (runs >= length).any():
            some = (runs >= length) & (runs < 2 * length)
            if some.any():
                self._go(found, begins[some], runs[some], scores)
            length *= 2
        return found

    def _go(self, found: Numbers, begins: Numbers, runs: Numbers, scores: Scores) -> None:
        """Put the labels of runs of about the same length in their places."""
        each, on, steps = np.arange(len(runs)), self._on, self._steps
        best = np.full((len(runs), len(steps)), _NEVER)
        best[:, 0] = 0
        nothing = np.where(np.arange(len(steps)), _NEVER, 0)
        came: list[Numbers] = []
        for step in range(int(runs.max()) + 1):
            ways = best[:, :, None] + steps
            back = ways.argmax(axis=1)
            # Between equals a name goes on.
            back[:, on] = on - (ways[:, on - 1, on] > ways[:, on, on])
            came.append(back)
            here = scores[np.minimum(begins + step, len(scores) - 1)]
            best = ways.max(axis=1) + np.where((step < runs)[:, None], here, nothing)
        label = np.zeros_like(runs)
        for step in range(len(came) - 1, 0, -1):
            label = came[step][each, label]
            inside = step <= runs
            found[begins[inside] + step - 1] = label[inside]


def _gains(steps: Numbers) -> Numbers:
    """Return the most by which the steps around a word can favour each label over none."""
    labels = range(len(steps))

    def gain(label: int) -> int:
        before = labels if label % 2 else (label - 1, label)
        after = [n for n in labels if not n or n % 2 or n in {label, label + label % 2}]
        return max(
            int(steps[old, label] - steps[old, 0] + steps[label, new])
            - int(steps[0, new - (new % 2 == 0 < new)])
            for old in before
            for new in after
        )

    return np.array([0, *map(gain, labels[1:])], np.int64)
