"""How to reach people: telephone numbers, mail addresses, handles."""

import re
from collections.abc import Iterator

from projections.redaction import signs
from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.shapes.rules import BARE, CERTAIN, LIKELY, POSSIBLE, Rule, words

__all__ = ["AFTER_DATES", "FIRST", "mails", "spelled"]

_EXTENSION = (
    r"(?:,?\s?(?:x|ext\.?|extension|poste|durchwahl|dw|int\.?|anexo|ramal|wew\.?|#)\s?[0-9]{1,6})?"
)
_S = r"[ ./-]{1,2}"

FIRST = (
    Rule(
        "abroad",
        Kind.PHONE,
        CERTAIN,
        rf"\(?(?:\+|00)\(?[0-9]{{1,3}}\)?(?:[ ./-]{{0,2}}\([0-9]{{1,5}}\))?(?:[ ./-]{{0,2}}[0-9]{{1,5}}){{2,7}}"
        rf"{_EXTENSION}(?![0-9])",
        runs=range(16),
    ),
    Rule(
        "nanp",
        Kind.PHONE,
        LIKELY,
        rf"(?:\+?1[ ./-]{{1,2}})?(?:\([0-9]{{3}}\)[ ./-]{{0,2}}|[0-9]{{3}}{_S})[0-9]{{3}}[ ./-][0-9]{{4}}{_EXTENSION}(?![0-9-])",
        runs={0, 1, 3},
    ),
)

# Two times of a day, or two years, that a hyphen joins are no number to call.
_NO_TIMES = (
    r"(?!(?:[01][0-9]|2[0-4])[0-5][0-9] ?- ?(?:[01][0-9]|2[0-4])[0-5][0-9](?![0-9]))"
    r"(?!(?:19|20)[0-9]{2} ?[-/] ?(?:19|20)[0-9]{2}(?![0-9]))"
)
AFTER_DATES = (
    Rule(
        "national",
        Kind.PHONE,
        LIKELY,
        rf"(?=(?:[^0-9\n]{{0,3}}[0-9]){{7}}){_NO_TIMES}(?:\(0[0-9]{{1,5}}\)|0[0-9]{{1,5}})(?:{_S})?[0-9]{{2,8}}(?:{_S}[0-9]{{2,5}}){{0,5}}{_EXTENSION}(?![0-9])",
        runs=range(13),
    ),
    Rule(
        "pairs",
        Kind.PHONE,
        POSSIBLE,
        rf"[0-9]{{2,3}}(?P<sep>[ .-])[0-9]{{2}}(?P=sep)[0-9]{{2}}(?P=sep)[0-9]{{2}}(?:(?P=sep)[0-9]{{2}})?{_EXTENSION}(?![0-9-])",
        runs={2, 3},
    ),
    Rule(
        "triples",
        Kind.PHONE,
        POSSIBLE,
        r"\(?[0-9]{3}\)?[ -][0-9]{3}[ -][0-9]{2,4}(?:[ -][0-9]{2,3})?(?![0-9-])(?![.,][0-9])"
        r"|[0-9]{3}[ -][0-9]{2}[ -][0-9]{2,3}(?![0-9-])",
        runs={0, 3},
    ),
    Rule(
        "spread",
        Kind.PHONE,
        POSSIBLE,
        r"\(?[0-9]{1,3}\)?[ -][0-9]{3,4}[ -][0-9]{4}(?![\w-])|[0-9]{2} [0-9]{3} [0-9]{2} [0-9]{2}(?![\w-])|\([0-9]{2,4}\) ?[0-9]{3,8}(?:[ -][0-9]{2,4}){0,2}(?![\w-])",
        runs={0, 1, 2, 3},
    ),
    Rule(
        "halves",
        Kind.PHONE,
        BARE,
        rf"{_NO_TIMES}[0-9]{{3,4}}[ -][0-9]{{4}}{_EXTENSION}(?![0-9-])",
        runs={3, 4},
    ),
)

_LOCAL = re.compile(r"\"[^\"\n]{1,64}\"|[^\W_](?:[\w.+%'!$*^~-]{0,62}[\w])?|[\w][\w.+%'-]{0,63}")
_DOMAIN = re.compile(
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_][\w-]{1,23}|\[[0-9A-Fa-f:.]{3,45}\]|localhost(?!\w)"
)
_HANDLE = re.compile(r"[A-Za-z_][\w]{0,29}(?:\.[\w]{1,30})?(?:@[a-z0-9.-]{1,60}\.[a-z]{2,12})?")


_MEMBER = re.compile(r"(?<![\w/])/?u/[\w-]{3,20}")


def mails(text: Folded) -> Iterator[Found]:
    """Yield mail addresses and handles: whatever stands around an @."""
    plain = text.text
    for member in _MEMBER.finditer(plain) if "u/" in plain else ():
        yield Found(member.start(), member.end(), Kind.HANDLE, LIKELY)
    at = plain.find("@")
    while at >= 0:
        found = _around(plain, at)
        if found is not None:
            yield found
        at = plain.find("@", max(at + 1, found.end if found else 0))


def _around(plain: str, at: int) -> Found | None:
    domain = _DOMAIN.match(plain, at + 1)
    if domain is not None:
        local = _LOCAL.match(plain[max(0, at - 66) : at][::-1])
        if local is not None:
            return Found(at - local.end(), domain.end(), Kind.EMAIL, CERTAIN)
    if at and (plain[at - 1].isalnum() or plain[at - 1] in "._/@"):
        return None
    handle = _HANDLE.match(plain, at + 1)
    return Found(at, handle.end(), Kind.HANDLE, LIKELY) if handle else None


_AT = re.compile(r"[\s\[({<]\s?(?:at|@|arroba|chez|malpa)\s?[\s\])}>]\s{0,2}")
_POINT = r"(?:\s{0,2}[\[({<]\s?(?:dot|\.|punto|punkt|point|ponto|punt|kropka)\s?[\])}>]\s{0,2}|\s{1,2}(?:dot|punto|punkt|point|ponto|punt|kropka)\s{1,2}|\.)"
_SPELLED_HOST = re.compile(rf"(?P<first>[\w-]{{1,40}})(?:{_POINT}[a-z][\w-]{{1,24}}){{1,3}}(?!\w)")
_SPELLED_NAME = re.compile(rf"(?<![\w.])[\w+-]{{1,30}}(?:{_POINT}[\w+-]{{1,30}}){{0,3}}\s{{0,2}}$")
_AT_WORDS = frozenset({"at", "arroba", "chez", "malpa"})
_PROVIDERS = words(
    "gmail googlemail yahoo hotmail outlook icloud gmx web aol proton protonmail fastmail live msn zoho yandex libero "
    "orange free wanadoo telefonica sapo ziggo onet wp interia"
)


def spelled(text: Folded) -> Iterator[Found]:
    """Yield mail addresses whose signs are spelled out, as in "name at host dot com"."""
    if not text.signs & signs.SPELLED:
        return
    lower = text.lower
    if _AT_WORDS.isdisjoint(text.words) and "@" not in lower:
        return
    for sign in _AT.finditer(lower):
        host = _SPELLED_HOST.match(lower, sign.end())
        if host is None:
            continue
        # "look at example.com" is no address; "anna at gmail.com" and "anna (at) example.com" are.
        if not (_in_brackets(sign) or host["first"] in _PROVIDERS or _points_spelled(host)):
            continue
        name = _SPELLED_NAME.search(lower[max(0, sign.start() - 60) : sign.start()])
        if name is not None:
            yield Found(sign.start() - len(name.group()), host.end(), Kind.EMAIL, LIKELY)


def _in_brackets(sign: re.Match[str]) -> bool:
    return any(bracket in sign.group() for bracket in "[({<")


def _points_spelled(host: re.Match[str]) -> bool:
    return any(sign in host.group() for sign in " [({<")
