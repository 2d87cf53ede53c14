"""Sensitive matters in a text, each with a probability: what nobody may use unless it is named.

A text is read in passages. Of each, two things are known: its vector, and its words with their
parts and neighbours, hashed; one linear head per category weighs both, in whole numbers, so that
every machine computes the same bits. The weights ship; what they were learned from lies in
`projections/material`, and `make_sensitive` makes them anew. A text is about a matter as far as
its most telling passage is; the longer the text, the more that takes.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import nlargest
from importlib.resources import files
from itertools import pairwise
from math import exp, isqrt
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from projections.embed import Embedder, Vector, pack
from projections.embed import shipped as static

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BUCKETS",
    "CATEGORIES",
    "FINE",
    "SHARE",
    "Classifier",
    "Head",
    "Judged",
    "buckets",
    "passages",
    "probability",
    "share",
]

CATEGORIES = (
    "health",
    "sexuality",
    "religion",
    "politics",
    "ethnicity",
    "crime",
    "finance",
    "minors",
)
"""What is looked for, in the order of the weights: `vault.consent.SENSITIVE`, less `location`."""

BUCKETS = 1 << 14
FINE = 24
"""How many bits finer than thousandths weights of vectors are."""
SHARE = 16
"""How many bits finer than one `share` is; weights of words are as fine, times thousandths."""

_WHOLE, _PASSAGE = 200, 180
_TOGETHER = 512
_TELLING = 4
_FEW = 3
_MOST = 25_000
_NOTHING = (-20_000,) * len(CATEGORIES)
_LENGTH_COSTS = 100
_SHORTEST_PART, _LONGEST_PART = 3, 5
_ONE, _OTHER, _HIGHEST = 0x9E3779B1, 0x85EBCA77, 18  # odd, and the top 14 of 32 bits

_TILDE = zlib.crc32(b"~")

_BREAK = re.compile(r"[.!?…][\"')\]]*\s|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The weights for the vectors of one embedder, all whole numbers; logits are in thousandths.

    `vector` has a row of weights for each category, finer than thousandths by `FINE` bits;
    `words` for each bucket a byte for each category, to be multiplied by `scale` and `share`,
    together finer by twice `SHARE` bits. From `threshold` on, a matter counts as there. Texts
    more alike than `alike` teach each other's corrections.
    """

    vector: tuple[tuple[int, ...], ...]
    words: bytes
    scale: int
    bias: tuple[int, ...]
    threshold: tuple[int, ...]
    alike: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The most telling passages of a text as vectors, and a logit in thousandths per category."""

    vectors: tuple[Vector, ...]
    logits: tuple[int, ...]


def probability(logit: int) -> float:
    """Return the probability that a logit in thousandths stands for, to three places."""
    return round(1 / (1 + exp(-logit / 1000)), 3)


def passages(text: str) -> list[str]:
    """Cut a text into passages at the ends of sentences or lines, else between words."""
    if len(text) <= _WHOLE:
        return [text] if text.strip() else []
    found: list[str] = []
    start, end = 0, len(text)
    while start < end:
        stop = min(end, start + _PASSAGE)
        if sentence := _BREAK.search(text, start + _PASSAGE // 3, stop):
            stop = sentence.end()
        elif stop < end:
            space = text.rfind(" ", start + 1, stop)
            stop = space if space > start else stop
        if passage := text[start:stop].strip():
            found.append(passage)
        start = stop
    return found


def _checksum(feature: str) -> int:
    return zlib.crc32(feature.encode("utf-8", "surrogatepass"))


def _of_word(word: str) -> list[int]:
    """Return the buckets of a word and its parts."""
    found = [_checksum(word) % BUCKETS]
    if word.isalpha():
        framed = f"<{word}>"
        sizes = range(_SHORTEST_PART, _LONGEST_PART + 1)
        spans = [(at, at + size) for size in sizes for at in range(len(framed) - size + 1)]
        if word.isascii():
            # The same sums, sooner: a byte is a character, and all begin with the same one.
            written = framed.encode()
            found += [zlib.crc32(written[at:end], _TILDE) % BUCKETS for at, end in spans]
        else:
            found += [_checksum("~" + framed[at:end]) % BUCKETS for at, end in spans]
    return found


def buckets(words: Sequence[str]) -> Iterator[int]:
    """Yield the buckets of all that counts in a passage; a word said twice counts once."""
    for word in dict.fromkeys(words):
        yield from _of_word(word)
    for one, other in pairwise(map(_checksum, words)):
        yield (one * _ONE + other * _OTHER) % (1 << 32) >> _HIGHEST


@cache
def share(words: int) -> int:
    """Return how much each bucket of a passage of so many words weighs; one alone says little."""
    return isqrt((1 << 2 * SHARE) // (words + _FEW))


class _Words:
    """What a head's bytes say of words, kept by the numbers that `Static` gives them."""

    def __init__(self, head: Head) -> None:
        self._bytes = np.frombuffer(head.words, dtype=np.int8).reshape(BUCKETS, len(CATEGORIES))
        self._scale = head.scale
        self._age = -1

    def weigh(self, numbered: Sequence[Sequence[int]]) -> list[list[int]]:
        """Return what the words of passages say, a row each, in thousandths; none is empty."""
        if not numbered:
            return []
        self._learn()
        once = [list(dict.fromkeys(words)) for words in numbered]
        totals = self._summed(self._of, [n for words in once for n in words], map(len, once))
        flat = np.array([n for words in numbered for n in words], dtype=np.int64)
        sums = self._sums[flat]
        pairs = (sums[:-1] * _ONE + sums[1:] * _OTHER) % (1 << 32) >> _HIGHEST
        lengths = [len(words) for words in numbered]
        said = self._bytes.take(pairs, 0).astype(np.int32)
        # The last word of a passage and the first of the next are no neighbours.
        said[np.cumsum(lengths)[:-1] - 1] = 0
        said = np.concatenate([said, np.zeros((1, len(CATEGORIES)), dtype=np.int32)])
        totals += np.add.reduceat(said, _starts(lengths), axis=0, dtype=np.int64)
        shares = np.array([[share(len(words))] for words in once], dtype=np.int64)
        weighed: list[list[int]] = (totals * shares * self._scale >> 2 * SHARE).tolist()
        return weighed

    @staticmethod
    def _summed(
        rows: "NDArray[np.int32]", places: Sequence[int], lengths: Iterable[int]
    ) -> "NDArray[np.int64]":
        found = rows.take(np.array(places, dtype=np.int64), 0)
        totals: NDArray[np.int64] = np.add.reduceat(
            found, _starts(list(lengths)), axis=0, dtype=np.int64
        )
        return totals

    def _learn(self) -> None:
        """Add rows for the words that have come since, or for all where all were forgotten."""
        known = static()
        if self._age != known.age:
            self._age = known.age
            self._of = np.zeros((1 << 12, len(CATEGORIES)), dtype=np.int32)
            self._sums = np.zeros(1 << 12, dtype=np.int64)
            self._count = 0
        while len(self._of) < len(known.words):
            self._of = np.concatenate([self._of, np.zeros_like(self._of)])
            self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)])
        for number in range(self._count, len(known.words)):
            word = known.words[number]
            self._of[number] = self._bytes[_of_word(word)].sum(0, dtype=np.int32)
            self._sums[number] = _checksum(word)
        self._count = len(known.words)


def _starts(lengths: Sequence[int]) -> "NDArray[np.int64]":
    return np.cumsum([0, *lengths[:-1]], dtype=np.int64)


class Classifier:
    """One embedder with its head; where it has none, texts are judged by the vectors that ship."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._judges: Embedder = embedder if embedder.version in shipped() else static()
        self._head = shipped()[self._judges.version]
        self.version = f"{embedder.version}/{edition()}"
        self.threshold = self._head.threshold
        self.alike = self._head.alike
        self._words = _Words(self._head)
        self._weights = np.array(self._head.vector, dtype=np.float64).T
        self._bias = np.array(self._head.bias, dtype=np.int64)

    def judge(self, texts: Sequence[str]) -> list[Judged]:
        """Read some texts; each is judged by itself alone."""
        found = self._found(texts)
        chosen = [_telling(passages) for passages in found]
        flat = [passage for telling in chosen for passage in telling]
        judged = [one.vector for one in flat if one.vector is not None]
        if flat and not judged:
            judged = self._judges.embed([one.text for one in flat])
        kept = judged
        if self.embedder is not self._judges:
            kept = self.embedder.embed([one.text for one in flat])
        both = iter(zip(kept, self._logits(flat, judged), strict=True))
        return [
            _judged([next(both) for _ in telling], of=len(passages))
            for telling, passages in zip(chosen, found, strict=True)
        ]

    def _found(self, texts: Sequence[str]) -> list[list["_Passage"]]:
        """Return the passages of each text that have words in them."""
        cut = [(n, passage) for n, text in enumerate(texts) for passage in passages(text)]
        found: list[list[_Passage]] = [[] for _ in texts]
        for start in range(0, len(cut), _TOGETHER):
            together = cut[start : start + _TOGETHER]
            for (number, _), passage in zip(together, self._read(together), strict=True):
                if passage is not None:
                    found[number].append(passage)
        return found

    def _read(self, cut: Sequence[tuple[int, str]]) -> list["_Passage | None"]:
        known = static()
        numbered = known.numbered(text for _, text in cut)
        # Numbers alone are about nothing; where they tell something, redaction finds them.
        worded = [any(known.words[n][0].isalpha() for n in words) for words in numbered]
        taken = [words for words, so in zip(numbered, worded, strict=True) if so]
        vectors = known.sums(taken) if self._judges is known else [None] * len(taken)
        rows = iter(zip(self._words.weigh(taken), vectors, strict=True))
        return [
            _Passage(text, *next(rows)) if so else None
            for (_, text), so in zip(cut, worded, strict=True)
        ]

    def _logits(self, found: list["_Passage"], vectors: list[Vector]) -> list[list[int]]:
        if not found:
            return []
        rows = np.frombuffer(b"".join(map(pack, vectors)), dtype="<i2").reshape(len(found), -1)
        # Whole numbers below 2**53: their sums are exact in any order.
        said = (rows.astype(np.float64) @ self._weights).astype(np.int64) >> FINE
        said += self._bias + np.array([one.words for one in found], dtype=np.int64)
        logits: list[list[int]] = said.clip(-_MOST, _MOST).tolist()
        return logits


@dataclass(frozen=True, slots=True)
class _Passage:
    """A passage, what its words alone say of each category, and its vector where it is at hand."""

    text: str
    words: list[int]
    vector: Vector | None


def _telling(found: list[_Passage]) -> list[_Passage]:
    """Return the passages whose words say most about each category, or all of a few."""
    if len(found) <= _TELLING * len(CATEGORIES):
        return found
    kept = {
        number
        for category in range(len(CATEGORIES))
        for number in nlargest(
            _TELLING, range(len(found)), key=lambda n: (found[n].words[category], -n)
        )
    }
    return [found[number] for number in sorted(kept)]


def _judged(found: list[tuple[Vector, list[int]]], *, of: int) -> Judged:
    if not found:
        return Judged(vectors=(), logits=_NOTHING)
    vectors, logits = zip(*found, strict=True)
    costs = _LENGTH_COSTS * (of.bit_length() - 1)
    most = logits[0] if len(logits) == 1 else map(max, zip(*logits, strict=True))
    return Judged(vectors=vectors, logits=tuple([logit - costs for logit in most]))


_heads = msgspec.msgpack.Decoder(dict[str, Head])


@cache
def _content() -> bytes:
    return files("projections").joinpath("sensitive.bin").read_bytes()


@cache
def edition() -> str:
    """Return what tells these weights from others."""
    return f"{zlib.crc32(_content()):08x}"


@cache
def shipped() -> dict[str, Head]:
    """Return the weights that ship, by the version of the embedder whose vectors they weigh."""
    return _heads.decode(zlib.decompress(_content()))
