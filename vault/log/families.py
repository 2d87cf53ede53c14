"""Entries that are one item: those under the same natural key, whichever device wrote them.

Two devices that read the same export before they met have both collected every item. In
merged order the first entry under a natural key is the item, and every later one states it
again; followers never see anything else. Blocks of attachments are no family: of two under
one key each stands for itself, since another item may need the one where the other was erased.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from vault.codec import topics_of
from vault.errors import NotFound
from vault.events import (
    ContentCollected,
    CorrectionMade,
    Event,
    ItemCollected,
    ItemErased,
    ItemRevised,
    LabelCorrected,
)
from vault.log.envelope import NO_TAG, Record, parse
from vault.log.records import Records
from vault.log.sqlite import sqlite_errors

__all__ = ["ALONE", "Families"]

ALONE = frozenset(topics_of(ContentCollected))
"""Topics of entries that are no item's: each stands for itself."""


class Families:
    """The entries under each natural key."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def with_members(self, located: Sequence[Record]) -> list[Record]:
        """Add the records under the same natural keys, in the order of log.db."""
        tags = {
            f.header.natural_key.hex()
            for f in located
            if f.header.natural_key != NO_TAG and f.header.topic not in ALONE
        }
        there = {found.position: found for found in located}
        recorder = self._records.recorder
        with sqlite_errors("log.db"):
            extent = recorder.extent(sorted(tags))
            for tag, (first, last) in extent.items():
                if first == last and first in there:
                    continue
                there |= self._members(tag)
        return [there[position] for position in sorted(there)]

    def under(self, tags: AbstractSet[bytes]) -> list[Record]:
        """Return the records under natural keys; of a long body, the beginning and the end."""
        recorder = self._records.recorder
        found: dict[int, Record] = {}
        with sqlite_errors("log.db"):
            extent = recorder.extent([tag.hex() for tag in tags])
            alone = {first for first, last in extent.values() if first == last}
            for position, (_, data) in recorder.at(alone, outlines=True).items():
                record = parse(position, data)
                if record.header.natural_key in tags:
                    found[position] = record
            for tag, (first, last) in extent.items():
                if first != last:
                    found |= self._members(tag)
        return [found[position] for position in sorted(found)]

    def _members(self, tag: str) -> dict[int, Record]:
        query = DCBQuery([DCBQueryItem([], [tag])])
        stored = self._records.recorder.read(query)
        records = [parse(one.position, one.event.data) for one in stored]
        return {one.position: one for one in records if one.header.natural_key.hex() == tag}

    def _first(self, record: Record) -> str:
        """Return the id of the entry that an item is known by."""
        if record.header.natural_key == NO_TAG:
            return record.header.id
        index, most = self._records.index, self._records.devices.most
        ranked: list[tuple[int, bytes, int]] = []
        for one in self.with_members([record]):
            feed, seq = one.header.feed, one.header.seq
            page = index.holding(feed, seq) if seq < most(feed) else None
            if page is not None:
                ranked.append((page.time, feed, seq))
        if not ranked:
            return record.header.id
        _, feed, seq = min(ranked)
        return f"{feed.hex()}-{seq}"

    def _known_as(self, entry_id: str) -> str:
        try:
            [record] = self._records.located([entry_id], outlines=True)
        except NotFound:
            return entry_id
        return self._first(record)

    def told(self, record: Record, event: Event) -> Event:
        """Return an event as it reads in merged order."""
        match event:
            case ItemCollected(item=item) | ItemRevised(item=item):
                first = self._first(record)
                if first == record.header.id:
                    return ItemCollected(item=item)
                return ItemRevised(item_id=first, item=item)
            case ItemErased(item_ids=ids):
                return replace(event, item_ids=tuple(self._each(ids)))
            case CorrectionMade(item_id=item_id) | LabelCorrected(item_id=item_id):
                return replace(event, item_id=self._known_as(item_id))
            case _:
                return event

    def _each(self, ids: Iterable[str]) -> list[str]:
        return list(dict.fromkeys([*map(self._known_as, ids), *ids]))
