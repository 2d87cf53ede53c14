"""Python's search for reference cycles, put off where many objects are made and none is in one."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["unsearched"]


@contextmanager
def unsearched() -> Iterator[None]:
    """Look for no reference cycles meanwhile.

    Python looks whenever some hundred tuples are new. A page of the log makes thousands that
    are in no cycle: looking costs a tenth of a replay.
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()
