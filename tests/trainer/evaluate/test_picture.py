"""Pictures of reports."""

import sys
from dataclasses import replace

import pytest

from tests.trainer.evaluate.test_report import report
from trainer.errors import TrainingError
from trainer.evaluate.picture import growth, page


def test_alike_reports_are_alike_pictures_without_anybodys_words():
    drawn = page(report(), "svg")
    assert drawn == page(replace(report(), samples=("other",)), "svg")
    assert b"so cold" not in drawn
    assert drawn != page(report(value=0.9), "svg")
    assert page(report(), "png").startswith(b"\x89PNG")


def test_growth_draws_what_was_measured():
    drawn = growth([report("twin-1"), report("twin-2", 0.55)], "svg")
    assert drawn.startswith(b"<?xml")
    assert drawn != growth([report("twin-1"), report("twin-2", 0.8)], "svg")


def test_without_the_library_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(TrainingError, match=r"twinvault\[eval\]"):
        page(report(), "svg")
