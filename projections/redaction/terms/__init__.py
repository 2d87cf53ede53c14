"""Words that say something private: of health, belief, descent, crime, pay, jobs and age."""

import re
from collections.abc import Iterator
from functools import cache

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found
from projections.redaction.terms import ages, health, jobs, pay, records, traits
from projections.redaction.terms.lexicon import Reader, Tokens, windows

__all__ = ["find"]

_DIGIT = re.compile(r"\d")
_READERS = (health.find, traits.find, jobs.find)


@cache
def _reader() -> Reader:
    return Reader(health.lexicon(), traits.lexicon(), jobs.lexicon())


def find(text: Folded) -> Iterator[Found]:
    """Yield what a text says that is private, in no order."""
    for start, end in windows(text):
        tokens = Tokens(text, start, end)
        for reader, letters in zip(_READERS, _reader().read(tokens.words), strict=True):
            yield from reader(tokens, letters)
    if _DIGIT.search(text.lower):
        yield from pay.find(text)
    yield from ages.find(text)
    yield from records.find(text)
