"""An example before redaction, and who may write questions for it.

Only the last message of an example is learned, and only the owner's own words stand there.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from projections.threads import Allowed

__all__ = ["Draft", "Kind", "QuestionWriter", "Role", "Said", "numbered"]

Role = Literal["user", "assistant"]
Said = tuple[Role, str]


class Kind(StrEnum):
    """What an example teaches."""

    REPLY = "reply"
    OPENING = "opening"
    TITLE = "title"
    QUESTION = "question"
    CONTINUATION = "continuation"
    ACTIVITY = "activity"


@dataclass(frozen=True, slots=True)
class Draft:
    """Roles and words, unredacted, and the items behind them.

    Roles alternate from `user` to `assistant`. `piece` counts the examples of one kind that
    teach words of the same items.
    """

    kind: Kind
    piece: int
    messages: tuple[Said, ...]
    context: tuple[Allowed, ...]
    learned: tuple[Allowed, ...]

    @property
    def key(self) -> str:
        """The name of the example for ever, whatever its words and its context become.

        A reply whose context was withdrawn is an opening, and still the same example.
        """
        kind = Kind.REPLY if self.kind is Kind.OPENING else self.kind
        named = "\0".join((kind, str(self.piece), *(one.id for one in self.learned)))
        return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class QuestionWriter(Protocol):
    """Writes questions on passages; what they are is its `version`'s doing alone."""

    version: str

    def questions(self, passage: str, language: str) -> Sequence[str]:
        """Return questions that a passage answers, in the language of a code such as `de`."""


def numbered(
    made: Iterable[tuple[Kind, tuple[Said, ...]]],
    learned: tuple[Allowed, ...],
    context: tuple[Allowed, ...] = (),
) -> Iterator[Draft]:
    """Number what was made of the same items, by kind."""
    numbers = Counter[Kind]()
    for kind, messages in made:
        yield Draft(kind, numbers[kind], messages, context, learned)
        numbers[kind] += 1
