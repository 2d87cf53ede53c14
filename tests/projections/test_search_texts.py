"""How words are asked of the index, how they lie in it, and what hides them before they are destroyed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.search import By, index, texts
from projections.search.asking import Words, span
from projections.search.ranking import occurring
from tests.projections.test_search import MANY, hits, many, stored, unordered
from tests.projections.world import World

SAID = st.lists(
    st.lists(st.sampled_from(["Soup", "léeks", "of", "soupy", "leek"]), min_size=1, max_size=9),
    min_size=1,
    max_size=8,
)
PARTS = st.lists(
    st.sampled_from(["soup", "soup*", '"of soup"', '"soup le"*', "leeks", "of", "le*", "\u0378"]),
    min_size=2,
    max_size=6,
)


@settings(deadline=None)
@given(SAID, PARTS, st.sampled_from([(1,), (2,), (1, 3)]))
def test_looking_for_common_words_in_texts_gives_what_the_index_gives(said, parts, rarest):
    world = World()
    world.allow("message", purpose="search")
    items = (
        world.item(" ".join(one), title=" ".join(one[:2]), minute=n) for n, one in enumerate(said)
    )
    world.collect(*items)
    search = world.follow().search
    asked = Words.of(" ".join(parts)), "", span(None, None), 1000
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(texts, "_RAREST", ())
        expected = search._texts.holding(*asked)
        patched.setattr(texts, "_RAREST", rarest)
        assert search._texts.holding(*asked) == expected
        patched.setattr(texts, "_READ", 1)
        assert search._texts.holding(*asked) == expected


def test_texts_are_read_for_common_words_alone_and_never_many(world, monkeypatch):
    world.allow("message", purpose="search")
    many(world, "soup")
    [one] = world.collect(world.item("soup number 7 of rare quokkas", minute=MANY))
    asked = "soup number of rare quokkas"
    assert hits(world, asked) == [one]
    search = world.views.search
    read = []
    monkeypatch.setattr(
        search._texts,
        "_weighed_by_reading",
        lambda rows, parts, _most: read.append((len(rows), parts[0].said)) or {},
    )
    assert hits(world, asked) == []
    assert read == [(1, '"rare"')]
    monkeypatch.setattr(texts, "_READ", 5)
    assert hits(world, asked) == [one]


@pytest.mark.parametrize(
    ("phrase", "count"),
    [("soup", 2), ("so*", 3), ("of soup", 1), ("soup of so*", 1), ("leeks", 0), ("of x soup", 0)],
)
def test_a_phrase_is_counted_where_it_stands_whole(phrase, count):
    assert occurring(phrase, ["soup", "of", "soup", "sooner"]) == count


def test_what_is_withdrawn_is_found_by_nobody_before_anything_of_it_is_destroyed(
    world, monkeypatch
):
    world.allow("message", purpose="search")
    ids = many(world, "zanzibarian")
    kept = world.collect(*(world.item(f"soup {n}", conversation="B") for n in range(3)))
    search = world.follow().search
    world.withdraw("message", "search", conversation="Priya")
    monkeypatch.setattr(type(search), "_destroy", lambda _self: None)
    world.views.catch_up(world.log)
    assert len(search._rows("SELECT * FROM indexed")) == MANY + 3
    assert (search.count(), search.holding([*ids, *kept])) == (3, 3)
    for by in By:
        assert search.find("zanzibarian quokkas", now=world.now, by=by) == []
    monkeypatch.undo()
    assert hits(world, "soup") == unordered(kept)
    assert len(search._rows("SELECT * FROM indexed")) == 3
    assert b"nzibarian" not in stored(world)


def test_words_are_written_as_one_when_many_have_come(world, monkeypatch):
    def parts():
        return len(world.views.search._rows("SELECT DISTINCT segid FROM texts_idx"))

    monkeypatch.setattr(index, "_SCATTERED", 6)
    world.allow("message", purpose="search")
    for n in range(3):
        world.collect(*(world.item(f"soup {n}", minute=-4 * n - m) for m in range(2)))
        world.follow()
        assert parts() == (1 if n == 2 else n + 1)
    many(world, "leeks")
    world.follow()
    assert parts() == 1
    world.collect(*(world.item(f"hats {n}", minute=-n) for n in range(7)))
    world.follow()
    assert parts() == 2
