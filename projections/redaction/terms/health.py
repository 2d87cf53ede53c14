"""Health: conditions, medicines, treatments, allergies, codes and values.

What only medicine says is private wherever it stands. A word that also means something else
(cancer, depressed, cold) is so beside words of medicine, or where somebody has it.
"""

import re
from collections.abc import Iterable, Iterator

from projections.redaction.kinds import Found, Kind
from projections.redaction.terms.lexicon import NUMBER, OTHER, Lexicon, Tokens

__all__ = ["WORTH", "find", "lexicon"]

_FILES = ("health.txt", "medicines.txt", "greek.txt", "languages.txt")
_LETTERS = {
    "never": OTHER,
    "condition": "C",
    "drug": "D",
    "procedure": "P",
    "diagnosed": "G",
    "allergic": "L",
    "allergy": "l",
    "maybe": "c",
    "substance": "b",
    "misuse": "z",
    "medical": "O",
    "kind": "K",
    "kind soft": "k",
    "organ": "o",
    "vital": "V",
    "vital maybe": "W",
    "ordinary": "v",
    "procedure maybe": "p",
    "unit": "u",
    "form": "f",
    "often": "F",
    "modifier medical": "M",
    "modifier": "m",
    "stage": "g",
    "numeral": "1",
    "after": "a",
    "cue": "q",
    "code": "Z",
    "allergen": "A",
    "hurt": "B",
    "own": "y",
    "have": "h",
    "of": "i",
    "join": "x",
    "who": "w",
    "plain": "_",
    "latin": "t",
    "adjective": "j",
}
_DOSE = re.compile(r"\d+(?:[.,]\d+){0,4}(?:mg|mcg|ug|iu|ie|meq)")


def _number(word: str) -> str:
    """Give letters to numbers: N to a dose, 1 to what numbers a stage."""
    if word[0].isdigit():
        if _DOSE.fullmatch(word):
            return "N"
        return NUMBER if word.replace(",", "").replace(".", "").isdecimal() else OTHER
    return OTHER


def lexicon() -> Lexicon:
    """Return the words of health."""
    return Lexicon(_LETTERS, _FILES, _number)


def _one(letters: str) -> str:
    return f"(?:[{letters}]~*)"


_STAGE = f"{_one('g')}[n1]~*"
_BEFORE = rf"(?:{_one('mMoOj')}|{_STAGE}){{0,6}}"
_TAIL = rf"(?:{_one('oOkKcCPpt')}){{0,4}}(?:i~*x?~*{_one('y')}?{_one('m')}{{0,2}}{_one('oO')})?(?:,?{_STAGE}|,?{_one('a')}){{0,3}}"
_QUANTITY = rf"(?:N|n{_one('u')})"
_DOSED = rf"{_one('fD')}{{0,2}}(?:{_QUANTITY}{_one('f')}?){{0,3}}{_one('F')}{{0,2}}"

# strong: C (a condition) or P (a treatment) with what belongs to it; an organ with what makes a
# disease of it; the same turned round (fracture of the left femur); an injury of a limb.
# eponym: "Zorgon's syndrome". dosed: an unknown word before milligrams. named: whatever follows
# "diagnosed with". maybe and ordinary: words that need something beside them.
_AND = r"(?:[,xiy]~*){0,3}"
_TERM = re.compile(
    r"(?=[a-zA-Z.1])(?:"
    rf"(?P<strong>{_BEFORE}(?:C~*|P~*|{_one('oO')}{_one('oOj')}{{0,3}}{_one('kKcvp')}|{_one('M')}{_one('kKcv')}"
    rf"|{_one('b')}{_one('z')}|{_one('VW')}{_one('kKp')}|{_one('K')}{{2}})"
    rf"{_TAIL}|{_one('Kc')}i~*(?:x~*)?{_one('y')}?{_one('m')}{{0,2}}{_one('oO')}{_TAIL}|B~*y~*{_one('m')}{{0,2}}o~*)"
    rf"|(?P<eponym>{_one('.jmMvg')}{{1,4}}{_one('oO')}?{_one('K')}{{1,2}}{_TAIL})"
    rf"|(?P<drug>{_one('D')}{_DOSED})"
    rf"|(?P<dosed>\.{_one('f')}{{0,2}}{_QUANTITY}{_one('F')}{{0,2}})"
    rf"|(?P<allergy>{_one('AD')}{_one('l')}"
    rf"|L~*{_AND}{_one('AD')}(?:{_AND}{_one('AD')}){{0,8}})"
    rf"|{_one('l')}:?{_AND}(?P<allergen>{_one('AD')}(?:{_AND}{_one('AD')}){{0,8}})"
    rf"|G~*(?:x~*)?(?P<named>{_one('mMoOgkKcCvnpDPaAljt.')}{{1,5}})"
    rf"|(?P<maybe>{_BEFORE}{_one('cl')}{_TAIL})"
    rf"|(?P<ordinary>{_BEFORE}{_one('Kv')}{_TAIL})"
    r")"
)
_MEDICINE = frozenset("CDPqGL")
_HAS = re.compile(r"(?:[hy]~*(?:[xmMj]~*){0,2}|w~*(?:x~*)?)$")
WORTH = frozenset("CDPGLlcKkpvVWNuBzZq")
_NEAR = 12
_VERY_NEAR = 7
_VITAL = re.compile(r"(?P<sure>[VW])~*[:\"xiw]{0,2}~*(?P<value>n~*(?:n~*)?)(?P<unit>[u\"]~*)?")
_CODE = re.compile(r"\b[A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?\b")
_CODED = frozenset({"icd", "icd10", "icd9", "dsm", "dx", "diagnosis", "diagnoses", "diagnose"})
_CODE_REACH = 60
_SHORTEST_NAME = 5
_EPONYMS = frozenset({"disease", "syndrome", "disorder", "tumor", "tumour", "malformation"})
_MOST_NAMES = 4


def find(tokens: Tokens, letters: str) -> Iterable[Found]:
    """Return what a window of a text says of somebody's health."""
    return () if WORTH.isdisjoint(letters) else _find(tokens, letters)


def _find(tokens: Tokens, letters: str) -> Iterator[Found]:
    # A match that does not hold may have begun before one that does: it is not passed over.
    start = 0
    while match := _TERM.search(letters, start):
        group = match.lastgroup or ""
        first, last = match.span(group)
        start = match.start() + 1
        if _holds(tokens, letters, group, first, last):
            start = match.end()
            if group == "strong" and letters[first:last].rstrip("~")[-1] != "P":
                first = _named_after(tokens, letters, first)
            yield tokens.found(first, last, Kind.HEALTH)
    if "V" in letters or "W" in letters:
        yield from _vitals(tokens, letters)
    if not _CODED.isdisjoint(tokens.words):
        yield from _codes(tokens)


def _holds(tokens: Tokens, letters: str, group: str, first: int, last: int) -> bool:
    """Whether what matched means health where it stands."""
    if group == "dosed":
        word = tokens.words[first]
        return len(word) >= _SHORTEST_NAME and word.isalpha()
    if group == "eponym":
        heads = _EPONYMS.intersection(tokens.words[first + 1 : last])
        return bool(heads) and (tokens.capital(first) or letters[first] == "j")
    if group in {"maybe", "ordinary"} and not {"C", "P"}.isdisjoint(letters[first:last]):
        return True
    if group == "maybe":
        return _beside(letters, first, last, _NEAR) or bool(
            _HAS.search(letters, max(0, first - _NEAR), first)
        )
    if group == "ordinary":
        return _beside(letters, first, last, _VERY_NEAR)
    return True


def _named_after(tokens: Tokens, letters: str, first: int) -> int:
    """Return where a condition begins together with the names it is called after."""
    begin = first
    for position in range(first - 1, max(-1, first - 1 - _MOST_NAMES), -1):
        gap = tokens.text.text[tokens.spans[position][1] : tokens.spans[position + 1][0]]
        if letters[position] not in ".jvo" or "\n" in gap:
            break
        if tokens.capital(position):
            begin = position
        elif tokens.words[position] != "s":
            break
    return begin


def _beside(letters: str, first: int, last: int, reach: int) -> bool:
    """Whether words of medicine stand in the same sentence."""
    before = letters[max(0, first - reach) : first].rpartition("|")[2]
    after = letters[last : last + reach].partition("|")[0]
    return not _MEDICINE.isdisjoint(before + after)


def _vitals(tokens: Tokens, letters: str) -> Iterator[Found]:
    """Yield the values of measurements: surely of a body, or two beside each other."""
    found = list(_VITAL.finditer(letters))
    for position, match in enumerate(found):
        around = found[max(0, position - 1) : position + 2]
        near = any(
            other is not match and abs(other.start() - match.start()) <= _NEAR for other in around
        )
        if near or match["sure"] == "V" or _beside(letters, *match.span(), _VERY_NEAR):
            yield tokens.found(*match.span("value"), Kind.HEALTH)


def _codes(tokens: Tokens) -> Iterator[Found]:
    """Yield codes of diseases after words that announce them."""
    text = tokens.text.text
    for word, (_, end) in zip(tokens.words, tokens.spans, strict=True):
        if word in _CODED:
            for match in _CODE.finditer(text, end, end + _CODE_REACH):
                yield Found(*match.span(), Kind.HEALTH)
