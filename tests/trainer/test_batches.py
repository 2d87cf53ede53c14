import random
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.rows import Message
from trainer.batches import batches, course, steps


def ids(found):
    return [[row.id for row in batch] for batch in found]


def test_batches_do_not_depend_on_the_order_in_which_rows_came(rows, toy):
    shuffled = random.Random(1).sample(rows, len(rows))
    assert ids(batches(shuffled, [], toy, 0)) == ids(batches(rows, [], toy, 0))


def test_every_row_is_learned_once_an_epoch(rows, toy):
    seen = Counter(row.id for batch in batches(rows, [], toy, 0) for row in batch)
    assert set(seen.values()) == {int(toy.epochs)}
    assert len(seen) == len(rows)


def test_a_later_slice_rehearses_its_share_of_earlier_rows(rows, toy):
    own, earlier = rows[:8], rows[8:]
    seen = [row.id for batch in batches(own, earlier, toy, 1) for row in batch]
    assert sum(id_ in {row.id for row in earlier} for id_ in seen) == 4


def test_rows_of_like_length_share_a_batch(make_row, toy):
    rows = [make_row(at, words="so " * (1 + at % 40)) for at in range(64)]
    spread = [
        max(len(row.messages[-1].content) for row in batch)
        - min(len(row.messages[-1].content) for row in batch)
        for batch in batches(rows, [], toy, 0)
    ]
    assert max(spread) < 40


def test_length_is_that_of_all_that_is_read(make_row, toy):
    """The third message back is context where a recipe has enough of it, and else is not read."""

    def spread(context):
        found = batches(rows, [], replace(toy, context=context), 0)
        lengths = [[len(row.messages[0].content) for row in batch] for batch in found]
        return max(max(batch) - min(batch) for batch in lengths)

    before = (Message(role="user", content="b"), Message(role="assistant", content="c"))
    rows = []
    for at in range(64):
        row = make_row(at, words="so")
        old = Message(role="user", content="a" * (1 + 20 * (at % 8)))
        rows.append(replace(row, messages=(old, *before, *row.messages[-2:])))
    assert spread(4) < spread(1)


def test_epochs_and_slices_are_ordered_differently(rows, toy):
    whole = ids(batches(rows, [], toy, 0))
    assert whole[: len(whole) // 2] != whole[len(whole) // 2 :]
    assert ids(batches(rows, [], toy, 1)) != whole[: len(whole) // 2]


shapes = st.fixed_dictionaries(
    {
        "batch": st.integers(1, 9),
        "accumulate": st.integers(1, 5),
        "patience": st.integers(0, 2),
        "epochs": st.sampled_from([0.5, 1.0, 2.5]),
        "rehearsal": st.sampled_from([0.0, 0.7, 3.0]),
    }
)


@given(shape=shapes, own=st.integers(1, 40), number=st.integers(0, 1))
@settings(max_examples=60, deadline=None)
def test_steps_are_counted_without_being_ordered(rows, toy, shape, own, number):
    recipe, earlier = replace(toy, **shape), rows[own:]
    taken = course(rows[:own], earlier, recipe, number)
    assert taken.steps == steps(rows[:own], earlier, recipe, number)
    assert all(len(step) <= recipe.accumulate for epoch in taken.epochs for step in epoch)
    assert all(
        len(epoch[0]) == min(recipe.accumulate, sum(map(len, epoch)))
        for epoch in taken.epochs
        if epoch
    )


def test_watched_rows_are_few_chosen_by_their_ids_and_kept_out_of_their_slice(make_row, toy):
    rows = [make_row(at) for at in range(80)]
    watching = replace(toy, patience=1)
    taken = course(rows, [], watching, 0)
    shuffled = course(rows[::-1], [], watching, 0)
    assert taken.watched == shuffled.watched
    assert len(taken.watched) == 5
    seen = {row.id for epoch in taken.epochs for step in epoch for batch in step for row in batch}
    assert seen == {row.id for row in rows} - {row.id for row in taken.watched}
    assert course(rows, [], toy, 0).watched == ()
    assert course(rows[:15], [], watching, 0).watched == ()
