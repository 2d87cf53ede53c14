"""A mirror holds the bodies that may be there; of the others it says that they stayed at home."""

import sqlite3
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logkit import PASSPHRASE, create, drafts, forget, numbers, reopen, secrets_of, sound
from mirrorkit import Memory, content, further, held, memory, sound_mirror, told, without

from vault import mirrors, restoring
from vault.errors import TamperError
from vault.events import ItemCollected, ItemErased, OwnerNamed
from vault.log import home
from vault.log.merge import segments, take_in
from vault.log.mirror import Mirror, name_of
from vault.log.planning import fields_of
from vault.log.sealed import Draft
from vault.log.segment import open_segment, seal_segment


@pytest.fixture
def tmp_path():
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        yield Path(folder)


@pytest.fixture
def log(tmp_path):
    with closing(create(tmp_path)) as log:
        log.append(drafts(0, 6))
        yield log


class Withheld:
    """Holds back items by what the log says of them: the last word on each, in merged order."""

    def __init__(self, log):
        self._log = log
        self.asked = 0

    @property
    def forbidden(self):
        said = {}
        for page in self._log.pages():
            for entry in page.entries:
                if isinstance(entry.event, OwnerNamed):
                    word, number = entry.event.names
                    said[int(number)] = word == "deny"
        return {number for number, denied in said.items() if denied}

    @property
    def edition(self):
        return repr(sorted(self.forbidden)).encode()

    def withheld(self, ids):
        self.asked += len(ids)
        forbidden = self.forbidden
        events = {id_: self._log.entry(id_).event for id_ in ids}
        assert all(events.values()), "nobody can judge what is not here"
        return {
            id_
            for id_, event in events.items()
            if isinstance(event, ItemCollected) and int(event.item.native_id) in forbidden
        }


def say(log, word, *items):
    for item in items:
        log.append([Draft(event=OwnerNamed(names=(word, str(item))))])


def give(log, folder, place):
    return mirrors.give(log, folder, place, withholding=Withheld(log))


def test_a_forbidden_body_and_its_key_stay_at_home_and_a_restore_counts_them(log, tmp_path):
    ids = log.append(drafts(10, 4))
    say(log, "deny", 11, 12)
    secrets = [secrets_of(log, [ids[n]])[:2] for n in (1, 2)]
    kept = secrets_of(log, [ids[0]])[:2]
    place = Memory()
    assert give(log, tmp_path / "home", place).withheld == 2
    there = content(log, place)
    assert all(secret in there for secret in kept)
    assert not any(secret in there for pair in secrets for secret in pair)
    checked = restoring.check(place, PASSPHRASE, 1.0)
    assert (checked.problems, checked.withheld) == ((), 2)
    done = restoring.restore(tmp_path / "new", place, PASSPHRASE, "laptop")
    assert (done.withheld, done.checkpoint) == (2, log.head.root.hex())
    with closing(home.open_(tmp_path / "new", PASSPHRASE)) as new:
        report = new.verify()
        assert (report.problems, report.withheld) == ((), 2)
        entries = {entry.id: entry for page in new.pages() for entry in page.entries}
        assert [entries[id_].withheld for id_ in ids] == [False, True, True, False]
        assert not any(entry.erased for entry in entries.values())
        [known] = new.known([(b"zanzibar-canary-key-11", b"zanzibar-canary")])
        assert (known.id, known.erased, known.same) == (ids[1], False, True)


def test_what_is_allowed_later_comes_and_followers_start_over(log, tmp_path):
    place = Memory()
    say(log, "deny", 1, 2)
    give(log, tmp_path / "home", place)
    with closing(further(tmp_path / "new", place, "laptop")) as new:
        order = new.order
        assert numbers(new) == [0, None, None, 3, 4, 5]
        say(log, "allow", 1)
        done = give(log, tmp_path / "home", place)
        assert (done.repacked, done.withheld) == (1, 1)
        taken = mirrors.take(new, place)
        assert (taken.entries, taken.filled, taken.withheld) == (1, 1, 1)
        assert numbers(new) == [0, 1, None, 3, 4, 5]
        assert new.order != order
        assert sound(new)
        order = new.order
        assert mirrors.take(new, place).filled == 0
        assert new.order == order
        say(log, "allow", 2)
        give(log, tmp_path / "home", place)
        mirrors.take(new, place)
        ours = [one[2:] for one in told(new) if one[2].startswith(log.feed.hex())]
        assert ours == [one[2:] for one in told(log)]


def test_what_is_withdrawn_leaves_the_mirror_and_stays_on_the_devices(log, tmp_path):
    place = Memory()
    give(log, tmp_path / "home", place)
    with closing(further(tmp_path / "new", place, "laptop")) as new:
        say(log, "deny", 3)
        done = give(log, tmp_path / "home", place)
        assert (done.repacked, done.purged, done.withheld) == (1, 0, 1)
        assert sum(not body for body in held(log, place).values()) == 1
        mirrors.take(new, place)
        assert numbers(new) == [0, 1, 2, 3, 4, 5]
        # This one has all bodies and knows of the withdrawal: it leaves the mirror as it is.
        again = give(new, tmp_path / "new", place)
        assert (again.repacked, again.purged, again.withheld) == (0, 0, 1)


def test_a_device_that_lacks_bodies_makes_no_backup_poorer(log, tmp_path):
    pod, backup = Memory(), Memory()
    say(log, "deny", 1, 4)
    give(log, tmp_path / "home", pod)
    mirrors.give(log, tmp_path / "home", backup)
    before = held(log, backup)
    assert all(before.values())
    with closing(further(tmp_path / "new", pod, "laptop")) as new:
        done = mirrors.give(new, tmp_path / "new", backup)
        assert (done.purged, done.repacked, done.withheld) == (0, 0, 0)
        assert all(held(log, backup).values())
        # Even where it has to write what was there anew: what it lacks comes from the backup.
        victim = new.append(drafts(50, 2))
        say(log, "allow", 4)
        mirrors.give(new, tmp_path / "new", backup)
        forget(new, [told(log)[3][2], victim[0]])
        done = mirrors.give(new, tmp_path / "new", backup)
        assert done.purged == 2
        there = held(log, backup)
        assert all(there.values())
        assert told(log)[3][2] not in there
        assert sum(id_ in there for id_ in before) == len(before) - 1
        assert sound_mirror(backup)


def test_nobody_is_asked_and_nothing_is_read_again_where_nothing_changed(log, tmp_path):
    place = Counting()
    say(log, "deny", 2)
    withholding = Withheld(log)
    mirrors.give(log, tmp_path / "home", place, withholding=withholding)
    asked = withholding.asked
    mirrors.give(log, tmp_path / "home", place, withholding=withholding)
    assert withholding.asked == asked
    with closing(further(tmp_path / "new", place, "laptop")) as new:
        mirrors.take(new, place)
        give(new, tmp_path / "new", place)
        mirrors.take(log, place)
        give(log, tmp_path / "home", place)
        mirrors.take(new, place)
        for one, folder in ((log, "home"), (new, "new"), (log, "home"), (new, "new")):
            place.reads.clear()
            files = dict(place.files)
            mirrors.take(one, place)
            give(one, tmp_path / folder, place)
            assert place.files == files
            assert not place.reads


class Counting(Memory):
    """A place that notes what is read, and what it was told to expect."""

    def __init__(self):
        super().__init__()
        self.reads, self.expected = [], []

    def read(self, name):
        self.reads.append(name)
        return super().read(name)

    def expect(self, names):
        self.expected += names


def test_a_place_hears_of_every_segment_before_it_is_read(log, tmp_path, monkeypatch):
    monkeypatch.setattr("vault.log.merge.MOST", 3000)
    for number in range(10, 50, 4):
        log.append(drafts(number, 4))
    place = Counting()
    mirrors.give(log, tmp_path / "home", place)
    restoring.restore(tmp_path / "new", place, PASSPHRASE, "laptop")
    read = [name for name in place.reads if name.startswith("segment")]
    assert len(read) > 3
    assert place.expected == read
    place.reads, place.expected = [], []
    restoring.check(place, PASSPHRASE, 1.0)
    read = [name for name in place.reads if name.startswith("segment")]
    assert [name for name in place.expected if name.startswith("segment")] == read


def test_what_was_erased_while_it_was_withheld_opens_nowhere(log, tmp_path):
    place = Memory()
    ids = log.append(drafts(20, 3))
    say(log, "deny", 20, 21)
    give(log, tmp_path / "home", place)
    with closing(further(tmp_path / "new", place, "laptop")) as new:
        old = dict(place.files)
        forget(new, [ids[0]])
        give(new, tmp_path / "new", place)
        mirrors.take(log, place)
        assert not log.located([ids[0]])[0].body
        assert not log.data_key(log.located([ids[0]])[0])
        say(log, "allow", 20, 21)
        give(log, tmp_path / "home", place)
        # Whoever puts an older copy of the mirror back brings nothing back either.
        place.files |= old
        mirrors.take(new, place)
        for one in (log, new):
            states = {e.id: (e.erased, e.withheld) for p in one.pages() for e in p.entries}
            assert [states[id_] for id_ in ids] == [(True, False), (False, False), (False, False)]
            assert sound(one)


def test_what_arrives_after_its_erasure_was_asked_for_is_stored_without_body(log, tmp_path):
    log.append(drafts(20, 2))
    place, late = Memory(), Memory()
    mirrors.give(log, tmp_path / "home", place)
    with closing(further(tmp_path / "new", place, "laptop")) as new:
        new.append([Draft(event=ItemErased(item_ids=(f"{log.feed.hex()}-{len(told(log)) + 1}",)))])
        new.repair()
        [erased] = log.append(drafts(30, 3))[1:2]
        body = secrets_of(log, [erased])[0]
        mirrors.give(log, tmp_path / "home", late)
        mirrors.take(new, late)
        assert body not in (tmp_path / "new" / "log.db").read_bytes()
        assert body not in (tmp_path / "new" / "log.db-wal").read_bytes()
        assert numbers(new).count(None) == 1
        assert not new.data_key(new.located([erased])[0])
        assert sound(new)


def test_a_body_that_is_not_the_signed_one_fills_nothing(log, tmp_path):
    place = Memory()
    say(log, "deny", 1)
    give(log, tmp_path / "home", place)
    with closing(further(tmp_path / "new", place, "laptop")) as new:
        [segment] = segments(log, log.feed, 0, log.records.place.trail(log.feed).frontier.size)
        records = list(segment.records)
        at = next(n for n, data in enumerate(records) if data.startswith(bytes([2])) and n > 1)
        records[at + 1] = records[at + 1][:-1] + bytes([records[at + 1][-1] ^ 1])
        with pytest.raises(TamperError):
            take_in(new, segment._replace(records=records))
        assert new.index.count_withheld() == 1
        assert take_in(new, segment) == 0
        assert new.index.count_withheld() == 0
        assert sound(new)


def test_a_segment_whose_name_lies_about_what_is_withheld_is_refused(log, tmp_path):
    place = Memory()
    say(log, "deny", 1)
    give(log, tmp_path / "home", place)
    [file] = Mirror(place).listing().segments
    sealed = place.files.pop(file.name)
    kind, *fields = file.name.split("-")
    for at, other in ((3, "99"), (4, "0"), (6, "0" * 32)):
        lying = [*fields[:at], other, *fields[at + 1 :]]
        place.files = {n: c for n, c in place.files.items() if not n.startswith("segment")}
        place.files["-".join([kind, *lying])] = sealed
        with pytest.raises(TamperError, match="not what it says"):
            restoring.restore(tmp_path / "new", place, PASSPHRASE, "laptop")
        assert restoring.check(place, PASSPHRASE, 1.0).problems


def test_bodies_come_though_nothing_new_lies_behind_them(log, tmp_path):
    ids = [entry[2] for entry in told(log)][1:]
    place = without(log, tmp_path / "home", ids[:2])
    with closing(further(tmp_path / "new", place, "laptop")) as new:
        assert mirrors.give(log, tmp_path / "home", place).repacked == 1
        taken = mirrors.take(new, place)
        assert (taken.entries, taken.filled, taken.withheld) == (0, 2, 0)
        assert numbers(new) == [0, 1, 2, 3, 4, 5]


def test_what_two_devices_lack_each_they_have_together(log, tmp_path):
    ids = [entry[2] for entry in told(log)][1:]
    backup = Memory()
    with ExitStack() as stack:
        for name, lacking in (("one", ids[:2]), ("two", ids[1:3])):
            place = without(log, tmp_path / "home", lacking)
            other = stack.enter_context(closing(further(tmp_path / name, place, name)))
            mirrors.give(other, tmp_path / name, backup)
        there = held(log, backup)
        assert [there[id_] for id_ in ids] == [True, False, True, True, True, True]
        assert sound_mirror(backup)
        assert mirrors.give(log, tmp_path / "home", backup).repacked == 1
        assert all(held(log, backup).values())


def test_a_segment_that_has_to_go_leaves_what_only_it_has_to_the_one_beside_it(log, tmp_path):
    ids = [entry[2] for entry in told(log)][1:]
    richer, poorer = without(log, tmp_path / "home", ids[:1]), Memory()
    with closing(further(tmp_path / "new", without(log, tmp_path / "home", ids[:2]), "new")) as new:
        forget(new, ids[3:4])
        mirrors.give(new, tmp_path / "new", poorer)
        richer.files |= poorer.files
        assert mirrors.give(new, tmp_path / "new", richer).purged == 1
        there = held(log, richer)
        assert [there.get(id_) for id_ in ids] == [False, True, True, None, True, True]


def test_a_segment_that_was_damaged_is_written_again_by_whoever_looks_into_it(log, tmp_path):
    ids = [entry[2] for entry in told(log)][1:]
    backup = without(log, tmp_path / "home", ids[:1])
    with closing(further(tmp_path / "new", without(log, tmp_path / "home", ids[:2]), "new")) as new:
        [file] = Mirror(backup).listing().segments
        backup.files[file.name] = bytes(file.length)
        mirrors.give(new, tmp_path / "new", backup)
        assert sound_mirror(backup)


def test_a_body_that_is_not_the_signed_one_goes_from_no_segment_into_another(log, tmp_path):
    ids = [entry[2] for entry in told(log)][1:]
    backup = Memory()
    mirrors.give(log, tmp_path / "home", backup)
    [file] = Mirror(backup).listing().segments
    keys = log.keys.owner.constants.mirrors
    segment = open_segment(backup.files.pop(file.name), keys, file.name)
    records = list(segment.records)
    at = next(n for n, data in enumerate(records) if data[10:18] == (1).to_bytes(8, "big"))
    records[at] = records[at][:-1] + bytes([records[at][-1] ^ 1])
    backup.files[file.name] = seal_segment(segment._replace(records=records), keys)
    renamed = name_of("segment", *fields_of(segment, keys, 1), content=backup.files[file.name])
    backup.files[renamed] = backup.files.pop(file.name)
    with closing(further(tmp_path / "new", without(log, tmp_path / "home", ids[:2]), "new")) as new:
        forget(new, ids[3:4])
        mirrors.give(new, tmp_path / "new", backup)
        there = held(log, backup)
        assert [there.get(id_) for id_ in ids] == [False, True, True, None, True, True]
        assert sound_mirror(backup)


def test_a_vault_of_before_learns_which_of_its_bodies_were_erased(log, tmp_path):
    ids = log.append(drafts(20, 2))
    forget(log, ids[:1])
    before = log.index.absent(log.feed, 0, 99)
    log.close()
    with closing(sqlite3.connect(tmp_path / "home" / "log.db")) as database:
        database.executescript("""
            DROP TABLE absent; DROP TABLE looked; DROP TRIGGER event_only_cut;
            CREATE TRIGGER event_only_cut BEFORE UPDATE ON event
            WHEN NOT (NEW.position = OLD.position AND NEW.type = OLD.type AND NEW.tags = OLD.tags
                  AND NEW.data = substr(OLD.data, 1, length(NEW.data)))
            BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""")
    with closing(reopen(tmp_path)) as again:
        assert again.index.absent(again.feed, 0, 99) == before == ((), (7,))
        assert sound(again)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("INSERT INTO absent VALUES(?1, 2, 1)", "index of absent bodies is wrong"),
        ("DELETE FROM absent", "index of absent bodies is wrong"),
        ("UPDATE absent SET withheld = 1", "which was written here"),
        ("UPDATE absent SET seq = seq - 1", "index of absent bodies is wrong"),
    ],
)
def test_who_says_that_a_body_is_elsewhere_is_found_out(log, tmp_path, change, problem):
    forget(log, log.append(drafts(20, 2))[:1])
    with closing(sqlite3.connect(tmp_path / "home" / "log.db")) as database, database:
        database.execute(change, [log.feed] if "?" in change else [])
    assert any(problem in found for found in log.verify().problems)


# Any history.

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "deny", "allow", "erase", "sync", "give", "take"]),
        st.integers(0, 2),
        st.integers(0, 9),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS, st.integers(2, 3))
def test_devices_agree_whatever_is_withheld_erased_and_given_in_whatever_order(steps, count):
    with tempfile.TemporaryDirectory(dir=memory()) as folder, ExitStack() as stack:
        devices = Devices(Path(folder), count, stack)
        for what, who, item in steps:
            getattr(devices, what)(who % count, item)
        devices.settle()
        devices.check()


class Devices:
    """A few devices of a vault, and the mirror between them."""

    def __init__(self, folder, count, stack):
        self.place = Memory()
        first = stack.enter_context(closing(create(folder)))
        first.append(drafts(0, 5))
        say(first, "deny", 1)
        self.all = [(first, folder / "home")]
        give(first, folder / "home", self.place)
        for number in range(1, count):
            log = further(folder / f"d{number}", self.place, f"d{number}")
            self.all.append((stack.enter_context(closing(log)), folder / f"d{number}"))
        self._next = 5

    def write(self, who, _):
        self.all[who][0].append(drafts(self._next, 1))
        self._next += 1

    def deny(self, who, item):
        say(self.all[who][0], "deny", item)

    def allow(self, who, item):
        say(self.all[who][0], "allow", item)

    def erase(self, who, item):
        log = self.all[who][0]
        entries = [
            e.id
            for page in log.pages()
            for e in page.entries
            if isinstance(e.event, ItemCollected) and int(e.event.item.native_id) == item
        ]
        if entries:
            forget(log, entries)

    def give(self, who, _):
        log, folder = self.all[who]
        give(log, folder, self.place)

    def _check_given(self, who):
        log, _ = self.all[who]
        there, forbidden = held(log, self.place), Withheld(log).forbidden
        for page in log.pages():
            for entry in page.entries:
                if entry.erased:
                    assert entry.id not in there
                if isinstance(entry.event, ItemCollected):
                    denied = int(entry.event.item.native_id) in forbidden
                    assert not (denied and there.get(entry.id))

    def take(self, who, _):
        mirrors.take(self.all[who][0], self.place)

    def sync(self, who, item):
        self.take(who, item)
        self.give(who, item)
        self._check_given(who)

    def settle(self):
        for _ in range(3):
            for who in range(len(self.all)):
                self.sync(who, 0)

    def check(self):
        before = dict(self.place.files)
        for who in range(len(self.all)):
            self.sync(who, 0)
        assert self.place.files == before, "everybody leaves it as it is"
        first = self.all[0][0]
        assert len({log.head.root for log, _ in self.all}) == 1
        there, forbidden = held(first, self.place), Withheld(first).forbidden
        states = [{e.id: e for page in log.pages() for e in page.entries} for log, _ in self.all]
        for id_ in states[0]:
            erased = {each[id_].erased for each in states}
            assert len(erased) == 1
            events = [each[id_].event for each in states if each[id_].event is not None]
            if erased == {True}:
                assert id_ not in there
                continue
            assert events, "somebody has it"
            item = getattr(events[0], "item", None)
            if item is not None and int(item.native_id) in forbidden:
                assert there[id_] is False
            else:
                assert there[id_] is True
                assert len(events) == len(states), "what may be there is everywhere"
        assert all(sound(log) for log, _ in self.all)
        assert sound_mirror(self.place)
