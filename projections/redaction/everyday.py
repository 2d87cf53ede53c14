"""Words and names that ordinary people use, as lists: read once, when first asked for."""

from enum import StrEnum
from functools import cache
from importlib.resources import files

__all__ = [
    "Gender",
    "common_words",
    "everyday_names",
    "evidence",
    "gendered",
    "is_used",
    "read",
    "vocabulary",
]


class Gender(StrEnum):
    """What a given name hints at; never more than a hint."""

    FEMALE = "f"
    MALE = "m"


def read(name: str) -> str:
    """Return the text of a list beside this module."""
    return files("projections.redaction").joinpath(name).read_text("utf-8")


@cache
def common_words() -> frozenset[str]:
    """Words that are more often a word than a name, in lower case: of English and of others."""
    others = (line for line in read("words-others.txt").splitlines() if not line.startswith("#"))
    return frozenset((*read("words.txt").split(), *" ".join(others).split()))


@cache
def vocabulary() -> frozenset[str]:
    """Words that are in use, so that they are no mistyped names."""
    return common_words() | frozenset(read("vocabulary.txt").split())


@cache
def gendered() -> dict[str, Gender]:
    """Everyday given names that are nearly always of one gender."""
    found: dict[str, Gender] = {}
    both: set[str] = set()
    for line in read("everyday.txt").splitlines():
        gender, *names = line.split()
        for name in names:
            if found.setdefault(name, Gender(gender)) != gender:
                both.add(name)
    return {name: gender for name, gender in found.items() if name not in both}


@cache
def everyday_names() -> frozenset[str]:
    """Everyday given names of several languages, folded and in lower case."""
    return frozenset(word for word in read("everyday.txt").split() if len(word) > 1)


@cache
def evidence() -> tuple[dict[str, float], dict[str, float], frozenset[str]]:
    """Return how much a neighbour before, and one after, speaks for a person.

    Beside them stand the commonest words, which nearly always mean themselves. `make_words` counts what stands beside names, and beside words that are names as well.
    """
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    commonest, *lines = read("neighbours.txt").splitlines()
    for line in lines:
        side, word, weight = line.split("\t")
        (before if side == "before" else after)[word] = float(weight)
    return before, after, frozenset(commonest.split())


_SUFFIXES = ("s", "es", "ed", "ing", "ly")


@cache
def _spoken() -> frozenset[str]:
    return vocabulary() | everyday_names()


def is_used(word: str) -> bool:
    """Whether a word is in use, or regularly made from one that is: no mistyped name."""
    spoken = _spoken()
    if word in spoken or not word.endswith(_SUFFIXES):
        return word in spoken
    return any(word.endswith(suffix) and word[: -len(suffix)] in spoken for suffix in _SUFFIXES)
