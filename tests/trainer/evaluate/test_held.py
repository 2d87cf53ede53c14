"""What replies cost."""

import math

import pytest

from tests.trainer.evaluate.conftest import example
from trainer.evaluate.held import Cost, bits_per_byte, costs, groups, hardest


def test_batches_and_order_change_no_cost(taught, coded):
    rows = [*coded, example(99, "a much longer reply than all of the others " * 3)]
    together = costs(taught, [row.messages for row in rows])
    alone = [costs(taught, [row.messages])[0] for row in reversed(rows)]
    assert [one.bits for one in together] == pytest.approx([one.bits for one in alone[::-1]], 1e-4)


def test_costs_are_those_of_the_loss_that_is_learned(taught, coded):
    rows = [row.messages for row in coded]
    total, count = taught.loss([taught.tokens.example(messages) for messages in rows])
    found = costs(taught, rows)
    assert sum(one.bits for one in found) == pytest.approx(total.item() / math.log(2), rel=1e-5)
    assert sum(one.tokens for one in found) == count


def test_what_was_learned_costs_less_than_what_was_not(taught, untaught, coded):
    known, new = (costs(taught, [row.messages for row in coded[at]]) for at in
                  (slice(12), slice(12, 24)))  # fmt: skip
    before = costs(untaught, [row.messages for row in coded[:12]])
    learned = bits_per_byte("held_bits_per_byte", known, before, coded[:12])
    unseen = bits_per_byte("held_bits_per_byte", new, before, coded[12:])
    assert learned.high < unseen.low
    assert learned.value < 0.3 * learned.ceiling


def test_groups_go_by_type_and_source_and_the_odd_row_is_named():
    rows = [example(number, "x" * (10 + number)) for number in range(20)]
    paid = [Cost(bits=20.0 + row, size=10 + row, tokens=5) for row in range(20)]
    paid[7] = Cost(bits=300.0, size=17, tokens=5)
    assert hardest(paid, rows, most=1) == ("pair-7",)
    found = groups(paid, paid, rows)
    assert [(group.by, group.name, group.rows) for group in found] == [
        ("type", "message.chat", 20),
        ("source", "phone", 20),
    ]
    assert found[0].worst[0] == "pair-7"


def test_no_row_is_no_number():
    assert bits_per_byte("held_bits_per_byte", [], [], []).value is None
