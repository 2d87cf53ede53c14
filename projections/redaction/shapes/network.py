"""Where machines are: links, and addresses of networks and devices."""

import re
from collections.abc import Iterator

from projections.redaction import signs
from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.shapes import checks
from projections.redaction.shapes.rules import CERTAIN, LIKELY, POSSIBLE, Rule

__all__ = ["FIRST", "addresses", "links"]

FIRST = (
    Rule(
        "ip",
        Kind.IP,
        LIKELY,
        r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2}|:[0-9]{1,5})?(?!\.?[0-9])",
        checks.octets,
        runs={1, 2, 3},
    ),
)

_COLON = re.compile(r":[0-9A-Fa-f]{0,4}:|-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-|\.[0-9a-fA-F]{4}\.")
_BACK = re.compile(r"[0-9A-Fa-f:-]{0,45}")
_DEVICE = re.compile(
    r"(?<![\w:.-])(?:(?:[0-9A-Fa-f]{2}[:-]){5,7}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}"
    r"|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?:/[0-9]{1,3})?"
    r"|(?=[0-9A-Fa-f:]{0,40}::)(?=[0-9A-Fa-f:]{0,40}[0-9A-Fa-f])(?:[0-9A-Fa-f]{0,4}:){2,7}"
    r"(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9A-Fa-f]{0,4})(?:/[0-9]{1,3}|%[0-9A-Za-z]{1,10})?"
    r"|(?:[0-9A-Fa-f]{1,4}:){4,6}[0-9A-Fa-f]{1,4})(?![\w:-])"
)


def addresses(text: Folded) -> Iterator[Found]:
    """Yield addresses with colons: of the network's sixth version, and of devices."""
    if not text.signs & signs.MACHINE:
        return
    plain = text.text
    at = 0
    while sign := _COLON.search(plain, at):
        back = _BACK.match(plain[max(0, sign.start() - 45) : sign.start()][::-1])
        found = _DEVICE.match(plain, sign.start() - (back.end() if back else 0))
        if found is not None:
            yield Found(found.start(), found.end(), Kind.IP, LIKELY)
        at = max(found.end() if found else 0, sign.end() - 1)


_END_OF_LINK = re.compile(r"[^\s<>\"`{}|\\^\[\]]{1,2000}")
_SCHEME = re.compile(r"[a-z0-9.+-]{1,12}")
_WWW = re.compile(r"(?<![\w./@-])www\.[^\s<>\"`{}|\\^\[\]]{2,2000}")
_TRAILING = ".,;:!?'*_)"
_TOP = (
    "com|org|net|edu|gov|mil|int|info|biz|name|mobi|online|site|website|store|shop|blog|cloud|club|"
    "tech|space|live|link|page|news|media|email|social|community|xyz|top|app|dev|ai|io|me|tv|fm|gg|"
    "ly|gl|be|uk|us|ca|au|nz|ie|in|de|at|ch|fr|es|it|pt|br|nl|pl|eu|se|no|dk|fi|cz|sk|hu|ro|gr|ru|"
    "ua|tr|jp|cn|kr|mx|ar|cl|za|co|cc|ws|ph|is"
)
_TLD = re.compile(rf"\.(?:{_TOP})(?![\w-])(?!\.[\w])")
_HOST = re.compile(r"[a-z0-9.-]{1,120}")
_COMMON = frozenset({".com", ".org", ".net", ".edu", ".gov", ".io", ".dev", ".app"})


def links(text: Folded) -> Iterator[Found]:
    """Yield links, with a scheme, with www. or as a bare name with an ending that is in use."""
    lower = text.lower
    done = 0
    if "://" in lower:
        for start, end in _schemes(lower):
            yield Found(start, end, Kind.URL, CERTAIN)
            done = end
    for found in _WWW.finditer(lower) if "www." in lower else ():
        if found.start() >= done:
            done = _end(lower, found.start(), found.end())
            yield Found(found.start(), done, Kind.URL, CERTAIN)
    for found in _TLD.finditer(lower) if text.signs & signs.NAMED_HOST else ():
        one = _named(lower, found) if found.start() >= done else None
        if one is not None:
            yield one
            done = one.end


def _schemes(lower: str) -> Iterator[tuple[int, int]]:
    at = lower.find("://")
    while at >= 0:
        scheme = _SCHEME.match(lower[max(0, at - 12) : at][::-1])
        rest = _END_OF_LINK.match(lower, at + 3)
        end = at + 3
        if scheme and rest:
            end = _end(lower, at + 3, rest.end())
            yield at - scheme.end(), end
        at = lower.find("://", end)


def _end(lower: str, start: int, end: int) -> int:
    """Leave out what closes the sentence around a link."""
    while end > start and lower[end - 1] in _TRAILING:
        if lower[end - 1] == ")" and "(" in lower[start:end]:
            break
        end -= 1
    return end


def _named(lower: str, found: re.Match[str]) -> Found | None:
    """Return a bare name; one of two words, such as "so.in", is a slip of the pen."""
    host = _HOST.match(lower[max(0, found.start() - 120) : found.start()][::-1])
    start = found.start() - host.end() if host else found.start()
    if start == found.start() or (start and lower[start - 1] in "@_%+"):
        return None
    end = found.end()
    path = end < len(lower) and lower[end] in "/?:#"
    rest = _END_OF_LINK.match(lower, end) if path else None
    if found.group() not in _COMMON and not path and not lower.startswith("www.", start):
        return None
    end = _end(lower, end, rest.end()) if rest else end
    return Found(start, end, Kind.URL, LIKELY if path else POSSIBLE)
