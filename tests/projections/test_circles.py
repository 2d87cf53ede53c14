"""What many items share is found, and gone when the last of them goes."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.permissions import Standstill, covering
from vault.consent import Effect, Filters, Purpose, Statement, normal
from vault.events import ItemRevised, LabelCorrected

PEOPLE = ["name:Priya Nair", "mailto:p@x.example|Priya Nair", "name:Bob Stone", "name:Ada"]
TYPES = ["message.chat.direct.sent", "message.email.received", "document.note"]
LABELS = [(), ("health",), ("work.plan",)]
items = st.tuples(
    st.sampled_from(TYPES),
    st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from(["A", "B"]),
    st.sampled_from(["phone", "laptop"]),
    st.sampled_from(LABELS),
    st.integers(0, 9),
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "source": st.sampled_from(["phone", "laptop", "none"]),
        "conversation": st.sampled_from(["A", "B"]),
        "person": st.sampled_from(["priya nair", "p@x.example", "bob stone", "nobody"]),
        "since": st.integers(0, 9),
        "until": st.integers(0, 9),
    },
)
asked = st.sampled_from(["", "message", "message.chat", "document", "work", "health", "mess"])


def collect(world, drawn):
    """Collect what was drawn; words that no label is thought of."""
    return world.collect(
        *(
            world.item(
                "ok",
                kind,
                with_=who,
                conversation=conv,
                minute=minute,
                source=source,
                labels=labels,
            )
            for kind, who, conv, source, labels, minute in drawn
        )
    )


def filters_of(world, drawn):
    times = {k: world.noon + timedelta(minutes=v) for k, v in drawn.items() if isinstance(v, int)}
    return Filters(**(drawn | times))


def is_about(views, item, type_, filters):
    """Whether a filter is about an item, by looking at the item."""
    return (
        (
            not type_
            or any(n == type_ or n.startswith(f"{type_}.") for n in (item.type, *item.labels))
        )
        and filters.source in {"", item.source}
        and filters.conversation in {"", item.conversation}
        and (not filters.person or normal(filters.person) in views.people.subject(item).people)
        and (filters.since is None or filters.since <= item.at)
        and (filters.until is None or item.at < filters.until)
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(items, min_size=1, max_size=8), type_=asked, drawn_filters=filters)
def test_what_a_statement_is_about_is_what_its_items_say(new_world, drawn, type_, drawn_filters):
    world = new_world()
    collect(world, drawn)
    views, wanted = world.follow(), filters_of(world, drawn_filters)
    said = Statement(id="s", effect=Effect.DENY, type=type_, purpose=Purpose.TRAIN, filters=wanted)
    about = {s.id for s in views.timeline.everything() if is_about(views, s.item, type_, wanted)}
    assert {stored.id for stored in views.timeline.covered(said)} == about
    assert set(views.timeline.covered_ids(said)) == about
    units = dict(views.timeline.units())
    assert {units[one] for one in about} <= views.timeline.units_covered(said)


def test_who_is_only_mentioned_is_covered_by_a_pause_alone(world):
    (told,) = world.collect(world.item("Bob Stone is ill", with_="name:Ada"))
    world.collect(world.item("ok", with_="name:Bob Stone", conversation="Bob"))
    pause = world.pause(person="Bob Stone")
    timeline = world.follow().timeline
    still = covering(pause, Purpose.TRAIN)
    assert isinstance(still, Standstill)
    assert told in set(timeline.covered_ids(still))
    plain = world.statement("deny", "message", person="bob stone")
    assert told not in set(timeline.covered_ids(plain))


def test_nothing_is_left_of_who_took_part_in_an_item_that_was_erased(world):
    note = {"kind": "document.note", "source": "notes"}
    one, other = world.collect(
        world.item("ok", with_=("name:Priya Nair", "name:Bob Stone")), world.item("a", **note)
    )
    world.erase(one)
    left = {
        row[0]: row[1:] for row in world.follow().timeline.dump() if row[0] in {"agent", "circle"}
    }
    assert left["agent"] == ("name:Asha Rao", "Asha Rao")
    assert left["circle"][0] == "notes"
    world.erase(other)
    assert {row[0] for row in world.follow().timeline.dump()} == set()


@pytest.mark.parametrize("change", ["revised", "relabelled"])
def test_nothing_is_left_of_what_an_item_was_before(world, change):
    (one,) = world.collect(world.item("ok", with_="name:Priya Nair", conversation="Secret"))
    world.follow()
    if change == "revised":
        world.log.add(ItemRevised(item_id=one, item=world.item("ok", with_="name:Bob Stone")))
        gone = "Secret"
    else:
        world.log.add(LabelCorrected(item_id=one, label="health", holds=True))
        world.log.add(LabelCorrected(item_id=one, label="health", holds=False))
        gone = "health"
    timeline = world.follow().timeline
    assert timeline.dump() == world.clean().timeline.dump()
    shared = [timeline._rows(f"SELECT * FROM {t}") for t in ("types", "circles", "agents")]
    assert gone not in repr(shared)
    assert [len(rows) for rows in shared[:2]] == [1, 1]
