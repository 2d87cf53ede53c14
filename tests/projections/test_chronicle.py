"""Items by time, the newest first, and how many of each month there are, whatever happens to them."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.chronicle import NEWEST, UNDATED, Counted, Mark
from projections.circles import micros
from tests.projections.test_circles import collect, filters, filters_of, items
from vault.consent import Filters
from vault.events import CorrectionMade, ItemRevised, LabelCorrected

asked = st.sampled_from(["", "message", "message.chat", "document", "work", "mess"])


def ids(found):
    return [id_ for _, id_ in found]


def by_time(views, chosen):
    """The ids of items, the newest first, and of those of one time the last that was collected."""
    rows = views.timeline._rows("SELECT id FROM items ORDER BY dated DESC, no DESC")
    return [id_ for (id_,) in rows if id_ in chosen]


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    drawn=st.lists(items, min_size=1, max_size=8),
    type_=asked,
    drawn_filters=filters,
    limit=st.integers(1, 4),
)
def test_pages_of_what_a_filter_is_about_make_up_all_of_it(
    new_world, *, drawn, type_, drawn_filters, limit
):
    world = new_world()
    collect(world, drawn)
    views, wanted = world.follow(), filters_of(world, drawn_filters)
    chosen = set(
        views.timeline.select(
            type_=type_,
            source=wanted.source,
            conversation=wanted.conversation,
            person=wanted.person,
        )
    )
    chosen -= {
        one.id
        for one in views.timeline.everything()
        if (wanted.since and one.item.at < wanted.since)
        or (wanted.until and one.item.at >= wanted.until)
    }
    before, told = NEWEST, []
    while found := views.timeline.chronicle.latest(type_, wanted, before, limit):
        assert len(found) <= limit
        told += ids(found)
        before = found[-1][0]
    assert told == by_time(views, chosen)


def test_many_circles_are_read_only_as_far_as_they_reach(world, monkeypatch):
    collected = world.collect(
        *(world.item("ok", conversation=f"C{n}", minute=n) for n in range(20))
    )
    latest = world.follow().timeline.chronicle
    asked, within = [], latest._within
    monkeypatch.setattr(
        latest, "_within", lambda where, *a: asked.append(where) or within(where, *a)
    )
    source = Filters(source="phone")
    assert ids(latest.latest("", source, NEWEST, 3)) == collected[:-4:-1]
    assert len(asked) <= 4


def test_what_is_remembered_of_circles_ends_with_the_state_of_the_view(world):
    source = Filters(source="phone")
    world.collect(*(world.item("ok", conversation=f"C{n}", minute=n) for n in range(5)))
    assert len(world.follow().timeline.chronicle.latest("", source, NEWEST, 2)) == 2
    newest = world.collect(
        world.item("known", conversation="C0", minute=30),
        world.item("new", conversation="C9", minute=31),
    )
    found = world.follow().timeline.chronicle.latest("", source, NEWEST, 2)
    assert ids(found) == newest[::-1]


def test_kinds_and_circles_are_told_by_time_and_not_as_they_came(world):
    minutes = [5, 1, 4, 0, 3, 2]
    kinds = ["message.chat.direct.sent", "message.email.sent"]
    collected = world.collect(
        *(
            world.item("ok", kinds[n % 2], conversation=f"C{n % 3}", minute=minute)
            for n, minute in enumerate(minutes)
        )
    )
    latest = world.follow().timeline.chronicle.latest
    by_minute = [id_ for _, id_ in sorted(zip(minutes, collected, strict=True), reverse=True)]
    for type_, filters_ in (("message", Filters()), ("", Filters(source="phone"))):
        assert ids(latest(type_, filters_, NEWEST, 2)) == by_minute[:2]
        assert ids(latest(type_, filters_, NEWEST, 9)) == by_minute


def test_an_item_without_a_date_stands_where_it_was_collected(world):
    old, undated = world.collect(world.item("ok"), world.item("when", at=None, minute=1))
    found = world.follow().timeline.chronicle.latest("", Filters(), NEWEST, 9)
    assert ids(found) == [undated, old]
    assert found[0][0].dated == micros(world.start + timedelta(seconds=2))


def test_a_place_between_two_of_the_same_moment_loses_neither(world):
    collected = world.collect(*(world.item(f"{n}", minute=0, native_id=f"{n}") for n in range(5)))
    latest = world.follow().timeline.chronicle.latest
    first = latest("", Filters(), NEWEST, 2)
    second = latest("", Filters(), first[-1][0], 9)
    assert ids(first) + ids(second) == collected[::-1]
    assert first[-1][0].dated == second[0][0].dated
    assert latest("", Filters(), Mark(first[0][0].dated, -1), 9) == []


def months(world):
    return {(one.month, one.type, one.source): one.items for one in counted(world)}


def counted(world):
    """What is counted, which is also what the items that are left say, counted anew."""
    timeline = world.follow().timeline
    found = set(timeline.chronicle.counted())
    assert found == tally(timeline, 0)
    assert timeline.count() == sum(one.items for one in found)
    for hours in (-12, 0, 14):
        assert set(timeline.chronicle.counted(begins_at(hours))) == tally(timeline, hours)
    return found


def begins_at(hours):
    """When a day begins so many hours east of Greenwich."""
    return lambda on: datetime(on.year, on.month, on.day, tzinfo=timezone(timedelta(hours=hours)))


def tally(timeline, hours):
    """How many items there are of each month by a clock so many hours east, counted one by one."""
    zone, found = timezone(timedelta(hours=hours)), Counter()
    for stored in timeline.everything():
        at = stored.item.at and stored.item.at.astimezone(zone)
        month = at.year * 100 + at.month if at else UNDATED
        found[month, stored.item.type, stored.item.source] += 1
    return {Counted(*key, n) for key, n in found.items()}


def test_months_count_what_is_there_after_all_that_may_happen_to_an_item(world):
    may = datetime(2021, 5, 31, 23, 59, 59, tzinfo=UTC)
    one, two, three = world.collect(
        world.item("ok", at=may),
        world.item("mail", "message.email.sent", at=may + timedelta(seconds=1)),
        world.item("note", "document.note", at=None, source="notes"),
    )
    chat, mail, note = "message.chat.direct.sent", "message.email.sent", "document.note"
    source = world.item("x").source
    expected = {
        (202105, chat, source): 1,
        (202106, mail, source): 1,
        (UNDATED, note, "notes"): 1,
    }
    assert months(world) == expected
    moved = world.item("note", "document.note", at=datetime(1969, 12, 31, tzinfo=UTC))
    world.log.add(ItemRevised(item_id=three, item=moved))
    world.log.add(LabelCorrected(item_id=two, label="health", holds=True))
    world.log.add(CorrectionMade(item_id=one, text="better"))
    del expected[UNDATED, note, "notes"]
    expected[196912, note, source] = 1
    assert months(world) == expected
    world.erase(one)
    del expected[202105, chat, source]
    assert months(world) == expected
    world.erase(two, three)
    assert months(world) == {}
    assert world.views.timeline._rows("SELECT * FROM months") == []
