"""What a text is about, where that is sensitive: by its most telling passage, in linear time."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.embed import chosen, pieces
from projections.sensitive import (
    BUCKETS,
    CATEGORIES,
    FINE,
    SHARE,
    Classifier,
    buckets,
    passages,
    probability,
    share,
    shipped,
)
from tests.linear import growth
from vault.consent import SENSITIVE


@pytest.fixture(scope="module")
def classifier():
    return Classifier(chosen("static"))


def labels(classifier, text):
    [judged] = classifier.judge([text])
    return {
        label
        for label, logit, least in zip(CATEGORIES, judged.logits, classifier.threshold, strict=True)
        if logit >= least
    }


PLAIN = {
    "health": [
        "my sister was diagnosed with breast cancer and starts chemo on monday",
        "the doctor put me on antidepressants after the panic attacks",
    ],
    "sexuality": ["i told my mum that i'm gay", "i slept with my ex last night"],
    "religion": ["i go to mass every sunday", "my husband converted to islam"],
    "politics": ["i voted for the greens and i'm a member of the party"],
    "ethnicity": ["as a black woman i am the only one in the office"],
    "crime": ["my brother was arrested for burglary and is in prison"],
    "finance": ["we are behind on the mortgage and i owe the bank 12,000"],
    "minors": ["my daughter is eight and her school trip is on friday"],
}
ORDINARY = [
    "see you at the station at nine",
    "the soup needs more salt",
    "what time is the boat?",
    "great goal in the last minute",
    "could you send me the slides before noon",
    "i finished the book last night",
]


@pytest.mark.parametrize(("label", "text"), [(k, t) for k, ts in PLAIN.items() for t in ts])
def test_what_is_plainly_said_is_found(classifier, label, text):
    assert label in labels(classifier, text)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_words_have_no_label(classifier, text):
    assert labels(classifier, text) == set()


def test_one_passage_labels_a_long_text(classifier):
    filler = "The harbour was grey and the boats lay still in the rain. " * 40
    assert "health" not in labels(classifier, filler)
    told = f"{filler}\nThey found cancer in my liver and the chemo starts on monday.\n{filler}"
    assert "health" in labels(classifier, told)


def test_the_categories_are_those_of_consent_that_words_can_have():
    assert set(CATEGORIES) == SENSITIVE - {"location"}


@pytest.mark.parametrize("word", ["soup", "a", "käse", "\U0001d51e\U0001d51f", "it's", "#4"])
def test_a_part_is_three_to_five_letters_of_the_framed_word(word):
    framed = f"<{word}>" if word.isalpha() else ""
    parts = [framed[at : at + n] for n in (3, 4, 5) for at in range(len(framed) - n + 1)]
    told = [word, *(f"~{part}" for part in parts)]
    assert list(buckets([word])) == [zlib.crc32(one.encode()) % BUCKETS for one in told]


def test_a_score_is_a_probability_to_three_places():
    assert [probability(logit) for logit in (-32_000, 0, 32_000)] == [0.0, 0.5, 1.0]
    assert probability(1) == 0.5


def test_every_embedder_with_weights_has_them_for_every_category():
    for head in shipped().values():
        assert len(head.vector) == len(head.bias) == len(head.threshold) == len(CATEGORIES)
    assert chosen("static").version in shipped()
    assert {version.partition("-")[0] for version in shipped()} == {"static", "minilm"}


class Other:
    """An embedder for which no weights ship."""

    version = "sentence-abc"
    size = 384

    def embed(self, texts):
        return [(32_000, *(0,) * 383) for _ in texts]


def test_an_embedder_without_weights_of_its_own_has_its_texts_judged_by_what_ships(classifier):
    text = PLAIN["health"][0]
    other = Classifier(Other())
    [judged] = other.judge([text])
    assert judged.logits == classifier.judge([text])[0].logits
    assert judged.vectors == (Other().embed([text])[0],)


def slowly(head, text):
    """A passage's logits by their definition, without tables."""
    words = pieces(text)
    found = [0] * len(CATEGORIES)
    for bucket in buckets(words):
        row = memoryview(head.words).cast("b")[bucket * len(found) : (bucket + 1) * len(found)]
        found = list(map(int.__add__, found, row))
    scale = share(len(set(words))) * head.scale
    [vector] = chosen("static").embed([text])
    return tuple(
        (sum(map(int.__mul__, weights, vector)) >> FINE) + bias + (value * scale >> 2 * SHARE)
        for weights, bias, value in zip(head.vector, head.bias, found, strict=True)
    )


WORDS = ["my", "mum's", "chemo", "WAS", "is", "on", "Tür", "12", "£9", "boat", "!!", "ż"]


@given(words=st.lists(st.sampled_from(WORDS)))
def test_logits_are_those_of_the_definition_whatever_is_read_beside(classifier, words):
    text = " ".join(["the", *words])[:200]
    head = shipped()[chosen("static").version]
    alone, beside = classifier.judge([text]), classifier.judge(["a boat", "", text, "my gp rang"])
    assert alone[0] == beside[2]
    assert alone[0].logits == slowly(head, text)


def test_words_that_were_forgotten_say_the_same_again(classifier, monkeypatch):
    texts = [line for lines in PLAIN.values() for line in lines]
    before = classifier.judge(texts)
    monkeypatch.setattr("projections.embed._CACHED", 1)
    after = [judged for text in texts for judged in classifier.judge([text])]
    assert after == before


def test_passages_hold_every_word_once_and_are_short():
    text = "one two. three " * 300 + "x" * 2000 + "\nend"
    found = passages(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert max(map(len, found)) <= 320


def test_ten_megabytes_take_time_in_proportion(classifier):
    line = "the boat leaves the harbour at nine and comes back with the tide. "

    def judge(size):
        [judged] = classifier.judge([(line * (size // len(line) + 1))[:size]])
        assert len(judged.vectors) <= 4 * len(CATEGORIES)

    assert growth(judge, 500_000, 4_000_000) < 30


@pytest.mark.parametrize("text", ["4821", "50 120", "19:30!", "£38"])
def test_numbers_alone_are_about_nothing(classifier, text):
    assert labels(classifier, text) == set()


@pytest.mark.parametrize(
    "text",
    ["", "👩‍👩‍👧" * 2000, "\ud800\udfff", "مرحبا", "a" * 300_000, "." * 300_000, "\n" * 9999],
)
def test_bad_text_is_judged_all_the_same(classifier, text):
    [judged] = classifier.judge([text])
    assert len(judged.logits) == len(CATEGORIES)
