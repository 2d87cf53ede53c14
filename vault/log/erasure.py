"""Erasing: keys destroyed, bodies cut off, nothing left in any file.

The signed request (`ItemErased`) comes first, so whatever a crash interrupts is owed, and
finished when the vault is opened next. What is erased stays so: an entry that arrives later
from another device, of an item that was erased, goes the same way.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from vault import points
from vault.codec import topics_of
from vault.errors import NotFound, StorageError
from vault.events import ItemErased
from vault.follow import Entry
from vault.log.envelope import Record, parse
from vault.log.families import Families
from vault.log.keys import Slot, VaultKeys
from vault.log.records import Records
from vault.log.sqlite import sqlite_errors

__all__ = ["Erasure"]

_log = logging.getLogger(__name__)
_THROUGH: Final = "erased-through"
_REQUESTS: Final = DCBQuery([DCBQueryItem([], [topic]) for topic in topics_of(ItemErased)])

Opened = Callable[[Sequence[Record]], list[Entry]]


class Erasure:
    """The erasures of one log."""

    def __init__(self, records: Records, families: Families, keys: VaultKeys) -> None:
        self._records = records
        self._families = families
        self._keys = keys

    def erase(self, ids: Iterable[str], opened: Opened) -> int:
        """Erase entries with all that are the same items; return how many keys there were."""
        wanted = set(ids)
        destroyed = self._destroy(self._records.located(wanted, revoked=True, outlines=True))
        if self._asked(opened) <= wanted:
            self._mark()
        return destroyed

    def _destroy(self, located: Sequence[Record]) -> int:
        family = self._families.with_members(located)
        destroyed = self._keys.destroy(
            Slot((found.header.feed, found.header.key_page), found.header.key_slot)
            for found in family
        )
        recorder = self._records.recorder
        with sqlite_errors("log.db"):
            recorder.cut([(found.position, found.head) for found in family if found.body])
        points.reached("log.cut")
        self._keys.store.truncate_wal()
        points.reached("keys.truncated")
        with sqlite_errors("log.db"):
            recorder.truncate_wal()
        points.reached("log.truncated")
        return destroyed

    def _asked(self, opened: Opened, *, ever: bool = False) -> set[str]:
        """Return the ids that signed requests name, since all was last erased or ever."""
        after = 0 if ever else self._keys.store.mark(_THROUGH)
        asked: set[str] = set()
        with sqlite_errors("log.db"):
            for stored in self._records.recorder.read(_REQUESTS, after=after):
                [entry] = opened([parse(stored.position, stored.event.data)])
                if isinstance(entry.event, ItemErased):
                    asked.update(entry.event.item_ids)
        return asked

    def _mark(self) -> None:
        self._keys.store.set_mark(_THROUGH, self._records.place.position)
        points.reached("erasure.marked")

    def repair(self, opened: Opened) -> int:
        """Finish what is owed; return how many keys were left."""
        asked = self._asked(opened)
        if not asked:
            return 0
        try:
            destroyed = self._destroy(self._here(asked))
        except StorageError:
            _log.warning("An erasure could not be finished: another process reads the vault.")
            return 0
        self._mark()
        return destroyed

    def late(self, ids: Sequence[str], opened: Opened) -> int:
        """Erase those of some entries that were asked for, or whose item was erased."""
        asked = self._asked(opened, ever=True)
        located = self._here(ids)
        due = [record for record in located if record.header.id in asked]
        due += [
            record
            for record in located
            if record.body and any(not one.body for one in self._families.with_members([record]))
        ]
        return self._destroy(due) if due else 0

    def _here(self, ids: Iterable[str]) -> list[Record]:
        """Return those entries that have arrived, even where they count no more."""
        return self._records.located(filter(self._is_here, ids), revoked=True, outlines=True)

    def _is_here(self, entry_id: str) -> bool:
        try:
            self._records.taken_apart(entry_id, revoked=True)
        except NotFound:
            return False
        return True
