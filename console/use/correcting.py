"""Putting other words in the place of an item's."""

from dataclasses import dataclass

from console.bootstrap import Twin

__all__ = ["Corrected", "correct", "words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """An item as it reads now; `changed` is false where it read so before."""

    id: str
    text: str
    changed: bool


def words(twin: Twin, item_id: str) -> str:
    """Return the words of an item as it reads now.

    Raises:
        NotFound: There is no such item.
        Erased: It was erased.
    """
    twin.catch_up()
    return twin.views.timeline.show(item_id).item.text


def correct(twin: Twin, item_id: str, text: str) -> Corrected:
    """Correct the words of an item, and let every view follow at once.

    What was collected stays in the log until the item is erased; nothing reads it.

    Raises:
        NotFound: There is no such item.
        Erased: It was erased.
        UsageError: There are no words.
    """
    twin.catch_up()
    item = twin.views.timeline.show(item_id).item
    corrected = twin.vault.correct(item_id, item, text)
    twin.catch_up()
    twin.views.settle(twin.vault.now())
    return Corrected(id=item_id, text=corrected.text, changed=corrected != item)
