"""What a line of a file of conversations is, and what no reader of such lines takes."""

from collections.abc import Sequence

import msgspec

from projections.rows import Message

__all__ = ["fault", "one_line"]

_encode = msgspec.json.Encoder().encode
_ENDS = tuple((end.encode(), f"\\u{ord(end):04x}".encode()) for end in "\x85\u2028\u2029")


def one_line(said: object) -> bytes:
    r"""Return JSON that is one line for every reader, without its end.

    What some readers take for the end of a line (U+0085, U+2028, U+2029) is escaped.
    """
    line = _encode(said)
    for end, escaped in _ENDS:
        line = line.replace(end, escaped)
    return line


def fault(messages: Sequence[Message]) -> str:
    """Say why no reader takes a conversation; nothing where there is nothing wrong with it."""
    said = messages[1:] if messages and messages[0].role == "system" else messages
    roles = [message.role for message in said]
    if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
        return "is not a conversation that ends with an answer"
    if not all(message.content.strip() for message in messages):
        return "has a message without words"
    return ""
