"""The newest checkpoint of every feed, remembered outside the database.

A log whose tail was cut off at a checkpoint is still a well signed log; only somebody who
remembers a newer checkpoint notices. This file is the first such witness.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from vault import points
from vault.disk import exclusive, storage, write_atomic
from vault.errors import TamperError
from vault.log import checkpoint
from vault.log.verify import KeyOf, Place, Trail

__all__ = ["Pin", "Pinned"]

_MAGIC: Final = b"twinvault/pin/2\n"
_NUMBER: Final = rb"(0|[1-9][0-9]{0,18})"
_HEAD: Final = re.compile(_MAGIC + _NUMBER + rb"\n")
_EACH: Final = re.compile(rb"([0-9a-f]{16}) " + _NUMBER + rb" " + _NUMBER + rb"\n")
_FIRST_FORMAT: Final = re.compile(_NUMBER + rb"\ntwinvault/([0-9a-f]{16})\n")


class Pinned(NamedTuple):
    """What is remembered: where the log ended, and each feed's checkpoint with its position."""

    place: Place
    records: Mapping[bytes, tuple[int, bytes]]


class Pin:
    """The file of the pinned checkpoints."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = path.with_name("pin.lock")

    def read(self, key_of: KeyOf) -> Pinned:
        """Return what is pinned.

        Raises:
            TamperError: The file is missing or is not what was written.
        """
        position, records = _taken_apart(self._content())
        trails: dict[bytes, Trail] = {}
        for feed, (_, record) in records.items():
            stated = checkpoint.parse(record, key_of(feed))
            trails[feed] = Trail(stated.frontier, stated.time)
        return Pinned(Place(position, trails), records)

    def _content(self) -> bytes:
        try:
            with storage("pin"):
                return self._path.read_bytes()
        except Exception as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise TamperError(
                    "The vault's pin is missing, so nobody can tell whether its log is complete."
                ) from None
            raise

    def write(
        self,
        position: int,
        records: Mapping[bytes, tuple[int, bytes]],
        *,
        durable: bool = False,
    ) -> None:
        """Pin the end of a log, unless a later one is pinned.

        Not waiting for the folder to reach the disk costs nothing but this: after a power
        cut an older pin may be back, and an older pin is true as well.

        Args:
            position: Where the log ends.
            records: The newest checkpoint of every feed, with its position.
            durable: Wait for the folder.
        """
        parts = [b"%b%d\n" % (_MAGIC, position)]
        for feed, (at, record) in sorted(records.items()):
            parts.append(b"%b %d %d\n%b" % (feed.hex().encode(), at, len(record), record))
        with storage("The vault's pin"), exclusive(self._lock):
            if self._pinned_position() < position:
                write_atomic(self._path, b"".join(parts), durable=durable)
        points.reached("pin.replaced")

    def _pinned_position(self) -> int:
        try:
            return _taken_apart(self._path.read_bytes())[0]
        except (FileNotFoundError, TamperError):
            return 0


def _taken_apart(content: bytes) -> tuple[int, dict[bytes, tuple[int, bytes]]]:
    """Return the position and the records of a pin, which nobody has checked yet.

    Raises:
        TamperError: It is not exactly what `Pin.write` writes.
    """
    first = _FIRST_FORMAT.match(content)
    if first:
        position = int(first[1])
        feed = bytes.fromhex(first[2].decode())
        return position, {feed: (position, content[first.end(1) + 1 :])}
    head = _HEAD.match(content)
    if head is None:
        raise TamperError("The vault's pin is damaged.")
    records: dict[bytes, tuple[int, bytes]] = {}
    at, last = head.end(), b""
    while at < len(content):
        each = _EACH.match(content, at)
        if each is None or each[1] <= last or each.end() + int(each[3]) > len(content):
            raise TamperError("The vault's pin is damaged.")
        at, last = each.end() + int(each[3]), each[1]
        records[bytes.fromhex(last.decode())] = (int(each[2]), content[each.end() : at])
    if not records or max(position for position, _ in records.values()) != int(head[1]):
        raise TamperError("The vault's pin is damaged.")
    return int(head[1]), records
