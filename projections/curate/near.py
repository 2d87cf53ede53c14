"""Texts that say nearly the same: a signature each, and bands that bring alike ones together.

Two texts are alike by the share of their distinct words that both have. A signature holds
these words, hashed to 16 bits: all while they are few, else the smallest, a bottom-k sketch
(Broder 1997; Cohen and Kaplan 2007). A band is two MinHashes over pairs of neighbouring words
(Broder 1997; Leskovec et al., Mining of Massive Datasets, 3.4). Nothing learned, no state.
"""

import re
import struct
from functools import cache
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["BANDS", "COMPARED", "NEAR", "bands", "signature", "similar"]

NEAR = "1"
"""Version of signatures, bands and what is similar; a change rebuilds whoever stores them."""

COMPARED = 64
"""How many rows under one key are compared, those with the smallest keys of their own.

It bounds the work where very many rows share a phrase, and who is compared stays a function
of what is there. Rows that share no more than the phrase lose nothing by it; nearly equal ones
meet under eight keys.
"""

_LEAST = 7  # distinct words; where there are fewer, another word makes another message
_READ = 4096  # words; what comes after them is not compared
_SKETCH = 64
_ALL = 0xFFFF

# Below so many distinct words, so many hundredths of all words must be shared: one word of
# nine may be another, then two of twelve, in the end one of four.
_SHARED = ((11, 80), (14, 70), (24, 65), (_READ + 1, 60))
_COUNTED = 24  # below so many distinct words, other numbers make another message

BANDS = 8
"""Under how many keys a text is looked up."""

_HEAD = struct.Struct("<HI")  # distinct words, digest of the numbers
_KEYS = struct.Struct(f"<{BANDS}I")
_WORDS_AT = _HEAD.size + _KEYS.size

# The high bits of a product with an odd number are a hash (Dietzfelbinger et al. 1997).
_FIRST, _SECOND, _THIRD = 0x9E3779B97F4A7C15, 0x6A09E667F3BCC909, 0xBB67AE8584CAA73B

_HYPHEN = re.compile(r"(?<=[^\W\d_])-\n[\s>*•-]*(?=[^\W\d_])")
_NUMBERED = re.compile(r"^[\s>]*\d{1,2}[.)][ \t]", re.MULTILINE)
_UNSEEN = re.compile("[\u2018\u2019\u02bc\u00ad\u200b-\u200d\u2060\ufeff]")
_MARK = re.compile(r"[^\w\s]")
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff])"
)
_DIGITS = re.compile(rb"[0-9]+")
_MARKS = bytes(code for code in range(128) if not chr(code).isalnum())
_PLAIN = bytes.maketrans(_MARKS, b" " * len(_MARKS))


def signature(text: str) -> bytes:
    """Return what a text is compared by: at most 166 bytes, none where it has too few words.

    Line breaks, indentation, marks of quotes and lists, hyphenation, case, punctuation and
    characters that cannot be seen make no difference.
    """
    words = _words(text)
    if len(words) < _LEAST:
        return b""
    import numpy as np  # noqa: PLC0415 - heavy; a console that makes no rows goes without

    hashes = np.fromiter(map(crc32, words), np.uint64, len(words))
    distinct = sorted(set((hashes * np.uint64(_THIRD) >> np.uint64(48)).tolist()))
    if len(distinct) < _LEAST:
        return b""
    former, latter = hashes * np.uint64(_FIRST), hashes * np.uint64(_SECOND)
    pairs = np.concatenate((former[:-1] + latter[1:], former[:-2] + latter[2:]))
    pairs ^= pairs >> np.uint64(32)
    least = (pairs * _multipliers()).min(axis=1)
    keys = least[::2] * np.uint64(_FIRST) + least[1::2] * np.uint64(_SECOND) >> np.uint64(32)
    numbers = crc32(b"".join(_DIGITS.findall(b" ".join(words))))
    sketch = distinct[:_SKETCH]
    return b"".join(
        (
            _HEAD.pack(len(distinct), numbers),
            _KEYS.pack(*keys.tolist()),
            struct.pack(f"<{len(sketch)}H", *sketch),
        )
    )


def bands(signature: bytes) -> tuple[int, ...]:
    """Return under which keys a text is looked up: eight, or none without a signature.

    Texts of which half of the neighbouring words are the same share a key nine times in ten,
    unrelated ones next to never.
    """
    if not signature:
        return ()
    keys = _KEYS.unpack_from(signature, _HEAD.size)
    return tuple(band << 32 | key for band, key in enumerate(keys))


def similar(one: bytes, other: bytes) -> bool:
    """Whether two texts say nearly the same, by their signatures.

    The fewer words they have, the more of them both must share; and while they are few,
    their numbers must be the same ones: "at 8" is not "at 9".
    """
    if not (one and other):
        return False
    (size, numbers), (size_of_other, others) = _HEAD.unpack_from(one), _HEAD.unpack_from(other)
    small, large = sorted((size, size_of_other))
    least = next(share for below, share in _SHARED if small < below)
    if 100 * small < least * large or (small < _COUNTED and numbers != others):
        return False
    words, end = _known(one, size)
    words_of_other, end_of_other = _known(other, size_of_other)
    if (last := min(end, end_of_other)) < _ALL:
        words = {word for word in words if word <= last}
        words_of_other = {word for word in words_of_other if word <= last}
    shared = len(words & words_of_other)
    return 100 * shared >= least * (len(words) + len(words_of_other) - shared)


def _known(signature: bytes, size: int) -> tuple[set[int], int]:
    """Return the hashed words of a text that its signature holds, and up to where it holds all."""
    count = (len(signature) - _WORDS_AT) // 2
    words = struct.unpack_from(f"<{count}H", signature, _WORDS_AT)
    return set(words), _ALL if size == count else words[-1]


def _words(text: str) -> list[bytes]:
    text = text.casefold()
    if "\n" in text:
        text = _NUMBERED.sub("", _HYPHEN.sub("", text))
    if not text.isascii():
        text = _UNSPACED.sub(r" \1 ", _MARK.sub(" ", _UNSEEN.sub("", text)))
    return text.encode().translate(_PLAIN, b"'").split()[:_READ]


@cache
def _multipliers() -> "npt.NDArray[np.uint64]":
    """Return an odd number for each MinHash, as a column: powers of one, each far from the last."""
    import numpy as np  # noqa: PLC0415 - as above

    powers = [pow(_FIRST, 2 * power + 1, 1 << 64) for power in range(1, 2 * BANDS + 1)]
    return np.array(powers, dtype=np.uint64)[:, None]
