"""Lines of a journal that are dates, in the forms in which people write them."""

import re
from dataclasses import dataclass

from vault.collectors.readers.time import When, in_order, moment, order_of
from vault.items import Precision

__all__ = ["Heading", "headings"]

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner janvier janv enero ene gennaio gen janeiro januari",
            "february feb februar février févr febrero febbraio fevereiro fev februari",
            "march mar märz mrz mars marzo março maart mrt",
            "april apr avril avr abril abr aprile",
            "may mai mayo maggio mag maio mei",
            "june jun juni juin junio giugno giu junho",
            "july jul juli juillet juil julio luglio lug julho",
            "august aug août agosto ago augustus",
            "september sep sept septembre septiembre settembre set setembro",
            "october oct oktober okt octobre octubre ottobre ott outubro out",
            "november nov novembre noviembre novembro",
            "december dec dezember dez décembre déc diciembre dic dicembre dezembro",
        ),
        start=1,
    )
    for name in names.split()
}
_LONGEST = 120
_WEEKDAY = r"(?:[^\W\d_]{2,12}\.?,?[ ]+)?"
_CLOCK = r"(?:[ ]*[,T@\u2013\u2014-]?[ ]*(?:at[ ]|um[ ]|à[ ])?(\d{1,2})[:.h](\d{2})(?::\d{2})?(?:[ ]?Uhr)?)?"
_TAIL = r"[ ]*(?:[,(]?[ ]?[^\W\d_]{2,12}\)?)?"
_LINE = re.compile(r"^[ \t]{0,3}\S[^\n]{3,119}$", re.MULTILINE)
_DRESS = "#=*_-\u2013\u2014[]<>|~ \t:."
_ISO = re.compile(rf"{_WEEKDAY}(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_CLOCK}(.*)$")
_NUMBERS = re.compile(
    rf"{_WEEKDAY}(\d{{1,2}})[./-](\d{{1,2}})[./-](\d{{4}}|\d{{2}}){_CLOCK}{_TAIL}$"
)
_DAY_FIRST = re.compile(
    rf"{_WEEKDAY}(?:the[ ])?(\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?[ ](?:of[ ]|de[ ])?([^\W\d_]{{3,10}})\.?,?[ ]"
    rf"(?:de[ ])?(\d{{4}}){_CLOCK}{_TAIL}$"
)
_MONTH_FIRST = re.compile(
    rf"{_WEEKDAY}([^\W\d_]{{3,10}})\.?[ ](\d{{1,2}})(?:st|nd|rd|th)?,?[ ](\d{{4}}){_CLOCK}{_TAIL}$"
)
_TITLE = re.compile(r"[ ]*(?:$|[:|\u2013\u2014-][ ]*|\(?(?=[^\W\d_]{2,12}\)?$)|[ ]{2,})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A line that is a date: where it stands, what it dates, and its words."""

    start: int
    end: int
    when: When
    title: str


def headings(text: str) -> list[Heading]:
    """Return the date headings of a text, in its order."""
    lines = [
        (found.start(), found.end(), found.group())
        for found in _LINE.finditer(text)
        if any(letter.isdigit() for letter in found.group())
    ]
    numeric = [
        (int(found[1]), int(found[2]), int(found[3]))
        for _, _, line in lines
        if (found := _NUMBERS.match(line.strip(_DRESS)))
    ]
    order = order_of(numeric)
    found_all = []
    for start, end, line in lines:
        when = _when(line, order)
        if when is not None:
            title = line.strip(_DRESS)
            found_all.append(Heading(start=start, end=end, when=when, title=title))
    return found_all


def _when(line: str, order: str) -> When | None:
    """Return the date that a line consists of, or None where it is any other line."""
    bare = line.strip(_DRESS)
    if found := _ISO.match(bare):
        year, month, day, hour, minute, rest = found.groups()
        # A list of dates or a sentence that begins with one is no heading.
        if rest and not _TITLE.match(rest):
            return None
        return _dated((int(year), int(month), int(day)), "YMD", hour, minute)
    if found := _NUMBERS.match(bare):
        first, second, third, hour, minute = found.groups()
        return _dated((int(first), int(second), int(third)), order, hour, minute)
    if found := _DAY_FIRST.match(bare):
        day, name, year, hour, minute = found.groups()
    elif found := _MONTH_FIRST.match(bare):
        name, day, year, hour, minute = found.groups()
    else:
        return None
    month_number = _MONTHS.get(name.lower())
    if month_number is None:
        return None
    return _dated((int(year), month_number, int(day)), "YMD", hour, minute)


def _dated(
    parts: tuple[int, int, int], order: str, hour: str | None, minute: str | None
) -> When | None:
    day = in_order(order, parts)
    if day is None:
        return None
    if hour is None or minute is None:
        return When(at=day, precision=Precision.DAY, assumed=True)
    at = moment(day.year, day.month, day.day, int(hour), int(minute))
    return When(at=at, precision=Precision.MINUTE, assumed=True) if at else None
