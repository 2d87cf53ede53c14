"""What was written out in plain words: no erasure reaches it, so each is on the record.

The log says what left and to where, before it leaves, so that whoever erases items can be told of
every file that may hold their words still. Copies of models are told of by `projections.lineage`.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from projections.view import Value, View
from vault.events import Disclosed
from vault.follow import Page, moment

__all__ = ["DOWNLOADS", "Handed", "Outside", "handed"]

DOWNLOADS = "your browser's downloads"
_KINDS = frozenset(
    {"portable copy", "training examples", "conversation", "proof with words", "attachments"}
)


class Handed(NamedTuple):
    """Something that was handed out: `entry` is its place in the log, `about` whose words it holds.

    Without `about` it may hold those of any item that was there by then. What was written to one
    file over and over is told of once, as of the last time.
    """

    entry: str
    at: datetime
    kind: str
    place: str
    about: str


def handed(kind: str, *, place: str, items: int, about: str = "") -> Disclosed:
    """Return what the log keeps of words that are written out.

    Args:
        kind: What it is, one of a few.
        place: The file or folder.
        items: How many items, examples, questions or files it holds.
        about: The entry whose words alone it holds.
    """
    assert kind in _KINDS
    return Disclosed(recipient=place, what=f"{kind} {about}".rstrip(), items=items, statement="")


class Outside(View):
    """The follower that keeps what was handed out."""

    name = "outside"
    version = "1"
    tables = """
        CREATE TABLE handed (entry TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, time INTEGER
            NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, about TEXT NOT NULL) WITHOUT ROWID;
    """

    def holding(self, entries: Collection[str], since: int) -> tuple[Handed, ...]:
        """Return what may hold the words of some entries, the first of which stands at a position."""
        rows = self._rows(
            "SELECT entry, time, kind, place, about FROM handed WHERE position > ? ORDER BY position",
            (since,),
        )
        wanted, found = frozenset(entries), dict[tuple[str, str], Handed]()
        for one in map(_handed, rows):
            if not one.about or one.about in wanted:
                found[one.kind, one.entry if one.place == DOWNLOADS else one.place] = one
        return tuple(found.values())

    def told(self, entries: Collection[str]) -> tuple[Handed, ...]:
        """Return what some log entries say was handed out, in the order of the log."""
        wanted = frozenset(entries)
        rows = self._rows("SELECT entry, time, kind, place, about FROM handed ORDER BY position")
        return tuple(_handed(row) for row in rows if row[0] in wanted)

    def _take(self, page: Page) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO handed VALUES (?, ?, ?, ?, ?, ?)",
            [
                (entry.id, entry.position, entry.time, kind, entry.event.recipient, about)
                for entry in page.entries
                if isinstance(entry.event, Disclosed)
                for kind in _KINDS
                if (about := _about(kind, entry.event.what)) is not None
            ],
        )

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for row in self._rows("SELECT * FROM handed"):
            yield ("handed", *row)


def _handed(row: tuple[Value, ...]) -> Handed:
    entry, time, kind, place, about = row
    assert isinstance(time, int)
    return Handed(str(entry), moment(time), str(kind), str(place), str(about))


def _about(kind: str, what: str) -> str | None:
    """Return whose words something of a kind holds; None where it is of another kind."""
    if what == kind:
        return ""
    return what.removeprefix(f"{kind} ") if what.startswith(f"{kind} ") else None
