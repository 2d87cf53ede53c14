"""What a masked span was, how it was found, and which profile masks it."""

from enum import StrEnum
from typing import NamedTuple

from vault.aliases import Part
from vault.consent import Profile

__all__ = ["Found", "Kind", "Known", "masked_by"]


class Kind(StrEnum):
    """What a masked span was; the names are those that redaction benchmarks use.

    Where found spans overlap and none is longer, the kind further up says what they are.
    """

    EMAIL = "mail"
    PHONE = "phone"
    HANDLE = "handle"
    ADDRESS = "address"
    DOB = "date of birth"
    CARD = "card"
    SSN = "social security number"
    BANK = "bank account"
    SECRET = "secret"  # noqa: S105 - a kind, not one
    IP = "network address"
    ID = "identity number"
    PERSON = "person"
    HEALTH = "health"
    SEXUALITY = "sexuality"
    RELIGION = "religion"
    POLITICS = "politics"
    ETHNICITY = "ethnicity"
    CRIME = "crime"
    SALARY = "salary"
    JOB = "job"
    AGE = "age"
    DATE = "date"
    LOC = "place"
    ORG = "organisation"
    URL = "link"
    NUMBER = "number"

    # Every finding is asked for its kind several times, and an enumeration's own hash is slow.
    __hash__ = str.__hash__


class Known(NamedTuple):
    """Whose alias something is (token of the person), and what it is of hers."""

    person: bytes
    part: Part


class Found(NamedTuple):
    """A span of a folded text that is private.

    `score` is how sure its finder is, above 0 and at most 1; checks raise it, none vetoes.
    """

    start: int
    end: int
    kind: Kind
    score: float = 1.0
    known: Known | None = None


_PEOPLE = frozenset({Kind.PERSON})
_STRICT_ONLY = frozenset({Kind.JOB, Kind.AGE, Kind.DATE, Kind.LOC, Kind.ORG, Kind.URL, Kind.NUMBER})
_MASKED = {
    Profile.STRICT: frozenset(Kind),
    Profile.BALANCED: frozenset(Kind) - _STRICT_ONLY,
    Profile.NAMES_ONLY: _PEOPLE,
    Profile.NONE: frozenset[Kind](),
}


def masked_by(profile: Profile) -> frozenset[Kind]:
    """Return the kinds that a profile masks wherever they are; it masks known people besides."""
    return _MASKED[profile]
