"""Conversations with models, as they are kept in memory for as long as a vault is open."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Literal

from vault.errors import NotFound

__all__ = ["Answer", "Conversation", "Example", "Exchange", "Source", "State", "Verdict"]

State = Literal["waiting", "writing", "done", "stopped", "cut"]
Verdict = Literal["", "good", "bad", "rewritten", "preferred", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A passage of an item; `number` is how an answer cites it.

    Where the item has other words by now it is `changed`, and the passage is not there any more.
    """

    number: int
    id: str
    type: str
    at: datetime | None
    passage: str
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A reply of hers that a model had to go by: the items that it answers, and its own.

    Of the words nothing is kept here: they stood in the prompt, redacted.
    """

    asked: tuple[str, ...]
    answered: tuple[str, ...]
    type: str
    at: datetime | None

    @property
    def items(self) -> frozenset[str]:
        """All that it was made from."""
        return frozenset((*self.asked, *self.answered))


@dataclass(slots=True, kw_only=True)
class Answer:
    """What a model says: `part` of it spoke where that is not all, `why` says what cut it off.

    `spoken_by` names the weights that spoke, `cited` the items that were shown to them, by the
    numbers that an answer cites them by, `examples` what it went by. `items` and `speakers` are
    all that it was made from: the items of both, those of the earlier answers that it was told,
    and the models and weights of all of them; so it can be seen whether they still may be used.
    `verdict` is what the owner said of it, `feedback` the log entry that keeps that.
    """

    number: int
    model: str
    spoken_by: str
    seed: int
    cited: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    items: frozenset[str] = frozenset()
    speakers: frozenset[tuple[str, str]] = frozenset()
    part: str = ""
    state: State = "waiting"
    text: str = ""
    why: str = ""
    verdict: Verdict = ""
    feedback: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is written."""
        return self.state not in {"waiting", "writing"}

    @property
    def can_be_judged(self) -> bool:
        """Whether there are words to judge, and nothing was said of them yet."""
        return self.is_over and bool(self.text) and not self.verdict


@dataclass(slots=True, kw_only=True)
class Exchange:
    """A question, what was found in the vault for it, and the answers.

    `known` is false where facts were asked for and nothing was found, so that no model was
    asked; `searchable` where anything may be searched at all; `exemplified` where replies of hers
    are looked for, to go by.
    """

    number: int
    question: str
    grounded: bool
    exemplified: bool = False
    known: bool = True
    searchable: bool = True
    sources: tuple[Source, ...] = ()
    answers: list[Answer] = field(default_factory=list)

    def answer(self, number: int) -> Answer:
        """Return an answer.

        Raises:
            NotFound: There are not so many.
        """
        for one in self.answers:
            if one.number == number:
                return one
        raise NotFound("That answer is not here any more; open the conversation again.")

    @property
    def read(self) -> bool:
        """Whether passages were shown to a model."""
        return any(one.cited for one in self.answers)

    @property
    def said(self) -> Answer | None:
        """The answer that the conversation goes on from: the one she liked, or the newest."""
        there = [one for one in self.answers if one.text]
        liked = (one for one in there if one.verdict in {"good", "preferred"})
        return next(liked, there[-1] if there else None)


@dataclass(slots=True, kw_only=True)
class Conversation:
    """Questions and answers, the oldest first."""

    id: str
    began: datetime
    exchanges: list[Exchange] = field(default_factory=list)
    stopping: Event = field(default_factory=Event)

    @property
    def answers(self) -> Iterator[Answer]:
        """Every answer, the oldest first."""
        return (answer for exchange in self.exchanges for answer in exchange.answers)

    @property
    def is_writing(self) -> bool:
        """Whether a model writes in it, or is about to."""
        return not all(answer.is_over for answer in self.answers)

    def exchange(self, number: int) -> Exchange:
        """Return a question with its answers.

        Raises:
            NotFound: There are not so many.
        """
        if not 1 <= number <= len(self.exchanges):
            raise NotFound("That question is not here any more; open the conversation again.")
        return self.exchanges[number - 1]
