"""Values that a telling word announces: `SSN: …`, `"ssn": "…"`, `<ssn>…`, `name=…&ssn=…`.

One walk over the words of a text; a word that announces nothing costs a look into a table.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from projections.redaction.fold import Folded, spots
from projections.redaction.kinds import Found, Kind
from projections.redaction.shapes import dates, people, places
from projections.redaction.shapes.rules import CERTAIN, LIKELY, POSSIBLE
from projections.redaction.shapes.vocabulary import WORDS, Field

__all__ = ["Telling", "beside", "telling", "tells_number"]

_WORD = re.compile(r"[a-z]+")
_FEW_WORDS = 6
"""So many words are looked for one by one."""

_Reader = Callable[[Folded, int, int], Iterator[Found]]


class Telling(NamedTuple):
    """A telling word and where it stands."""

    start: int
    end: int
    read: tuple[_Reader, ...]


_MORE = (
    r"(?:number|numbers|num|no|nr|nummer|numer|numero|numeri|n|id|ids|code|card|key|address|name|holder|account|licen[cs]e|plate|"
    r"security|insurance|policy|record|case|on file|of birth|at birth|and|or|by|me|us|him|her|back|full|ending|ends|verified|starting|in|card|certificate|"
    r"date|reference|ref|identification|identifier|customer|patient|member|group|fiscal|social|personal|national|tax|"
    r"konto|karte|de la|de|del|du|di|da|do|van|le|la|el|il|der|des|d|identite|identidad|identita|identidade|fiscale|"
    r"seguridad|securite|sociale|conducir|conducao|conduire|guida|telefonu|dowodu|osobistego|ubezpieczenia)"
)
_LINK = re.compile(
    rf"(?:[ \t_./()-]{{0,2}}\b{_MORE}\b\.?){{0,4}}\)?"
    r"(?P<sign>[\"'\])]{0,2}[ \t]{0,8}(?:[:=>#|]|->|=>|:=|-(?=[ \t]))[:=>#]{0,2}[ \t]{0,8}(?:\n[ \t]{0,8}(?=\S))?"
    r"|[ \t]{1,3}(?:is|was|are|ist|lautet|war|est|es|e|era|jest|to|at|on|under|via|number is|is now|is still)\b:?[ \t]{1,3}"
    r"|[ \t]{0,2}\?(?:[ \t]{1,3}|[ \t]?\n[ \t]{0,3})(?:[aA]: )?(?=\S)|[ \t]{1,3}|\.[ \t]{1,3}|(?=[0-9]))[\"'(\[<#]{0,3}[ \t]{0,2}"
)
_SIGNS = frozenset(":=>#|?")
_BEING = (["is"], ["was"], ["are"], ["ist"], ["war"], ["est"], ["es"], ["e"], ["era"], ["jest"])


class _Value(NamedTuple):
    """How a value looks after a sign, and how it looks after nothing but a space."""

    kind: Kind
    signed: re.Pattern[str]
    plain: re.Pattern[str] | None


_ANY_ID = r"(?=[^\s]{0,24}[0-9])[A-Za-z0-9#*][\w#*/.:-]{0,38}[\w*](?:[ -][A-Z0-9]{2,6}(?=[^a-z])(?<![A-Z]{4})){0,3}"
_CODED = r"(?=[A-Z]{0,8}[-/]?[0-9])[A-Z0-9][A-Z0-9/-]{3,30}(?![\w])"
_NO_HANDLE = r"(?:not|the|an?|now|in|on|very|also|already|required|invalid|unknown|none|null|online|is|who)\b"
_VALUES: dict[Field, _Value] = {
    Field.PHONE: _Value(
        Kind.PHONE,
        re.compile(
            r"(?=(?:[^0-9\n]{0,3}[0-9]){5})\+?[0-9(][0-9()./ -]{3,20}[0-9](?:\s?(?:x|ext\.?)\s?[0-9]{1,5})?"
        ),
        re.compile(
            r"(?=(?:[^0-9\n]{0,3}[0-9]){7})\+?[0-9(][0-9()./ -]{5,20}[0-9](?:\s?(?:x|ext\.?)\s?[0-9]{1,5})?"
        ),
    ),
    Field.SSN: _Value(
        Kind.SSN,
        re.compile(
            rf"[*Xx#]{{2,4}}[- ]?[*Xx#]{{2}}[- ]?[0-9]{{4}}|[0-9][0-9 ./-]{{2,20}}[0-9][A-Z]?|{_ANY_ID}"
        ),
        re.compile(
            rf"[*Xx#]{{2,4}}[- ]?[*Xx#]{{2}}[- ]?[0-9]{{4}}|[0-9][0-9 ./-]{{2,20}}[0-9][A-Z]?|{_CODED}"
        ),
    ),
    Field.ID: _Value(
        Kind.ID,
        re.compile(rf"{_ANY_ID}|[A-Z][A-Z0-9-]{{4,30}}(?!\w)"),
        re.compile(rf"[0-9]{{4,20}}(?![\w:])|{_CODED}"),
    ),
    Field.BANK: _Value(
        Kind.BANK,
        re.compile(
            r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?!\w)|[*xX#]{0,12}[0-9][0-9 *-]{2,32}[0-9]|(?=[A-Za-z]{0,8}[0-9])\w{6,64}"
        ),
        re.compile(
            r"[*xX#]{0,12}[0-9][0-9 *-]{2,32}[0-9](?!\w)|[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?!\w)"
        ),
    ),
    Field.CARD: _Value(
        Kind.CARD,
        re.compile(r"[*xX#0-9][0-9*xX# -]{2,24}[0-9](?!\w)"),
        re.compile(r"[*xX#]{0,12}[ -]?[0-9][0-9 *-]{2,24}[0-9](?![\w:])"),
    ),
    Field.HANDLE: _Value(
        Kind.HANDLE, re.compile(rf"(?!{_NO_HANDLE})@?[^\W_][\w.@+-]{{1,40}}\w"), None
    ),
    Field.POSTCODE: _Value(
        Kind.ADDRESS,
        re.compile(r"(?=\S{0,4}\s?[0-9])[A-Z0-9][\w-]{2,9}(?: [0-9][A-Za-z]{2})?(?!\w)"),
        re.compile(r"(?=\S{0,4}\s?[0-9])[A-Z0-9][\w-]{3,9}(?: [0-9][A-Za-z]{2})?(?!\w)"),
    ),
    Field.ORG: _Value(Kind.ORG, re.compile(r"[^\W_][^\n\t\"<>|;,(){}\[\]=:]{1,60}"), None),
    Field.PLACE: _Value(Kind.LOC, re.compile(r"[^\W_][^\n\t\"<>|;,(){}\[\]=:]{1,40}"), None),
    Field.DEGREES: _Value(Kind.ADDRESS, re.compile(r"[-+]?[0-9]{1,3}[.,][0-9]{2,15}"), None),
    Field.EMAIL: _Value(Kind.EMAIL, re.compile(r"[^\s@\"'<>,;]{1,64}@[^\s@\"'<>,;]{1,80}"), None),
}
_ADDRESS = re.compile(r"(?=[^\n]{0,60}[0-9])[^\W_][^\n\t\"<>|;{}=:]{4,110}")
_SENTENCE = re.compile(r"[.!?] [A-Z]|[.!?]?\s*$|\. |[?!]")
_BLOCK = re.compile(r"[^\W_][^\n:@\"<>{}]{1,70}(?:\n[ \t]{0,8}[^\W_][^\n:@\"<>{}]{0,60}){0,4}")
_BIRTH = re.compile(
    r"[^\n0-9]{0,24}?(?=[0-9]|(?<![a-z])(?:"
    + "|".join(sorted(dates.MONTHS, key=len, reverse=True))
    + r")\b)"
)


def tells_number(text: Folded) -> bool:
    """Whether a word announces a mail address, a number to call, or one of a card or an account."""
    return not _NUMBERED.isdisjoint(text.words)


def telling(text: Folded) -> list[Telling]:
    """Return the telling words of a text, in order."""
    table, words = (_SIGNED, _ALL) if _SIGN.search(text.text) else (_UNSIGNED, _FEW)
    said = words & text.words
    if not said:
        return []
    if len(said) > _FEW_WORDS:
        spans = [word.span() for word in _WORD.finditer(text.lower) if word[0] in said]
    else:
        spans = sorted((at, at + len(word)) for word in said for at in spots(text.apart, word))
    return [Telling(start, end, table[text.lower[start:end]]) for start, end in spans]


def beside(text: Folded, words: list[Telling]) -> Iterator[Found]:
    """Yield what stands beside telling words."""
    for word in words:
        for read in word.read:
            yield from read(text, word.start, word.end)


def _linked(text: Folded, end: int) -> tuple[int, bool] | None:
    """Return where a value begins after a word, and whether a sign says that it is one."""
    link = _LINK.match(text.lower, end)
    if link is None:
        return None
    sign = link["sign"]
    return link.end(), bool(_SIGNS.intersection(sign)) or len(sign.strip()) > 1


def _value(field: Field) -> _Reader:
    """Return what reads the values of a field."""
    value = _VALUES[field]

    def read(text: Folded, _start: int, end: int) -> Iterator[Found]:
        linked = _linked(text, end)
        if linked is None:
            return
        at, signed = linked
        pattern = value.signed if signed else value.plain
        found = pattern.match(text.text, at) if pattern else None
        if found is not None:
            yield Found(
                found.start(), _trimmed(text.text, found), value.kind, CERTAIN if signed else LIKELY
            )

    return read


def _trimmed(plain: str, found: re.Match[str]) -> int:
    end = found.end()
    while end > found.start() + 1 and plain[end - 1] in " .:-/":
        end -= 1
    return end


def _birth(text: Folded, _start: int, end: int) -> Iterator[Found]:
    """Yield a day, or a year, that follows a word for birth."""
    gap = _BIRTH.match(text.lower, end)
    if gap is None:
        return
    found = dates.written(text, gap.end())
    if found:
        yield Found(gap.end(), found, Kind.DOB, CERTAIN)


def _address(text: Folded, _start: int, end: int) -> Iterator[Found]:
    linked = _linked(text, end)
    if linked is None or not linked[1]:
        return
    at = linked[0]
    if "\n" in text.text[end:at]:
        block = _BLOCK.match(text.text, at)
        if block is not None and any(c.isdigit() for c in block.group()):
            yield Found(at, block.end(), Kind.ADDRESS, POSSIBLE)
        return
    line = _ADDRESS.match(text.text, at)
    if line is not None:
        stop = _SENTENCE.search(text.text, at, line.end())
        yield Found(
            at,
            _trimmed(text.text, line) if stop is None else max(stop.start(), at + 1),
            Kind.ADDRESS,
            POSSIBLE,
        )


def _name(text: Folded, _start: int, end: int) -> Iterator[Found]:
    at = _signed(text, end)
    if at is not None:
        yield from people.after_sign(text, at)


def _letter(text: Folded, _start: int, end: int) -> Iterator[Found]:
    at = _signed(text, end)
    if at is not None and text.text[at : at + 1].isupper():
        yield from people.after_sign(text, at)


def _person(text: Folded, start: int, end: int) -> Iterator[Found]:
    at = _signed(text, end)
    if at is None:
        yield from people.after_role(text, start, end)
        return
    link = text.lower[end:at].split()
    for found in people.after_sign(text, at):
        # As in "the suspect was only twelve".
        if link[:1] not in _BEING or not all(
            map(people.is_plain, text.text[found.start : found.end].split())
        ):
            yield found


def _signed(text: Folded, end: int) -> int | None:
    """Return where a name begins that a sign after a word announces; `from #topic` is none."""
    linked = _linked(text, end)
    if linked is None or not linked[1] or text.text[end : linked[0]].rstrip().endswith("#"):
        return None
    return linked[0]


def _nothing(_text: Folded, _start: int, _end: int) -> Iterator[Found]:
    return iter(())


_READERS: dict[Field, _Reader] = {
    **{field: _value(field) for field in _VALUES},
    Field.DOB: _birth,
    Field.ADDRESS: _address,
    Field.NAME: _name,
    Field.LETTER: _letter,
    Field.CALLED: people.after_calling,
    Field.PERSON: _person,
    Field.TITLE: people.after_title,
    Field.GREETING: people.after_greeting,
    Field.CLOSING: people.after_closing,
    Field.MONTH: dates.after_month,
    Field.WEEKDAY: dates.weekday,
    Field.AGED: dates.age,
    Field.BOX: places.box,
    Field.FLAT: places.flat,
    Field.CORNER: places.corner,
}

# What these announce stands after a sign only.
_AFTER_SIGNS = frozenset(
    {Field.NAME, Field.LETTER, Field.ORG, Field.ADDRESS, Field.PLACE, Field.EMAIL}
)


def _table(without: frozenset[Field]) -> dict[str, tuple[_Reader, ...]]:
    """Return what reads beside each word."""
    return {
        word: tuple(_READERS[field] for field in fields if field not in without)
        for word, fields in WORDS.items()
        if not without.issuperset(fields)
    }


_SIGNED, _UNSIGNED = _table(frozenset()), _table(_AFTER_SIGNS)
_ALL, _FEW = frozenset(_SIGNED), frozenset(_UNSIGNED)
_NUMBERED = frozenset(
    word
    for word, fields in WORDS.items()
    if not {Field.PHONE, Field.SSN, Field.BANK, Field.CARD, Field.EMAIL}.isdisjoint(fields)
)
_SIGN = re.compile(r"[:=>#|?-]")
