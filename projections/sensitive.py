"""Sensitive matters in a text, each with a probability: what nobody may use unless it is named.

A text is read in passages. Of each, two things are known: its vector, and its words with their
parts, hashed; one linear head per category weighs both. The weights ship; what they were
learned from lies in `projections/material`, and `make_sensitive` makes them anew. A text
is about a matter as far as its most telling passage is; the longer the text, the more that takes.
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import nlargest
from importlib.resources import files
from itertools import pairwise
from math import exp, log, sqrt
from operator import mul

import msgspec

from projections.embed import UNIT, Embedder, Vector, pieces
from projections.embed import shipped as static

__all__ = [
    "CATEGORIES",
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
_PASSAGE = 180
_TELLING = 4
_FEW = 3
_MOST = 32_000
_SILENT = -20_000
_LENGTH_COSTS = 300
_CACHED = 50_000
_SHORTEST_PART, _LONGEST_PART = 3, 5

_BREAK = re.compile(r"[.!?…][\"')\]]*\s|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The weights for the vectors of one embedder.

    `vector` has a row of weights for each category, `words` for each bucket a byte for each
    category, to be multiplied by `scale`. Logits are in thousandths: so fine are scores, and
    no finer, because machines differ in the last bits of a fraction. From `threshold` on, a
    matter counts as there. Texts more alike than `alike` teach each other's corrections.
    """

    vector: tuple[tuple[float, ...], ...]
    words: bytes
    scale: float
    bias: tuple[float, ...]
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


def _hash(feature: str) -> int:
    return zlib.crc32(feature.encode("utf-8", "surrogatepass")) % BUCKETS


@cache
def _of_word(word: str) -> tuple[int, ...]:
    """Return the buckets of a word and its parts."""
    found = [_hash(word)]
    if word.isalpha():
        framed = f"<{word}>"
        for size in range(_SHORTEST_PART, _LONGEST_PART + 1):
            found += (_hash("~" + framed[i : i + size]) for i in range(len(framed) - size + 1))
    return tuple(found)


def buckets(words: Sequence[str]) -> Iterable[int]:
    """Yield the buckets of all that counts in a passage; what is said twice counts once."""
    for word in dict.fromkeys(words):
        yield from _of_word(word)
    for one, other in dict.fromkeys(pairwise(words)):
        yield _hash(f"{one} {other}")


def share(words: Sequence[str]) -> float:
    """Return how much each bucket of a passage weighs; a single word says little."""
    return 1 / sqrt(len(set(words)) + _FEW)


class Classifier:
    """One embedder with its head; where it has none, texts are judged by the vectors that ship."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._judges: Embedder = embedder if embedder.version in shipped() else static()
        self._head = shipped()[self._judges.version]
        self.version = f"{embedder.version}/{edition()}"
        self.threshold = self._head.threshold
        self.alike = self._head.alike
        self._words = memoryview(self._head.words).cast("b")
        self._known: dict[str, tuple[int, ...]] = {}

    def judge(self, texts: Sequence[str]) -> list[Judged]:
        """Read some texts; each is judged by itself alone."""
        chosen = [self._telling(passages(text)) for text in texts]
        flat = [passage.text for found in chosen for passage in found]
        kept = self.embedder.embed(flat)
        judged = kept if self._judges is self.embedder else self._judges.embed(flat)
        both = iter(zip(kept, judged, strict=True))
        return [self._judged([(passage, *next(both)) for passage in found]) for found in chosen]

    def _telling(self, found: list[str]) -> list["_Passage"]:
        """Return the passages whose words say most about each category, or all of a few."""
        # Numbers alone are about nothing; where they tell something, redaction finds them.
        taken = ((text, pieces(text)) for text in found)
        worded = [(text, words) for text, words in taken if any(map(str.isalpha, words))]
        read = [_Passage(text, self._lexical(words), len(worded)) for text, words in worded]
        if len(read) <= _TELLING * len(CATEGORIES):
            return read
        kept = {
            number
            for category in range(len(CATEGORIES))
            for number in nlargest(
                _TELLING, range(len(read)), key=lambda n: (read[n].words[category], -n)
            )
        }
        return [read[number] for number in sorted(kept)]

    def _lexical(self, words: Sequence[str]) -> tuple[float, ...]:
        total = [0] * len(CATEGORIES)
        once = dict.fromkeys(words)
        for one in once:
            total = list(map(int.__add__, total, self._of(one)))
        for one, other in dict.fromkeys(pairwise(words)):
            at = _hash(f"{one} {other}") * len(CATEGORIES)
            total = list(map(int.__add__, total, self._words[at : at + len(CATEGORIES)]))
        scale = self._head.scale * share(words)
        return tuple(value * scale for value in total)

    def _of(self, word: str) -> tuple[int, ...]:
        try:
            return self._known[word]
        except KeyError:
            pass
        if len(self._known) >= _CACHED:
            self._known.clear()
        rows = [
            self._words[at * len(CATEGORIES) : (at + 1) * len(CATEGORIES)] for at in _of_word(word)
        ]
        made = self._known[word] = tuple(map(sum, zip(*rows, strict=True)))
        return made

    def _judged(self, found: list[tuple["_Passage", Vector, Vector]]) -> Judged:
        logits = [_SILENT] * len(CATEGORIES)
        for passage, _, vector in found:
            costs = _LENGTH_COSTS * log(passage.of)
            for category, weights in enumerate(self._head.vector):
                value = sum(map(mul, weights, vector)) / UNIT
                value += self._head.bias[category] + passage.words[category]
                logits[category] = max(logits[category], round(1000 * value - costs))
        return Judged(
            vectors=tuple(vector for _, vector, _ in found),
            logits=tuple(min(_MOST, max(-_MOST, logit)) for logit in logits),
        )


@dataclass(frozen=True, slots=True)
class _Passage:
    """A passage, what its words alone say of each category, and how many passages there are."""

    text: str
    words: tuple[float, ...]
    of: int


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
