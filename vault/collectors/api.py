"""What a source is, and what a collection says besides its items."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from vault.collectors.readers.tree import Tree
from vault.errors import CollectError
from vault.items import Bad, Content, Item, Progress, Reached

__all__ = [
    "About",
    "Brought",
    "Carrier",
    "Ended",
    "Evidence",
    "Found",
    "Kept",
    "Record",
    "Refused",
    "Source",
]

Record = Item | Content | Bad | Progress | Reached
"""What a source yields; `Content` follows the item to which it belongs, `Reached` a file."""


class Evidence(StrEnum):
    """On what the reading of a format rests."""

    REAL = "tested on a real export"
    DOCUMENTED = "from public documentation"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a person wants to know of a source before she exports.

    `formats` are the kinds of export that it reads, each with the evidence for it; `paths`
    how files of such exports are called; `how` says in one sentence where to ask for one.
    """

    title: str
    formats: tuple[tuple[str, Evidence], ...]
    paths: tuple[str, ...]
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A source that first read items which another source carries, and their data types."""

    source: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A part of what was added that a source is about to read, in the version that it has.

    `brings` is empty but for a source that carries the items of others.
    """

    source: str
    part: str
    files: int
    size: int
    version: int = 0
    brings: tuple[Brought, ...] = ()


class Refused(CollectError):
    """What a carrier brings is not taken; `newer` says that a later release can read it."""

    def __init__(self, sentence: str, *, newer: bool = False) -> None:
        super().__init__(sentence)
        self.newer = newer


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A part was read to its end: its files, those of them and others that were opened.

    `reached` says of files where they ended; `kept` counts items that an earlier reading of
    the same files has found, and this one not.
    """

    source: str = ""
    version: int = 0
    files: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    reached: tuple[Reached, ...] = ()
    kept: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Files and archives that were not read again, or not from their beginning."""

    files: tuple[str, ...]


class Source(Protocol):
    """A reader of one kind of export; `specs/collectors.md` is its contract.

    It runs in a confined child process and sees nothing but the tree.
    """

    @property
    def name(self) -> str:
        """The name in `--source` and in consent filters."""

    @property
    def types(self) -> frozenset[str]:
        """Every data type it may yield."""

    @property
    def version(self) -> int:
        """Raised when the same export reads differently than before."""

    @property
    def about(self) -> About:
        """What a person wants to know of it before she exports."""

    def detect(self, tree: Tree) -> float:
        """Return how surely the tree is this source's, from 0 to 1.

        It is asked for folders and archives, then for single files, and may look at
        names and `tree.head` only.
        """

    def read(self, tree: Tree, cursor: bytes | None, me: frozenset[str]) -> Iterator[Record]:
        """Yield what the tree holds, in the same order each time.

        Args:
            tree: Files that this source detected.
            cursor: Where an earlier reading of the same file ended, in the source's own
                terms; None reads everything.
            me: Names and addresses of the owner as `vault.consent.normal` writes them:
                they decide between `.sent` and `.received`.
        """


@runtime_checkable
class Carrier(Source, Protocol):
    """A built-in source whose items say themselves which source first read them."""

    def brings(self, tree: Tree) -> tuple[Brought, ...]:
        """Check the whole before any of it is stored; return what it holds.

        Raises:
            Refused: It is not as it was written.
        """
