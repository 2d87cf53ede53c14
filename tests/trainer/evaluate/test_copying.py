"""What is repeated letter by letter, and what is no word."""

from tests.trainer.evaluate.conftest import example
from trainer.evaluate.copying import copied, copying, strangeness

SAID = "six leeks, butter, patience and half an hour at the slip"
ROWS = [example(0, "something else entirely"), example(1, SAID)]


def test_a_planted_copy_is_found_and_named():
    found = copying([f"well {SAID[:40]} then", "nothing"], ["my own words"], ROWS)
    assert (found.value, found.floor, found.n, found.worst) == (0.5, 0, 2, ("pair-1",))


def test_thirty_characters_are_a_copy_and_twenty_nine_are_none():
    assert copied([SAID[:30], SAID[1:30]], [SAID]) == [[0], []]


def test_her_own_repetitions_are_the_floor():
    assert copying(["x"], [SAID, "y", "z", "w"], ROWS).floor == 0.25


def test_words_that_stand_in_no_row_are_counted_on_both_sides():
    found = strangeness(["six leks"], ["Butter. Patience? of 7 ducks"], ROWS)
    assert (found.value, found.floor, found.n) == (0.5, 0.25, 2)


def test_nothing_said_is_no_share():
    found = copying([], [], ROWS)
    assert (found.value, found.floor, found.n) == (None, None, 0)
    assert strangeness([], [], ROWS).high is None
