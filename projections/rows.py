"""Training rows: what the trainer may see of a person, and nothing else.

A row is one reply in the person's own words with the messages it answers, already
consented and redacted. Its id is the digest of its content, so a row that differs by one
letter is another row, wherever ids are compared or hashed.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

import msgspec

from vault.consent import Profile

__all__ = ["Facts", "Message", "Row", "Split", "digest"]

Role = Literal["system", "user", "assistant"]
Split = Literal["train", "held"]

_canonical = msgspec.msgpack.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation; `assistant` is the person whose twin learns."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a row beside its words: what curation, export and reports go by.

    `pair` names the example whatever its redaction: it stays when people get other
    surrogates. `learned` holds the ids of the items whose words are learned; `type` and `source`
    are theirs, `masked` counts what was replaced in these words, by kind.
    """

    pair: str = ""
    learned: tuple[str, ...] = ()
    kind: str = ""
    type: str = ""
    source: str = ""
    style: str = ""
    tags: tuple[str, ...] = ()
    profile: Profile = Profile.STRICT
    masked: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One example. Only its last message, the person's own words, is learned.

    `events` and `statements` name the log entries it came from and the consent that
    carried it; `group` is an opaque consent class; `held` rows are never learned.
    """

    id: str
    events: tuple[str, ...]
    statements: tuple[str, ...]
    messages: tuple[Message, ...]
    split: Split
    group: str
    at: datetime | None = None
    facts: Facts = Facts()

    @classmethod
    def of(
        cls,
        *,
        events: tuple[str, ...],
        statements: tuple[str, ...],
        messages: tuple[Message, ...],
        split: Split,
        group: str,
        at: datetime | None = None,
        facts: Facts = Facts(),
    ) -> Self:
        """Make a row under the id that its content gives it."""
        return cls(
            id=digest(events, messages, split),
            events=events,
            statements=statements,
            messages=messages,
            split=split,
            group=group,
            at=at,
            facts=facts,
        )


def digest(events: tuple[str, ...], messages: tuple[Message, ...], split: Split) -> str:
    """Return the hex SHA-256 that names a row with this content."""
    content = (events, tuple((message.role, message.content) for message in messages), split)
    return hashlib.sha256(_canonical.encode(content)).hexdigest()
