"""Rows as lines that fine-tuning tools read."""

import io
import json

import pytest

from projections.errors import ProjectionError
from projections.export import check, write
from projections.rows import Message, Row


def row(*messages):
    said = tuple(Message(role=role, content=content) for role, content in messages)
    return Row.of(events=("e",), statements=("s",), messages=said, split="train", group="g")


def test_every_row_of_the_view_is_one_valid_line(world):
    world.allow("message", "document", "message.chat.direct.received")
    world.collect(
        world.item("hi", "message.chat.direct.received"),
        world.item("hello\nyou — 🙂", minute=1),
        world.item("again", minute=90),
        world.item("note", "document.note", minute=2),
    )
    rows = world.rows()
    out = io.StringIO()
    assert write(rows, out) == len(rows) == 3
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert all(set(line) == {"messages"} for line in lines)
    assert all(line["messages"][-1]["role"] == "assistant" for line in lines)


@pytest.mark.parametrize(
    "messages",
    [
        (),
        (("user", "a"),),
        (("assistant", "a"),),
        (("user", "a"), ("user", "b"), ("assistant", "c")),
        (("user", " "), ("assistant", "c")),
    ],
)
def test_what_a_reader_would_refuse_is_refused_here(messages):
    with pytest.raises(ProjectionError):
        check(row(*messages))
