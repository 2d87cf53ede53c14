"""Belief, politics, descent, sexuality and crime, where they are somebody's.

Most of these words describe things as well (a German car, a conservative estimate, a black
coat): they count beside a word for a person, after "I am", or after a word that asks for them.
"""

import re
from collections.abc import Iterable, Iterator

from projections.redaction.kinds import Found, Kind
from projections.redaction.terms.lexicon import OTHER, Lexicon, Tokens

__all__ = ["WORTH", "find", "lexicon"]

_LETTERS = {
    "never": OTHER,
    "devout": "D",
    "political": "Q",
    "sexuality": "S",
    "crime": "X",
    "charged": "c",
    "offence": "o",
    "link": "j",
    "religion": "R",
    "faith": "I",
    "politics": "L",
    "party": "P",
    "ethnicity": "E",
    "colour": "k",
    "orientation": "s",
    "vote": "v",
    "converted": "i",
    "half": "f",
    "label": "l",
    "descent": "d",
    "person": "h",
    "who": "w",
    "be": "b",
    "raised": "r",
    "little": "a",
    "plain": "_",
}
_KINDS = {
    "religion": Kind.RELIGION,
    "politics": Kind.POLITICS,
    "ethnicity": Kind.ETHNICITY,
    "sexuality": Kind.SEXUALITY,
    "crime": Kind.CRIME,
}
_OF_LETTER = {
    "R": Kind.RELIGION,
    "L": Kind.POLITICS,
    "E": Kind.ETHNICITY,
    "s": Kind.SEXUALITY,
}


def lexicon() -> Lexicon:
    """Return the words of belief, politics, descent, sexuality and crime."""
    return Lexicon(_LETTERS, ("traits.txt",))


_IS = r"(?:[wh]~*b~*(?:b~*)?(?:a~*){0,3})"
_ENDS = r"(?=[|,_:\"hd]|$)"
_TERM = re.compile(
    r"(?=[DQSXcREkLsIivfwhlrn])(?:"
    r"(?P<religion>D~*)|(?P<politics>Q~*)|(?P<sexuality>S~*)"
    r"|(?P<crime>(?:n~*)?X~*(?:j~*(?:[a.n]~*){0,2}o~*)?|c~*(?:j~*)?(?:[a.n]~*){0,2}o~*(?:[,_jn]?o~*){0,2}(?:X~*)?)"
    rf"|{_IS}(?P<said>[RELs]~*(?:[EL]~*)?){_ENDS}"
    r"|(?P<beside>[REs]~*(?:[RE]~*)?)(?=[hd])"
    r"|(?P<coloured>k~*)(?=h)"
    rf"|r~*(?:a~*)?(?P<raised>[RLs]~*){_ENDS}"
    r"|f~*(?P<half>E~*)"
    r"|l~*[:b](?:[ba]~*){0,2}(?P<asked>[REL]~*)"
    r"|i~*(?:a~*)?(?P<faith>I~*)"
    r"|v~*(?:a~*)?(?P<voted>[PL]~*)"
    r")"
)
_NAMED = {
    "coloured": Kind.ETHNICITY,
    "half": Kind.ETHNICITY,
    "faith": Kind.RELIGION,
    "voted": Kind.POLITICS,
}
WORTH = frozenset("DQSXcREkLsIPvl")


def find(tokens: Tokens, letters: str) -> Iterable[Found]:
    """Return what a window of a text says of somebody's traits and deeds."""
    return () if WORTH.isdisjoint(letters) else _find(tokens, letters)


def _find(tokens: Tokens, letters: str) -> Iterator[Found]:
    for match in _TERM.finditer(letters):
        group = match.lastgroup or ""
        first, last = match.span(group)
        kind = _KINDS.get(group) or _NAMED.get(group) or _OF_LETTER[letters[first]]
        yield tokens.found(first, last, kind)
