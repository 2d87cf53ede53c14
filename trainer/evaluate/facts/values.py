"""What an answer can be right or wrong about: numbers, dates, times and words, in four languages.

Values are compared and not spellings: `£38` is `thirty-eight pounds`, `04/06/2023` may be the
fourth of June or the sixth of April, and a month is a true answer where a day of it is known.
Letter case, accents and Unicode forms say nothing (`vault.aliases.fold`).
"""

import calendar
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from vault.aliases import fold

__all__ = [
    "MONTHS",
    "WORD",
    "Date",
    "Number",
    "Span",
    "alike",
    "clock",
    "dates",
    "numbers",
    "plain",
    "words",
]


class Span(NamedTuple):
    """Where a value stands in a plain text."""

    start: int
    end: int


def plain(text: str) -> str:
    """Return a text as values are read from it: folded, in small letters, single spaces."""
    folded = fold(text).casefold()
    return " ".join(folded.replace("'", "").split())


WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Return the words of a plain text."""
    return WORD.findall(text)


def alike(one: str, other: str) -> bool:
    """Whether two words may be one, mistyped or with another ending; digits never may."""
    if one == other:
        return True
    short = min(len(one), len(other))
    if (
        short == _FUZZY - 1
        and one[:short] == other[:short]
        and len(one) + len(other) == 2 * short + 1
    ):
        return one.isalpha() and other.isalpha()
    if short < _FUZZY or not (one + other).isalpha() or one[0] != other[0]:
        return False
    if one in _CLOSED and other in _CLOSED:
        return False
    if one.startswith(other) or other.startswith(one):
        return abs(len(one) - len(other)) <= _ENDING
    return _edits(one, other) <= (1 if short < _LONG else 2)


_FUZZY, _LONG, _ENDING = 4, 7, 3


def _edits(one: str, other: str) -> int:
    """Return how many letters to put in, take out, change or swap with the next (Damerau 1964)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            best = min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]


# ---------------------------------------------------------------------- numbers

_UNITS = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen",
    "de": "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn"
    " funfzehn sechzehn siebzehn achtzehn neunzehn",
    "fr": "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze"
    " seize",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"
    " dieciseis diecisiete dieciocho diecinueve",
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig",
    "fr": "vingt trente quarante cinquante soixante",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
}
_SMALL = {word: n for line in _UNITS.values() for n, word in enumerate(line.split())} | {
    "couple": 2,
    "pair": 2,
    "dozen": 12,
    "none": 0,
    "nothing": 0,
}
_TEN = {word: 10 * n for line in _TENS.values() for n, word in enumerate(line.split(), 2)}
_LARGE = {"hundred": 100, "hundert": 100, "cent": 100, "cien": 100, "ciento": 100} | {
    "thousand": 1000,
    "tausend": 1000,
    "mille": 1000,
    "mil": 1000,
}
_DECADE = {f"{tens[:-1]}ies": value for tens, value in _TEN.items() if tens.endswith("ty")}
# "one" and its like are articles and pronouns more often than numbers.
_ARTICLES = frozenset({"one", "un", "uno", "eins"})
_SCALE = {"km": 1000, "kg": 1000, "cm": 0.01} | {
    "kilometre": 1000,
    "kilometres": 1000,
    "kilometer": 1000,
    "kilometers": 1000,
    "kilo": 1000,
    "kilos": 1000,
    "kilometern": 1000,
}
_COINED = frozenset({"pounds", "pound", "quid", "euros", "euro", "dollars", "£", "€"})
_DIGITS = re.compile(r"(?<![\w.,])\d{1,3}(?:[,\s.]\d{3})+(?![\d])(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?")
_SPELLED = re.compile(r"[a-z]+")
_GROUPED = re.compile(r"[,\s.](?=\d{3}(?!\d))")


class Number(NamedTuple):
    """A number that a text names: from `low` to `high`, which differ for decades only."""

    low: float
    high: float
    span: Span


def numbers(text: str) -> list[Number]:
    """Return the numbers of a plain text in their order, in digits or in words."""
    found = sorted([*_in_digits(text), *_in_words(text)], key=lambda number: number.span)
    return list(_joined(found, text))


def _joined(found: Iterable[Number], text: str) -> Iterator[Number]:
    """Put `twelve pounds fifty` together."""
    before: Number | None = None
    for number in found:
        between = text[before.span.end : number.span.start].strip() if before else ""
        if before and between in _COINED and number.high < 100:  # noqa: PLR2004
            value = before.low + number.low / 100
            before = Number(value, value, Span(before.span.start, number.span.end))
            continue
        if before:
            yield before
        before = number
    if before:
        yield before


def _in_digits(text: str) -> Iterator[Number]:
    for match in _DIGITS.finditer(text):
        written = match.group()
        value = float(_GROUPED.sub("", written).replace(",", "."))
        after = _SPELLED.match(text, match.end() + (text[match.end() : match.end() + 1] == " "))
        value *= _SCALE.get(after.group(), 1) if after else 1
        yield Number(value, value, Span(*match.span()))


def _in_words(text: str) -> Iterator[Number]:
    """Read runs of number words: `four hundred and twelve`, `two fifty`, `two seven nine one`."""
    run: list[tuple[str, Span]] = []
    for match in _SPELLED.finditer(text):
        word = match.group()
        if word in _DECADE:
            yield Number(_DECADE[word], _DECADE[word] + 9, Span(*match.span()))
        apart = run and text[run[-1][1].end : match.start()].strip(" -")
        if run and (apart or not (_is_number(word) or word == "and")):
            yield from _read(run, text)
            run = []
        if _is_number(word) or (run and word == "and"):
            run.append((word, Span(*match.span())))
    yield from _read(run, text)


def _is_number(word: str) -> bool:
    return word in _SMALL or word in _TEN or word in _LARGE


def _read(run: list[tuple[str, Span]], text: str) -> Iterator[Number]:
    while run and run[-1][0] == "and":
        run.pop()
    told = [word for word, _ in run if word != "and"]
    if not told or (len(told) == 1 and told[0] in _ARTICLES and not _counts(run[0][1], text)):
        return
    if any(word == "and" for word, _ in run) and not any(w in _LARGE for w in told):
        # "three and four" are two numbers.
        for word, span in run:
            if word != "and":
                yield from _read([(word, span)], text)
        return
    value = _value(told)
    span = Span(run[0][1].start, run[-1][1].end)
    after = _SPELLED.match(text, span.end + (text[span.end : span.end + 1] == " "))
    value *= _SCALE.get(after.group(), 1) if after else 1
    yield Number(value, value, span)


def _counts(span: Span, text: str) -> bool:
    """Whether "one" counts: alone, or after "only" and "just"."""
    before = text[: span.start].split()
    return text.strip(" .!") == text[span.start : span.end] or before[-1:] in (
        ["only"],
        ["just"],
        ["solo"],
        ["nur"],
    )


def _value(told: list[str]) -> float:
    single = [_SMALL.get(word, 99) for word in told]
    if len(told) > 1 and max(single) <= 9:  # noqa: PLR2004 - digits that are read out
        return float("".join(map(str, single)))
    total = part = 0.0
    for word in told:
        if word in _LARGE:
            part = (part or 1) * _LARGE[word]
            if _LARGE[word] == 1000:  # noqa: PLR2004
                total, part = total + part, 0.0
        elif word in _TEN and 0 < part <= 9:  # noqa: PLR2004 - "two fifty"
            part = part * 100 + _TEN[word]
        else:
            part += _TEN.get(word, _SMALL.get(word, 0))
    return total + part


# ---------------------------------------------------------------------- dates

_NAMES = {
    "en": "january february march april may june july august september october november december",
    "de": "januar februar marz april mai juni juli august september oktober november dezember",
    "fr": "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre"
    " diciembre",
}
MONTHS = {language: tuple(names.split()) for language, names in _NAMES.items()}
"""The names of the months, plain."""

_MONTH = {name: n for names in MONTHS.values() for n, name in enumerate(names, 1)} | {
    name[:3]: n for n, name in enumerate(MONTHS["en"], 1)
}
_MONTH |= {"sept": 9}
_SEASON = {
    "spring": (3, 4, 5),
    "summer": (6, 7, 8),
    "autumn": (9, 10, 11),
    "winter": (12, 1, 2),
    "fruhling": (3, 4, 5),
    "sommer": (6, 7, 8),
    "herbst": (9, 10, 11),
    "printemps": (3, 4, 5),
    "ete": (6, 7, 8),
    "automne": (9, 10, 11),
    "hiver": (12, 1, 2),
    "primavera": (3, 4, 5),
    "verano": (6, 7, 8),
    "otono": (9, 10, 11),
    "invierno": (12, 1, 2),
}
_WEEKDAY = {
    name: n
    for names in (
        "monday tuesday wednesday thursday friday saturday sunday",
        "montag dienstag mittwoch donnerstag freitag samstag sonntag",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "lunes martes miercoles jueves viernes sabado domingo",
    )
    for n, name in enumerate(names.split())
}
_WEEKDAY |= {"tues": 1, "wed": 2, "weds": 2, "thur": 3, "thurs": 3, "fri": 4}
# Words of which two are never one mistyped.
_CLOSED = frozenset({*_SMALL, *_TEN, *_LARGE, *_MONTH, *_WEEKDAY})
_MONTHISH = "|".join(sorted({*_MONTH, *_SEASON}, key=len, reverse=True))
_DAY = r"(?P<d>[0-3]?\d)(?:st|nd|rd|th|er|\.)?"
_OF = r"(?: of| de| del)?"
# A month's name alone may be a verb, or somebody's name: a word before it says that it is one.
_BEFORE = "in|im|en|by|since|early|late|mid|last|next|this|around|until|of|end|second|letzten"
_YEAR = r"(?P<y>(?:19|20)\d\d)"
_DATES = (
    re.compile(r"(?<!\d)(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)"),
    re.compile(r"(?<![\d.])(?P<a>\d{1,2})[./](?P<b>\d{1,2})(?:[./](?P<y>\d{4}|\d\d)?)?(?![\d:])"),
    re.compile(rf"(?<!\d){_DAY} ?{_OF} (?P<n>{_MONTHISH})\b\.?,?(?:{_OF} {_YEAR})?"),
    re.compile(rf"\b(?P<n>{_MONTHISH})\.? (?:the )?{_DAY}(?!\d),?(?: {_YEAR})?"),
    re.compile(rf"\b(?P<n>{_MONTHISH})\b\.?,?{_OF} {_YEAR}"),
    re.compile(rf"\b(?:{_BEFORE}) (?P<n>{_MONTHISH})\b"),
    re.compile(rf"(?<![\d.,/]){_YEAR}(?![\d.,]\d|[\d/])"),
    re.compile(rf"\b(?P<w>{'|'.join(_WEEKDAY)})s?\b"),
)


@dataclass(frozen=True, slots=True)
class Date:
    """A day as far as it is told: zero, or no months, where it is not."""

    year: int = 0
    months: frozenset[int] = frozenset()
    day: int = 0
    weekday: int = -1

    def fits(self, other: "Date") -> bool:
        """Whether both may be the same day: something is told by both and nothing differs."""
        if self.weekday >= 0 or other.weekday >= 0:
            return self.on() == other.on() != -1
        shared = (
            (self.year and other.year, self.year == other.year),
            (self.months and other.months, bool(self.months & other.months)),
            (self.day and other.day, self.day == other.day),
        )
        return any(told for told, _ in shared) and all(same for told, same in shared if told)

    def on(self) -> int:
        """Return the day of the week, Monday 0; -1 where it is not told."""
        if self.weekday >= 0 or not (self.year and self.day and len(self.months) == 1):
            return self.weekday
        return date(self.year, min(self.months), self.day).weekday()


def dates(text: str) -> list[tuple[tuple[Date, ...], Span]]:
    """Return the dates of a plain text, each with every way to read it."""
    found: list[tuple[tuple[Date, ...], Span]] = []
    taken: list[Span] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            span = Span(*match.span())
            read = tuple(d for d in _dated(match.groupdict()) if _exists(d))
            if read and not any(span.start < t.end and t.start < span.end for t in taken):
                taken.append(span)
                found.append((read, span))
    return sorted(found, key=lambda one: one[1])


def _dated(told: dict[str, str | None]) -> Iterator[Date]:
    year = int(told.get("y") or 0)
    year += 2000 if 0 < year < 100 else 0  # noqa: PLR2004 - two digits
    if name := told.get("n"):
        months = frozenset(_SEASON.get(name) or (_MONTH[name],))
        yield Date(year, months, int(told.get("d") or 0))
    elif month := told.get("m"):
        yield Date(year, frozenset({int(month)}), int(told.get("d") or 0))
    elif (a := told.get("a")) and (b := told.get("b")):
        yield Date(year, frozenset({int(b)}), int(a))
        yield Date(year, frozenset({int(a)}), int(b))
    elif weekday := told.get("w"):
        yield Date(weekday=_WEEKDAY[weekday])
    elif year:
        yield Date(year)


def _exists(read: Date) -> bool:
    return all(
        1 <= month <= 12 and read.day <= calendar.monthrange(read.year or 2000, month)[1]  # noqa: PLR2004
        for month in read.months
    )


# ---------------------------------------------------------------------- the time of day

_CLOCK = re.compile(
    r"(?<![\d.])(?P<h>[01]?\d|2[0-4])[:.h](?P<m>[0-5]\d)(?![\d.])\s*(?P<half>[ap]m)?"
)
_HOUR = re.compile(
    r"(?<![\d.:])(?P<h>[01]?\d)\s*(?P<half>[ap]m)\b|\bat (?P<w>[a-z]+|\d{1,2})\b(?![:.\d])"
)
_PAST = re.compile(r"\b(?P<n>[a-z]+|\d+) (?:minutes )?(?P<side>past|to) (?P<h>[a-z]+|\d+)")
_PART = {"quarter": 15, "half": 30}


def clock(text: str) -> list[tuple[int, Span]]:
    """Return the times of day in a plain text, as minutes; the half of the day only if told."""
    late = re.search(r"\b(?:evening|afternoon|tonight)\b", text) is not None
    found = [
        (_minutes(match["h"], int(match["m"]), match["half"], late), Span(*match.span()))
        for match in _CLOCK.finditer(text)
    ]
    for match in _HOUR.finditer(text):
        hour = match["h"] or match["w"]
        if hour.isdigit() or 0 < _SMALL.get(hour, 0) <= 12:  # noqa: PLR2004
            found.append((_minutes(hour, 0, match["half"], late), Span(*match.span())))
    for match in _PAST.finditer(text):
        part = _PART.get(match["n"]) or _SMALL.get(match["n"]) or _TEN.get(match["n"])
        if part and match["h"] in _SMALL:
            part = part if match["side"] == "past" else -part
            found.append((_minutes(match["h"], part, None, late), Span(*match.span())))
    return sorted(found, key=lambda one: one[1])


def _minutes(hour: str, minutes: int, half: str | None, late: bool) -> int:
    told = int(hour) if hour.isdigit() else _SMALL[hour]
    afternoon = half == "pm" or (half is None and late)
    return (told % 12 + 12 if afternoon and told <= 12 else told) * 60 + minutes  # noqa: PLR2004
