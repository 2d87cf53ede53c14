"""Private matters that show by their form, or by the word that stands beside them."""

from collections.abc import Iterator

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.shapes import anchors, contact, fields, network, people, tables

__all__ = ["addresses", "by_form", "find"]


def find(text: Folded) -> Iterator[Found]:
    """Yield what shows by its form or by the words beside it; spans may overlap."""
    found = list(_found(text))
    yield from found
    yield from people.echoes(text, found)


def _found(text: Folded) -> Iterator[Found]:
    yield from anchors.numbers(text)
    yield from contact.mails(text)
    yield from network.links(text)
    yield from network.addresses(text)
    yield from contact.spelled(text)
    yield from people.masked(text)
    words = fields.telling(text)
    if words:
        yield from fields.beside(text, words)
        yield from tables.columns(text, words)
        yield from tables.inserts(text)


def by_form(text: Folded) -> Iterator[Found]:
    """Yield what is looked for again when a text has been redacted, and some more of `find`.

    That are mail addresses, numbers to call, those of cards, accounts and insured people, and
    addresses of machines.
    """
    yield from anchors.numbers(text)
    yield from contact.mails(text)
    yield from network.addresses(text)
    yield from contact.spelled(text)
    if fields.tells_number(text):
        words = fields.telling(text)
        yield from fields.beside(text, words)
        yield from tables.columns(text, words)
        yield from tables.inserts(text)


def addresses(text: Folded) -> Iterator[Found]:
    """Yield mail addresses and telephone numbers only, to look them up."""
    if "@" in text.text:
        yield from (one for one in contact.mails(text) if one.kind is Kind.EMAIL)
    yield from (one for one in anchors.numbers(text) if one.kind is Kind.PHONE)
