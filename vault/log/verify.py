"""Walking the log: every byte of every record is checked before anybody sees it.

One pass serves followers, who want the first problem raised, and `verify`, which goes on
and lists them. Memory is bounded by one page.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault.errors import RootMismatch, TamperError
from vault.log import checkpoint
from vault.log.cycles import unsearched
from vault.log.envelope import FIXED, HASH_SIZE, NO_TAG, VERSIONS
from vault.log.merkle import Frontier, Nodes, leaf_hash, root_of

__all__ = [
    "Complain",
    "KeyOf",
    "Place",
    "Problem",
    "Report",
    "Row",
    "SealedPage",
    "Trail",
    "refuse",
    "walk",
]


class Problem(NamedTuple):
    """One thing that does not verify: a sentence naming a position, never content."""

    sentence: str
    error: type[TamperError] = TamperError


Complain = Callable[[Problem], None]
KeyOf = Callable[[bytes], Ed25519PublicKey]
"""The key that signs a feed, from a certificate that was checked.

Raises `TamperError` where the owner certified none.
"""

Row = tuple[int, str, str, bytes]
"""Position, topic, tags and data of a record."""


def refuse(problem: Problem) -> NoReturn:
    """Raise a problem: what followers want."""
    raise problem.error(problem.sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a whole verification found; the log is sound where `problems` is empty.

    `withheld` bodies were never erased and are not here: another device has them.
    """

    events: int
    checkpoints: int
    problems: tuple[str, ...]
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class Trail:
    """How far one feed was walked: its tree, and the time of its newest entry."""

    frontier: Frontier = field(default_factory=Frontier)
    time: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """How far a log was walked: the last position, and the trail of every feed up to it."""

    position: int = 0
    trails: Mapping[bytes, Trail] = field(default_factory=dict)

    @property
    def time(self) -> int:
        """The time of the newest entry of all feeds."""
        return max((trail.time for trail in self.trails.values()), default=0)

    def trail(self, feed: bytes) -> Trail:
        """Return the trail of a feed, which may not have begun."""
        return self.trails.get(feed, _BEGINNING)

    def size_and_root(self, without: bytes = b"") -> tuple[int, bytes]:
        """Return how many entries the feeds have, but for one, and the root over them."""
        trails = {feed: trail.frontier for feed, trail in self.trails.items() if feed != without}
        if len(trails) == 1:
            [frontier] = trails.values()
            return frontier.size, frontier.root()
        leaves = [
            leaf_hash(feed + frontier.size.to_bytes(8, "big") + frontier.root())
            for feed, frontier in sorted(trails.items())
        ]
        return sum(frontier.size for frontier in trails.values()), root_of(leaves)

    def after(self, page: "SealedPage") -> "Place":
        """Return the place behind a page."""
        return Place(page.position, {**self.trails, page.feed: page.trail})


_BEGINNING = Trail()


class SealedPage(NamedTuple):
    """Position and data of checked records that were committed together.

    `position` and `checkpoint` are those of the checkpoint behind them, `trail` is their
    feed's up to it; `tiles` are the subtrees that they complete.
    """

    records: list[tuple[int, bytes]]
    feed: bytes
    position: int
    checkpoint: bytes
    trail: Trail
    tiles: list[Nodes]


def walk(
    rows: Iterable[Row], key_of: KeyOf, start: Place, complain: Complain = refuse
) -> Iterator[SealedPage]:
    """Yield the pages behind a place, each checked up to its signature.

    Args:
        rows: The records behind the place, in order.
        key_of: The keys that sign the feeds.
        start: A place whose checkpoints were verified.
        complain: Told every problem; if it returns, the walk goes on.

    Raises:
        TamperError: From `complain`, unless it was replaced.
    """
    rows, trails, last = iter(rows), dict(start.trails), start.position
    while True:
        with unsearched():
            page = _next_page(rows, last, trails, key_of, complain)
        if page is None:
            return
        last, trails[page.feed] = page.position, page.trail
        yield page
        del page  # so that the next one takes its memory, which is still in the cache


def _next_page(
    rows: Iterator[Row],
    last: int,
    trails: Mapping[bytes, Trail],
    key_of: KeyOf,
    complain: Complain,
) -> SealedPage | None:
    """Check records up to the next checkpoint; None where there is none."""
    seq, time, feed = 0, 0, b""
    leaves: list[bytes] = []
    records: list[tuple[int, bytes]] = []
    unpack, size, hash_, stop = FIXED.unpack_from, FIXED.size, sha256, checkpoint.TOPIC
    # The inner loop of every replay: one condition for all that must hold, spelled out only
    # when it does not.
    for position, topic, tags, data in rows:
        if topic == stop:
            page = _Page(position, last, time, tags, data, leaves, feed)
            trail, tiles = _closed(page, trails.get(feed, _BEGINNING), key_of, complain)
            return SealedPage(records, feed, position, data, trail, tiles)
        try:
            version, length, owner, number, at, _, _, tag, _ = unpack(data)
            if not feed:
                feed = owner
                trail = trails.get(feed, _BEGINNING)
                seq, time = trail.frontier.size, trail.time
            end = size + length
            cut = end + HASH_SIZE
            misplaced = (
                position != last + 1
                or number != seq
                or at <= time
                or version not in VERSIONS
                or owner != feed
                or len(data) < cut
                or data[size:end] != topic.encode()
                or tags != (topic if tag == NO_TAG else tag.hex())
            )
        except (struct.error, AttributeError, TypeError):
            complain(Problem(f"The entry at {position} cannot be read."))
            continue
        if misplaced:
            complain(
                Problem(f"The entry at {position} is not in its place or its header was changed.")
            )
        body = data[cut:]
        if body and hash_(body).digest() != data[end:cut]:
            complain(Problem(f"The body of the entry at {position} was changed."))
        leaves.append(hash_(b"\0" + data[:cut]).digest())
        records.append((position, data))
        last, seq, time = position, seq + 1, at
    if leaves:
        complain(Problem(f"The entries up to {last} stand behind the last checkpoint."))
    return None


class _Page(NamedTuple):
    """Where a page stands when its checkpoint is met."""

    position: int
    last: int
    time: int
    tags: str
    data: bytes
    leaves: list[bytes]
    feed: bytes


def _closed(
    page: _Page, trail: Trail, key_of: KeyOf, complain: Complain
) -> tuple[Trail, list[Nodes]]:
    """Check a checkpoint against the entries before it; return the trail up to it."""
    frontier = trail.frontier.copy()
    tiles = frontier.extend(page.leaves)
    try:
        stated = checkpoint.parse(page.data, key_of(page.feed))
    except TamperError as error:
        complain(Problem(f"At {page.position}: {error}", type(error)))
        return Trail(frontier, page.time), tiles
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
    return Trail(stated.frontier, stated.time), tiles
