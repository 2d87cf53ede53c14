"""What parent and child of a collection say to each other."""

from collections.abc import Container
from dataclasses import dataclass, field

from vault.collectors.readers.tree import HEAD_MARK

__all__ = [
    "ANYBODY",
    "HEAD_MARK",
    "Finished",
    "Job",
    "Kind",
    "base_of",
    "file_of",
    "part_mark",
    "reader_of",
]


class Kind:
    """What a frame of the reading child holds."""

    ITEMS = b"i"
    CONTENT = b"c"
    BAD = b"b"
    FOUND = b"f"
    PROGRESS = b"p"
    REFUSED = b"r"
    FINISHED = b"o"
    REACHED = b"e"
    KEPT = b"k"
    SURVEYED = b"s"
    WARNING = b"w"
    UNTRUSTED = b"u"
    NEWER = b"n"


@dataclass(slots=True, kw_only=True)
class Job:
    """What a child is to read, and what earlier children of the same collection reached.

    `cursors` says by file who read it earlier (`mbox/1`, or `ANYBODY`) and where that ended;
    `kept` are files of the folder, or archives, that need not be read again, with those who
    read them.
    `others` are the sources that other packages declare.
    `but` are files and folders that are no part of it, by device and inode.
    `survey` reads only as much of each part as it takes to say what is in it.

    `found` parts were announced, the last as `part` of a `reader` (name and version) that
    `speaks_for` some sources, and `finished` ones read to their end, each with the files that were opened for it; `received` counts the records of each file
    of the unfinished part, `refused` those outside of parts; `fatal` says what killed a
    reader and how.
    """

    path: str
    me: list[str]
    source: str | None = None
    others: list[tuple[str, str, str]] = field(default_factory=list)
    cursors: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    kept: dict[str, list[str]] = field(default_factory=dict)
    but: list[tuple[int, int]] = field(default_factory=list)
    survey: bool = False
    found: int = 0
    part: str = ""
    reader: tuple[str, int] = ("", 0)
    speaks_for: list[str] = field(default_factory=list)
    finished: list[list[str]] = field(default_factory=list)
    refused: int = 0
    received: dict[str, int] = field(default_factory=dict)
    fatal: dict[str, str] = field(default_factory=dict)


ANYBODY = "*"
"""Stands for every reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a child says of a part that it has read: its files, and what was opened for it."""

    own: list[str]
    opened: list[str]


def file_of(locator: str) -> str:
    """Return the file of a locator `path#offset`."""
    path, mark, offset = locator.rpartition("#")
    return path if mark and (offset.isdigit() or mark + offset == HEAD_MARK) else locator


def base_of(path: str, files: Container[str]) -> str:
    """Return which of the files of the machine a path of the tree is, or lies in; else nothing."""
    if path in files:
        return path
    ends = (end for end, letter in enumerate(path) if letter == "!")
    return next((path[:end] for end in ends if path[:end] in files), "")


def reader_of(name: str, version: int) -> str:
    """Return what names a source as it reads today."""
    return f"{name}/{version}"


def part_mark(number: int) -> str:
    """Return the place that stands for a whole part, before any of its files is opened."""
    return f"#part{number}"
