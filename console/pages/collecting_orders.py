"""Looking at an export, collecting it, and reading again what could not be read, as orders."""

from datetime import datetime
from pathlib import Path

import msgspec

from console.bootstrap import Twin
from console.pages.orders import Order, Told
from console.pages.picking import stamped
from console.use import collecting, importing
from vault.application import Imported
from vault.collectors.survey import Counted, Surveyed
from vault.items import Bad, Item

__all__ = ["Collect", "Collected", "Look", "Looked", "Part", "ReadAgain", "Sample", "Unread"]

_PARTS = 100
_UNREAD = 50
_WORDS = 280


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """An item as it would be stored, its words cut short."""

    at: datetime | None
    type: str
    is_own: bool
    author: str
    words: str


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """Something that cannot be read, and why."""

    locator: str
    reason: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one source found in one part of an export."""

    source: str
    part: str
    files: int
    size: int
    counted: Counted
    own: int
    others: int
    bad: int
    first_at: datetime | None
    last_at: datetime | None
    samples: tuple[Sample, ...]


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What is at a path, before any of it is stored; `stamp` changes when the path does.

    `more` parts were found besides, which are in the counts; `unread` are the first of
    `unread_in_all`.
    """

    stamp: str
    is_new: bool
    counted: Counted
    own: int
    others: int
    bad: int
    first_at: datetime | None
    last_at: datetime | None
    parts: tuple[Part, ...]
    more: int
    unread: tuple[Unread, ...]
    unread_in_all: int

    @property
    def items(self) -> int:
        """How many items there are, as far as they were counted."""
        return self.own + self.others


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What came of collecting, and the number of the import that says so, 0 where it left none."""

    read: int
    collected: int
    duplicates: int
    bad: int
    unread: tuple[Unread, ...]
    first_at: datetime | None
    last_at: datetime | None
    number: int


class Look(Order, frozen=True, kw_only=True):
    """Say what is at a path, and store nothing. `is_copy`: it was uploaded."""

    title = "Looking at what is there"
    back = "/sources/add"
    path: str
    source: str = ""
    names: tuple[str, ...] = ()
    is_copy: bool = False

    def run(self, twin: Twin, told: Told) -> Looked:
        """Return a `Looked`."""
        path = Path(self.path)
        stamp = stamped(path)
        found = collecting.survey(
            twin,
            path,
            source=self.source,
            names=self.names,
            is_copy=self.is_copy,
            progress=told,
        )
        return _looked(found, stamp)


class Collect(Order, frozen=True, kw_only=True):
    """Collect what is at a path."""

    title = "Collecting"
    back = "/sources"
    path: str
    source: str = ""
    names: tuple[str, ...] = ()
    is_copy: bool = False

    def run(self, twin: Twin, told: Told) -> Collected:
        """Return a `Collected`."""
        before = importing.count(twin)
        done = collecting.add(
            twin,
            Path(self.path),
            source=self.source,
            names=self.names,
            is_copy=self.is_copy,
            progress=told,
        )
        after = importing.count(twin)
        return _collected(done, number=after if after > before else 0)


class ReadAgain(Order, frozen=True, kw_only=True):
    """Read again what could not be read: of one import, or with 0 of the newest of each thing."""

    title = "Reading again what could not be read"
    back = "/sources/imports"
    number: int = 0
    path: str = ""

    def run(self, twin: Twin, told: Told) -> importing.Retries:
        """Return what came of it."""
        return importing.retry(
            twin,
            self.number or None,
            path=Path(self.path) if self.path else None,
            progress=told,
        )


def _looked(found: collecting.Survey, stamp: str) -> Looked:
    parts = sorted(found.parts, key=lambda part: -(part.own + part.others))
    dates = [at for part in parts for at in (part.first_at, part.last_at) if at]
    ways = {part.counted for part in parts}
    counted = next((way for way in (Counted.AT_LEAST, Counted.ABOUT) if way in ways), None)
    return Looked(
        stamp=stamp,
        is_new=found.is_new,
        counted=counted or Counted.EXACTLY,
        own=sum(part.own for part in parts),
        others=sum(part.others for part in parts),
        bad=sum(part.bad for part in parts),
        first_at=min(dates, default=None),
        last_at=max(dates, default=None),
        parts=tuple(map(_part, parts[:_PARTS])),
        more=max(0, len(parts) - _PARTS),
        unread=_unread(found.bad),
        unread_in_all=len(found.bad),
    )


def _part(part: Surveyed) -> Part:
    return Part(
        source=part.source,
        part=part.part,
        files=part.files,
        size=part.size,
        counted=part.counted,
        own=part.own,
        others=part.others,
        bad=part.bad,
        first_at=part.first_at,
        last_at=part.last_at,
        samples=tuple(map(_sample, part.samples)),
    )


def _sample(item: Item) -> Sample:
    words = " ".join(f"{item.title} {item.own_text}".split())
    author = (item.author.name or item.author.id) if item.author else ""
    return Sample(
        at=item.at,
        type=item.type,
        is_own=item.sent,
        author=author,
        words=words if len(words) <= _WORDS else words[:_WORDS].rstrip() + " …",
    )


def _collected(done: Imported, *, number: int) -> Collected:
    return Collected(
        read=done.read,
        collected=done.collected,
        duplicates=done.duplicates,
        bad=len(done.bad),
        unread=_unread(done.bad),
        first_at=done.first_at,
        last_at=done.last_at,
        number=number,
    )


def _unread(bad: tuple[Bad, ...]) -> tuple[Unread, ...]:
    return tuple(Unread(locator=one.locator, reason=one.reason) for one in bad[:_UNREAD])
