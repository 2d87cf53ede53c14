"""What a text is about: the shipped weights, measured on lines that they were not made from."""

import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.curate.tags import BUCKETS, TAGS, buckets, shipped, tags_of, words_of

HELD = Path(__file__).parents[2] / "benchmarks" / "curation.txt"
TYPE = "message.chat.direct.sent"

PLAIN = {
    "technical": ["The server crashes after the update.", "Der Server stürzt ab, Bug im Code."],
    "work": ["My boss wants the report for the client.", "Mein Chef will die Rechnung sehen."],
    "personal": ["I miss my mother and cried all night.", "Je t'aime, maman me manque."],
    "creative": ["I finished a poem about the moon.", "He escrito un poema sobre la luna."],
    "planning": ["Shall we meet on Friday at seven?", "Ci vediamo venerdì alle sette?"],
    "practical": ["Boil the potatoes and peel the onions.", "Kup mleko, chleb i jajka."],
    "opinion": ["Overrated, the worst film of the year.", "Ik vind het een slechte film."],
    "learning": ["I study for the chemistry exam.", "Estudo para o exame de química."],
}


@pytest.mark.parametrize(("tag", "text"), [(k, t) for k, ts in PLAIN.items() for t in ts])
def test_what_is_plainly_said_is_found(tag, text):
    assert tag in tags_of(text, TYPE)


@pytest.mark.parametrize("text", ["", "ok", "😀", "on the bus", "haha", "¿qué?", "1234"])
def test_what_says_nothing_has_no_tag(text):
    assert tags_of(text, TYPE) == ()


@given(st.text(max_size=300))
def test_tags_are_sorted_and_from_the_list(text):
    found = tags_of(text, TYPE)
    assert list(found) == sorted(set(found) & set(TAGS))


@given(st.lists(st.sampled_from(sorted(w for t in PLAIN for w in t.split())), min_size=1))
def test_neither_order_nor_repetition_of_words_makes_a_difference(words):
    assert tags_of(" ".join(words), TYPE) == tags_of(" ".join(sorted(words * 2)), TYPE)


def test_a_journal_is_personal_whatever_it_says():
    assert tags_of("Rain.", "document.journal.daily") == ("personal",)
    assert tags_of("The server crashes.", "document.journal") == ("personal", "technical")


def test_digits_are_alike():
    assert words_of("at 19:30") == words_of("at 07:45")


def test_a_word_is_known_by_its_parts():
    assert len(set(buckets("compiler")) & set(buckets("compilers"))) > len(buckets("compiler")) / 2
    assert all(0 <= one < BUCKETS for one in buckets("compiler"))


@pytest.mark.parametrize(
    "word", ["soup", "a", "käse", "naïve", "\U0001d51e\U0001d51f", "it's", "0000"]
)
def test_a_part_is_three_to_five_letters_of_the_framed_word(word):
    framed = f"<{word}>" if word.isalpha() else ""
    parts = [framed[at : at + n] for n in (3, 4, 5) for at in range(len(framed) - n + 1)]
    told = [word, *(f"~{part}" for part in parts)]
    assert buckets(word) == [zlib.crc32(one.encode()) % BUCKETS for one in told]


def test_there_are_weights_for_every_tag():
    assert len(shipped().words) == BUCKETS * len(TAGS)
    assert len(shipped().thresholds) == len(TAGS)


def test_a_long_text_is_read_at_its_beginning_alone():
    filler = "la " * 1000
    assert tags_of(filler + PLAIN["technical"][0], TYPE) == tags_of(filler, TYPE)


def test_tags_of_unseen_lines_are_right_and_most_are_found():
    """Figures are in the benchmark; this is what they may not fall below."""
    precision, recall = [], []
    lines = [line.partition(" | ") for line in HELD.read_text("utf-8").splitlines()]
    for tag in TAGS:
        said = [tag in tags_of(text, TYPE) for _, _, text in lines]
        true = [tag in about.split() for about, _, _ in lines]
        hits = sum(map(bool.__and__, said, true))
        precision.append(hits / sum(said))
        recall.append(hits / sum(true))
    assert sum(precision) / len(TAGS) >= 0.83
    assert sum(recall) / len(TAGS) >= 0.68


@pytest.fixture
def make_tags():
    return pytest.importorskip("projections.make_tags")


def test_there_are_enough_lines_of_every_tag_and_each_once(make_tags):
    lines = make_tags.lines()
    for tag in TAGS:
        assert sum(tag in one.tags for one in lines) >= 120
    assert sum(not one.tags for one in lines) >= 120
    assert len({one.text for one in lines}) == len(lines)


def test_lines_that_measure_are_none_that_teach(make_tags):
    held = {line.partition(" | ")[2] for line in HELD.read_text("utf-8").splitlines()}
    assert len(held) >= 200
    assert held.isdisjoint(one.text for one in make_tags.lines())


def test_the_same_lines_make_the_same_weights(make_tags):
    lines, words = make_tags.lines()[::15], make_tags.lexicon()[::60]
    made = make_tags.learned(lines, words)
    assert made == make_tags.learned(lines, words)
    assert len(made.words) == BUCKETS * len(TAGS)
    assert len(made.thresholds) == len(TAGS)
