"""The seed: a small English base that ships, and that a voice goes on from.

Its files lie beside this module, as those of any base; `trainer.pretraining` makes them. The
digest is that of `trainer.base.inspect`: whatever does not agree with it is refused.
"""

import functools
from pathlib import Path

__all__ = ["DIGEST", "FOLDER", "NAME", "WORDS", "words"]

NAME = "seed"
WORDS = "words.txt"
FOLDER = Path(__file__).parent
DIGEST = "b9933c55d734ce385ab7074747668bf7c6037bb236d6a1d91cada6eb0e21af9f"


@functools.cache
def words() -> frozenset[tuple[int, ...]]:
    """Return the words that the seed may spell, as ids."""
    lines = (FOLDER / WORDS).read_text("ascii").splitlines()
    return frozenset(tuple(map(int, line.split())) for line in lines)
