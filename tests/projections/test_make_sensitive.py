"""The weights of labels are made from lines that are in the repository, the same way every time."""

from collections import Counter
from random import Random

import numpy as np
import pytest

pytest.importorskip("sklearn")

from projections import make_sensitive
from projections.embed import Static, Table, chosen, pieces, similarity
from projections.make_embed import table
from projections.sensitive import CATEGORIES


@pytest.fixture(scope="module")
def lines():
    return make_sensitive.examples()


def test_there_are_enough_lines_of_every_kind_and_each_once(lines):
    written = [one for one in lines if one.written]
    counts = Counter(name for one in written for name in one.categories)
    assert counts["health"] >= 150
    assert min(counts[name] for name in CATEGORIES) >= 80
    assert sum(not one.categories for one in written) >= 600
    texts = Counter(one.text for one in written)
    assert [text for text, count in texts.items() if count > 1] == []


def test_frames_make_the_same_whole_sentences_every_time(lines):
    framed = [one for one in lines if not one.written]
    assert framed == [one for one in make_sensitive.examples() if not one.written]
    assert all("{" not in one.text and one.text.strip() for one in framed)
    assert all(one.categories <= set(CATEGORIES) for one in framed)


def test_a_head_finds_what_lines_that_it_did_not_learn_from_are_about(lines):
    """On a few lines: the machinery, not the figures."""
    written = [one for one in lines if one.written]
    few = Random(0).sample(written, 700) + [one for one in lines if not one.written][::40]
    public = [f"the boat leaves at {number} and the soup is warm" for number in range(60)]
    vectors = np.array(chosen("static").embed([*(one.text for one in few), *public])) / 32_000
    head, found = make_sensitive.head(make_sensitive.lines_of(few, public, vectors), 0.8)
    assert len(head.vector) == len(head.threshold) == len(found) == len(CATEGORIES)
    assert len(head.vector[0]) == chosen("static").size
    assert all(0 <= value <= 1 for one in found for value in one)
    opinions = make_sensitive.opinions(head, make_sensitive.lines_of(few, public, vectors))
    assert opinions.shape == (60, len(CATEGORIES))
    assert opinions.max() < 0.5


def test_a_table_that_was_distilled_puts_texts_where_the_teacher_does(monkeypatch):
    monkeypatch.setattr("projections.make_embed.SIZE", 2)
    sea, food = np.array([1.0, 0.0, 0.1]), np.array([0.0, 1.0, 0.1])
    said = [("boat harbour tide", sea), ("soup bread salt", food)] * 20
    words = sorted({word for text, _ in said for word in pieces(text)})
    alone = [sea if word in "boat harbour tide" else food for word in words]
    made = table([text for text, _ in said], np.array([v for _, v in said]), words, np.array(alone))
    assert isinstance(made, Table)
    boat, tide, soup = Static(made.packed()).embed(["the boat", "tide", "soup"])
    assert similarity(boat, tide) > 0.9
    assert similarity(boat, soup) < 0.1
