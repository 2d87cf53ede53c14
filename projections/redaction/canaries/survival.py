"""Whether a canary can still be read in a text, under any disguise.

Decodes on its own and not with the code that redacts: what both would miss stays hidden
from neither the owner nor the tests.
"""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from urllib.parse import unquote

from projections.redaction.canaries.disguises import LOOK_ALIKES
from projections.redaction.canaries.plant import Canary
from projections.redaction.kinds import Kind

__all__ = ["survived"]

_LATIN = {ord(other): latin for latin, other in LOOK_ALIKES.items()}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_QUOTED = re.compile(r"=([0-9A-F]{2})")
_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST_WORD = 3
_SHARE = 0.6
_LEAST = 5


def survived(canary: Canary, redacted: str) -> bool:
    """Whether enough of a canary to be of use is left in a redacted text.

    Of a person, one of her names; of anything else, a run of 60 % of its letters and digits.
    """
    parts = _names(canary.secret) if canary.kind is Kind.PERSON else _runs(canary.secret)
    # What the carrier says anyway is no trace of what it carried.
    own = "\0".join(_readings(canary.carrier))
    told = [part for part in parts if part not in own]
    return any(part in reading for reading in _readings(redacted) for part in told)


@cache
def _names(secret: str) -> frozenset[str]:
    words = (word.casefold() for word in _WORD.findall(_plain(secret)))
    return frozenset(word for word in words if len(word) >= _SHORTEST_WORD)


@cache
def _runs(secret: str) -> frozenset[str]:
    whole = _compact(secret)
    size = min(len(whole), max(_LEAST, round(len(whole) * _SHARE)))
    return frozenset(whole[at : at + size] for at in range(len(whole) - size + 1))


def _readings(text: str) -> Iterator[str]:
    """Yield a text as letters and digits alone, under each way of decoding it."""
    seen = {text}
    waiting = [text]
    while waiting:
        one = waiting.pop()
        yield _compact(one)
        # Twice is enough for what is planted, and an end for what is not.
        if one is text:
            waiting += [other for other in _decoded(one) if other not in seen]
            seen.update(waiting)


def _decoded(text: str) -> Iterator[str]:
    yield unquote(text)
    yield html.unescape(text)
    yield _ESCAPE.sub(lambda at: chr(int(at[1], 16)), text)
    yield bytes(_QUOTED.sub(lambda at: chr(int(at[1], 16)), text), "latin-1", "replace").decode(
        "utf-8", "replace"
    )
    for run in _BASE64.findall(text):
        for start in range(4):
            yield _opened(run[start:])


def _opened(run: str) -> str:
    ready = run.rstrip("=").translate(str.maketrans("-_", "+/"))
    ready = ready[: len(ready) // 4 * 4] if len(ready) % 4 == 1 else ready + "=" * (-len(ready) % 4)
    try:
        return base64.b64decode(ready).decode("utf-8", "ignore")
    except binascii.Error:
        return ""


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.translate(_LATIN))
    return "".join(c for c in apart if unicodedata.category(c) not in {"Mn", "Cf"})


def _compact(text: str) -> str:
    return "".join(c for c in _plain(text).casefold() if c.isalnum())
