"""Conversations and counts of kinds are those that the items have, page after page."""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.projections.test_circles import asked, collect, filters, filters_of, is_about, items
from vault.consent import SENSITIVE, Filters

quick = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quick
@given(drawn=st.lists(items, min_size=1, max_size=12), limit=st.integers(1, 3))
def test_pages_of_conversations_are_all_of_them_the_largest_first(new_world, drawn, limit):
    world = new_world()
    collect(world, drawn)
    timeline = world.follow().timeline
    wanted = Counter(
        (s.item.source, s.item.conversation) for s in timeline.everything() if s.item.conversation
    )
    found, after = [], None
    while page := timeline.circles.rooms(after, limit):
        found += page
        after = page[-1].items, page[-1].no
    assert {(one.source, one.name): one.items for one in found} == wanted
    assert [one.items for one in found] == sorted(wanted.values(), reverse=True)
    for one in found:
        assert timeline.circles.room(one.no) == one
        item = timeline.show(one.item).item
        assert (item.source, item.conversation) == (one.source, one.name)
    others = {no for (no,) in timeline._rows("SELECT no FROM circles")} - {one.no for one in found}
    assert not any(timeline.circles.room(no) for no in (*others, 10_000))


@quick
@given(
    drawn=st.lists(items, min_size=1, max_size=12),
    type_=asked,
    drawn_filters=filters,
    most=st.integers(1, 20),
)
def test_a_sample_is_of_what_a_filter_is_about_and_whole_where_it_is_small(
    new_world, drawn, type_, drawn_filters, most
):
    world = new_world()
    collect(world, drawn)
    views, wanted = world.follow(), filters_of(world, drawn_filters)
    told = "" if type_ in SENSITIVE else type_
    about = {s.id for s in views.timeline.everything() if is_about(views, s.item, told, wanted)}
    count, ids = views.timeline.circles.sample(type_, wanted, most)
    assert count == len(about)
    assert set(ids) <= about
    assert len(ids) == len(set(ids))
    if len(about) <= most:
        assert set(ids) == about
    else:
        assert len(ids) <= most
        assert ids or most < 2
    kinds = Counter(
        s.item.type for s in views.timeline.everything() if is_about(views, s.item, "", wanted)
    )
    assert views.timeline.circles.kinds(wanted) == kinds
    assert views.timeline.circles.kinds(Filters(source="none")) == {}
