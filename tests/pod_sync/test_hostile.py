"""A host that cheats: drops, replays, swaps, cuts, forks, rolls back. No device believes it.

Two devices work and sync, a newcomer restores; between them the host does what it likes with
the files, and may show every device another pod. Whatever it does, a device refuses loudly
or holds nothing but what a device of the owner wrote, and never less than it saw before.
"""

import os
import random
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from pod_sync.index import SLOT, Index, decode, head
from pod_sync.session import Access
from tests.pod_sync.fake import FakePod, File
from tests.pod_sync.pods import new_pod
from tests.pod_sync.syncing import PASSPHRASE, Device, draft, forget, numbers, place_of
from vault import restoring
from vault.errors import VaultError
from vault.log.mirror import Folder

LONG = os.environ.get("TWINVAULT_LONG") == "1"
EXAMPLES = 10_000 if LONG else 150

pytestmark = [pytest.mark.slow, pytest.mark.timeout(14_400)] if LONG else []

who = st.sampled_from(["one", "two"])
pick = st.integers(0, 10**6)


def memory() -> Path | None:
    place = Path("/dev/shm")
    return place if place.is_dir() else None


@dataclass
class World:
    """What the host shows to somebody: a disk of its own."""

    files: dict[str, File]
    containers: dict[str, int]

    def copy(self) -> "World":
        return World(dict(self.files), dict(self.containers))

    def mirror(self) -> list[str]:
        return [name for name in self.files if "/twinvault/" in name]

    def indexes(self) -> dict[str, list[Index | None]]:
        """What every device says is there, in each of its slots; None: it cannot be read."""
        found: dict[str, list[Index | None]] = {}
        for name in self.mirror():
            if form := SLOT.fullmatch(name.rpartition("/")[2]):
                index = None
                with suppress(VaultError):
                    index = decode(self.files[name].body, form[1])
                found.setdefault(form[1], []).append(index)
        return found

    def newest(self) -> dict[str, Index]:
        """The newest index of every device that has one; one with a spoiled slot is left out."""
        return {
            feed: max(filter(None, slots), key=lambda one: one.number)
            for feed, slots in self.indexes().items()
            if None not in slots
        }

    def heads(self) -> dict[str, int]:
        """How far each feed goes."""
        found: dict[str, int] = {}
        for index in self.newest().values():
            for reached in filter(None, map(head, index.files)):
                found[reached[0]] = max(found.get(reached[0], 0), reached[1])
        return found


@dataclass
class Start:
    """Two devices that met in a pod, to be copied, and another vault's pod."""

    folder: Path
    access: Access
    pod: FakePod
    foreign: dict[str, bytes] = field(default_factory=dict)


@cache
def start() -> Start:
    folder = Path(tempfile.mkdtemp(dir=memory()))
    pod = FakePod()
    access = new_pod(pod.url, pod)
    one = Device.new(folder / "one")
    one.log.append([draft(n) for n in range(3)])
    one.sync(access, pod)
    two = Device.restored(folder / "two", access, transport=pod)
    two.log.append([draft(n) for n in range(3, 5)])
    for each in (two, one, two):
        each.sync(access, pod)
    one.log.close()
    two.log.close()
    begun = Start(folder, access, pod)
    other = FakePod()
    # Two vaults under one passphrase are both hers: whoever has nothing but it takes either.
    stranger = Device.new(folder / "stranger", "what the stranger alone knows")
    stranger.log.append([draft(n, "a stranger's") for n in range(2)])
    theirs = new_pod(other.url, other)
    stranger.sync(theirs, other)
    stranger.drop()
    root, mine = pod.path(theirs.url), pod.path(access.url)
    begun.foreign = {
        name.replace(root, mine): one.body
        for name, one in other.files.items()
        if "/twinvault/" in name
    }
    return begun


class Hostile(RuleBasedStateMachine):
    """Devices of one owner, and what is between them."""

    @initialize()
    def begins(self) -> None:
        begun = start()
        self.folder = Path(tempfile.mkdtemp(dir=memory()))
        self.access, self.pod = begun.access, begun.pod
        self.disk = World(begun.pod.files, begun.pod.containers)
        self.world = self.disk.copy()
        self.forks: dict[str, World] = {}
        self.kept = [self.world.copy()]
        self.open: dict[str, Device] = {}
        self.next = 5
        self.written = {*range(5)}
        self.seen = {name: self.world.newest() for name in ("one", "two")}

    def _device(self, name: str) -> Device:
        if name not in self.open:
            shutil.copytree(start().folder / name, self.folder / name)
            self.open[name] = device = Device(self.folder / name, None)
            device.reopen()
        return self.open[name]

    def _world(self, name: str) -> World:
        return self.forks.get(name, self.world)

    def _show(self, world: World) -> None:
        self.pod.files, self.pod.containers = world.files, world.containers

    # What the owner does.

    @rule(name=who)
    def writes(self, name: str) -> None:
        self._device(name).log.append([draft(self.next)])
        self.written.add(self.next)
        self.next += 1

    @rule(name=who, pick=pick)
    def erases(self, name: str, pick: int) -> None:
        device = self._device(name)
        if ids := device.ids():
            forget(device.log, [ids[pick % len(ids)]])

    @rule(name=who)
    def syncs(self, name: str) -> None:
        device, world = self._device(name), self._world(name)
        self._show(world)
        seen, before, shown = self.seen[name], len(numbers(device.log)), world.newest()
        try:
            device.sync(self.access, self.pod)
        except VaultError:
            return
        finally:
            assert len(numbers(device.log)) >= before
            self._believes_nothing_else(device)
        for feed, index in seen.items():
            assert feed not in shown or shown[feed].number >= index.number, "older than before"
        self.seen[name] = seen | world.newest()
        assert all(device.reach(feed) >= size for feed, size in world.heads().items())

    @rule(newcomer=st.sampled_from(["one", "two"]))
    def is_restored(self, newcomer: str) -> None:
        self._show(self._world(newcomer))
        place = self.folder / "new"
        try:
            new = Device.restored(place, self.access, transport=self.pod)
        except VaultError:
            assert not (place / "home").exists()
            shutil.rmtree(place)
            return
        self._believes_nothing_else(new)
        new.drop()

    @rule(newcomer=st.sampled_from(["one", "two"]))
    def is_checked(self, newcomer: str) -> None:
        """What a scrub finds nothing wrong with can be restored."""
        self._show(self._world(newcomer))
        try:
            with place_of(self.access, transport=self.pod) as place:
                found = restoring.check(place, PASSPHRASE, 1.0)
        except VaultError:
            return
        if found.problems == ():
            new = Device.restored(self.folder / "new", self.access, transport=self.pod)
            self._believes_nothing_else(new)
            new.drop()

    def _believes_nothing_else(self, device: Device) -> None:
        """Every entry is one that a device of the owner wrote, as she wrote it."""
        for page in device.log.pages():
            for entry in page.entries:
                if entry.topic.startswith("item.collected") and entry.event:
                    item = entry.event.item
                    assert int(item.native_id) in self.written
                    assert item.text.startswith("zanzibar-canary")

    # What the host does.

    @rule()
    def keeps_a_copy(self) -> None:
        self.kept.append(self.world.copy())

    @rule(name=who)
    def shows_another_pod(self, name: str) -> None:
        self.forks[name] = self._world(name).copy()

    @rule(name=who)
    def shows_the_same_pod_again(self, name: str) -> None:
        self.forks.pop(name, None)

    @rule(pick=pick)
    def puts_everything_back(self, pick: int) -> None:
        self.world = self.kept[pick % len(self.kept)].copy()

    @rule(pick=pick, which=pick)
    def puts_one_file_back(self, pick: int, which: int) -> None:
        before = self.kept[pick % len(self.kept)]
        if names := before.mirror():
            name = names[which % len(names)]
            self.world.files[name] = before.files[name]

    @rule(pick=pick)
    def puts_the_indexes_back(self, pick: int) -> None:
        before = self.kept[pick % len(self.kept)]
        for name in self.world.mirror():
            if "/index/" in name:
                del self.world.files[name]
        self.world.files |= {n: before.files[n] for n in before.mirror() if "/index/" in n}

    @rule(pick=pick)
    def drops_a_file(self, pick: int) -> None:
        if names := self.world.mirror():
            del self.world.files[names[pick % len(names)]]

    @rule(first=pick, second=pick)
    def swaps_two_files(self, first: int, second: int) -> None:
        if names := self.world.mirror():
            one, two = names[first % len(names)], names[second % len(names)]
            files = self.world.files
            files[one], files[two] = files[two], files[one]

    @rule(pick=pick, at=pick, touched=st.booleans())
    def cuts_or_bends_a_file(self, pick: int, at: int, touched: bool) -> None:
        names = self.world.mirror()
        if not names:
            return
        one = self.world.files[names[pick % len(names)]]
        body, at = bytearray(one.body), at % max(len(one.body), 1)
        if touched and body:
            body[at] ^= 1
        else:
            del body[at:]
        later = one.modified + touched
        self.world.files[names[pick % len(names)]] = File(bytes(body), one.media_type, later)

    @rule(pick=pick)
    def adds_what_nobody_wrote(self, pick: int) -> None:
        drawn = random.Random(pick)
        names = [name for name in self.world.mirror() if "/files/" in name]
        if not names:
            return
        near = drawn.choice(names).rpartition("/")[0]
        name = drawn.choice(["x", "head-", "segment-0-1", f"parcel-{'0' * 16}-1-x", "é"])
        self.world.files[f"{near}/{name}"] = File(drawn.randbytes(20), "text/plain", pick)

    @rule(whole=st.booleans(), pick=pick)
    def adds_files_of_another_vault(self, whole: bool, pick: int) -> None:
        foreign = start().foreign
        chosen = list(foreign) if whole else [list(foreign)[pick % len(foreign)]]
        for name in chosen:
            self.world.files[name] = File(foreign[name], "application/json", pick)

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        try:
            self._all_meet()
        finally:
            self._show(self.disk)
            for device in self.open.values():
                device.log.close()
            shutil.rmtree(self.folder)

    def _all_meet(self) -> None:
        """In an honest place all is there that anybody wrote, but what was erased."""
        if len(self.open) < 2:
            return
        honest = Folder(self.folder / "honest")
        for name in ("one", "two", "one"):
            self.open[name].exchange(honest)
        one, two = (numbers(self.open[name].log) for name in ("one", "two"))
        assert one == two
        assert {n for n in one if n is not None} <= self.written
        assert len(one) == len(self.written)


def test_no_device_believes_a_host_that_cheats():
    run_state_machine_as_test(
        Hostile,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=12,
            deadline=None,
            derandomize=not LONG,
            database=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
