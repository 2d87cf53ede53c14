"""Who is who: merged by what records state, and by what withdrawals left behind."""

from vault.aliases import Aliases, Part
from vault.events import OwnerNamed

ALIASES = Aliases(b"a" * 32)


def person(views, name):
    return next(p for p in views.people.persons() if name in (*p.names, *p.addresses))


def test_one_person_across_sources_by_exact_address_or_full_name(world):
    world.collect(
        world.item("a", "message.email.sent", with_="mailto:priya@x.example|Priya Nair"),
        world.item("b", with_="name:Priya Nair", minute=1),
        world.item("c", "message.email.sent", with_="mailto:pn@y.example|PRIYA NAIR", minute=2),
        world.item("d", "message.email.sent", with_="mailto:other@y.example|Priya", minute=3),
    )
    world.collect(world.item("e", "message.email.sent", with_="mailto:third@y.example|Priya"))
    views = world.follow()
    assert "third@y.example" not in views.people.known_as["other@y.example"]
    assert person(views, "name:Priya Nair").addresses == (
        "mailto:pn@y.example",
        "mailto:priya@x.example",
    )
    assert person(views, "name:Priya Nair").items == 3
    assert views.people.known_as["pn@y.example"] >= {"priya nair", "priya@x.example"}
    assert "other@y.example" not in views.people.known_as["pn@y.example"]


def test_the_owner_is_whoever_she_said_she_is_and_is_masked_like_anybody(world):
    world.collect(world.item("hello"))
    world.log.add(OwnerNamed(names=("asha rao", "asha@home.example")))
    views = world.follow()
    assert views.people.owner == {"asha rao", "asha@home.example"}
    assert person(views, "name:Asha Rao").owner
    assert views.people.table().get("asha").part is Part.FIRST


def test_a_token_stays_when_more_becomes_known_of_a_person(world):
    world.collect(world.item("a"))
    before = person(world.follow(), "name:Priya Nair").token
    world.collect(world.item("b", "message.email.sent", with_="mailto:aa@x.example|Priya Nair"))
    assert person(world.follow(), "name:Priya Nair").token == before


def test_what_an_erasure_carries_keeps_the_person_masked_without_any_name(world):
    ids = world.collect(world.item("hello priya"))
    masked = world.follow().people.masked_for(ids)
    assert {one.digest for one in masked} >= {ALIASES.digest("Priya Nair"), ALIASES.digest("priya")}
    assert {Part.IDENTITY, Part.START, Part.FIRST, Part.WHOLE} <= {one.part for one in masked}
    world.erase(*ids)
    views = world.follow()
    assert views.people.persons() == ()
    assert views.people.table().get("priya nair").part is Part.WHOLE
    dump = repr(views.people.dump()).lower()
    assert "priya" not in dump
    assert "nair" not in dump


def test_rows_are_the_same_whether_an_alias_came_from_an_item_or_from_an_event(world, new_world):
    notes = ("told priya and p. nair", "Nair, Priya; priya@x.example", "priyanair rang")
    other = new_world()
    for one in (world, other):
        one.allow("document")
        ids = one.collect(one.item("gone", with_="mailto:priya@x.example|Priya Nair"))
        one.collect(*(one.item(text, "document.note", minute=n) for n, text in enumerate(notes)))
        if one is world:
            one.erase(*ids)
    assert world.follow().timeline.count() == 3
    assert world.rows() == other.rows()
    assert all("priya" not in row.messages[-1].content.lower() for row in world.rows())


def test_a_prohibition_by_name_still_holds_where_only_an_erased_item_gave_the_name(world):
    world.allow("message")
    named, plain = world.collect(
        world.item("a", with_="mailto:pn@y.example|Priya Nair"),
        world.item("b", with_="mailto:pn@y.example", minute=1),
    )
    world.deny("message", person="priya nair")
    assert world.rows() == []
    world.erase(named)
    assert world.follow().timeline.count() == 1
    assert world.rows() == []
    assert plain in world.views.timeline.select(person="pn@y.example")
