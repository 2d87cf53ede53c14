"""From a text to one that may be learned from: decode, fold, find, replace, look again.

The last step is a gate: a text in which anything known, or anything that shows by its form,
is still found after replacing is not `clean`, and whoever asked leaves it out.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from projections.redaction import secrets, shapes, terms
from projections.redaction.decode import layers
from projections.redaction.everyday import everyday_names, vocabulary
from projections.redaction.fold import Folded, composed
from projections.redaction.kinds import Found, Kind, masked_by
from projections.redaction.names import ManyNames, Names
from projections.redaction.roster import Roster
from projections.redaction.shapes.people import echoes
from projections.redaction.shapes.vocabulary import OFFICES
from projections.redaction.spans import Place, united, widened
from projections.redaction.surrogates import Surrogates, is_ours
from projections.redaction.table import Table
from vault.aliases import Part, fold_character
from vault.consent import Profile

__all__ = ["Marks", "Redacted", "Redactor", "Replacing", "Span"]

_CACHED = 50_000
_BATCH, _BATCHED = 60_000, 500
"""How many characters, and how many texts, are read together."""
_ARTICLES = (" a ", " an ")
_HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# What follows a label, as in `BP 120/80`: a colon, or what was measured.
_LABELS = re.compile(r":| [0-9]{2}")
# Below it are days that a record bears alone, such as 2024-03-12.
_LEAST = 0.35
_FINDERS = (shapes.find, secrets.find, terms.find)
_NOTHING = "\n!\n"
"""What the last look sees in a replacement's place: no name, number or value goes on over it."""

_SHOWN_BY_FORM = frozenset(
    {Kind.EMAIL, Kind.PHONE, Kind.CARD, Kind.SSN, Kind.BANK, Kind.SECRET, Kind.IP}
)


@dataclass(frozen=True, slots=True)
class Span:
    """What was replaced in the original, what it was, and the token of whose it was."""

    start: int
    end: int
    kind: Kind
    person: bytes = b""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text with surrogates, what was replaced in the original, and whether the gate let it by."""

    text: str
    spans: tuple[Span, ...]
    clean: bool = True

    def kinds(self) -> Counter[str]:
        """Count what was replaced."""
        return Counter(str(span.kind) for span in self.spans)


class Replacing(Protocol):
    """Says what takes a private matter's place."""

    def person(self, person: bytes, part: Part, written: str) -> str:
        """Return what replaces an alias of a known person."""

    def value(self, kind: Kind, written: str) -> str:
        """Return what replaces a private matter that belongs to nobody known."""


class Marks:
    """Replaces everything by its kind in brackets."""

    def person(self, person: bytes, part: Part, written: str) -> str:
        """Return the mark of a person."""
        del person, part, written
        return f"[{Kind.PERSON}]"

    def value(self, kind: Kind, written: str) -> str:
        """Return the mark of a kind."""
        del written
        return f"[{kind}]"


class Redactor:
    """Redacts texts of one view: one table of people, one model of names, one set of surrogates."""

    def __init__(
        self, table: Table, names: Names, replacing: Replacing, *, roster: Roster | None = None
    ) -> None:
        self._roster = roster or Roster(table)
        self._names = names
        self._replacing = replacing
        self._done: dict[tuple[str, Profile], Redacted] = {}

    @classmethod
    def of_view(cls, table: Table, names: Names, key: bytes) -> "Redactor":
        """Make the redactor of a view, whose surrogates follow from its key."""
        roster = Roster(table)
        return cls(table, names, Surrogates(key, table, roster=roster), roster=roster)

    def redact(self, text: str, profile: Profile) -> Redacted:
        """Replace what a profile masks."""
        return self.redact_all((text,), profile)[0]

    def redact_all(self, texts: Sequence[str], profile: Profile) -> list[Redacted]:
        """Replace what a profile masks in each text; quicker than one text after the other."""
        if profile is Profile.NONE:
            return [Redacted(text, ()) for text in texts]
        if len(self._done) >= _CACHED:
            self._done.clear()
        done = {text: self._done.get((text, profile)) for text in texts}
        for batch in _batches(text for text, kept in done.items() if kept is None):
            read = [list(layers(text)) for text in batch]
            guesses = iter(self._guessed([layer for one in read for layer in one]))
            for text, one in zip(batch, read, strict=True):
                guessed = [next(guesses) for _ in one]
                made = self._redact(text, list(zip(one, guessed, strict=True)), profile)
                done[text] = self._done[text, profile] = made
        return [redacted for text in texts if (redacted := done[text]) is not None]

    def _guessed(self, read: Sequence[Folded]) -> Sequence[Iterable[Found]]:
        if isinstance(self._names, ManyNames):
            return self._names.find_all(read)
        return [self._names.find(layer) for layer in read]

    def _redact(self, text: str, read: Sequence["_Read"], profile: Profile) -> Redacted:
        places = self._places(text, read, profile)
        if not places:
            return Redacted(text, ())
        pieces: list[str] = []
        left: list[str] = []
        spans: list[Span] = []
        done = 0
        for one in places:
            before, instead = text[done : one.start], self._replacement(one)
            pieces += (before, instead)
            left += (before, _NOTHING if _is_nobodys(one, instead) else instead)
            spans.append(Span(one.start, one.end, one.kind, one.known.person if one.known else b""))
            done = one.end
        rest = text[done:]
        clean = self._is_clean("".join((*left, rest)), profile)
        return Redacted("".join((*pieces, rest)), tuple(spans), clean)

    def _places(self, text: str, read: Sequence["_Read"], profile: Profile) -> list[Place]:
        found: dict[Place, None] = {}
        for layer, guesses in read:
            moved = layer.base is not None or layer.pieces is not None
            written = layer.text
            if moved or not written.isascii():
                found |= {
                    _place(text, layer, one): None for one in self._found(layer, guesses, profile)
                }
            else:
                for start, end, kind, _, known in self._found(layer, guesses, profile):
                    found[Place(start, end, kind, written[start:end], known)] = None
        if not found:
            return []
        apart = united(found, text)
        wide = [widened(place, text) for place in apart]
        return apart if wide == apart else united(wide, text)

    def _found(self, text: Folded, guesses: Iterable[Found], profile: Profile) -> list[Found]:
        kinds = masked_by(profile)
        guessed = [_topic(text, one) for one in guesses if not _is_word(text, one)]
        told = [*guessed, *echoes(text, guessed)]
        for find in _FINDERS:
            told += find(text)
        return [
            *self._roster.find(text),
            *(one for one in told if one.kind in kinds and one.score >= _LEAST),
        ]

    def _replacement(self, place: Place) -> str:
        if place.known:
            return self._replacing.person(place.known.person, place.known.part, place.written)
        if not place.whole:
            return f"[{place.kind}]"
        return self._replacing.value(place.kind, place.written)

    def _is_clean(self, left: str, profile: Profile) -> bool:
        """Whether nobody known is left, nor anything that its form tells."""
        kinds = masked_by(profile) & _SHOWN_BY_FORM
        for layer in layers(left):
            if self._roster.find(layer):
                return False
            if any(one.kind in kinds for one in shapes.by_form(layer)):
                return False
            if any(one.kind in kinds for one in secrets.find(layer)):
                return False
        return True


_Read = tuple[Folded, Iterable[Found]]
"""A layer of a text, and the names that were guessed in it."""


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Cut texts into batches of which none holds many more characters than another."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _BATCH or len(batch) >= _BATCHED:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _is_word(text: Folded, guess: Found) -> bool:
    """Whether a guess is a word in use, in lower case or with an article, an office, or a label."""
    written = text.text[guess.start : guess.end]
    if written.islower():
        return written in vocabulary() or text.lower[
            max(0, guess.start - 4) : guess.start
        ].endswith(_ARTICLES)
    if written.lower() in OFFICES:
        return True
    return (
        guess.kind is Kind.ORG
        and written.isupper()
        and _LABELS.match(text.text, guess.end) is not None
    )


def _topic(text: Folded, guess: Found) -> Found:
    """Return a person guessed behind a `#` as what it mostly is, a topic.

    It is masked as names of organisations are, and stays a person where an everyday name is in it.
    """
    at = guess.start if text.text[guess.start] == "#" else text.text.rfind("#", 0, guess.start)
    if guess.kind is not Kind.PERSON or at < 0 or text.text[at + 1 : guess.start].strip(" "):
        return guess
    parts = {part.lower() for part in _HUMP.findall(text.text[guess.start : guess.end])}
    return guess if parts & everyday_names() else guess._replace(kind=Kind.ORG)


def _is_nobodys(place: Place, instead: str) -> bool:
    """Whether the last look passes over a replacement: it is a mark, or of a reserved range.

    What replaces a name is looked at: two words of it may be somebody's whom neither names alone.
    """
    if instead == f"[{place.kind}]":
        return True
    if place.kind in _SHOWN_BY_FORM:
        return is_ours(place.kind, instead)
    return place.known is None and place.kind is not Kind.PERSON


def _place(text: str, layer: Folded, found: Found) -> Place:
    start, end = layer.span(found.start, found.end)
    written = layer.text[found.start : found.end]
    if not layer.base and not written.isascii():
        # Names keep their script, unless letters of another one were only a disguise.
        written = "".join(c for c in composed(text[start:end]) if fold_character(c))
    return Place(start, end, found.kind, written, found.known)
