"""The sealed log on a DCB recorder: ordered, signed by the page, readable to its owner alone.

A page and the checkpoint that signs it are one append, guarded by the condition that no
newer checkpoint exists: sealing, order and signature commit together or not at all. A
writer that loses the race reads what the other wrote, leaves out what it wrote as well,
and seals anew. This device writes one feed; the other devices' stand beside it.
"""

import logging
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem
from eventsourcing.persistence import IntegrityError, PersistenceError

from vault.codec import encode, topic_of
from vault.disk import InUse
from vault.errors import BadSignature, Revoked, RolledBack, StorageError, TamperError
from vault.events import Event, ItemCollected, ItemRevised
from vault.follow import Entry, Head, Page, moment
from vault.log import checkpoint
from vault.log.audit import audit
from vault.log.certificate import Certificate
from vault.log.devices import Devices
from vault.log.envelope import NO_TAG, Plain, Record, parse, seal_page
from vault.log.erasure import Erasure
from vault.log.families import Families
from vault.log.index import Index, beside
from vault.log.keys import VaultKeys, data_key
from vault.log.opening import followed, opened
from vault.log.pin import Pin, Pinned
from vault.log.records import FeedTree, Records
from vault.log.sqlite import SQLiteDCBRecorder, sqlite_errors
from vault.log.verify import Report, SealedPage, Trail

__all__ = ["Draft", "Known", "SealedLog"]

_log = logging.getLogger(__name__)
_SIGNED: Final = b"twinvault/signed/1\n"
_ANY_CHECKPOINT: Final = DCBQuery([DCBQueryItem([checkpoint.TOPIC], [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event to be appended.

    `scope` names the key under which its data key is wrapped (one for a conversation, say).
    `natural_key` is what the source calls it, `content` what decides whether a record read
    again is the same; both are blinded before they are stored.
    """

    event: Event
    scope: str = "ledger"
    natural_key: bytes = b""
    content: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the log holds under a natural key.

    `id` is the entry that first held it, `newest` the latest one; `same` says whether the
    newest has the same content, `erased` whether its key was destroyed; where its body stayed
    on another device it was not.
    """

    id: str
    newest: str
    same: bool
    erased: bool


class SealedLog:
    """The feeds of a vault in one folder, shared by any number of processes."""

    def __init__(
        self,
        recorder: SQLiteDCBRecorder,
        keys: VaultKeys,
        pin: Pin,
        clock: Callable[[], int] = time.time_ns,
        *,
        fresh: bool = False,
        guard: InUse | None = None,
    ) -> None:
        """Take up a log where it ends.

        Args:
            recorder: Where records are kept.
            keys: The unlocked vault's, or a collector's.
            pin: The newest checkpoints seen.
            clock: Nanoseconds since 1970.
            fresh: The log is being made and nothing is pinned yet.
            guard: What says that the folder is in use; closed with the log.

        Raises:
            RolledBack: The log is older than the pin, or forked from it.
            TamperError: Something does not verify.
        """
        self.keys = keys
        self.feed = keys.feed
        self.index = Index(recorder)
        self.devices = Devices(self.index, keys.owner_public)
        self.records = Records(recorder, self.devices, self.index)
        self.families = Families(self.records)
        self._recorder = recorder
        self._erasure = Erasure(self.records, self.families, keys)
        self._pin = pin
        self._clock = clock
        self._public = keys.device.public_key()
        self._guard = guard
        self._answered: int | None = None
        if not fresh:
            self.records.start_at(*self._pinned())
            if self.records.advance():
                self._remember()

    def _pinned(self) -> Pinned:
        """Return the pinned place after finding it in the log."""
        pinned = self._pin.read(self.devices.key_of)
        with sqlite_errors("log.db"):
            found = self._recorder.at([position for position, _ in pinned.records.values()])
        for feed, (position, record) in pinned.records.items():
            if found.get(position) != (checkpoint.TOPIC, record):
                raise RolledBack(self._differs(feed, pinned.place.trail(feed)))
        return pinned

    def _differs(self, feed: bytes, seen: Trail) -> str:
        here = self.index.newest([feed], self._recorder.end())
        day = f"{moment(seen.time):%Y-%m-%d %H:%M} UTC"
        size = here[0].size if here else 0
        if size < seen.frontier.size:
            return (
                f"log.db ends at {size} entries of feed {feed.hex()}, and {seen.frontier.size} "
                f"were there on {day}: it is an older copy; put its newest copy back."
            )
        return (
            f"log.db differs from what was seen on {day}, among the first {seen.frontier.size} "
            f"entries of feed {feed.hex()}: it was replaced; put its newest copy back."
        )

    def _remember(self) -> None:
        try:
            self._pin.write(self.records.place.position, self.records.newest)
        except StorageError:
            # The entries are durable and acknowledged; an older pin is weaker, never wrong.
            _log.warning("The log's end at %d could not be pinned.", self.records.place.position)

    @property
    def head(self) -> Head:
        """The end of the log, whoever wrote it."""
        self.records.advance()
        size, root = self.records.place.size_and_root()
        return Head(size=size, root=root, position=self.records.end)

    def root_of_others(self) -> bytes:
        """Return the root over the other devices' feeds: that of the vault without this device."""
        return self.records.place.size_and_root(without=self.feed)[1]

    @property
    def order(self) -> str:
        """What tells one merged order from another; see `vault.follow.Readable`."""
        return self.records.order

    @property
    def newest(self) -> datetime | None:
        """The time of the newest entry, whoever wrote it."""
        self.records.advance()
        newest = self.records.place.time
        return moment(newest) if newest else None

    def newest_key_page(self) -> int:
        """Return the page in keys.db that the newest entry of this feed has its key on."""
        size = self.records.place.trail(self.feed).frontier.size
        if not size:
            return 0
        [record] = self.records.located([f"{self.feed.hex()}-{size - 1}"], revoked=True)
        return record.header.key_page

    # Writing.

    def append(
        self, drafts: Sequence[Draft], certificates: Sequence[Certificate] = ()
    ) -> tuple[str, ...]:
        """Seal, order and sign drafts as one page; return their ids.

        What another process stored since `known` last answered is not stored again: such a
        draft gets the other's id, or revises the other's item where the content differs.

        Args:
            drafts: The events.
            certificates: What the owner says of devices from this page on.

        Raises:
            StorageError: The disk refused; none of the drafts was stored.
            Revoked: The owner revoked this device.
        """
        if not drafts:
            return ()
        page = self._plain(drafts)
        waiting = list(range(len(page)))
        ids = [""] * len(page)
        since, self._answered = self._answered, None
        since = self.records.place.position if since is None else since
        while waiting:
            self._may_write()
            if self.records.place.position > since:
                waiting = self._settle(drafts, page, waiting, ids, since)
                since = self.records.place.position
            first = self.records.place.trail(self.feed).frontier.size
            if not waiting:
                break
            if self._commit([page[i] for i in waiting], certificates):
                prefix = f"{self.feed.hex()}-"
                for seq, i in enumerate(waiting, first):
                    ids[i] = f"{prefix}{seq}"
                break
            # Two writers that collided once should not go on in step.
            time.sleep(random.uniform(0, 0.01))  # noqa: S311 - no secret
            self.records.advance()
        return tuple(ids)

    def _may_write(self) -> None:
        if self.devices.most(self.feed) <= self.records.place.trail(self.feed).frontier.size:
            raise Revoked(
                "This device was revoked, so nothing that it writes counts; "
                "restore a backup into a new folder to go on."
            )

    def _plain(self, drafts: Sequence[Draft]) -> list[Plain]:
        """Encode and blind, column by column: a quarter faster than draft by draft."""
        events = [draft.event for draft in drafts]
        return list(
            zip(
                map(topic_of, events),
                map(encode, events),
                [draft.scope for draft in drafts],
                self.keys.blind_natural_key.each([draft.natural_key for draft in drafts]),
                self.keys.blind_content.each(
                    [draft.content if draft.natural_key else b"" for draft in drafts]
                ),
                strict=True,
            )
        )

    def _settle(
        self,
        drafts: Sequence[Draft],
        page: list[Plain],
        waiting: list[int],
        ids: list[str],
        since: int,
    ) -> list[int]:
        """Take out what another writer stored behind a position; revise what it stored too.

        Returns:
            Which of the page are still to be stored.
        """
        left = []
        found = self._found([page[i][3:] for i in waiting])
        for i, other in zip(waiting, found, strict=True):
            event = drafts[i].event
            if other is None or other.position <= since:
                left.append(i)
            elif other.known.same or other.known.erased:
                ids[i] = other.known.newest
            else:
                left.append(i)
                if isinstance(event, ItemCollected):
                    revised = ItemRevised(item_id=other.known.id, item=event.item)
                    page[i] = (topic_of(revised), encode(revised), *page[i][2:])
        return left

    def _commit(self, page: list[Plain], certificates: Sequence[Certificate]) -> bool:
        """Append one page; False where another writer was first."""
        place = self.records.place
        trail = place.trail(self.feed)
        data_keys = self.keys.issue([scope for _, _, scope, _, _ in page])
        first = max(self._clock(), place.time + 1)
        events, leaves = seal_page(page, data_keys, self.feed, trail.frontier.size, first)
        frontier = trail.frontier.copy()
        tiles = frontier.extend(leaves)
        end = first + len(page) - 1
        record = checkpoint.sign(self.keys.device, frontier, end)
        events.append(DCBEvent(checkpoint.TOPIC, record, [self.feed.hex()]))
        condition = DCBAppendCondition(_ANY_CHECKPOINT, after=place.position)
        position = place.position + len(events)
        sealed = SealedPage([], self.feed, position, record, Trail(frontier, end), tiles)
        try:
            self._recorder.append(events, condition, beside([(sealed, len(page))], certificates))
        except IntegrityError:
            self.keys.discard(data_keys)
            return False
        except (PersistenceError, sqlite3.Error) as error:
            self._survived(position, record, error)
        self.took([sealed], certificates)
        return True

    def _survived(
        self, position: int, record: bytes, error: PersistenceError | sqlite3.Error
    ) -> None:
        """Raise an error, unless the page whose commit failed is durable all the same."""
        with sqlite_errors("log.db"):
            if self._recorder.at([position]).get(position) != (checkpoint.TOPIC, record):
                raise error

    def took(self, pages: Iterable[SealedPage], certificates: Sequence[Certificate] = ()) -> None:
        """Go on behind pages that were appended, and pin the last."""
        self.devices.learn(certificates)
        for page in pages:
            self.records.took(page)
        if certificates:
            self.records.count_excluded()
        self._remember()

    # Asking and reading.

    def known(self, pairs: Sequence[tuple[bytes, bytes]]) -> list[Known | None]:
        """Return what is stored under each (natural key, content), None where nothing is."""
        self.records.advance()
        position = self.records.place.position
        self._answered = position if self._answered is None else min(self._answered, position)
        keys = self.keys.blind_natural_key.each(key for key, _ in pairs)
        texts = self.keys.blind_content.each(text for _, text in pairs)
        found = self._found(list(zip(keys, texts, strict=True)))
        return [one.known if one else None for one in found]

    def _found(self, pairs: Sequence[tuple[bytes, bytes]]) -> list["_Found | None"]:
        with sqlite_errors("log.db"):
            extent = self._recorder.extent([key.hex() for key, _ in pairs if key != NO_TAG])
            records = self._recorder.at(
                {p for both in extent.values() for p in both}, outlines=True
            )
        answers: list[_Found | None] = []
        for key, content in pairs:
            both = extent.get(key.hex())
            if both is None:
                answers.append(None)
                continue
            if not records.keys() >= set(both):
                raise TamperError("The index of tags names an entry that is not in log.db.")
            first, newest = (parse(p, records[p][1]) for p in both)
            if first.header.natural_key != key or newest.header.natural_key != key:
                raise TamperError(f"The index of tags names the wrong entry at {both[1]}.")
            known = Known(
                id=first.header.id,
                newest=newest.header.id,
                same=newest.header.content == content,
                erased=not newest.body and not self.withheld([newest.header.id]),
            )
            answers.append(_Found(both[1], known))
        return answers

    def pages(self, after: int = 0) -> Iterator[Page]:
        """Yield the pages behind a position in merged order, each checked and opened.

        Blocks of attachments stay sealed: of them it is told where they are.

        Raises:
            Locked: The keys at hand can only write.
            TamperError: Something does not verify; no page is yielded from there on.
        """
        self.records.advance()
        for page in self.records.pages(after):
            entries = self._marked(followed(page.records, self.keys))
            if self._several:
                entries = self._told([parse(*record) for record in page.records], entries)
            yield Page(entries=tuple(entries), position=page.position)
            del page, entries  # so that the next page takes their memory

    @property
    def _several(self) -> bool:
        return len(self.records.place.trails) > 1

    def _told(self, records: Sequence[Record], entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries of records with their events as merged order has them."""
        return [
            entry._replace(event=self.families.told(record, entry.event)) if entry.event else entry
            for record, entry in zip(records, entries, strict=True)
        ]

    def sealed(self, after: int = 0) -> Iterator[SealedPage]:
        """Yield the pages behind a position in merged order, each checked and still sealed."""
        self.records.advance()
        return self.records.pages(after)

    def opened(self, records: Sequence[Record]) -> list[Entry]:
        """Decrypt and decode checked records.

        Raises:
            TamperError: A body does not open under its key.
        """
        stored = [(found.position, found.head + found.body) for found in records]
        return self._marked(opened(stored, self.keys))

    def _marked(self, entries: list[Entry]) -> list[Entry]:
        """Tell entries whose body stayed elsewhere from those that were erased."""
        absent = [entry.id for entry in entries if entry.erased]
        withheld = self.withheld(absent) if absent else ()
        if not withheld:
            return entries
        return [
            entry._replace(erased=False, tag=b"", withheld=True) if entry.id in withheld else entry
            for entry in entries
        ]

    def withheld(self, ids: Iterable[str]) -> set[str]:
        """Return which of some entries have their bodies on another device alone."""
        numbers: dict[str, list[int]] = {}
        for entry_id in ids:
            feed, _, seq = entry_id.rpartition("-")
            numbers.setdefault(feed, []).append(int(seq))
        return {
            f"{feed}-{seq}"
            for feed, each in numbers.items()
            for seq in self.index.withheld(bytes.fromhex(feed), each)
        }

    def entry(self, entry_id: str) -> Entry:
        """Return one entry.

        Raises:
            NotFound: No entry has this id.
        """
        [found] = self.located([entry_id])
        [entry] = self.opened([found])
        if self._several:
            [entry] = self._told([found], [entry])
        return entry._replace(position=self.records.merged_position(found))

    def located(
        self, ids: Iterable[str], *, revoked: bool = False, outlines: bool = False
    ) -> list[Record]:
        """Return records by id, in the order of log.db.

        Args:
            ids: The entries.
            revoked: Those too that count no more.
            outlines: With the beginning and the last 32 bytes of a long body alone.

        Raises:
            NotFound: One of them does not exist, or counts no more.
        """
        return self.records.located(ids, revoked=revoked, outlines=outlines)

    # Erasing.

    def erase(self, ids: Sequence[str]) -> int:
        """Destroy the data keys of entries and cut off their bodies, for ever.

        Entries under the same natural key, which are revisions of the same item, go with
        them. The `ItemErased` event that asks for it was appended before; `repair` finishes
        what a crash interrupted.

        Returns:
            How many keys there still were.

        Raises:
            NotFound: No entry has one of these ids; nothing was erased.
            StorageError: Another process reads, so erased bytes are left in a file for now.
        """
        return self._erasure.erase(ids, self.opened)

    def repair(self) -> int:
        """Finish erasures that a crash interrupted; return how many keys were left.

        Needs an unlocked vault. Where another process reads just now, the rest waits for the
        next time the vault is opened.
        """
        return self._erasure.repair(self.opened)

    def due(self, arriving: Sequence[bytes]) -> set[int]:
        """Return the numbers of arriving entries whose erasure was asked for; see `Erasure.due`."""
        return self._erasure.due(arriving, self.opened)

    def with_revisions(self, located: Sequence[Record]) -> list[Record]:
        """Add the records under the same natural keys: revisions of the same items."""
        return self.families.with_members(located)

    # Proving.

    def verify(self, progress: Callable[[int, int], None] | None = None) -> Report:
        """Check every byte, signature, key and tag; go on after a problem and list them all."""
        self.records.advance()
        report = audit(self, self.records, progress)
        sound = {"keys.db": self.keys.store.is_sound(), "log.db": self.index.is_sound()}
        damaged = [name for name, is_sound in sound.items() if not is_sound]
        return replace(
            report,
            problems=(
                *(f"{name} is damaged; make the vault again from a backup." for name in damaged),
                *report.problems,
            ),
        )

    def tree(self, feed: bytes | None = None) -> FeedTree:
        """Return the tree of a feed, this device's by default."""
        self.records.advance()
        return self.records.tree(feed or self.feed)

    def checkpoint(self, feed: bytes | None = None) -> bytes:
        """Return the record of the newest checkpoint of a feed, this device's by default."""
        self.records.advance()
        return self.records.checkpoint(feed or self.feed)

    def certificate(self, feed: bytes | None = None) -> Certificate:
        """Return the owner's certificate of the device that signs a feed."""
        return self.devices.certificate(feed or self.feed)

    @property
    def owner_public(self) -> bytes:
        """The owner's Ed25519 public key, raw, which certificates are checked with."""
        return self.keys.owner_public.public_bytes_raw()

    def data_key(self, record: Record) -> bytes:
        """Return the key of an entry's body, empty where it was destroyed."""
        page = (record.header.feed, record.header.key_page)
        return data_key(self.keys.opened([page]), page, record.header.key_slot)

    def sign(self, text: bytes) -> bytes:
        """Return the device's signature, which can be none over a checkpoint."""
        return self.keys.device.sign(_SIGNED + text)

    def attest(self, options: bytes, document: bytes) -> bytes:
        """Return the device's bare signature of a proof that other tools check.

        W3C Data Integrity, eddsa-jcs-2022. No caller chooses what is signed: it is two hashes
        made here, and no other text that a device signs is one.
        """
        return self.keys.device.sign(sha256(options).digest() + sha256(document).digest())

    @property
    def public_key(self) -> bytes:
        """This device's Ed25519 public key, raw."""
        return self._public.public_bytes_raw()

    def check(self, text: bytes, signature: bytes) -> None:
        """Check a signature that `sign` made, on this or another device of the vault.

        Raises:
            BadSignature: No device of this vault signed this text.
        """
        for certificate in self.devices.all():
            try:
                key = Ed25519PublicKey.from_public_bytes(certificate.public_key)
                key.verify(signature, _SIGNED + text)
            except InvalidSignature:
                continue
            return
        raise BadSignature("The signature is not one of this vault's devices'.")

    def close(self) -> None:
        """Close the files."""
        self._recorder.datastore.close()
        self.keys.close()
        if self._guard is not None:
            self._guard.close()


class _Found(NamedTuple):
    """An answer of `known`, and the position of the newest entry."""

    position: int
    known: Known
