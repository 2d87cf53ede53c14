"""The seed: a small English base that ships, and that a voice goes on from.

Its files lie beside this module, as those of any base; `trainer.pretraining` makes them. The
digest is that of `trainer.base.inspect`: whatever does not agree with it is refused.
"""

import functools
from pathlib import Path

from trainer.errors import BaseRefused

__all__ = ["DAMAGED", "DIGEST", "FOLDER", "NAME", "WORDS", "file", "words"]

NAME = "seed"
WORDS = "words.txt"
FOLDER = Path(__file__).parent
DIGEST = "e6200545fabdf188a16fbc22ca4fa64c075ea1b04d0e82b2f4133a4c49c42309"
DAMAGED = (
    "The seed that comes with Twinvault is damaged or incomplete; get it back with "
    "`git checkout -- trainer/seed` in a checkout, else with "
    "`pip install --force-reinstall --no-deps twinvault`."
)


def file(name: str) -> bytes:
    """Return a file of the seed.

    Raises:
        BaseRefused: It is missing.
    """
    try:
        return (FOLDER / name).read_bytes()
    except FileNotFoundError as error:
        raise BaseRefused(DAMAGED) from error


@functools.cache
def words() -> frozenset[tuple[int, ...]]:
    """Return the words that the seed may spell, as ids."""
    lines = file(WORDS).decode("ascii").splitlines()
    return frozenset(tuple(map(int, line.split())) for line in lines)
