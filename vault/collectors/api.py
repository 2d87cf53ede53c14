"""What a source is, and what a collection says besides its items."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from vault.collectors.readers.tree import Tree
from vault.items import Bad, Item, Progress

__all__ = ["Brought", "Carrier", "Found", "Record", "Source"]

Record = Item | Bad | Progress
"""What a source yields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A source that first read items which another source carries, and their data types."""

    source: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A part of what was added that a source is about to read.

    `brings` is empty but for a source that carries the items of others.
    """

    source: str
    part: str
    files: int
    size: int
    brings: tuple[Brought, ...] = ()


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
