"""What a mirror is to hold of a feed: which of its segments are right, and what to write anew.

A segment's name tells which bodies are not in it, so that whoever gives finds out without
reading, and without remembering, whether it holds what it should. Only where others may
know of bodies or erasures that are not known here is a segment read: what goes into the
mirror then is the better of both.
"""

import hmac
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, Protocol

import msgspec

from vault.errors import ForeignVault, TamperError
from vault.log.envelope import KEY_PAGE
from vault.log.index import Absent
from vault.log.merge import MOST, Body, Choice, Choose, key_in
from vault.log.mirror import Gap, Listing, Mirror, SegmentFile, Vanished, covering
from vault.log.sealed import SealedLog
from vault.log.segment import NOTE, Segment, absence, generation_of, open_segment

__all__ = [
    "Plan",
    "Planner",
    "Remembered",
    "Withholding",
    "damage",
    "fields_of",
    "opened_file",
]

_PART: Final = 10_000
_SMALL: Final = 256 << 10
"""A feed's last segment is written anew, with what came since, until it has so many bytes."""
_pack = msgspec.msgpack.Encoder().encode


class Withholding(Protocol):
    """Which bodies must not be in a mirror, though their entries are."""

    @property
    def edition(self) -> bytes:
        """What changes whenever the answer about an entry asked before may have changed."""

    def withheld(self, ids: Sequence[str]) -> AbstractSet[str]:
        """Return which of these entries' bodies must not be there.

        Entries that hold no item are never among them.
        """


def fields_of(segment: Segment, mirrors: Sequence[bytes], generation: int) -> tuple[object, ...]:
    """Return what the name of a segment's file says."""
    bodies, erased = segment.counted()
    absent = segment.feed, segment.first, segment.size, segment.withheld, erased
    return (
        segment.feed.hex(),
        segment.first,
        segment.size,
        bodies,
        len(segment.withheld),
        generation,
        absence(mirrors[generation - 1], absent),
    )


def opened_file(mirror: Mirror, file: SegmentFile, mirrors: Sequence[bytes]) -> Segment:
    """Read and open a segment.

    Raises:
        Vanished: It was deleted since it was listed.
        TamperError: It is damaged, or not what its name says.
        ForeignVault: It was sealed by a newer owner key.
    """
    content = mirror.read(file.name)
    segment = open_segment(content, mirrors, file.name)
    found = fields_of(segment, mirrors, generation_of(content))
    if (segment.feed, *found[1:]) != file[1:-1]:
        raise TamperError(f"{file.name} is not what it says.")
    return segment


class Remembered:
    """Files of mirrors that were looked at; without them more is read, and nothing is wrong."""

    def __init__(self, log: SealedLog, mirror_key: bytes) -> None:
        self._index = log.index
        self._key = mirror_key
        self._new: list[bytes] = []

    def _digest(self, what: tuple[object, ...]) -> bytes:
        return hmac.digest(self._key, b"twinvault/looked\n" + _pack(what), "sha256")[:16]

    def __contains__(self, what: tuple[object, ...]) -> bool:
        digest = self._digest(what)
        return bool(self._index.looked([digest]))

    def add(self, what: tuple[object, ...]) -> None:
        """Remember, once `keep` is called."""
        self._new.append(self._digest(what))

    def keep(self) -> None:
        """Make durable what was added."""
        if self._new:
            self._index.look(self._new)
        self._new = []


def damage(file: SegmentFile, lacking: int) -> tuple[object, ...]:
    """Return what says that a segment could not be read when bodies were lacking here."""
    return "damaged", file.name, lacking


class Plan(NamedTuple):
    """What is to be done to a feed.

    `gaps` are to be written. `gone` are files that something else takes the place of: of them
    `purged` held something that was erased since, `resealed` ones were sealed before the
    owner key was replaced, and `repacked` ones held bodies that must not be there, or lacked
    some that may.
    """

    gaps: list[Gap]
    gone: list[SegmentFile]
    purged: int
    resealed: int
    repacked: int


class _Judged(NamedTuple):
    """A segment beside what is here of its entries.

    `right`: it may stay. `whole`: it holds every body that may be there. `rich`: it may say
    more than this log, which lacks bodies or may lack erasures.
    """

    file: SegmentFile
    right: bool
    whole: bool = False
    rich: bool = False


class Planner:
    """Plans one run of giving."""

    def __init__(
        self,
        log: SealedLog,
        mirror: Mirror,
        found: Listing,
        mirrors: Sequence[bytes],
        withholding: Withholding | None,
    ) -> None:
        self._log = log
        self.mirror = mirror
        self.found = found
        self._mirrors = mirrors
        self._withholding = withholding
        self._edition = withholding.edition if withholding else None
        self._remembered = Remembered(log, mirrors[-1])
        self._rich: dict[bytes, list[SegmentFile]] = {}
        # Entries that are there and not here may ask to erase what is here.
        self._knows_all = not any(self._is_beyond(file) for file in found.segments)

    def size(self, feed: bytes) -> int:
        """Return how many entries of a feed count here."""
        known = self._log.records.place.trail(feed).frontier.size
        return min(known, self._log.devices.most(feed))

    def _is_beyond(self, file: SegmentFile) -> bool:
        """Tell whether a segment has entries that count, or may count, and are not here."""
        size = self.size(file.feed)
        return file.size > size and size < self._log.devices.most(file.feed)

    # Judging what is there.

    def plan(self, feed: bytes) -> Plan:
        """Return what is to be done to a feed."""
        last, ends = self.size(feed), self._log.index.sizes(feed)
        there = [
            file
            for file in self.found.of(feed)
            if file.generation <= len(self._mirrors) and file.first in ends and file.first < last
        ]
        beyond = [file for file in there if self._is_beyond(file)]
        # Where no page ends here, no reader finds one either, unless what is behind counts nowhere.
        ours = [f for f in there if f not in beyond and (f.size in ends or f.size > last)]
        judged = _with_neighbours([one for file in ours if (one := self._judged(file, last))])
        right = [one.file for one in judged if one.right]
        chosen = covering([*right, *beyond], 0, last)
        gaps = [one for one in self._with_tail(chosen, feed, last) if isinstance(one, Gap)]
        self._rich[feed] = [one.file for one in judged if one.rich]
        wrong = [one.file for one in judged if not one.right]
        kept = covering(right, 0, last)
        replaced = [one.file for one in judged if one.right and _is_replaced(one, chosen, kept)]
        old = [file for file in wrong if file.generation < len(self._mirrors)]
        purged = [file for file in wrong if file not in old and self._held_more(file)]
        return Plan(
            gaps=gaps,
            gone=wrong + replaced,
            purged=len(purged),
            resealed=len(old),
            repacked=len(wrong) - len(old) - len(purged),
        )

    def _held_more(self, file: SegmentFile) -> bool:
        return self._surplus(file) > 0

    def _held_less(self, file: SegmentFile) -> bool:
        """Tell whether more is erased there: a request that counts no more may have asked for it."""
        return self._surplus(file) < 0

    def _surplus(self, file: SegmentFile) -> int:
        erased = len(self._log.index.absent(file.feed, file.first, file.size).erased)
        return file.bodies + file.withheld - (file.size - file.first - erased)

    def _judged(self, file: SegmentFile, last: int) -> _Judged | None:
        """Compare a segment with what is to be there; None where it is gone."""
        feed, first, size = file[1:4]
        absent = self._log.index.absent(feed, first, size)
        lacking = bool(absent.withheld) or not self._knows_all or self._held_less(file)
        damaged = damage(file, len(absent.withheld)) in self._remembered
        if file.generation < len(self._mirrors) or size > last or damaged:
            return _Judged(file, right=False, rich=lacking)
        what = self._seen(file.name, absent)
        if what in self._remembered:
            return _Judged(file, right=True, rich=lacking)
        wanted = self.wanted(feed, first, size)
        best, poorest = (
            absence(self._mirrors[-1], (feed, first, size, sorted(withheld), absent.erased))
            for withheld in (wanted, wanted.union(absent.withheld))
        )
        judged = _Judged(
            file,
            right=file.absent in {best, poorest},
            whole=file.absent == best,
            rich=lacking and file.absent != poorest,
        )
        if not judged.right and judged.rich:
            try:
                judged = judged._replace(right=self._is_as_good(file, absent, wanted))
            except Vanished:
                return None
            except (TamperError, ForeignVault):
                return _Judged(file, right=False)  # what is damaged is written again
        if judged.right:
            self._remembered.add(what)
        return judged

    def _seen(self, name: str, absent: Absent) -> tuple[object, ...]:
        """Return what a verdict hangs on: entries become erased, bodies arrive, never back."""
        return "given", name, self._edition, len(absent.withheld), len(absent.erased)

    def wanted(self, feed: bytes, first: int, size: int) -> set[int]:
        """Return the numbers of entries whose bodies are here and must not be in the mirror."""
        if self._withholding is None:
            return set()
        wanted: set[int] = set()
        for start in range(first, size, _PART):
            end = min(start + _PART, size)
            absent = set[int]().union(*self._log.index.absent(feed, start, end))
            wanted |= self._of(feed, [seq for seq in range(start, end) if seq not in absent])
        return wanted

    def _of(self, feed: bytes, numbers: Sequence[int]) -> set[int]:
        """Return which of some entries, whose bodies are here, must not have them there."""
        if self._withholding is None or not numbers:
            return set()
        prefix = f"{feed.hex()}-"
        answer = self._withholding.withheld([f"{prefix}{seq}" for seq in numbers])
        return {int(id_.removeprefix(prefix)) for id_ in answer}

    def _is_as_good(self, file: SegmentFile, absent: Absent, wanted: AbstractSet[int]) -> bool:
        """Tell whether a segment is what it would be if it was written anew, with what it has."""
        there = _Source(opened_file(self.mirror, file, self._mirrors), absent)
        erased = there.erased.union(absent.erased)
        withheld = (wanted | (set(absent.withheld) - there.bodies.keys())) - erased
        return erased == there.erased and withheld == there.withheld

    def _with_tail(
        self, chosen: list[SegmentFile | Gap], feed: bytes, last: int
    ) -> list[SegmentFile | Gap]:
        """Let what is new take small segments before it along, so that there are never many.

        Each that stays is longer than all behind it, or full.
        """
        if not chosen or not isinstance(chosen[-1], Gap):
            return chosen
        first = chosen.pop().first
        weight = self._log.index.weight(feed, first, last, MOST)
        while chosen and isinstance(file := chosen[-1], SegmentFile):
            if file.length >= max(_SMALL, min(weight, MOST - weight)):
                break
            chosen.pop()
            first, weight = file.first, weight + file.length
        chosen.append(Gap(first, last))
        return chosen

    # Writing.

    def choosing(self, feed: bytes, gap: Gap) -> Choose:
        """Return what decides which bodies go into the segments of a gap."""
        rich = [f for f in self._rich.get(feed, ()) if f.first < gap.size and f.size > gap.first]
        return _Choosing(self, feed, gap, sorted(rich, key=lambda one: one.first)).choose

    def source(self, file: SegmentFile) -> "_Source | None":
        """Return what a segment says of entries whose bodies are not here."""
        try:
            segment = opened_file(self.mirror, file, self._mirrors)
        except (Vanished, TamperError, ForeignVault):
            return None
        return _Source(segment, self._log.index.absent(file.feed, file.first, file.size))

    def wrote(self, name: str, segment: Segment) -> None:
        """Remember a segment that was written as it should be."""
        absent = self._log.index.absent(segment.feed, segment.first, segment.size)
        here = set(segment.withheld).difference(*absent)
        right = set(absent.erased) <= set(segment.counted()[1])
        # What another process erased or filled in meanwhile is judged by the next giving.
        if right and self._of(segment.feed, sorted(here)) == here:
            self._remembered.add(self._seen(name, absent))

    def keep(self) -> None:
        """Make durable what is remembered."""
        self._remembered.keep()


def _with_neighbours(judged: list[_Judged]) -> list[_Judged]:
    """Give up segments that lack what one beside them has which has to go."""
    going = [one.file for one in judged if one.rich and not one.right]
    changed = [
        one._replace(right=False, rich=True)
        if one.right
        and not one.whole
        and any(one.file.first < file.size and file.first < one.file.size for file in going)
        else one
        for one in judged
    ]
    return changed if changed == judged else _with_neighbours(changed)


def _is_replaced(
    one: _Judged, chosen: Sequence[SegmentFile | Gap], kept: Sequence[SegmentFile | Gap]
) -> bool:
    """Tell whether a segment that might stay has nothing that is not in others, or will be."""
    written = any(
        isinstance(other, Gap) and other.first <= one.file.first and one.file.size <= other.size
        for other in chosen
    )
    # What goes on behind what is known here may hold less.
    return one.file not in chosen and (written or not (one.rich or one.file in kept))


class _Source:
    """What a segment in the mirror says of its entries.

    `bodies` are those that it has of entries whose bodies are not here.
    """

    def __init__(self, segment: Segment, absent: Absent) -> None:
        self.erased = set(segment.counted()[1])
        self.withheld = set(segment.withheld)
        self.bodies: dict[int, Body] = {}
        wanted = set(absent.withheld) - self.erased - self.withheld
        entries = (data for data in segment.records if not data.startswith(NOTE))
        for seq, data in enumerate(entries, segment.first) if wanted else ():
            if seq in wanted and (key := key_in(segment.keys, data)):
                scope = segment.keys[int.from_bytes(data[KEY_PAGE])].scope
                self.bodies[seq] = Body(data, key, scope)


class _Choosing:
    """Chooses the bodies for a gap, page by page from its beginning."""

    def __init__(
        self, planner: Planner, feed: bytes, gap: Gap, rich: Sequence[SegmentFile]
    ) -> None:
        self._planner = planner
        self._feed = feed
        self._gap = gap
        self._waiting = list(reversed(rich))
        self._open: list[tuple[int, _Source]] = []
        self._asked = gap.first
        self._wanted: set[int] = set()

    def choose(self, first: int, last: int) -> Choice:
        """Return which bodies of some entries go into a segment."""
        if last > self._asked:
            end = min(max(last, first + _PART), self._gap.size)
            self._wanted = self._planner.wanted(self._feed, first, end)
            self._asked = end
        numbers = range(first, last)
        withheld = {seq for seq in numbers if seq in self._wanted} if self._wanted else set()
        while self._waiting and self._waiting[-1].first < last:
            file = self._waiting.pop()
            source = self._planner.source(file)
            if source is not None:
                self._open.append((file.size, source))
        self._open = [(size, source) for size, source in self._open if size > first]
        erased, bodies = set[int](), dict[int, Body]()
        for _, source in self._open:
            erased.update(source.erased.intersection(numbers))
            bodies |= {seq: source.bodies[seq] for seq in numbers if seq in source.bodies}
        return Choice(withheld, erased, bodies)
