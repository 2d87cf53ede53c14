"""Conversations as the owner sees them: what they are called, how large, what was said of them."""

from dataclasses import dataclass

from console.bootstrap import Twin
from console.use import consenting
from projections.circles import Room
from vault.consent import Filters, Statement
from vault.errors import NotFound

__all__ = ["Conversation", "conversation", "conversations", "titled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation; `no` names it on this device, `statements` in force are about it alone."""

    no: int
    name: str
    title: str
    source: str
    items: int
    kinds: tuple[str, ...]
    statements: tuple[Statement, ...]


def conversations(
    twin: Twin, after: tuple[int, int] | None = None, limit: int = 50
) -> tuple[Conversation, ...]:
    """Return conversations, those of most items first.

    Args:
        twin: The open vault.
        after: The items and the number of the one before the first.
        limit: How many at most.
    """
    twin.catch_up()
    said = consenting.show(twin).statements
    found = twin.views.timeline.circles.rooms(after, limit)
    return tuple(_described(twin, one, said) for one in found)


def conversation(twin: Twin, number: int) -> Conversation:
    """Return one conversation.

    Raises:
        NotFound: There is none of this number.
    """
    twin.catch_up()
    found = twin.views.timeline.circles.room(number)
    if found is None:
        raise NotFound("That conversation is not here any more; open the list again.")
    return _described(twin, found, consenting.show(twin).statements)


def titled(twin: Twin, limit: int) -> tuple[tuple[Room, str], ...]:
    """Return conversations with what they are called, those of most items first."""
    rooms = twin.views.timeline.circles.rooms(limit=limit)
    return tuple((one, _title(twin, one)) for one in rooms)


def _title(twin: Twin, room: Room) -> str:
    stored = next(twin.views.timeline.stated([room.item]))
    is_chat = stored.item.type.startswith("message.chat")
    return room.name if is_chat else stored.item.title or room.name


def _described(twin: Twin, room: Room, said: tuple[Statement, ...]) -> Conversation:
    filters = Filters(source=room.source, conversation=room.name)
    return Conversation(
        no=room.no,
        name=room.name,
        title=_title(twin, room),
        source=room.source,
        items=room.items,
        kinds=tuple(twin.views.timeline.circles.kinds(filters)),
        statements=tuple(
            one
            for one in said
            if one.filters.conversation == room.name and one.filters.source in {"", room.source}
        ),
    )
