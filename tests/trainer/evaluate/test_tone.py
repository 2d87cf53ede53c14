"""How far habits lie apart."""

import pytest

from tests.trainer.evaluate.conftest import HIS, talk
from trainer.evaluate.style import Sides
from trainer.evaluate.tone import HABITS, distance, tone


def test_the_same_texts_are_at_no_distance_and_strangers_at_a_whole_bit():
    for habit in HABITS.values():
        assert distance(["ok!", "so."], ["so.", "ok!"], habit) == 0
    assert distance(["ok!"] * 3, ["Ok."] * 3, HABITS["end"]) == pytest.approx(1)
    assert distance(["THIS LOUD"], ["so quiet"], HABITS["capitals"]) == pytest.approx(1)


def test_the_distance_is_that_of_jensen_and_shannon():
    # By hand: .8113 bits of the mixture (3/4, 1/4), less half of the one bit of (1/2, 1/2).
    assert distance(["ok!", "ok?"], ["ok!"], HABITS["end"]) == pytest.approx(0.3113, abs=1e-4)


def test_each_habit_is_seen_where_it_differs_alone():
    apart = {
        "length": ("ok", "okokokokokokok"),
        "words": ("ok", "o k o k o k o k"),
        "end": ("ok!", "ok?"),
        "marks": ("o, k", "o; k"),
        "capitals": ("Ok", "ok"),
        "signs": ("ok \N{GRINNING FACE}", "ok \N{PILE OF POO}"),
        "politeness": ("ok danke", "ok dachs"),
        "register": ("see you", "# Head\n\ntext"),
    }
    assert {name: distance([a], [b], HABITS[name]) for name, (a, b) in apart.items()} == (
        pytest.approx(dict.fromkeys(HABITS, 1.0))
    )


def test_a_stranger_is_further_in_tone_than_more_of_her():
    texts = {"hers": talk(0, 60), "own": talk(1, 60), "strangers": talk(2, 60, HIS)}
    near = tone(Sides(twin=talk(3, 60), **texts))[0]
    far = tone(Sides(twin=talk(3, 60, HIS), **texts))[0]
    assert near.low <= near.value <= near.high < far.low
    assert near.floor < far.ceiling
    assert near.value < 3 * near.floor
    assert far.value == pytest.approx(far.ceiling, rel=0.2)
