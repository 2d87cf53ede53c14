"""Values that look real: random, with right check digits, outside every reserved range.

Each maker takes a source of chance and returns the value in the forms that people write it
in. Check digits are those of ISO/IEC 7812 (cards), ISO 13616 (IBAN) and the national rules
named beside each maker.
"""

import base64
import random
import string
from collections.abc import Callable, Mapping
from typing import NamedTuple

from projections.redaction.kinds import Kind

__all__ = ["FORMATS", "Form", "Forms", "luhn", "unknown_name"]


class Form(NamedTuple):
    """A value as it is written, and the words that stand before and after it."""

    value: str
    before: str = ""
    after: str = ""


Forms = Mapping[str, Form]
"""A value in each of its surface forms, by the name of the form."""

_LETTERS = string.ascii_uppercase
_ALPHANUMERIC = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


def _some(pick: random.Random, letters: str, count: int) -> str:
    return "".join(pick.choices(letters, k=count))


def _digits(pick: random.Random, count: int) -> str:
    return pick.choice("123456789") + _some(pick, string.digits, count - 1)


def _grouped(text: str, size: int, gap: str = " ") -> str:
    return gap.join(text[at : at + size] for at in range(0, len(text), size))


def luhn(digits: str) -> str:
    """Return the check digit that makes a number pass the Luhn test."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 if place % 2 else 2)
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 - sum of its two digits
    return str(-total % 10)


def _written(**forms: str) -> Forms:
    return {name: Form(value) for name, value in forms.items()}


def _card(pick: random.Random) -> Forms:
    prefix, length = pick.choice((("4", 16), ("52", 16), ("55", 16), ("37", 15), ("6011", 16)))
    body = prefix + _some(pick, string.digits, length - len(prefix) - 1)
    number = body + luhn(body)
    short = prefix == "37"
    parts = [number[:4], number[4:10], number[10:]] if short else _grouped(number, 4).split()
    return _written(run=number, spaces=" ".join(parts), dashes="-".join(parts))


_BBAN = {
    "DE": (("n", 18),),
    "ES": (("n", 20),),
    "FR": (("n", 20), ("a", 1), ("n", 2)),
    "GB": (("a", 4), ("n", 14)),
    "NL": (("a", 4), ("n", 10)),
    "PL": (("n", 24),),
}


def _iban(pick: random.Random) -> Forms:
    country = pick.choice(sorted(_BBAN))
    letters = {"n": string.digits, "a": _LETTERS}
    bban = "".join(_some(pick, letters[kind], count) for kind, count in _BBAN[country])
    spelled = "".join(str(int(c, 36)) for c in f"{bban}{country}00")
    whole = f"{country}{98 - int(spelled) % 97:02d}{bban}"
    return _written(run=whole, spaces=_grouped(whole, 4))


_SYLLABLES = [
    "ba",
    "bro",
    "cor",
    "da",
    "dre",
    "el",
    "fen",
    "gar",
    "hul",
    "is",
    "jor",
    "kel",
    "lun",
    "mar",
    "nov",
    "or",
    "pel",
    "quin",
    "ros",
]


def _word(pick: random.Random, syllables: int = 3) -> str:
    return "".join(pick.choices(_SYLLABLES, k=syllables))


def _mail(pick: random.Random) -> Forms:
    first, last = _word(pick, 2), _word(pick)
    domain = f"{_word(pick, 2)}{pick.choice(('mail', 'post', 'works'))}"
    ending = pick.choice(("com", "de", "fr", "pl", "net", "co.uk"))
    return _written(
        dotted=f"{first}.{last}@{domain}.{ending}",
        number=f"{first}{pick.randrange(10, 99)}@{domain}.{ending}",
        tagged=f"{first[0]}{last}+list@{domain}.{ending}",
    )


_PLANS = (("49", "15", 9), ("33", "6", 8), ("34", "6", 8), ("48", "5", 8), ("39", "34", 8))


def _phone(pick: random.Random) -> Forms:
    """Mobile numbers of Germany, France, Spain, Poland and Italy."""
    country, head, rest = pick.choice(_PLANS)
    national = head + _digits(pick, rest)
    parts = _grouped(national, 3)
    return _written(
        international=f"+{country}{national}",
        spaces=f"+{country} {parts}",
        zeros=f"00{country} {parts}",
        parentheses=f"+{country} ({national[:3]}) {national[3:]}",
    )


def _ssn(pick: random.Random) -> Forms:
    """United States: no area 000, 666 or 9xx, none of 987-65-432x."""
    area = pick.choice([n for n in range(100, 900) if n not in (666, 219, 457)])
    parts = [f"{area}", f"{pick.randrange(10, 99)}", f"{pick.randrange(1000, 9999)}"]
    return _written(dashes="-".join(parts), spaces=" ".join(parts))


def _pesel(pick: random.Random) -> str:
    """Poland: weights 1 3 7 9 repeated, the last digit makes the sum a multiple of ten."""
    born = f"{pick.randrange(50, 99):02d}{pick.randrange(1, 13):02d}{pick.randrange(1, 29):02d}"
    body = born + _some(pick, string.digits, 4)
    total = sum(int(d) * w for d, w in zip(body, (1, 3, 7, 9) * 3, strict=False))
    return body + str(-total % 10)


def _dni(pick: random.Random) -> str:
    """Spain: the letter is the number modulo 23 in the ministry's table."""
    number = _digits(pick, 8)
    return number + "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def _nir(pick: random.Random) -> str:
    """France: the key is 97 less the number modulo 97."""
    year, month = pick.randrange(40, 99), pick.randrange(1, 13)
    body = f"{pick.choice('12')}{year}{month:02d}{pick.randrange(1, 95):02d}{_digits(pick, 6)}"
    return f"{body}{97 - int(body) % 97:02d}"


def _bsn(pick: random.Random) -> str:
    """Netherlands: nine digits, weights 9 … 2 and -1, a multiple of eleven."""
    while True:
        number = _digits(pick, 9)
        weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
        if sum(int(d) * w for d, w in zip(number, weights, strict=True)) % 11 == 0:
            return number


def _national(pick: random.Random) -> Forms:
    nir = _nir(pick)
    spaced = f"{nir[0]} {nir[1:3]} {nir[3:5]} {nir[5:7]} {nir[7:10]} {nir[10:13]} {nir[13:]}"
    return {
        "pesel": Form(_pesel(pick), before="PESEL "),
        "dni": Form(_dni(pick), before="DNI "),
        "nir": Form(spaced),
        "bsn": Form(_bsn(pick), before="BSN "),
    }


def _address_of_host(pick: random.Random) -> Forms:
    first = pick.choice([n for n in range(11, 190) if n not in (100, 127, 169, 172)])
    four = [first, pick.randrange(1, 255), pick.randrange(1, 255), pick.randrange(1, 255)]
    six = ["2a02", *(_some(pick, _HEX[1:], 4) for _ in range(7))]
    return _written(v4=".".join(map(str, four)), v6=":".join(six))


def _secret(pick: random.Random) -> Forms:
    part = base64.urlsafe_b64encode(pick.randbytes(30)).decode()
    return _written(
        aws="AKIA" + _some(pick, _LETTERS + "234567", 16),
        github="ghp_" + _some(pick, _ALPHANUMERIC, 36),
        slack=f"xoxb-{_digits(pick, 12)}-{_digits(pick, 12)}-{_some(pick, _ALPHANUMERIC, 24)}",
        token=f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIi{part}.{_some(pick, _ALPHANUMERIC, 43)}",
    )


FORMATS: Mapping[Kind, Callable[[random.Random], Forms]] = {
    Kind.CARD: _card,
    Kind.BANK: _iban,
    Kind.EMAIL: _mail,
    Kind.PHONE: _phone,
    Kind.SSN: _ssn,
    Kind.ID: _national,
    Kind.IP: _address_of_host,
    Kind.SECRET: _secret,
}
"""Kinds that their form alone gives away, with what makes a value of each."""

_ONSETS = [
    "B",
    "Br",
    "D",
    "Dr",
    "F",
    "Fj",
    "G",
    "Gr",
    "H",
    "J",
    "K",
    "Kv",
    "L",
    "M",
    "N",
    "P",
    "R",
    "S",
    "Sk",
    "T",
    "Tr",
    "V",
    "Z",
]
_MIDDLES = ["a", "e", "i", "o", "u", "ae", "ei", "ou", "ja"]
_CODAS = ["l", "n", "r", "s", "th", "v", "x", "nd", "rk", "lm", "st"]


def unknown_name(pick: random.Random) -> tuple[str, str]:
    """Return a given and a family name that no list of names holds."""
    given = pick.choice(_ONSETS) + pick.choice(_MIDDLES) + pick.choice(("l", "n", "v", "r"))
    given += pick.choice(("a", "en", "i", "o", "ek"))
    family = pick.choice(_ONSETS) + pick.choice(_MIDDLES) + pick.choice(_CODAS)
    family += pick.choice(("ovin", "ander", "elik", "osk", "aris", "eide", "uma"))
    return given, family
