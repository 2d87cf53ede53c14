"""Whatever arrives in whatever order, every device ends with the same log."""

import shutil
import subprocess
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import pairwise, permutations
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from logkit import (
    PASSPHRASE,
    create,
    drafts,
    everything,
    forget,
    numbers,
    reopen,
    script,
    sound,
)
from mirrorkit import Memory, copied, folder_of, further, memory, swap, told

from projections.views import Views
from vault import mirrors
from vault.application import Export, Vault
from vault.consent import Effect, Purpose
from vault.errors import BadSignature, Revoked, RolledBack, TamperError, UsageError
from vault.events import OwnerNamed
from vault.items import Agent, Item
from vault.log import home, rotation
from vault.log.certificate import NO_LIMIT
from vault.log.enrolment import devices, revoke
from vault.log.envelope import FIXED, HASH_SIZE, KEY_PAGE, KEY_SLOT, has_body
from vault.log.merge import learn_devices, segments, take_in
from vault.log.mirror import Folder, Mirror
from vault.log.owner import KEY_SIZE
from vault.log.sealed import Draft, SealedLog
from vault.log.segment import Segment, open_segment

_RELAXED = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


ADA, PRIYA = Agent(id="ada@quill.example", name="Ada Quill"), Agent(id="priya", name="Priya Nair")


def message(number: int, words: str = "shall we meet at the boat") -> Item:
    return Item(
        source="whatsapp",
        native_id=str(number),
        type="message.chat",
        text=f"{words} {number}",
        conversation=f"chat {number % 2}",
        author=PRIYA if number % 2 else ADA,
    )


class InMemory:
    """Stores of views that are not kept."""

    def database(self, name: str) -> apsw.Connection:
        assert name
        return apsw.Connection(":memory:")

    def read(self, name: str) -> None:
        assert name

    def names(self) -> tuple[str, ...]:
        return ()

    def delete(self, name: str) -> None:
        assert name


@dataclass
class Machine:
    """A device: its folder, its log, and views that follow the log as it grows."""

    folder: Path
    log: SealedLog
    views: Views

    @classmethod
    def on(cls, folder: Path, log: SealedLog) -> "Machine":
        return cls(folder, log, cls.fresh(log))

    @staticmethod
    def fresh(log: SealedLog) -> Views:
        stores = InMemory()
        key = log.keys.derived("aliases")
        return Views.open(stores, stores, alias_key=key, view_key=log.keys.derived("surrogates"))

    def dump(self, views: Views | None = None) -> list[object]:
        followed = views or self.views
        followed.catch_up(self.log)
        followed.settle(Vault(self.log).now())
        return [view.dump() for view in followed.all]

    def reopen(self) -> None:
        self.log = home.open_(self.folder, PASSPHRASE)


who = st.integers(0, 2)
some = st.lists(st.integers(0, 7), min_size=1, max_size=3)


class ThreeHomes(RuleBasedStateMachine):
    """Three devices that work by themselves, and meet in a folder now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=memory()))
        self.mirror = self.folder / "mirror"
        self.erased: set[str] = set()
        self.secrets: list[bytes] = []

    @initialize()
    def enrolled(self) -> None:
        first = create(self.folder)
        swap(first, self.folder / "home", folder_of(first, self.mirror))
        self.all = [Machine.on(self.folder / "home", first)]
        for name in ("laptop", "phone"):
            place = self.folder / name
            self.all.append(Machine.on(place, further(place, Folder(self.mirror), name)))
        for one in self.all:
            self._exchange(one)

    @staticmethod
    def _try(one: Machine, work) -> None:
        try:
            work(one)
        except Revoked:
            assert one.log.certificate().revoked

    @rule(who=who, some=some, words=st.sampled_from(["yes", "no", "a tin of soup"]))
    def collects(self, who, some, words) -> None:
        items = [message(number, words) for number in some]
        self._try(
            self.all[who],
            lambda one: Vault(one.log).collect(
                items, export=Export(locator="chat"), permits=lambda _: True
            ),
        )

    @rule(who=who, allow=st.booleans(), purpose=st.sampled_from([Purpose.TRAIN, Purpose.SEARCH]))
    def speaks(self, who, allow, purpose) -> None:
        effect = Effect.ALLOW if allow else Effect.DENY
        self._try(self.all[who], lambda one: Vault(one.log).say(effect, "message", purpose))

    @rule(who=who)
    def says_who_she_is(self, who) -> None:
        self._try(
            self.all[who],
            lambda one: one.log.append([Draft(event=OwnerNamed(names=("ada quill",)))]),
        )

    @rule(who=who, number=st.integers(0, 7))
    def erases(self, who, number) -> None:
        one = self.all[who]
        [item] = Vault(one.log).find([("whatsapp", str(number))])
        # What a revoked device erases counts nowhere, but is gone where it arrived in time.
        doubted = any(machine.log.devices.most(one.log.feed) != NO_LIMIT for machine in self.all)
        if not item or doubted:
            return
        family = one.log.with_revisions(one.log.located([item]))
        for record in family:
            if record.body:
                self.secrets += [record.body[-32:], one.log.data_key(record)]
        ids = tuple(record.header.id for record in family)
        Vault(one.log).erase(ids, ())
        self.erased.add(str(number))

    @rule(who=who, by=who)
    def revokes(self, who, by) -> None:
        one, other = self.all[by], self.all[who]
        live = [machine for machine in self.all if not machine.log.certificate().revoked]
        if who == by or one.log.certificate().revoked or len(live) < 3:
            return
        if other.log.feed.hex() in {device.feed for device in devices(one.log)}:
            with suppress(UsageError):  # revoked already, as this device knows
                revoke(one.log, other.log.feed.hex())

    @rule(who=who)
    def replaces_the_keys_of_scopes(self, who) -> None:
        self._try(self.all[who], lambda one: rotation.rotate_scopes(one.log))

    @rule(who=who)
    def replaces_its_key(self, who) -> None:
        one = self.all[who]
        if not one.log.certificate().revoked:
            one.log.close()
            rotation.rotate_device_key(one.folder, PASSPHRASE)
            one.reopen()

    @rule(who=who)
    def exchanges(self, who) -> None:
        self._exchange(self.all[who])

    @rule(who=who)
    def looks(self, who) -> None:
        self.all[who].dump()

    def _exchange(self, one: Machine) -> None:
        swap(one.log, one.folder, folder_of(one.log, self.mirror))

    def teardown(self) -> None:
        try:
            if hasattr(self, "all"):
                self._all_meet()
        finally:
            for one in getattr(self, "all", ()):
                one.log.close()
                one.views.close()
            shutil.rmtree(self.folder)

    def _all_meet(self) -> None:
        for _ in range(3):
            for one in self.all:
                self._exchange(one)
        first, *others = self.all
        for one in self.all:
            assert sound(one.log)
        for one in others:
            assert told(one.log) == told(first.log)
            assert one.dump() == first.dump()
        assert first.dump(Machine.fresh(first.log)) == first.dump()
        self._check_erased()

    def _check_erased(self) -> None:
        mirrors_ = self.all[0].log.keys.owner.constants.mirrors
        content = b"".join(everything(one.folder) for one in self.all)
        for file in Mirror(Folder(self.mirror)).listing().segments:
            segment = open_segment((self.mirror / file.name).read_bytes(), mirrors_, file.name)
            content += b"".join([*segment.records, *(page.keys for page in segment.keys.values())])
        assert not [secret for secret in self.secrets if secret in content]
        for one in self.all:
            for entry in told(one.log):
                item = getattr(entry[4], "item", None)
                assert item is None or item.native_id not in self.erased


TestThreeHomes = ThreeHomes.TestCase
TestThreeHomes.settings = settings(
    max_examples=15,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=_RELAXED,
    phases=[Phase.generate],
)


# One page at a time.


def published(log: SealedLog) -> list[Segment]:
    """Every page of every feed as a segment of its own."""
    found = []
    for feed, trail in sorted(log.records.place.trails.items()):
        ends = [0, *(row.size for row in log.index.between(feed, 0, trail.frontier.size))]
        for first, last in pairwise(ends):
            found += list(segments(log, feed, first, last))
    return found


def test_every_order_of_arrival_gives_the_same_log(tmp_path):
    with closing(create(tmp_path)) as log:
        place = Memory()
        swap(log, tmp_path / "home", place)
        bases = []
        for name in ("b", "c"):
            further(tmp_path / name, place, name).close()
            bases.append(tmp_path / name)
        with closing(home.open_(bases[0], PASSPHRASE)) as b:
            b.append(drafts(0, 2))
            ids = log.append(drafts(1, 3))
            swap(b, bases[0], place)
            swap(log, tmp_path / "home", place)
            forget(log, [ids[0]])
            b.append(drafts(5, 1))
            swap(b, bases[0], place)
            swap(log, tmp_path / "home", place)
            arriving = [one for one in published(log) if one.first]
            certificates = log.devices.all()
        start = bases[1]
        ours = told(log)
        feeds = sorted({one.feed for one in arriving})
        for order in set(permutations([one.feed for one in arriving])):
            queue = {feed: [one for one in arriving if one.feed == feed] for feed in feeds}
            with closing(home.open_(copied(start, tmp_path / "d"), PASSPHRASE)) as new:
                learn_devices(new, certificates)
                for feed in feeds:
                    [first] = [o for o in published(log) if o.feed == feed and not o.first]
                    if new.records.place.trail(feed).frontier.size == 0:
                        take_in(new, first)
                for feed in order:
                    take_in(new, queue[feed].pop(0))
                assert [entry[2:] for entry in told(new) if entry[2][:16] != new.feed.hex()] == [
                    entry[2:] for entry in ours
                ]
                assert sound(new)


@pytest.fixture
def two(tmp_path):
    """A log, and another device of its vault that knows its first entry."""
    log = create(tmp_path)
    place = Memory()
    swap(log, tmp_path / "home", place)
    other = further(tmp_path / "other", place, "laptop")
    yield log, other
    log.close()
    other.close()


def test_what_arrives_twice_is_stored_once(two):
    log, other = two
    log.append(drafts(0, 3))
    [segment] = segments(log, log.feed, 1, 4)
    assert [take_in(other, segment), take_in(other, segment)] == [3, 0]
    assert numbers(other) == [0, 1, 2]


def test_keys_come_with_the_bodies_that_they_open_and_no_others(two):
    log, other = two
    log.append(drafts(0, 3))
    [segment] = segments(log, log.feed, 1, 4)
    number = next(number for number, data in enumerate(segment.records) if has_body(data))
    first = segment.records[number]
    id_ = int.from_bytes(first[KEY_PAGE])
    at = int.from_bytes(first[KEY_SLOT]) * KEY_SIZE
    page = segment.keys[id_]
    cut = first[: FIXED.size + first[1] + HASH_SIZE]
    without = [cut if data is first else data for data in segment.records]
    more = {**segment.keys, id_: page._replace(keys=page.keys + b"\1" * KEY_SIZE)}
    take_in(other, segment._replace(records=without, keys=more))
    there = other.keys.opened([(log.feed, i) for i in segment.keys])
    held = there.pop((log.feed, id_), b"").ljust(len(page.keys), b"\0")
    assert held == page.keys[:at] + bytes(KEY_SIZE) + page.keys[at + KEY_SIZE :]
    assert there == {(log.feed, i): one.keys for i, one in segment.keys.items() if i != id_}


def test_a_segment_that_does_not_follow_is_refused(two):
    log, other = two
    log.append(drafts(0, 3))
    log.append(drafts(3, 3))
    [second] = segments(log, log.feed, 4, 7)
    before = told(other)
    with pytest.raises(TamperError, match="Entries 1 to 4 of feed"):
        take_in(other, second)
    assert told(other) == before


def test_a_feed_of_a_device_that_the_owner_never_enrolled_is_refused(two, tmp_path):
    _, other = two
    (tmp_path / "b").mkdir()
    with closing(create(tmp_path / "b")) as stranger:
        [segment] = segments(stranger, stranger.feed, 0, 1)
        with pytest.raises(BadSignature):
            learn_devices(other, stranger.devices.all())
        with pytest.raises(TamperError, match="never enrolled"):
            take_in(other, segment)
    assert sound(other)


def test_a_segment_with_anything_changed_is_refused_and_leaves_the_log_as_it_was(two):
    log, other = two
    log.append(drafts(0, 2))
    [segment] = segments(log, log.feed, 1, 3)
    before = told(other)
    for number, record in enumerate(segment.records):
        for at in range(0, len(record), 5):
            changed = record[:at] + bytes([record[at] ^ 1]) + record[at + 1 :]
            records = [*segment.records[:number], changed, *segment.records[number + 1 :]]
            with pytest.raises((TamperError, RolledBack)):
                take_in(other, segment._replace(records=records))
    for records in (segment.records[1:], segment.records[::-1], segment.records[:-1]):
        with pytest.raises(TamperError):
            take_in(other, segment._replace(records=records))
    with pytest.raises(TamperError):
        take_in(other, segment._replace(size=2))
    assert told(other) == before
    assert sound(other)


def test_entries_behind_a_revocation_count_nowhere_whichever_came_first(two):
    log, other = two
    place = Memory()
    mirrors.give(log, Path(log._pin._path).parent, place)
    mirrors.take(other, place)
    other.append(drafts(0, 2))
    [known] = segments(other, other.feed, 0, 3)
    learn_devices(log, other.devices.all())
    assert take_in(log, known) == 3
    other.append(drafts(2, 2))
    [later] = segments(other, other.feed, 3, 5)
    revoke(log, "laptop")
    assert take_in(log, later) == 0
    assert numbers(log) == [0, 1]
    learn_devices(other, log.devices.all())
    assert numbers(other) == [0, 1]
    assert sound(other)
    with pytest.raises(Revoked):
        other.append(drafts(9, 1))


def test_what_was_erased_long_ago_is_erased_when_it_arrives_late(two):
    log, other = two
    other.append(drafts(0, 3))
    bodies = [
        record.body for record in other.located([f"{other.feed.hex()}-{seq}" for seq in (1, 2, 3)])
    ]
    ids = log.append(drafts(1, 1))
    forget(log, [ids[0]])
    log.append(drafts(8, 1))
    learn_devices(log, other.devices.all())
    for segment in published(other):
        if segment.feed == other.feed:
            take_in(log, segment)
    assert sorted(numbers(log), key=str) == [0, 2, 8, None, None]
    assert sound(log)
    content = everything(Path(log._pin._path).parent)
    assert [body in content for body in bodies] == [True, False, True]


def test_what_counts_no_more_is_erased_too(two):
    log, other = two
    place = Memory()
    mirrors.give(log, Path(log._pin._path).parent, place)
    other_home = Path(other._pin._path).parent
    mirrors.give(other, other_home, place)
    mirrors.take(log, place)
    other.append(drafts(5, 2))
    [record] = other.located([f"{other.feed.hex()}-1"])
    ids = log.append(drafts(5, 1))
    revoke(log, "laptop")
    forget(log, [ids[0]])
    mirrors.give(log, Path(log._pin._path).parent, place)
    mirrors.take(other, place)
    assert numbers(other) == [None]
    assert record.body not in everything(other_home)
    assert sound(other)
    other.close()
    with closing(home.open_(other_home, PASSPHRASE)) as again:
        assert sound(again)


def test_a_feed_that_forked_is_refused_page_by_page(two, tmp_path):
    log, other = two
    learn_devices(log, other.devices.all())
    take_in(log, published(other)[[one.feed for one in published(other)].index(other.feed)])
    other.close()
    copied(tmp_path / "other", tmp_path / "twice")
    for name, number, raises in (("other", 0, False), ("twice", 50, True)):
        with closing(home.open_(tmp_path / name, PASSPHRASE)) as one:
            one.append(drafts(number, 2))
            [segment] = segments(one, one.feed, 1, 3)
        if raises:
            with pytest.raises(RolledBack, match="has forked"):
                take_in(log, segment)
        else:
            assert take_in(log, segment) == 2
    assert numbers(log) == [0, 1]
    assert sound(log)


def test_only_the_narrowest_certificate_holds_in_whatever_order_they_come(two):
    log, other = two
    other.append(drafts(0, 2))
    other.append(drafts(2, 2))
    learn_devices(log, other.devices.all())
    for one in published(other):
        if one.feed == other.feed:
            take_in(log, one)
    known = log.devices.certificate(other.feed)
    certify = log.keys.owner.certify
    for most, held in ((3, 3), (5, 3), (1, 1), (3, 1)):
        learn_devices(log, [certify(known.public_key, most)])
        assert log.devices.most(other.feed) == held
        assert len(numbers(log)) == held - 1


# Many at once.

DEVICE = """
    from vault.log.mirror import Folder
    from mirrorkit import folder_of, swap
    place, mirror, first, count = Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:5])
    log = home.open_(place, PASSPHRASE)
    for number in range(first, first + count, 5):
        log.append(drafts(number, 5))
        swap(log, place, folder_of(log, mirror))
    log.close()
"""


def test_four_devices_exchange_through_one_folder_at_the_same_time(tmp_path):
    with closing(create(tmp_path)) as log:
        mirror = tmp_path / "mirror"
        swap(log, tmp_path / "home", folder_of(log, mirror))
    homes = [tmp_path / "home"]
    for name in ("b", "c", "d", "reader"):
        further(tmp_path / name, Folder(mirror), name).close()
        homes.append(tmp_path / name)
    *writers, reader = homes
    running = [
        subprocess.Popen(script(DEVICE, place, mirror, 1000 * number, 25))
        for number, place in enumerate(writers)
    ]
    with closing(home.open_(reader, PASSPHRASE)) as log:
        while any(child.poll() is None for child in running):
            mirrors.take(log, Folder(mirror))
            held = numbers(log)
            assert len(held) == len(set(held)), "nothing is there twice at any time"
    assert [child.wait() for child in running] == [0] * 4
    expected = sorted(1000 * number + n for number in range(4) for n in range(25))
    ends = []
    for _ in range(2):
        ends = []
        for place in homes:
            with closing(home.open_(place, PASSPHRASE)) as log:
                swap(log, place, folder_of(log, mirror))
                assert sound(log)
                ends.append(told(log))
                assert sorted(numbers(log)) == expected
    assert all(end == ends[0] for end in ends)


ON_ONE_LOG = """
    from vault.log.folder import opened_with, read_identity
    from vault.log.keys import Keys
    from vault.log.keystore import KeyStore
    from vault.log.owner import unlock
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    import time
    place, seed, first = Path(sys.argv[1]), bytes.fromhex(sys.argv[2]), int(sys.argv[3])
    owner = unlock(read_identity(place), PASSPHRASE)
    device = Ed25519PrivateKey.from_private_bytes(seed)
    keys = Keys(owner, device, KeyStore(place / "keys.db"))
    log = opened_with(place, keys, time.time_ns, None)
    for number in range(first, first + 40, 4):
        log.append(drafts(number, 4))
    log.close()
"""


def test_four_device_keys_write_one_log_at_the_same_time(tmp_path):
    with closing(create(tmp_path)) as log:
        seeds = [bytes([number]) * 32 for number in range(1, 5)]
        owner = log.keys.owner
        certificates = [
            owner.certify(
                Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
            )
            for seed in seeds
        ]
        log.append([Draft(event=OwnerNamed(names=("ada",)))], certificates=certificates)
        running = [
            subprocess.Popen(script(ON_ONE_LOG, tmp_path / "home", seed.hex(), 100 * number))
            for number, seed in enumerate(seeds)
        ]
        while any(child.poll() is None for child in running):
            held = numbers(log)
            assert len(held) == len(set(held))
        assert [child.wait() for child in running] == [0] * 4
        assert sorted(numbers(log)) == sorted(100 * d + n for d in range(4) for n in range(40))
        assert len(log.records.place.trails) == 5
        assert sound(log)
    with closing(reopen(tmp_path)) as log:
        assert sound(log)
