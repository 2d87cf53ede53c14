"""A view is a function of the log: rebuilt, interrupted or followed step by step, it is the same."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.permissions import covering
from tests.projections.world import Died
from vault import points
from vault.consent import Purpose
from vault.errors import VaultError
from vault.events import CorrectionMade, ItemCollected, ItemRevised, OwnerNamed

PEOPLE = [
    "name:Priya Nair",
    "mailto:priya@x.example|Priya Nair",
    "mailto:pn@y.example|Priya Nair",
    "mailto:pn@y.example|P",
    "name:Priya",
    "name:Bob Stone",
    "tel:+447911123456|Bob Stone",
    "mailto:priya@x.example|Nair, Priya",
    "tel:07911 123456|Bob Stone (Acme)",
    ("mailto:tom@x.example|Tom Baker", "mailto:tb@y.example|Tom Baker"),
    ("mailto:priya@x.example|Priya Nair", "mailto:pn@y.example|Priya Nair"),
    "mailto:tom@x.example|Tom Baker",
    "mailto:tb@y.example|Tom Baker",
    "name:Tom Baker",
]
WORDS = [
    "hello priya",
    "bob said pn@y.example",
    "see you",
    "call 07911 123456",
    "ok",
    "Priya Nair!",
    "tom baker is ill",
]
TYPES = [
    "message.chat.direct.sent",
    "message.chat.direct.received",
    "message.email.sent",
    "message.email.received",
    "document.note",
    "contact",
]
NAMES = ["Priya Nair", "priya@x.example", "pn@y.example", "Bob Stone", "Tom Baker", "tb@y.example"]
FILTERS = [
    {},
    {},
    {"conversation": "A"},
    {"person": "priya nair"},
    {"person": "pn@y.example"},
    {"person": "tom@x.example"},
    {"source": "phone"},
]
PAUSES = [
    {},
    {"type_": "message.chat"},
    {"type_": "document", "source": "phone"},
    {"person": "priya nair"},
    {"person": "tb@y.example"},
    {"source": "phone", "person": "pn@y.example"},
]

_RELAXED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

items = st.tuples(
    st.sampled_from(WORDS),
    st.sampled_from(TYPES),
    st.sampled_from(PEOPLE),
    st.sampled_from("AB"),
    st.integers(0, 2000),
)
spoken = st.tuples(
    st.sampled_from(["message", "message.chat", *TYPES]),
    st.sampled_from(["train", "search"]),
    st.sampled_from(FILTERS),
    st.sampled_from([None, 2, 20, 40]),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("collect"), st.lists(items, min_size=1, max_size=5)),
        st.tuples(st.just("allow"), spoken),
        st.tuples(st.just("deny"), spoken),
        st.tuples(st.just("withdraw"), spoken),
        st.tuples(st.just("revise"), st.integers(0, 30), items),
        st.tuples(st.just("correct"), st.integers(0, 30), st.sampled_from(WORDS)),
        st.tuples(st.just("erase"), st.integers(0, 30)),
        st.tuples(st.just("pause"), st.sampled_from(PAUSES)),
        st.tuples(st.just("resume"), st.integers(0, 30)),
        st.tuples(st.just("arrive"), st.lists(items, min_size=1, max_size=3), st.integers(0, 30)),
        st.tuples(st.just("owner"), st.sampled_from(["asha rao", "bob stone"])),
        st.tuples(st.just("merge"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
        st.tuples(st.just("split"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
        st.tuples(st.just("relate"), st.sampled_from(NAMES), st.sampled_from(["mother", ""])),
        st.tuples(st.just("settle"), st.integers(0, 30)),
        st.tuples(st.just("crash"), st.integers(0, 12)),
    ),
    max_size=14,
)


def play(world, history):  # noqa: C901, PLR0912 - one case a kind of step
    """Let a history happen, following the log now and then and dying at times."""
    known = []
    world.allow("message", "document", *TYPES)
    for kind, *rest in history:
        match kind:
            case "collect":
                known += world.collect(*(item(world, one) for one in rest[0]))
            case "allow" | "deny":
                type_, purpose, filters, days = rest[0]
                expires = None if days is None else world.start + timedelta(days=days)
                getattr(world, kind)(type_, purpose=purpose, expires=expires, **filters)
            case "withdraw":
                type_, purpose, filters, _ = rest[0]
                world.withdraw(type_, purpose, **filters)
            case "revise" if known:
                # What a re-read item revises is the newest entry under its key.
                of = known[rest[0] % len(known)]
                known[known.index(of)] = world.log.add(
                    ItemRevised(item_id=of, item=item(world, rest[1]))
                )[0]
            case "correct" if known:
                world.log.add(CorrectionMade(item_id=known[rest[0] % len(known)], text=rest[1]))
            case "erase" if known:
                world.views.catch_up(world.log)
                root = world.views.timeline.root(known.pop(rest[0] % len(known)))
                world.erase(root)
            case "pause":
                world.pause(**rest[0])
            case "resume":
                world.views.catch_up(world.log)
                for pause in world.views.permissions.pauses[rest[0] % 3 :][:1]:
                    world.resume(pause)
            case "arrive":
                late = [ItemCollected(item=item(world, one)) for one in rest[0]]
                world.log.arrived(late, before=rest[1] % len(world.log.pages()))
            case "owner":
                world.log.add(OwnerNamed(names=(rest[0],)))
            case "merge" | "split" | "relate" if all(found(world, name) for name in named(rest)):
                with suppress(VaultError):  # nothing would be left of her, or she is another
                    getattr(world, kind)(*rest)
            case "settle":
                world.views.catch_up(world.log)
                world.views.settle(world.start + timedelta(days=rest[0]))
            case "crash":
                world.die_at(rest[0], world.follow)


def named(rest):
    return [word for word in rest if word in NAMES]


def found(world, name):
    world.views.catch_up(world.log)
    return world.views.people.called(name)


def item(world, one):
    text, kind, who, conversation, minute = one
    return world.item(text, kind, with_=who, conversation=conversation, minute=minute)


@settings(max_examples=120, deadline=None, suppress_health_check=_RELAXED)
@given(history=steps)
def test_followed_through_any_history_and_any_crash_views_equal_views_made_from_zero(
    new_world, history
):
    world = new_world()
    play(world, history)
    followed, made = world.follow(), world.clean()
    for one, other in zip(followed.all, made.all, strict=True):
        assert one.dump() == other.dump(), one.name
    assert world.rows() == world.rows(made)


@settings(max_examples=120, deadline=None, suppress_health_check=_RELAXED)
@given(history=steps, last=spoken)
def test_after_a_withdrawal_rows_are_those_of_a_log_that_never_held_the_items(
    new_world, history, last
):
    world = new_world()
    play(world, [step for step in history if step[0] != "withdraw"])
    gone = world.withdraw(last[0], "train", **last[2])
    world.follow()
    assert world.rows() == world.rows(world.clean(without=gone))


@settings(max_examples=60, deadline=None, suppress_health_check=_RELAXED)
@given(history=steps)
def test_what_a_clean_run_leaves_out_is_what_prohibitions_took_with_their_people(
    new_world, history
):
    world = new_world()
    play(world, history)
    views = world.follow()
    assert world.rows() == world.rows(world.clean(without=views.withdrawn_items(world.now)))


@settings(max_examples=60, deadline=None, suppress_health_check=_RELAXED)
@given(history=steps)
def test_no_row_holds_an_item_that_consent_does_not_cover(new_world, history):
    world = new_world()
    play(world, history)
    views = world.follow()
    for row in world.rows():
        for event in row.events:
            assert views.permissions.decide(event, Purpose.TRAIN, world.now).permitted


@settings(max_examples=60, deadline=None, suppress_health_check=_RELAXED)
@given(history=steps, words=st.sampled_from(PAUSES))
def test_a_pause_that_was_ended_leaves_everything_as_it_was(new_world, history, words):
    world = new_world()
    play(world, history)
    views = world.follow()
    rows, found = world.rows(), views.search.dump()
    ids = views.timeline.select()
    decisions = [decided(views, world, one) for one in ids]
    pause = world.pause(**words)
    world.follow()
    world.resume(pause)
    views = world.follow()
    assert [decided(views, world, one) for one in ids] == decisions
    assert views.search.dump() == found
    assert world.rows() == rows


def decided(views, world, item_id):
    return [views.permissions.decide(item_id, purpose, world.now) for purpose in Purpose]


@settings(max_examples=60, deadline=None, suppress_health_check=_RELAXED)
@given(history=steps, words=st.sampled_from(PAUSES))
def test_what_is_paused_is_used_for_nothing_and_collecting_goes_on(new_world, history, words):
    world = new_world()
    play(world, history)
    views = world.follow()
    before = {one: decided(views, world, one)[0] for one in views.timeline.select()}
    pause = world.pause(**words)
    views = world.follow()
    covered = {stored.id for stored in views.timeline.covered(covering(pause, Purpose.TRAIN))}
    for one in covered:
        collect, *others = decided(views, world, one)
        assert collect == before[one]
        assert not any(decision.permitted for decision in others)
    assert views.search.holding(covered) == 0
    assert views.training.holding(covered) == 0
    assert not covered & {event for row in world.rows() for event in row.events}


@settings(max_examples=60, deadline=None, suppress_health_check=_RELAXED)
@given(history=steps)
def test_what_is_said_to_be_forbidden_whole_is_forbidden_item_by_item(new_world, history):
    world = new_world()
    play(world, history)
    views = world.follow()
    for purpose in (Purpose.TRAIN, Purpose.SEARCH):
        judge = views.permissions.judge(purpose, world.now)
        pauses = (covering(pause, purpose) for pause in views.permissions.pauses)
        for said in (*views.permissions.statements, *pauses):
            if judge.forbids(said):
                covered = list(views.timeline.covered(said))
                assert not any(judge(views.people.subject(one.item)).permitted for one in covered)


def test_a_page_and_its_position_are_committed_together(world, monkeypatch):
    world.collect(world.item("hello"))

    def die(name):
        if name == "view.timeline.page":
            raise Died

    monkeypatch.setattr(points, "reached", die)
    with pytest.raises(Died):
        world.views.catch_up(world.log)
    monkeypatch.undo()
    again = world.open()
    assert (again.timeline.position, again.timeline.count()) == (0, 0)
    again.catch_up(world.log)
    assert (again.timeline.position, again.timeline.count()) == (world.log.head.position, 1)


def test_a_view_of_another_version_begins_at_zero(world):
    world.collect(world.item("hello"))
    world.follow()
    world.views.timeline._db.execute("UPDATE meta SET value = 'older' WHERE key = 'version'")
    again = world.open()
    assert (again.timeline.position, again.timeline.count()) == (0, 0)
