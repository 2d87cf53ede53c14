"""From threads to examples: what she was asked or answered, and her own words as the answer.

Only her words are ever learned. Others' words are context, and only where consent covers
them, which was decided before anything arrives here.
"""

import hmac
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from projections.permissions import strictest
from projections.redaction import Redactor
from projections.rows import Message, Row
from projections.threads import Allowed, Thread, Turn, is_conversation, split_of, turns
from vault.consent import Profile
from vault.items import Agent, Item

__all__ = ["PAIRS", "Pair", "pairs_of"]

PAIRS = "1"
"""Version of everything that shapes rows beside redaction; a change rebuilds the view."""

_CONTEXT_MESSAGES = 6
_CONTEXT_CHARACTERS = 600
_LONGEST = 1200
_GO_ON = "Go on."

Role = Literal["user", "assistant"]
Said = tuple[Role, str]
_MAIL = "message.email"


@dataclass(frozen=True, slots=True)
class Pair:
    """A row, or why there is none; and what was masked in its completion.

    `completion` is a keyed digest that equal completions share; `learned` names the
    smallest event of the words that are learned, which decides among them.
    """

    row: Row
    completion: bytes
    learned: str
    profile: Profile
    masked: Counter[str]
    clean: bool


@dataclass(frozen=True, slots=True)
class _Draft:
    """An example before redaction: roles and words, and the items behind them."""

    messages: tuple[Said, ...]
    context: tuple[Allowed, ...]
    learned: tuple[Allowed, ...]


def pairs_of(thread: Thread, redactor: Redactor, key: bytes) -> Iterator[Pair]:
    """Yield the examples of a thread."""
    split = split_of(thread, key)
    for draft in _drafts(thread):
        items = (*draft.context, *draft.learned)
        profile = strictest(one.decision.redact for one in items)
        redacted = [redactor.redact(words, profile) for _, words in draft.messages]
        messages = tuple(
            Message(role=role, content=done.text)
            for (role, _), done in zip(draft.messages, redacted, strict=True)
        )
        first = draft.learned[0].item
        row = Row.of(
            events=tuple(dict.fromkeys(one.id for one in items)),
            statements=tuple(sorted({one.decision.statement for one in items})),
            messages=messages,
            split=split,
            group=_digest(key, "group", f"{first.type}\0{first.conversation}").hex(),
            at=first.at,
        )
        yield Pair(
            row=row,
            completion=_digest(key, "completion", messages[-1].content),
            learned=min(one.id for one in draft.learned),
            profile=profile,
            masked=redacted[-1].kinds(),
            clean=all(done.clean for done in redacted),
        )


def _digest(key: bytes, label: str, text: str) -> bytes:
    content = f"{label}\0{text}".encode("utf-8", "surrogatepass")
    return hmac.digest(key, content, "sha256")[:16]


def _drafts(thread: Thread) -> Iterator[_Draft]:
    first = thread.items[0].item
    if is_conversation(first) or first.type.startswith("message."):
        yield from _conversation(turns(thread))
    else:
        for one in thread.items:
            if one.item.sent:
                yield from _long(_opener(one.item, again=False), (), (one,), one.item.own_text)


def _conversation(said: list[Turn]) -> Iterator[_Draft]:
    said = [turn for turn in said if turn.text.strip()]
    for index, turn in enumerate(said):
        if not turn.own:
            continue
        context, items = _context(said[:index])
        opener = _opener(turn.items[0].item, again=bool(context))
        if not context or context[-1][0] == "assistant":
            context = [*context, ("user", opener)]
        if context[0][0] == "assistant":
            context = [("user", _opener(turn.items[0].item, again=False)), *context]
        yield from _long(context, items, turn.items, turn.text)


def _context(said: list[Turn]) -> tuple[list[Said], tuple[Allowed, ...]]:
    """Return the last turns that fit, oldest first, roles alternating, and their items."""
    chosen: list[Said] = []
    items: list[Allowed] = []
    room, messages = _CONTEXT_CHARACTERS, _CONTEXT_MESSAGES
    for turn in reversed(said):
        text = turn.text
        if chosen and (len(text) > room or len(turn.items) > messages):
            break
        kept = _tail(text, room)
        role: Role = "assistant" if turn.own else "user"
        if chosen and chosen[0][0] == role:
            chosen[0] = (role, f"{kept}\n{chosen[0][1]}")
        else:
            chosen.insert(0, (role, kept))
        items[:0] = turn.items
        room -= len(kept)
        messages -= len(turn.items)
        if room <= 0 or messages <= 0:
            break
    return chosen, tuple(items)


def _tail(text: str, room: int) -> str:
    """Return the end of a text, from a word on."""
    if len(text) <= room:
        return text
    return text[-room:].partition(" ")[2] or text[-room:]


_PARAGRAPH = re.compile(r"\n\s*\n")


def _long(
    prompt: list[Said] | str,
    context: tuple[Allowed, ...],
    learned: tuple[Allowed, ...],
    text: str,
) -> Iterator[_Draft]:
    """Yield one example, or several where the text is long: each goes on from the last."""
    messages: list[Said] = [("user", prompt)] if isinstance(prompt, str) else prompt
    opening: Said = messages[-1] if messages[-1][0] == "user" else ("user", _GO_ON)
    for piece in _pieces(text):
        yield _Draft((*messages, ("assistant", piece)), context, learned)
        messages = [opening, ("assistant", _tail(piece, _CONTEXT_CHARACTERS)), ("user", _GO_ON)]


def _pieces(text: str) -> Iterator[str]:
    """Cut at paragraph borders; a paragraph that is too long stays whole."""
    piece = ""
    for paragraph in map(str.strip, _PARAGRAPH.split(text.strip())):
        if piece and len(piece) + len(paragraph) > _LONGEST:
            yield piece
            piece = ""
        piece = f"{piece}\n\n{paragraph}" if piece else paragraph
    if piece:
        yield piece


def _opener(item: Item, *, again: bool) -> str:
    """Return what she might have been asked, where nobody's words precede hers."""
    kind = item.type
    title = " ".join(item.title.split())[:120]
    if kind.startswith(_MAIL):
        return f"Draft a mail about {_subject(title)}" if title else "Draft a mail."
    if kind.startswith("message."):
        whom = _named(item.to[0]) if len(item.to) == 1 else "the group"
        return f"Write to {whom} again." if again else f"Write to {whom}."
    if kind.startswith("document.journal"):
        return f"Write your journal for {_weekday(item)}."
    noun = "post" if kind.startswith("post.") else "note"
    return f"Write a {noun} about {title}" if title else f"Write a {noun}."


def _named(agent: Agent) -> str:
    return agent.name or (agent.id[5:] if agent.id.startswith("name:") else "a friend")


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _weekday(item: Item) -> str:
    """Name the day where she was, without the date."""
    if item.at is None:
        return "today"
    return _DAYS[(item.at + timedelta(minutes=item.offset or 0)).weekday()]


_REPLY = re.compile(
    r"^(?:\s*(?:re|fwd?|aw|wg|antw|sv|tr|rif)\s*(?:\[\d{1,3}\])?\s*:)+\s*", re.IGNORECASE
)


def _subject(title: str) -> str:
    return _REPLY.sub("", title) or "this"
