"""The words that ask for hers: of one language, the same for the same items, others for others."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from projections.drafts.blocks import tail
from projections.drafts.draft import Said
from projections.drafts.language import language_of
from projections.drafts.standard import standard
from projections.drafts.wordings import WORDINGS, Wordings
from projections.threads import Allowed
from vault.items import Agent, Item

__all__ = ["ROOM", "Voice", "flat", "in_pieces"]

ROOM = 600
"""Characters of what stands before an answer."""

_BRIEF, _LONG = 200, 800
_LONGEST = 120
_REPLY = re.compile(
    r"(?:\s*(?:re|fwd?|aw|wg|antw|sv|tr|rif|odp|pd|enc|doorst|rv)\s*(?:\[\d{1,3}\])?\s*:)++\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Voice:
    """Asks for the words of some items."""

    language: str
    seed: bytes

    @classmethod
    def of(cls, learned: Sequence[Allowed], text: str) -> "Voice":
        """Return the voice that asks for some items in the language of their words."""
        ids = "\0".join(one.id for one in learned).encode("utf-8", "surrogatepass")
        return cls(language_of(learned[0].item.language, text), sha256(ids).digest())

    @property
    def words(self) -> Wordings:
        """Templates of the language."""
        return WORDINGS[self.language]

    def chooses(self, options: Sequence[str], about: str = "") -> str:
        """Choose one of some templates by the items, and by what it is about."""
        digest = sha256(self.seed + about.encode("utf-8", "surrogatepass")).digest()
        return options[int.from_bytes(digest[:4], "big") % len(options)]

    def mail(self, subject: str, size: int) -> str:
        """Ask for a mail of a size in characters."""
        what = flat(_REPLY.sub("", subject, count=1) if _REPLY.match(subject) else subject)
        return self._piece(self.words.mail, what, (), size)

    def whole(self, kind: str, title: str, tags: Sequence[str], size: int) -> str:
        """Ask for a note, or a post, of a size in characters."""
        names = self.words.post if kind.startswith("post.") else self.words.note
        return self._piece(names, title, tags, size)

    def _piece(self, names: tuple[str, str, str], what: str, tags: Sequence[str], size: int) -> str:
        it = names[0 if size < _BRIEF else 2 if size > _LONG else 1]
        words = self.words
        if not what:
            return _sentence(self.chooses(words.bare).format(it=it))
        options = (*words.about, *words.tagged) if tags else words.about
        told = ", ".join(tags)
        return _sentence(self.chooses(options).format(it=it, what=what, tags=told))

    def write(self, item: Item, *, again: bool) -> str:
        """Ask for a message to whoever got one."""
        words = self.words
        whom = words.group if len(item.to) != 1 else _named(item.to[0]) or words.friend
        return self.chooses(words.again if again else words.to).format(whom=whom)

    def journal(self, weekday: int | None) -> str:
        """Ask for the journal of a day, Monday being 0, or of no day in particular."""
        if weekday is None:
            return self.chooses(self.words.today)
        return self.chooses(self.words.journal).format(day=self.words.days[weekday])

    def question(self, heading: str, title: str, *, items: bool) -> str:
        """Ask for what stands under a heading, in a whole that has a title or none."""
        words = self.words
        options = words.items if items else words.question
        if title and title != heading and not items:
            options = (*options, *words.within)
        asked = self.chooses(options, heading)
        return _sentence(asked.format(what=heading, title=title))

    @property
    def more(self) -> str:
        """Ask to go on."""
        return self.chooses(self.words.more)


def in_pieces(
    prompt: tuple[Said, ...], parts: Iterable[str], more: str
) -> Iterator[tuple[Said, ...]]:
    """Yield the messages of each part: the first answers a prompt, each goes on from the last."""
    opening = messages = prompt
    for part in parts:
        yield (*messages, ("assistant", part))
        last = tail(part, ROOM)
        messages = (opening[-1], ("assistant", last), ("user", more)) if last else opening[-1:]


def flat(text: str) -> str:
    """Return a title on one line, without what would end a sentence.

    One that is long, or has no letter, is none: half of it might hide from redaction.
    """
    bare = " ".join(standard(text).strip(" \t\n#*_=`").split()).rstrip(".,;:!?… ")
    return bare if len(bare) <= _LONGEST and any(map(str.isalpha, bare)) else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _named(agent: Agent) -> str:
    return agent.name or (agent.id[5:] if agent.id.startswith("name:") else "")
