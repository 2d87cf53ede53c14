"""The vault: what can be done to the log, and nothing about views or models.

It never decides by itself: whoever calls hands in what consent says, because the decision
needs a view of everything the owner ever said, and views are built above this room.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol
from unicodedata import normalize
from uuid import uuid4

from msgspec import structs

from vault import points
from vault.codec import encode
from vault.collectors.api import Ended
from vault.collectors.job import file_of
from vault.consent import (
    SENSITIVE,
    Effect,
    Filters,
    Pause,
    Profile,
    Purpose,
    Statement,
    check_type,
    normal,
)
from vault.contents import Arriving
from vault.errors import CollectError, NotFound, UsageError
from vault.events import (
    ConsentGiven,
    ConsentProhibited,
    ConsentWithdrawn,
    CorrectionMade,
    Event,
    ImportFinished,
    ItemCollected,
    ItemErased,
    ItemRevised,
    LabelCorrected,
    MaskedAlias,
    OwnerNamed,
    PairReviewed,
    RetentionSet,
    UsePaused,
    UseResumed,
)
from vault.follow import Entry, Readable
from vault.items import Bad, Content, Item, Progress
from vault.log.sealed import Draft, Known
from vault.log.verify import Report
from vault.retention import MOST_DAYS
from vault.upcasts import untagged

__all__ = ["Export", "Imported", "Log", "Report", "Vault"]

_PAGE = 1000
_FIRST_BAD = 10_000
_DENIED = "Not stored: a statement denies collecting it."
_LEDGER = "ledger"


class Log(Readable, Protocol):
    """The sealed log as the vault writes it."""

    def append(self, drafts: Sequence[Draft]) -> tuple[str, ...]:
        """Seal, order and sign drafts in one transaction; return their ids."""

    def known(self, keys: Sequence[tuple[bytes, bytes]]) -> list[Known | None]:
        """Return what is stored under each (natural key, content)."""

    def entry(self, entry_id: str) -> Entry:
        """Return one entry."""

    def erase(self, ids: Sequence[str]) -> int:
        """Destroy the data keys of entries; return how many keys there were."""

    def verify(self, progress: Callable[[int, int], None] | None = None) -> Report:
        """Check every byte that was ever signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What was added, as far as the record of its import says it.

    `path` is where it lies, `asked` the source that the owner named, `retried` the import
    whose failures are read again, `before` the last import of the same thing. `versions` of
    sources are looked at when the reading has ended, so they may come while it goes on.
    """

    locator: str
    path: str = ""
    asked: str = ""
    retried: str = ""
    versions: Mapping[str, int] = field(default_factory=dict)
    before: ImportFinished | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of one reading: `read` = `collected` + `duplicates` + number of `bad`."""

    read: int
    collected: int
    duplicates: int
    bad: tuple[Bad, ...]
    first_at: datetime | None
    last_at: datetime | None

    @property
    def denied(self) -> int:
        """How many of `bad` can be read, and consent denies collecting them."""
        return sum(one.reason == _DENIED for one in self.bad)


class Vault:
    """The commands on one log."""

    def __init__(self, log: Log) -> None:
        self.log = log

    @staticmethod
    def clock() -> datetime:
        """Return what this machine's clock says."""
        return datetime.now(UTC)

    def now(self) -> datetime:
        """Return the later of the clock and the newest event: a clock set back revives nothing."""
        clock, newest = self.clock(), self.log.newest
        return clock if newest is None else max(clock, newest)

    def record(self, *events: Event) -> tuple[str, ...]:
        """Append events that are not items; return their ids."""
        return self.log.append([Draft(event=event, scope=_LEDGER) for event in events])

    def name_owner(self, names: Iterable[str], known: frozenset[str]) -> frozenset[str]:
        """Remember names and addresses of the owner; return all in normal form."""
        new = {normal(name) for name in names} - known - {""}
        if new:
            self.record(OwnerNamed(names=tuple(sorted(new))))
        return known | new

    def collect(
        self,
        found: Iterable[Item | Content | Bad | Progress | Ended],
        *,
        export: Export,
        permits: Callable[[Item], bool],
        progress: Callable[[int, int], None] | None = None,
        ended: Callable[[Ended], None] | None = None,
        spoiled: Callable[[str], None] = lambda _: None,
        dry_run: bool = False,
    ) -> Imported:
        """Store what a source yields, page by page; what is already there is not stored again.

        An interrupted reading keeps its whole pages, and reading again goes on from there.
        An import that stored nothing and met no failure but those of the one before leaves
        no record.

        Args:
            found: The items, failures and progress of a source.
            export: What was read, for the record of this import.
            permits: Whether consent allows to collect an item.
            progress: Told (bytes done, bytes in all).
            ended: Told each part of which everything is stored.
            spoiled: Told where an item stood whose attachment did not come whole.
            dry_run: Count only.

        Raises:
            StorageError: The disk refused; whole pages stay.
        """
        reading = _Reading(self.log, permits, spoiled, dry_run=dry_run)
        for one in found:
            match one:
                case Item():
                    reading.take(one)
                case Content():
                    reading.attach(one)
                case Bad():
                    reading.bad.append(one)
                case Progress():
                    if progress:
                        progress(one.done, one.total)
                case Ended():
                    reading.end()
                    reading.flush()
                    reading.duplicates += one.kept
                    if ended and not dry_run:
                        ended(one)
        reading.end()
        reading.flush()
        if not dry_run and reading.is_news(export.before):
            self.record(reading.finished(export))
            points.reached("import.finished")
        return reading.imported()

    def say(
        self,
        effect: Effect,
        data_type: str,
        purpose: Purpose,
        *,
        filters: Filters | None = None,
        redact: Profile = Profile.BALANCED,
        recipient: str = "",
        expires: datetime | None = None,
        withdraw: bool = False,
        masked: tuple[MaskedAlias, ...] = (),
    ) -> Statement:
        """Put a statement of the owner on the record.

        Args:
            effect: Allow or deny.
            data_type: The dotted type it is about.
            purpose: For what.
            filters: Which items of the type.
            redact: What a permission asks to be masked.
            recipient: To whom, for `share`.
            expires: When it ends by itself.
            withdraw: The owner takes a permission back: recorded as such.
            masked: The people of items that a prohibition covers, who stay masked.

        Raises:
            UsageError: The type is none, or a condition does not fit the purpose.
        """
        if recipient and purpose is not Purpose.SHARE:
            raise UsageError("A recipient belongs to the purpose share only; leave it out.")
        if effect is Effect.ALLOW and purpose is Purpose.SHARE and not recipient:
            raise UsageError("Sharing is with somebody: name the recipient with --recipient.")
        chosen = filters or Filters()
        if chosen.since and chosen.until and chosen.since >= chosen.until:
            raise UsageError("No item lies between --since and --until; --since comes first.")
        statement = Statement(
            id=uuid4().hex,
            effect=effect,
            type=check_type(data_type),
            purpose=purpose,
            filters=replace(chosen, person=normal(chosen.person)),
            redact=redact,
            recipient=recipient,
            expires=expires,
        )
        if effect is Effect.ALLOW:
            self.record(ConsentGiven(statement=statement))
        elif withdraw:
            self.record(ConsentWithdrawn(statement=statement, masked=masked))
        else:
            self.record(ConsentProhibited(statement=statement, masked=masked))
        return statement

    def pause(
        self,
        data_type: str = "",
        *,
        source: str = "",
        person: str = "",
        masked: tuple[MaskedAlias, ...] = (),
    ) -> Pause:
        """Put on the record that some items are kept and used for nothing.

        Args:
            data_type: The dotted type it is about; empty: every type.
            source: Only items of this source.
            person: Only items with this person.
            masked: The people of the items, who stay masked.

        Raises:
            UsageError: The type is none.
        """
        pause = Pause(
            id=uuid4().hex,
            type=check_type(data_type) if data_type else "",
            source=source,
            person=normal(person),
        )
        self.record(UsePaused(pause=pause, masked=masked))
        return pause

    def resume(self, pauses: Iterable[Pause]) -> None:
        """Put on the record that some pauses are over."""
        self.record(*(UseResumed(pause=pause) for pause in pauses))

    def correct(self, item_id: str, item: Item, text: str) -> Item:
        """Put other words of an item on the record; return the item with them.

        Words that it has already are not recorded again.

        Args:
            item_id: Its id.
            item: The item as it stands.
            text: The words, all of them.

        Raises:
            UsageError: There are no words.
        """
        words = normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
        if not words.strip():
            raise UsageError("There are no words to put in its place; `twin forget` erases items.")
        corrected = structs.replace(item, text=words, text_new=None)
        if corrected != item:
            event = CorrectionMade(item_id=item_id, text=words)
            self.log.append([Draft(event=event, scope=_scope(item))])
            points.reached("correction.recorded")
        return corrected

    def label(self, item_id: str, item: Item, label: str, *, holds: bool) -> None:
        """Put on the record whether an item is about a sensitive matter.

        Raises:
            UsageError: The label is none.
        """
        if label not in SENSITIVE:
            known = ", ".join(sorted(SENSITIVE))
            raise UsageError(f"{label!r} is not a label; a label is one of {known}.")
        event = LabelCorrected(item_id=item_id, label=label, holds=holds)
        self.log.append([Draft(event=event, scope=_scope(item))])

    def review(self, review: PairReviewed, item: Item) -> None:
        """Put on the record what the owner says of an example that one of her items teaches."""
        self.log.append([Draft(event=review, scope=_scope(item))])

    def find(self, named: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Return the ids of items by (source, native id), empty for what is not there."""
        found = self.log.known([(_key(source, id_), b"") for source, id_ in named])
        return tuple("" if one is None or one.erased else one.id for one in found)

    def retain(self, data_type: str, days: int | None) -> None:
        """Put on the record for how many days items of a type are kept; None: for ever.

        Raises:
            UsageError: The type is none, or the days are not from 1 to 36500.
        """
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise UsageError(f"Items are kept for 1 to {MOST_DAYS} days, or `off`: for ever.")
        self.record(RetentionSet(type=check_type(data_type), days=days))

    def erase(
        self, item_ids: Sequence[str], masked: tuple[MaskedAlias, ...], *, cause: str = "asked"
    ) -> int:
        """Destroy the keys of items for ever; return how many keys there were.

        The signed request comes first, so that a crash between the two is finished when the
        vault is opened again.
        """
        if not item_ids:
            raise NotFound("No item matches; nothing was erased.")
        self.record(ItemErased(item_ids=tuple(item_ids), masked=masked, cause=cause))
        points.reached("erase.recorded")
        return self.log.erase(item_ids)

    def verify(self, progress: Callable[[int, int], None] | None = None) -> Report:
        """Check every entry, key and signature."""
        return self.log.verify(progress)


class _Reading:
    """One import in progress: a page being filled and the counts so far."""

    def __init__(
        self,
        log: Log,
        permits: Callable[[Item], bool],
        spoiled: Callable[[str], None],
        *,
        dry_run: bool,
    ) -> None:
        self._log = log
        self._permits = permits
        self._spoiled = spoiled
        self._dry_run = dry_run
        self._page: list[Item] = []
        self._seen_in_dry_run: set[bytes] = set()
        self._sources: set[str] = set()
        self.bad: list[Bad] = []
        self._collected = 0
        self.duplicates = 0
        self._first_at: datetime | None = None
        self._last_at: datetime | None = None
        self._contents = Arriving(log, _natural_key)
        self._carrier: Item | None = None
        self._forgotten: set[str] = set()
        self._file, self._is_left = "", True

    def take(self, item: Item) -> None:
        self.end()
        if not self._permits(item):
            self.bad.append(Bad(locator=item.locator, reason=_DENIED))
            return
        if item.at is not None:
            self._first_at = min(item.at, self._first_at or item.at)
            self._last_at = max(item.at, self._last_at or item.at)
        self._sources.add(item.source)
        self._page.append(item)
        self._carrier = item
        if len(self._page) >= _PAGE:
            self.flush()

    def attach(self, content: Content) -> None:
        """Take a block of an attachment of the item that came last, if that is to be stored."""
        if self._carrier is None or self._dry_run:
            return
        self._spoil(self._contents.take(self._carrier, content))
        if self._contents.is_full:
            self.flush()

    def end(self) -> None:
        """Take it that nothing more comes of the item that came last."""
        self._carrier = None
        self._spoil(self._contents.broken_off())

    def _spoil(self, bad: Bad | None) -> None:
        if bad is not None:
            self.bad.append(bad)
            self._spoiled(bad.locator)

    def flush(self) -> None:
        """Store the page: what is new, what changed, each natural key once."""
        # Within one page a later item under the same key revises the earlier one; splitting
        # the page there lets the log answer which is which.
        page, self._page = self._page, []
        batch: dict[bytes, tuple[Item, bytes]] = {}
        for item in page:
            key, content = _natural_key(item), _content(item)
            if key in batch:
                if batch[key][1] == content:
                    self.duplicates += 1
                    continue
                self._store(batch)
                batch = {}
            batch[key] = (item, content)
        self._store(batch)
        self._contents.flush()

    def _store(self, batch: dict[bytes, tuple[Item, bytes]]) -> None:
        known = self._log.known([(key, content) for key, (_, content) in batch.items()])
        drafts: list[Draft] = []
        for (key, (item, content)), stored in zip(batch.items(), known, strict=True):
            self._meet(file_of(item.locator), is_left=stored is None or not stored.erased)
            draft = self._draft(key, item, content, stored)
            if draft is None or (self._dry_run and key in self._seen_in_dry_run):
                self.duplicates += 1
                continue
            self._seen_in_dry_run.update({key} if self._dry_run else ())
            drafts.append(draft)
        if drafts and not self._dry_run:
            self._log.append(drafts)
            points.reached("import.page")
        self._collected += len(drafts)

    def _meet(self, file: str, *, is_left: bool) -> None:
        """Note whether anything is left of a file; items of one follow each other."""
        if file != self._file:
            self._file, self._is_left = file, False
        self._is_left = self._is_left or is_left
        if self._is_left:
            self._forgotten.discard(file)
        else:
            self._forgotten.add(file)

    def _draft(self, key: bytes, item: Item, content: bytes, stored: Known | None) -> Draft | None:
        """Return what is to be stored of an item, None where it is there or was erased."""
        if stored is None:
            return _drafted(ItemCollected(item=item), item, key, content)
        if stored.same or stored.erased:
            return None
        event = self._log.entry(stored.newest).event
        if isinstance(event, ItemCollected | ItemRevised):
            item = _with_what_is_known(item, event.item)
            if (content := _content(item)) == _content(event.item):
                return None
        return _drafted(ItemRevised(item_id=stored.id, item=item), item, key, content)

    def imported(self) -> Imported:
        return Imported(
            read=self._collected + self.duplicates + len(self.bad),
            collected=self._collected,
            duplicates=self.duplicates,
            bad=tuple(self.bad),
            first_at=self._first_at,
            last_at=self._last_at,
        )

    def is_news(self, before: ImportFinished | None) -> bool:
        """Whether something was stored, or failed that had not failed the last time."""
        failed = self._told()
        if self._collected or before is None:
            return bool(self._collected or failed)
        more = Counter(bad.reason for bad in failed) - Counter(dict(before.bad_reasons))
        return bool(more) or not set(failed[:_FIRST_BAD]) <= set(before.bad)

    def _told(self) -> tuple[Bad, ...]:
        """Return the failures for the record, which names no file that was forgotten."""
        return tuple(bad for bad in self.bad if file_of(bad.locator) not in self._forgotten)

    def finished(self, export: Export) -> ImportFinished:
        done, failed = self.imported(), self._told()
        sources = self._sources | export.versions.keys()
        return ImportFinished(
            locator=export.locator,
            path=export.path,
            sources=tuple((name, export.versions.get(name, 0)) for name in sorted(sources)),
            asked=export.asked,
            retried=export.retried,
            read=done.collected + done.duplicates + len(failed),
            collected=done.collected,
            duplicates=done.duplicates,
            bad_reasons=tuple(sorted(Counter(bad.reason for bad in failed).items())),
            bad=failed[:_FIRST_BAD],
            first_at=done.first_at,
            last_at=done.last_at,
        )


def _drafted(event: Event, item: Item, key: bytes, content: bytes) -> Draft:
    return Draft(event=event, scope=_scope(item), natural_key=key, content=content)


def _with_what_is_known(item: Item, before: Item) -> Item:
    """Return an item with the files and recipients that a poorer export of the same lacks."""
    if item.text != before.text:
        return item
    return structs.replace(
        item, to=item.to or before.to, attachments=item.attachments or before.attachments
    )


def _scope(item: Item) -> str:
    """The name of the key that an item's own key is wrapped under."""
    return f"{item.source}\x1f{item.conversation}"


def _natural_key(item: Item) -> bytes:
    """What the source itself would call the same record, whichever way it was exported."""
    if not item.native_id:
        raise CollectError(f"{item.source} yielded an item without an id at {item.locator}.")
    return _key(item.source, item.native_id)


def _key(source: str, native_id: str) -> bytes:
    return f"{source}\x1f{native_id}".encode()


def _content(item: Item) -> bytes:
    """What decides whether a record read again is the same; where it stood does not.

    Without tags it is what it was before items had any: an export that is read again after an
    update states nothing anew.
    """
    if item.tags:
        return encode(ItemCollected(item=structs.replace(item, locator="")))
    return encode(untagged(item))
