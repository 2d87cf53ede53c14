"""From a parsed message to an item: who wrote what to whom, and in which conversation.

Who wrote a message is decided by its sender's address, since anybody can write anybody's name.
"""

import re
from hashlib import sha256

from vault.collectors.readers.mail.slowly import Parsed, Person
from vault.collectors.readers.mail.text import html_text, own_words
from vault.collectors.readers.mail.threads import Threads
from vault.collectors.readers.text import clean
from vault.collectors.readers.time import When
from vault.consent import normal
from vault.items import Agent, Attachment, Item

__all__ = ["EMAIL", "Letters", "first_id"]

EMAIL = "message.email"
_KEPT = 100_000
_ID = re.compile(r"<([^<>\s]{1,998})>")


class Letters:
    """Makes the items of one source, remembering who is who from message to message."""

    def __init__(self, source: str, me: frozenset[str], threads: Threads) -> None:
        addresses = frozenset(form for form in me if "@" in form)
        self._source = source
        self._me = addresses or me
        self._by_name = not addresses
        self.threads = threads
        self._agents: dict[Person, Agent | None] = {}
        self._mine: dict[str, bool] = {}

    def item(  # noqa: D417 - the rest are fields of an item
        self,
        parsed: Parsed,
        *,
        native_id: str,
        when: When,
        locator: str,
        tags: tuple[str, ...] = (),
        thread: str = "",
        kind: str = EMAIL,
    ) -> Item:
        """Return the item of a message.

        Args:
            parsed: The message.
            thread: What the program that kept it calls its conversation, if it does.
            kind: Its data type without the direction.
        """
        headers = parsed.headers
        text, own = _texts(parsed)
        reply_to = first_id(headers.get("in-reply-to", ""))
        references = first_id(headers.get("references", ""))
        author = self.agent(parsed.sender)
        return Item(
            source=self._source,
            native_id=native_id,
            type=f"{kind}.sent" if author and self.is_me(author) else f"{kind}.received",
            at=when.at,
            offset=when.offset,
            precision=when.precision,
            assumed=when.assumed,
            author=author,
            to=tuple([agent for person in parsed.to if (agent := self.agent(person))]),
            conversation=self.threads.conversation(native_id, reply_to, references, thread),
            reply_to=reply_to,
            title=clean(parsed.subject),
            text=text,
            text_new=own,
            language=headers.get("content-language", "")[:35].strip(),
            tags=tags,
            attachments=(*[_attachment(*facts) for facts in parsed.attachments], *parsed.described),
            locator=locator,
        )

    def agent(self, person: Person | None) -> Agent | None:
        """Return whom a header names, or nobody."""
        if person is None:
            return None
        if person in self._agents:
            return self._agents[person]
        name, address = person
        address = clean(address).strip().lower()
        shown = clean(name or "").replace("\n", " ").strip()
        found = None
        if address or shown:
            found = Agent(id=f"mailto:{address}" if address else f"name:{shown}", name=shown)
        if len(self._agents) < _KEPT:
            self._agents[person] = found
        return found

    def is_me(self, author: Agent) -> bool:
        """Whether somebody is the owner: by address, by name only where no address is known."""
        if self._by_name:
            return normal(author.id) in self._me or normal(author.name) in self._me
        known = self._mine.get(author.id)
        if known is None:
            known = normal(author.id) in self._me
            if len(self._mine) < _KEPT:
                self._mine[author.id] = known
        return known


def first_id(header: str) -> str:
    """Return the first message id in a header, without its brackets."""
    if not header:
        return ""
    if found := _ID.search(header):
        return clean(found.group(1))
    words = header.split(None, 1)
    return clean(words[0].strip("<>"))[:998] if words else ""


def _texts(parsed: Parsed) -> tuple[str, str | None]:
    """Return the text of a message and what of it is its author's."""
    plain = parsed.plain[0] if len(parsed.plain) == 1 else "\n\n".join(parsed.plain)
    if plain and not plain.isspace():
        text = clean(plain).strip("\n")
        return text, own_words(text)
    if not parsed.html:
        return "", None
    whole, unquoted = html_text("\n".join(parsed.html))
    text = clean(whole)
    own = clean(unquoted) if unquoted is not None else text
    stripped = own_words(own)
    own = own if stripped is None else stripped
    return text, None if own == text else own


def _attachment(name: str, media_type: str, content: bytes) -> Attachment:
    return Attachment(
        name=clean(name).replace("\n", " "),
        media_type=media_type,
        size=len(content),
        sha256=sha256(content).hexdigest(),
    )
