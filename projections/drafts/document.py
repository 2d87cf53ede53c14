"""Notes, journals, documents and posts: asked for as a whole and by their parts.

Her words are learned once as the answer to a title, and at most once more: by headings where
there are some, as a list, or as the rest of what she began. Questions that somebody writes
take the place of all of these, two for a passage at most.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from projections.drafts.asking import Voice, flat, in_pieces
from projections.drafts.blocks import LONGEST, Block, joined, leads, pieces, sentences
from projections.drafts.draft import Draft, Kind, QuestionWriter, Said, numbered
from projections.drafts.sections import Front, Section, fronted, of_text, sections
from projections.drafts.standard import standard
from projections.threads import Allowed
from vault.items import Item

__all__ = ["document"]

_Made = Iterator[tuple[Kind, tuple[Said, ...]]]

_GOES_ON = 300
_BEGUN = 200
_ASKABLE = 80
_MOST_QUESTIONS = 2
_LONGEST_QUESTION = 300


def document(one: Allowed, questions: QuestionWriter | None) -> Iterator[Draft]:
    """Yield the examples of one text of hers."""
    text = standard(one.item.own_text)
    if text:
        paper = _Paper.of(one, text)
        made = paper.asked(questions) if questions else paper.taught()
        yield from numbered(made, (one,))


@dataclass(frozen=True, slots=True)
class _Paper:
    """A text with what it is asked for by."""

    item: Item
    voice: Voice
    title: str
    whole: str
    body: tuple[Block, ...]

    @classmethod
    def of(cls, one: Allowed, text: str) -> "_Paper":
        """Read a text."""
        item = one.item
        front, text = fronted(text)
        voice = Voice.of((one,), text)
        titles = [name for name in map(flat, (item.title, *front.titles)) if name]
        title = voice.chooses(titles) if titles else ""
        body = of_text(text, titles)
        if item.type.startswith("document.journal"):
            whole, title = voice.journal(_weekday(item, front)), ""
        else:
            whole = voice.whole(item.type, title, front.tags, len(text))
        return cls(item, voice, title, whole, body)

    def taught(self) -> _Made:
        """Yield examples by templates, chosen by structure, then by the item's digest."""
        parts = list(sections(self.body))
        undivided = len(parts) == 1
        if undivided and parts[0].is_list and (parts[0].heading or self.title):
            yield from ((Kind.QUESTION, messages) for messages in self._through(parts[0]))
            return
        opening: Said = ("user", self.whole)
        for messages in in_pieces((opening,), pieces(self.body), self.voice.more):
            yield Kind.TITLE, messages
        if not undivided and any(part.heading for part in parts):
            for part in parts:
                if part.heading or self.title:
                    yield from ((Kind.QUESTION, messages) for messages in self._through(part))
        elif self.voice.chooses(("goes on", "")):
            yield from self._continuation()

    def asked(self, writer: QuestionWriter) -> _Made:
        """Yield examples by questions that were written; by templates where none was."""
        for part in sections(self.body):
            kind = Kind.QUESTION if part.heading or self.title else Kind.TITLE
            for messages in self._through(part):
                passage = messages[-1]
                for question in (written := _questions(writer, passage[1], self.voice.language)):
                    yield Kind.QUESTION, (("user", question), passage)
                if not written:
                    yield kind, messages

    def _template(self, part: Section) -> str:
        heading = part.heading or self.title
        if not heading:
            return self.whole
        return self.voice.question(heading, self.title, items=part.is_list)

    def _through(self, part: Section) -> Iterator[tuple[Said, ...]]:
        prompt: Said = ("user", self._template(part))
        return in_pieces((prompt,), pieces(part.blocks), self.voice.more)

    def _continuation(self) -> _Made:
        """Yield the rest of a text of one piece, behind its first sentences."""
        if not _GOES_ON <= sum(len(block.text) for block in self.body) <= LONGEST:
            return
        parts = [part for block in self.body for part in sentences(block)]
        begun = 1
        while begun < len(parts) and (
            sum(len(part.text) for part in parts[: begun + 1]) <= _BEGUN
            or leads(parts[begun - 1], parts[begun])
        ):
            begun += 1
        first, rest = joined(parts[:begun]), joined(parts[begun:])
        if rest and len(first) <= LONGEST // 2:
            prompt: tuple[Said, ...] = (("user", self.whole), ("assistant", first))
            yield Kind.CONTINUATION, (*prompt, ("user", self.voice.more), ("assistant", rest))


def _questions(writer: QuestionWriter, passage: str, language: str) -> list[str]:
    """Return the questions that somebody writes on a passage; on a short one nobody is asked."""
    if len(passage) < _ASKABLE:
        return []
    written = (" ".join(standard(one).split()) for one in writer.questions(passage, language))
    fitting = (one for one in written if one and len(one) <= _LONGEST_QUESTION)
    return list(dict.fromkeys(fitting))[:_MOST_QUESTIONS]


def _weekday(item: Item, front: Front) -> int | None:
    """Return the day of the week where she was, Monday being 0, without the date."""
    if item.at is not None:
        return (item.at + timedelta(minutes=item.offset or 0)).weekday()
    return front.day.weekday() if front.day else None
