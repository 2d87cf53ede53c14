"""How the time of something grows with its size: a ratio, which no slow machine changes."""

import time
from collections.abc import Callable

__all__ = ["growth"]

_SHORTEST = 0.004


def growth(run: Callable[[int], object], small: int, large: int) -> float:
    """How many times the processor's time of a small size a large one takes, at their best of three.

    What takes a moment counts as one: below, the clock says more of itself than of what it measures.
    """
    return _best(run, large) / max(_best(run, small), _SHORTEST)


def _best(run: Callable[[int], object], size: int) -> float:
    spent = []
    for _ in range(3):
        begun = time.process_time()
        run(size)
        spent.append(time.process_time() - begun)
    return min(spent)
