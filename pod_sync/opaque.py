"""Names of people, conversations and the like as IRIs that say nothing without the vault's key.

An opaque IRI is a keyed digest in the form of a UUID of version 8 (RFC 9562, section 5.8): a
registered kind of IRI that nobody can look up, and that no list of names leads back from.
"""

import hmac
from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from pod_sync.vocabulary import SOURCE, WEB
from vault.consent import Pause, Statement, normal

__all__ = ["Ciphers", "Kind", "words_of"]


class Kind(StrEnum):
    """What an opaque IRI stands for; the same word has another IRI as something else."""

    PERSON = "person"
    CONVERSATION = "conversation"
    RECIPIENT = "recipient"
    SOURCE = "source"


_VERSION = 8
_PLAIN = {Kind.SOURCE: SOURCE, Kind.RECIPIENT: WEB}


class Ciphers:
    """Opaque IRIs under one key, and the words behind those that this vault can compute."""

    def __init__(self, key: bytes, known: Iterable[tuple[Kind, str]] = ()) -> None:
        """Take a key of this vault alone.

        Args:
            key: At least 16 bytes, the same for all devices of the vault.
            known: What `word` is to find: whom and what the vault knows.
        """
        self._key = key
        self._known = known

    def iri(self, kind: Kind, word: str) -> str:
        """Return the IRI of a word; every way to write a person's address has the same."""
        message = f"twinvault/opaque/{kind}\n{_plain(kind, word)}".encode("utf-8", "surrogatepass")
        digest = bytearray(hmac.digest(self._key, message, "sha256")[:16])
        digest[6] = digest[6] & 0x0F | _VERSION << 4
        digest[8] = digest[8] & 0x3F | 0x80
        return f"urn:uuid:{UUID(bytes=bytes(digest))}"

    def shown(self, kind: Kind, word: str) -> str:
        """Return what others may see of a word: itself if it names no one, else its IRI."""
        plain = _PLAIN.get(kind)
        return word if plain and plain.fullmatch(word) else self.iri(kind, word)

    def word(self, kind: Kind, iri: str) -> str | None:
        """Return what an IRI stands for, None where this vault knows nothing that has it."""
        return self._words.get((kind, iri.lower()))

    @cached_property
    def _words(self) -> dict[tuple[Kind, str], str]:
        return {(kind, self.iri(kind, word)): _plain(kind, word) for kind, word in self._known}


def _plain(kind: Kind, word: str) -> str:
    return normal(word) if kind is Kind.PERSON else word


def words_of(said: Iterable[Statement | Pause]) -> Iterable[tuple[Kind, str]]:
    """Return what statements and pauses name, for `Ciphers`."""
    for one in said:
        named = one if isinstance(one, Pause) else one.filters
        yield Kind.PERSON, named.person
        yield Kind.SOURCE, named.source
        if isinstance(one, Statement):
            yield Kind.CONVERSATION, one.filters.conversation
            yield Kind.RECIPIENT, one.recipient
