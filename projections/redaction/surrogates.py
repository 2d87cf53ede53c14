"""What stands in a person's place: ordinary names that are nobody's, under a key.

The same person has the same surrogate throughout a view and another one in every other
view. Everything follows from the view's key by HMAC; what is kept in memory is kept under
digests too, so that without the key nothing leads back. A surrogate fits the script, the
number of words, the letter case and, as far as a given name hints at one, the gender. It is
never found by the roster whose people it hides.
"""

import hmac
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import NamedTuple

from projections.redaction.everyday import Gender, common_words, gendered, read
from projections.redaction.fold import composed, folded
from projections.redaction.kinds import Kind
from projections.redaction.reserved import DOMAINS, Numbers, is_ours, reserved
from projections.redaction.roster import Roster
from projections.redaction.table import Table
from vault.aliases import HONORIFICS, PARTICLES, Keyed, Part, fold, phone

__all__ = ["Surrogates", "family_names", "given_names", "is_ours"]

_ATTEMPTS = 200
_CACHED = 200_000
_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019](?=[^\W\d_]{2})[^\W\d_]+)?")
_RUN = re.compile(r"[^\W\d_]+|\d+|[\W_]+")
_LONG_LOCAL = 8
_GIVEN_PARTS = frozenset({Part.FIRST, Part.NICK, Part.MIDDLE, Part.TYPO})
_FAMILY_PARTS = frozenset({Part.LAST, Part.TYPO_LAST})
_UNSPACED = frozenset({"han", "japanese", "hangul"})


class Surrogates:
    """The names of one view."""

    def __init__(self, key: bytes, table: Table, *, roster: Roster | None = None) -> None:
        self._keyed = Keyed(hmac.digest(key, b"twinvault surrogates", "sha256"))
        self._table = table
        self._roster = roster or Roster(table)
        self._done: dict[bytes, str] = {}
        self._named_so: dict[tuple[bytes, str], _Names] = {}
        # Names of the lists that ship, or made up: that they are nobody's tells of nobody.
        self._are_free: dict[str, bool] = {}

    def person(self, person: bytes, part: Part, written: str) -> str:
        """Return what replaces an alias of somebody known, shaped as it was written."""
        label = b"p" + part.encode() + b"\0" + person
        return self._once(label, written, lambda: self._of_person(person, part, written))

    def value(self, kind: Kind, written: str) -> str:
        """Return what replaces a private matter that belongs to nobody known."""
        label = b"v" + kind.encode() + b"\0"
        return self._once(label, written, lambda: self._of_nobody(kind, written))

    def names(self, person: bytes) -> tuple[str, str]:
        """Return the given and the family name that stand for somebody in Latin script."""
        found = self._names(person, "latin")
        return found.first, found.last

    def _once(self, label: bytes, written: str, make: Callable[[], str]) -> str:
        key = self._keyed.digest(label + b"\0" + written.encode("utf-8", "surrogatepass"))[:16]
        done = self._done.get(key)
        if done is None:
            if len(self._done) >= _CACHED:
                self._done.clear()
            done = self._done[key] = make()
        return done

    # ------------------------------------------------------------------ numbers under the key

    def _token(self, label: str, text: str) -> bytes:
        return self._keyed.digest(f"{label}\0{text}".encode("utf-8", "surrogatepass"))[:8]

    def _numbers(self, label: str, content: bytes) -> Numbers:
        """Return a stream of numbers, the same for the same content."""
        asked = count()

        def below(most: int) -> int:
            place = next(asked).to_bytes(4, "big")
            digest = self._keyed.digest(label.encode() + b"\0" + place + content)
            return int.from_bytes(digest[:8], "big") % most

        return below

    # ------------------------------------------------------------------ what takes the place

    def _of_person(self, person: bytes, part: Part, written: str) -> str:
        match part:
            case Part.MAIL:
                return self._mail(person, written)
            case Part.PHONE:
                return self._unknown(Kind.PHONE, written, person)
            case Part.ADDRESS:
                return f"[{Kind.ADDRESS}]"
            case Part.HANDLE:
                return self._handle(person, written)
            case _:
                return self._named(person, part, written)

    def _of_nobody(self, kind: Kind, written: str) -> str:
        match kind:
            case Kind.EMAIL:
                return self._mail(self._token("mail", written.lower()), written)
            case Kind.PERSON:
                return self._stranger(written)
            case Kind.HANDLE:
                token = self._token("handle", written.lower())
                sign = "@" if written.startswith("@") else ""
                return f"{sign}example_{self._names(token, 'latin').first.lower()}"
            case Kind.PHONE:
                return self._unknown(kind, written, self._token("phone", phone(written) or written))
            case _:
                return self._unknown(kind, written, self._token(kind, " ".join(written.split())))

    def _unknown(self, kind: Kind, written: str, content: bytes) -> str:
        """Return a value of a reserved range that is nobody's in the roster either."""
        numbers = self._numbers(kind, content)
        for _ in range(_ATTEMPTS):
            found = reserved(kind, written, numbers)
            if found == f"[{kind}]" or not self._found(found):
                return found
        return f"[{kind}]"

    def _found(self, text: str) -> bool:
        return bool(self._roster.find(folded(composed(text))))

    # ------------------------------------------------------------------ names

    def _names(self, person: bytes, script: str) -> "_Names":
        """Return the names of a person: nobody's, whichever way they are written."""
        kept = self._named_so.get((person, script))
        if kept is None:
            if len(self._named_so) >= _CACHED:
                self._named_so.clear()
            kept = self._named_so[person, script] = self._named_anew(person, script)
        return kept

    def _named_anew(self, person: bytes, script: str) -> "_Names":
        gender = self._table.gender(person)
        if gender is None:
            gender = (Gender.FEMALE, Gender.MALE)[self._numbers("gender", person)(2)]
        first = self._pick(script, gender, "first", person)
        second = self._pick(script, gender, "second", person)
        for attempt in range(_ATTEMPTS):
            last = self._pick(script, None, f"last{attempt}", person)
            names = _Names(first, second, last)
            if not any(map(self._found, names.written())):
                break
        return names

    def _pick(self, script: str, gender: Gender | None, label: str, person: bytes) -> str:
        names = _pool(script, gender)
        numbers = self._numbers(f"{script}/{label}", person)
        for _ in range(_ATTEMPTS):
            name = names[numbers(len(names))]
            if self._free(name):
                return name
        # A roster that holds nearly every listed name: letters that are nobody's.
        while True:
            made = "".join(
                sounds[numbers(len(sounds))] for sounds in (_CONSONANTS, _VOWELS) * _SYLLABLES
            ).capitalize()
            if self._free(made):
                return made

    def _free(self, name: str) -> bool:
        free = self._are_free.get(name)
        if free is None:
            if len(self._are_free) >= _CACHED:
                self._are_free.clear()
            lower = fold(name).lower()
            free = self._table.get(lower) is None and not any(map(self._found, (name, lower)))
            self._are_free[name] = free
        return free

    def _named(self, person: bytes, part: Part, written: str) -> str:
        script = _script(written)
        names = self._names(person, script)
        if script in _UNSPACED:
            return _unspaced(names, part, written)
        spans = [(at.group(), at.start(), at.end()) for at in _TOKEN.finditer(written)]
        roles = _roles(part, [token for token, _, _ in spans], "," in written)
        out: list[str] = []
        done = 0
        for (token, start, end), role in zip(spans, roles, strict=True):
            name = names.of(role, token)
            ending = self._ending(person, token) if len(token) > 1 else ""
            out += (written[done:start], _in_case(name, token) + ending)
            done = end
        return "".join((*out, written[done:]))

    def _ending(self, person: bytes, token: str) -> str:
        """Return the s of a genitive or plural that belongs to the sentence, not to the name."""
        lower = fold(token).lower()
        if not lower.endswith("s") or self._table.get(lower):
            return ""
        known = self._table.get(lower[:-1])
        return token[-1] if known and known.person == person else ""

    def _stranger(self, written: str) -> str:
        """Return a name for somebody whom only a model of names found, word by word."""
        script = _script(written)
        if script in _UNSPACED:
            return _unspaced(self._names(self._token("name", written), script), Part.WHOLE, written)
        tokens = [(at.group(), at.start(), at.end()) for at in _TOKEN.finditer(written)]
        roles = _roles(Part.WHOLE, [token for token, _, _ in tokens], "," in written)
        out: list[str] = []
        done = 0
        for (token, start, end), role in zip(tokens, roles, strict=True):
            lower = fold(token).lower()
            content = self._token("name", lower)
            gender = gendered().get(lower) if role != "last" else None
            if role != "last" and gender is None:
                gender = (Gender.FEMALE, Gender.MALE)[self._numbers("gender", content)(2)]
            label = "last0" if role == "last" else "first"
            name = self._pick(script, None if role == "last" else gender, label, content)
            out += (written[done:start], _shaped(role, name, token))
            done = end
        return "".join((*out, written[done:]))

    # ------------------------------------------------------------------ mails and handles

    def _mail(self, person: bytes, written: str) -> str:
        local, _, domain = written.rpartition("@")
        numbers = self._numbers("mail", person + fold(written).lower().encode())
        names = self._names(person, "latin")
        host = DOMAINS[self._numbers("domain", fold(domain).lower().encode())(len(DOMAINS))]
        for _ in range(_ATTEMPTS):
            mail = f"{_local(fold(local), names, numbers)}@{host}".lower()
            if not self._found(mail):
                return mail
        return f"[{Kind.EMAIL}]"

    def _handle(self, person: bytes, written: str) -> str:
        numbers = self._numbers("handle", person + fold(written).lower().encode())
        names = self._names(person, "latin")
        for _ in range(_ATTEMPTS):
            handle = _local(fold(written), names, numbers)
            if not self._found(handle):
                return handle
        return f"[{Kind.HANDLE}]"


class _Names(NamedTuple):
    """A person's surrogate: what stands for her given name, for further ones, for the last."""

    first: str
    second: str
    last: str

    def written(self) -> Iterator[str]:
        """Yield ways to write it, none of which may be somebody's."""
        yield f"{self.first} {self.last}"
        yield f"{self.first} {self.second} {self.last}"
        yield f"{self.last}, {self.first}"
        yield f"{self.first[0]}. {self.last}"
        yield f"{self.first} {self.last[0]}."
        yield f"{self.first}{self.last}".lower()

    def of(self, role: str, token: str) -> str:
        """Return what takes the place of a word of a name; an initial stays one."""
        if role == "particle":
            return token
        name = {"first": self.first, "second": self.second}.get(role, self.last)
        return name[0] if len(token) == 1 else name


def _shaped(role: str, name: str, token: str) -> str:
    if role == "particle":
        return token
    return _in_case(name[0] if len(token) == 1 else name, token)


def _roles(part: Part, tokens: list[str], comma: bool) -> list[str]:
    """Return what each word of a name is: first, second (any further given one), last, particle."""
    if part in _GIVEN_PARTS or (part is Part.WHOLE and len(tokens) == 1):
        return ["first", *["second"] * (len(tokens) - 1)]
    particles = [len(tokens) > 1 and fold(t).lower() in PARTICLES and len(t) > 1 for t in tokens]
    if part in _FAMILY_PARTS:
        roles = ["last"] * len(tokens)
    elif part is Part.REVERSED or (part is Part.INITIAL and comma):
        roles = ["last", *["second"] * (len(tokens) - 2), "first"]
    elif part is Part.INITIAL and len(tokens) > 1 and len(tokens[-1]) == 1:
        roles = [*["last"] * (len(tokens) - 1), "first"]
    else:
        roles = ["first", *["second"] * (len(tokens) - 2), "last"][: max(len(tokens), 2)]
        if len(tokens) > 2 and any(particles[1:-1]):  # noqa: PLR2004 - van der Berg
            begin = particles.index(True, 1)
            roles[begin:] = ["last"] * (len(tokens) - begin)
    return [
        "particle" if particle else role
        for role, particle in zip(roles[: len(tokens)], particles, strict=True)
    ]


def _local(written: str, names: _Names, numbers: Numbers) -> str:
    """Return the part of a mail address before the @, or a handle, in the shape it had."""
    runs = _RUN.findall(written)
    letters = [run for run in runs if run[0].isalpha()]
    spoken = [names.first, names.last, names.second]
    if len(letters) == 1:
        joined = names.first + names.last
        spoken = [joined if len(letters[0]) >= _LONG_LOCAL else names.first]
    out: list[str] = []
    place = 0
    for run in runs:
        if run[0].isalpha():
            name = spoken[min(place, len(spoken) - 1)]
            name = name[0] if len(run) == 1 else name
            mixed = run != run.lower() and run != run.upper() and run != run.capitalize()
            out.append(name if mixed else _in_case(name, run))
            place += 1
        elif run[0].isdecimal():
            out.append("".join(str(numbers(10)) for _ in run))
        else:
            out.append(run)
    return "".join(out) or names.first.lower()


def _unspaced(names: _Names, part: Part, written: str) -> str:
    if part in _GIVEN_PARTS:
        return names.first
    if part in _FAMILY_PARTS:
        title = next((at for at in HONORIFICS.finditer(written) if at.end() == len(written)), None)
        return names.last + (title.group() if title else "")
    gap = " " if " " in written else ""
    return names.last + gap + names.first


def _in_case(name: str, written: str) -> str:
    if written.islower():
        return name.lower()
    return name.upper() if written.isupper() and len(written) > 1 else name


# ---------------------------------------------------------------------- scripts and lists

_SCRIPTS = {
    "CYRILLIC": "cyrillic",
    "GREEK": "greek",
    "ARABIC": "arabic",
    "HEBREW": "hebrew",
    "DEVANAGARI": "devanagari",
    "HANGUL": "hangul",
    "HIRAGANA": "japanese",
    "KATAKANA": "japanese",
    "CJK": "han",
}
_HAN_NAME = 3
_CONSONANTS = "bdfgklmnprstvz"
_VOWELS = "aeiou"
_SYLLABLES = 4


def _script(written: str) -> str:
    """Return the script of a name; Latin where no letter says otherwise."""
    if written.isascii():
        return "latin"
    found = [
        script
        for c in written
        if c.isalpha() and (script := _SCRIPTS.get(unicodedata.name(c, "").partition(" ")[0]))
    ]
    if "japanese" in found:
        return "japanese"
    if found and found[0] == "han" and len(found) > _HAN_NAME:
        return "japanese"
    return found[0] if found else "latin"


@cache
def _pool(script: str, gender: Gender | None) -> tuple[str, ...]:
    """Return the names of a script: given ones of a gender, or family names."""
    if script == "latin":
        return family_names() if gender is None else _given(gender)
    wanted = f"{script} {gender or 'l'} "
    lines = (line for line in read("scripts.txt").splitlines() if line.startswith(wanted))
    return tuple(name for line in lines for name in line.removeprefix(wanted).split())


@cache
def _given(gender: Gender) -> tuple[str, ...]:
    lines = (line for line in read("given.txt").splitlines() if line.startswith(gender))
    names = (name for line in lines for name in line.split()[1:])
    return tuple(name for name in names if name.lower() not in common_words())


@cache
def given_names() -> tuple[str, ...]:
    """Given names to choose from in Latin script."""
    return (*_given(Gender.FEMALE), *_given(Gender.MALE))


@cache
def family_names() -> tuple[str, ...]:
    """Family names to choose from: two syllables each, invented."""
    heads, _, tails = read("family.txt").strip().partition("\n\n")
    made = (head + tail for head in heads.split() for tail in tails.split())
    return tuple(name for name in made if name.lower() not in common_words())
