"""More examples of how the owner seldom writes: the same words of hers, otherwise asked for.

Her words are never altered, and neither is anybody else's: what changes is how much of a
conversation stands before them, or the wording of a request that this project made itself.
A variant keeps all events and statements of its row, so that it goes when the row goes.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain, islice
from statistics import median_low

from projections.drafts.draft import Kind
from projections.drafts.language import language_of
from projections.drafts.wordings import WORDINGS, Wordings
from projections.rows import Message, Row

__all__ = ["rare_styles", "variants"]

_MOST = 2
_RARE = 20  # one row in so many
_BELOW_MEDIAN = 3
_EXCHANGE = 2  # a message and the answer
_LONGEST = 400  # characters; titles and names in requests are shorter

Messages = tuple[Message, ...]
Template = tuple[re.Pattern[str], tuple[str, ...]]


def rare_styles(counts: Mapping[str, int]) -> frozenset[str]:
    """Return the styles of less than one row in twenty and less than a third of the median."""
    there = {style: count for style, count in counts.items() if count > 0}
    if not there:
        return frozenset()
    total, middle = sum(there.values()), median_low(there.values())
    return frozenset(
        style
        for style, count in there.items()
        if count * _RARE < total and count * _BELOW_MEDIAN < middle
    )


def variants(row: Row) -> Iterator[Row]:
    """Yield up to two rows that teach the same words; a held row has none.

    A reply is given less of what was said before it, whole messages only. Anything else is
    asked for in other words, where it was asked for in words of this project.
    """
    if row.split != "train":
        return
    others = _shorter if row.facts.kind == Kind.REPLY else _reworded
    for messages in islice(others(row.messages), _MOST):
        yield Row.of(
            events=row.events,
            statements=row.statements,
            messages=messages,
            split=row.split,
            group=row.group,
            at=row.at,
            facts=row.facts,
        )


def _shorter(messages: Messages) -> Iterator[Messages]:
    """Leave out the oldest messages: all but the last exchange, then half of them."""
    system = tuple(message for message in messages if message.role == "system")
    said = messages[len(system) :]
    half = len(said) // (2 * _EXCHANGE) * _EXCHANGE
    for kept in sorted({_EXCHANGE, half}):
        if 0 < kept < len(said) and said[-kept].role == "user":
            yield (*system, *said[-kept:])


def _reworded(messages: Messages) -> Iterator[Messages]:
    *before, asked, answer = messages
    language = language_of("", answer.content)
    for words in _wordings(asked.content, language):
        yield (*before, Message(role="user", content=words), answer)


def _wordings(text: str, language: str) -> list[str]:
    """Return other wordings of a request, none where it was not made here.

    Some words ask in several languages; then it is that of the answer that counts.
    """
    if len(text) > _LONGEST:
        return []
    others = (one for one in WORDINGS if one != language)
    for pattern, options in chain.from_iterable(map(_templates, (language, *others))):
        if found := pattern.fullmatch(text):
            made = [option.format(**found.groupdict()) for option in options]
            made = [words[:1].upper() + words[1:] for words in made]
            return [words for words in made if words != text]
    return []


@cache
def _templates(language: str) -> tuple[Template, ...]:
    """Return a pattern for every request, with all wordings of what it asks for."""
    words = WORDINGS[language]
    return tuple(
        (_pattern(option, words), options)
        for options in (
            words.tagged,
            words.about,
            words.bare,
            words.again,
            words.to,
            words.journal,
            words.today,
            words.within,
            words.question,
            words.items,
            words.more,
        )
        for option in options
    )


def _pattern(template: str, words: Wordings) -> re.Pattern[str]:
    """Return what matches a filled template; what is asked for and days are of a few words."""
    named = "|".join(map(re.escape, (*words.mail, *words.note, *words.post)))
    slots = {"it": named, "day": "|".join(words.days)}
    parts = re.split(r"\{(\w+)\}", template)
    pattern = "".join(
        rf"(?P<{part}>{slots.get(part, '.+?')})" if at % 2 else re.escape(part)
        for at, part in enumerate(parts)
    )
    return re.compile(pattern, re.DOTALL | re.IGNORECASE)
