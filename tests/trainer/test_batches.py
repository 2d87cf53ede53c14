import random
from collections import Counter

from trainer.batches import batches


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


def test_epochs_and_slices_are_ordered_differently(rows, toy):
    whole = ids(batches(rows, [], toy, 0))
    assert whole[: len(whole) // 2] != whole[len(whole) // 2 :]
    assert ids(batches(rows, [], toy, 1)) != whole[: len(whole) // 2]
