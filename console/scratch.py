"""Folders for a while, inside the vault's own folder, that outlive nobody.

Whoever uses one holds a lock on it; one that nobody holds was left by a killed process and
is removed when the vault is opened next, so that no copy escapes an erasure.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["Scratch", "in_use", "remove_left_over"]

_PREFIX = "clean-"
_LOCK = "lock"


class Scratch:
    """A private folder that is in use as long as this object is."""

    def __init__(self, home: Path) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
        self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Delete the folder with all that is in it; twice does no harm."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def remove_left_over(home: Path) -> None:
    """Delete the folders that nobody uses any more."""
    for folder in home.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue  # being made this moment, or no folder of ours
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(lock)


def in_use(home: Path) -> int:
    """Return how many of these folders there are, those of other processes included."""
    return sum(1 for _ in home.glob(f"{_PREFIX}*"))
