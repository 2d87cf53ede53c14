"""Days, in figures and in words of eight languages, and ages."""

import re
from collections.abc import Iterator

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.shapes.rules import BARE, LEAST, LIKELY, POSSIBLE, Rule, Rules, words

__all__ = [
    "AGES",
    "FIRST",
    "MONTHS",
    "WEEKDAYS",
    "after_month",
    "age",
    "day_and_month",
    "old",
    "weekday",
    "written",
    "year",
]

_YEAR = r"(?:1[89]|20)[0-9]{2}"
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])(?![0-9])"
_CLOCK = r"[0-9]{1,2}[:.h][0-9]{2}(?:[:.][0-9]{2}(?:[.,][0-9]{1,9})?)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|CES?T|[ECMP][SD]T)|[+-][0-9]{2}:?[0-9]{2})?"
_TIME = rf"(?:(?:T|,? |,? (?:at|um|a las|alle|om|o|as) )?{_CLOCK}(?: ?[aApP]\.?[mM]\b\.?)?{_ZONE})?"
_NOT_MORE = r"(?![0-9]|[/.-][0-9])"

FIRST = (
    Rule(
        "day_alone",
        Kind.DATE,
        LEAST,
        rf"{_YEAR}-[01]?[0-9]-[0-3]?[0-9](?![0-9])(?!(?:T|,? ){_CLOCK})",
        runs={4},
    ),
    Rule(
        "iso",
        Kind.DATE,
        LIKELY,
        rf"{_YEAR}(?P<sep>[./-])[01]?[0-9](?P=sep)[0-3]?[0-9](?![0-9]){_TIME}",
        runs={4},
    ),
    Rule(
        "compact", Kind.DATE, LIKELY, rf"{_YEAR}[01][0-9][0-3][0-9]T[0-9]{{4,6}}Z?(?!\w)", runs={8}
    ),
    Rule(
        "day",
        Kind.DATE,
        LIKELY,
        rf"(?:{_DAY} ?(?P<sep>[./-]) ?{_DAY} ?(?P=sep) ?(?:{_YEAR}|[0-9]{{2}})){_NOT_MORE}{_TIME}",
        runs={1, 2},
    ),
    Rule(
        "month_year",
        Kind.DATE,
        POSSIBLE,
        rf"(?:0?[1-9]|1[0-2])[/.]{_YEAR}{_NOT_MORE}|{_YEAR}[-/](?:0[1-9]|1[0-2]){_NOT_MORE}",
        runs={1, 2, 4},
    ),
    Rule(
        "day_only",
        Kind.DATE,
        BARE,
        r"(?:0?[1-9]|[12][0-9]|3[01])\.(?:0[1-9]|1[0-2])\.(?![0-9])",
        runs={1, 2},
    ),
)

MONTHS = words(
    # English, German, French, Spanish, Italian, Portuguese, Dutch, Polish; accents folded.
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec "
    "januar janner februar marz maerz mai juni juli oktober dezember mrz okt dez "
    "janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre janv fevr avr juil "
    "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre ene abr ago dic "
    "gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre gen mag giu lug set ott "
    "janeiro fevereiro marco maio junho julho setembro outubro novembro dezembro fev out "
    "januari februari maart mei augustus mrt "
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrzesnia pazdziernika listopada grudnia "
    "styczen luty marzec kwiecien maj czerwiec lipiec sierpien wrzesien pazdziernik listopad grudzien"
)
WEEKDAYS = words(
    "monday tuesday wednesday thursday friday saturday sunday "
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag "
    "lundi mardi mercredi jeudi vendredi samedi dimanche "
    "lunes martes miercoles jueves viernes sabado domingo "
    "lunedi martedi mercoledi giovedi venerdi sabato domenica "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag "
    "poniedzialek wtorek sroda srode czwartek piatek sobota sobote niedziela niedziele"
)

_DAY_WORD = re.compile(
    r"[0-9]{1,2}(?:st|nd|rd|th|er|re|e|o|a|\.|\.o)?(?:[ -]|\s?)(?:de |of |d'|di |do )?(?:the )?(?P<month>[a-z]{3,12})\.?"
    rf"(?:,?[ -]{{0,2}}(?:de |of |del |do )?(?:{_YEAR}|'?[0-9]{{2}}(?![\w:])))?(?![0-9])(?P<time>{_TIME})",
)
_WORD_DAY = re.compile(
    rf"\.?(?:[ -]{{1,2}}(?:the )?[0-9]{{1,2}}(?:st|nd|rd|th|\.)?(?![\w:%])(?:,?[ -]{{1,2}}(?:of )?{_YEAR})?{_TIME}"
    rf"|,?[ -]{{1,2}}(?:de |del |of )?{_YEAR}(?!\w)| '[0-9]{{2}}(?!\w))"
)


def day_and_month(lower: str, start: int) -> int:
    """Return where a date ends that begins with its day, or 0."""
    found = _DAY_WORD.match(lower, start)
    return found.end() if found and found["month"] in MONTHS else 0


_FIGURES = Rules(FIRST)
_RUN = re.compile(r"[0-9]+")
_WORD_FIRST = re.compile(r"[a-z]{3,12}")
_YEAR_ALONE = re.compile(rf"{_YEAR}(?![\w-])")


def written(text: Folded, at: int) -> int:
    """Return where a date ends that begins at a place, in figures or in words, or 0."""
    run = _RUN.match(text.text, at)
    figures = _FIGURES.at(text.text, at, run.end() - at) if run else None
    if figures is not None:
        return figures.end
    found = day_and_month(text.lower, at)
    if found:
        return found
    month = _WORD_FIRST.match(text.lower, at)
    rest = _WORD_DAY.match(text.text, month.end()) if month and month.group() in MONTHS else None
    year = rest or _YEAR_ALONE.match(text.text, at)
    return year.end() if year else 0


def after_month(text: Folded, start: int, end: int) -> Iterator[Found]:
    """Yield a date that begins with its month."""
    found = _WORD_DAY.match(text.text, end)
    if found is not None:
        yield Found(start, found.end(), Kind.DATE, LIKELY)


def weekday(_text: Folded, start: int, end: int) -> Iterator[Found]:
    """Yield a day of the week."""
    yield Found(start, end, Kind.DATE, BARE)


AGES = words(
    "aged age turned turning turns alter jahre jahrige ans anos anni jaar lat years year yrs yo old wiek when edad idade eta leeftijd"
)
_OLD = re.compile(
    r"[0-9]{1,3}(?:[ -]?(?:years?|yrs?|jahren?|ans|anos|anni|jaar|lata?)[ -](?:old|alt|de idade|de edad|oud|of age)|-?[ -]?jahrig\w{0,2}|[ -]?y/?o\b)"
)
_TURNED = re.compile(
    r"(?:when [a-z]{1,20} (?:was|were|is)|aged?|turn(?:ed|ing|s)|alter|edad|idade|eta|leeftijd|wiek)[\"')]{0,2}\s{0,2}[:=]?\s{0,2}[\"']?(?:of |just )?(?P<v>[0-9]{1,3})(?![\w:%]|[.,][0-9])"
)


def age(text: Folded, start: int, _end: int) -> Iterator[Found]:
    """Yield an age beside a word that tells one."""
    found = _TURNED.match(text.lower, start)
    if found is not None:
        yield Found(found.start("v"), found.end("v"), Kind.AGE, LIKELY)


def old(lower: str, start: int) -> int:
    """Return where "30 years old" ends, or 0."""
    found = _OLD.match(lower, start)
    return found.end() if found else 0


_BEFORE_YEAR = words(
    "in since from until till by of before after during circa year jahr seit bis vor nach en depuis desde hasta dal nel "
    "em sinds od w roku"
)
_YEAR_HERE = re.compile(rf"{_YEAR}(?![\w%-]|[.,:][0-9])")


def year(text: Folded, at: int) -> Found | None:
    """Return a year that a preposition makes one."""
    if _YEAR_HERE.match(text.text, at) and text.text[at - 1 : at] == " ":
        before = text.lower[max(0, at - 8) : at].split()
        if before and before[-1] in _BEFORE_YEAR:
            return Found(at, at + 4, Kind.DATE, BARE)
    return None
