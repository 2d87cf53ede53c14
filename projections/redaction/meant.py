"""Whether a name that is a word as well (will, rose, mark) means a person where it stands.

What stands beside it is weighed with what was counted beside names and beside such words;
how much must speak for a person depends on how it is written.
"""

import re

from projections.redaction.everyday import common_words, evidence
from projections.redaction.fold import Folded

__all__ = ["is_common", "is_month", "means_person"]

_WINDOW = 40
_TOKEN = re.compile(r"[^\W_]+|[^\s]")
_NEXT = re.compile(r"\s{0,3}('s\b|[^\W_]{1,40}|\S)")
_ENDS = frozenset('.!?":\n')
_MONTHS = frozenset(
    {
        "summer",
        "autumn",
        "winter",
        "march",
        "april",
        "may",
        "june",
        "august",
        "jan",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "dec",
    }
)
_BEFORE_MONTHS = frozenset(
    {"in", "since", "until", "till", "by", "last", "next", "this", "early", "late", "mid", "of"}
    | {"during", "from", "before", "after"}
)
_SUBJECTS = frozenset({"i", "he", "she", "we", "they"})
# With these a question begins, as in "Will Anna come?"; who it asks about comes next.
_ASKING = frozenset({"will", "may"})
_QUESTION = re.compile(r"[^.!?\n]{0,60}\?")
_CALLS = frozenset(
    {"hi", "hey", "hello", "dear", "told", "tell", "ask", "asked", "thanks", "cheers", "love", "@"}
)

# How much must speak for a person: in lower case, and more for the commonest words; where a
# sentence begins; within one; in capitals.
_LOWER, _LOWER_COMMONEST = 2.0, 3.0
_BEGINNING, _BEGINNING_COMMONEST = -0.5, 0.3
_WITHIN = -3.5
_UPPER = -1.5
_BESIDE_SOMEONE = 1.5


def means_person(text: Folded, start: int, end: int, *, beside: bool) -> bool:
    """Whether a common word is a person.

    Args:
        text: What it stands in.
        start: Where it begins.
        end: Where it ends.
        beside: Whether somebody known stands right before it.
    """
    word, written = text.lower[start:end], text.text[start:end]
    before, after, commonest = evidence()
    previous, begins = _previous(text, start)
    follows = _NEXT.match(text.lower, end)
    following = follows.group(1) if follows else "^"
    if following == "'s" or text.lower.startswith("' ", end):
        return written[0].isupper() or word not in commonest or previous == "^"
    key = "Xx" if _leads_to_capital(text, follows) else following
    told = before.get(previous, 0.0) + after.get(key, 0.0) + (_BESIDE_SOMEONE if beside else 0.0)
    frequent = word in commonest
    if written.islower():
        return previous in _CALLS or told >= (_LOWER_COMMONEST if frequent else _LOWER)
    if written.isupper() and end - start > 1:
        return told >= _UPPER and not _all_capitals(text, start, end)
    if begins:
        asks = word in _ASKING and key == "Xx" and _QUESTION.match(text.text, end)
        least = _BEGINNING_COMMONEST if frequent else _BEGINNING
        return not asks and (after.get(key, 0.0) >= least if follows else not frequent)
    # What follows the subject of a sentence is its verb.
    return told >= _WITHIN and previous not in _SUBJECTS


def is_common(word: str) -> bool:
    """Whether a word is more often a word than a name."""
    return word in common_words()


def _leads_to_capital(text: Folded, follows: re.Match[str] | None) -> bool:
    """Whether a capitalised word comes next, or after an `and`."""
    if follows and follows.group(1) in {"and", "&"}:
        follows = _NEXT.match(text.lower, follows.end())
    if follows is None or len(follows.group(1)) == 1:
        return False
    return text.text[follows.start(1)].isupper()


def _previous(text: Folded, start: int) -> tuple[str, bool]:
    """Return the token before, and whether a sentence begins."""
    window = text.lower[max(0, start - _WINDOW) : start]
    tokens = _TOKEN.findall(window)
    line = "\n" in window[-3:]
    if not tokens or line:
        return "^", True
    previous = tokens[-1]
    if previous in "*_([\"'“" and len(tokens) > 1:
        previous = tokens[-2]
    return previous, previous in _ENDS


def is_month(text: Folded, start: int, end: int) -> bool:
    """Whether a name that is a month or a season as well stands where one does."""
    if text.lower[start:end] not in _MONTHS:
        return False
    previous, _ = _previous(text, start)
    follows = _NEXT.match(text.lower, end)
    return (
        previous in _BEFORE_MONTHS
        or previous.isdecimal()
        or (follows is not None and follows.group(1).isdecimal())
    )


def _all_capitals(text: Folded, start: int, end: int) -> bool:
    """Whether what stands around is in capitals, so that they say nothing."""
    around = text.text[max(0, start - _WINDOW) : start] + text.text[end : end + _WINDOW]
    letters = [c for c in around if c.isalpha()]
    return len(letters) > 8 and sum(c.isupper() for c in letters) > 0.8 * len(letters)  # noqa: PLR2004
