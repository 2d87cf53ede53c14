"""How texts are cut before they are measured: bursts into messages, messages into words."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from projections.rows import Row

__all__ = ["frequent", "messages", "reply", "some", "strangers", "words"]

_WORD = re.compile(r"[^\W\d_]+")


def reply(row: Row) -> str:
    """Return the words of a row that are learned."""
    return row.messages[-1].content


def messages(replies: Iterable[str]) -> list[str]:
    """Split bursts into messages, one a line."""
    return [line.strip() for reply in replies for line in reply.split("\n") if line.strip()]


def words(text: str) -> Iterator[str]:
    """Yield the words of a text in lower case: runs of letters."""
    return (found[0] for found in _WORD.finditer(text.lower()))


def frequent(texts: Iterable[str], most: int) -> frozenset[str]:
    """Return the words that are used most, as a rule those that carry no matter."""
    counts = Counter(word for text in texts for word in words(text))
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return frozenset(ordered[:most])


def some(texts: Sequence[str], most: int, seed: int) -> list[str]:
    """Draw texts without putting any back; all of them where there are no more."""
    chosen = np.random.default_rng(seed).permutation(len(texts))[:most]
    return [texts[at] for at in chosen]


def strangers(rows: Iterable[Row]) -> list[str]:
    """Return the messages of other people that rows hold as context, each once."""
    asked = (said.content for row in rows for said in row.messages[:-1] if said.role == "user")
    return sorted(set(messages(asked)))
