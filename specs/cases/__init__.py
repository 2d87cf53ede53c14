"""Cases of the test vectors, made from the formats' descriptions without the program's code.

A case is one file: fields, an empty line, and the bytes that a reader is given. What its
fields mean in each family is written in `vectors/README.md`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

__all__ = ["BAD_SIGNATURE", "FOREIGN", "MALFORMED", "SUCCESS", "Case", "Value", "flipped", "seed"]

SUCCESS = "success"
MALFORMED = "malformed"
FOREIGN = "foreign"
BAD_SIGNATURE = "bad signature"

Value = bytes | int | str | Sequence[bytes]

_DIGITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One vector: what is read, and what must come of it.

    What is read stands in `fields`, and in `body`, written as text where it is `readable`, or
    in `lines`, one for each record of a log.
    """

    family: str
    name: str
    comment: str
    expect: str = SUCCESS
    fields: Mapping[str, Value] = field(default_factory=dict)
    body: bytes | None = None
    lines: Sequence[str] | None = None
    readable: bool = False

    @property
    def path(self) -> str:
        """The file's name under `vectors/`."""
        return f"{self.family}/{self.name}.txt"

    def text(self) -> str:
        """Return what stands in the file."""
        lines = [f"expect: {self.expect}", f"comment: {self.comment}"]
        lines += [f"{name}: {_written(value)}".rstrip() for name, value in self.fields.items()]
        if self.lines is not None:
            return "\n".join([*lines, "body: records", "", *self.lines, ""])
        if self.body is None:
            return "\n".join(lines) + "\n"
        if self.readable:
            return "\n".join([*lines, "body: text", "", self.body.decode()])
        digits = self.body.hex()
        body = [digits[i : i + _DIGITS] for i in range(0, len(digits), _DIGITS)]
        return "\n".join([*lines, "body: hex", "", *body]) + "\n"


def _written(value: Value) -> str:
    match value:
        case bytes():
            return value.hex()
        case int():
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=True)
        case _:
            return " ".join(one.hex() for one in value)


def seed(name: str, size: int = 32) -> bytes:
    """Return bytes that look random and are always the same."""
    blocks: Iterable[bytes] = (
        sha256(f"{name} {i}".encode()).digest() for i in range(size // 32 + 1)
    )
    return b"".join(blocks)[:size]


def flipped(data: bytes, bit: int) -> bytes:
    """Return the same with one bit changed, counted from the first byte's lowest."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
