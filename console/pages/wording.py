"""Consent in words that need no explaining: purposes, redaction, statements, pauses."""

import re
from dataclasses import dataclass

from console.pages.kinds import kind_of
from vault.consent import SENSITIVE, Effect, Pause, Profile, Purpose, Statement

__all__ = [
    "PROFILES",
    "PURPOSES",
    "SENSITIVE_TYPES",
    "Words",
    "paused_in_words",
    "plainly",
    "statement_in_words",
    "words",
]

_WHOSE = {"sent": "your words", "received": "others' words"}

SENSITIVE_TYPES = tuple(sorted(SENSITIVE))

PURPOSES = {
    Purpose.COLLECT: ("Collect", "into your vault"),
    Purpose.MIRROR: ("Mirror", "to your pod"),
    Purpose.SEARCH: ("Search", "find it again"),
    Purpose.TRAIN: ("Train", "teach your model"),
    Purpose.SHARE: ("Share", "others may have it"),
}
"""What a purpose is called, and what that means."""

PROFILES = {
    Profile.STRICT: "Redacted strictly",
    Profile.BALANCED: "Redacted",
    Profile.NAMES_ONLY: "Names masked",
    Profile.NONE: "In full",
}
_DOES = {
    Purpose.COLLECT: "be collected",
    Purpose.MIRROR: "go to your pod",
    Purpose.SEARCH: "be searched",
    Purpose.TRAIN: "teach your model",
    Purpose.SHARE: "be shared",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What a type is called, whose words it holds, and its icon."""

    name: str
    whose: str
    icon: str

    @property
    def full(self) -> str:
        """The name, and whose words where that matters."""
        return f"{self.name}, {self.whose}" if self.whose else self.name


def words(type_: str) -> Words:
    """Return what a type is called, and whose words are of it."""
    kind = kind_of(type_)
    return Words(kind.name, _WHOSE.get(type_.rpartition(".")[2], ""), kind.icon)


def statement_in_words(statement: Statement) -> str:
    """Say what a statement permits or forbids, its conditions aside."""
    may = "may" if statement.effect is Effect.ALLOW else "may not"
    return f"{words(statement.type).full} {may} {_DOES[statement.purpose]}"


def paused_in_words(pause: Pause) -> str:
    """Say what is paused, a person aside."""
    what = words(pause.type).full if pause.type else "Everything"
    return f"{what} from {pause.source}" if pause.source else what


_TYPE = r"[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*"
_NAMED = re.compile(rf"(?:^|(?<=^Nothing allows )|(?<= is of one type, )){_TYPE}")


def plainly(told: str) -> str:
    """Return why something is decided, or what stands out, with the type that it names in words."""
    return _NAMED.sub(lambda found: f"“{words(found[0]).full}”", told)
