"""What stands in a person's place: ordinary names that are nobody's, under a key.

The same person has the same surrogate throughout a view and another one in every other
view. Without the view's key nothing leads back. A surrogate never is an alias of someone
in the roster; addresses and numbers come from ranges reserved for examples (RFC 2606,
RFC 5737, Ofcom's numbers for drama).
"""

import hmac
import re
from functools import cache
from importlib.resources import files

from projections.redaction.patterns import Kind
from projections.redaction.roster import Table, common_words
from vault.aliases import Part, phone

__all__ = ["RESERVED", "Surrogates", "family_names", "given_names"]

_ATTEMPTS = 200


class Surrogates:
    """The names of one view."""

    def __init__(self, key: bytes, table: Table) -> None:
        self._key = hmac.digest(key, b"twinvault surrogates", "sha256")
        self._table = table
        self._names: dict[bytes, tuple[str, str]] = {}

    def person(self, person: bytes, part: Part, written: str) -> str:
        """Return what replaces an alias, in the letter case it was written in."""
        if part is Part.MAIL:
            return self._mail(person)
        if part is Part.PHONE:
            return self._phone(person, written)
        first, last = self._name(person)
        return _in_case(_shaped(part, first, last, written), written)

    def value(self, kind: Kind, written: str) -> str:
        """Return what replaces a private matter that belongs to nobody known."""
        match kind:
            case Kind.MAIL:
                return self._mail(self._token("mail", written.lower()))
            case Kind.PHONE:
                return self._phone(self._token("phone", phone(written) or written), written)
            case Kind.IP:
                return f"192.0.2.{self._number('ip', written.encode(), 254) + 1}"
            case _:
                return f"[{kind}]"

    def _token(self, label: str, text: str) -> bytes:
        content = f"{label}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, content, "sha256")[:8]

    def _number(self, label: str, content: bytes, below: int) -> int:
        digest = hmac.digest(self._key, label.encode() + b"\0" + content, "sha256")
        return int.from_bytes(digest[:8], "big") % below

    def _name(self, person: bytes) -> tuple[str, str]:
        if person not in self._names:
            self._names[person] = self._choose(person)
        return self._names[person]

    def _choose(self, person: bytes) -> tuple[str, str]:
        first, last = self._pick("first", person), self._pick("last", person)
        for attempt in range(_ATTEMPTS):
            if not any(self._table.get(form.lower()) for form in (f"{first} {last}", first + last)):
                break
            last = self._pick(f"last{attempt}", person)
        return first, last

    def _pick(self, label: str, person: bytes) -> str:
        """Return a name that nobody in the roster bears."""
        names = given_names() if label == "first" else family_names()
        for attempt in range(_ATTEMPTS):
            name = names[self._number(f"{label}/{attempt}", person, len(names))]
            if self._free(name):
                return name
        # A roster that holds nearly every listed name: letters that are nobody's.
        for attempt in range(_ATTEMPTS):
            number = self._number(f"{label}/made/{attempt}", person, 26**5)
            name = "".join(chr(97 + number // 26**i % 26) for i in range(5)).capitalize()
            if self._free(name):
                break
        return name

    def _free(self, name: str) -> bool:
        table = self._table
        lower = name.lower()
        return table.get(lower) is None and table.aliases.start(lower) not in table.entries

    def _mail(self, person: bytes) -> str:
        first, last = self._name(person)
        for attempt in range(_ATTEMPTS):
            mail = f"{first}.{last}{attempt or ''}@example.org".lower()
            if not self._table.get(mail):
                break
        return mail

    def _phone(self, person: bytes, written: str) -> str:
        for attempt in range(_ATTEMPTS):
            tail = f"{self._number(f'phone/{attempt}', person, 1000):03d}"
            if not self._table.get(f"700900{tail}"):
                break
        return f"+44 7700 900{tail}" if written.startswith(("+", "00")) else f"07700 900{tail}"


def _shaped(part: Part, first: str, last: str, written: str) -> str:
    dot = "." if "." in written else ""
    shapes = {
        Part.FIRST: first,
        Part.LAST: last,
        Part.REVERSED: f"{last}{',' if ',' in written else ''} {first}",
        Part.INITIAL: f"{first[0]}{dot} {last}",
        Part.SHORT: f"{first} {last[0]}",
        Part.HANDLE: f"{first}{'_' if '_' in written else ''}{last}",
    }
    return shapes.get(part, f"{first} {last}")


def _in_case(name: str, written: str) -> str:
    if written.islower():
        return name.lower()
    letters = sum(c.isalpha() for c in written)
    return name.upper() if written.isupper() and letters > 1 else name


RESERVED = re.compile(
    r"(?<![\w.+-])[\w.]{1,64}@example\.org(?![\w.]*\w)|(?<![\w+])(?:\+44 7700|07700) 900\d{3}(?!\d)|"
    r"(?<![\d.])192\.0\.2\.\d{1,3}(?![\d.]*\d)"
)
"""What `Surrogates.value` writes: addresses and numbers from ranges reserved for examples."""


@cache
def given_names() -> tuple[str, ...]:
    """Given names to choose from."""
    return tuple(name for name in _listed("given.txt") if name.lower() not in common_words())


@cache
def family_names() -> tuple[str, ...]:
    """Family names to choose from: two syllables each, invented."""
    heads, _, tails = _listed_text("family.txt").partition("\n\n")
    return tuple(head + tail for head in heads.split() for tail in tails.split())


def _listed(name: str) -> list[str]:
    return _listed_text(name).split()


def _listed_text(name: str) -> str:
    return files("projections.redaction").joinpath(name).read_text("utf-8").strip()
