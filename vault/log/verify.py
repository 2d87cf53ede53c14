"""Walking the log: every byte of every record is checked before anybody sees it.

One pass serves followers, who want the first problem raised, and `verify`, which goes on
and lists them. Memory is bounded by one page.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, NoReturn, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault.errors import RolledBack, RootMismatch, TamperError
from vault.log import checkpoint
from vault.log.envelope import FIXED, HASH_SIZE, NO_TAG, VERSION
from vault.log.merkle import Frontier

__all__ = ["Complain", "Problem", "Report", "Rows", "SealedPage", "Trail", "refuse", "walk"]


class Problem(NamedTuple):
    """One thing that does not verify: a sentence naming a position, never content."""

    sentence: str
    error: type[TamperError] = TamperError


Complain = Callable[[Problem], None]


def refuse(problem: Problem) -> NoReturn:
    """Raise a problem: what followers want."""
    raise problem.error(problem.sentence)


class Rows(Protocol):
    """A recorder as a walk reads it: plain rows, which cost half of the library's objects."""

    def end(self) -> int:
        """Return the last position, 0 where there is none."""

    def rows(self, after: int, end: int) -> Iterable[tuple[int, str, str, bytes]]:
        """Yield position, topic, tags and data of records, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a whole verification found; the log is sound where `problems` is empty."""

    events: int
    checkpoints: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trail:
    """How far a log was walked: the last position, the tree up to it, the newest time."""

    position: int = 0
    frontier: Frontier = field(default_factory=Frontier)
    time: int = 0


class SealedPage(NamedTuple):
    """Position and data of checked records that were committed together, and their end."""

    records: list[tuple[int, bytes]]
    end: Trail


def walk(
    recorder: Rows, key: Ed25519PublicKey, start: Trail, complain: Complain = refuse
) -> Iterator[SealedPage]:
    """Yield the pages behind a point, each checked up to its signature.

    Args:
        recorder: Where the records are.
        key: The device key that signs the feed.
        start: A point whose checkpoint was verified.
        complain: Told every problem; if it returns, the walk goes on.

    Raises:
        TamperError: From `complain`, unless it was replaced.
    """
    end = recorder.end()
    if end < start.position:
        complain(Problem(f"The log ended at {start.position} and is shorter now.", RolledBack))
    feed, trail = checkpoint.feed_of(key), start
    last, seq, time = start.position, start.frontier.size, start.time
    leaves: list[bytes] = []
    records: list[tuple[int, bytes]] = []
    unpack, size, hash_ = FIXED.unpack_from, FIXED.size, sha256
    # The inner loop of every replay: one condition for all that must hold, spelled out only
    # when it does not.
    for position, topic, tags, data in recorder.rows(start.position, end):
        if topic == checkpoint.TOPIC:
            page = _Page(position, last, time, tags, data, leaves)
            trail = _closed(page, trail, key, complain)
            yield SealedPage(records, trail)
            last, seq, time = position, trail.frontier.size, trail.time
            leaves, records = [], []
            continue
        try:
            fixed = unpack(data)
            cut = size + fixed[1] + HASH_SIZE
            head = data[:cut]
            misplaced = (
                position != last + 1
                or fixed[3] != seq
                or fixed[4] <= time
                or fixed[0] != VERSION
                or fixed[2] != feed
                or head[size:-HASH_SIZE] != topic.encode()
                or tags != (topic if fixed[7] == NO_TAG else fixed[7].hex())
            )
        except (struct.error, AttributeError, TypeError):
            complain(Problem(f"The entry at {position} cannot be read."))
            continue
        if misplaced:
            complain(
                Problem(f"The entry at {position} is not in its place or its header was changed.")
            )
        if len(data) > cut and hash_(data[cut:]).digest() != head[-HASH_SIZE:]:
            complain(Problem(f"The body of the entry at {position} was changed."))
        leaves.append(hash_(b"\0" + head).digest())
        records.append((position, data))
        last, seq, time = position, seq + 1, fixed[4]
    if leaves:
        complain(Problem(f"The entries up to {last} stand behind the last checkpoint."))


class _Page(NamedTuple):
    """Where a page stands when its checkpoint is met."""

    position: int
    last: int
    time: int
    tags: str
    data: bytes
    leaves: list[bytes]


def _closed(page: _Page, trail: Trail, key: Ed25519PublicKey, complain: Complain) -> Trail:
    """Check a checkpoint against the entries before it; return the trail up to it."""
    frontier = trail.frontier.copy()
    frontier.extend(page.leaves)
    try:
        stated = checkpoint.parse(page.data, key)
    except TamperError as error:
        complain(Problem(f"At {page.position}: {error}", type(error)))
        return Trail(page.position, frontier, page.time)
    if stated.size != frontier.size or stated.frontier.hashes != frontier.hashes:
        complain(
            Problem(
                f"The entries before {page.position} are not those that were signed.",
                RootMismatch,
            )
        )
    if (
        page.position != page.last + 1
        or not page.leaves
        or stated.time != page.time
        or page.tags != stated.feed.hex()
    ):
        complain(Problem(f"The checkpoint at {page.position} does not fit its page."))
    # What is signed is where the next page must go on, whatever was found before it.
    return Trail(page.position, stated.frontier, stated.time)
