"""Dates as people write them: as lines of a journal, in names of files, in properties.

In the words of eight languages and the signs of three more. Numbers alone are ordered by
the whole text; where there is no text to tell, an ambiguous date is none.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from vault.collectors.readers.time import When, from_name, in_order, moment, order_of, zone_minutes
from vault.items import Precision

__all__ = ["Heading", "headings", "named_for", "named_with", "stated", "year_of"]

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner janvier janv enero ene gennaio gen janeiro januari stycznia styczeń sty",
            "february feb februar feber février févr febrero febbraio fevereiro fev februari lutego luty lut",
            "march mar märz mrz mars marzo março maart mrt marca marzec",
            "april apr avril avr abril abr aprile kwietnia kwiecień kwi",
            "may mai mayo maggio mag maio mei maja maj",
            "june jun juni juin junio giugno giu junho czerwca czerwiec cze",
            "july jul juli juillet juil julio luglio lug julho lipca lipiec lip",
            "august aug août agosto ago augustus sierpnia sierpień sie",
            "september sep sept septembre septiembre settembre set setembro września wrzesień wrz",
            "october oct oktober okt octobre octubre ottobre ott outubro out października październik paź",
            "november nov novembre noviembre novembro listopada listopad lis",
            "december dec dezember dez décembre déc diciembre dic dicembre dezembro grudnia grudzień gru",
        ),
        start=1,
    )
    for name in names.split()
}
_LEADS = frozenset(
    name
    for names in (
        "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun",
        "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so",
        "lundi mardi mercredi jeudi vendredi samedi dimanche lun mar mer jeu ven sam dim",
        "lunes martes miércoles jueves viernes sábado domingo mié jue vie sáb dom",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica gio sab",
        "segunda terça quarta quinta sexta segunda-feira terça-feira quarta-feira quinta-feira",
        "sexta-feira seg ter qua qui sex",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag ma wo vr za zo",
        "poniedziałek wtorek środa czwartek piątek sobota niedziela pon wt śr czw pt sob ndz niedz",
        "the den der le el il am on date datum fecha data dnia dia día",
    )
    for name in names.split()
)
_MOST_LEADS = 3
_DRESS = "#=*_-\u2013\u2014[]<>|~ \t:."
_LINE = re.compile(r"^[ \t]{0,3}\S[^\n]{3,119}$", re.MULTILINE)
_CLOCK = (
    r"(?:[ ]*[,T@\u2013\u2014-]?[ ]*(?:(?:at|um|om|o|às|alle|a[ ]las|kl\.|godz\.|à|vers)[ ])?"
    r"(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?::\d{2})?"
    r"(?:[ \u202f]?(?P<half>[ap])\.?m\.?|[ ]?Uhr|[ ]?h)?)?"
)
_TAIL = r"[ ]*(?:[,(]?[ ]?[^\W\d_]{1,12}(?:-feira)?\)?)?"
_ISO = re.compile(
    rf"(\d{{4}})[-/._](\d{{1,2}})[-/._](\d{{1,2}}){_CLOCK}(?P<rest>.*)$", re.IGNORECASE
)
_EASTERN = re.compile(
    rf"(\d{{4}})[年년][ ]?(\d{{1,2}})[月월][ ]?(\d{{1,2}})[日일]{_CLOCK}(?P<rest>.*)$",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    rf"(\d{{1,2}})[./-](\d{{1,2}})(?:\.?$|[./-](\d{{4}}|\d{{2}}){_CLOCK}{_TAIL}$)", re.IGNORECASE
)
_DAY_FIRST = re.compile(
    r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.|º|°|ª)?[ ](?:(?:of|de|di)[ ])?(?P<name>[^\W\d_]{3,12})"
    rf"(?:\.?,?[ ](?:(?:de|del|do)[ ])?(?P<year>\d{{4}}))?{_CLOCK}{_TAIL}$",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    r"(?P<name>[^\W\d_]{3,12})\.?[ ](?P<day>\d{1,2})(?:st|nd|rd|th)?"
    rf"(?:,?[ ](?P<year>\d{{4}}))?{_CLOCK}{_TAIL}$",
    re.IGNORECASE,
)
_TITLE = re.compile(r"[ ]*(?:$|[:|\u2013\u2014-][ ]*|\(?(?=[^\W\d_]{1,12}\)?$)|[ ]{2,})")
_ZONE = re.compile(r"[ ]*\((?:GMT|UTC)([+-]\d{1,2})?(?::?(\d{2}))?\)$")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)")
_DAILY = re.compile(r"\d{4}([-_.])\d{2}\1\d{2}(?!\d)|\d{8}$")
_NOON = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A line that is a date: where it stands, what it dates, and its words."""

    start: int
    end: int
    when: When
    title: str


def headings(text: str, year: int | None = None) -> list[Heading]:
    """Return the date headings of a text, in its order.

    Args:
        text: The text.
        year: That of dates which state none; without it they are no dates.
    """
    lines = [
        (found.start(), found.end(), found.group().strip(_DRESS))
        for found in _LINE.finditer(text)
        if any(letter.isdigit() for letter in found.group())
    ]
    numeric = [
        (int(found[1]), int(found[2]), int(found[3] or year or 0))
        for _, _, title in lines
        if (found := _NUMBERS.match(_bare(title))) and (found[3] or year)
    ]
    order = order_of(numeric)
    return [
        Heading(start=start, end=end, when=when, title=title)
        for start, end, title in lines
        if (when := _when(title, order, year)) is not None
    ]


def stated(text: str) -> When | None:
    """Return the time that a phrase states, such as `@January 5, 2024 9:30 PM (GMT+1)`.

    Of a span it is the beginning. Numbers that may be read in two orders state nothing.
    """
    phrase = text.partition("\u2192")[0].strip().lstrip("@").strip()
    offset = None
    if found := _ZONE.search(phrase):
        offset = zone_minutes(f"{_signed(found[1])}{found[2] or '00'}")
        phrase = phrase[: found.start()]
    numbers = _NUMBERS.match(phrase)
    if numbers and (not numbers[3] or max(int(numbers[1]), int(numbers[2])) <= _NOON):
        return None
    when = _when(phrase, "DMY" if not numbers or int(numbers[1]) > _NOON else "MDY", None)
    if when is None or when.at is None or offset is None or when.precision == Precision.DAY:
        return when
    return When(at=when.at - timedelta(minutes=offset), offset=offset, precision=when.precision)


def named_for(stem: str) -> bool:
    """Whether a file is named for a day, as entries of journals are."""
    return bool(_DAILY.match(stem)) or _when(stem, "DMY", None) is not None


def named_with(stem: str) -> When | None:
    """Return the day that a file's name is, or holds in numbers."""
    return from_name(stem.replace("_", "-")) or _when(stem, "DMY", None)


def year_of(stem: str, folder: str) -> int | None:
    """Return the one year that a file is named for, else the one of its folder."""
    for name in (stem, folder):
        found = set(_YEAR.findall(name))
        if len(found) == 1:
            return int(found.pop())
    return None


def _signed(hours: str | None) -> str:
    return f"{hours[0]}{hours[1:]:0>2}" if hours else "+00"


def _bare(title: str) -> str:
    """Return a line without weekday and article."""
    for _ in range(_MOST_LEADS):
        first, space, rest = title.partition(" ")
        if not space or first.rstrip(".,:").lower() not in _LEADS:
            break
        title = rest.lstrip()
    return title


def _when(title: str, order: str, year: int | None) -> When | None:
    """Return the date that a line consists of, or None where it is any other line."""
    bare = _bare(title)
    if found := _ISO.match(bare) or _EASTERN.match(bare):
        # A list of dates or a sentence that begins with one is no heading.
        if found["rest"] and not _TITLE.match(found["rest"]):
            return None
        return _dated((int(found[1]), int(found[2]), int(found[3])), "YMD", found)
    if found := _NUMBERS.match(bare):
        if not found[3] and (not year or bare == title):
            return None
        return _dated((int(found[1]), int(found[2]), int(found[3] or year or 0)), order, found)
    for pattern in (_DAY_FIRST, _MONTH_FIRST):
        if (found := pattern.match(bare)) and (month := _MONTHS.get(found["name"].lower())):
            which = int(found["year"]) if found["year"] else year
            return _dated((which, month, int(found["day"])), "YMD", found) if which else None
    return None


def _dated(parts: tuple[int, int, int], order: str, found: re.Match[str]) -> When | None:
    day = in_order(order, parts)
    if day is None:
        return None
    if found["hour"] is None:
        return When(at=day, precision=Precision.DAY, assumed=True)
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % _NOON + (_NOON if found["half"].lower() == "p" else 0)
    at = moment(day.year, day.month, day.day, hour, int(found["minute"]))
    return When(at=at, precision=Precision.MINUTE, assumed=True) if at else None
