"""Search finds what may be searched, by words and meaning; the rest is not even in the index."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.embed import STATIC, chosen
from projections.errors import BehindLog
from projections.search import By, index, view
from projections.search.asking import UNDATED, Asked, Words, number, span
from projections.search.codes import PASSAGE, Codes, coded, without
from projections.search.ranking import fused
from projections.views import Views
from tests.projections.world import Nobody, World
from vault.consent import Filters
from vault.events import CorrectionMade, ItemRevised, LabelCorrected

MANY = index._AT_ONCE + 20


def hits(world, query, by=By.TEXT, type_="", limit=20, **filters):
    search = world.follow().search
    found = search.find(
        query, now=world.now, by=by, type_=type_, filters=Filters(**filters), limit=limit
    )
    return [hit.id for hit in found]


def many(world, word, **fields):
    """Collect as many items as are not taken out row by row."""
    texts = (f"{word} number {n} of quokkas" for n in range(MANY))
    return world.collect(*(world.item(one, minute=n, **fields) for n, one in enumerate(texts)))


def stored(world):
    """Return every byte that the tables of the index hold, decrypted."""
    db = world.views.search._db
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    shadows = [name for name in names if name != "texts"]
    return b"".join(
        value if isinstance(value, bytes) else str(value).encode()
        for name in shadows
        for row in db.execute(f'SELECT * FROM "{name}"')
        for value in row
    )


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


# ---------------------------------------------------------------------- what narrows a search


@pytest.fixture
def mixed(world):
    """Items that differ in one thing each; all say soup."""
    world.allow("message", "document", "message.email.received", purpose="search")
    world.ids = world.collect(
        world.item("soup one"),
        world.item("soup two", "document.note", minute=1, source="notes"),
        world.item("soup three", minute=2, conversation="Bob", with_="name:Bob Stone"),
        world.item(
            "soup four", "message.email.received", minute=9999, with_="mailto:p@x.example|P"
        ),
        world.item("soup five", "document.note", at=None, labels=("health",)),
    )
    world.allow("health", purpose="search")
    return world


@pytest.mark.parametrize("by", list(By))
@pytest.mark.parametrize(
    ("narrowed", "found"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"type_": "message"}, [0, 2, 3]),
        ({"type_": "message.chat.direct.sent"}, [0, 2]),
        ({"type_": "mess"}, []),
        ({"type_": "health"}, [4]),
        ({"source": "notes"}, [1]),
        ({"conversation": "Bob"}, [2]),
        ({"person": "bob stone"}, [2]),
        ({"person": "Bob"}, [2]),
        ({"person": "p@x.example"}, [3]),
        ({"person": "nobody"}, []),
        ({"since": datetime(2025, 3, 4, tzinfo=UTC)}, [3]),
        ({"until": datetime(2025, 3, 3, 12, 1, tzinfo=UTC)}, [0]),
        ({"since": datetime(2025, 3, 3, 12, 1, tzinfo=UTC), "type_": "message"}, [2, 3]),
        ({"source": "phone", "person": "Asha Rao", "type_": "document"}, [4]),
    ],
)
def test_a_search_is_narrowed_by_type_source_conversation_person_and_time(
    mixed, narrowed, found, by
):
    assert hits(mixed, "soup", by, **narrowed) == unordered([mixed.ids[n] for n in found])


def unordered(ids):
    class Same:
        def __eq__(self, other):
            return sorted(other) == sorted(ids)

        __hash__ = None

        def __repr__(self):
            return repr(sorted(ids))

    return Same()


def test_a_filter_comes_before_the_count_not_after_it(world, monkeypatch):
    monkeypatch.setattr(view, "_NEWEST", 5)
    monkeypatch.setattr(view, "_NEAREST", 5)
    world.allow("message", "document", purpose="search")
    [old] = world.collect(world.item("hats for soup", "document.note", minute=-1))
    many(world, "soup soup soup")
    assert old not in hits(world, "soup", limit=1000)
    for by in By:
        assert hits(world, "soup", by, type_="document") == [old]


def test_of_words_that_many_items_hold_the_newest_are_ranked(world, monkeypatch):
    monkeypatch.setattr(view, "_NEWEST", 5)
    world.allow("message", purpose="search")
    ids = many(world, "soup")
    assert hits(world, "soup") == unordered(ids[-5:])


def test_a_person_is_found_by_any_name_after_a_merge_and_not_after_a_split(world):
    world.allow("message", purpose="search")
    mail, chat = world.collect(
        world.item("soup", "message.email.sent", with_="mailto:pn@y.example|P. N."),
        world.item("soup", minute=1),
    )
    for by in By:
        assert hits(world, "soup", by, person="Priya Nair") == [chat]
    world.merge("Priya Nair", "pn@y.example")
    for by in By:
        assert hits(world, "soup", by, person="Priya Nair") == unordered([mail, chat])
        assert hits(world, "soup", by, person="pn@y.example") == unordered([mail, chat])
    world.split("Priya Nair", "pn@y.example")
    assert hits(world, "soup", person="Priya Nair") == [chat]


@given(st.datetimes(min_value=datetime(1500, 1, 1), max_value=datetime(2400, 1, 1)), st.text())  # noqa: DTZ001
def test_the_newer_an_item_the_smaller_its_number_and_bounds_hold_what_lies_between(at, id_):
    at = at.replace(tzinfo=UTC)
    own = number(at, id_.encode("utf-8", "replace").decode())
    assert number(at + timedelta(seconds=1), "") < own < number(at - timedelta(seconds=1), "")
    assert own < UNDATED <= number(None, "any") <= span(None, None)[1]
    first, last = span(at - timedelta(seconds=1), at + timedelta(seconds=1))
    assert first <= own <= last < UNDATED
    assert (
        not span(at + timedelta(seconds=1), None)[0]
        <= own
        <= span(at + timedelta(seconds=1), None)[1]
    )


# ---------------------------------------------------------------------- words and meaning


def test_what_means_the_same_in_other_words_is_found(world):
    world.allow("message", purpose="search")
    dinner, _, tyres = world.collect(
        world.item("Dinner is at eight, bring some wine."),
        world.item("My flight to Lisbon was delayed again.", minute=1),
        world.item("We bought new tyres for the car.", minute=2),
    )
    assert hits(world, "meal in the evening") == []
    assert hits(world, "meal in the evening", By.BOTH) == [dinner]
    assert hits(world, "vehicle wheels", By.MEANING) == [tyres]


def test_a_name_comes_before_what_only_sounds_like_it(world):
    world.allow("message", purpose="search")
    sounds = world.collect(*(world.item("soup of leeks", minute=n) for n in range(9)))
    said = "We bought new tyres for the car, Zanzibarian, and the flight was late; no leeks."
    [named] = world.collect(world.item(said, minute=-9))
    found = world.follow().search.find("leeks zanzibarian", now=world.now, by=By.BOTH)
    assert [(found[0].id, found[0].by), found[1].by] == [(named, By.TEXT), By.MEANING]
    assert {hit.id for hit in found[1:]} <= set(sounds)


def test_a_text_is_found_by_the_passage_that_says_it(world):
    world.allow("document", purpose="search")
    filler = "The minutes of the meeting were read and approved by all members. " * 8
    text = f"{filler}Dinner is at eight, bring some wine. {filler}"
    [long] = world.collect(world.item(text, "document.note"))
    assert hits(world, "meal in the evening", By.MEANING) == [long]


@given(st.lists(st.lists(st.integers(-9000, 9000), min_size=8, max_size=8), max_size=40))
def test_the_nearest_bits_are_those_that_counting_one_by_one_finds(vectors):
    bits = coded(vectors)
    made = np.zeros(len(bits), PASSAGE)
    made["row"], made["bits"] = range(len(bits)), bits
    codes = Codes([made[:7].tobytes(), made[7:].tobytes()])
    asked = [1, 2, 3, 4, -5, 6, -7, 8]
    far = [int(np.bitwise_count(one ^ coded([asked])[0]).sum()) for one in bits]
    expected = sorted(range(len(far)), key=lambda row: (far[row], row))[:5]
    assert codes.nearest(asked, 5, between=(0, 99)) == expected
    left = np.frombuffer(without(made.tobytes(), expected), PASSAGE)
    assert set(left["row"].tolist()) == set(range(len(far))) - set(expected)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["soup", "leeks", "of"]), min_size=1, max_size=9),
        min_size=1,
        max_size=8,
    )
)
def test_one_word_ranks_as_fts5_ranks_it(texts):
    world = World()
    world.allow("message", purpose="search")
    world.collect(*(world.item(" ".join(one), minute=n) for n, one in enumerate(texts)))
    search = world.follow().search
    rows = search._rows(
        "SELECT rowid, bm25(texts, 3, 1, 0) FROM texts WHERE texts MATCH 'body:soup'"
    )
    theirs = dict(rows)
    ours = [theirs[row] for row in search._by_text(Words.of("soup"), NARROWED)]
    # Theirs are fractions, ours whole numbers; smaller means better.
    assert all(one <= other * (1 - 1e-5) for one, other in pairwise(ours))


NARROWED = Asked("", Filters(), None)


@given(st.lists(st.integers(0, 50), unique=True), st.lists(st.integers(0, 50), unique=True))
def test_what_both_rankings_name_comes_before_what_comes_later_in_both(one, other):
    found = fused((2, one), (1, other))
    assert sorted(found) == sorted({*one, *other})
    both = [row for row in found if row in one and row in other]
    for row in both:
        behind = {r for r in one[one.index(row) + 1 :] if r not in other}
        assert not behind.intersection(found[: found.index(row)])


def test_a_snippet_shows_the_words_around_or_how_the_item_begins(world):
    world.allow("message", purpose="search")
    text = "Dinner is at eight. " + "word " * 50 + "bring the Köşk wine" + " word" * 50
    world.collect(world.item(text, title="An evening\x1b[31m"))
    search = world.follow().search
    [hit] = search.find("kosk bring", now=world.now)
    assert (
        hit.snippet
        == "…word word word word word bring the Köşk wine word word word word word word word…"
    )
    [hit] = search.find("evening", now=world.now)
    assert hit.snippet.startswith("An evening")
    world.collect(world.item("Dinner is at eight, bring some wine.", minute=1))
    search = world.follow().search
    [hit] = search.find("meal at home", now=world.now, by=By.MEANING)
    assert hit.snippet == "Dinner is at eight, bring some wine."


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "\0",
        "🦊🦊",
        "'; DROP TABLE texts --",
        "x" * 10_000,
        "soup " * 2_000,
        "\ud800",
        "***",
        '"',
        "²*",
    ],
)
@pytest.mark.parametrize("by", list(By))
def test_whatever_is_typed_is_looked_for_and_nothing_else_happens(mixed, query, by):
    found = hits(mixed, query, by)
    assert found == (unordered(mixed.ids) if query.startswith("soup") else [])
    assert hits(mixed, "\0soup\0") == unordered(mixed.ids)


# ---------------------------------------------------------------------- gone is gone


@pytest.mark.parametrize("count", [3, MANY])
@pytest.mark.parametrize("staying", [0, 1, 250])
def test_no_word_and_no_bit_of_what_is_withdrawn_is_left_once_the_page_is_taken_in(
    world, count, staying
):
    world.allow("message", purpose="search")
    many(world, "zanzibarian", conversation="A")[:count]
    if count < MANY:
        world.erase(*world.views.timeline.select(conversation="A")[count:])
    others = [world.item(f"soup {n}", conversation="B") for n in range(staying)]
    kept = world.collect(*others) if others else []
    world.follow()
    assert b"nzibarian" in stored(world)
    world.withdraw("message", "search", conversation="A")
    world.views.catch_up(world.log)
    assert b"nzibarian" not in stored(world)
    assert b"uokkas" not in stored(world)
    codes = b"".join(one for (one,) in world.views.search._rows("SELECT passages FROM codes"))
    held = world.views.search._rows("SELECT row FROM indexed")
    assert {(int(row),) for row in np.frombuffer(codes, PASSAGE)["row"]} == set(held)
    assert hits(world, "soup", limit=1000) == unordered(kept)
    for by in By:
        assert hits(world, "zanzibarian quokkas", by) == []


@pytest.mark.parametrize(("count", "staying"), [(3, 9), (MANY, 9), (MANY, 3 * MANY)])
def test_the_decrypted_file_holds_nothing_of_what_was_withdrawn(
    new_world, tmp_path, count, staying
):
    world = new_world(tmp_path)
    world.allow("message", purpose="search")
    gone = (world.item(f"zanzibarian quokka {n}", conversation="A") for n in range(count))
    kept = (world.item(f"soup of leeks {n}", conversation="B") for n in range(staying))
    world.collect(*gone, *kept)
    search = world.follow().search
    bits = {
        passage["bits"].tobytes()
        for (block,) in search._rows("SELECT passages FROM codes")
        for passage in np.frombuffer(block, PASSAGE)
        if search._items([int(passage["row"])])[int(passage["row"])] <= f"e{count + 1:05}"
    }
    world.withdraw("message", "search", conversation="A")
    world.views.catch_up(world.log)
    world.views.search._db.execute("PRAGMA rekey=''")  # decrypts it in place, free pages and all
    world.views.close()
    content = (tmp_path / "views" / "search.db").read_bytes()
    assert content.startswith(b"SQLite format 3")
    assert bits
    for one in (b"nzibarian", b"uokka", *bits):
        assert one not in content


@pytest.mark.parametrize("by", list(By))
def test_consent_is_asked_again_for_each_hit(world, monkeypatch, by):
    world.allow("message", purpose="search", expires=world.start + timedelta(days=20))
    world.collect(world.item("soup of leeks"))
    early = world.start + timedelta(days=10)
    world.views.catch_up(world.log)
    search = world.views.search
    assert search.find("soup", now=early, by=by)
    monkeypatch.setattr(search, "settle", lambda _now: None)
    assert search.find("soup", now=world.now, by=by) == []


def test_what_a_crash_left_is_found_by_nobody_and_destroyed_by_who_comes_next(world, monkeypatch):
    world.allow("message", purpose="search")
    many(world, "zanzibarian")
    kept = world.collect(*(world.item(f"soup {n}", conversation="B") for n in range(MANY)))
    world.follow()
    world.withdraw("message", "search", conversation="Priya")

    def died(*_, **__):
        raise KeyboardInterrupt

    for way in ("_start_again", "_take_words"):
        monkeypatch.setattr(type(world.views.search), way, died)
    with pytest.raises(KeyboardInterrupt):
        world.views.catch_up(world.log)
    monkeypatch.undo()
    search = world.views.search
    assert b"nzibarian" in stored(world)
    assert search._items(search._by_text(Words.of("quokkas"), NARROWED)) == {}
    assert search._items(search._by_meaning("quokkas", NARROWED)) == {}
    world.views = world.open()
    world.withdraw("message.chat", "search", conversation="Priya")
    assert hits(world, "soup", limit=1000) == unordered(kept)
    assert b"nzibarian" not in stored(world)


def test_many_rows_that_are_few_of_all_leave_word_by_word(world, monkeypatch):
    monkeypatch.setattr(index, "_DEAR", 1)
    world.allow("message", purpose="search")
    many(world, "zanzibarian")
    world.collect(*(world.item(f"soup {n}", conversation="B") for n in range(2 * MANY)))
    world.follow()
    world.withdraw("message", "search", conversation="Priya")
    world.views.catch_up(world.log)
    assert b"nzibarian" not in stored(world)
    assert not world.views.search._get("residue")


def test_words_that_were_replaced_are_gone_with_the_page_that_replaces_them(world):
    world.allow("message", purpose="search")
    one, other = world.collect(world.item("zanzibarian"), world.item("velociraptor", minute=1))
    world.follow()
    world.log.add(CorrectionMade(item_id=one, text="soup"))
    world.log.add(ItemRevised(item_id=other, item=world.item("leeks", minute=1)))
    world.views.catch_up(world.log)
    assert b"nzibarian" not in stored(world)
    assert b"elociraptor" not in stored(world)
    assert (hits(world, "soup"), hits(world, "leeks")) == ([one], [other])


def test_a_withdrawal_by_one_of_her_names_takes_what_is_under_another(world):
    world.allow("message", purpose="search")
    mail = world.item("zanzibarian", "message.email.sent", with_="mailto:pn@y.example|P. N.")
    world.collect(mail, world.item("velociraptor", minute=1), world.item("soup", with_="name:Bob"))
    world.merge("Priya Nair", "pn@y.example")
    world.follow()
    world.withdraw("message", "search", person="pn@y.example")
    world.views.catch_up(world.log)
    assert b"nzibarian" not in stored(world)
    assert b"elociraptor" not in stored(world)
    assert len(hits(world, "soup")) == 1


def test_what_one_process_withdraws_another_one_does_not_find(new_world, tmp_path):
    world = new_world(tmp_path)
    world.allow("message", purpose="search")
    many(world, "soup")
    other = new_world(tmp_path)
    other.log = world.log
    for by in By:
        assert len(hits(other, "soup number", by, limit=1000)) == MANY
    [new] = world.collect(world.item("hats for dinner", conversation="Bob", minute=-1))
    world.follow()
    assert hits(other, "hats for soup", By.MEANING)[0] == new
    world.withdraw("message", "search", conversation="Priya")
    world.follow()
    assert other.views.search._items(other.views.search._by_meaning("soup number", NARROWED)) == {}
    for by in By:
        assert hits(other, "soup number", by) == []
    other.views.close()
    world.views.close()


class Other:
    """An embedder of another version."""

    def __init__(self):
        self._static = chosen(STATIC)
        self.version, self.size = "other", self._static.size

    def embed(self, texts):
        """Return vectors that point elsewhere."""
        return [list(reversed(vector)) for vector in self._static.embed(texts)]


def test_another_embedder_makes_the_index_anew(world):
    world.allow("message", purpose="search")
    [dinner] = world.collect(world.item("Dinner is at eight, bring some wine."))
    assert hits(world, "meal in the evening", By.MEANING) == [dinner]
    before = world.views.search.dump()
    world.views = Views.open(
        world.stores,
        world.stores,
        alias_key=b"a" * 32,
        view_key=b"v" * 32,
        names=Nobody(),
        embedder=Other(),
    )
    assert world.views.search.position == 0
    assert hits(world, "meal in the evening", By.MEANING) == [dinner]
    assert [row for row in world.views.search.dump() if row[0] == "text"] == [
        row for row in before if row[0] == "text"
    ]
    assert world.views.search.dump() != before


def test_followed_or_made_from_zero_the_index_holds_the_same_words_facts_and_bits(mixed):
    mixed.follow()
    mixed.log.add(CorrectionMade(item_id=mixed.ids[0], text="a blue boat"))
    mixed.follow()
    mixed.log.add(LabelCorrected(item_id=mixed.ids[1], label="finance", holds=True))
    mixed.withdraw("message", "search", conversation="Bob")
    mixed.follow()
    mixed.allow("finance", purpose="search")
    dumped = mixed.follow().search.dump()
    assert dumped == mixed.clean().search.dump()
    assert {row[0] for row in dumped} == {"text", "code"}
    assert len([row for row in dumped if row[0] == "text"]) == 4


def test_a_prohibition_that_has_ended_already_gives_back_what_the_one_before_forbade(world):
    world.allow("message", purpose="search")
    [soup] = world.collect(world.item("soup"))
    world.deny("message.chat", "search")
    assert hits(world, "soup") == []
    world.deny("message.chat", "search", expires=world.start)
    assert hits(world, "soup") == [soup]


def test_an_item_without_a_date_is_forbidden_with_any_bounds(world):
    world.allow("message", purpose="search")
    world.collect(world.item("zanzibarian", at=None), world.item("soup"))
    assert len(hits(world, "zanzibarian")) == 1
    world.withdraw("message", "search", since=world.now)
    world.views.catch_up(world.log)
    assert b"nzibarian" not in stored(world)
    assert len(hits(world, "soup")) == 1
