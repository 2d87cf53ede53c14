"""Canaries: every kind of secret in every form under every disguise, as one would write it."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from projections.redaction.canaries.disguises import DISGUISES, Disguise
from projections.redaction.canaries.values import FORMATS, Form, Forms, unknown_name
from projections.redaction.kinds import Kind

__all__ = ["Canary", "Person", "plant"]


class Person(NamedTuple):
    """Someone whom the roster knows."""

    name: str
    mails: Sequence[str] = ()
    phones: Sequence[str] = ()
    handles: Sequence[str] = ()


class Canary(NamedTuple):
    """A text with a secret in it: `carrier` around it, `known` where a roster names the person."""

    text: str
    secret: str
    kind: Kind
    form: str
    encoding: str
    known: bool
    carrier: str


_CARRIERS = {
    Kind.PERSON: (
        "i think {} wanted to come as well, ask before you book",
        "lunch with {} was nice, we should do that more often",
        "did you get the message from {} about the keys?",
        "so {} said no and that was the end of it",
        "thanks for letting me know. {} will bring the cake",
    ),
    None: (
        "here you go: {} and tell me when it worked",
        "can you copy this somewhere safe? {} thanks!",
        "it was {} last time i looked",
        "they want {} on the form, i have no idea why",
        "found it in the drawer, {} is what it says",
    ),
}


def plant(
    seed: int, people: Sequence[Person] = (), *, rounds: int = 1, unknown: int = 0
) -> Iterator[Canary]:
    """Yield canaries of every kind, form and disguise, the same ones for the same seed.

    Each combination occurs `rounds` times; `unknown` names are planted that no roster holds.
    """
    pick = random.Random(seed)  # noqa: S311 - reproducible, nothing depends on it staying secret
    for _ in range(rounds):
        for kind, make in FORMATS.items():
            for encoding in DISGUISES:
                yield from _planted(pick, kind, make(pick), encoding)
        for person in people:
            for encoding in DISGUISES:
                yield from _of_person(pick, person, encoding)
    for _ in range(unknown):
        given, family = unknown_name(pick)
        forms = {"full": Form(f"{given} {family}"), "given": Form(given)}
        yield from _planted(pick, Kind.PERSON, forms, "plain")


def _of_person(pick: random.Random, person: Person, encoding: str) -> Iterator[Canary]:
    yield from _planted(pick, Kind.PERSON, _name_forms(person.name), encoding, known=True)
    for kind, values in (
        (Kind.EMAIL, person.mails),
        (Kind.PHONE, person.phones),
        (Kind.HANDLE, person.handles),
    ):
        for value in values:
            yield from _planted(pick, kind, {"stated": Form(value)}, encoding, known=True)


def _name_forms(name: str) -> Forms:
    words = name.split()
    given, family = words[0], words[-1]
    if len(words) == 1:
        return {"given": Form(given)}
    return {
        "full": Form(name),
        "given": Form(given),
        "family": Form(family),
        "reversed": Form(f"{family}, {given}"),
        "initial": Form(f"{given[0]}. {family}"),
        "possessive": Form(given, after="'s sister"),
    }


def _planted(
    pick: random.Random, kind: Kind, forms: Forms, encoding: str, *, known: bool = False
) -> Iterator[Canary]:
    disguise = DISGUISES[encoding]
    for form, (secret, before, after) in forms.items():
        if not _fits(disguise, kind, secret):
            continue
        carrier = pick.choice(_CARRIERS[Kind.PERSON if kind is Kind.PERSON else None])
        text = carrier.format(f"{before}{disguise.wear(secret)}{after}")
        around = carrier.format(before + after)
        yield Canary(text, secret, kind, form, encoding, known, around)


_NUMERIC = {Kind.CARD, Kind.BANK, Kind.PHONE, Kind.SSN, Kind.ID}


def _fits(disguise: Disguise, kind: Kind, secret: str) -> bool:
    """Whether a value is still itself under a disguise, and different from itself without."""
    if disguise.numeric and kind not in _NUMERIC:
        return False
    if kind is Kind.SECRET and not disguise.exact:
        return False
    return disguise.wear(secret) != secret or disguise is DISGUISES["plain"]
