"""Taking out what other devices need, and taking in what they wrote.

Every page is verified on the way out and on the way in, so a damaged log is never copied
and a forged one never merged. What arrives twice is compared, not stored again, but for
bodies that were withheld before; a feed that says something else than what is known of it
has forked, and is refused.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from eventsourcing.persistence import IntegrityError, PersistenceError

from vault import points
from vault.codec import topics_of
from vault.errors import BadSignature, RolledBack, TamperError
from vault.events import DeviceRevoked
from vault.log import checkpoint
from vault.log.certificate import Certificate
from vault.log.envelope import (
    FIXED,
    HASH_SIZE,
    KEY_PAGE,
    KEY_PLACE,
    KEY_SLOT,
    KEY_SLOT_SIZE,
    NATURAL_KEY,
    NO_TAG,
    has_body,
    open_body,
    parse,
)
from vault.log.index import Absent, Filled, beside
from vault.log.keys import Keys, SharedPage, Slot
from vault.log.keystore import PageId
from vault.log.owner import KEY_SIZE
from vault.log.sealed import SealedLog
from vault.log.segment import NOTE, Segment, numbers_without_body
from vault.log.sqlite import sqlite_errors
from vault.log.verify import Place, Row, SealedPage, Trail, walk

__all__ = [
    "MOST",
    "Body",
    "Choice",
    "Choose",
    "key_in",
    "keys_of",
    "learn_devices",
    "rows_of",
    "segments",
    "take_in",
]

MOST: Final = 16 << 20
"""Bytes of records after which a segment is closed."""

_REVOKED: Final = frozenset(topics_of(DeviceRevoked))


class Body(NamedTuple):
    """A body that is not here: the whole record, its data key, the scope of its key page."""

    record: bytes
    key: bytes
    scope: bytes

    def fits(self, head: bytes) -> bool:
        """Tell whether it is the body whose hash is signed, and opens under its key."""
        digest = sha256(self.record[len(head) :]).digest()
        signed = self.record.startswith(head) and digest == head[-HASH_SIZE:]
        return signed and _opens(self.key, self.record)


class Choice(NamedTuple):
    """What goes into a segment otherwise than it is here, by numbers of entries.

    The bodies of `withheld` stay at home, those of `erased` are gone elsewhere; `bodies` are
    elsewhere and not here.
    """

    withheld: AbstractSet[int] = frozenset()
    erased: AbstractSet[int] = frozenset()
    bodies: Mapping[int, Body] = {}


Choose = Callable[[int, int], Choice]
"""What is to be done with the entries from a number up to, not with, another."""


def _as_it_is(_first: int, _last: int) -> Choice:
    return Choice()


def segments(
    log: SealedLog, feed: bytes, first: int, last: int, choose: Choose = _as_it_is
) -> Iterator[Segment]:
    """Yield the pages of a feed between two sizes of it as segments, verified.

    Args:
        log: The unlocked log.
        feed: Whose pages.
        first: The size to begin at, which a page ended with; 0 for all.
        last: The size to end at.
        choose: Which bodies stay at home or come from elsewhere.

    Raises:
        TamperError: Something does not verify.
    """
    start = Place(0, {feed: _trail_at(log, feed, first)})
    made = _Making(log, feed, first)
    for page in walk(_own_rows(log, feed, first, last), log.devices.key_of, start):
        made.add(page, choose)
        if made.weight >= MOST:
            yield made.segment()
            made = _Making(log, feed, page.trail.frontier.size)
    if made.weight:
        yield made.segment()


class _Making:
    """A segment that grows page by page."""

    def __init__(self, log: SealedLog, feed: bytes, first: int) -> None:
        self._log = log
        self._feed = feed
        self._first = self._size = first
        self._records: list[bytes] = []
        self._withheld: list[int] = []
        self._pages: set[bytes] = set()
        self._left_out: dict[bytes, set[bytes]] = {}
        self._added: dict[bytes, dict[bytes, Body]] = {}
        self.weight = 0

    def add(self, page: SealedPage, choose: Choose) -> None:
        """Take in a page."""
        first, self._size = self._size, page.trail.frontier.size
        absent = self._log.index.absent(self._feed, first, self._size)
        choice = choose(first, self._size)
        records = [data for _, data in page.records]
        if any(absent) or any(choice):
            erased = choice.erased | set(absent.erased)
            elsewhere = {
                seq: body
                if (body := choice.bodies.get(seq)) and body.fits(records[seq - first])
                else None
                for seq in absent.withheld
            }
            without = {seq for seq, body in elsewhere.items() if body is None}
            withheld = (without | choice.withheld) - erased
            for seq in withheld | erased:
                records[seq - first] = self._cut(records[seq - first])
            for seq, body in elsewhere.items():
                if body is not None and seq not in withheld | erased:
                    records[seq - first] = self._filled(body)
            self._withheld += sorted(withheld)
        self._pages.update([data[KEY_PAGE] for data in records if has_body(data)])
        records.append(page.checkpoint)
        self._records += records
        self.weight += sum(map(len, records))

    def _cut(self, data: bytes) -> bytes:
        self._left_out.setdefault(data[KEY_PAGE], set()).add(data[KEY_SLOT])
        return data[: FIXED.size + data[1] + HASH_SIZE]

    def _filled(self, body: Body) -> bytes:
        data = body.record
        self._added.setdefault(data[KEY_PAGE], {})[data[KEY_SLOT]] = body
        return data

    def segment(self) -> Segment:
        """Return it with the keys of the bodies that are in it, and no others."""
        wanted = {(self._feed, int.from_bytes(page)) for page in self._pages}
        shared = {id_: page for (_, id_), page in keys_of(self._log).shared(wanted).items()}
        for page in self._pages & (self._left_out.keys() | self._added.keys()):
            added = self._added.get(page, {})
            id_, scope = int.from_bytes(page), next((one.scope for one in added.values()), b"")
            before = shared.get(id_, SharedPage(scope, b""))
            keys = {slot: bytes(KEY_SIZE) for slot in self._left_out.get(page, ())}
            keys |= {slot: body.key for slot, body in added.items()}
            shared[id_] = before._replace(keys=with_keys(before.keys, keys))
        return Segment(
            self._feed, self._first, self._size, self._records, shared, tuple(self._withheld)
        )


def with_keys(page: bytes, keys: Mapping[bytes, bytes]) -> bytes:
    """Return the keys of a page with others in some of its places, which headers name."""
    places = {int.from_bytes(slot) * KEY_SIZE: key for slot, key in keys.items()}
    changed = bytearray(page.ljust(max(places, default=-KEY_SIZE) + KEY_SIZE, b"\0"))
    for at, key in places.items():
        changed[at : at + KEY_SIZE] = key
    return bytes(changed)


def keys_of(log: SealedLog) -> Keys:
    """Return the keys of an unlocked log."""
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
    rows = list(rows_of(segment.records))
    here: list[SealedPage] = []
    new: list[SealedPage] = []
    for page in walk(rows, log.devices.key_of, start):
        size = page.trail.frontier.size
        if page.feed != feed or size > segment.size:
            raise TamperError(f"A segment of feed {feed.hex()} holds something else.")
        if size <= known:
            _compare(log, page)
            here.append(page)
        elif size <= limit:
            if feed == log.feed:
                raise RolledBack(
                    f"{size} entries of this device were seen there, and this log has {known}: "
                    "it is an older copy; put its newest copy back."
                )
            new.append(page)
    if here:
        _fill(log, segment, here)
    return _append(log, segment, rows, new) if new else 0


def rows_of(records: Sequence[bytes]) -> Iterator[Row]:
    """Yield the records of a segment as if a log held no other."""
    topics: dict[bytes, str] = {}  # of many entries there are few
    begin, tagged = FIXED.size, NATURAL_KEY
    for position, data in enumerate(records, 1):
        if data.startswith(NOTE):
            yield position, checkpoint.TOPIC, data[10:26].decode("ascii", "replace"), data
            continue
        name = data[begin : begin + data[1]] if len(data) > 1 else b""
        topic = topics.get(name)
        if topic is None:
            topic = topics[name] = name.decode("ascii", "replace")
        natural_key = data[tagged]
        yield position, topic, topic if natural_key == NO_TAG else natural_key.hex(), data


def _compare(log: SealedLog, page: SealedPage) -> None:
    """Refuse a page that is not the one that is here.

    Raises:
        RolledBack: The feed has forked.
    """
    size = page.trail.frontier.size
    if _trail_at(log, page.feed, size).frontier.hashes != page.trail.frontier.hashes:
        raise RolledBack(_forked(page.feed, size))


def _fill(log: SealedLog, segment: Segment, pages: Sequence[SealedPage]) -> None:
    """Take in bodies that are withheld here, with their keys, of pages that were compared."""
    feed, wanted = segment.feed, set[int]()
    if feed != log.feed:
        wanted.update(log.index.absent(feed, segment.first, segment.size).withheld)
    filled: list[Filled] = []
    keys: dict[bytes, dict[bytes, bytes]] = {}
    for page in pages if wanted else ():
        size = page.trail.frontier.size
        row = log.index.ending(feed, size)
        for seq, (_, data) in enumerate(page.records, size - len(page.records)):
            key = key_in(segment.keys, data) if seq in wanted and has_body(data) else b""
            if key and row is not None and _opens(key, data):
                filled.append(Filled(feed, seq, row.position - (size - seq), data))
                keys.setdefault(data[KEY_PAGE], {})[data[KEY_SLOT]] = key
    if not filled:
        return
    keys_of(log).fill_in(_pages_of(segment, keys))
    points.reached("merge.keys")
    done = log.index.fill(filled)
    points.reached("merge.filled")
    if len(done) < len(filled):
        # What another process erased in between stays erased.
        erased = set(log.index.absent(feed, segment.first, segment.size).erased)
        _destroy(log, [one.data for one in filled if one.seq in erased])


def _opens(key: bytes, data: bytes) -> bool:
    """Tell whether a whole entry's body opens under a key."""
    record = parse(0, data)
    try:
        open_body(key, record.signed, record.body)
    except InvalidTag:
        return False
    return True


def key_in(pages: Mapping[int, SharedPage], data: bytes) -> bytes:
    """Return the data key of an entry among the key pages of a segment, empty if it is not there."""
    page = pages.get(int.from_bytes(data[KEY_PAGE]))
    return _key_at(page, data[KEY_SLOT]) if page else b""


def _key_at(page: SharedPage, slot: bytes) -> bytes:
    at = int.from_bytes(slot) * KEY_SIZE
    key = page.keys[at : at + KEY_SIZE]
    return key if any(key) and len(key) == KEY_SIZE else b""


def _append(
    log: SealedLog, segment: Segment, rows: Sequence[Row], pages: Sequence[SealedPage]
) -> int:
    """Append pages in one transaction; return how many entries there were."""
    feed, last = segment.feed, pages[-1].trail.frontier.size
    while True:
        log.records.advance()
        place = log.records.place
        known = place.trail(feed).frontier.size
        # Another process may have taken in some of it, or all, meanwhile, or asked to erase.
        _drop_keys(log, [page for page in pages if page.trail.frontier.size <= known])
        pages = [page for page in pages if page.trail.frontier.size > known]
        if not pages:
            return 0
        arriving = [data for page in pages for _, data in page.records]
        due = log.due(arriving)
        _take_keys(log, segment, arriving, known, due)
        without = numbers_without_body(arriving, known)
        absent = Absent(tuple(seq for seq in without if seq not in due), tuple(sorted(due)))
        stored, moved = _placed(rows, pages, due, place.position)
        revoked = _revocations(log, stored)
        also = beside([(page, len(page.records)) for page in moved], revoked, absent)
        try:
            log.records.recorder.append_rows(stored, also)
        except IntegrityError:
            continue
        except (PersistenceError, sqlite3.Error):
            with sqlite_errors("log.db"):
                raise
        log.took([page._replace(records=[]) for page in moved], revoked)
        points.reached("merge.pages")
        log.repair()
        return last - known


def _drop_keys(log: SealedLog, pages: Sequence[SealedPage]) -> None:
    """Destroy the keys of what another process stored meanwhile, and erased."""
    gone: list[bytes] = []
    for page in pages:
        size = page.trail.frontier.size
        first = size - len(page.records)
        erased = log.index.absent(page.feed, first, size).erased
        gone += [page.records[seq - first][1] for seq in erased]
    _destroy(log, gone)


def _destroy(log: SealedLog, records: Sequence[bytes]) -> None:
    """Destroy the keys of entries."""
    headers = [parse(0, data).header for data in records]
    if headers:
        keys_of(log).destroy(Slot((h.feed, h.key_page), h.key_slot) for h in headers)


def _take_keys(
    log: SealedLog,
    segment: Segment,
    arriving: Sequence[bytes],
    first: int,
    due: AbstractSet[int],
) -> None:
    """Make the keys of arriving entries durable; leave none of those that are due to go.

    No key is taken without its body: whoever sends one alone could keep the right one out.
    """
    whole = [data for seq, data in enumerate(arriving, first) if seq not in due and has_body(data)]
    keys_of(log).fill_in(_wanted_keys(segment, whole))
    # Some may be here from a run that was interrupted before it was asked to erase them.
    _destroy(log, [arriving[seq - first] for seq in sorted(due)])


def _wanted_keys(segment: Segment, records: Sequence[bytes]) -> dict[PageId, SharedPage]:
    """Return key pages of a segment with the keys of some entries and no others."""
    slots: dict[bytes, list[bytes]] = {}
    for place in {data[KEY_PLACE] for data in records}:
        slots.setdefault(place[:-KEY_SLOT_SIZE], []).append(place[-KEY_SLOT_SIZE:])
    # Nearly always each of a page's keys is that of an entry: then it is taken as it is.
    whole: dict[PageId, SharedPage] = {}
    some: dict[bytes, dict[bytes, bytes]] = {}
    for name, wanted in slots.items():
        page = segment.keys.get(int.from_bytes(name))
        if page is None:
            continue
        every = len(wanted) * KEY_SIZE == len(page.keys)
        if every and int.from_bytes(max(wanted)) < len(wanted) and any(page.keys):
            whole[segment.feed, int.from_bytes(name)] = page
            continue
        found = {slot: key for slot in wanted if (key := _key_at(page, slot))}
        if found:
            some[name] = found
    return whole | _pages_of(segment, some)


def _pages_of(
    segment: Segment, keys: Mapping[bytes, Mapping[bytes, bytes]]
) -> dict[PageId, SharedPage]:
    """Return key pages of a segment with no more than some keys, by page and slot."""
    pages = ((int.from_bytes(page), slots) for page, slots in keys.items())
    return {
        (segment.feed, id_): segment.keys[id_]._replace(keys=with_keys(b"", slots))
        for id_, slots in pages
    }


def _placed(
    rows: Sequence[Row], pages: Sequence[SealedPage], due: AbstractSet[int], position: int
) -> tuple[list[Row], list[SealedPage]]:
    """Return the rows of pages of a segment, and the pages, as they follow a position."""
    begun = pages[0].position - len(pages[0].records)
    shift = position + 1 - begun
    cut = _without(rows, pages, due) if due else rows
    taken = cut[begun - 1 : pages[-1].position]
    stored = [(at + shift, topic, tag, data) for at, topic, tag, data in taken]
    return stored, [page._replace(position=page.position + shift) for page in pages]


def _without(
    rows: Sequence[Row], pages: Sequence[SealedPage], due: AbstractSet[int]
) -> Sequence[Row]:
    """Return rows of a segment with the bodies cut off that are due to go."""
    left = list(rows)
    for page in pages:
        first = page.trail.frontier.size - len(page.records)
        for seq, (at, data) in enumerate(page.records, first):
            if seq in due:
                _, topic, tag, _ = rows[at - 1]
                left[at - 1] = (at, topic, tag, data[: FIXED.size + data[1] + HASH_SIZE])
    return left


def _revocations(log: SealedLog, rows: Sequence[Row]) -> list[Certificate]:
    """Return the certificates in revocations that another device wrote."""
    found: list[Certificate] = []
    records = [parse(at, data) for at, topic, _, data in rows if topic in _REVOKED]
    known = {certificate.feed.hex(): certificate for certificate in log.devices.all()}
    for entry in log.opened(records):
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
