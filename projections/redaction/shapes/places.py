"""Where people live: streets with numbers, boxes, postal codes and towns, coordinates.

An address is found from its house number or its postal code: the words beside it say whether
it is one. What belongs to it, flats, towns, codes, further lines, is then taken along.
"""

import re
from collections.abc import Iterator

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.shapes.dates import MONTHS
from projections.redaction.shapes.rules import BARE, LIKELY, POSSIBLE, Rule, words

__all__ = ["BOXES", "FIRST", "at_number", "box", "corner", "flat"]

_DEGREES = r"[0-9]{1,3}(?:[.,][0-9]{1,8})?\s?°\s?(?:[0-9]{1,2}(?:[.,][0-9]{1,6})?\s?'\s?)?(?:[0-9]{1,2}(?:[.,][0-9]{1,6})?\s?(?:\"|'')\s?)?[NSEWO]"
FIRST = (
    Rule(
        "coordinates",
        Kind.ADDRESS,
        LIKELY,
        r"[0-9]{1,3}\.[0-9]{3,15}°?\s?[NSns]?\s?[,;/ ]\s?[-+]?[0-9]{1,3}\.[0-9]{3,15}°?(?:\s?[EWew](?!\w))?"
        rf"|{_DEGREES}[,;/ ]{{0,3}}{_DEGREES}",
        runs={1, 2, 3},
    ),
)

# What ends the name of a street: Publication 28 of the US Postal Service, and British usage.
_STREETS = words(
    "alley annex arcade avenue ave av bayou beach bend bluff bottom boulevard blvd branch bridge broadway brook burg bypass "
    "camp canyon cape causeway center centre circle cir cliff close club common corner course court ct cove creek crescent "
    "cres crest crossing crossroad curve dale dam divide drive dr drove end esplanade estate expressway extension fall ferry "
    "field flat fold ford forest forge fork fort freeway garden gdns gate gateway glen green grove harbor haven heights hts "
    "highway hwy hill hollow inlet island isle junction key knoll lake land landing lane ln lea light link loaf lock lodge loop "
    "mall manor meadow mews mill mission motorway mount mountain neck nook orchard oval overpass parade park parkway pkwy pass "
    "passage path pike pine place pl plain plaza point pt port prairie promenade quay radial ramp ranch rapid rest ridge rise "
    "river road rd route rte row run shoal shore side skyway spring spur square sq station str stravenue stream street st summit "
    "terrace ter throughway trace track trafficway trail trl trailer tunnel turnpike underpass union vale valley viaduct view "
    "village ville vista walk wall way well wharf wood wynd yard"
)
# These are streets in lower case as well; the others are words of every day.
_SURE = words(
    "street st avenue ave road rd boulevard blvd lane ln drive court square terrace parkway highway crescent mews"
)
_NOT_BEFORE = words(
    "minute minutes hour hours day days week weeks month months year years mile miles km meter meters people the of a an "
    "in on at to and or more other others times new different my your his her our their this that is was are am pm "
    "percent dollars euros pounds per with for from x by points mg ml cm mm kg patients stars big small long short"
)
# What begins the name of a street.
_LEADS = words(
    "rue avenue av boulevard bd place allee allees chemin impasse quai cours route square passage sentier villa cite faubourg "
    "calle c/ avenida avda av. paseo plaza pza camino carretera ctra ronda travesia glorieta rambla carrer callejon pasaje "
    "acceso cuesta urbanizacion vial cuadra "
    "via viale piazza piazzale corso largo vicolo vico contrada strada localita borgo lungomare lungotevere rotonda stretto "
    "canale calata salita incrocio campo "
    "rua praca travessa alameda estrada rodovia beco calcada passarela patio vila nucleo quadra setor distrito conjunto "
    "residencial condominio chacara recanto sitio trecho trevo vereda viela viaduto fazenda jardim ladeira loteamento morro "
    "parque colonia esplanada lago vale favela feira lagoa estacao "
    "ulica ul ul. aleja aleje al. plac pl. osiedle os. rondo "
    "laan straat plein gracht kade weg dreef steenweg singel "
    "strasse platz allee ulitsa trg ulice namesti utca ut"
)
# These begin streets in lower case as well.
_LEADS_LOWER = words(
    "via rue boulevard chemin impasse quai calle avenida paseo camino carretera viale piazza corso vicolo rua travessa rodovia "
    "ulica ul ul. aleja aleje al. osiedle os. trg"
)
_SUFFIXES = (
    "strasse", "str.", "str", "weg", "gasse", "platz", "allee", "damm", "ufer", "ring", "chaussee", "steig", "stieg",
    "straat", "laan", "plein", "gracht", "kade", "dreef", "steeg", "singel", "dijk", "hof", "pad", "markt",
    "gatan", "vagen", "vej", "vejen", "gade", "gaden", "veien", "gata", "gate", "katu", "tie", "kuja", "utca", "stien", "straede",
)  # fmt: skip

_STRONG = ("strasse", "str.", "gasse", "straat", "gracht", "gatan", "vagen", "vejen", "vej")

_WORD = r"[^\W\d_][\w.'-]{0,30}"
_CAP = r"(?:(?!(?:Apt|Suite|Unit|Flat|Ste|Room|Floor|Box)\b)[A-Z\u00c0-\u024f](?:[^\W\d_]|['-](?=[^\W\d_])){0,30}\.?(?!\w)|(?:de|di|da|do|del|della|dei|la|le|les|der|den|am|an|im|in|of|on|upon|sur|sous|aan|bij|nad|na|dos|das|los|las|el)(?=[ -]))"
_AFTER_NUMBER = re.compile(
    rf"[0-9]{{1,6}}(?: ?[A-Za-z](?![\w.])| (?:bis|ter|quater)(?!\w))?(?:[-/][0-9]{{1,5}}[A-Za-z]?)?(?: 1/2)?,?\s((?:{_WORD} ){{0,5}}{_WORD})"
)
_NUMBERS_AROUND = re.compile(
    rf"[0-9]{{2,6}} (?:{_CAP} ){{1,4}}[0-9]{{1,5}}[A-Za-z]?(?![\w:%/.-]|,[0-9])"
)
_LEAST_WORDS = 2
_TWICE = re.compile(r"[0-9]{2,6} (?=([0-9]{1,5}) [^\W\d_])")

_FLAT = r"(?:apt|apartment|suite|ste|unit|flat|floor|fl|room|rm|box|building|bldg|app|appt|wohnung|whg|appartement|appart|piso|pta|puerta|escalera|interno|int|scala|andar|apto|dto|esq|lok|m|bus|block|level|lot|trailer|#)"
_FLOORS = rf"(?i:\s{{0,2}},?\s{{0,3}}\b{_FLAT}\b\.?\s?#?[0-9][\w/-]{{0,6}}|\s{{0,2}},?\s{{0,3}}#\s?[\w-]{{1,6}}|,?\s{{1,2}}[0-9]{{1,2}}(?:st|nd|rd|th|er|e|o|a|º|ª)\.? (?:floor|etage|piso|etg|og|stock|verdieping|izq|izda|dcha|der)\b\.?)"
_CODE = r"(?:[A-Z]{1,2}-)?(?:[0-9]{5}(?:-?[0-9]{3}|-[0-9]{4})?|[0-9]{4}-[0-9]{3}|[0-9]{4}(?: ?[A-Z]{2})?|[0-9]{2}-[0-9]{3}|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9])(?![\w:/-]|\.[0-9])"
_GAP = r"\s{0,2}(?:,\s{0,2}|\n[ \t]{0,8}|[-|/] |\s)"
_TAIL = re.compile(
    rf"{_FLOORS}|\s(?:[NS][EW]?|[EW])(?![\w.])"
    rf"|{_GAP}{_CODE}(?:,? {_CAP}(?:[ -]{_CAP}){{0,4}})?"
    rf"|\s{{0,2}}(?:\([A-Z]{{2}}\)|/ [A-Z]{{2}}(?!\w))|[ -][0-9]{{6}}(?!\w)"
    rf"|,?\s{{1,2}}[A-Z]{{2}},?\s{{1,2}}[0-9]{{5}}(?:-[0-9]{{4}})?"
    rf"|\s{{0,2}},\s{{0,3}}{_CAP}(?:[ -]{_CAP}){{0,4}}(?:\s{{1,2}}[A-Z]{{2}}\b)?(?:,?\s{{1,2}}{_CODE})?"
)
_LINE = re.compile(
    r"[,.]?[ \t]{0,3}\n[ \t]{0,8}(?:, )?(?=[A-Z0-9])(?:[\w.'/-]{1,30},? ){0,5}[\w.'/-]{1,30}(?=[,.]?[ \t]{0,3}(?:\n|$))"
)
_INLINE = re.compile(rf"(?: {_CAP}){{1,4}}(?:,? {_CODE})?")
_WITH_TOWN = re.compile(
    rf"[0-9]{{1,6}}[A-Za-z]?(?:/[0-9]{{1,5}})?,? (?:{_CAP} ){{0,3}}{_CAP}(?={_FLOORS}|,\s(?:{_CAP}[ -]){{1,4}}?(?:[A-Z]{{2}},? )?(?:{_CODE}|[0-9]{{6}})(?!\w)"
    rf"|,\s(?:{_CAP} ){{0,3}}{_CAP}, (?:[A-Z]{{2}} )?{_CODE})"
)
_PROVINCE = re.compile(r"\s{0,2}(?:\([A-Z]{2}\)|/ [A-Z]{2}(?!\w))")
_MOST_PARTS = 6
_MOST_LINES = 3


def at_number(text: Folded, start: int, end: int) -> Found | None:
    """Return the address whose house number, or whose code, stands at a place."""
    plain = text.text
    twice = _TWICE.match(plain, start)
    if twice is not None:
        inner = at_number(text, twice.end(), twice.end(1))
        if inner is not None:
            return inner._replace(start=min(start, inner.start))
    behind = _behind(text, start) if start and plain[start - 1] in " ," else None
    if behind is not None and behind.score > BARE:
        return behind
    return (
        _before_street(plain, start)
        or behind
        or (_postal(plain, start) if end - start > 1 else None)
    )


def _before_street(plain: str, start: int) -> Found | None:
    """Return the address whose street follows its number."""
    found = _AFTER_NUMBER.match(plain, start)
    if found is None:
        return None
    street = _street_end(found[1])
    if street:
        return _whole(plain, start, found.start(1) + street, LIKELY)
    around = _NUMBERS_AROUND.match(plain, start)
    if around is None or not MONTHS.isdisjoint(around.group().lower().split()):
        around = _WITH_TOWN.match(plain, start)
    return _whole(plain, start, around.end(), POSSIBLE) if around else None


def _street_end(after: str) -> int:
    """Return where a street ends among the words after a number, or 0."""
    at = 0
    first = True
    last = 0
    for word in after.split(" "):
        at += len(word) + 1
        plain = word.rstrip(".,").lower()
        if plain in _NOT_BEFORE and not last:
            return 0
        if not first and _is_street(plain, word):
            last = at - 1
        elif last and word.islower():
            break
        elif not last and plain in _LEADS and (first or word[0].isupper()):
            return _led(after, at)
        elif (
            not last
            and plain.endswith(_SUFFIXES)
            and word[0].isupper()
            and len(plain) > len("strasse")
        ):
            return at - 1
        first = False
    return last


def _is_street(plain: str, word: str) -> bool:
    if word[0].islower():
        return plain in _SURE
    return plain in _STREETS or (plain.endswith("s") and plain[:-1] in _STREETS)


def _led(after: str, at: int) -> int:
    """Return where a street ends that begins with its kind, as in "12 rue de la Paix"."""
    rest = _LED.match(after, at)
    return rest.end() if rest else 0


_LED = re.compile(rf"(?:{_CAP}|{_WORD})(?: {_CAP}){{0,4}}")
_BACK = re.compile(r"[^\n;:()\[\]{}\"<>|=\t]{0,70}")
_HOUSE = re.compile(
    r"(?:n[°ro.]{0,3} ?)?[0-9]{1,5}(?: ?[A-Za-z](?![\w.]))?(?:[-/][0-9]{1,4}[A-Za-z]?)?(?![\w%]|[.,:][0-9])"
)
_HOUSE_DIGITS = 5


def _behind(text: Folded, start: int) -> Found | None:
    """Return the address whose number follows its street, as in "Hauptstrasse 12"."""
    plain = text.text
    before = _before(plain, start)
    parts = before.replace(",", " ").split()
    house = (
        _HOUSE.match(plain, start)
        if parts and (parts[-1][0].isupper() or parts[-1].endswith(_STRONG))
        else None
    )
    if house is None:
        return None
    street = _street_start(before, parts)
    if street is None:
        return _town(plain, before, start, house.end())
    begin = start - len(before) + street
    number = re.search(r"(?<!\S)[0-9]{2,6} $", plain[max(0, begin - 8) : begin])
    begin -= len(number.group()) if number else 0
    return _whole(plain, begin, house.end(), LIKELY)


def _before(plain: str, start: int) -> str:
    """Return what stands before a number on its line, up to the sentence's last sign but one."""
    back = _BACK.match(plain[max(0, start - 70) : start][::-1])
    return plain[start - back.end() : start] if back else ""


def _street_start(before: str, parts: list[str]) -> int | None:
    last = parts[-1].lower()
    if (
        last.endswith(_SUFFIXES)
        and len(last) > len("str.")
        and (parts[-1][0].isupper() or last.endswith(_STRONG))
    ):
        at = before.rfind(parts[-1])
        for part in reversed(parts[-4:-1]):
            if not part[0].isupper() or before[at - 1 : at] != " ":
                break
            at = before.rfind(part, 0, at)
        return at
    for back, word in enumerate(reversed(parts[-6:]), 1):
        if back >= _LEAST_WORDS and (
            (word in _LEADS_LOWER and parts[1 - back][0].isupper())
            or (word[0].isupper() and word.lower() in _LEADS)
        ):
            return _nth_last(before, parts, back)
        if word.islower() and len(word) > _HOUSE_DIGITS:
            break
    return None


def _nth_last(before: str, parts: list[str], back: int) -> int:
    at = len(before)
    for word in reversed(parts[-back:]):
        at = before.rfind(word, 0, at)
    return at


_NAMED = re.compile(r"(?<![\w-])[A-Z][\w'-]{1,30}(?:[ -][A-Z][\w'-]{0,30}){0,3},? $")
_TO = re.compile(r"(?:\b(?:in|at|near|to|from|of)|[,\n])\s{1,2}$", re.IGNORECASE)
_CODE_ONLY = re.compile(rf"{_CODE}")
_FOLLOWING = re.compile(rf"{_GAP}{_CODE},? [A-Z]|{_FLOORS}")
_NO_YEAR = re.compile(r"(?:1[89]|20)[0-9]{2}(?![0-9])")
_STATE = re.compile(r"(?:[A-Z][\w.'-]{1,30} ){0,3}[A-Z][\w.'-]{1,30},? [A-Z]{2},? $")


def _town(plain: str, before: str, start: int, end: int) -> Found | None:
    """Return a town with a code after it, or a street without a telling word before a town."""
    code = _CODE_ONLY.match(plain, start)
    if code is not None:
        state = _STATE.search(before)
        if state is not None:
            return Found(start - len(before) + state.start(), code.end(), Kind.ADDRESS, LIKELY)
    named = _NAMED.search(before)
    if named is None or named.group().strip(" ,").lower() in MONTHS:
        return None
    begin = start - len(before) + named.start()
    following = _FOLLOWING.match(plain, end)
    if following is not None:
        return _whole(plain, begin, end, POSSIBLE)
    if (
        code is not None
        and _TO.search(plain[max(0, begin - 8) : begin])
        and not _NO_YEAR.match(plain, start)
    ):
        return Found(begin, code.end(), Kind.ADDRESS, BARE)
    return None


def _whole(plain: str, start: int, end: int, score: float) -> Found:
    """Return an address with all that belongs to it."""
    flat = False
    for _ in range(_MOST_PARTS):
        part = _TAIL.match(plain, end)
        if part is None:
            break
        flat = flat or any(c.isdigit() for c in part.group()[:12])
        end = part.end()
    inline = _INLINE.match(plain, end) if flat and plain[end - 1].isdigit() else None
    if inline is not None:
        province = _PROVINCE.match(plain, inline.end())
        end = (province or inline).end()
    return Found(start, _lines(plain, end), Kind.ADDRESS, score)


def _lines(plain: str, end: int) -> int:
    """Return where the lines end that go on with an address."""
    for _ in range(_MOST_LINES):
        line = _LINE.match(plain, end)
        if line is None:
            break
        end = line.end()
    return end


_POSTAL = re.compile(
    rf"(?:[0-9]{{5}}|[0-9]{{2}}-[0-9]{{3}}|[0-9]{{4}}-[0-9]{{3}}|[0-9]{{4}} ?[A-Z]{{2}}),? {_CAP}(?:[ -]{_CAP}){{0,3}}"
)


def _postal(plain: str, start: int) -> Found | None:
    """Return a postal code with its town."""
    found = _POSTAL.match(plain, start)
    if found is None:
        return None
    return Found(start, found.end(), Kind.ADDRESS, POSSIBLE)


BOXES = words(
    "box postfach apartado casilla casella caixa postbus skrytka poczt apo fpo dpo psc pobox"
)
_BOX = re.compile(
    r"(?:(?:box|postfach|apartado(?: de correos)?|casilla(?: postal)?|casella postale|caixa postal|postbus|skrytka pocztowa|poczt\.|psc|pobox)"
    r"\s{0,2}(?:no\.?|nr\.?|n\.?|#|:)?\s{0,2}[0-9][0-9 ]{0,8}[0-9]?(?:, box [0-9]{1,6})?|(?:apo|fpo|dpo),?\s{1,2}a[aep]\s{1,2}[0-9]{5}(?:-[0-9]{4})?)"
)
_BOX_LEAD = re.compile(
    r"(?:p\.?\s?o\.?\s?|post office |unit [0-9]{1,6},? |psc [0-9]{1,6},? |cmr [0-9]{1,6},? |us(?:ns|nv|ss|cgc|s) [a-z' -]{2,24}\n\s{0,4})$"
)
_MILITARY = re.compile(
    r"\s{0,2},?\s{0,3}(?:apo|fpo|dpo),?\s{1,2}a[aep]\s{1,2}[0-9]{5}(?:-[0-9]{4})?"
)


def box(text: Folded, start: int, _end: int) -> Iterator[Found]:
    """Yield a post-office box with what belongs to it."""
    found = _BOX.match(text.lower, start)
    if found is None:
        return
    lead = _BOX_LEAD.search(text.lower[max(0, start - 36) : start])
    begin = start - len(lead.group()) if lead else start
    military = _MILITARY.match(text.lower, found.end())
    if military is not None or text.lower[start] in "afd":
        yield Found(begin, (military or found).end(), Kind.ADDRESS, LIKELY)
    elif lead or not text.lower.startswith("box", start):
        yield _whole(text.text, begin, found.end(), LIKELY)


_FLAT_HERE = re.compile(rf"{_FLAT}\.?\s?#?[0-9][\w-]{{0,6}}(?!\w)")


def flat(text: Folded, start: int, _end: int) -> Iterator[Found]:
    """Yield a flat, a suite, a unit, with the lines after it."""
    found = _FLAT_HERE.match(text.lower, start)
    if found is not None:
        yield _whole(text.text, start, found.end(), POSSIBLE)


_CORNER = re.compile(
    rf"corner of (?:{_CAP}[ -]){{1,4}}(?:[0-9]{{1,4}} )?(?:and|&|with) {_CAP}(?: {_CAP}){{0,2}}|corner of {_WORD}(?: [\w.'-]{{1,30}}){{0,2}} and {_WORD} (?:st|street|ave|avenue|road|rd)\b"
)


def corner(text: Folded, start: int, _end: int) -> Iterator[Found]:
    """Yield the corner of two streets."""
    found = _CORNER.match(text.text, start)
    if found is not None:
        if text.lower.endswith("the ", 0, start):
            start -= len("the ")
        yield Found(start, found.end(), Kind.ADDRESS, LIKELY)
