"""From a thread to its drafts, by the type of its items."""

from collections.abc import Iterator

from projections.drafts.activity import activities
from projections.drafts.conversation import conversation
from projections.drafts.document import document
from projections.drafts.draft import Draft, QuestionWriter
from projections.threads import Thread

__all__ = ["DRAFTS", "drafts_of"]

DRAFTS = "1"
"""Version of everything in this room that shapes drafts; a change rebuilds views."""

_NO_PROSE = frozenset({"contact", "calendar"})


def drafts_of(thread: Thread, questions: QuestionWriter | None = None) -> Iterator[Draft]:
    """Yield the examples of a thread, a pure function of its items and their order.

    Args:
        thread: Permitted items only.
        questions: Writes what notes and the like are asked for by, instead of templates.
    """
    root = thread.items[0].item.type.partition(".")[0] if thread.items else ""
    if root == "message":
        yield from conversation(thread)
    elif root == "activity":
        yield from activities(thread)
    elif root not in _NO_PROSE:
        for one in thread.items:
            if one.item.sent:
                yield from document(one, questions)
