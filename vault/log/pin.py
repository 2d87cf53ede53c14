"""The newest checkpoint, remembered outside the database.

A log whose tail was cut off at a checkpoint is still a well signed log; only somebody who
remembers a newer checkpoint notices. This file is the first such witness.
"""

from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault import points
from vault.disk import exclusive, storage, write_atomic
from vault.errors import TamperError
from vault.log import checkpoint
from vault.log.verify import Trail

__all__ = ["Pin", "Pinned"]


class Pinned(NamedTuple):
    """What is remembered: the record of a checkpoint and its position."""

    record: bytes
    trail: Trail


class Pin:
    """The file of the pinned checkpoint."""

    def __init__(self, path: Path, key: Ed25519PublicKey) -> None:
        self._path = path
        self._lock = path.with_name("pin.lock")
        self._key = key

    def read(self) -> Pinned:
        """Return what is pinned.

        Raises:
            TamperError: The file is missing or is not what was written.
        """
        try:
            with storage("pin"):
                content = self._path.read_bytes()
        except Exception as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise TamperError(
                    "The vault's pin is missing, so nobody can tell whether its log is complete."
                ) from None
            raise
        line, _, record = content.partition(b"\n")
        if not line.isdigit() or line != str(int(line)).encode():
            raise TamperError("The vault's pin is damaged.")
        stated = checkpoint.parse(record, self._key)
        return Pinned(record, Trail(int(line), stated.frontier, stated.time))

    def write(self, position: int, record: bytes, *, durable: bool = False) -> None:
        """Pin a checkpoint, unless a newer one is pinned.

        Not waiting for the folder to reach the disk costs nothing but this: after a power
        cut an older pin may be back, and an older pin is true as well.
        """
        with storage("The vault's pin"), exclusive(self._lock):
            if self._pinned_position() < position:
                write_atomic(self._path, b"%d\n%b" % (position, record), durable=durable)
        points.reached("pin.replaced")

    def _pinned_position(self) -> int:
        try:
            line = self._path.read_bytes().partition(b"\n")[0]
        except FileNotFoundError:
            return 0
        return int(line) if line.isdigit() else 0
