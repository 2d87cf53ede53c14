"""Conversations cut into threads, and threads into turns.

What is cut are permitted items only: a thread made of what is left after a withdrawal must
be the thread that would have been made had the rest never existed. Which side of the split
a thread falls on depends on its conversation and calendar week, not on its messages, so
that removing some moves none of the others.
"""

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from projections.rows import Split
from vault.consent import Decision
from vault.items import Item

__all__ = ["Allowed", "Thread", "Turn", "cut", "is_conversation", "split_of", "turns", "unit_of"]

_GAP = timedelta(hours=6)
_PAUSE = timedelta(minutes=30)
_LONGEST_TURN = 1000
_MONDAY = datetime(1970, 1, 5, 4, tzinfo=UTC)  # weeks begin when most people sleep
_WEEK = timedelta(weeks=1)
_HELD = 0.15
_MAIL = "message.email"
_ACTIVITY = "activity."


@dataclass(frozen=True, slots=True)
class Allowed:
    """An item that may be trained on, with the decision that says so."""

    id: str
    item: Item
    decision: Decision


@dataclass(frozen=True, slots=True)
class Thread:
    """Items that belong together, in order; `key` decides the split."""

    key: str
    items: tuple[Allowed, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """Consecutive messages of one side."""

    own: bool
    items: tuple[Allowed, ...]

    @property
    def text(self) -> str:
        """What was said, one message a line."""
        return "\n".join(one.item.own_text.strip() for one in self.items)


def is_conversation(item: Item) -> bool:
    """Whether an item is part of an exchange, rather than complete by itself."""
    return item.type.startswith("message.") and bool(item.conversation)


def unit_of(item_id: str, item: Item) -> str:
    """Return the name of what is recomputed together, since no thread leaves it.

    A week of a conversation or of one activity, a whole conversation by mail, or one item.
    What is said of the split goes by the name too: it stays for ever.
    """
    if item.type.startswith(_ACTIVITY) and item.at is not None:
        return f"a\x1f{item.type}\x1f{item.source}\x1f{_week(item.at)}"
    if not is_conversation(item):
        return f"i\x1f{item_id}\x1f"
    kind = item.type.split(".")[1] if "." in item.type else ""
    week = "" if item.at is None or item.type.startswith(_MAIL) else _week(item.at)
    return f"c\x1f{kind}\x1f{item.source}\x1f{item.conversation}\x1f{week}"


def cut(unit: str, items: Iterable[Allowed]) -> Iterator[Thread]:
    """Cut a unit into threads, at a gap of six hours; mail and activity stay whole.

    Args:
        unit: Its name.
        items: Its permitted items, in order.
    """
    thread: list[Allowed] = []
    last: datetime | None = None
    for one in items:
        at = None if one.item.type.startswith((_MAIL, _ACTIVITY)) else one.item.at
        if thread and at is not None and last is not None and at - last > _GAP:
            yield Thread(unit, tuple(thread))
            thread = []
        last = at or last
        thread.append(one)
    if thread:
        yield Thread(unit, tuple(thread))


def _week(at: datetime) -> str:
    return str((at - _MONDAY) // _WEEK)


def split_of(thread: Thread, key: bytes) -> Split:
    """Return the side of the split on which a thread is, for ever."""
    digest = hmac.digest(key, b"split\0" + thread.key.encode("utf-8", "surrogatepass"), "sha256")
    return "held" if int.from_bytes(digest[:4], "big") < _HELD * 2**32 else "train"


def turns(thread: Thread) -> list[Turn]:
    """Join consecutive messages of one side; a pause or a long text ends a turn of hers."""
    found: list[Turn] = []
    current: list[Allowed] = []
    for one in thread.items:
        if current and not _continues(current, one):
            found.append(Turn(current[0].item.sent, tuple(current)))
            current = []
        current.append(one)
    if current:
        found.append(Turn(current[0].item.sent, tuple(current)))
    return found


def _continues(turn: list[Allowed], one: Allowed) -> bool:
    if turn[0].item.sent != one.item.sent or one.item.type.startswith(_MAIL):
        return False
    last, at = turn[-1].item.at, one.item.at
    if last is not None and at is not None and at - last > _PAUSE:
        return False
    return sum(len(said.item.own_text) for said in turn) + len(one.item.own_text) <= _LONGEST_TURN
