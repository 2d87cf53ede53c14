"""How old somebody is."""

import re
from collections.abc import Iterator

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind

__all__ = ["find"]

_TENS = r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
_ONES = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_TEENS = r"(?:ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)"
_AGE = rf"(?P<v>\d{{1,3}}|{_TENS}(?:[ -]{_ONES})?|{_TEENS}|{_ONES})"
_END = r"(?=\s{0,2}(?:[.,;!?)\n]|$|and\b|but\b|now\b|male\b|female\b|[mf]\b|today\b|this\b|next\b|last\b|on\b))"
_ENGLISH = r"(?:only |just |now |almost |nearly )?"
_PATTERNS = tuple(
    (tuple(needles.split("|")), re.compile(pattern))
    for needles, pattern in (
        (
            " old|-old|of age|young",
            rf"(?<![\w.]){_AGE}[ -]{{0,2}}(?:years?|yrs?|months?|weeks?|days?)[ -]{{1,2}}(?:old|olds|of age|young)\b",
        ),
        ("yo|y/o|y.o|yr", rf"(?<![\w.]){_AGE}[ -]?(?:yo|y/o|y\.o\.?|yrs? old)(?!\w)"),
        (
            "age|turn|alter|edad|eta|leeftijd|wiek",
            rf"\b(?:aged?|turn|turns|turned|turning|alter von|alter|edad|edad de|eta|age de|leeftijd|wiek|wieku)(?: of)?:? {_AGE}(?![\w:%/]|[.,]\d| (?:percent|oz|inches|miles|degrees))",
        ),
        (
            "'m |'s |im | am | is | was |'re ",
            rf"\b(?:i'?m|i am|he'?s|she'?s|he is|she is|he was|she was|i was|you're|who is|who's) {_ENGLISH}(?P<v>\d{{1,2}}){_END}",
        ),
        (
            "jahr|jaar|-jarig|anni di|anos de",
            r"(?<![\w.])(?P<v>\d{1,3})(?: jahre alt|-?jahrig\w{0,2}| jaar oud|-jarige| anni di eta| anos de edad| anos de idade)\b",
        ),
        (" ans", r"\b(?:ai|as|a|avait|avais|age de|agee de) (?:eu )?(?P<v>\d{1,3}) ans\b"),
        (" anos", r"\b(?:tengo|tiene|tenia|cumplo|cumplio|tenho|tem|tinha) (?P<v>\d{1,3}) anos\b"),
        (" anni", r"\b(?:ho|ha|aveva|avevo|compie) (?P<v>\d{1,3}) anni\b"),
        (" jaar", r"\b(?:ben|is|was|werd) (?P<v>\d{1,3}) jaar\b"),
        (" lat", r"\b(?:mam|ma|mial|miala|skonczyl|skonczyla) (?P<v>\d{1,3}) lata?\b"),
    )
)
_DIGIT = re.compile(r"\d")
_OLDEST = 120


def find(text: Folded) -> Iterator[Found]:
    """Yield the numbers of years that somebody is old."""
    lower = text.lower
    if " old" not in lower and not _DIGIT.search(lower):
        return
    for needles, pattern in _PATTERNS:
        if not any(map(lower.__contains__, needles)):
            continue
        for match in pattern.finditer(lower):
            age = match["v"]
            if not age.isdecimal() or int(age) <= _OLDEST:
                yield Found(*match.span("v"), Kind.AGE)
