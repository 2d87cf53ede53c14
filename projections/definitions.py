"""Training views that the owner named: which items each holds, and how much of them.

A definition narrows what consent permits and never widens it. What lies outside is as if it
were not permitted, for this view, so that its examples are those of a vault without it.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from projections.view import Value, View, encode
from vault.aliases import words
from vault.consent import Filters, Subject, check_type, normal
from vault.errors import UsageError
from vault.events import ViewDefined, ViewDropped
from vault.follow import Page
from vault.items import Item

__all__ = ["DIMENSIONS", "EVERYTHING", "Definitions", "checked", "holds", "says"]

EVERYTHING = ViewDefined(name="")
"""The view that everybody has: all that consent permits."""

DIMENSIONS = ("source", "type", "style", "kind", "time")
"""What examples can be balanced by."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_MOST = 10_000_000
_definition = msgspec.msgpack.Decoder(ViewDefined)


class Definitions(View):
    """The follower that keeps definitions."""

    name = "definitions"
    version = "1"
    tables = """
        CREATE TABLE definitions (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
    """

    def all(self) -> tuple[ViewDefined, ...]:
        """Return every definition, by name."""
        bodies = self._rows("SELECT body FROM definitions ORDER BY name")
        return tuple(_definition.decode(body) for (body,) in bodies if isinstance(body, bytes))

    def _take(self, page: Page) -> None:
        for entry in page.entries:
            match entry.event:
                case ViewDefined(name=name) as definition:
                    self._db.execute(
                        "INSERT OR REPLACE INTO definitions VALUES (?, ?)",
                        (name, encode(definition)),
                    )
                case ViewDropped(name=name):
                    self._db.execute("DELETE FROM definitions WHERE name = ?", (name,))
                case _:
                    pass

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for row in self._rows("SELECT * FROM definitions"):
            yield ("definition", *row)


def checked(definition: ViewDefined) -> ViewDefined:
    """Return a definition if a view can be made by it.

    Raises:
        UsageError: Its name, a type, a number or a word in it is none, or nothing could ever
            be in it.
    """
    if not _NAME.fullmatch(definition.name):
        raise UsageError(
            f"{definition.name!r} cannot name a view; take small letters, digits and hyphens."
        )
    for one in definition.types:
        check_type(one)
    since, until = definition.filters.since, definition.filters.until
    if since is not None and until is not None and since >= until:
        raise UsageError("Nothing lies between --since and --until; --since must be the earlier.")
    if not 0 <= definition.most <= _MOST:
        raise UsageError(f"A view holds at most 1 to {_MOST} examples.")
    for one in definition.balance:
        if one not in DIMENSIONS:
            known = ", ".join(DIMENSIONS)
            raise UsageError(f"{one!r} is nothing to balance by; take one of {known}.")
    if definition.balance and not definition.most:
        raise UsageError("--balance chooses among examples; say how many with --most.")
    if definition.words and not words(definition.words):
        raise UsageError("There is no word in --words; leave it out, or name one.")
    return definition


def holds(definition: ViewDefined, item: Item, subject: Subject) -> bool:
    """Whether an item lies within a view; its words are looked at thread by thread (`says`).

    Args:
        definition: The view.
        item: The item.
        subject: What consent knows of it, people who are known by several names included.
    """
    filters: Filters = definition.filters
    if definition.mine and not item.sent:
        return False
    if definition.types and not any(
        item.type == one or item.type.startswith(one + ".") for one in definition.types
    ):
        return False
    dated = filters.since is not None or filters.until is not None
    return (
        filters.source in {"", item.source}
        and filters.conversation in {"", item.conversation}
        and (not filters.person or normal(filters.person) in subject.people)
        and (not dated or item.at is not None)
        and (filters.since is None or item.at is None or filters.since <= item.at)
        and (filters.until is None or item.at is None or item.at < filters.until)
    )


def says(definition: ViewDefined, items: Iterable[Item]) -> bool:
    """Whether items that belong together say every word of a view, in any letters."""
    wanted = set(words(definition.words))
    if not wanted:
        return True
    said = (words(text) for item in items for text in (item.conversation, item.title, item.text))
    return wanted.issubset(chain.from_iterable(said))
