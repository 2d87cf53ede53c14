"""Names that a title, a role, a greeting or a signature gives away, and where else they stand."""

import re
from collections.abc import Iterable, Iterator

from projections.redaction.everyday import everyday_names, vocabulary
from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.shapes.rules import BARE, CERTAIN, LIKELY, POSSIBLE, words
from projections.redaction.shapes.vocabulary import FIRMS, NOT_NAMES, OFFICES, TITLES

__all__ = [
    "after_calling",
    "after_closing",
    "after_greeting",
    "after_role",
    "after_sign",
    "after_title",
    "echoes",
    "is_plain",
    "masked",
]

_CAP = r"[^\W\d_a-z](?:[^\W\d_]|['-](?=[^\W\d_])){0,30}(?!\w)"
_PARTICLE = r"(?:van|von|der|den|de|del|della|di|da|do|dos|das|du|la|le|ten|ter|zu|zum|zur|bin|ibn|al|el|y|e|af|av|st)"
_NAMES = re.compile(
    rf"{_CAP}\.?(?:[ +]\n?(?:{_PARTICLE}[ +]){{0,2}}(?:{_CAP}|(?<=\w[ +])[A-Z](?!\w))\.?){{0,4}}"
)
_TITLE = re.compile(r"(?:[A-Z][a-z]{0,9}\.? ){1,2}")
_ANY_CASE = re.compile(
    r"[^\W\d_][\w'.-]{0,30}(?:[ +][^\W\d_][\w'.-]{0,30}){0,4}(?=[ \t]{0,8}(?:[\n,;|\"'<>)\]}&/(]|$|-\s))"
)
_REVERSED = re.compile(rf"{_CAP}, {_CAP}(?: [A-Z]\.?)?(?=\s*(?:[\n;|\"<)(]|$))")


def after_sign(text: Folded, at: int) -> Iterator[Found]:
    """Yield the name that follows a sign such as a colon."""
    plain = text.text
    reverse = _REVERSED.match(plain, at)
    found = reverse or _NAMES.match(plain, at) or _ANY_CASE.match(plain, at)
    if found is None:
        return
    end = _names_end(plain, found.start(), found.end(), _NOBODYS)
    if end > at:
        firm = FIRMS.isdisjoint(plain[at:end].lower().split())
        yield Found(at, end, Kind.PERSON if firm else Kind.ORG, CERTAIN)


_NOBODYS = NOT_NAMES - FIRMS


def _names_end(plain: str, start: int, end: int, stops: frozenset[str] = NOT_NAMES) -> int:
    """Return where names end; a word that is none ends them, titles and particles do not."""
    at = start
    last = start
    for word in re.split(r"[ +\n]", plain[start:end]):
        lower = word.rstrip(".,").lower()
        if lower in stops and lower not in TITLES and not (word.islower() and at > start):
            break
        at += len(word)
        last = at if word[:1].isupper() or last == start else last
        at += 1
    while last > start and plain[last - 1] in " ,-":
        last -= 1
    return last


def after_role(text: Folded, start: int, end: int) -> Iterator[Found]:
    """Yield the capitalised name that follows a role, as in "patient Carol Sanchez"."""
    plain = text.text
    if plain[end : end + 1] != " ":
        return
    found = _NAMES.match(plain, end + 1)
    if found is None or (found.group().isupper() and plain[start:end].isupper()):
        return
    stop = _names_end(plain, found.start(), found.end())
    if stop > end + 1 and not _in_headline(plain, start, end + 1, stop):
        several = " " in plain[end + 1 : stop]
        yield Found(end + 1, stop, Kind.PERSON, LIKELY if several else POSSIBLE)


def _in_headline(plain: str, role: int, start: int, stop: int) -> bool:
    """Whether a word in use follows a role where all words have capitals: "Teacher Saved From"."""
    follows = plain[stop : stop + 2].strip()
    every = plain[role].isupper() and (follows[:1].isupper() or " " in plain[start:stop])
    return every and is_plain(plain[start:stop].partition(" ")[0])


def is_plain(word: str) -> bool:
    """Whether a word is in use and no everyday given name."""
    lower = word.lower()
    return lower in vocabulary() and lower not in everyday_names()


_CALLING = re.compile(
    r"(?:name|naam|nom|nombre|nome|imie) (?:is|'s|ist|est|es|e|to) |(?:heisse|heisst|appelle|llamo|llama|chiamo|chiama|chamo|chama|heet|"
    r"nazywam sie|nazywa sie|call me|called|named) (?:me )?"
)
_ONE_OR_TWO = re.compile(r"[^\W\d_]{3,30}(?: [^\W\d_]{2,30})?(?=[ \t]{0,3}(?:[\n,.!;)]|$))")


def after_calling(text: Folded, start: int, _end: int) -> Iterator[Found]:
    """Yield the name in "my name is Anna", in the case it is written in."""
    called = _CALLING.match(text.lower, start)
    if called is None:
        return
    plain, at = text.text, called.end()
    found = _NAMES.match(plain, at)
    if found is None and text.lower.endswith(_MINE, 0, start):
        found = _ONE_OR_TWO.match(plain, at)
    if found is not None:
        stop = _names_end(plain, at, found.end())
        if stop > at:
            yield Found(at, stop, Kind.PERSON, LIKELY)


_MINE = ("my ", "mein ", "mon ", "mi ", "mio ", "meu ", "mijn ", "his ", "her ")


def after_title(text: Folded, start: int, end: int) -> Iterator[Found]:
    """Yield a name with its title before it."""
    plain = text.text
    at = end + plain.startswith(".", end)
    if not plain[start].isupper() and len(plain[start:end]) < len("herr"):
        lower = _LOWER_NAME.match(plain, at) if at > end else None
        if lower is not None:
            yield Found(start, lower.end(), Kind.PERSON, POSSIBLE)
        return
    if not plain.startswith(" ", at) or (end - start == 1 and at == end):
        return
    found = _NAMES.match(plain, at + 1)
    # In capitals it is a department, as in "HR Business Partner".
    if found is None or plain[start:end] == "HR":
        return
    stop = _names_end(plain, found.start(), found.end())
    if stop > at + 1 and plain[at + 1 : stop].lower() not in OFFICES:
        yield Found(start, stop, Kind.PERSON, LIKELY)


_LOWER_NAME = re.compile(r" [a-z][a-z'-]{2,30}")


def after_greeting(text: Folded, _start: int, end: int) -> Iterator[Found]:
    """Yield the name of whoever is greeted."""
    plain = text.text
    found = _NAMES.match(plain, end + 1) if plain.startswith(" ", end) else None
    if found is None:
        return
    stop = _names_end(plain, found.start(), found.end())
    if stop > end + 1 and (stop == len(plain) or plain[stop] in ",.!:;\n?"):
        yield Found(end + 1, stop, Kind.PERSON, LIKELY)


_SIGNED = re.compile(
    rf"[,!.]?[ \t]{{0,4}}\n\s{{0,4}}(?P<v>{_CAP}\.?(?: {_CAP}\.?){{0,3}})(?=[ \t]{{0,4}}(?:\n|$|,))"
)


def after_closing(text: Folded, _start: int, end: int) -> Iterator[Found]:
    """Yield the name under a letter."""
    found = _SIGNED.match(text.text, end)
    if found is not None:
        yield Found(found.start("v"), found.end("v"), Kind.PERSON, LIKELY)


_MASKED = re.compile(r"(?<!\w)[A-Z]\*{2,20}(?:[ .-]{1,2}[A-Z]\*{2,20}){0,3}(?!\w)")


def masked(text: Folded) -> Iterator[Found]:
    """Yield names of which somebody left the initials only, and numbers of which the last digits."""
    if "**" in text.text:
        for found in _MASKED.finditer(text.text):
            yield Found(found.start(), found.end(), Kind.PERSON, POSSIBLE)
        for found in _CROSSED.finditer(text.text):
            yield Found(found.start(), found.end(), Kind.NUMBER, POSSIBLE)


_CROSSED = re.compile(r"\*{2,20}(?:[- ]?\*{2,8}){0,4}[- ]?[0-9]{2,4}(?!\w)")
_PART = re.compile(r"[^\W\d_]{2,30}")
_LOCAL_PART = re.compile(r"[a-z]{2,30}")
_NOBODY = words(
    "info mail support sales contact office admin team hello help service services noreply reply no billing "
    "customer customers care news newsletter account accounts hr jobs press marketing webmaster post web user users "
    "test example email department group company bank store shop the and my me it is of for"
)
_INITIAL = re.compile(r" [A-Z](?:\.|(?![\w'.-]))")
_FEW = 24
_SHORTEST_ECHO = 3


def echoes(text: Folded, found: Iterable[Found]) -> Iterator[Found]:
    """Yield where else in a text the names stand that something in it gave away."""
    names = set[str]()
    for one in found:
        if one.kind is Kind.PERSON and one.score >= POSSIBLE:
            names.update(_parts(text.text[one.start : one.end]))
        elif one.kind is Kind.EMAIL:
            names.update(_of_mail(text.lower[one.start : one.end]))
    if names:
        yield from _everywhere(text, names)


def _parts(name: str) -> Iterator[str]:
    for part in _PART.findall(name):
        lower = part.lower()
        if len(part) >= _SHORTEST_ECHO and lower not in TITLES and lower not in NOT_NAMES:
            yield lower


def _of_mail(mail: str) -> Iterator[str]:
    """Yield the names that the local part of an address is made of."""
    local = mail.partition("@")[0]
    parts = _LOCAL_PART.findall(local)
    if len(parts) > 1 and not _NOBODY.intersection(parts):
        yield from (part for part in parts if len(part) >= _SHORTEST_ECHO and part not in NOT_NAMES)


def _everywhere(text: Folded, names: set[str]) -> Iterator[Found]:
    plain, lower = text.text, text.lower
    if len(names) > _FEW:
        for word in _PART.finditer(lower):
            if word.group() in names and plain[word.start()].isupper():
                yield Found(word.start(), word.end(), Kind.PERSON, BARE)
        return
    for name in names:
        at = lower.find(name)
        while at >= 0:
            end = at + len(name)
            if (
                plain[at].isupper()
                and not (at and plain[at - 1].isalnum())
                and not plain[end : end + 1].isalnum()
            ):
                initial = _INITIAL.match(plain, end)
                yield Found(at, initial.end() if initial else end, Kind.PERSON, BARE)
            at = lower.find(name, end)
