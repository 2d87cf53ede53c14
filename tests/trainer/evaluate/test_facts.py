"""Questions made from items, and what is measured with them."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from projections.rows import Message
from projections.timeline import Stored
from tests.projections.world import World
from trainer.evaluate.facts import grounded, measure, searching, unaided
from trainer.evaluate.facts.finding import Kind, facts
from trainer.evaluate.facts.questions import made
from trainer.evaluate.facts.values import plain, words
from vault.items import Agent, Attachment, Item

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
THINGS = [
    "harbour",
    "garden",
    "bakery",
    "violin",
    "chimney",
    "orchard",
    "ladder",
    "kettle",
    "attic",
]
NAMES = ["Olu Hart", "Ines Duarte", "Pieter Vos", "Greta Lind", "Yuki Mori", "Bram Moor"]


def note(number: int) -> Stored:
    thing, other = THINGS[number % 9], THINGS[(number * 4 + 1) % 9]
    text = f"plans\n{other}: ask {NAMES[number % 6].split()[0]} on friday\n{number + 3} {thing} boxes, £{number}9 in all"
    item = Item(
        source="notes",
        native_id=f"n{number}",
        type="document.note",
        at=NOON + timedelta(days=number),
        title=f"{thing} {other} {number}",
        text=text,
    )
    return Stored(f"note-{number}", number, item)


def mail(number: int) -> Stored:
    writer = Agent(id=f"mailto:w{number}@example.org", name=NAMES[number % 6])
    item = Item(
        source="mail",
        native_id=f"m{number}",
        type="message.email.received",
        at=NOON + timedelta(days=number),
        author=writer,
        title=f"Re: {THINGS[number % 9]} repairs {number}",
        text="It is done, come and see.",
        attachments=(Attachment(name=f"bill_{number}.pdf", media_type="a/pdf", size=1, sha256=""),),
    )
    return Stored(f"mail-{number}", number, item)


ITEMS = [*map(note, range(40)), *map(mail, range(40))]


def everything(ids):
    return set(ids)


def shelf(items: Sequence[Stored]):
    """A search of a few lines: who shares most words comes first."""
    there = [(set(words(plain(f"{s.item.title} {s.item.text}"))), s) for s in items]

    def retrieve(query):
        asked = set(words(plain(query)))
        ranked = sorted(there, key=lambda one: -len(asked & one[0]))
        return [stored for _, stored in ranked[:6]]

    return retrieve


@pytest.fixture(scope="module")
def asked():
    return made(ITEMS, permitted=everything, retrieve=shelf(ITEMS), limit=30)


def run(answerer, **named):
    found = measure(
        ITEMS, permitted=everything, retrieve=shelf(ITEMS), aided=answerer, limit=30, **named
    )
    return {one.name: one for one in found}


def test_questions_have_one_right_answer_that_they_do_not_give_away(asked):
    answered = [q for q in asked if q.gold]
    assert len(answered) == 30
    assert {q.kind for q in answered} >= {Kind.WHO, Kind.WHEN, Kind.WHAT, Kind.HOW_MANY}
    for question in answered:
        there = {
            fact.gold for stored in ITEMS if stored.id == question.item for fact in facts(stored)
        }
        assert question.gold in there
        assert not set(words(plain(question.gold))) <= set(words(plain(question.text)))


def test_no_item_is_asked_about_twice(asked):
    assert len({question.item for question in asked}) == len(asked)


def test_what_nothing_answers_names_what_no_item_has_together(asked):
    unanswered = [q for q in asked if not q.gold]
    answerable = {fact.title for stored in ITEMS for fact in facts(stored) if not fact.slot}
    assert len(unanswered) >= 20
    for question in unanswered:
        assert not any(f"“{title}”?" in question.text for title in answerable if title)


def test_what_only_seems_to_be_missing_is_no_question_that_nothing_answers():
    text = "oven: too hot by ten degrees\nlamp: bulb on order"
    alike = [Stored(f"n{n}", n, structs.replace(note(n).item, text=text)) for n in range(9)]
    found = made(alike, permitted=everything, retrieve=shelf(alike), each=9)
    assert any("say about" in question.text for question in found if question.gold)
    assert not any("say about" in question.text for question in found if not question.gold)


def test_what_the_question_itself_would_tell_is_not_asked():
    item = structs.replace(note(0).item, title="rent £400", text="£400 in all")
    assert "amount" not in {fact.pattern for fact in facts(Stored("n", 0, item))}
    item = structs.replace(item, title="rent")
    assert "amount" in {fact.pattern for fact in facts(Stored("n", 0, item))}


def test_the_order_of_items_changes_no_question_and_another_seed_does(asked):
    mixed = random.Random(1).sample(ITEMS, len(ITEMS))
    again = made(mixed, permitted=everything, retrieve=shelf(ITEMS), limit=30)
    other = made(ITEMS, permitted=everything, retrieve=shelf(ITEMS), limit=30, seed=1)
    assert again == asked
    assert {q.text for q in other} != {q.text for q in asked}


@settings(max_examples=25)
@given(st.sets(st.sampled_from([stored.id for stored in ITEMS])))
def test_no_question_comes_from_an_item_that_is_not_permitted(allowed):
    found = made(ITEMS, permitted=allowed.intersection, retrieve=lambda _: [], limit=20)
    assert {question.item for question in found} <= allowed


@given(title=st.text(), text=st.text(), kind=st.sampled_from(["document.note", "document.journal"]))
def test_no_text_is_too_strange_to_be_looked_at(title, text, kind):
    item = structs.replace(note(0).item, type=kind, title=title, text=text)
    one = Stored("odd", 0, item)
    for question in made([one], permitted=everything, retrieve=shelf([one])):
        assert question.item == "odd"
        assert question.text


def test_a_title_that_two_items_share_is_asked_for_only_where_both_agree():
    twins = [
        replace(mail(1), id=f"t{n}", item=structs.replace(mail(1).item, at=NOON + timedelta(n)))
        for n in (0, 9)
    ]
    found = made(twins, permitted=everything, retrieve=shelf(twins), limit=9, each=9)
    assert all(question.kind is not Kind.WHEN for question in found if question.gold)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Mara Voss lives in New Haven now", ("Where does Mara Voss live?", "New Haven")),
        ("Olu is allergic to nuts.", ("What is Olu allergic to?", "nuts")),
        ("Bram works as a carpenter in Utrecht", ("What does Bram do for a living?", "carpenter")),
        (
            "Camille habite à Nantes depuis deux ans et elle est contente",
            ("Où habite Camille ?", "Nantes"),
        ),
        ("Das ist nicht neu: Jürgen wohnt in Köln", ("Wo wohnt Jürgen?", "Köln")),
    ],
)
def test_what_is_said_of_somebody_is_asked_in_its_language(text, said):
    item = structs.replace(note(0).item, title="", text=text, at=None)
    found = [
        made([Stored(f"s{n}", n, item)], permitted=everything, retrieve=lambda _: [])
        for n in range(9)  # some of them fall on the side of what is answered
    ]
    assert {(q.text, q.gold) for questions in found for q in questions if q.gold} == {said}


def test_a_parrot_is_true_and_an_inventor_is_not_and_a_mute_abstains(asked):
    gold = {question.text: question.gold or "I don't know." for question in asked}
    parrot = run(lambda texts: [gold[text] for text in texts])
    inventor = run(lambda texts: ["Leopold Brandt, 77 times in Vienna in 1912"] * len(texts))
    mute = run(lambda texts: ["No idea, sorry."] * len(texts))
    assert parrot["factuality"].value >= 0.95
    assert parrot["abstention_recall"].value == parrot["abstention_precision"].value == 1
    assert inventor["factuality"].value == 0
    assert (
        inventor["hallucination_answerable"].value
        == inventor["hallucination_unanswerable"].value
        == 1
    )
    assert mute["factuality"].value == mute["hallucination_unanswerable"].value == 0
    assert mute["abstention_recall"].value == 1
    assert mute["abstention_precision"].value == pytest.approx(
        len([q for q in asked if not q.gold]) / len(asked)
    )


def test_every_figure_says_how_far_its_judge_can_be_believed():
    found = run(lambda texts: ["the blue one"] * len(texts), plain=lambda texts: [""] * len(texts))
    assert found["factuality"].floor < 0.1
    assert found["factuality"].ceiling > 0.95
    assert set(found["factuality"].worst) <= {stored.id for stored in ITEMS}
    assert found["factuality_plain"].value == 0
    for name, one in found.items():
        assert one.value is None or one.low <= one.value <= one.high + 1e-9
        assert name == "retrieval" or "judged by hand" in one.note


def test_consent_that_ends_before_the_questions_are_put_takes_them_away():
    times = iter(range(9))
    found = measure(
        ITEMS,
        permitted=lambda ids: set(ids) if next(times) == 0 else set(),
        retrieve=shelf(ITEMS),
        aided=lambda texts: texts,
    )
    assert found == ()
    assert measure([], permitted=everything, retrieve=shelf([]), aided=lambda texts: texts) == ()


def test_a_model_sees_what_was_found_before_the_question():
    heard: list[Sequence[Message]] = []

    def answers(conversations):
        heard.extend(conversations)
        return ["ok"] * len(conversations)

    assert unaided(answers)(["Where?"]) == ["ok"]
    grounded(answers, shelf(ITEMS[:3]))(["What does “harbour garden 0” say about “garden”?"])
    assert [[m.role for m in messages] for messages in heard] == [["user"], ["system", "user"]]
    assert "ask Olu on friday" in heard[1][0].content


def test_a_search_finds_by_quoted_titles_and_shows_nothing_that_is_not_allowed():
    world = World()
    ids = world.collect(
        world.item("lives in Ghent, above the bakery", "document.note", title="olu hart"),
        world.item("no bread today", "document.note", title="bakery hours"),
    )
    world.allow("document", purpose="search")
    views = world.follow()
    find = searching(views.search, views.timeline, world.now)
    assert [stored.id for stored in find("Where is “olu hart”?")][:1] == ids[:1]
    world.deny("document", purpose="search")
    world.follow()
    assert find("Where is “olu hart”?") == []
