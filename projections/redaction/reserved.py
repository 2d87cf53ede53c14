"""Values that are nobody's: from ranges that standards set apart for examples and fiction.

Mail and links: RFC 2606 and RFC 6761. Network addresses: RFC 5737 and RFC 3849, hardware
addresses: RFC 7042. Telephone numbers: 555-0100 to 555-0199 (North American numbering plan),
and those that `_FICTION` names with the authority that set them apart; elsewhere zeros. Cards
begin as published test numbers do and fail their check digit; an IBAN with check digits 00
cannot be (ISO 13616 gives 02 to 98); no social security number begins with 000.

Each is a function of what was written and of a stream of numbers under a view's key, and
keeps groups, separators and letter case.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from projections.redaction.kinds import Kind

__all__ = ["DOMAINS", "Numbers", "is_ours", "reserved"]

Numbers = Callable[[int], int]
"""Asked for a number below another one, gives the next of a stream under a key."""


class _Range(NamedTuple):
    """Numbers for fiction, without country and zero, that replace those that begin so."""

    begins: str
    prefix: str
    free: int


# National numbers without the leading zero, the last of a country for all others.
_FICTION = {
    # Ofcom, Telephone numbers for drama: 07700 900000-999, 020 7946 0000-0999, 01632 960000-999.
    "44": (_Range("7", "7700900", 3), _Range("20", "2079460", 3), _Range("", "1632960", 3)),
    # ACMA, Phone numbers for use in creative works: 5550 xxxx in each region.
    "61": (_Range("3", "35550", 4), _Range("7", "75550", 4), _Range("8", "85550", 4), _Range("", "25550", 4)),
    # ARCEP, decision 2018-0881, numbers for audiovisual works.
    "33": (
        _Range("6", "63998", 4), _Range("7", "63998", 4), _Range("2", "26191", 4), _Range("3", "35301", 4),
        _Range("4", "46571", 4), _Range("5", "53649", 4), _Range("", "19900", 4),
    ),
    # Bundesnetzagentur, Mitteilung 148/2021 (Amtsblatt 7/2021), a thousand numbers each in five towns.
    "49": (
        _Range("15", "17139200", 2), _Range("16", "17139200", 2), _Range("17", "17139200", 2),
        _Range("69", "6990009", 3), _Range("40", "4066969", 3), _Range("221", "2214710", 3),
        _Range("89", "8999998", 3), _Range("", "3023125", 3),
    ),
    # ComReg, numbering conditions of use: 020 91x xxxx for drama.
    "353": (_Range("", "2091", 5),),
    # PTS: 070-1740605 to 1740699, 08-46500400 to 499.
    "46": (_Range("7", "70174061", 1), _Range("", "8465004", 2)),
}  # fmt: skip
_AREAS = ("202", "303", "404", "505", "606", "707", "808", "909")
_NORTH_AMERICA = re.compile(r"(?:\+?1[ .-]?)?\(?[2-9]\d\d\)?[ ./-]{0,2}[2-9]\d\d[ .-]?\d{4}")
_FRENCH = re.compile(r"0[1-79](?:[ .-]?\d\d){4}")
_BRITISH = re.compile(r"0(?:7\d{3} ?\d{3} ?\d{3}|20 ?\d{4} ?\d{4}|1\d{3} ?\d{6})")
_EXTENSION = re.compile(r"\s?(?:x|ext\.?|#)\s?\d{1,6}$", re.IGNORECASE)

_NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.")
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}([:-])){5}[0-9A-Fa-f]{2}")
DOMAINS = ("example.org", "example.net", "example.com")
"""Domains of RFC 2606, for examples."""

_TEST_CARDS = {"3": "378282", "4": "411111", "5": "555555", "6": "601111", "2": "222300"}
_IBAN = re.compile(r"([A-Za-z]{2})\s?(\d{2})((?:\s?[A-Za-z0-9]){10,30})")
_SSN = re.compile(r"\d{3}([- ]?)\d{2}\1\d{4}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def reserved(kind: Kind, written: str, numbers: Numbers) -> str:
    """Return a value of a kind that is nobody's; for kinds without any, a mark."""
    shaped, make = _MADE.get(kind, (_NOTHING, _link))
    return make(written, numbers) if shaped.fullmatch(written.strip()) else f"[{kind}]"


def _filled(written: str, digits: str) -> str:
    """Return digits in the groups of a written number."""
    left = iter(digits)
    filled = "".join(next(left, "") if c.isdecimal() else c for c in written)
    return (filled + "".join(left)).rstrip(" -./(")


def _random(count: int, numbers: Numbers) -> str:
    return "".join(str(numbers(10)) for _ in range(count))


def _phone(written: str, numbers: Numbers) -> str:
    plain = _EXTENSION.sub("", written.strip())
    digits = "".join(str(int(c)) for c in plain if c.isdecimal())
    international = plain.startswith("+") or digits.startswith("00")
    if not international and _NORTH_AMERICA.fullmatch(plain):
        return _filled(plain, _american(digits, numbers))
    if not international:
        country = "33" if _FRENCH.fullmatch(plain) else "44" if _BRITISH.fullmatch(plain) else ""
        national = digits[1:]
        before = "0"
    else:
        before = digits[: 2 * digits.startswith("00")]
        rest = digits[len(before) :]
        if rest.startswith("1"):
            return _filled(plain, before + _american(rest, numbers))
        country = next((code for code in _FICTION if rest.startswith(code)), "")
        national = rest[len(country) :].lstrip("0")
        before += country + "0" * plain.count("(0)")
    for one in _FICTION.get(country, ()):
        if national.startswith(one.begins):
            return _filled(plain, before + one.prefix + _random(one.free, numbers))
    kept = 2 if international else 0
    return _zeros(plain, kept)


def _zeros(written: str, kept: int) -> str:
    """Return a number as zeros but for the first digits, which name a country."""
    seen = 0
    out: list[str] = []
    for character in written:
        if character.isdecimal():
            seen += 1
            out.append(character if seen <= kept and not written.startswith("00") else "0")
        else:
            out.append(character)
    return "".join(out)


def _american(digits: str, numbers: Numbers) -> str:
    code = "1" if len(digits) > 10 else ""  # noqa: PLR2004 - ten without the country
    return f"{code}{_AREAS[numbers(len(_AREAS))]}55501{_random(2, numbers)}"


def _network(written: str, numbers: Numbers) -> str:
    if mac := _MAC.fullmatch(written):
        sign = mac.group(1)
        found = sign.join(("00", "00", "5e", "00", "53", f"{numbers(256):02x}"))
        return found.upper() if written.upper() == written else found
    if ":" in written:
        return f"2001:db8::{numbers(65536):x}"
    return f"{_NETWORKS[numbers(len(_NETWORKS))]}{numbers(254) + 1}"


def _card(written: str, numbers: Numbers) -> str:
    digits = [c for c in written if c.isdecimal()]
    prefix = _TEST_CARDS.get(digits[0], "411111")
    body = prefix + _random(len(digits) - len(prefix) - 1, numbers)
    wrong = next(str(last) for last in range(10) if not _luhn(body + str(last)))
    return _filled(written, body + wrong)


def _luhn(digits: str) -> bool:
    total = 0
    for place, character in enumerate(reversed(digits)):
        value = int(character) * (1 + place % 2)
        total += value - 9 * (value > 9)  # noqa: PLR2004 - the sum of its two digits
    return total % 10 == 0


def _iban(written: str, numbers: Numbers) -> str:
    out: list[str] = []
    seen = 0
    for character in written:
        if not character.isalnum():
            out.append(character)
            continue
        seen += 1
        if seen <= 2:  # noqa: PLR2004 - the country
            out.append(character)
        elif seen <= 4:  # noqa: PLR2004 - the check digits
            out.append("0")
        elif character.isdecimal():
            out.append(str(numbers(10)))
        else:
            letter = _LETTERS[numbers(26)]
            out.append(letter.upper() if character.isupper() else letter)
    return "".join(out)


def _link(_written: str, numbers: Numbers) -> str:
    return "https://example.org/" + "".join(_LETTERS[numbers(26)] for _ in range(6))


def _social(written: str, numbers: Numbers) -> str:
    return _filled(written, "000" + _random(6, numbers))


_NOTHING = re.compile(r"(?!)")
_ANYTHING = re.compile(r"[\s\S]*")
_LONG_NUMBER = re.compile(r"\D{0,3}(?:\d\D{0,3}){12,20}")
_MADE = {
    Kind.PHONE: (_ANYTHING, _phone),
    Kind.IP: (_ANYTHING, _network),
    Kind.CARD: (_LONG_NUMBER, _card),
    Kind.BANK: (_IBAN, _iban),
    Kind.SSN: (_SSN, _social),
    Kind.URL: (_ANYTHING, _link),
}


def _areas(one: _Range, country: str) -> str:
    return rf"{country}0?{one.prefix}\d{{{one.free}}}"


_FICTIONAL_DIGITS = re.compile(
    "|".join(
        (
            r"(?:00)?1?[2-9]\d\d55501\d\d",
            *(f"(?:00)?{_areas(one, c)}" for c, ranges in _FICTION.items() for one in ranges),
            *(_areas(one, "0") for c in ("33", "44") for one in _FICTION[c]),
            r"\d{0,2}0{5,14}",
        )
    )
)
_SIGNS = re.compile(r"[^\d]")
_DOMAIN = "(?:example\\.org|example\\.net|example\\.com)"
_IP = r"(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}|2001:db8::[0-9a-f]{1,4}"
_OUR_MAC = re.compile(r"00([:-])00(?:\1)5[Ee](?:\1)00(?:\1)53(?:\1)[0-9A-Fa-f]{2}")
_OURS = {
    Kind.EMAIL: re.compile(rf"[\w.+-]{{1,64}}@{_DOMAIN}"),
    Kind.URL: re.compile(r"https://example\.org/[a-z]{6}"),
    Kind.SSN: re.compile(r"000([- ]?)\d{2}\1\d{4}"),
    Kind.BANK: re.compile(r"[A-Za-z]{2}\s?00(?:\s?[A-Za-z0-9]){10,30}"),
    Kind.HANDLE: re.compile(r"@?example_\w{1,60}"),
    Kind.IP: re.compile(_IP),
}


def is_ours(kind: Kind, text: str) -> bool:
    """Whether a value can only be one that took another's place: nobody has it."""
    text = text.strip()
    match kind:
        case Kind.PHONE:
            return _FICTIONAL_DIGITS.fullmatch(_SIGNS.sub("", text)) is not None
        case Kind.CARD:
            digits = _SIGNS.sub("", text)
            return digits.startswith(tuple(_TEST_CARDS.values())) and not _luhn(digits)
        case Kind.IP if _OUR_MAC.fullmatch(text):
            return True
        case _ if kind in _OURS:
            return _OURS[kind].fullmatch(text) is not None
        case _:
            return text == f"[{kind}]"
