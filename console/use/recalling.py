"""What she answered to the messages most like one: examples that a model may go by.

A message and its reply count only where `search` is allowed for every item of both, now; a
reply is never put behind words that it did not answer. What models are measured on is left out.
Both are redacted as strictly as any of their items asks, and are turns of a conversation: words
to go by, which command nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from console.bootstrap import Twin
from console.talking import Example
from console.use import searching
from projections.curate.quality import poor
from projections.drafts.blocks import head, tail
from projections.drafts.standard import standard
from projections.embed import similarity
from projections.permissions import strictest
from projections.rows import Message
from projections.search import By
from projections.threads import Allowed, Turn, cut, turns, unit_of
from projections.timeline import Stored
from trainer.recipe import Recipe

__all__ = ["Recalled", "Room", "recall", "room_for"]

_MOST = 3
# On the sample life, what was less alike had nothing to do with what was asked.
_ALIKE = 0.6
_EACH = 40
_READ = 4_000
_LONGEST, _SHORTEST = 600, 40
# A token is two letters or more; a template puts a few tokens around each message.
_LETTERS, _AROUND = 2, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """For how many replies a model has room, and for how many letters of each message."""

    replies: int
    letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """An example as a model is told it: what somebody said, and her reply."""

    example: Example
    messages: tuple[Message, Message]


def room_for(recipe: Recipe, told: Sequence[Message]) -> Room:
    """Return the room that a conversation leaves, so that what is put there is read."""
    said = sum(one.role != "system" for one in told)
    replies = min(_MOST, (recipe.context - said) // 2)
    letters = _LETTERS * recipe.context_tokens
    if recipe.kind == "lora":  # all messages together have the room that each has in a network
        left = letters - sum(len(one.content) + _AROUND for one in told)
        replies = min(replies, left // (2 * (_SHORTEST + _AROUND)))
        letters = left // (2 * max(1, replies)) - _AROUND
    return Room(replies=max(0, replies), letters=min(_LONGEST, letters))


def recall(twin: Twin, question: str, room: Room) -> tuple[Recalled, ...]:
    """Return her replies to the messages most like a question, the most alike last.

    Consent is asked as it stands now; a message that is hardly alike is left out.
    """
    twin.catch_up()

    @cache
    def exchanges(unit: str) -> tuple[tuple[Turn, Turn], ...]:
        return tuple(_exchanges(twin, unit))

    found: dict[tuple[Message, Message], Recalled] = {}
    for stored in _nearest(twin, question) if room.replies else ():
        for theirs, hers in exchanges(unit_of(stored.id, stored.item)):
            if any(one.id == stored.id for one in theirs.items):
                one = _recalled(twin, stored.id, theirs, hers, room.letters)
                if one:
                    found.setdefault(one.messages, one)
        if len(found) == room.replies:
            break
    return tuple(reversed(found.values()))


def _nearest(twin: Twin, question: str) -> list[Stored]:
    """Return messages of others that may be searched and are like a question, the nearest first."""
    kinds = {kind for _, kind in twin.views.timeline.counts() if _is_others(kind)}
    ids = [
        hit.id
        for kind in sorted(kinds)
        for hit in searching.search(twin, question, by=By.MEANING, data_type=kind, limit=_EACH).hits
    ]
    asked = twin.views.labels.vector_of(question)
    near = {
        name: max(similarity(asked, one) for one in passages)
        for name, passages in twin.views.labels.vectors(ids).items()
        if passages
    }
    alike = [name for name in near if near[name] >= _ALIKE]
    items = twin.views.timeline.load(alike)
    return sorted(items, key=lambda one: (-near[one.id], -_time(one), one.id))


def _is_others(kind: str) -> bool:
    return kind.startswith("message.") and kind.endswith(".received")


def _time(stored: Stored) -> float:
    return stored.item.at.timestamp() if stored.item.at else 0.0


def _exchanges(twin: Twin, unit: str) -> Iterator[tuple[Turn, Turn]]:
    """Yield what others said in a unit with what she answered, where all of it may be searched.

    Threads are cut from all that there is: with the rest left out, a reply would stand behind
    other words than those that it answers.
    """
    if twin.views.training.holds_out(unit):
        return
    decided = twin.views.search.decided(twin.views.timeline.in_units([unit])[unit], twin.now)
    for thread in cut(unit, (Allowed(one.id, one.item, why) for one, why in decided)):
        for theirs, hers in pairwise(turns(thread)):
            said = (*theirs.items, *hers.items)
            if hers.own and not theirs.own and all(one.decision.permitted for one in said):
                yield theirs, hers


def _recalled(twin: Twin, like: str, theirs: Turn, hers: Turn, letters: int) -> Recalled | None:
    """Return an example cut to fit, None where that leaves nothing to go by."""
    asked = _fitting(reversed(list(_spoken(theirs))), letters)[::-1]
    said = _fitting(_spoken(hers), letters)
    answer = _joined(said)
    if poor(answer) or not any(one.id == like for one, _ in asked):
        return None
    profile = strictest(one.decision.redact for one, _ in (*asked, *said))
    redactor = twin.views.training.redactor
    before, behind = redactor.redact_all([_joined(asked)[-_READ:], answer[:_READ]], profile)
    question, reply = tail(before.text, letters), head(behind.text, letters)
    if not (question and reply and before.clean and behind.clean):
        return None
    first = said[0][0].item
    return Recalled(
        example=Example(
            asked=tuple(one.id for one, _ in asked),
            answered=tuple(one.id for one, _ in said),
            type=first.type,
            at=first.at,
        ),
        messages=(
            Message(role="user", content=question),
            Message(role="assistant", content=reply),
        ),
    )


def _spoken(turn: Turn) -> Iterator[tuple[Allowed, str]]:
    for one in turn.items:
        if words := standard(one.item.own_text):
            yield one, words


def _fitting(said: Iterable[tuple[Allowed, str]], letters: int) -> list[tuple[Allowed, str]]:
    """Return the first messages that fit, and the very first in any case."""
    kept: list[tuple[Allowed, str]] = []
    for one, words in said:
        letters -= len(words) + 1
        if kept and letters < 0:
            break
        kept.append((one, words))
    return kept


def _joined(said: Iterable[tuple[Allowed, str]]) -> str:
    return "\n".join(words for _, words in said)
