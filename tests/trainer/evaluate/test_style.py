"""Whom the judge tells apart, and whom it cannot."""

import sys

import pytest

from tests.trainer.evaluate.conftest import HIS, talk
from trainer.errors import TrainingError
from trainer.evaluate.style import Sides, masked, style, tell
from trainer.evaluate.texts import frequent

PLAIN = {"i", "had", "the", "so", "w"}


def sides(twin):
    return Sides(hers=talk(0, 60), twin=twin, own=talk(1, 60), strangers=talk(2, 60, HIS))


def test_two_halves_of_one_person_are_not_told_apart():
    told = tell(talk(0, 60), talk(1, 60), repeats=1)
    assert told.low < 0.5 < told.high
    assert told.n == (60, 60)


def test_another_person_is_told_apart_always():
    assert tell(talk(0, 60), talk(1, 60, HIS), repeats=1).auc > 0.99


def test_a_good_twin_lies_at_the_floor_and_a_bad_one_at_the_ceiling():
    good, masked_good = style(sides(talk(3, 60)), kept=PLAIN, repeats=1)
    bad, masked_bad = style(sides(talk(3, 60, HIS)), kept=PLAIN, repeats=1)
    assert good.low < good.floor + 0.1 < bad.low
    assert bad.value == pytest.approx(bad.ceiling, abs=0.02)
    assert masked_good.value < 0.65
    assert masked_bad.value > 0.95


def test_masking_keeps_function_words_marks_and_case_and_nothing_else():
    assert masked(["I had 20 leeks, HONESTLY! Żółw"], PLAIN) == ["I had 00 w, W! V"]


def test_the_same_manner_about_other_matters_is_one_style_once_content_is_masked():
    soup = [text.replace("soup", "leeks").replace("boat", "stove") for text in talk(0, 80)]
    ships = [text.replace("soup", "cargo").replace("boat", "ferry") for text in talk(1, 80)]
    kept = frequent(["so i had w"], 10)
    assert tell(soup, ships, repeats=1).auc > 0.8
    assert tell(masked(soup, kept), masked(ships, kept), repeats=1).low < 0.5


def test_too_few_texts_give_no_verdict():
    found = style(sides(talk(3, 8)), kept=PLAIN, repeats=1)
    assert [(one.value, one.n) for one in found] == [(None, 8), (None, 8)]


def test_without_the_library_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(TrainingError, match=r"twinvault\[eval\]"):
        tell(talk(0, 10), talk(1, 10))
