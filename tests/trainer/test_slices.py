import random
from dataclasses import replace

import pytest

from projections.rows import Message
from trainer.errors import NothingPermitted
from trainer.slices import plan
from vault.errors import ConsentError


def names(planned):
    return [slice_.state for slice_ in planned.slices]


def test_a_plan_is_a_pure_function_of_its_rows(rows, toy, here):
    shuffled = random.Random(3).sample(rows, len(rows)) + rows[:5]
    assert plan(shuffled, toy, here) == plan(rows, toy, here)


def test_few_rows_are_one_slice_and_more_rows_are_more(rows, toy, here):
    assert len(plan(rows[:9], toy, here).slices) == 1
    assert len(plan(rows, toy, here).slices) == 4


def test_a_removed_row_renames_its_own_and_later_states_only(rows, toy, here):
    whole = plan(rows, toy, here)
    for index, slice_ in enumerate(whole.slices):
        without = whole.without({slice_.rows[-1].id})
        assert names(without)[:index] == names(whole)[:index]
        assert not set(names(without)[index:]) & set(names(whole))


def test_a_whole_class_stands_together(rows, toy, here):
    groups = [row.group for row in plan(rows, toy, here).rows]
    assert groups == sorted(groups)


def test_a_row_whose_words_changed_under_its_id_renames_the_state(rows, toy, here):
    forged = replace(rows[3], messages=(Message(role="assistant", content="never said"),))
    other = plan([forged, *rows[:3], *rows[4:]], toy, here)
    assert names(other)[-1] != names(plan(rows, toy, here))[-1]


def test_another_recipe_environment_or_foundation_renames_every_state(rows, toy, here):
    whole = set(names(plan(rows, toy, here)))
    elsewhere = replace(here, instructions="AVX2")
    assert not whole & set(names(plan(rows, replace(toy, seed=1), here)))
    assert not whole & set(names(plan(rows, toy, elsewhere)))
    other = replace(plan(rows, toy, here).foundation, digest="00")
    assert not whole & set(names(plan(rows, toy, here, other)))


def test_held_rows_shape_no_state(rows, toy, here):
    learned = [row for row in rows if row.split == "train"]
    assert names(plan(learned, toy, here)) == names(plan(rows, toy, here))


def test_nothing_to_learn_from_or_one_row_is_a_refusal_of_consent(rows, toy, here):
    held = [row for row in rows if row.split == "held"]
    for few, words in ((held, "No permitted row"), ([*held, rows[0]], "One permitted row")):
        with pytest.raises(NothingPermitted, match=f"{words}.* allow") as refusal:
            plan(few, toy, here)
        assert isinstance(refusal.value, ConsentError)
    assert len(plan([*held, *rows[:2]], toy, here).rows) == 2
