"""Check digits: what agrees is surely what it looks like; what does not may be mistyped.

The rules are public facts: Luhn (ISO/IEC 7812-1), IBAN (ISO 13616), and each number's own
from the authority that issues it.
"""

import re
from collections.abc import Callable, Sequence

__all__ = ["card", "iban", "number", "octets", "with_letter"]

_NOT_WORD = re.compile(r"[\W_]+")


def _digits(text: str) -> list[int]:
    return [int(c) for c in text if c in "0123456789"]


def _weighted(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def card(text: str) -> bool:
    """Whether the digits agree with Luhn's rule."""
    total = 0
    for place, digit in enumerate(reversed(_digits(text))):
        double = digit * 2 if place % 2 else digit
        total += double - 9 if double > 9 else double  # noqa: PLR2004 - the digit sum
    return total % 10 == 0


def iban(text: str) -> bool:
    """Whether an account number of ISO 13616 leaves a remainder of one."""
    plain = _NOT_WORD.sub("", text).upper()
    if not plain.isascii() or not plain.isalnum():
        return False
    moved = plain[4:] + plain[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def octets(text: str) -> bool:
    """Whether no part of a dotted address is above 255."""
    return all(int(part) < 256 for part in re.findall(r"\d+", text)[:4])  # noqa: PLR2004


def _nhs(d: list[int]) -> bool:
    return (11 - _weighted(d, range(10, 1, -1)) % 11) % 11 == d[9]


def _npi(d: list[int]) -> bool:
    return card("80840" + "".join(map(str, d)))


def _nip(d: list[int]) -> bool:
    return _weighted(d, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == d[9]


def _pesel(d: list[int]) -> bool:
    return (10 - _weighted(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) % 10 == d[10]


def _tax_de(d: list[int]) -> bool:
    """ISO 7064 MOD 11, 10, which the Steuer-ID uses."""
    product = 10
    for digit in d[:10]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == d[10]


def _cpf(d: list[int]) -> bool:
    first = _weighted(d, range(10, 1, -1)) * 10 % 11 % 10
    return first == d[9] and _weighted(d, range(11, 1, -1)) * 10 % 11 % 10 == d[10]


def _bsn(d: list[int]) -> bool:
    return _weighted(d, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _nif(d: list[int]) -> bool:
    return (11 - _weighted(d, range(9, 1, -1)) % 11) % 11 % 10 == d[8]


def _routing(d: list[int]) -> bool:
    return _weighted(d, (3, 7, 1, 3, 7, 1, 3, 7, 1)) % 10 == 0


def _sin(d: list[int]) -> bool:
    return card("".join(map(str, d)))


def _nir(d: list[int]) -> bool:
    text = "".join(map(str, d))
    return 97 - int(text[:13]) % 97 == int(text[13:])


def _times(a: int, b: int) -> int:
    """Multiply in the dihedral group of the pentagon, as Verhoeff's check digit does."""
    turn = a + b if a < 5 else a - b  # noqa: PLR2004 - five turns, five flips
    flip = (a >= 5) != (b >= 5)  # noqa: PLR2004
    return turn % 5 + 5 * flip


_SWAP = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _aadhaar(d: list[int]) -> bool:
    total = 0
    for place, digit in enumerate(reversed(d)):
        moved = digit
        for _ in range(place % 8):
            moved = _SWAP[moved]
        total = _times(total, moved)
    return total == 0


_BY_LENGTH: dict[int, tuple[Callable[[list[int]], bool], ...]] = {
    9: (_bsn, _nif, _routing, _sin),
    10: (_nhs, _npi, _nip),
    11: (_pesel, _tax_de, _cpf),
    12: (_aadhaar,),
    15: (_nir,),
}


def number(text: str) -> bool:
    """Whether digits agree with the check of a number that some country gives people."""
    digits = _digits(text)
    return any(check(digits) for check in _BY_LENGTH.get(len(digits), ()))


def with_letter(text: str) -> bool:
    """Whether the letter of a Spanish DNI or NIE agrees with its digits."""
    plain = _NOT_WORD.sub("", text).upper()
    digits = plain[:-1].translate(str.maketrans("XYZ", "012"))
    return digits.isdecimal() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == plain[-1]
