"""Whom words mention, by one reading of who is who.

Only people whose use is paused are looked for in what is decided on; alike words are read once.
"""

import hashlib
from functools import cached_property

from projections.persons import Reading
from projections.redaction.decode import layers
from projections.redaction.fold import composed
from projections.redaction.roster import Roster
from vault.aliases import words
from vault.consent import Known, Subject, normal
from vault.items import Item

__all__ = ["Mentions"]

_REMEMBERED = 200_000
_NOBODY = frozenset[bytes]()


class Mentions:
    """Finds the people of a reading in words; `paused` are the forms of those to look for."""

    def __init__(self, reading: Reading, paused: frozenset[str]) -> None:
        self.reading = reading
        self.paused = paused
        self._found_in: dict[bytes, frozenset[bytes]] = {}

    def subject(self, item: Item, known: Known) -> Subject:
        """Describe an item for a decision: who takes part, and who is paused and mentioned."""
        if not self._tokens:
            return Subject.among(item, known)
        # Whoever bears a name that she shares may be she.
        found = self._found(item).union(
            self.reading.token(agent.id, agent.name) for agent in item.people
        )
        return Subject.among(
            item, known, frozenset(form for form, own in self._tokens.items() if own & found)
        )

    def names_anybody(self, text: str) -> bool:
        """Whether words mention somebody known."""
        return bool(self._persons_in(text))

    def name(self, item: Item, person: str) -> bool:
        """Whether the words of an item mention whoever is known by a name or an address."""
        tokens = self._tokens.get(normal(person))
        if tokens is not None:
            return bool(tokens & self._found(item))
        return bool(self.reading.borne([normal(person)]) & self._persons_in(*_said(item)))

    @cached_property
    def _tokens(self) -> dict[str, frozenset[bytes]]:
        """For the form of everybody paused, the tokens by which she is found in words."""
        return {form: self.reading.borne([form]) for form in self.paused}

    @cached_property
    def _roster(self) -> Roster:
        return Roster(self.reading.table)

    def _found(self, item: Item) -> frozenset[bytes]:
        """Return the tokens of those paused whom an item mentions."""
        words_ = "\0".join(_said(item)).encode("utf-8", "surrogatepass")
        key = hashlib.blake2b(words_, digest_size=12).digest()
        found = self._found_in.get(key)
        if found is None:
            if len(self._found_in) >= _REMEMBERED:
                self._found_in.clear()
            watched = _NOBODY.union(*self._tokens.values())
            found = self._found_in[key] = watched & self._persons_in(*_said(item)) or _NOBODY
        return found

    def _persons_in(self, *texts: str) -> frozenset[bytes]:
        table = self.reading.table
        persons: set[bytes] = set()
        for layer in (layer for text in texts for layer in layers(composed(text))):
            for found in self._roster.find(layer):
                # Where a name is several people's, each of them may be meant.
                written = " ".join(words(layer.text[found.start : found.end]))
                sharing = table.sharing(written)
                persons.update(one.person for one in (found.known, *sharing) if one)
        return frozenset(persons)


def _said(item: Item) -> tuple[str, ...]:
    """Return the words of an item that anything is made of."""
    return tuple(filter(None, (item.title, item.text)))
