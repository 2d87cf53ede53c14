"""A mirror in a pod: immutable files, and one index a device that says which of them count.

A file counts once an index names it, and is deleted only after no index names it any more. So
nobody needs a lock, a crash leaves nothing but files that do not count, and one listing of the
indexes tells whether anything changed.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Final, NoReturn, Self

import msgspec

from pod_sync.ahead import Ahead
from pod_sync.errors import PodChanged, PodRefused, PodUnreachable
from pod_sync.index import (
    LARGEST,
    SLOT,
    Index,
    decode,
    encode,
    fields,
    head,
    is_cut,
    is_whole,
    path,
)
from pod_sync.lying import lying
from pod_sync.memory import Device, Memory, Seen, load
from pod_sync.session import Member, Session
from vault import points
from vault.errors import RolledBack, TamperError
from vault.mirrors import Vanished

__all__ = ["PodPlace"]

_INDEX: Final = "index/"
_DEVICES: Final = 256
_MOST: Final = 2 * LARGEST
"""Bytes of all indexes together that are read at most."""
_SMALL: Final = 4096
"""Bytes of a file that is remembered whole: heads, certificates, wrapped owner keys."""
_REPLACED: Final = frozenset({"segment", "parcel"})
"""Kinds whose files, sealed again, have other names."""
_TRIES: Final = 3
_RUNS: Final = 8
"""So many runs' unanswered indexes are remembered: a server may do late what it was asked."""
_JSON: Final = "application/json"
_BYTES: Final = "application/octet-stream"


class PodPlace:
    """The mirror of one vault in one pod, as one of its devices sees it (`vault.mirrors.Place`)."""

    def __init__(
        self, session: Session, feed: str, memory: Memory, root: str = "twinvault/"
    ) -> None:
        """Take a pod; nothing is asked of it yet.

        Args:
            session: The conversation with the pod.
            feed: This device's, in hexadecimal; "" for who only reads.
            memory: What this device remembers of the pod.
            root: The mirror's container below the pod's root; ends with a slash.
        """
        self.session = session
        self.feed = feed
        self._memory = memory
        self.root = root
        self._known = load(memory, session.url + root, feed)
        self._before = (session.traffic.requests, session.traffic.sent, session.traffic.received)
        self._ahead = Ahead(self._fetch, lambda name: fields(name)[1])
        self._pool: ThreadPoolExecutor | None = None
        self._on_its_way: tuple[str, Future[None]] | None = None
        self._where: dict[str, list[str]] = {}
        self._listed = False
        self._unfinished: set[str] = set()
        self._added: set[str] = set()
        self._removed: set[str] = set()
        self._gone: set[str] = set()
        self._read: set[str] = set()
        self.damaged: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(wait=kind is None or issubclass(kind, Exception))

    def close(self, *, wait: bool = True) -> None:
        """Fetch nothing ahead any more, and wait for the file that is on its way.

        Who interrupts does not wait: what is not announced does not count.
        """
        self._ahead.close()
        if self._pool:
            self._pool.shutdown(wait=wait, cancel_futures=True)
            self._pool = None

    @property
    def name(self) -> str:
        """The address of the mirror's container."""
        return f"{self.session.url}{self.root}"

    # What is there.

    def is_settled(self, edition: bytes) -> bool:
        """Whether neither pod nor device changed since the last sync; one request.

        Args:
            edition: What `settle` was given then, unless something changed on this device.

        Raises:
            RolledBack: The pod is older than one seen before.
            TamperError: An index is damaged.
            PodRefused: There are more or longer ones than any vault has.
        """
        self._refresh()
        owed = self._known.begun or self._known.doomed or self._known.distrusted
        return not owed and bool(edition) and self._known.settled == edition

    def sizes(self) -> dict[str, int]:
        """Return name and length of every file that counts.

        Raises:
            RolledBack: The pod is older than one seen before.
            TamperError: An index is damaged.
            PodRefused: There are more or longer ones than any vault has.
        """
        self._finish()
        if not self._listed:
            self._refresh()
        self._listed = False
        self._search()
        self._adopt()
        self._where = self._copies()
        return {name: fields(name)[1] for name in self._where}

    def _copies(self) -> dict[str, list[str]]:
        """Return where each file that counts lies."""
        found: dict[str, list[str]] = {}
        out = self._out()
        for feed, device in self._known.devices.items():
            for name in device.index.files:
                if f"{feed}/{name}" not in out:
                    found.setdefault(name, []).append(feed)
        for name in self._added:
            if self.feed not in found.setdefault(name, []):
                found[name].append(self.feed)
        return found

    def _out(self) -> set[str]:
        """Return the paths of files that do not count, whoever lists them."""
        indexes = (device.index.gone for device in self._known.devices.values())
        own = {f"{self.feed}/{name}" for name in self._removed}
        return self._gone.union(own, self._known.distrusted, *indexes)

    def _refresh(self) -> None:
        """Read the indexes that changed, and refuse a pod that is older than one seen before."""
        listed: dict[str, dict[str, Member]] = {}
        for member in self.session.listing(self.root + _INDEX):
            if (form := SLOT.fullmatch(member.name)) and not member.container:
                listed.setdefault(form[1], {})[member.name] = member
        weight = sum(member.size or 0 for slots in listed.values() for member in slots.values())
        if len(listed) > _DEVICES or weight > _MOST:
            raise PodRefused(
                f"The indexes in {self.name} are those of more than {_DEVICES} devices, or longer "
                f"than any vault's; remove from {_INDEX} what does not belong there."
            )
        devices = {feed: self._device(feed, slots) for feed, slots in sorted(listed.items())}
        for feed, device in self._known.devices.items():
            if device.index.number and feed not in devices:
                raise self._older(f"The index of device {feed}", device.index.number, 0)
        found = {feed: device for feed, device in devices.items() if device}
        self._look_at_heads(found)
        if found != self._known.devices:
            self._known.devices = found
            self._known.settled = b""
            self.save()
        self._listed = True

    def _device(self, feed: str, slots: Mapping[str, Member]) -> Device | None:
        """Return the newest index of a device; None: it never finished one."""
        known = self._known.devices.get(feed)
        before = known.slots if known else {}
        fresh = {
            name: member for name, member in slots.items() if not _same(member, before.get(name))
        }
        if known and not fresh and before.keys() == slots.keys():
            return known
        read = {name: self._index(feed, member) for name, member in slots.items()}
        index = max(filter(None, read.values()), key=lambda one: one.number, default=None)
        if index is None and known is None and (feed == self.feed or feed in self._unfinished):
            return None  # the first that the device ever wrote was cut off: it promised nothing
        if index is None and known and feed == self.feed:
            index = known.index
        if index is None:
            raise TamperError(
                f"The index of device {feed} in {self.name} is damaged; sync on that device, "
                "which writes it again."
            )
        if known:
            self._compare(feed, known.index, index)
        elif feed == self.feed:
            self._known.doomed |= index.gone  # whether they were deleted is forgotten
        seen = {
            name: Seen(slots[name].modified, slots[name].size or 0, one.number if one else 0)
            for name, one in read.items()
        }
        return Device(index, seen)

    def _index(self, feed: str, member: Member) -> Index | None:
        if member.size is not None and member.size > LARGEST:
            return None
        try:
            found = self.session.get(f"{self.root}{_INDEX}{member.name}", most=LARGEST)
        except Vanished:
            return None
        assert found is not None
        try:
            return decode(found.body, feed)
        except TamperError:
            if member.name == f"{feed}-1.json" and is_cut(found.body, feed):
                self._unfinished.add(feed)
            return None

    def _compare(self, feed: str, known: Index, index: Index) -> None:
        """Refuse an index that cannot have come after the one that is known."""
        if index.number < known.number:
            raise self._older(f"The index of device {feed}", known.number, index.number)
        later = index.number > known.number
        if feed == self.feed:
            later = later and _digest(index) in self._known.writing
        if not later and index != known:
            self._refuse_copy(feed)

    def _refuse_copy(self, feed: str) -> NoReturn:
        raise RolledBack(
            f"Somebody else writes to {self.name} as device {feed}: a copy of that device, "
            "or the pod's keeper; enrol a copied device as one of its own."
        )

    def _look_at_heads(self, devices: Mapping[str, Device]) -> None:
        there = _heads(name for device in devices.values() for name in device.index.files)
        for feed, size in sorted(self._known.heads.items()):
            if there.get(feed, 0) < size:
                raise self._older(f"Feed {feed}", size, there.get(feed, 0))

    def _older(self, what: str, known: int, shown: int) -> RolledBack:
        return RolledBack(
            f"{what} in {self.name} went up to {known} and now ends at {shown}: the pod is an "
            "older copy. Put its newest copy back; or, if you put it back yourself, link the pod "
            "again, then scrub it."
        )

    # Reading.

    def expect(self, names: Sequence[str]) -> None:
        """Fetch these files ahead, in this order."""
        self._ahead.expect([name for name in names if name not in self._known.small])

    def read(self, name: str) -> bytes:
        """Return a file.

        Raises:
            Vanished: It is not there any more.
        """
        self._finish()
        content = self._known.small.get(name)
        if content is None:
            content = self._ahead.take(name)
            if len(content) <= _SMALL and not _is_replaced(name):
                self._known.small[name] = content
        self._read.add(name)
        return content

    def _fetch(self, name: str) -> bytes:
        """Return a file of whichever device has a whole one."""
        problem: Vanished | TamperError = Vanished(f"{name} is not in {self.name} any more.")
        for feed in self._where.get(name, ()):
            try:
                return self._got(feed, name)
            except TamperError as error:
                problem = error
            except Vanished:
                continue
        raise problem

    def _got(self, feed: str, name: str) -> bytes:
        where, length = self.root + path(feed, name), fields(name)[1]
        try:
            found = self.session.get(where, most=length)
        except PodRefused:
            if self.session.size(where) in {None, length}:
                raise
            found = None
        if found is None or not is_whole(name, found.body):
            self.damaged.add(f"{feed}/{name}")
            raise TamperError(
                f"{name} in {self.name} is damaged; `twin pod scrub`, then `twin pod sync` put "
                "another one in its place."
            )
        return found.body

    # Writing.

    def write(self, name: str, content: bytes) -> None:
        """Write a file while the next one is made; it counts once `flush` announced it.

        Raises:
            PodError: The file before this one was not written.
        """
        assert self.feed, "who only reads does not write"
        self._finish()
        self._known.begun.add(name)
        self.save()
        points.reached("pod.begun")
        if f"{self.feed}/{name}" in self._known.distrusted:
            self.session.delete(self.root + path(self.feed, name))
        self._pool = self._pool or ThreadPoolExecutor(1, "pod")
        where = self.root + path(self.feed, name)
        self._on_its_way = (name, self._pool.submit(self._put, where, content))

    def _finish(self) -> None:
        """Wait until the file that is on its way is there."""
        if self._on_its_way is None:
            return
        (name, future), self._on_its_way = self._on_its_way, None
        future.result()
        points.reached("pod.put")
        self._added.add(name)
        self._removed.discard(name)
        self._known.distrusted.discard(f"{self.feed}/{name}")
        self._where.setdefault(name, []).append(self.feed)
        self._read.add(name)

    def _put(self, where: str, content: bytes) -> None:
        """Write a whole file, whatever part of it an earlier try left there."""
        try:
            self.session.put(where, content, _BYTES, new=True)
        except PodChanged:
            if not self._mended(where, content):
                raise PodUnreachable(
                    f"A file does not arrive whole in {self.name}; look at the connection, then "
                    "sync again."
                ) from None

    def _mended(self, where: str, content: bytes) -> bool:
        """Write over what was cut off; return whether it is whole now.

        Only over the very state that was found short: a server may still do a request that was
        cut off after it did the one that was sent in its place.
        """
        for _ in range(_TRIES):
            there = self.session.state(where)
            if there and there.size == len(content):
                return True
            with suppress(PodChanged):
                etag = there.etag if there else ""
                self.session.put(where, content, _BYTES, etag=etag, new=not etag)
        return False

    def delete(self, name: str) -> None:
        """Take a file out; it is deleted once `flush` announced that it does not count."""
        self._finish()
        for feed in self._where.pop(name, ()):
            if feed == self.feed:
                self._added.discard(name)
                self._removed.add(name)
            else:
                self._gone.add(f"{feed}/{name}")

    def flush(self) -> None:
        """Announce what was written and deleted so far, then delete what does not count.

        Raises:
            RolledBack: Another copy of this device writes too.
            PodChanged: Somebody writes again and again.
        """
        self._finish()
        own = self._own()
        for one in filter(_is_replaced, self._known.distrusted):
            feed, name = one.split("/")
            if feed == self.feed:
                self._removed.add(name)
            else:
                self._gone.add(one)
        files = (own.files | self._added) - self._removed
        if files != own.files or not self._gone <= own.gone or self._is_damaged():
            self._announce(files)
        self._clear()

    def _own(self) -> Index:
        device = self._known.devices.get(self.feed)
        return device.index if device else Index(feed=self.feed)

    def _is_damaged(self) -> bool:
        """Whether no slot of this device's index holds it any more."""
        device = self._known.devices.get(self.feed)
        return device is not None and device.index.number not in {
            seen.number for seen in device.slots.values()
        }

    def _announce(self, files: frozenset[str]) -> None:
        """Write this device's index by compare-and-swap: into the slot that is not the newest."""
        own, others = self._own(), self._known.devices.items()
        there = {f"{feed}/{name}" for feed, device in others for name in device.index.files}
        tombs = set().union(*(d.index.gone for feed, d in others if feed != self.feed))
        index = Index(
            feed=self.feed,
            number=own.number + 1,
            files=frozenset(name for name in files if f"{self.feed}/{name}" not in tombs),
            gone=frozenset((own.gone & (there | self._known.doomed)) | self._gone),
        )
        self._known.doomed |= self._gone | {f"{self.feed}/{name}" for name in self._removed}
        self._known.writing = [*self._known.writing[-_RUNS:], _digest(index)]
        self._known.settled = b""
        self.save()
        points.reached("pod.announcing")
        self._swap(index)
        points.reached("pod.announced")
        self._added.clear()
        self._removed.clear()
        self._gone.clear()
        self._known.distrusted -= {one for one in self._known.distrusted if _is_replaced(one)}

    def _swap(self, index: Index) -> None:
        content = encode(index)
        slot = f"{self.feed}-{index.number % 2}.json"
        where = f"{self.root}{_INDEX}{slot}"
        for _ in range(_TRIES):
            etag = self._older_slot(where, index)
            if etag is not None:
                try:
                    self.session.put(where, content, _JSON, etag=etag, new=not etag)
                except PodChanged:
                    continue
            members = {member.name: member for member in self.session.listing(self.root + _INDEX)}
            member = members.get(slot)
            if member and member.size in {None, len(content)}:
                before = self._known.devices.get(self.feed)
                seen = Seen(member.modified, member.size or 0, index.number)
                slots = {**(before.slots if before else {}), slot: seen}
                self._known.devices[self.feed] = Device(index, slots)
                self._known.writing = []
                self.save()
                return
        raise PodChanged(f"{slot} in {self.name} is written by somebody else too; sync again.")

    def _older_slot(self, where: str, index: Index) -> str | None:
        """Return the ETag of what may be written over, "" where nothing is; None: it is written.

        Raises:
            RolledBack: Another copy of this device was here.
        """
        try:
            found = self.session.get(where, most=LARGEST)
        except Vanished:
            return ""
        assert found is not None, "no state was named"
        try:
            there = decode(found.body, self.feed)
        except TamperError:
            return found.etag  # cut off while it was written
        if there == index:
            return None
        if _digest(there) in self._known.writing:
            raise PodChanged(f"What an earlier run wrote to {self.name} came late; sync again.")
        if there.number > self._own().number:
            self._refuse_copy(self.feed)
        return found.etag

    def _adopt(self) -> None:
        """Count what an interrupted run had written whole."""
        own = self._own().files
        for name in sorted(self._known.begun - own - self._added - self._removed):
            if self.session.size(self.root + path(self.feed, name)) == fields(name)[1]:
                self._added.add(name)

    def _search(self) -> None:
        """Doom, once, what lies there and does not count: a lost memory knew of it."""
        if self._known.searched or not self.feed:
            return
        own = {f"{self.feed}/{name}" for name in self._own().files}
        self._known.doomed |= lying(self.session, self.root, self.feed).keys() - own
        self._known.searched = True
        self.save()

    def _clear(self) -> None:
        """Delete what no index names: what was taken out, and what an interrupted run left."""
        own = self._own()
        left = {f"{self.feed}/{name}" for name in self._known.begun}
        counts = {f"{self.feed}/{name}" for name in own.files | self._added}
        doomed = {
            one
            for one in (self._known.doomed | left) - counts
            if one in own.gone or one.startswith(f"{self.feed}/")
        }
        for one in sorted(doomed):
            self.session.delete(self.root + path(*one.split("/")))
            points.reached("pod.deleted")
        if self._known.doomed or self._known.begun:
            self._known.doomed, self._known.begun = set(), set()
            self.save()

    # Scrubbing.

    def counted(self) -> set[str]:
        """Return the paths of the files that count, `feed/name`."""
        return {f"{feed}/{name}" for name, feeds in self._copies().items() for feed in feeds}

    def holds(self, one: str) -> bool:
        """Whether a file is whole, read again: who misread it once does not condemn it."""
        try:
            return bool(self._got(*one.split("/")))
        except (TamperError, Vanished):
            return False

    def distrust(self, paths: Iterable[str]) -> None:
        """Count these files no more, so that who has their content writes them again."""
        self._known.distrusted.update(paths)
        self.save()

    def discard(self, paths: Iterable[str]) -> None:
        """Delete files of this device that do not count, at the next `flush`."""
        self._known.doomed.update(one for one in paths if one.startswith(f"{self.feed}/"))
        self.save()

    def reread(self) -> set[str]:
        """Read small files from the pod again; return what an interrupted scrub found sound."""
        self._known.small.clear()
        return self._known.scrubbed

    # Remembering.

    def settle(self, edition: bytes, *, checkpoint: str = "", at: int = 0) -> None:
        """Remember that pod and device have all that each other has, verified.

        Args:
            edition: What changes whenever this device has something new for the pod.
            checkpoint: The root of the log that was verified against the pod.
            at: The time, in nanoseconds since 1970.
        """
        known = self._known
        names = {name for device in known.devices.values() for name in device.index.files}
        known.mirrored = _heads(names)
        for feed, size in _heads(name for name in names if name in self._read).items():
            known.heads[feed] = max(size, known.heads.get(feed, 0))
        known.small = {name: one for name, one in known.small.items() if name in names}
        known.distrusted.clear()
        known.settled, known.checkpoint, known.at = edition, checkpoint or known.checkpoint, at
        traffic = self.session.traffic
        now = (traffic.requests, traffic.sent, traffic.received)
        known.requests, known.sent, known.received = (
            new - old for new, old in zip(now, self._before, strict=True)
        )
        self.save()

    def save(self) -> None:
        """Write down what is remembered."""
        self._memory.write(msgspec.msgpack.encode(self._known))


def _is_replaced(one: str) -> bool:
    return fields(one.rsplit("/", maxsplit=1)[-1])[0] in _REPLACED


def _same(member: Member, seen: Seen | None) -> bool:
    stated = (member.modified, member.size or 0)
    return seen is not None and bool(seen.modified) and stated == (seen.modified, seen.size)


def _digest(index: Index) -> bytes:
    return hashlib.sha256(encode(index)).digest()


def _heads(names: Iterable[str]) -> dict[str, int]:
    """Return how far each feed goes."""
    found: dict[str, int] = {}
    for name in names:
        if reached := head(name):
            feed, size = reached
            found[feed] = max(size, found.get(feed, 0))
    return found
