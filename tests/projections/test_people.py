"""Who is who: merged by what records state, and by what withdrawals left behind."""

import pytest

from vault.aliases import Aliases, Part
from vault.consent import SENSITIVE, Purpose
from vault.errors import NotFound, UsageError
from vault.events import ItemErased, OwnerNamed

ALIASES = Aliases(b"a" * 32)
# Whatever the words are taken to be about: who is who is looked at here.
DOCUMENTS = ("document", *SENSITIVE)
MESSAGES = ("message", *SENSITIVE)
EVERYTHING = ("message", "document", *SENSITIVE)


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
        one.allow(*DOCUMENTS)
        ids = one.collect(one.item("gone", with_="mailto:priya@x.example|Priya Nair"))
        one.collect(*(one.item(text, "document.note", minute=n) for n, text in enumerate(notes)))
        if one is world:
            one.erase(*ids)
    assert world.follow().timeline.count() == 3
    assert world.rows() == other.rows()
    assert all("priya" not in row.messages[-1].content.lower() for row in world.rows())


def test_a_prohibition_by_name_still_holds_where_only_an_erased_item_gave_the_name(world):
    world.allow(*MESSAGES)
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


def addresses(views, name):
    """The addresses of everybody who may be called so."""
    return {frozenset(one.addresses) for one in views.people.called(name)}


TOMS = ("mailto:tom@x.example|Tom Baker", "mailto:tb@y.example|Tom Baker")


def test_spellings_across_sources_are_one_person(world):
    world.collect(
        world.item("a", "message.email.sent", with_="mailto:priya@x.example|Nair, Priya"),
        world.item("b", "message.email.sent", with_="mailto:PRIYA@X.example|", minute=1),
        world.item("c", with_="tel:+447911123456|Priya Nair (Acme)", minute=2),
        world.item("d", with_="tel:07911 123456|", minute=3),
    )
    [priya] = world.follow().people.persons()[1:]
    assert priya.items == 4


def test_what_a_contact_states_is_one_persons_and_not_its_keepers(world):
    world.collect(
        world.item("a", "message.email.sent", with_="mailto:ruth@x.example"),
        world.item("b", with_="tel:+447911123456|Mum", minute=1),
        world.item(
            "",
            "contact",
            with_=("name:Ruth Nair", "mailto:ruth@x.example", "tel:07911123456", "|Mum"),
            minute=2,
        ),
    )
    views = world.follow()
    [ruth] = views.people.called("Ruth Nair")
    assert set(ruth.addresses) >= {"mailto:ruth@x.example", "tel:+447911123456"}
    assert "Mum" in ruth.names
    assert not {"Asha Rao", "name:Asha Rao"} & set(ruth.names)


def test_two_people_in_one_item_with_one_full_name_are_not_merged(world):
    world.collect(
        world.item("a", "message.email.sent", with_=TOMS[0]),
        world.item("b", "message.email.sent", with_=TOMS[1], minute=1),
    )
    assert len(addresses(world.follow(), "Tom Baker")) == 1
    world.collect(world.item("c", "message.email.sent", with_=TOMS, minute=2))
    world.collect(world.item("d", with_="name:Tom Baker", minute=3))
    views = world.follow()
    assert addresses(views, "Tom Baker") == {
        frozenset({"mailto:tom@x.example"}),
        frozenset({"mailto:tb@y.example"}),
        frozenset(),
    }
    assert "tb@y.example" not in views.people.known_as["tom@x.example"]
    tokens = {one.token for one in views.people.persons()}
    assert views.people.table().get("tom baker").person in tokens


def test_two_people_with_one_name_stay_one_where_a_prohibition_took_them_for_one(world):
    """Else what was forbidden would be used again because of a list of names."""
    world.allow(*MESSAGES)
    world.collect(
        world.item("a", "message.email.sent", with_=TOMS[0]),
        world.item("b", "message.email.sent", with_=TOMS[1], minute=1),
        world.item("c", "message.email.sent", with_="mailto:tb@y.example", minute=2),
    )
    world.deny("message", person="tom baker")
    world.collect(world.item("d", "message.email.sent", with_=TOMS, minute=3))
    assert addresses(world.follow(), "Tom Baker") == {
        frozenset({"mailto:tom@x.example", "mailto:tb@y.example"})
    }
    assert world.rows() == []


def test_the_owner_may_write_to_herself(world):
    world.log.add(OwnerNamed(names=("asha rao",)))
    world.collect(
        world.item(
            "a",
            "message.email.sent",
            with_=("mailto:asha@work.example|Asha Rao", "mailto:asha@home.example|Asha Rao"),
        )
    )
    [asha] = world.follow().people.persons()
    assert asha.owner


def test_merging_and_splitting_by_hand_and_the_later_one_wins(world):
    world.collect(
        world.item("a", "message.email.sent", with_="mailto:priya@x.example|Priya Nair"),
        world.item("b", "message.email.sent", with_="mailto:pn@y.example|P", minute=1),
    )
    apart = {frozenset({"mailto:priya@x.example"})}
    one = {frozenset({"mailto:priya@x.example", "mailto:pn@y.example"})}
    assert addresses(world.follow(), "Priya Nair") == apart
    for _ in range(2):
        world.merge("Priya Nair", "pn@y.example")
        assert addresses(world.follow(), "Priya Nair") == one
        world.split("Priya Nair", "pn@y.example")
        assert addresses(world.follow(), "Priya Nair") == apart
    assert "pn@y.example" not in world.views.people.known_as["priya nair"]


def test_a_split_undoes_what_items_say_and_stays_when_they_say_it_again(world):
    items = [
        world.item("a", "message.email.sent", with_="mailto:priya@x.example|Priya Nair"),
        world.item("b", "message.email.sent", with_="mailto:pn@y.example|Priya Nair", minute=1),
    ]
    world.collect(*items)
    world.split("Priya Nair", "pn@y.example")
    world.collect(
        world.item("c", "message.email.sent", with_="mailto:pn@y.example|Nair, Priya", minute=2),
        world.item("d", with_=("tel:0791112345678|Priya Nair", "name:Bex Stone"), minute=3),
    )
    views = world.follow()
    assert "pn@y.example" not in views.people.known_as["priya nair"]
    assert "0791112345678" in views.people.known_as["priya nair"]
    # Both are called so, and the name in a text means her who kept it.
    assert len(views.people.called("Priya Nair")) == 2
    kept = person(views, "mailto:priya@x.example")
    assert views.people.table().get("priya nair").person == kept.token


def test_a_name_goes_along_with_the_addresses_that_it_stood_beside(world):
    world.collect(
        world.item("a", "message.email.sent", with_="mailto:priya@x.example|Priya Nair"),
        world.item("b", "message.email.sent", with_="mailto:pn@y.example|Priya Nair", minute=1),
        world.item("c", "message.email.sent", with_="mailto:pn@y.example|Pia Neve", minute=2),
    )
    world.split("priya@x.example", "pn@y.example")
    known_as = world.follow().people.known_as
    assert known_as["pn@y.example"] == {"pn@y.example", "pia neve"}
    with pytest.raises(UsageError):
        world.split("priya@x.example", "priya@x.example", "Priya Nair")
    with pytest.raises(NotFound):
        world.split("priya@x.example", "nobody@x.example")


def test_persons_who_are_merged_share_a_pseudonym_and_those_who_are_split_do_not(world):
    world.allow(*DOCUMENTS)
    world.collect(
        world.item("a", with_="name:Bex Stone"),
        world.item("b", with_="name:Rebecca Hill", minute=1),
        world.item("bex stone and rebecca hill", "document.note", minute=2),
    )

    def tokens():
        table = world.follow().people.table()
        return {table.get("bex stone").person, table.get("rebecca hill").person}

    assert len(tokens()) == 2
    world.merge("Bex Stone", "Rebecca Hill")
    assert len(tokens()) == 1
    world.split("Bex Stone", "Rebecca Hill")
    assert len(tokens()) == 2


def test_a_prohibition_follows_a_merge_and_lets_go_of_a_split(world):
    world.allow(*MESSAGES)
    world.allow(*MESSAGES, purpose="search")
    world.collect(
        world.item("a", with_="name:Bex Stone"),
        world.item("b", with_="name:Rebecca Hill", minute=400, conversation="R"),
    )
    world.deny("message", person="bex stone")
    world.deny("message", "search", person="bex stone")
    assert len(world.rows()) == 1
    world.merge("Bex Stone", "Rebecca Hill")
    assert world.rows() == []
    assert world.follow().search.find("b", now=world.now) == []
    world.split("Bex Stone", "Rebecca Hill")
    assert len(world.rows()) == 1
    assert len(world.follow().search.find("b", now=world.now)) == 1


def test_the_relation_that_was_said_last_holds(world):
    world.collect(world.item("a"))
    for word in ("friend", "boss", ""):
        world.relate("Priya Nair", word)
        assert person(world.follow(), "name:Priya Nair").relation == word


def test_a_name_that_several_bear_means_her_whom_the_owner_related_to_herself(world):
    world.collect(
        *(world.item(str(n), with_="name:Sam Hill", minute=n) for n in range(5)),
        world.item("x", with_="name:Sam Field", minute=9),
    )

    def meant():
        return world.follow().people.table().get("sam").person

    for name in ("Sam Field", "Sam Hill"):
        world.relate(name, "sister")
        assert meant() == person(world.views, f"name:{name}").token
        world.relate(name, "")


def test_words_of_the_owner_on_people_hold_no_name(world):
    ids = world.collect(world.item("a"), world.item("b", with_="name:Bex Stone", minute=1))
    world.merge("Priya Nair", "Bex Stone")
    world.relate("Priya Nair", "friend")
    world.erase(*ids)
    dump = repr(world.follow().people.dump()).lower()
    assert not any(name in dump for name in ("priya", "nair", "bex", "stone"))
    events = [e.event for p in world.log.pages() for e in p.entries if e.event]
    assert not any("priya" in repr(e).lower() for e in events if not isinstance(e, ItemErased))


def test_a_merge_holds_where_only_erased_items_stated_one_of_the_two(world):
    world.allow(*MESSAGES)
    ids = world.collect(
        world.item("a", with_="name:Bex Stone"),
        world.item("b", with_="name:Rebecca Hill", minute=1),
    )
    world.merge("Bex Stone", "Rebecca Hill")
    world.erase(ids[0])
    world.deny("message", person="bex stone")
    assert world.rows() == []


# ---------------------------------------------------------------------- the block list


def test_what_mentions_somebody_blocked_is_out_of_training_and_search_at_once(world):
    world.allow(*EVERYTHING)
    world.allow(*EVERYTHING, purpose="search")
    ids = world.collect(
        world.item("soup with you"),
        world.item("soup for one", "document.note", minute=1),
        world.item("soup with priya", "document.note", minute=2),
        world.item("soup again", "document.note", title="for Nair, Priya", minute=3),
        world.item("soup: UHJpeWEgTmFpciBpcyBpbGw=", "document.note", minute=4),
    )
    views = world.follow()
    assert len(views.search.find("soup", now=world.now)) == 5
    pause = world.pause(person="priya nair")
    views.catch_up(world.log)
    # Nothing was settled yet: they went in the transaction of the page.
    assert [views.search.holding([one]) for one in ids] == [0, 1, 0, 0, 0]
    assert [views.training.holding([one]) for one in ids] == [0, 1, 0, 0, 0]
    assert [hit.id for hit in world.follow().search.find("soup", now=world.now)] == [ids[1]]
    assert {event for row in world.rows() for event in row.events} == {ids[1]}
    assert not views.permissions.decide(ids[2], Purpose.SHARE, world.now).permitted
    world.resume(pause)
    views = world.follow()
    assert len(views.search.find("soup", now=world.now)) == 5
    assert {event for row in world.rows() for event in row.events} == set(ids)


def test_a_row_is_not_made_with_a_message_that_mentions_somebody_blocked(world):
    world.allow(*MESSAGES, "message.chat.direct.received")
    world.collect(world.item("x", with_="name:Bex Stone", conversation="B", minute=-900))
    _, about, _ = ids = world.collect(
        world.item("how was it?", "message.chat.direct.received"),
        world.item("did you see bex?", "message.chat.direct.received", minute=1),
        world.item("yes, fine", minute=2),
    )
    assert any(about in row.events for row in world.rows())
    world.pause(person="bex stone")
    assert {event for row in world.rows() for event in row.events} == {ids[0], ids[2]}
    assert not any("bex" in text for said in world.said() for _, text in said)


def test_a_prohibition_by_name_leaves_alone_what_only_mentions_her(world):
    world.allow(*EVERYTHING)
    world.collect(world.item("a"), world.item("soup with priya", "document.note", minute=1))
    world.deny("message", person="priya nair")
    world.deny("document", person="priya nair")
    assert len(world.rows()) == 1


def test_erasing_a_person_who_is_blocked_leaves_what_only_mentions_her(world):
    ids = world.collect(world.item("a"), world.item("soup with priya", "document.note", minute=1))
    world.pause(person="priya nair")
    assert world.follow().timeline.select(person="priya nair") == (ids[0],)


def test_a_name_that_somebody_blocked_shares_counts_as_hers(world):
    world.allow(*EVERYTHING)
    notes = ("Tom Baker rang", "Sam rang", "tb@y.example rang")
    tb, both, plain, field, *others = world.collect(
        world.item("a", "message.email.sent", with_=TOMS[1], conversation="1"),
        world.item("b", "message.email.sent", with_=TOMS, conversation="2"),
        world.item("c", with_="name:Tom Baker", conversation="3"),
        world.item("d", with_="name:Sam Field", conversation="4"),
        world.item("e", with_="name:Sam Hill", conversation="5"),
        *(world.item(text, "document.note", minute=n) for n, text in enumerate(notes)),
    )

    def used():
        return {event for row in world.rows() for event in row.events}

    assert used() == {tb, both, plain, field, *others}
    world.pause(person="tom@x.example")
    assert used() == {tb, field, others[0], *others[2:]}
    world.pause(person="sam field")
    assert used() == {tb, others[0], others[3]}


def test_a_clean_run_does_not_see_what_mentions_somebody_blocked(world):
    world.allow(*EVERYTHING)
    ids = world.collect(
        world.item("a", with_="name:Bex Stone"),
        world.item("bex and priya", with_="name:Priya Nair", minute=1),
        world.item("priya came", "document.note", minute=2),
    )
    world.pause(person="bex stone")
    views = world.follow()
    assert views.withdrawn_items(world.now) == set(ids[:2])
    assert world.rows() == world.rows(world.clean(without=views.withdrawn_items(world.now)))


# ---------------------------------------------------------------------- naming


def test_a_person_is_named_by_a_name_an_address_a_part_of_a_name_or_an_id(world):
    world.collect(
        world.item("a", "message.email.sent", with_="mailto:priya@x.example|Priya Nair"),
        world.item("b", with_="name:Priya Menon", minute=1),
        world.item("c", with_="name:Bex Stone", minute=2),
    )
    people = world.follow().people
    [priya] = people.called("nair, priya")
    assert people.called("PRIYA@x.example") == (priya,)
    assert people.called("nair") == (priya,)
    assert people.called(priya.id) == people.called(priya.id[:8]) == (priya,)
    assert len(people.called("priya")) == 2
    assert people.called("nobody") == people.called("") == ()


def test_who_is_in_more_items_is_counted_without_reading_again_who_is_who(world):
    world.collect(world.item("hello"))
    people = world.follow().people
    table, before = people.table(), {one.names: one.items for one in people.persons()}
    world.collect(world.item("again", minute=1))
    world.follow()
    assert people.table() is table
    assert {one.names: one.items for one in people.persons()} == {
        names: items + 1 for names, items in before.items()
    }
    world.collect(world.item("hi", with_="name:Bob Stone"))
    assert world.follow().people.table() is not table


def test_who_was_first_seen_in_an_erased_item_is_first_seen_in_the_next(world):
    first, _ = world.collect(world.item("hello"), world.item("again", conversation="B", minute=1))
    world.collect(world.item("hi", with_=("name:Bob Stone", "name:Priya Nair")))
    world.erase(first)
    people = world.follow().people
    seen = {row[1]: row[4] for row in people.dump() if row[0] == "agent"}
    assert seen == {"name:Asha Rao": 2, "name:Priya Nair": 2, "name:Bob Stone": 4}
    assert people.dump() == world.clean().people.dump()
