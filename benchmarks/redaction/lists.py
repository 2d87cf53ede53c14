"""Whether a name is on any list of names that we ship: those of surrogates and of the model."""

import re
from functools import cache
from pathlib import Path

from projections import redaction
from projections.redaction.naming.features import digest
from projections.redaction.naming.weights import Weights

__all__ = ["on_a_list"]

_WORD = re.compile(r"[^\W\d_]{2,}")
_ROOM = Path(redaction.__file__).parent
_FILES = ("given*.txt", "family*.txt")


@cache
def _listed() -> frozenset[str]:
    files = (path for pattern in _FILES for path in _ROOM.rglob(pattern))
    return frozenset(
        word for path in files for word in _WORD.findall(path.read_text("utf-8").lower())
    )


@cache
def _in_the_model() -> frozenset[int]:
    lexicon = Weights.unpacked((_ROOM / "names.bin").read_bytes()).lexicon
    return lexicon.given | lexicon.family


def on_a_list(name: str) -> bool:
    """Whether any word of a name is listed."""
    words = _WORD.findall(name.lower())
    return any(word in _listed() or digest(word) in _in_the_model() for word in words)
