"""Taking out what other devices need, and taking in what they wrote.

Every page is verified on the way out and on the way in, so a damaged log is never copied
and a forged one never merged. What arrives twice is compared, not stored again; a feed that
says something else than what is known of it has forked, and is refused.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem
from eventsourcing.persistence import IntegrityError, PersistenceError

from vault import points
from vault.codec import topics_of
from vault.errors import BadSignature, RolledBack, TamperError
from vault.events import DeviceRevoked
from vault.log import checkpoint
from vault.log.certificate import Certificate
from vault.log.envelope import FIXED, NO_TAG, Record, parse
from vault.log.keys import Keys, SharedPage
from vault.log.sealed import SealedLog, beside
from vault.log.segment import NOTE, Segment
from vault.log.sqlite import sqlite_errors
from vault.log.verify import Place, Row, SealedPage, Trail, walk

__all__ = ["learn_devices", "rows_of", "segments", "take_in"]

_MOST: Final = 4 << 20
"""Bytes of records after which a segment is closed."""

_ANY_CHECKPOINT: Final = DCBQuery([DCBQueryItem([checkpoint.TOPIC], [])])
_REVOKED: Final = frozenset(topics_of(DeviceRevoked))


def segments(log: SealedLog, feed: bytes, first: int, last: int) -> Iterator[Segment]:
    """Yield the pages of a feed between two sizes of it as segments, verified.

    Args:
        log: The unlocked log.
        feed: Whose pages.
        first: The size to begin at, which a page ended with; 0 for all.
        last: The size to end at.

    Raises:
        TamperError: Something does not verify.
    """
    start = Place(0, {feed: _trail_at(log, feed, first)})
    records: list[bytes] = []
    pages: set[tuple[bytes, int]] = set()
    begun = at = first
    for page in walk(_own_rows(log, feed, first, last), log.devices.key_of, start):
        for _, data in page.records:
            record = parse(0, data)
            if record.body:
                pages.add((feed, record.header.key_page))
            records.append(data)
        records.append(page.checkpoint)
        at = page.trail.frontier.size
        if sum(map(len, records)) >= _MOST:
            yield Segment(feed, begun, at, records, _shared(log, pages))
            records, pages, begun = [], set(), at
    if records:
        yield Segment(feed, begun, at, records, _shared(log, pages))


def _shared(log: SealedLog, pages: set[tuple[bytes, int]]) -> dict[int, SharedPage]:
    return {id_: page for (_, id_), page in _keys(log).shared(pages).items()}


def _keys(log: SealedLog) -> Keys:
    assert isinstance(log.keys, Keys), "only an unlocked log travels"
    return log.keys


def _own_rows(log: SealedLog, feed: bytes, first: int, last: int) -> Iterator[Row]:
    """Yield the records of a feed as if there were no other."""
    position = 0
    for page in log.index.between(feed, first, last):
        start = page.position - page.entries
        for _, topic, tags, data in log.records.recorder.rows(start - 1, page.position):
            position += 1
            yield position, topic, tags, data


def _trail_at(log: SealedLog, feed: bytes, size: int) -> Trail:
    """Return the trail of a feed at the end of one of its pages.

    Raises:
        RolledBack: No page of the feed ended there.
    """
    if size == 0:
        return Trail()
    page = log.index.ending(feed, size)
    if page is None:
        raise RolledBack(_forked(feed, size))
    with sqlite_errors("log.db"):
        stored = log.records.recorder.at([page.position]).get(page.position)
    if stored is None:
        raise TamperError(f"The record at {page.position} of log.db is missing.")
    stated = checkpoint.parse(stored[1], log.devices.key_of(feed))
    return Trail(stated.frontier, stated.time)


def _forked(feed: bytes, size: int) -> str:
    return (
        f"Feed {feed.hex()} has forked: here and there its first {size} entries are not the same; "
        "one of the two copies was put back from an older one or forged."
    )


def learn_devices(log: SealedLog, certificates: Iterable[Certificate]) -> list[Certificate]:
    """Take in what the owner said of devices elsewhere; return what was new.

    Of two certificates of one device the one that lets fewer entries count holds.

    Raises:
        BadSignature: The owner did not sign one of them.
    """
    known = {certificate.feed: certificate for certificate in log.devices.all()}
    new = []
    for certificate in certificates:
        certificate.check(log.keys.owner_public)
        here = known.get(certificate.feed)
        if here is None or certificate.most < here.most:
            new.append(certificate)
    if new:
        log.index.store(new)
        log.devices.refresh()
        log.records.count_excluded()
        points.reached("merge.devices")
    return new


def take_in(log: SealedLog, segment: Segment, *, most: int | None = None) -> int:
    """Merge a segment of another device's feed; return how many entries were new.

    The device's certificate must have been taken in before. Entries behind the size at
    which it was revoked are left out.

    Args:
        log: The unlocked log.
        segment: What arrived.
        most: Take in no page that ends behind this size.

    Raises:
        TamperError: It does not verify, or does not follow what is here.
        RolledBack: It says something else than what is known of the feed, or knows more of
            this device's own feed than this log.
    """
    feed = segment.feed
    known = log.records.place.trail(feed).frontier.size
    if segment.first > known:
        raise TamperError(
            f"Entries {known} to {segment.first} of feed {feed.hex()} are missing there."
        )
    limit = min(log.devices.most(feed), segment.size if most is None else most)
    start = Place(0, {feed: _trail_at(log, feed, segment.first)})
    new: list[str] = []
    for page in walk(rows_of(segment.records), log.devices.key_of, start):
        size = page.trail.frontier.size
        if page.feed != feed or size > segment.size:
            raise TamperError(f"A segment of feed {feed.hex()} holds something else.")
        if size <= known:
            _compare(log, page)
        elif size <= limit:
            if feed == log.feed:
                raise RolledBack(
                    f"{size} entries of this device were seen there, and this log has {known}: "
                    "it is an older copy; put its newest copy back."
                )
            _append(log, page, segment)
            new += [parse(0, data).header.id for _, data in page.records]
            points.reached("merge.page")
    if new:
        log.erase_late(new)
        log.repair()
    return len(new)


def rows_of(records: Sequence[bytes]) -> Iterator[Row]:
    """Yield the records of a segment as if a log held no other."""
    for position, data in enumerate(records, 1):
        if data.startswith(NOTE):
            yield position, checkpoint.TOPIC, data[10:26].decode("ascii", "replace"), data
            continue
        length = data[1] if len(data) > 1 else 0
        topic = data[FIXED.size : FIXED.size + length].decode("ascii", "replace")
        natural_key = data[38 : 38 + len(NO_TAG)]
        yield position, topic, topic if natural_key == NO_TAG else natural_key.hex(), data


def _compare(log: SealedLog, page: SealedPage) -> None:
    """Refuse a page that is not the one that is here.

    Raises:
        RolledBack: The feed has forked.
    """
    size = page.trail.frontier.size
    if _trail_at(log, page.feed, size).frontier.hashes != page.trail.frontier.hashes:
        raise RolledBack(_forked(page.feed, size))


def _append(log: SealedLog, page: SealedPage, segment: Segment) -> None:
    records = [parse(position, data) for position, data in page.records]
    wanted = {record.header.key_page for record in records if record.body}
    keys = {(page.feed, id_): segment.keys[id_] for id_ in wanted & segment.keys.keys()}
    _keys(log).take_in(keys)
    revoked = _revocations(log, records)
    tags = [record.header.tags for record in records]
    events = [
        DCBEvent(record.header.topic, data, tags[i])
        for i, (record, (_, data)) in enumerate(zip(records, page.records, strict=True))
    ]
    events.append(DCBEvent(checkpoint.TOPIC, page.checkpoint, [page.feed.hex()]))
    while True:
        log.records.advance()
        place = log.records.place
        if place.trail(page.feed).frontier.size >= page.trail.frontier.size:
            return  # another process took it in meanwhile
        here = page._replace(records=[], position=place.position + len(events))
        condition = DCBAppendCondition(_ANY_CHECKPOINT, after=place.position)
        try:
            log.records.recorder.append(events, condition, beside(here, len(records), revoked))
        except IntegrityError:
            continue
        except (PersistenceError, sqlite3.Error):
            with sqlite_errors("log.db"):
                raise
        log.took(here, revoked)
        return


def _revocations(log: SealedLog, records: Sequence[Record]) -> list[Certificate]:
    """Return the certificates in revocations that another device wrote."""
    found: list[Certificate] = []
    known = {certificate.feed.hex(): certificate for certificate in log.devices.all()}
    for entry in log.opened([r for r in records if r.header.topic in _REVOKED]):
        if isinstance(entry.event, DeviceRevoked) and entry.event.device in known:
            here = known[entry.event.device]
            certificate = Certificate(here.public_key, entry.event.size, entry.event.certificate)
            try:
                certificate.check(log.keys.owner_public)
            except BadSignature:
                continue  # of an earlier owner key: what holds now came with the devices
            if certificate.most < here.most:
                found.append(certificate)
    return found
