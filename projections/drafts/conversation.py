"""Replies and openings: what was said before her turn, and her turn as the answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from projections.drafts.asking import ROOM, Voice, in_pieces
from projections.drafts.blocks import blocks, is_label, pieces, tail
from projections.drafts.draft import Draft, Kind, Role, Said, numbered
from projections.drafts.standard import standard
from projections.threads import Allowed, Thread, turns

__all__ = ["conversation"]

_MESSAGES = 6
_MAIL = "message.email"


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A turn without its empty messages; `words` stand one for one beside `items`."""

    own: bool
    items: tuple[Allowed, ...]
    words: tuple[str, ...]


def conversation(thread: Thread) -> Iterator[Draft]:
    """Yield an example for each of her turns, in pieces where it is long."""
    said = list(_spoken(thread))
    for index, turn in enumerate(said):
        if turn.own:
            yield from _answer(turn, said[max(0, index - _MESSAGES) : index])


def _spoken(thread: Thread) -> Iterator[_Spoken]:
    for turn in turns(thread):
        told = [(one, words) for one in turn.items if (words := standard(one.item.own_text))]
        if told:
            items = tuple(one for one, _ in told)
            yield _Spoken(turn.own, items, tuple(words for _, words in told))


def _answer(turn: _Spoken, before: Sequence[_Spoken]) -> Iterator[Draft]:
    text = "\n".join(turn.words)
    voice = Voice.of(turn.items, text)
    context, items = _context(before)
    kind = Kind.REPLY if context and context[-1][0] == "user" else Kind.OPENING
    if kind is Kind.OPENING:
        context.append(("user", _opener(voice, turn, len(text), again=bool(context))))
    if context[0][0] == "assistant":
        context.insert(0, ("user", _opener(voice, turn, len(text), again=False)))
    made = in_pieces(tuple(context), pieces(blocks(text)), voice.more)
    yield from numbered(((kind, messages) for messages in made), turn.items, items)


def _opener(voice: Voice, turn: _Spoken, size: int, *, again: bool) -> str:
    """Return what she might have been asked, where nobody's words precede hers."""
    item = turn.items[0].item
    if item.type.startswith(_MAIL):
        return voice.mail(item.title, size)
    return voice.write(item, again=again)


def _context(before: Sequence[_Spoken]) -> tuple[list[Said], tuple[Allowed, ...]]:
    """Return the last messages that fit, oldest first, roles alternating, and their items."""
    chosen: list[Said] = []
    items: list[Allowed] = []
    room, messages = ROOM, _MESSAGES
    for turn in reversed(before):
        words = _last(turn.words, room, messages, whole=bool(chosen))
        if not words:
            break
        kept = "\n".join(words)
        role: Role = "assistant" if turn.own else "user"
        if chosen and chosen[0][0] == role:
            chosen[0] = (role, f"{kept}\n{chosen[0][1]}")
        else:
            chosen.insert(0, (role, kept))
        items[:0] = turn.items[-len(words) :]
        room -= len(kept) + 1
        messages -= len(words)
        if room <= 0 or messages <= 0:
            break
    return chosen, tuple(items)


def _last(words: Sequence[str], room: int, messages: int, *, whole: bool) -> list[str]:
    """Return the last messages of a turn that fit; of one that is too long, its end.

    Args:
        words: The messages.
        room: In how many characters they fit.
        messages: How many they are at most.
        whole: Whether all or nothing is asked for.
    """
    kept: list[str] = []
    for text in reversed(words):
        if len(kept) == messages or len(text) > room:
            break
        kept.insert(0, text)
        room -= len(text) + 1
    if whole:
        return kept if len(kept) == len(words) else []
    if not kept:
        end = tail(words[-1], room)
        return [end] if end else []
    while 0 < len(kept) < len(words) and is_label(words[-len(kept) - 1]):
        del kept[0]
    return kept
