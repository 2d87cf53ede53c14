"""What the owner said of models' answers: better, worse, in her own words.

It is hers to take back, one by one. A model may have said again what an item says: whoever
erases items erases the feedback too that repeats a run of their words.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from projections.view import Value, View
from vault.aliases import words
from vault.errors import NotFound
from vault.events import FeedbackGiven, ItemErased
from vault.follow import Page, moment

__all__ = ["Feedback", "Judged"]

_RUN = 5
_SHORTEST = 3
_event = msgspec.msgpack.Decoder(FeedbackGiven)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One answer and what she said of it; `entry` names it in the log, `position` its place."""

    entry: str
    position: int
    at: datetime
    event: FeedbackGiven


class Feedback(View):
    """The follower that keeps feedback."""

    name = "feedback"
    version = "1"
    tables = """
        CREATE TABLE given (entry TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE,
            time INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE gone (entry TEXT PRIMARY KEY) WITHOUT ROWID;
    """

    def count(self) -> int:
        """Return how much there is."""
        return int(self._one("SELECT count(*) FROM given") or 0)

    def page(self, before: int | None = None, limit: int = 50) -> tuple[Judged, ...]:
        """Return the newest feedback, or the newest before a position."""
        where, bound = ("", ()) if before is None else ("WHERE position < ?", (before,))
        found = self._rows(
            f"SELECT * FROM given {where} ORDER BY position DESC LIMIT ?",  # noqa: S608 - fixed
            (*bound, limit),
        )
        return tuple(map(_judged, found))

    def one(self, entry: str) -> Judged:
        """Return one of them.

        Raises:
            NotFound: There is none of that name; it may have been taken back.
        """
        for row in self._rows("SELECT * FROM given WHERE entry = ?", (entry,)):
            return _judged(row)
        raise NotFound(f"There is no feedback {entry}; `twin feedback` lists what there is.")

    def holding(self, entries: Iterable[str]) -> int:
        """Return how many of some log entries are feedback that is kept here."""
        known = "SELECT 1 FROM given WHERE entry = ?"
        return sum(self._one(known, (one,)) is not None for one in entries)

    def repeating(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return the log entries that say a run of five words again which stands in a text.

        Of a text of three or four words all of them count.
        """
        said = [(str(entry), _event.decode(_bytes(body))) for entry, body in self._rows(_ALL)]
        wanted = {run for text in texts for run in _runs(text)} if said else set[str]()
        return tuple(
            entry
            for entry, event in said
            if any(wanted & _spans(one) for one in (event.prompt, event.answer, event.better))
        )

    def _take(self, page: Page) -> None:
        for entry in page.entries:
            match entry.event:
                case FeedbackGiven() as event:
                    if self._one("SELECT 1 FROM gone WHERE entry = ?", (entry.id,)) is None:
                        self._db.execute(
                            "INSERT OR REPLACE INTO given VALUES (?, ?, ?, ?)",
                            (entry.id, entry.position, entry.time, msgspec.msgpack.encode(event)),
                        )
                case ItemErased(item_ids=ids):
                    named = [(one,) for one in ids]
                    self._db.executemany("INSERT OR IGNORE INTO gone VALUES (?)", named)
                    self._db.executemany("DELETE FROM given WHERE entry = ?", named)
                case _:
                    pass

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        yield from self._rows("SELECT * FROM given")


_ALL = "SELECT entry, body FROM given"


def _judged(row: tuple[Value, ...]) -> Judged:
    entry, position, time, body = row
    return Judged(
        entry=str(entry),
        position=int(str(position)),
        at=moment(int(str(time))),
        event=_event.decode(_bytes(body)),
    )


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value


def _runs(text: str) -> set[str]:
    found = words(text)
    if len(found) < _RUN:
        return {" ".join(found)} if len(found) >= _SHORTEST else set()
    return {" ".join(found[at : at + _RUN]) for at in range(len(found) - _RUN + 1)}


def _spans(text: str) -> set[str]:
    """Return every run of three to five words of a text."""
    found = words(text)
    return {
        " ".join(found[at : at + length])
        for length in range(_SHORTEST, _RUN + 1)
        for at in range(len(found) - length + 1)
    }
