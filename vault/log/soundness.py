"""Whether a database is, as a database, what was made: its tables, its structure, its values.

Signatures cover records, and SQLite believes the rest of what it reads: one bit in the text of
a view, in a page's list of pages or in a value's type, and it answers something else without
an error. Tables and values are checked whenever they are read, the structure by `verify`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from vault.errors import TamperError

__all__ = ["Cursor", "check_tables", "is_sound", "typed"]

_TABLES: Final = (
    "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite^_%' ESCAPE '^'"
)


class Cursor(Protocol):
    """A cursor of the standard library's, or of the library's that wraps it."""

    def execute(self, sql: str, /) -> object:
        """Run a statement."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return its rows."""


def check_tables(cursor: Cursor, what: str, made: Iterable[str]) -> None:
    """Compare the tables, indexes, views and triggers of a database with those that were made.

    Raises:
        TamperError: They are not the same.
    """
    cursor.execute(_TABLES)
    found = [" ".join(str(sql).split()) for (sql,) in cursor.fetchall()]
    if sorted(found) != sorted(" ".join(sql.split()) for sql in made):
        raise TamperError(f"{what} is damaged: its tables are not those that were made.")


def is_sound(cursor: Cursor) -> bool:
    """Tell whether SQLite finds every row where its own structure says, and every index whole."""
    cursor.execute("PRAGMA integrity_check(1)")
    return cursor.fetchall() == [("ok",)]


def typed(
    rows: Sequence[tuple[Any, ...]], types: Sequence[type], what: str
) -> Sequence[tuple[Any, ...]]:
    """Return rows whose values have these types; a flipped bit may make bytes a number.

    Raises:
        TamperError: A value has another type.
    """
    expected = list(types)
    if any(list(map(type, row)) != expected for row in rows):
        raise TamperError(f"{what} is damaged: it holds a value of another kind than was written.")
    return rows
