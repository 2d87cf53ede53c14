"""What a device remembers of a pod: what was there, how far, and what it had begun.

It makes that nothing changed cost one request, that an older pod is noticed, and that what a
crash left behind is found without listing. Without it a device starts over, lists its files once,
and trusts the pod no more than a new one does. It lies sealed on the device, which is the keeper's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from pod_sync.index import Index
from vault.errors import ForeignVault

__all__ = ["Device", "Fleeting", "Memory", "Remembered", "Seen", "Status", "load", "status"]

FORMAT: Final = 1


class Memory(Protocol):
    """Where a device keeps what it remembers of a pod, sealed."""

    def read(self) -> bytes:
        """Return what was written last, nothing at first."""

    def write(self, content: bytes) -> None:
        """Keep this, whole and durable, in place of what was there."""


class Fleeting:
    """A memory that ends with the process, for who only reads a pod."""

    def __init__(self) -> None:
        self._content = b""

    def read(self) -> bytes:
        """Return what was written last."""
        return self._content

    def write(self, content: bytes) -> None:
        """Keep this until the process ends."""
        self._content = content


class Seen(msgspec.Struct, frozen=True):
    """One slot of an index as it was listed; `number` is 0 where it was damaged."""

    modified: str
    size: int
    number: int


class Device(msgspec.Struct, frozen=True):
    """The newest index of a device, and both its slots."""

    index: Index
    slots: dict[str, Seen]


class Remembered(msgspec.Struct, kw_only=True):
    """All of it.

    `heads` are the highest ever seen of each feed, `small` the contents of small files.
    `writing` are digests of indexes that are perhaps written, `begun` are files that are perhaps
    there, `doomed` paths that are to be deleted once no index lists them; `distrusted` are paths
    of damaged files, `scrubbed` names of files that a scrub has found sound so far. `searched` is
    whether the device's files were listed, since it may have forgotten what it had begun or
    doomed. `settled` says of which state of this device the last sync brought pod and log together.
    """

    format: int = FORMAT
    pod: str = ""
    feed: str = ""
    devices: dict[str, Device] = {}
    heads: dict[str, int] = {}
    small: dict[str, bytes] = {}
    writing: list[bytes] = []
    begun: set[str] = set()
    doomed: set[str] = set()
    distrusted: set[str] = set()
    scrubbed: set[str] = set()
    searched: bool = False
    settled: bytes = b""
    mirrored: dict[str, int] = {}
    checkpoint: str = ""
    at: int = 0
    requests: int = 0
    sent: int = 0
    received: int = 0


class _Any(msgspec.Struct):
    format: int


def load(memory: Memory, pod: str, feed: str) -> Remembered:
    """Return what is remembered of a pod as one device; of another pod or device: nothing.

    Raises:
        ForeignVault: A newer release wrote it.
    """
    fresh = Remembered(pod=pod, feed=feed)
    content = memory.read()
    try:
        if msgspec.msgpack.decode(content, type=_Any).format > FORMAT:
            raise ForeignVault(
                "What this device remembers of the pod is of a newer format; use the version of "
                "Twinvault that wrote it, or a newer one."
            )
        found = msgspec.msgpack.decode(content, type=Remembered)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return fresh
    return found if (found.pod, found.feed) == (pod, feed) else fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a device knows of its pod without asking it.

    `waiting` are entries by feed that are not there yet, `checkpoint` is the root of the log
    when it was last verified against the pod, `at` when that was (nanoseconds since 1970, 0:
    never); then the last sync's requests and bytes.
    """

    waiting: dict[str, int]
    checkpoint: str
    at: int
    requests: int
    sent: int
    received: int


def status(memory: Memory, pod: str, feed: str, sizes: Mapping[str, int]) -> Status:
    """Return what a pod lacks of feeds that have these sizes, and how the last sync went."""
    known = load(memory, pod, feed)
    waiting = {one: size - known.mirrored.get(one, 0) for one, size in sizes.items()}
    return Status(
        waiting={one: count for one, count in sorted(waiting.items()) if count > 0},
        checkpoint=known.checkpoint,
        at=known.at,
        requests=known.requests,
        sent=known.sent,
        received=known.received,
    )
