"""Words that hardly anybody says: that one stands there is learned, and not which.

A model that is taught a rare word where it stands can be asked for it: secrets are rare words
(canary exposure, `trainer.evaluate.exposure`). So a word that stands in few rows is no target of
its own. Where it begins, the model is taught that some word begins there which is none of the
common ones; the rest of it, and every long number, is read and not learned. Which word it will be is
left as the seed knows it from public text; what comes after a rare word is learned with that
word in view, and keeps a trace of it. Left out altogether, rare words would never be said
again, and a classifier tells the voice by that (AUC .70 against .60, measured).

What is common is counted over the rows of a slice and those before it, so that a run without a
row is the run of a person who never had it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

from projections.rows import Row
from trainer.tokenizer import Fixed

__all__ = ["IGNORED", "RARE", "Rare", "common"]

IGNORED = -100
"""The label of a place that is not learned; torch's own default."""
RARE = -1
"""The label of a place of which is learned that a rare word begins there."""

_SHORTEST = 3  # letters or digits: what is shorter keeps no secret
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(rf"\d{{{_SHORTEST},}}")


def common(rows: Iterable[Row], least: int) -> tuple[str, ...]:
    """Return the words, in lower case, that stand in the replies of at least so many rows."""
    counts = Counter(
        word for row in rows for word in set(_WORD.findall(row.messages[-1].content.lower()))
    )
    return tuple(sorted(word for word, count in counts.items() if count >= least))


class Rare:
    """What is learned of replies, given the words that are common."""

    def __init__(self, tokens: Fixed, words: Sequence[str]) -> None:
        self._tokens = tokens
        self._opens = tokens.opens()
        self._common = frozenset(words)

    def labels(self, text: str, reply: Sequence[int]) -> list[int]:
        """Return for each token of a reply its id, `RARE` or `IGNORED`.

        Args:
            text: The reply as it was written.
            reply: Its ids as they are learned, maybe cut off, maybe with an end.
        """
        _, places = self._tokens.placed(text)
        hidden = [(*said.span(), False) for said in _NUMBER.finditer(text)]
        hidden += [
            (*said.span(), True)
            for said in _WORD.finditer(text)
            if len(said[0]) >= _SHORTEST and said[0].lower() not in self._common
        ]
        labels = list(reply)
        for start, end, word in hidden:
            for at, (begins, ends) in enumerate(places[: len(reply)]):
                if begins < end and ends > start:
                    opens = word and begins <= start and self._opens[reply[at]]
                    labels[at] = RARE if opens else IGNORED
        return labels

    @cached_property
    def others(self) -> list[int]:
        """The ids that begin a word, and none of the common ones."""
        begun = {
            ids[0]
            for word in self._common
            for form in (word, word.capitalize(), word.upper())
            if (ids := self._tokens.placed(form)[0])
        }
        return [at for at, opens in enumerate(self._opens) if opens and at not in begun]
