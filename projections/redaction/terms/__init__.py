"""Words that say something private: of health, belief, descent, crime, pay, jobs and age."""

from collections.abc import Iterator
from functools import cache

from projections.redaction import signs
from projections.redaction.fold import Folded
from projections.redaction.kinds import Found
from projections.redaction.terms import ages, health, jobs, pay, records, traits
from projections.redaction.terms.lexicon import Reader, Tokens, windows

__all__ = ["find"]

_READERS = (health.find, traits.find, jobs.find)


@cache
def _reader() -> Reader:
    return Reader(
        (health.lexicon(), health.WORTH),
        (traits.lexicon(), traits.WORTH),
        (jobs.lexicon(), jobs.WORTH),
    )


def find(text: Folded) -> Iterator[Found]:
    """Yield what a text says that is private, in no order."""
    for start, end in windows(text) if _reader().may_tell(text) else ():
        tokens = Tokens(text, start, end)
        for reader, letters in zip(_READERS, _reader().read(tokens.words), strict=True):
            yield from reader(tokens, letters)
    if text.signs & signs.PAY and text.signs & signs.DIGIT:
        yield from pay.find(text)
    if text.signs & signs.AGE:
        yield from ages.find(text)
    yield from records.find(text)
