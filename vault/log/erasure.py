"""Erasing: keys destroyed, bodies cut off, nothing left in any file.

The signed request (`ItemErased`) comes first, so whatever a crash interrupts is owed, and
finished when the vault is opened next. What is erased stays so: an entry that arrives later
from another device, of an item that was erased, is stored without its body.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from vault import points
from vault.codec import topics_of
from vault.errors import NotFound, StorageError
from vault.events import ItemErased
from vault.follow import Entry
from vault.log.envelope import NO_TAG, Record, parse
from vault.log.families import ALONE, Families
from vault.log.index import Index
from vault.log.keys import Slot, VaultKeys
from vault.log.records import Records
from vault.log.sqlite import sqlite_errors

__all__ = ["Erasure"]

_log = logging.getLogger(__name__)
_THROUGH: Final = "erased-through"
_REQUESTS: Final = DCBQuery([DCBQueryItem([], [topic]) for topic in topics_of(ItemErased)])

Opened = Callable[[Sequence[Record]], list[Entry]]


@dataclass(slots=True)
class _Asked:
    """The entries that requests up to a position name: their numbers by feed."""

    numbers: dict[str, set[int]] = field(default_factory=dict)
    through: int = 0

    def add(self, ids: Iterable[str]) -> None:
        for entry_id in ids:
            feed, _, number = entry_id.rpartition("-")
            if number.isdecimal():
                self.numbers.setdefault(feed, set()).add(int(number))

    def names(self, record: Record) -> bool:
        return record.header.seq in self.numbers.get(record.header.feed.hex(), ())


def _family(record: Record) -> bytes:
    """Return what an entry shares with others that are the same item, empty where it is alone."""
    tag = record.header.natural_key
    return b"" if tag == NO_TAG or record.header.topic in ALONE else tag


class Erasure:
    """The erasures of one log."""

    def __init__(self, records: Records, families: Families, keys: VaultKeys) -> None:
        self._records = records
        self._families = families
        self._keys = keys
        self._known = _Asked()

    def erase(self, ids: Iterable[str], opened: Opened) -> int:
        """Erase entries with all that are the same items; return how many keys there were."""
        wanted = set(ids)
        destroyed = self._destroy(self._records.located(wanted, revoked=True, outlines=True))
        if self._asked(opened) <= wanted:
            self._mark()
        return destroyed

    def _destroy(self, located: Sequence[Record]) -> int:
        self._keys.destroy(())  # who may only write is refused before anything is cut off
        family = self._families.with_members(located)
        recorder = self._records.recorder
        with sqlite_errors("log.db"):
            gone = [(found.header.feed, found.header.seq) for found in family]
            # Those without a body too, and their keys last: one may come meanwhile.
            recorder.cut(
                [(found.position, found.head) for found in family],
                lambda cursor: Index.note_erased(cursor, gone),
            )
        points.reached("log.cut")
        destroyed = self._destroy_keys(family)
        self._keys.store.truncate_wal()
        points.reached("keys.truncated")
        with sqlite_errors("log.db"):
            recorder.truncate_wal()
        points.reached("log.truncated")
        return destroyed

    def _destroy_keys(self, located: Iterable[Record]) -> int:
        return self._keys.destroy(
            Slot((found.header.feed, found.header.key_page), found.header.key_slot)
            for found in located
        )

    def _asked(self, opened: Opened, after: int | None = None) -> set[str]:
        """Return the ids that signed requests behind a position name, by default since the mark."""
        after = self._keys.store.mark(_THROUGH) if after is None else after
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

    def due(self, arriving: Sequence[bytes], opened: Opened) -> set[int]:
        """Return the numbers of arriving entries that must not have a body when they are stored.

        Those are the ones that signed requests name, and the rest of their items. Of an item
        whose erasure named an entry that was not here, what is here goes at once.

        Args:
            arriving: Their records, verified.
            opened: What opens requests.
        """
        known = self._learned(opened)
        if not known.numbers:
            return set()
        records = [parse(0, data) for data in arriving]
        tags = {_family(record) for record in records if known.names(record)} - {b""}
        here = self._families.under({_family(record) for record in records} - {b""})
        twins = [one for one in here if _family(one) in tags]
        # An interruption may have left keys alone.
        if any(one.body for one in twins) or (twins and self._destroy_keys(twins)):
            self._destroy(twins)
        tags |= {_family(one) for one in here if known.names(one)} - {b""}
        return {
            record.header.seq
            for record in records
            if known.names(record) or _family(record) in tags
        }

    def _learned(self, opened: Opened) -> _Asked:
        """Return what was ever to be erased, having read the requests that are new."""
        known, end = self._known, self._records.place.position
        if end > known.through:
            known.add(self._asked(opened, known.through))
            known.through = end
        return known

    def _here(self, ids: Iterable[str]) -> list[Record]:
        """Return those entries that have arrived, even where they count no more."""
        return self._records.located(filter(self._is_here, ids), revoked=True, outlines=True)

    def _is_here(self, entry_id: str) -> bool:
        try:
            self._records.taken_apart(entry_id, revoked=True)
        except NotFound:
            return False
        return True
