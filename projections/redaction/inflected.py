"""What a written word may be a form of: plurals, cases, endearments, and names written for fun.

Everything is asked of the roster, which holds digests only; so a form is led back to what
it may be made from. Eight languages are covered where their endings are regular; words are
folded, which makes `ą` an `a`.
"""

import re
from collections.abc import Iterator

__all__ = ["bases"]

_SHORTEST = 4
_RUN = re.compile(r"(.)\1{2,}")
_DRAWN_END = re.compile(r"(.)\1+$")
_LEET = str.maketrans("01345789", "oieastbg")
_LEET_L = str.maketrans("01345789", "oleastbg")
_TAIL_DIGITS = re.compile(r"[0-9]{1,8}$")

# Ending → what may have stood in its place. Plurals and genitives in -s, -es, -ens; a French
# and English -'s loses its apostrophe; endearments of Spanish, Portuguese and Italian; German
# -chen and -lein; Dutch -je; Polish cases and endearments, the longest endings first.
_ENDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("skiego", ("ski", "ska")), ("skiemu", ("ski", "ska")), ("skimi", ("ski",)),
    ("skich", ("ski",)), ("skiej", ("ska", "ski")), ("skim", ("ski",)), ("skie", ("ski", "ska")),
    ("scy", ("ski",)), ("ska", ("ski",)), ("ski", ("ska",)),
    ("ckiego", ("cki", "cka")), ("ckiemu", ("cki", "cka")), ("ckimi", ("cki",)),
    ("ckich", ("cki",)), ("ckiej", ("cka", "cki")), ("ckim", ("cki",)), ("cka", ("cki",)),
    ("cki", ("cka",)),
    ("kiem", ("ek", "k")), ("kowi", ("ek", "k")), ("owie", ("",)), ("owi", ("", "o", "a")),
    ("lowi", ("l", "el")), ("dzie", ("da", "d")), ("scie", ("sta", "st")), ("rze", ("ra", "r")),
    ("cie", ("ta", "t")), ("nie", ("na", "n")), ("nnie", ("nna",)), ("iem", ("", "i")),
    ("ii", ("ia",)), ("ie", ("a", "")), ("ce", ("ka",)), ("dze", ("ga",)), ("le", ("la", "l")),
    ("em", ("", "o")), ("ow", ("", "a")), ("om", ("", "a")), ("ami", ("", "a")), ("ach", ("", "a")),
    ("y", ("a", "")), ("u", ("", "a", "ek", "o")), ("i", ("a", "o")), ("o", ("a",)), ("e", ("a",)),
    ("ka", ("ek", "a")), ("ku", ("ek",)), ("la", ("el",)), ("a", ("",)),
    ("usia", ("a",)), ("unia", ("a",)), ("eczka", ("a", "ka")), ("eczek", ("ek",)), ("us", ("",)),
    ("inho", ("o", "")), ("inha", ("a", "")), ("zinho", ("",)), ("zinha", ("",)),
    ("ito", ("o", "")), ("ita", ("a", "")), ("itos", ("os",)), ("cito", ("",)), ("cita", ("",)),
    ("illo", ("o",)), ("illa", ("a",)), ("ino", ("o",)), ("ina", ("a",)), ("etto", ("o",)),
    ("etta", ("a",)), ("uccio", ("o",)), ("uccia", ("a",)),
    ("chen", ("", "e")), ("lein", ("", "e")), ("je", ("",)), ("tje", ("",)), ("tjes", ("",)),
    ("ens", ("",)), ("es", ("",)), ("s", ("",)),
)  # fmt: skip
_LONGEST_ENDING = max(len(ending) for ending, _ in _ENDINGS)
_BY_ENDING = dict(_ENDINGS)
_SHORTEST_STEM = 3
# A vowel for a vowel, as `Maria` and `Mario`, is more often another name than another case.
_PLURAL = frozenset({"s", "es", "ens"})


def bases(word: str, *, strict: bool) -> Iterator[str]:
    """Yield what a folded word may be a form of, the likeliest first.

    Args:
        word: The word.
        strict: Whether the word is somebody's name, so that only a plural is led back.
    """
    if not word.isalpha() and any(c.isdigit() for c in word):
        yield from _without_digits(word)
        return
    drawn = _RUN.sub(r"\1\1", word)
    if drawn != word:
        single = _RUN.sub(r"\1", word)
        yield from dict.fromkeys((drawn, single, _DRAWN_END.sub(r"\1", drawn)))
        return
    if len(word) < _SHORTEST:
        return
    if word[-1] == word[-2]:
        yield word[:-1]
    for size in range(min(_LONGEST_ENDING, len(word) - _SHORTEST_STEM), 0, -1):
        ending = word[-size:]
        stem = word[:-size]
        if strict and ending not in _PLURAL:
            continue
        for replaced in _BY_ENDING.get(ending, ()):
            if len(stem + replaced) > _SHORTEST_STEM or ending == "s":
                yield stem + replaced


def _without_digits(word: str) -> Iterator[str]:
    """Yield a name before a number (`priya92`), or with digits for letters (`pr1ya`)."""
    name = _TAIL_DIGITS.sub("", word)
    if name != word and len(name) > _SHORTEST and name.isalpha():
        yield name
    if len(name) >= _SHORTEST and not name.isalpha() and sum(c.isalpha() for c in name) > 1:
        yield from dict.fromkeys((name.translate(_LEET), name.translate(_LEET_L)))
