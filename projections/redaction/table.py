"""Digest of an alias → whose it is: all that redaction knows of people, and one way to make it.

The people of a vault and those of a roster file become the same claims; where several
persons claim an alias, it is decided here, the same way whatever their order.
"""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from projections.redaction.everyday import Gender, gendered
from projections.redaction.kinds import Known
from vault.aliases import Aliases, Part, entries
from vault.errors import UsageError

__all__ = ["Claim", "RosterEntry", "Table", "load_roster", "person_of"]


class Claim(NamedTuple):
    """Says that an alias is a person's; `uses` is in how many items she takes part."""

    digest: bytes
    person: bytes
    part: Part
    uses: int = 0


class RosterEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A person as a roster file states her."""

    id: int | str
    names: tuple[str, ...]
    first: str = ""
    last: str = ""
    emails: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    addr: str = ""
    cjk: tuple[str, ...] = ()

    def stated(self) -> Iterator[str]:
        """Yield all that is stated of her, as agents of items would state it."""
        names = dict.fromkeys((*self.names, f"{self.first} {self.last}".strip(), *self.cjk))
        yield from (f"name:{name}" for name in names if name.strip())
        yield from (f"mailto:{mail}" for mail in self.emails)
        yield from (f"acct:{handle}" for handle in self.handles)
        yield from (f"tel:{number}" for number in self.phones)
        if self.addr:
            yield f"adr:{self.addr}"


def person_of(aliases: Aliases, entry: RosterEntry) -> bytes:
    """Return the token of a person of a roster."""
    return aliases.person(f"roster {entry.id}")


_entry = msgspec.json.Decoder(list[msgspec.Raw])


def load_roster(path: Path | str) -> tuple[RosterEntry, ...]:
    """Read a roster: a JSON list of objects with `id`, `names` and what else is known.

    Raises:
        UsageError: The file cannot be read, or an entry has another shape.
    """
    try:
        listed = _entry.decode(Path(path).read_bytes())
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(f"The roster {path} is not a list in JSON: {error}.") from error
    found: list[RosterEntry] = []
    for number, raw in enumerate(listed, start=1):
        try:
            found.append(msgspec.json.decode(raw, type=RosterEntry))
        except (msgspec.MsgspecError, RecursionError) as error:
            raise UsageError(f"Entry {number} of the roster {path} is wrong: {error}.") from error
    return tuple(found)


# A word of one person's name beats what another's is shortened to; between equals decides
# who takes part in more.
_CLASS = dict.fromkeys(Part, 0) | {
    Part.FIRST: 1,
    Part.LAST: 1,
    Part.NICK: 2,
    Part.MIDDLE: 3,
    Part.INITIALS: 4,
    Part.TYPO: 5,
    Part.TYPO_LAST: 5,
}
_RANK = {part: rank for rank, part in enumerate(Part)}
_PARTS = tuple(Part)
_UNSHARED = frozenset({Part.START, Part.TYPO, Part.TYPO_LAST, Part.IDENTITY})
_MOST_SHARING = 256
_KEY = 8
_PART_BITS = 5
_USES_MOST = 2**32 - 1
_BITS_EACH = 8
_FEWEST_BITS = 10


class Table:
    """Digest of an alias → whose it is; the same content always has the same `digest`.

    It keeps eight bytes of each digest in order, eighteen bytes an alias altogether: two of
    them are a map of bits that tells without a search that an alias is nobody's.
    """

    def __init__(self, aliases: Aliases, entries_: Mapping[bytes, Known]) -> None:
        self._fill(aliases, (Claim(d, known.person, known.part) for d, known in entries_.items()))

    @classmethod
    def of(cls, aliases: Aliases, claims: Iterable[Claim]) -> "Table":
        """Make a table, deciding between persons who claim the same alias."""
        table = cls.__new__(cls)
        table._fill(aliases, claims)  # noqa: SLF001 - its own
        return table

    @classmethod
    def from_entries(cls, aliases: Aliases, people: Iterable[RosterEntry]) -> "Table":
        """Make a table of the people of a roster; who stands first has the better claim."""
        people = tuple(people)

        def claims() -> Iterator[Claim]:
            for number, entry in enumerate(people):
                person, uses = person_of(aliases, entry), len(people) - number
                for text in entry.stated():
                    for alias in entries(text):
                        yield Claim(aliases.folded(alias.text), person, alias.part, uses)

        return cls.of(aliases, claims())

    def _fill(self, aliases: Aliases, claims: Iterable[Claim]) -> None:
        self.aliases = aliases
        self._persons: list[bytes] = []
        self._keys = array("Q")
        self._values = array("Q")
        self._shared: dict[int, tuple[Known, ...]] = {}
        self._genders: dict[bytes, Gender | None] = {}
        self._decide(self._records(claims))
        self._mark()
        self.digest = self._hashed()

    def _records(self, claims: Iterable[Claim]) -> list[bytes]:
        """Return claims as bytes in the order in which they are decided."""
        numbers: dict[bytes, int] = {}
        genders = {self.aliases.folded(name): gender for name, gender in gendered().items()}
        kept: set[bytes] = set()
        for digest, person, part, uses in claims:
            number = numbers.setdefault(person, len(numbers))
            if part is Part.FIRST and digest in genders:
                gender = genders[digest]
                same = self._genders.setdefault(person, gender) is gender
                self._genders[person] = gender if same else None
            if part is Part.IDENTITY:
                continue
            # The person's own token, not her number, decides between equals.
            less = _USES_MOST - min(max(uses, 0), _USES_MOST)
            rank = bytes((_CLASS[part],)) + less.to_bytes(4, "big") + bytes((_RANK[part],))
            kept.add(digest[:_KEY] + rank + person + number.to_bytes(4, "big"))
        self._persons = list(numbers)
        return sorted(kept)

    def _decide(self, records: list[bytes]) -> None:
        sharing: list[Known] = []
        last = b""
        for record in records:
            key, rank, number = record[:_KEY], record[_KEY + 5], int.from_bytes(record[-4:], "big")
            if key != last:
                self._share(sharing)
                sharing = []
                last = key
                self._keys.append(int.from_bytes(key, "big"))
                self._values.append(number << _PART_BITS | rank)
            part = _PARTS[rank]
            if part not in _UNSHARED and len(sharing) < _MOST_SHARING:
                sharing.append(Known(self._persons[number], part))
        self._share(sharing)

    def _mark(self) -> None:
        """Set the bit of each digest that is held; few others have the same one."""
        size = max(_FEWEST_BITS, (len(self._keys) * _BITS_EACH).bit_length())
        self._shift = 8 * _KEY - size
        self._bits = bytearray(1 << (size - 3))
        for key in self._keys:
            bit = key >> self._shift
            self._bits[bit >> 3] |= 1 << (bit & 7)

    def _share(self, sharing: list[Known]) -> None:
        persons = {known.person for known in sharing}
        if len(persons) > 1:
            self._shared[self._keys[-1]] = tuple(sharing)

    def _hashed(self) -> bytes:
        hashed = hashlib.sha256()
        for key, value in zip(self._keys, self._values, strict=True):
            person = self._persons[value >> _PART_BITS]
            part = _PARTS[value & (2**_PART_BITS - 1)]
            hashed.update(key.to_bytes(_KEY, "big") + person + part.encode() + b"\n")
        for key in sorted(self._shared):
            hashed.update(b"".join(k.person + k.part.encode() for k in self._shared[key]) + b"\n")
        for person in sorted(self._genders):
            hashed.update(person + str(self._genders[person]).encode() + b"\n")
        return hashed.digest()

    def __len__(self) -> int:
        return len(self._keys)

    def _at(self, text: str) -> tuple[int, int]:
        key = int.from_bytes(self.aliases.folded(text)[:_KEY], "big")
        bit = key >> self._shift
        if not self._bits[bit >> 3] >> (bit & 7) & 1:
            return key, -1
        at = bisect_left(self._keys, key)
        return key, at if at < len(self._keys) and self._keys[at] == key else -1

    def get(self, folded: str) -> Known | None:
        """Look up a folded alias."""
        _, at = self._at(folded)
        if at < 0:
            return None
        value = self._values[at]
        return Known(self._persons[value >> _PART_BITS], _PARTS[value & (2**_PART_BITS - 1)])

    def first(self, folded: Iterable[str]) -> Known | None:
        """Look up folded aliases until one is somebody's."""
        texts, bits, shift = list(folded), self._bits, self._shift
        for text, digest in zip(texts, self.aliases.all_folded(texts), strict=True):
            bit = int.from_bytes(digest[:_KEY], "big") >> shift
            if bits[bit >> 3] >> (bit & 7) & 1 and (known := self.get(text)):
                return known
        return None

    def starts(self, words: str) -> bool:
        """Whether an alias of more words may begin with these."""
        return self._at(words + " ")[1] >= 0

    def sharing(self, folded: str) -> tuple[Known, ...]:
        """Return all who share an alias, the best claim first; nothing where one has it alone."""
        return self._shared.get(self._at(folded)[0], ())

    def gender(self, person: bytes) -> Gender | None:
        """Return what a person's given name hints at, found by digests as she herself is."""
        return self._genders.get(person)
