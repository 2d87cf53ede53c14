"""Canaries in a vault of their own: collected, allowed for training, looked for in the rows.

Each canary is a message of its own, hours from the next, so that each row holds one. People
are known as they are in any vault: from who took part in messages. What redaction held back
lets nothing out; how many rows there are says whether that is why.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from projections.drafts import drafts_of
from projections.redaction.canaries import Canary, Person, Risk, estimate, plant
from projections.threads import Allowed, Thread
from projections.timeline import Stored
from projections.views import Views
from vault.consent import Decision, Effect, Profile, Purpose, Statement
from vault.derived import Derived
from vault.events import ConsentGiven, Event, ItemCollected, PairReviewed
from vault.items import Agent, Item
from vault.log.home import create
from vault.log.passphrase import Stretch
from vault.log.sealed import Draft, SealedLog

__all__ = ["PEOPLE", "Planted", "planted"]

PEOPLE = (
    Person("Zofia Brzezik", ("zofia.b@kruk-druk.pl",), ("+48 512 345 678",), ("zosia_bk",)),
    Person("Henning Ostrau", ("h.ostrau@werft-nord.de",), ("+49 1512 3456781",), ("hennfish",)),
    Person("Marie-Laure Quévain", ("ml@quevain.fr",), ("+33 6 12 34 56 78",), ("mlq_29",)),
    Person("Tobias Abara", ("tobi@abara-studio.co.uk",), ("+44 7911 123456",), ("tobiwan",)),
)
_SEED = 20_250_704
_UNKNOWN = 200
_OWNER = Agent(id="mailto:owner@my-own-home.net", name="Asha Rao")
_START = datetime(2024, 1, 1, 12, tzinfo=UTC)
_APART = timedelta(hours=7)
_PAGE = 500


class Planted(NamedTuple):
    """What survived in a view, of how many canaries, and how many of them are in rows."""

    risk: Risk
    canaries: int
    in_rows: int


def planted(folder: Path, rounds: int = 2) -> Planted:
    """Build a vault and its training view in a folder, and look for what was planted."""
    stretch = Stretch(memory=64, passes=1, lanes=1)
    log = create(folder / "vault", "a benchmark", folder / "recovery.txt", stretch=stretch)
    canaries = list(plant(_SEED, PEOPLE, rounds=rounds, unknown=_UNKNOWN))
    _append(log, [_introduced(number, agent) for number, agent in enumerate(_agents())])
    ids = _append(log, [_message(number, canary) for number, canary in enumerate(canaries)])
    _append(log, list(_permissions()))
    views = Views.open(
        Derived(folder / "views", bytes(32)),
        Derived(folder / "models", bytes(32)),
        alias_key=b"a" * 32,
        view_key=b"v" * 32,
    )
    views.catch_up(log)
    # They are alike, and no sense is in them: only her word makes examples of all of them.
    _append(log, [review for stored in views.timeline.load(ids) for review in _approved(stored)])
    views.catch_up(log)
    now = log.newest or _START
    views.settle(now)
    said: defaultdict[str, list[str]] = defaultdict(list)
    for row in views.training.rows(now=now):
        for event in row.events:
            said[event] += [message.content for message in row.messages]
    views.close()
    log.close()
    texts = ("\n".join(said[id_]) if id_ in said else None for id_ in ids)
    return Planted(
        estimate(lambda _: next(texts), canaries), len(canaries), len(said.keys() & set(ids))
    )


def _agents() -> Iterator[Agent]:
    for person in PEOPLE:
        yield from (Agent(id=f"mailto:{mail}", name=person.name) for mail in person.mails)
        phones = ("+" + "".join(filter(str.isdigit, phone)) for phone in person.phones)
        yield from (Agent(id=f"tel:{phone}", name=person.name) for phone in phones)
        yield from (Agent(id=f"name:{handle}", name=handle) for handle in person.handles)


def _introduced(number: int, agent: Agent) -> Event:
    return ItemCollected(
        item=Item(
            source="chat",
            native_id=f"introduction/{number}",
            type="message.chat.direct.received",
            at=_START - timedelta(days=number + 1),
            author=agent,
            to=(_OWNER,),
            conversation=agent.id,
            text="hello there",
        )
    )


def _message(number: int, canary: Canary) -> Event:
    return ItemCollected(
        item=Item(
            source="chat",
            native_id=f"canary/{number}",
            type="message.chat.direct.sent",
            at=_START + number * _APART,
            author=_OWNER,
            to=(Agent(id=f"mailto:{PEOPLE[0].mails[0]}", name=PEOPLE[0].name),),
            conversation="one",
            # Equal answers are learned once; a number keeps each message its own.
            text=f"{canary.text}\nno {number}",
        )
    )


def _approved(stored: Stored) -> Iterator[Event]:
    allowed = Allowed(stored.id, stored.item, Decision(permitted=True, reason=""))
    for draft in drafts_of(Thread("", (allowed,))):
        yield PairReviewed(pair=draft.key, item_ids=(stored.id,), verdict="approved")


def _permissions() -> Iterator[Event]:
    for type_ in ("message", "message.chat.direct.received"):
        statement = Statement(
            id=type_,
            effect=Effect.ALLOW,
            type=type_,
            purpose=Purpose.TRAIN,
            redact=Profile.STRICT,
        )
        yield ConsentGiven(statement=statement)


def _append(log: SealedLog, events: Sequence[Event]) -> list[str]:
    ids: list[str] = []
    for start in range(0, len(events), _PAGE):
        ids += log.append([Draft(event=event) for event in events[start : start + _PAGE]])
    return ids
