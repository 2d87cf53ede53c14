"""What a text is about, in a few broad words: a linear model over hashed words that ships.

A word counts once, with its parts, so that endings and compounds of eight languages come
near to each other. Whole numbers only: every machine gives the same tags. The weights are
learned from `projections/material/tags` by `make_tags`.
"""

import re
import zlib
from functools import cache
from importlib.resources import files
from math import isqrt
from typing import NamedTuple

import msgspec

__all__ = [
    "BUCKETS",
    "FEW",
    "PART_WEIGHS",
    "TAGS",
    "WORD_WEIGHS",
    "Weights",
    "buckets",
    "shipped",
    "tags_of",
    "words_of",
]

TAGS = (
    "creative",
    "learning",
    "opinion",
    "personal",
    "planning",
    "practical",
    "technical",
    "work",
)
"""What there is, in the order of the weights.

`creative` makes art or is some, `learning` studies and explains, `opinion` judges, `personal`
tells of feelings and of those who are close, `planning` fixes what happens when, `practical`
keeps house, `technical` is about machines and programs, `work` about a job.
"""

BUCKETS = 1 << 15
WORD_WEIGHS, PART_WEIGHS = 10, 3
FEW = 6
"""A text of few words says little: so many are added to their number."""

_READ = 2000  # characters
_LONGEST = 24
_SHORTEST_PART, _LONGEST_PART = 3, 5
_CACHED = 50_000
_LANE = 32  # bits: what a word says of every tag stands in one number, side by side
_ZERO = 1 << (_LANE - 1)
_ZEROES = sum(_ZERO << (_LANE * at) for at in range(len(TAGS)))
_FINE = 20  # bits of a root

_TILDE = zlib.crc32(b"~")
_WORD = re.compile(r"\w+")
_DIGITS = str.maketrans("123456789", "000000000")
_JOURNAL = "document.journal"  # is personal, whatever it says


class Weights(NamedTuple):
    """What words say: a signed byte for each tag of each bucket, and what is enough for a tag.

    A tag holds where what the words of a text say, over the root of their number, reaches
    its `threshold`.
    """

    words: bytes
    thresholds: tuple[int, ...]


def words_of(text: str) -> frozenset[str]:
    """Return the words that count, each once, and whether it asks; all digits are the same."""
    text = text[:_READ]
    found = _WORD.findall(text.lower().translate(_DIGITS))
    return frozenset([*found, "?"]) if "?" in text else frozenset(found)


def buckets(word: str) -> list[int]:
    """Return the bucket of a word, then those of its parts."""
    word = word[:_LONGEST]
    found = [_checksum(word)]
    if word.isalpha():
        framed = f"<{word}>"
        sizes = range(_SHORTEST_PART, _LONGEST_PART + 1)
        spans = [(at, at + size) for size in sizes for at in range(len(framed) - size + 1)]
        if word.isascii():
            # The same sums, sooner: a byte is a character, and all begin with the same one.
            written = framed.encode()
            found += [zlib.crc32(written[at:end], _TILDE) for at, end in spans]
        else:
            found += [_checksum("~" + framed[at:end]) for at, end in spans]
    return [one % BUCKETS for one in found]


def _checksum(feature: str) -> int:
    return zlib.crc32(feature.encode("utf-8", "surrogatepass"))


def tags_of(text: str, type_: str) -> tuple[str, ...]:
    """Return what a text of some type is about, in alphabetical order; often nothing."""
    words = words_of(text)
    said = sum(map(_known.__getitem__, words)) + _ZEROES
    share = isqrt((1 << 2 * _FINE) // (len(words) + FEW))
    found = [
        tag
        for tag, shift, enough in _thresholds()
        if ((said >> shift) % (2 * _ZERO) - _ZERO) * share >= enough
    ]
    if type_.startswith(_JOURNAL) and "personal" not in found:
        found = sorted((*found, "personal"))
    return tuple(found)


class _Said(dict[int, int]):
    """What a bucket says of each tag; few buckets come once."""

    def __missing__(self, bucket: int) -> int:
        at = bucket * len(TAGS)
        table = memoryview(shipped().words).cast("b")[at : at + len(TAGS)]
        said = self[bucket] = sum(one << (_LANE * tag) for tag, one in enumerate(table))
        return said


class _Known(dict[str, int]):
    """What a word says of each tag; the words of a person come back."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _CACHED:
            self.clear()
        whole, *parts = map(_said.__getitem__, buckets(word))
        said = self[word] = WORD_WEIGHS * whole + PART_WEIGHS * sum(parts)
        return said


_said = _Said()
_known = _Known()
_weights = msgspec.msgpack.Decoder(Weights)


@cache
def shipped() -> Weights:
    """Return the weights that ship."""
    content = files("projections.curate").joinpath("tags.bin").read_bytes()
    return _weights.decode(zlib.decompress(content))


@cache
def _thresholds() -> tuple[tuple[str, int, int], ...]:
    return tuple(
        (tag, _LANE * at, enough << _FINE)
        for at, (tag, enough) in enumerate(zip(TAGS, shipped().thresholds, strict=True))
    )
