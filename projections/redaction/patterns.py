"""Private matters that show by their form: addresses, numbers, secrets.

Every pattern has bounded repeats, so that time is linear in the text, and a gate: a cheap
question whose "no" spares the pattern. A pattern never asks for a valid check digit: a
mistyped card number is still private.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from projections.redaction.fold import Folded

__all__ = ["Kind", "Shape", "addresses", "find"]


class Kind(StrEnum):
    """What a masked span was."""

    PERSON = "person"
    MAIL = "mail"
    ADDRESS = "address"
    BIRTH = "date of birth"
    BANK = "bank account"
    CARD = "card"
    ID = "identity number"
    IP = "network address"
    PHONE = "phone"
    SECRET = "secret"  # noqa: S105 - a kind, not one
    URL = "link"
    DATE = "date"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Shape:
    """A span of the folded text whose form gives it away."""

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Pattern:
    """Group `v`, where a pattern has one, is the private part of what matched.

    `words`, where there are some, is what a text must hold one of, in lower case.
    """

    kind: Kind
    gate: str
    regex: re.Pattern[str]
    words: tuple[str, ...]


_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    r"Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|"
    r"Terrace|Way|Parkway|Pkwy|Highway|Hwy|Circle|Trail|Close|Crescent|Gardens|Mews|Row|Walk|Hill|"
    r"Grove|Alley|Loop)"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = (
    rf"(?:19|20)\d\d-[01]?\d-[0-3]?\d|[0-3]?\d[/.-][0-3]?\d[/.-](?:19|20)?\d\d|"
    rf"(?i:{_MONTH}\.?\s{{1,2}}{_DAY}(?:,?\s{{1,2}}(?:19|20)\d\d)?|"
    rf"{_DAY}\s{{1,2}}(?:of\s)?{_MONTH}\.?(?:,?\s{{1,2}}(?:19|20)\d\d)?)"
)
_IS = r"(?:\s{0,3}[:=]\s{0,3}|\s{1,3}(?:is|was|are)\s{1,3}(?:now\s|still\s)?|\s{0,3}->\s{0,3})"

_DIGIT = "digit"
_NUMBER = "number"
_TOKEN = "token"  # noqa: S105 - a gate, not one
_SECRET_WORDS = (
    "pass",
    "pwd",
    "pin",
    "code",
    "token",
    "secret",
    "key",
    "login",
    "credential",
    "otp",
)


def _pattern(kind: Kind, gate: str, regex: str, words: str = "") -> _Pattern:
    return _Pattern(kind, gate, re.compile(regex), tuple(words.split()))


# fmt: off
_BALANCED = (
    _pattern(Kind.MAIL, "@", r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}"),
    _pattern(
        Kind.MAIL, "dot",
        r"(?i)\b[\w.+-]{1,64}\s?[\[(]?\bat\b[\])]?\s?[\w-]{1,63}(?:\s?[\[(]?\bdot\b[\])]?\s?\w{2,12}){1,3}\b",
    ),
    _pattern(Kind.SECRET, "://", r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,12}://[^\s/:@]{1,64}:[^\s/@]{1,128}@\S{1,200}"),
    _pattern(
        Kind.SECRET, "://",
        r"(?i)\bhttps?://[^\s?]{1,200}[?&#](?:[^\s&]{1,80}&){0,8}"
        r"(?:token|key|api_?key|sig|signature|auth|pass\w{0,8}|secret|code|session|invite)=\S{1,300}",
    ),
    _pattern(Kind.IP, _NUMBER, r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]?\d)"),
    _pattern(Kind.IP, ":", r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}:?[0-9a-fA-F]{1,4}(?![\w:])"),
    _pattern(Kind.IP, _DIGIT, r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b", ": -"),
    _pattern(Kind.ID, _NUMBER, r"(?<![\d-])\d{3}[- ]\d{2}[- ]\d{4}(?![\d-])"),
    _pattern(Kind.ID, _NUMBER, r"(?i)\b[A-Z]{2}\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D]\b"),
    _pattern(
        Kind.ID, _DIGIT,
        r"(?i)\b(?:ssn|social security|national insurance|ni number|nhs|passport|driv(?:er'?s|ing) licen[cs]e|"
        r"licen[cs]e plate|policy|member(?:ship)?|insurance|employee|patient|tax|vat|case|claim|student|"
        r"customer|booking|order|ref(?:erence)?|prescription|id)(?: (?:number|num|no|id|card|ref)){0,2}\.?"
        r"(?:\s{0,2}[:#=]\s{0,2}|\s(?:is|was)\s|\s)#?(?P<v>(?=[\w-]{0,20}\d)[A-Za-z0-9][\w:-]{3,24})\b",
        "ssn security insurance ni nhs passport driv licen polic member employee patient tax vat case claim student customer booking order ref prescription id",
    ),
    _pattern(Kind.ID, _DIGIT, r"\b[A-Z]{2,5}[-#]\d[\w-]{3,20}\b|\b[A-Z]{2,4}\d{6,12}\b"),
    _pattern(Kind.CARD, _NUMBER, r"(?<![\w-])\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}(?![\w-])|(?<![\w-])3[47]\d{2}[ -]?\d{6}[ -]?\d{5}(?![\w-])"),
    _pattern(Kind.BANK, _NUMBER, r"(?i)\b[A-Z]{2}\d{2}\s?(?:[A-Z0-9]{4}\s?){2,7}[A-Z0-9]{1,4}\b(?<=\d)"),
    _pattern(Kind.BANK, _NUMBER, r"(?<![\d-])\d{2}-\d{2}-\d{2}(?![\d-])"),
    _pattern(
        Kind.BANK, _DIGIT,
        r"(?i)\b(?:account|acct|a/c|routing|aba|sort code|iban|bic|swift)(?: (?:number|no|num|code)){0,2}\.?"
        r"(?:\s{0,2}[:#=]\s{0,2}|\s(?:is|was)\s|\s)(?P<v>[A-Z]{0,4}\d[\d -]{3,24}\d)",
        "acc acct a/c routing aba sort iban bic swift",
    ),
    _pattern(Kind.BANK, _TOKEN, r"\b(?:bc1[a-z0-9]{25,60}|[13][a-km-zA-HJ-NP-Z1-9]{25,34})\b"),
    _pattern(Kind.PHONE, _NUMBER, r"(?<![\w+])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)|\d{1,4})(?:[ .-]?\d{2,5}){1,4}(?!\d)"),
    _pattern(Kind.PHONE, _NUMBER, r"(?<![\w.+-])(?:1[ .-])?(?:\(\d{3}\)[ .-]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\d)"),
    _pattern(Kind.PHONE, _NUMBER, r"(?<![\w.+-])(?:00\d{2}|0\d{1,4}|\(0\d{1,4}\))[ ./-]?\d{2,4}(?:[ ./-]?\d{2,5}){1,4}(?!\d)"),
    _pattern(
        Kind.PHONE, _DIGIT,
        r"(?i)\b(?:phone|tel|telephone|cell|mobile|mob|fax|number is|whatsapp|sms|call me|text me)"
        r"(?: number| no\.?| at| on){0,2}\W{0,4}(?:is |at |on )?(?P<v>\+?[\d(][\d().\s-]{5,17}\d)",
        "phone tel cell mob fax number whatsapp sms me",
    ),
    _pattern(
        Kind.BIRTH, _DIGIT,
        rf"(?i:\b(?:dob|d\.o\.b\.|date of birth|born(?: on)?|birthday|bday|birth date)\W{{0,3}}(?:is |was )?(?:on )?(?:the )?)(?P<v>{_DATE})",
        "dob d.o.b birth born bday",
    ),
    _pattern(
        Kind.ADDRESS, _DIGIT,
        rf"(?i:\b(?:flat|apt|apartment|unit|suite)\s\w{{1,5}},?\s)?\b\d{{1,5}}[A-Za-z]?,? (?:[A-Za-z][\w.'-]{{1,24}} ){{1,3}}?(?:{_STREET}|{_STREET.lower()})\b\.?"
        r"(?:,? (?:Apt|Apartment|Suite|Unit|Flat|#)\.? ?\w{1,5})?(?:, [A-Z][\w.'-]{1,24}){0,2}(?:,? [A-Z]{2},? \d{5}(?:-\d{4})?)?",
        "street st avenue ave road rd boulevard blvd lane ln drive dr court ct place pl square sq terrace way parkway pkwy highway hwy circle trail close crescent gardens mews row walk hill grove alley loop",
    ),
    _pattern(
        Kind.ADDRESS, _DIGIT,
        r"\b(?:[A-Z][\w-]{1,30}(?:strasse|str\.|weg|gasse|platz|allee|gatan|vagen|vej|gade|straat|laan)|"
        r"(?:Rue|Avenue|Via|Calle|Rua|Plaza|ul\.|Av\.|Viale|Piazza) (?:[\w.'-]{1,24} ){0,3}[\w.'-]{1,24}),? \d{1,4}[a-zA-Z]?\b",
        "str weg gasse platz allee gatan vagen vej gade laan rue avenue via calle rua plaza ul. av. viale piazza",
    ),
    _pattern(Kind.ADDRESS, _DIGIT, r"(?i)\bP\.?\s?O\.?\s?Box\s{1,2}\d{1,8}", "box"),
    _pattern(Kind.ADDRESS, _DIGIT, r"\b(?i:(?:GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}))\b"),
    _pattern(Kind.ADDRESS, _NUMBER, r"\b(?:[A-Z][a-z]{1,20} ){0,2}[A-Z][a-z]{1,20}, [A-Z]{2},? \d{5}(?:-\d{4})?\b", ","),
    _pattern(Kind.ADDRESS, _DIGIT, r"(?i)\b(?:zip|postal|post)\s?code\W{0,3}(?:is )?(?P<v>[\w-]{3,8}(?: \d[a-z]{2})?)\b", "code"),
    _pattern(Kind.ADDRESS, _NUMBER, r"(?<![\w.])-?\d{1,2}\.\d{3,8},\s?-?\d{1,3}\.\d{3,8}(?![\w.])", ","),
    _pattern(Kind.SECRET, "AKIA", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    _pattern(Kind.SECRET, _TOKEN, r"\bgh[pousr]_[A-Za-z0-9]{20,255}\b|\bglpat-[\w-]{16,64}\b|\bxox[abprs]-[A-Za-z0-9-]{10,255}"),
    _pattern(Kind.SECRET, _TOKEN, r"\b(?:sk|pk|rk)[-_](?:live_|test_|proj-|ant-)?[A-Za-z0-9_-]{16,200}\b|\bAIza[\w-]{30,45}"),
    _pattern(Kind.SECRET, "eyJ", r"\beyJ[\w-]{8,2000}\.[\w-]{8,2000}(?:\.[\w-]{0,2000})?"),
    _pattern(Kind.SECRET, "PRIVATE", r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{0,8000}?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)"),
    _pattern(
        Kind.SECRET, "secret words",
        rf"(?i)(?:password|passwd|passcode|passphrase|passwort|pwd|pw|secret|token|api[ _-]?key|access[ _-]?key|wi-?fi(?: (?:code|key))?){_IS}"
        r"(?P<v>\"[^\"\n]{2,80}\"|'[^'\n]{2,80}'|[^\s\"',;}\]]{3,120})",
        "pass pw secret token key wi",
    ),
    _pattern(
        Kind.SECRET, "secret words",
        r"(?i)\b(?:pin|code|otp|login|combination|key)(?:s|\b)[^\d\n.?!]{0,24}?\b(?P<v>(?=[\w#*-]{0,12}\d)[\w#*-]{4,12})\b",
        "pin code otp login combination key",
    ),
    _pattern(Kind.SECRET, _TOKEN, r"(?<![\w/-])(?=[\w-]{0,40}\d)(?=[\w-]{0,40}[A-Z])(?=[\w-]{0,40}[a-z])[A-Za-z0-9_-]{24,200}(?![\w-])"),
)

_STRICT = (
    _pattern(Kind.URL, "://", r"\b[a-zA-Z]{2,8}://[^\s<>\"')\]]{1,400}"),
    _pattern(Kind.URL, "www.", r"(?i)\bwww\.[\w-]{1,63}\.[^\s<>\"')\]]{1,300}"),
    _pattern(Kind.DATE, _DIGIT, rf"(?<![\w./-])(?:{_DATE})(?![\w/-])"),
    _pattern(Kind.NUMBER, _NUMBER, r"(?<![\w])\d(?:[ .,-]?\d){4,40}(?![\w])"),
)

_ANY_DIGIT = re.compile(r"\d")
_ANY_TOKEN = re.compile(r"[\w-]{16}")
_ANY_NUMBER = re.compile(r"\d(?:[^\d\n]{0,4}\d){3}")


def _gates(text: Folded) -> frozenset[str]:
    """Return the gates that stand open for a text."""
    plain, lower = text.text, text.lower
    opened = {gate for gate in ("@", "://", ":", "www.", "AKIA", "eyJ", "PRIVATE") if gate in plain}
    if "ASIA" in plain:
        opened.add("AKIA")
    if _ANY_DIGIT.search(plain):
        opened.add(_DIGIT)
        if _ANY_TOKEN.search(plain):
            opened.add(_TOKEN)
        if _ANY_NUMBER.search(plain):
            opened.add(_NUMBER)
    if "dot" in lower and "at" in lower:
        opened.add("dot")
    if any(word in lower for word in _SECRET_WORDS) or ("wi" in lower and "fi" in lower):
        opened.add("secret words")
    return frozenset(opened)


def find(text: Folded, *, strict: bool) -> Iterator[Shape]:
    """Yield what shows by its form; spans may overlap."""
    opened = _gates(text)
    if not opened:
        return
    for pattern in (*_BALANCED, *_STRICT) if strict else _BALANCED:
        if pattern.gate in opened:
            yield from _matches(pattern, text)


def _matches(pattern: _Pattern, text: Folded) -> Iterator[Shape]:
    if pattern.words and not any(word in text.lower for word in pattern.words):
        return
    named = "v" in pattern.regex.groupindex
    for match in pattern.regex.finditer(text.text):
        start, end = match.span("v") if named else match.span()
        if end > start:
            yield Shape(start, end, pattern.kind)


def addresses(text: Folded) -> Iterator[Shape]:
    """Yield mail addresses and telephone numbers only, to look them up."""
    opened = _gates(text)
    for pattern in _BALANCED:
        if pattern.kind in {Kind.MAIL, Kind.PHONE} and pattern.gate in opened:
            yield from _matches(pattern, text)
