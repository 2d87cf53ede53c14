"""How near replies are to those that were really given."""

import pytest

from projections.embed import chosen
from projections.rows import Message, Row
from trainer.evaluate.facts import relevance

SAID = [
    "the boat leaks at the stern",
    "soup is on the stove",
    "my train was cancelled again",
    "we painted the fence green",
    "the dog ate a whole loaf",
    "nobody came to choir practice",
]


def row(number: int, said: str) -> Row:
    return Row.of(
        events=(f"e{number}", f"thread-{number // 2}"),
        statements=("s",),
        messages=(Message(role="user", content="and?"), Message(role="assistant", content=said)),
        split="held",
        group="g",
    )


ROWS = [row(number, said) for number, said in enumerate(SAID)]


@pytest.mark.parametrize("embedder", [None, chosen("static")])
def test_what_was_really_said_is_nearest_and_what_was_said_elsewhere_far(embedder):
    same = relevance(ROWS, SAID, embedder=embedder)
    assert same.value == pytest.approx(1.0, abs=1e-3)
    assert same.floor < 0.5 < same.low <= same.value <= same.high + 1e-9
    assert same.n == len(ROWS)


def test_replies_beside_the_point_fall_to_the_floor():
    mixed = relevance(ROWS, [*SAID[1:], SAID[0]])
    assert mixed.value < 0.2
    assert set(mixed.worst) == {one.id for one in ROWS}


def test_the_ceiling_is_of_replies_that_share_a_conversation():
    rows = [row(0, "soup again"), row(1, "soup with bread"), row(2, "no trains")]
    assert relevance(rows, ["a", "b", "c"]).ceiling == pytest.approx(2 / 3)
    assert relevance(rows[1:], ["b", "c"]).ceiling is None


def test_without_rows_there_is_nothing_to_say():
    found = relevance([], [])
    assert (found.value, found.low, found.floor, found.n, found.worst) == (None, None, None, 0, ())


def test_the_worst_rows_come_first_and_the_same_seed_says_the_same():
    replies = [SAID[0], "no idea", *SAID[2:]]
    found = relevance(ROWS, replies, seed=3)
    assert found.worst[0] == ROWS[1].id
    assert found == relevance(ROWS, replies, seed=3)
