"""Variants of rare rows: the same words of hers, asked for otherwise, under the same consent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.curate.augment import rare_styles, variants
from projections.drafts.wordings import WORDINGS
from projections.rows import Facts, Message, Row

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


def row(*said, kind="reply", split="train", system=()):
    roles = ("user", "assistant") * len(said)
    messages = [Message(role=role, content=text) for role, text in zip(roles, said, strict=False)]
    return Row.of(
        events=("e1", "e2"),
        statements=("s1",),
        messages=(*(Message(role="system", content=text) for text in system), *messages),
        split=split,
        group="g",
        facts=Facts(pair="p", kind=kind, style="formal"),
    )


def contents(made):
    return [[message.content for message in one.messages] for one in made]


conversations = st.lists(words, min_size=2, max_size=12).map(lambda said: said[: len(said) & ~1])


@given(conversations, st.sampled_from(["reply", "opening", "title", "continuation"]))
def test_her_words_their_events_and_their_consent_stay_as_they_are(said, kind):
    given_ = row(*said, kind=kind)
    for one in variants(given_):
        assert one.messages[-1] == given_.messages[-1]
        assert (one.events, one.statements) == (given_.events, given_.statements)
        assert (one.split, one.group, one.at) == (given_.split, given_.group, given_.at)
        assert one.facts == given_.facts


@given(conversations)
def test_there_are_two_variants_at_most_and_each_is_another_row(said):
    given_ = row(*said)
    made = list(variants(given_))
    ids = {given_.id, *(one.id for one in made)}
    assert len(made) <= 2
    assert len(ids) == len(made) + 1


@given(conversations)
def test_a_reply_loses_whole_messages_from_the_front_alone(said):
    given_ = row(*said)
    for one in variants(given_):
        assert one.messages == given_.messages[-len(one.messages) :]
        assert one.messages[0].role == "user"


@given(conversations, st.sampled_from(["reply", "opening"]))
def test_a_held_row_is_never_varied(said, kind):
    assert list(variants(row(*said, kind=kind, split="held"))) == []


def test_a_reply_is_given_the_last_exchange_and_half_of_what_was_said():
    made = variants(row(*"abcdefgh"))
    assert contents(made) == [["g", "h"], ["e", "f", "g", "h"]]


def test_what_the_system_said_stays():
    assert contents(variants(row(*"abcd", system=("be kind",)))) == [["be kind", "c", "d"]]


def test_a_request_of_ours_is_worded_otherwise_in_its_language():
    made = variants(row("Entwirf eine Mail zum Thema Umzug.", "ja", kind="opening"))
    assert contents(made) == [["Schreib eine Mail über Umzug.", "ja"]]


def test_the_words_of_others_are_never_reworded():
    assert list(variants(row("Go on.", "well then", kind="reply"))) == []
    assert list(variants(row("what did you eat?", "soup", kind="title"))) == []


def test_a_request_to_go_on_keeps_what_it_goes_on_from():
    said = ("Write a note about tea.", "First the water.", "Go on.", "Then the leaves.")
    for one in variants(row(*said, kind="continuation")):
        assert [message.content for message in one.messages[:2]] == list(said[:2])
        assert one.messages[2].content in WORDINGS["en"].more


ANSWERS = {
    "en": "this is what we have for you",
    "de": "das ist nicht für uns",
    "fr": "je ne sais pas, mais c'est pour nous",
    "es": "no sé qué es, pero es para ti",
    "it": "non so che cosa è, ma è per te",
    "pt": "não sei o que é, mas é para você",
    "nl": "ik weet het niet, maar het is voor jou",
    "pl": "nie wiem, co to jest, ale to dla mnie",
}


@pytest.mark.parametrize("language", WORDINGS)
@pytest.mark.parametrize("name", ["about", "bare", "again", "journal", "question", "more"])
def test_every_request_that_is_made_here_is_known_again(language, name):
    wordings = WORDINGS[language]
    filled = [
        option.format(it=wordings.note[1], what="tea", whom="Ada", day=wordings.days[2])
        for option in getattr(wordings, name)
    ]
    filled = [one[:1].upper() + one[1:] for one in filled]
    for one in filled:
        asked = row(one, ANSWERS[language], kind="title")
        found = {made.messages[0].content for made in variants(asked)}
        assert found <= set(filled) - {one}
        assert len(found) == min(2, len(filled) - 1)


def test_a_long_message_is_no_request():
    assert list(variants(row("Write to " + "x" * 5000 + ".", "ok", kind="opening"))) == []


def test_rare_is_below_a_twentieth_and_far_below_the_median():
    assert rare_styles({"plain": 900, "casual": 300, "terse": 300, "formal": 20}) == {"formal"}
    assert rare_styles({"plain": 9000, "casual": 30, "terse": 30}) == set()
    assert rare_styles({"plain": 30, "casual": 30, "terse": 30, "formal": 9}) == set()
    assert rare_styles({"plain": 10, "formal": 1}) == set()


def test_a_style_that_nobody_writes_is_not_rare():
    assert rare_styles({"plain": 900, "casual": 300, "formal": 0}) == set()
    assert rare_styles({}) == set()
