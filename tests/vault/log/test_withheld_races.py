"""Bodies come and go while others erase, take and give; hostile files change nothing."""

import pkgutil
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from logkit import PASSPHRASE, create, drafts, forget, numbers, sound
from mirrorkit import (
    AtHome,
    Memory,
    content,
    copied,
    further,
    held,
    killed_at,
    memory,
    reached_by,
    sound_mirror,
    told,
    without,
)

from vault import mirrors
from vault.errors import RolledBack, TamperError
from vault.log import home, planning
from vault.log.merge import segments
from vault.log.mirror import Mirror, Vanished, name_of
from vault.log.planning import fields_of
from vault.log.sealed import Draft
from vault.log.segment import seal_segment


@pytest.fixture
def tmp_path():
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        yield Path(folder)


@pytest.fixture
def log(tmp_path):
    with closing(create(tmp_path)) as log:
        log.append(drafts(0, 6))
        yield log


@pytest.fixture
def ids(log):
    return items(log)


def items(log):
    return [entry[2] for entry in told(log)][1:]


@pytest.fixture
def device(tmp_path):
    """Make another device, or open it in another process."""
    with ExitStack() as stack:

        def made(name, place=None):
            folder = tmp_path / name
            one = further(folder, place, name) if place else home.open_(folder, PASSPHRASE)
            return stack.enter_context(closing(one))

        yield made


def once(monkeypatch, step, work, *, after=False):
    """Have something done when a step is first taken."""
    owner, name = step.rsplit(".", 1)
    taken = getattr(pkgutil.resolve_name(owner), name)
    left = [work]

    def late(*arguments):
        first = left.pop() if left else None
        if first and not after:
            first()
        result = taken(*arguments)
        if first and after:
            first()
        return result

    monkeypatch.setattr(step, late)


def gone(log, *entries):
    """Whether nothing is left of entries, neither body nor key."""
    return not any(one.body or log.data_key(one) for one in log.located(entries))


# Bodies that come.


def test_filling_in_that_is_killed_anywhere_is_done_by_the_next_taking(log, ids, tmp_path):
    place = without(log, tmp_path / "home", ids[:3:2])
    further(tmp_path / "new", place, "new").close()
    mirrors.give(log, tmp_path / "home", place)

    def work():
        with closing(home.open_(tmp_path / "new", PASSPHRASE)) as new:
            mirrors.take(new, place)

    start = tmp_path / "start"
    (tmp_path / "new").rename(start)
    copied(start, tmp_path / "new")
    names = reached_by(work)
    assert {"merge.keys", "merge.filled"} <= set(names)
    for number, _ in enumerate(names):
        copied(start, tmp_path / "new")
        killed_at(number, work)
        with closing(home.open_(tmp_path / "new", PASSPHRASE)) as new:
            assert sound(new)
            mirrors.take(new, place)
            assert numbers(new) == [0, 1, 2, 3, 4, 5]
            assert sound(new)


@pytest.mark.parametrize("step", ["vault.log.keys.Keys.fill_in", "vault.log.index.Index.fill"])
def test_what_another_process_erases_while_its_body_comes_stays_erased(
    log, tmp_path, device, monkeypatch, step
):
    ids = items(log)
    place = without(log, tmp_path / "home", ids[:2])
    new, other = device("new", place), device("new")
    mirrors.give(log, tmp_path / "home", place)
    once(monkeypatch, step, lambda: forget(other, ids[:1]))
    mirrors.take(new, place)
    assert gone(new, ids[0])
    assert new.located([ids[1]])[0].body
    assert sound(new)


@pytest.mark.parametrize(
    "step", ["vault.log.keys.Keys.destroy", "vault.log.sqlite.SQLiteDCBRecorder.cut"]
)
def test_a_body_that_comes_in_the_midst_of_its_erasure_stays_erased(
    log, tmp_path, device, monkeypatch, step
):
    ids = items(log)
    place = without(log, tmp_path / "home", ids[:2])
    new, other = device("new", place), device("new")
    mirrors.give(log, tmp_path / "home", place)
    once(monkeypatch, step, lambda: mirrors.take(new, place))
    forget(other, ids[:1])
    assert gone(new, ids[0])
    assert new.located([ids[1]])[0].body
    assert sound(new)


def test_two_processes_that_fill_in_the_same_body_leave_it_its_key(
    log, ids, tmp_path, device, monkeypatch
):
    place = without(log, tmp_path / "home", ids[:2])
    new, other = device("new", place), device("new")
    mirrors.give(log, tmp_path / "home", place)
    once(monkeypatch, "vault.log.index.Index.fill", lambda: mirrors.take(other, place))
    mirrors.take(new, place)
    assert numbers(new) == [0, 1, 2, 3, 4, 5]
    assert sound(new)


def test_two_processes_that_take_the_same_from_two_mirrors_lose_no_key(
    log, tmp_path, device, monkeypatch
):
    place, rich = Memory(), Memory()
    mirrors.give(log, tmp_path / "home", place)
    new, other = device("new", place), device("new")
    later = log.append(drafts(10, 6))
    mirrors.give(log, tmp_path / "home", rich)
    poor = without(log, tmp_path / "home", later[:2])
    step = "vault.log.sealed.SealedLog.due"
    once(monkeypatch, step, lambda: mirrors.take(other, rich), after=True)
    mirrors.take(new, poor)
    assert numbers(new) == [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15]
    assert sound(new)


def test_what_another_process_took_in_and_erased_meanwhile_gets_no_key_again(
    log, tmp_path, device, monkeypatch
):
    place = Memory()
    mirrors.give(log, tmp_path / "home", place)
    new, other = device("new", place), device("new")
    later = log.append(drafts(10, 2))
    mirrors.give(log, tmp_path / "home", place)

    def work():
        mirrors.take(other, place)
        forget(other, later[:1])

    once(monkeypatch, "vault.log.sealed.SealedLog.due", work, after=True)
    mirrors.take(new, place)
    assert gone(new, later[0])
    assert sound(new)


def test_the_key_of_a_body_that_did_not_come_in_time_goes_nowhere(log, tmp_path):
    one = log.append([Draft(event=d.event, scope="one") for d in drafts(10, 2)])
    place = without(log, tmp_path / "home", one[:1])
    further(tmp_path / "new", place, "new").close()
    mirrors.give(log, tmp_path / "home", place)

    def work():
        with closing(home.open_(tmp_path / "new", PASSPHRASE)) as new:
            mirrors.take(new, place)

    copied(tmp_path / "new", tmp_path / "copy")
    names = reached_by(work)
    copied(tmp_path / "copy", tmp_path / "new")
    killed_at(names.index("merge.keys"), work)
    with closing(home.open_(tmp_path / "new", PASSPHRASE)) as new:
        poor = Memory()
        mirrors.give(new, tmp_path / "new", poor)
        key = new.data_key(new.located(one[:1])[0])
        assert key
        assert key not in content(log, poor)


# Erasures.


def test_what_is_erased_while_its_twin_arrives_takes_it_along(log, tmp_path, device, monkeypatch):
    place = Memory()
    mirrors.give(log, tmp_path / "home", place)
    new, third, other = device("new", place), device("third", place), device("new")
    [here] = new.append(drafts(40, 1))
    [twin] = third.append(drafts(40, 1))
    mirrors.give(third, tmp_path / "third", place)
    once(monkeypatch, "vault.log.keys.Keys.fill_in", lambda: forget(other, [here]), after=True)
    mirrors.take(new, place)
    assert gone(new, here, twin)
    assert sound(new)


def test_what_was_named_before_it_came_takes_its_twin_along_whoever_takes_it(log, tmp_path, device):
    place, first, second, asked = Memory(), Memory(), Memory(), Memory()
    mirrors.give(log, tmp_path / "home", place)
    new, third, b = device("new", place), device("third", place), device("b", place)
    [one] = log.append(drafts(40, 1))
    [twin] = third.append(drafts(40, 1))
    mirrors.give(log, tmp_path / "home", first)
    mirrors.give(third, tmp_path / "third", second)
    mirrors.take(b, first)
    forget(b, [one])
    mirrors.give(b, tmp_path / "b", asked)
    mine = f"segment-{log.feed.hex()}"
    asked.files = {n: c for n, c in asked.files.items() if not n.startswith((mine, "head"))}
    mirrors.take(new, asked)
    other = device("new")
    new.due([])  # it has heard of what was asked for
    mirrors.take(other, first)
    mirrors.take(new, second)
    assert gone(new, one, twin)
    assert sound(new)


def test_an_entry_that_was_named_before_it_came_takes_its_only_twin_along(log, tmp_path, device):
    place, asked, late = Memory(), Memory(), Memory()
    mirrors.give(log, tmp_path / "home", place)
    new, b = device("new", place), device("b", place)
    [here] = new.append(drafts(40, 1))
    [one] = log.append(drafts(40, 1))
    mirrors.give(log, tmp_path / "home", late)
    mirrors.take(b, late)
    forget(b, [one])
    mirrors.give(b, tmp_path / "b", asked)
    mine = f"segment-{log.feed.hex()}"
    asked.files = {n: c for n, c in asked.files.items() if not n.startswith((mine, "head"))}
    mirrors.take(new, asked)
    assert not gone(new, here)
    mirrors.take(new, late)
    assert gone(new, one, here)
    assert sound(new)


def test_who_takes_first_looks_up_nothing_that_was_erased_before(
    log, tmp_path, device, monkeypatch
):
    forget(log, log.append(drafts(100, 300)))
    place = Memory()
    mirrors.give(log, tmp_path / "home", place)
    device("new", place).close()
    log.append(drafts(10, 1))
    mirrors.give(log, tmp_path / "home", place)
    new, looked = device("new"), []
    apart = new.records.taken_apart
    monkeypatch.setattr(
        new.records, "taken_apart", lambda *some, **more: looked.append(1) or apart(*some, **more)
    )
    assert mirrors.take(new, place).entries == 1
    assert len(looked) < 10


# Mirrors that are given to.


class Interrupted(Memory):
    """A place at which something happens when the first segment of a feed is written."""

    def __init__(self, log, work):
        super().__init__()
        self._name = f"segment-{log.feed.hex()}"
        self._left = [work]

    def write(self, name, content):
        if name.startswith(self._name) and self._left:
            self._left.pop()()
        super().write(name, content)


def test_what_is_erased_while_it_is_written_leaves_the_mirror_with_the_next_giving(
    log, ids, tmp_path, device, monkeypatch
):
    monkeypatch.setattr(planning, "_SMALL", 0)
    other = device("home")
    place = Interrupted(log, lambda: forget(other, ids[:1]))
    mirrors.give(log, tmp_path / "home", place)
    mirrors.give(log, tmp_path / "home", place)
    assert ids[0] not in held(log, place)
    assert sound_mirror(place)


def test_what_comes_while_it_is_withheld_from_a_mirror_is_there_after_the_next_giving(
    log, ids, tmp_path, device, monkeypatch
):
    monkeypatch.setattr(planning, "_SMALL", 0)
    rich = without(log, tmp_path / "home", ids[:2])
    new, other = device("new", rich), device("new")
    mirrors.give(log, tmp_path / "home", rich)
    place = Interrupted(log, lambda: mirrors.take(other, rich))
    mirrors.give(new, tmp_path / "new", place)
    assert not held(log, place)[ids[0]]
    mirrors.give(new, tmp_path / "new", place)
    assert held(log, place)[ids[0]]


def test_what_is_erased_in_a_mirror_stays_gone_though_nobody_asks_for_it_any_more(
    log, ids, tmp_path, device
):
    place = Memory()
    mirrors.give(log, tmp_path / "home", place)
    both = [(device(name, place), tmp_path / name) for name in ("a", "b")]
    everybody = [*both, (log, tmp_path / "home")]
    for _ in range(2):
        for one, folder in everybody:
            mirrors.take(one, place)
            mirrors.give(one, folder, place)
    (a, _), (b, folder) = both
    forget(b, ids[:1])
    mirrors.give(b, folder, place)
    mirrors.take(a, place)
    mirrors.revoke(log, b.feed.hex())
    for _ in range(2):
        for one, folder in ((log, tmp_path / "home"), (a, tmp_path / "a")):
            mirrors.take(one, place)
            mirrors.give(one, folder, place)
            assert ids[0] not in held(log, place)
    assert mirrors.give(log, tmp_path / "home", place).segments == 0


def test_a_segment_that_goes_on_behind_what_is_known_takes_no_fuller_one_away(
    log, tmp_path, device
):
    start, fuller = Memory(), Memory()
    mirrors.give(log, tmp_path / "home", start)
    b = device("b", start)
    later = b.append(drafts(10, 6))
    mirrors.give(b, tmp_path / "b", start)
    mirrors.take(log, start)
    mirrors.give(b, tmp_path / "b", fuller)
    poorer = without(b, tmp_path / "b", later[:3])
    c = device("c", poorer)
    b.append(drafts(20, 2))
    mirrors.give(b, tmp_path / "b", poorer, withholding=AtHome(later[:3]))
    mirrors.take(c, poorer)
    longer = Memory()
    mirrors.give(c, tmp_path / "c", longer)
    fuller.files |= longer.files
    mirrors.give(log, tmp_path / "home", fuller)
    assert all(held(log, fuller)[id_] for id_ in later)


# Files that are not what they should be.


def test_a_key_that_does_not_open_its_body_is_not_taken_and_the_segment_written_again(
    log, ids, tmp_path, device
):
    place = without(log, tmp_path / "home", ids[:2])
    new = device("new", place)
    [segment] = segments(log, log.feed, 0, log.records.place.trail(log.feed).frontier.size)
    bad = {id_: page._replace(keys=b"\1" * len(page.keys)) for id_, page in segment.keys.items()}
    put(log, place, segment._replace(keys=bad))
    assert mirrors.take(new, place).filled == 0
    assert numbers(new) == [None, None, 2, 3, 4, 5]
    repaired(log, new, tmp_path, place)


def put(log, place, segment):
    """Put a segment into a mirror, whatever is in it."""
    keys = log.keys.owner.constants.mirrors
    sealed = seal_segment(segment, keys)
    place.files[name_of("segment", *fields_of(segment, keys, 1), content=sealed)] = sealed


def repaired(log, new, tmp_path, place):
    mirrors.give(new, tmp_path / "new", place)
    mirrors.give(log, tmp_path / "home", place)
    assert mirrors.take(new, place).withheld == 0
    assert numbers(new) == [0, 1, 2, 3, 4, 5]
    assert sound(new)
    assert sound_mirror(place)


def test_a_damaged_segment_that_might_hold_a_body_stops_nobody_and_is_written_again(
    log, ids, tmp_path, device
):
    place = without(log, tmp_path / "home", ids[:2])
    new = device("new", place)
    mirrors.give(log, tmp_path / "home", place)
    mirrors.give(new, tmp_path / "new", place)
    [file] = Mirror(place).listing().of(log.feed)
    place.files[file.name] = bytes(file.length)
    taken = mirrors.take(new, place)
    assert (taken.filled, taken.withheld) == (0, 2)
    repaired(log, new, tmp_path, place)


def test_a_feed_that_forked_is_refused_though_only_a_body_is_looked_for(log, tmp_path, device):
    copied(tmp_path / "home", tmp_path / "copy")
    with closing(home.open_(tmp_path / "copy", PASSPHRASE)) as forked:
        forked.append(drafts(10, 2))
        there = Memory()
        mirrors.give(forked, tmp_path / "copy", there)
    later = log.append(drafts(20, 2))
    new = device("new", without(log, tmp_path / "home", later[:1]))
    there.files = {n: c for n, c in there.files.items() if not n.startswith("head")}
    with pytest.raises(RolledBack, match="forked"):
        mirrors.take(new, there)


def test_numbers_that_no_log_counts_to_are_in_no_name(log, ids, tmp_path, device):
    place = without(log, tmp_path / "home", ids[:1])
    new = device("new", place)
    for feed in ("ab" * 8, log.feed.hex()):
        fields = (feed, 0, 2**63, 1, 0, 1, "0" * 32)
        place.files[name_of("segment", *fields, content=b"x")] = b"x"
    assert len(Mirror(place).listing().others) == 2
    assert mirrors.take(new, place).withheld == 1
    unknown = name_of("segment", "ab" * 8, 0, 2**63 - 1, 1, 0, 1, "0" * 32, content=b"x")
    place.files[unknown] = b"x"
    assert mirrors.take(new, place).withheld == 1


def test_the_generation_in_a_name_is_the_one_that_sealed_it(log, tmp_path):
    place = Memory()
    mirrors.give(log, tmp_path / "home", place)
    [file] = Mirror(place).listing().segments
    keys = (*log.keys.owner.constants.mirrors, b"n" * 32)
    assert planning.opened_file(Mirror(place), file, keys).size == file.size
    segment = planning.opened_file(Mirror(place), file, keys)
    name = name_of("segment", *fields_of(segment, keys, 2), content=place.files[file.name])
    place.files[name] = place.files[file.name]
    [lying] = [one for one in Mirror(place).listing().segments if one.generation == 2]
    with pytest.raises(TamperError, match="not what it says"):
        planning.opened_file(Mirror(place), lying, keys)
    place.files[name_of("segment", *fields_of(segment, keys, 1)[:5], 0, "0" * 32, content=b"")] = (
        b""
    )
    assert len(Mirror(place).listing().others) == 1


def test_a_segment_that_goes_on_with_nothing_in_it_is_no_reason_to_call_this_log_old(log, tmp_path):
    place = Memory()
    mirrors.give(log, tmp_path / "home", place)
    [segment] = segments(log, log.feed, 0, log.records.place.trail(log.feed).frontier.size)
    before = dict(place.files)
    put(log, place, segment._replace(size=99, records=[], keys={}))
    with pytest.raises(TamperError, match="less than it says"):
        mirrors.give(log, tmp_path / "home", place)
    place.files = before
    put(log, place, segment._replace(size=99))
    with pytest.raises(RolledBack, match="older copy"):
        mirrors.give(log, tmp_path / "home", place)


def test_a_segment_that_vanishes_before_it_is_compared_with_is_left_out(log, tmp_path):
    place = Vanishing()
    mirrors.give(log, tmp_path / "home", place)
    [segment] = segments(log, log.feed, 0, log.records.place.trail(log.feed).frontier.size)
    put(log, place, segment._replace(size=99))
    assert mirrors.give(log, tmp_path / "home", place).entries == 0


class Vanishing(Memory):
    """A place where segments are gone when they are read."""

    def read(self, name):
        if name.startswith("segment"):
            raise Vanished(name)
        return super().read(name)
