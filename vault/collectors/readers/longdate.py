"""Dates that are written out, as Google does in the language of the account.

`Tuesday, 13 December 2022 at 08:06:31 UTC`, `mardi 13 décembre 2022 à 08:06:31 UTC`,
`2022年12月13日火曜日 8時06分31秒 UTC`: a day, the name of a month, a year and a clock.
"""

import re
import unicodedata
from datetime import timedelta

from vault.collectors.readers.time import When, moment, parse_iso

__all__ = ["parse_long"]

# Beginnings of the names of months, without accents; the longest that fits decides.
_MONTHS = {
    beginning: number
    for number, beginnings in enumerate(
        (
            "jan ene gen sty oca led янв tammi",
            "feb fev fe lut sub uno фев helmi",
            "mar maa mrt brez мар maalis",
            "apr avr abr kwi nis dub апр huhti",
            "may mai maj mei mag kve мая май touko",
            "jun juin giu cze haz cervn июн kesa",
            "jul juil lug lip tem cervenc июл heina",
            "aug aou ago sie agu srp авг elo",
            "sep set wrz eyl zar сен syys",
            "oct okt ott out paz eki rij окт loka",
            "nov lis kas listop ноя marras",
            "dec dez dic des gru ara pros дек joulu",
        ),
        start=1,
    )
    for beginning in beginnings.split()
}
_LONGEST = max(map(len, _MONTHS))
_WORD = r"[^\W\d_]+"
_DAY_FIRST = re.compile(
    rf"(?P<day>\d{{1,2}})\.?\s+(?:de\s+)?(?P<month>{_WORD})\.?,?\s+(?:de\s+)?(?P<year>\d{{4}})"
)
_MONTH_FIRST = re.compile(rf"(?P<month>{_WORD})\.?\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})")
_NUMBERS = re.compile(
    r"(?P<year>\d{4})\s*[年년./-]\s*(?P<month>\d{1,2})\s*[月월./-]\s*(?P<day>\d{1,2})"
)
_CLOCK = re.compile(
    r"(?P<before>[^\W\d_]{2})?\s*(?<!\d)(?P<hour>\d{1,2})(?:[:.]|時|时|시\s?)(?P<minute>\d{1,2})"
    r"(?:(?:[:.]|分|분\s?)(?P<second>\d{1,2}))?[秒초]?\s*(?P<after>[AaPp]\.?\s?[Mm]\.?)?"
)
_ZONE = re.compile(r"(?:UTC|GMT)(?P<offset>[+-]\d{1,2}(?::?\d{2})?)?")
_AFTERNOON = frozenset(("pm", "午後", "下午", "오후"))
_MORNING = frozenset(("am", "午前", "上午", "오전"))
_NOON = 12


def parse_long(text: str) -> When | None:
    """Return the time that a date written out states, else None.

    Without a zone it is read as UTC and marked as assumed.
    """
    if plain := parse_iso(text):
        return plain
    text = " ".join(text.split())
    date = _NUMBERS.search(text) or _DAY_FIRST.search(text) or _MONTH_FIRST.search(text)
    clock = _CLOCK.search(text, date.end()) if date else None
    if date is None or clock is None:
        return None
    hour = _hour(int(clock["hour"]), clock["after"] or clock["before"] or "")
    if hour is None:
        return None
    at = moment(
        int(date["year"]),
        _month(date["month"]),
        int(date["day"]),
        hour,
        int(clock["minute"]),
        int(clock["second"] or 0),
    )
    if at is None:
        return None
    zone = _ZONE.search(text)
    return When(at=at - _offset(zone["offset"] if zone else None), assumed=zone is None)


def _month(name: str) -> int:
    """Return the number of a month, 0 for a word that is none."""
    if name.isdigit():
        return int(name)
    plain = unicodedata.normalize("NFD", name.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    ends = range(min(_LONGEST, len(plain)), 1, -1)
    return next((_MONTHS[plain[:end]] for end in ends if plain[:end] in _MONTHS), 0)


def _hour(hour: int, half: str) -> int | None:
    half = re.sub(r"[\W_]", "", half).casefold()
    if half in _AFTERNOON or half in _MORNING:
        if not 1 <= hour <= _NOON:
            return None
        return hour % _NOON + (_NOON if half in _AFTERNOON else 0)
    return hour


def _offset(zone: str | None) -> timedelta:
    if not zone:
        return timedelta()
    digits = zone[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")  # noqa: PLR2004
    size = timedelta(hours=int(hours), minutes=int(minutes))
    return -size if zone[0] == "-" else size
