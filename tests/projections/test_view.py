"""What all views share: the order they follow, and which other views they need."""

from datetime import timedelta

import apsw
import pytest

from projections.errors import BehindLog
from projections.view import View
from vault import points
from vault.events import CorrectionMade, ItemCollected, ItemErased
from vault.follow import Entry, Page, Without


class Died(BaseException):
    """The process ended here."""


def dumps(views):
    return [view.dump() for view in views.all]


def test_a_view_that_followed_another_order_starts_over_and_says_the_same_as_a_new_one(world):
    world.allow("message")
    world.collect(world.item("good morning"), world.item("until eight", minute=5))
    before = dumps(world.follow())
    world.log.arrived([ItemCollected(item=world.item("I was first", minute=-600))], before=1)
    views = world.follow()
    assert next(stored.item.text for stored in views.timeline.everything()) == "I was first"
    assert {view.order for view in views.all} == {"first'"}
    assert dumps(views) == dumps(world.clean()) != before


def test_a_fingerprint_is_that_of_what_a_view_says_and_of_nothing_else(world):
    world.collect(world.item("good morning"), world.item("until eight", minute=5))
    before = {view.name: view.fingerprint() for view in world.follow().all}
    assert {view.name: view.fingerprint() for view in world.clean().all} == before
    world.collect(world.item("until nine", minute=6))
    after = {view.name: view.fingerprint() for view in world.follow().all}
    assert {name for name in before if before[name] != after[name]} >= {"people", "timeline"}
    assert after["lineage"] == before["lineage"] == bytes(64)


def test_the_same_order_again_starts_nothing_over(world):
    world.collect(world.item("good morning"))
    views = world.follow()
    reached = [view.position for view in views.all]
    for view in views.all:
        view.begin("first")
    assert [view.position for view in views.all] == reached
    assert views.timeline.count() == 1


def test_starting_over_is_one_transaction(world, monkeypatch):
    world.collect(world.item("good morning"))
    timeline = world.follow().timeline

    def die(name):
        if name == "view.timeline.begun":
            raise Died

    monkeypatch.setattr(points, "reached", die)
    with pytest.raises(Died):
        timeline.begin("another")
    monkeypatch.undo()
    assert (timeline.order, timeline.count()) == ("first", 1)
    timeline.begin("another")
    assert (timeline.order, timeline.position, timeline.count()) == ("another", 0, 0)


def test_a_page_in_an_order_that_the_view_no_longer_follows_is_left_alone(world):
    world.collect(world.item("good morning"))
    slow, other = world.follow().timeline, world.open().timeline
    other.begin("another")
    event = ItemCollected(item=world.item("in the old order"))
    entry = Entry(position=9, id="e9", topic="t", time=1, event=event)
    slow.apply(Page(entries=(entry,), position=10))
    assert (slow.position, slow.count()) == (0, 0)
    slow.begin("another")
    slow.apply(Page(entries=(entry,), position=10))
    assert (slow.position, slow.count()) == (10, 1)


def test_of_a_page_that_begins_before_a_view_it_takes_what_is_behind(world):
    world.collect(world.item("good morning"), world.item("until eight", minute=5))
    people = world.follow().people
    entries = [entry for page in world.log.pages() for entry in page.entries]
    third = Entry(position=9, id="e9", topic="t", time=1, event=entries[0].event)
    people.apply(Page(entries=(*entries, third), position=10))
    assert {person.items for person in people.persons()} == {3}


class Reader(View):
    """A view that reads another and keeps nothing."""

    name, version, tables = "reader", "1", ""

    def _take(self, page):
        del page
        self.seen()

    def _canonical(self):
        return iter(())


def test_while_a_view_writes_those_that_it_reads_stand_still(new_world, tmp_path):
    world = new_world(tmp_path)
    world.collect(world.item("good morning"))
    timeline, other = world.follow().timeline, world.open().timeline
    other._db.set_busy_timeout(0)
    reader = Reader(world.stores, reads=(timeline,))

    def seen():
        assert timeline.position == world.log.head.position
        with pytest.raises(apsw.BusyError):
            other.begin("another")

    reader.seen = seen
    reader.begin("first")
    reader.apply(Page(entries=(), position=3))
    assert reader.position == 3
    other.begin("another")
    assert timeline.order == "another"


def test_what_was_read_before_another_process_started_over_is_not_used_again(world):
    world.allow("message")
    world.collect(world.item("good morning"))
    views = world.follow()
    assert len(views.permissions.statements) == 1
    persons = views.people.persons()
    assert persons
    other = world.open()
    for view in (other.permissions, other.people):
        view.begin("another")
        view.apply(Page(entries=(), position=views.people.position))
    assert views.permissions.statements == ()
    assert views.people.persons() == ()


@pytest.mark.parametrize("name", ["people", "permissions", "timeline"])
def test_a_view_that_reads_one_in_another_order_waits_for_it(world, name):
    world.allow("message")
    world.collect(world.item("good morning"))
    views = world.follow()
    view = getattr(views, name)
    view.begin("another")
    view.apply(Page(entries=(), position=1000))
    for asking in (views.training, views.search):
        with pytest.raises(BehindLog, match=name):
            asking.settle(world.now)


def test_a_correction_that_another_device_made_of_an_erased_item_is_owed(world):
    one, _ = world.collect(world.item("good morning"), world.item("until eight"))
    world.erase(one)
    [late] = world.log.add(CorrectionMade(item_id=one, text="good evening"))
    timeline = world.follow().timeline
    assert timeline.owed() == (late,)
    assert timeline.count() == 1
    assert dumps(world.views) == dumps(world.clean())
    world.log.add(ItemErased(item_ids=(late,)))
    world.log.destroy([late])
    assert world.follow().timeline.owed() == ()
    assert dumps(world.views) == dumps(world.clean())


def test_a_correction_that_arrives_late_and_before_the_erasure_is_owed_too(world):
    [one] = world.collect(world.item("good morning"))
    world.collect(world.item("until eight"))
    world.erase(one)
    world.log.arrived([CorrectionMade(item_id=one, text="good evening")], before=1)
    timeline = world.follow().timeline
    assert len(timeline.owed()) == 1
    assert dumps(world.views) == dumps(world.clean())


def test_a_clean_run_keeps_what_arrived_later_from_a_device_that_had_not_heard_of_the_pause(world):
    world.allow("message")
    world.collect(world.item("good morning"))
    pause = world.pause(source="phone")
    late = [
        ItemCollected(item=world.item("hello giles", source="tablet", with_="name:Giles Howe")),
        ItemCollected(item=world.item("hi", with_=("name:Giles Howe", "mailto:g@x.example|Gilly"))),
    ]
    world.log.arrived(late, before=2)
    views = world.follow()
    gone = views.withdrawn_items(world.now)
    assert len(gone) == 1
    assert pause in views.permissions.pauses
    assert world.rows() == world.rows(world.clean(without=gone)) != []


def test_a_clean_run_misses_what_was_withdrawn_and_what_is_paused(world):
    world.allow("message", "document")
    one, other, note = world.collect(
        world.item("good morning"),
        world.item("until eight", conversation="Bob", with_="name:Bob Stone"),
        world.item("a note", "document.note"),
    )
    world.withdraw("message", conversation="Bob")
    pause = world.pause("document")
    views = world.follow()
    assert views.withdrawn_items(world.now) == {other, note}
    assert world.rows() == world.rows(world.clean(without=(other, note)))
    world.resume(pause)
    assert world.follow().withdrawn_items(world.now) == {other}
    assert one not in views.withdrawn_items(world.now)


def test_who_was_paused_as_one_and_split_since_is_called_the_same_without_her_items(world):
    world.allow("message")
    world.collect(
        world.item("hello", with_="mailto:priya@x.example|Priya Nair"),
        world.item("hello", with_="name:Priya Nair", minute=1),
        world.item("so it is", with_="name:Priya", conversation="A", minute=2),
    )
    world.pause(person="priya nair")
    world.split("Priya Nair", "Priya Nair")
    gone = world.follow().withdrawn_items(world.now)
    assert len(gone) == 2
    assert world.rows() == world.rows(world.clean(without=gone)) != []


@pytest.mark.parametrize("position", [0, 1, 2, 3, 4, 5])
def test_any_past_position_can_be_read_within_a_page_too(world, position):
    world.allow("message")
    world.collect(*(world.item(f"hello number {n}", minute=n) for n in range(3)))
    past = Without(world.log, until=position)
    views = world.open(type(world.stores)())
    views.catch_up(past)
    views.catch_up(past)
    assert views.timeline.position <= position
    assert views.timeline.count() == max(0, min(3, position - 2))
    assert len(views.permissions.statements) == min(1, position)


def test_a_past_time_ends_before_the_first_entry_that_is_later(world):
    world.collect(*(world.item(f"hello number {n}", minute=n) for n in range(3)))
    views = world.open(type(world.stores)())
    until = world.log.head.position
    views.catch_up(Without(world.log, until=until, at=world.start + timedelta(seconds=2)))
    assert views.timeline.count() == 2
