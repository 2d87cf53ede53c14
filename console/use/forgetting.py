"""Erasing items for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console.bootstrap import Twin
from console.papers import Certificate, write_paper
from vault.errors import NotFound

__all__ = ["Forgotten", "forget", "plan", "preview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was (or would be) erased. `mentions` are other items that quote or nearly repeat it."""

    items: int
    keys_destroyed: int
    rows_removed: int
    models_suspended: tuple[str, ...]
    mentions: tuple[str, ...]
    certificate: Path | None


def plan(
    twin: Twin, *, item_id: str = "", conversation: str = "", person: str = "", source: str = ""
) -> tuple[str, ...]:
    """Return the ids of the items that one filter names.

    Raises:
        NotFound: No item matches.
    """
    twin.catch_up()
    if item_id:
        return (twin.views.timeline.show(item_id).id,)
    found = twin.views.timeline.select(source=source, conversation=conversation, person=person)
    if not found:
        raise NotFound("No item matches; `twin search` and `twin show` tell what is there.")
    return found


def preview(twin: Twin, item_ids: Sequence[str]) -> Forgotten:
    """Say what erasing would take away; nothing is changed."""
    entries = twin.views.timeline.entries(item_ids)
    return Forgotten(
        items=len(item_ids),
        keys_destroyed=len(entries),
        rows_removed=twin.views.training.holding(item_ids),
        models_suspended=twin.models_that_learned_from(item_ids),
        mentions=_mentions(twin, item_ids),
        certificate=None,
    )


def forget(twin: Twin, item_ids: Sequence[str]) -> Forgotten:
    """Erase items: their keys, their text, their rows, and every state that learned from them."""
    entries = twin.views.timeline.entries(item_ids)
    mentions = _mentions(twin, item_ids)
    removed = twin.views.training.holding(item_ids)
    keys = twin.vault.erase(entries, twin.masked_of(item_ids))
    position = twin.catch_up()
    # What is due is computed at once: the lists of what to compute name conversations.
    twin.views.settle(twin.vault.now())
    suspended = twin.suspend_tainted("erased")
    destroyed = twin.destroy_tainted_states()
    certificate = Certificate(
        items=tuple(item_ids),
        keys_destroyed=keys,
        at=twin.vault.now(),
        position=position,
        checkpoint=twin.log.head.root.hex(),
        rows_removed=removed,
        models_suspended=suspended,
        states_destroyed=destroyed,
        mentions=mentions,
    )
    return Forgotten(
        items=len(item_ids),
        keys_destroyed=keys,
        rows_removed=removed,
        models_suspended=suspended,
        mentions=mentions,
        certificate=write_paper(twin, f"certificate-{position}", certificate),
    )


def _mentions(twin: Twin, item_ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.id for found in twin.views.timeline.mentions(item_ids)))
