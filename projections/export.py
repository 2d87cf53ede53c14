"""Rows as the chat `messages` JSON Lines that fine-tuning tools read."""

import json
from collections.abc import Iterable
from typing import TextIO

from projections.errors import ProjectionError
from projections.rows import Row

__all__ = ["check", "line", "write"]


def line(row: Row) -> str:
    """Return one row as one line."""
    check(row)
    said = [{"role": message.role, "content": message.content} for message in row.messages]
    return json.dumps({"messages": said}, ensure_ascii=False)


def write(rows: Iterable[Row], out: TextIO) -> int:
    """Write rows as lines; return how many."""
    count = 0
    for row in rows:
        out.write(line(row) + "\n")
        count += 1
    return count


def check(row: Row) -> None:
    """Refuse a row that a reader of the format would refuse.

    Raises:
        ProjectionError: Roles do not alternate from user to assistant, or nothing is said.
    """
    roles = [message.role for message in row.messages if message.role != "system"]
    wanted = ["user", "assistant"] * (len(roles) // 2)
    if not roles or roles != wanted or not all(m.content.strip() for m in row.messages):
        raise ProjectionError(
            f"The row {row.id[:12]} is not a conversation that ends with an answer."
        )
