"""The weights of labels are made from lines that are in the repository, the same way every time."""

from collections import Counter
from random import Random

import numpy as np
import pytest

pytest.importorskip("sklearn")

from benchmarks.redaction.reading import labelled
from projections import make_sensitive
from projections.embed import Static, Table, chosen, pieces, similarity
from projections.make_embed import table
from projections.sensitive import CATEGORIES


@pytest.fixture(scope="module")
def lines():
    return make_sensitive.examples()


def test_there_are_enough_lines_of_every_kind_and_each_once(lines):
    written = [one for one in lines if one.written]
    counts = Counter(name for one in written if not one.told for name in one.categories)
    assert counts["health"] >= 150
    assert min(counts[name] for name in CATEGORIES) >= 80
    assert sum(not one.categories for one in written if not one.told) >= 600
    told = Counter((one.told, bool(one.categories)) for one in written if one.told)
    assert min(told[name, holds] for name in CATEGORIES for holds in (True, False)) >= 700
    texts = Counter(one.text for one in written)
    assert [text for text, count in texts.items() if count > 1] == []


def test_frames_make_the_same_whole_sentences_every_time(lines):
    framed = [one for one in lines if not one.written]
    assert framed == [one for one in make_sensitive.examples() if not one.written]
    assert all("{" not in one.text and one.text.strip() for one in framed)
    assert all(one.categories <= set(CATEGORIES) for one in framed)


def test_a_variant_is_said_in_several_ways_and_what_only_sounds_like_it_is_about_nothing(lines):
    said = {one.text: one.categories for one in lines}
    taken = [about for text, about in said.items() if text.startswith("i nicked ")]
    chips = [about for text, about in said.items() if text.endswith("a chip, sorry not sorry")]
    assert taken == [{"crime"}] * len(taken) != []
    assert chips == [set()] * len(chips) != []


def test_nothing_is_learned_that_says_six_words_of_a_line_to_measure_on(lines):
    kept = [text for said in make_sensitive.marked("unseen").values() for text, _ in said]
    kept += [text for name in CATEGORIES for text, _ in labelled(f"{name}.txt")]
    runs = {run for text in kept for run in make_sensitive.runs(text)}
    assert len(runs) > 3000
    assert [one.text for one in lines if runs & make_sensitive.runs(one.text)] == []


def test_lines_to_measure_on_are_there_for_every_matter_both_ways():
    for name in CATEGORIES:
        holds = [so for _, so in make_sensitive.marked("unseen")[name]]
        assert min(sum(holds), len(holds) - sum(holds)) >= 30


def test_what_was_told_of_one_matter_says_nothing_sure_of_another():
    health, told = (
        CATEGORIES.index("health"),
        make_sensitive.Example("x", frozenset(), told="health"),
    )
    plain = make_sensitive.Example("y", frozenset({"crime"}))
    lines = make_sensitive.lines_of([told, plain], ["z"], chosen("static"))
    assert lines.sure[0].tolist() == [at == health for at in range(len(CATEGORIES))]
    assert lines.sure[1].all()
    assert not lines.sure[2].any()
    assert {one.told for one in make_sensitive.examples() if one.written} == {"", *CATEGORIES}


def test_a_head_is_in_whole_numbers_and_says_what_it_finds_of_unseen_lines(lines):
    """On a few lines: the machinery, not the figures."""
    few = Random(0).sample(lines, 900)
    public = [f"the boat leaves at {number} and the soup is warm" for number in range(60)]
    static = chosen("static")
    unseen = make_sensitive.unseen(public[:20], static)
    head, found = make_sensitive.head(
        make_sensitive.lines_of(few, public[20:], static), unseen, 0.8
    )
    assert len(head.vector) == len(head.threshold) == len(found) == len(CATEGORIES)
    assert len(head.vector[0]) == static.size
    assert all(0 <= threshold <= 1000 for threshold in head.threshold)
    assert all(0 <= value <= 1 for one in found for value in one)
    again, _ = make_sensitive.head(make_sensitive.lines_of(few, public[20:], static), unseen, 0.8)
    assert make_sensitive.packed({"one": head}) == make_sensitive.packed({"one": again})


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
