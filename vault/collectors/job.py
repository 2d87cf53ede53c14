"""What parent and child of a collection say to each other."""

from dataclasses import dataclass, field

from vault.collectors.readers.tree import HEAD_MARK

__all__ = ["HEAD_MARK", "Job", "Kind", "file_of", "part_mark"]


class Kind:
    """What a frame of the reading child holds."""

    ITEMS = b"i"
    BAD = b"b"
    FOUND = b"f"
    PROGRESS = b"p"
    REFUSED = b"r"
    FINISHED = b"o"
    WARNING = b"w"
    UNTRUSTED = b"u"
    NEWER = b"n"


@dataclass(slots=True, kw_only=True)
class Job:
    """What a child is to read, and what earlier children of the same collection reached.

    `found` parts were announced, the last as `part`, and `finished` ones read to their end, each with the files
    that were opened for it; `received` counts the records of each file of the unfinished
    part, `refused` those outside of parts; `fatal` says what killed a reader and how.
    """

    path: str
    me: list[str]
    source: str | None = None
    cursor: bytes | None = None
    found: int = 0
    part: str = ""
    finished: list[list[str]] = field(default_factory=list)
    refused: int = 0
    received: dict[str, int] = field(default_factory=dict)
    fatal: dict[str, str] = field(default_factory=dict)


def file_of(locator: str) -> str:
    """Return the file of a locator `path#offset`."""
    path, mark, offset = locator.rpartition("#")
    return path if mark and (offset.isdigit() or mark + offset == HEAD_MARK) else locator


def part_mark(number: int) -> str:
    """Return the place that stands for a whole part, before any of its files is opened."""
    return f"#part{number}"
