"""Search finds what may be searched, and the rest is not even in the index."""

from datetime import timedelta

import pytest

from projections.errors import BehindLog


def hits(world, query):
    return [hit.id for hit in world.follow().search.find(query, now=world.now)]


def test_nothing_is_indexed_until_it_is_allowed(world):
    a, b = world.collect(world.item("a blue boat"), world.item("a blue bag", "document.note"))
    assert hits(world, "blue") == []
    assert world.views.search.dump() == []
    world.allow("document", purpose="search")
    assert hits(world, "blue") == [b]
    world.allow("message", purpose="search")
    assert set(hits(world, "blue")) == {a, b}
    assert hits(world, "boat") == [a]


def test_what_is_withdrawn_leaves_the_index_in_the_pages_own_transaction(world):
    world.collect(world.item("a blue boat"))
    world.allow("message", purpose="search")
    assert hits(world, "boat")
    world.withdraw("message", "search", conversation="Priya")
    world.views.catch_up(world.log)
    assert "boat" not in repr(world.views.search.dump())


def test_a_permission_that_has_ended_since_is_noticed_when_asked(world):
    world.collect(world.item("a blue boat"))
    world.allow("message", purpose="search", expires=world.start + timedelta(days=20))
    early = world.start + timedelta(days=10)
    world.views.catch_up(world.log)
    assert world.views.search.find("boat", now=early)
    assert not world.views.search.find("boat", now=world.now)
    # The view's own time does not go back with the clock.
    assert not world.views.search.find("boat", now=early)


def test_an_erased_item_leaves_no_word_in_the_index(world):
    first, _ = world.collect(world.item("a blue boat"), world.item("green bags", minute=1))
    world.allow("message", purpose="search")
    assert hits(world, "boat")
    world.erase(first)
    world.views.catch_up(world.log)
    tables = world.views.search._rows("SELECT block FROM texts_data")
    assert any(b"bags" in bytes(block) for (block,) in tables)
    assert not any(b"oat" in bytes(block) for (block,) in tables)


def test_a_hit_shows_when_what_and_the_words_around(world):
    world.collect(world.item("word " * 50 + "a blue boat " + "word " * 50))
    world.allow("message", purpose="search")
    (hit,) = world.follow().search.find("boat", now=world.now)
    assert (hit.at, hit.type) == (world.noon, "message.chat.direct.sent")
    assert "blue boat" in hit.snippet
    assert len(hit.snippet) < 120


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("boat blue", True),
        ('"blue boat"', True),
        ('"boat blue"', False),
        ("bo*", True),
        ("bö", False),
        ("BLÜE", True),
        ("boat OR", False),
        ('" NEAR( * - ^ {', False),
        ("body:boat", False),
        ("", False),
    ],
)
def test_nothing_typed_is_an_operator_but_quotes_and_a_final_asterisk(world, query, found):
    world.collect(world.item("a blue boat"))
    world.allow("message", purpose="search")
    assert bool(hits(world, query)) is found


def test_a_view_that_is_ahead_of_what_it_reads_says_so(world):
    world.collect(world.item("hello"))
    world.views.catch_up(world.log)
    world.views.timeline._db.execute("UPDATE meta SET value = 0 WHERE key = 'position'")
    with pytest.raises(BehindLog):
        world.views.search.find("hello", now=world.now)
    with pytest.raises(BehindLog):
        list(world.views.training.rows(now=world.now))


def test_a_pause_leaves_the_index_at_once_and_follows_who_is_who(world):
    world.collect(world.item("a blue boat", "message.email.sent", with_="mailto:pn@y.example|P"))
    world.allow("message", purpose="search")
    pause = world.pause(person="Priya Nair")
    assert len(hits(world, "boat")) == 1
    world.collect(world.item("hello", "message.email.sent", with_="mailto:pn@y.example|Priya Nair"))
    world.follow()
    assert "boat" not in repr(world.views.search.dump())
    assert hits(world, "boat") == []
    world.resume(pause)
    assert len(hits(world, "boat")) == 1
    world.pause("message.email")
    world.views.catch_up(world.log)
    assert "boat" not in repr(world.views.search.dump())
