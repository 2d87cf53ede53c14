"""Views that the owner defines: narrower, side by side, and unlinkable."""

from datetime import timedelta

import pytest

from vault.errors import NotFound, UsageError

SENT, RECEIVED = "message.chat.direct.sent", "message.chat.direct.received"


def talked(world):
    world.allow("message", RECEIVED, "document", redact="balanced")
    world.collect(
        world.item("is the alpha ready?", RECEIVED, minute=0),
        world.item("alpha ships on friday, tell Priya Nair", minute=1),
        world.item("dinner was great, thanks again", with_="name:Vera Lim", conversation="Vera"),
        world.item("the tomatoes are ripe at last", "document.note", title="Garden"),
        world.item("an old story about the sea", minute=-60 * 24 * 400, conversation="Old"),
    )


def answers(world, view):
    return sorted(row.messages[-1].content for row in world.rows(view=view))


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"types": ("document",)}, ["the tomatoes are ripe at last"]),
        ({"words": "ALPHA"}, ["alpha ships on friday"]),
        ({"conversation": "Vera"}, ["dinner was great, thanks again"]),
        ({"person": "vera lim"}, ["dinner was great, thanks again"]),
    ],
)
def test_a_view_holds_what_its_definition_lets_by(world, fields, found):
    talked(world)
    world.define("mine", **fields)
    said = answers(world, "mine")
    assert len(said) == len(found)
    assert all(one.startswith(start) for one, start in zip(said, found, strict=True))


def test_time_bounds_leave_out_what_lies_beyond_and_what_has_no_date(world):
    talked(world)
    world.collect(world.item("nobody knows when", "document.note", at=None))
    world.define("recent", since=world.noon - timedelta(days=30))
    assert not any(one.startswith(("an old", "nobody")) for one in answers(world, "recent"))
    assert len(answers(world, "recent")) == 3


def test_mine_takes_nobodys_words_as_context(world):
    talked(world)
    world.define("mine", mine=True)
    assert not any("ready" in m.content for row in world.rows(view="mine") for m in row.messages)


def test_a_view_never_holds_what_is_not_allowed(world):
    world.collect(world.item("nothing was said about this"))
    world.define("all")
    assert answers(world, "all") == []


def test_a_withdrawal_reaches_every_view(world):
    talked(world)
    world.define("alpha", words="alpha")
    assert answers(world, "alpha")
    world.withdraw("message")
    assert answers(world, "alpha") == []


def test_surrogates_of_two_views_have_nothing_in_common_and_the_split_has(world):
    talked(world)
    world.define("one")
    world.define("two")
    rows = {v: {r.facts.pair: r for r in world.rows(view=v)} for v in ("", "one", "two")}
    names = {
        v: next(r for r in rows[v].values() if "ships" in r.messages[-1].content)
        .messages[-1]
        .content
        for v in rows
    }
    assert len(set(names.values())) == 3
    assert len({frozenset((p, r.split) for p, r in found.items()) for found in rows.values()}) == 1


def test_a_view_defined_late_is_what_it_would_be_had_it_been_there_before(new_world):
    early, late = new_world(), new_world()
    early.define("notes", types=("document",))
    for world in (early, late):
        world.log.add() if world is late else None
        talked(world)
    late.follow()
    late.define("notes", types=("document",))
    assert answers(early, "notes") == answers(late, "notes")
    assert late.follow().named("notes").dump() == late.clean().named("notes").dump()


def test_redefining_replaces_and_dropping_deletes_the_store(new_world, tmp_path):
    world = new_world(tmp_path)
    talked(world)
    world.define("mine", types=("document",))
    assert len(answers(world, "mine")) == 1
    world.define("mine", types=("message",))
    assert len(answers(world, "mine")) == 3
    assert "training-mine.db" in world.stores.names()
    world.drop("mine")
    world.follow()
    assert "training-mine.db" not in world.stores.names()
    with pytest.raises(NotFound, match="twin view list"):
        world.views.named("mine")


def test_a_balanced_view_takes_even_shares_and_no_more_than_asked(world):
    world.allow("message", "document", redact="none")
    world.collect(
        *(world.item(f"chat number {n} about {n * 7} things", minute=n * 60) for n in range(30)),
        *(
            world.item(f"note {n} on the {n * 13}th idea", "document.note", minute=n)
            for n in range(5)
        ),
    )
    world.define("even", most=8, balance=("type",))
    types = [row.facts.type for row in world.rows(view="even")]
    assert len(types) == 8
    assert types.count("document.note") == 4


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Capital"},
        {"name": "ok", "types": ("nonsense",)},
        {"name": "ok", "balance": ("weight",)},
        {"name": "ok", "balance": ("type",)},
        {"name": "ok", "words": "!!!"},
        {"name": "ok", "most": -1},
    ],
)
def test_what_can_be_no_view_is_refused_in_a_sentence(world, fields):
    with pytest.raises(UsageError) as refused:
        world.define(**fields)
    assert str(refused.value).endswith(".")


def test_bounds_that_leave_nothing_between_them_are_refused(world):
    with pytest.raises(UsageError, match="earlier"):
        world.define("ok", since=world.noon, until=world.noon)
