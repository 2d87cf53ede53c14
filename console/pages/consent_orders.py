"""Words about consent, carried out in a process of their own: views follow, models are suspended."""

from dataclasses import dataclass

from console.bootstrap import Twin
from console.pages.orders import Order, Told
from console.pages.saying import check, known
from console.use import consenting, people, retaining
from vault.consent import Effect, Pause, Statement
from vault.errors import ConsentError

__all__ = [
    "Block",
    "Done",
    "Merge",
    "PauseUse",
    "Relate",
    "Resume",
    "Retain",
    "Say",
    "Split",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of it: the id of what was said, or of a person, and what is suspended."""

    id: str = ""
    receipt: str = ""
    rows: int = 0
    models: tuple[str, ...] = ()


class Say(Order, frozen=True, kw_only=True):
    """Allow or forbid; taking back what was allowed gives a receipt."""

    title = "Putting your word on the record"
    statement: Statement
    seen: str

    def run(self, twin: Twin, told: Told) -> Done:
        """Say it, if nothing was said since the person looked."""
        del told
        check(twin, self.statement, self.seen)
        done = _withdrawn(twin, self.statement) if _takes_back(twin, self.statement) else None
        if done is None:
            before = _suspended(twin)
            said = consenting.say(
                twin,
                self.statement.effect,
                self.statement.type,
                self.statement.purpose,
                filters=self.statement.filters,
                redact=self.statement.redact,
                expires=self.statement.expires,
                recipient=self.statement.recipient,
            )
            models = tuple(sorted(_suspended(twin) - before))
            done = Done(id=said.statement.id, models=models)
        twin.views.settle(twin.vault.now())
        return done


def _takes_back(twin: Twin, said: Statement) -> bool:
    """Whether a prohibition is to be on the record as a withdrawal: it ends what may be done now."""
    return (
        said.effect is Effect.DENY
        and not said.expires
        and not said.recipient
        and any(one.effect is Effect.ALLOW and one.purpose is said.purpose for one in _live(twin))
    )


def _live(twin: Twin) -> tuple[Statement, ...]:
    return consenting.show(twin).statements


def _withdrawn(twin: Twin, said: Statement) -> Done:
    gone = consenting.withdraw(twin, said.type, said.purpose, said.filters)
    name = gone.receipt.name
    return Done(
        id=name.removeprefix("receipt-").removesuffix(".json"),
        receipt=name,
        rows=gone.rows_removed,
        models=gone.models_suspended,
    )


def _suspended(twin: Twin) -> set[str]:
    return {one.id for one in twin.views.lineage.models() if one.status == "suspended"}


class PauseUse(Order, frozen=True, kw_only=True):
    """Keep some items and use them for nothing."""

    title = "Pausing"
    pause: Pause
    seen: str

    def run(self, twin: Twin, told: Told) -> Done:
        """Say it, if nothing was said since the person looked."""
        del told
        check(twin, self.pause, self.seen)
        pause = self.pause
        said = consenting.pause(twin, pause.type, source=pause.source, person=pause.person)
        twin.views.settle(twin.vault.now())
        return Done(id=said.paused.id, models=said.models_suspended)


class Resume(Order, frozen=True, kw_only=True):
    """End a pause; what was said before holds again."""

    title = "Ending the pause"
    pause: Pause
    seen: str

    def run(self, twin: Twin, told: Told) -> Done:
        """End it, if nothing was said since the person looked."""
        del told
        check(twin, self.pause, self.seen)
        pause = self.pause
        said = consenting.resume(twin, pause.type, source=pause.source, person=pause.person)
        twin.views.settle(twin.vault.now())
        return Done(id=said.resumed.id)


class Retain(Order, frozen=True, kw_only=True):
    """Set for how many days a type is kept, and erase what is past its days."""

    title = "Setting for how long it is kept"
    can_stop = False
    erases = True
    type: str
    days: int | None
    going: int
    seen: str

    def run(self, twin: Twin, told: Told) -> Done:
        """Do it, if it erases exactly as many items as the person was told."""
        del told
        check(twin, [self.type, self.days], self.seen)
        if len(retaining.would_go(twin, self.type, self.days)) != self.going:
            raise ConsentError(
                "Other items are past their days now than you were told of; nothing was erased. "
                "Look at it again."
            )
        kept = retaining.retain(twin, self.type, self.days)
        erased = kept.erased
        return Done(
            id=self.type,
            receipt=erased.certificate.name if erased and erased.certificate else "",
            rows=erased.items if erased else 0,
            models=erased.models_suspended if erased else (),
        )


class Merge(Order, frozen=True, kw_only=True):
    """Say that two persons are one."""

    title = "Making two people one"
    person: str
    seen: str
    other: str

    def run(self, twin: Twin, told: Told) -> Done:
        """Say it."""
        del told
        check(twin, known(twin, self.person, self.other), self.seen)
        return _changed(people.merge(twin, self.person, self.other))


class Split(Order, frozen=True, kw_only=True):
    """Say that some names and addresses are somebody else's."""

    title = "Making two people of one"
    person: str
    seen: str
    texts: tuple[str, ...]

    def run(self, twin: Twin, told: Told) -> Done:
        """Say it."""
        del told
        check(twin, known(twin, self.person), self.seen)
        return _changed(people.split(twin, self.person, self.texts))


class Relate(Order, frozen=True, kw_only=True):
    """Say what a person is to the owner."""

    title = "Noting what this person is to you"
    person: str
    seen: str
    relation: str

    def run(self, twin: Twin, told: Told) -> Done:
        """Say it."""
        del told
        check(twin, known(twin, self.person), self.seen)
        return _changed(people.relate(twin, self.person, self.relation))


class Block(Order, frozen=True, kw_only=True):
    """Use nothing of a person, or let what was said before hold again."""

    title = "Changing whether this person is blocked"
    person: str
    seen: str
    ends: bool

    def run(self, twin: Twin, told: Told) -> Done:
        """Say it."""
        del told
        check(twin, known(twin, self.person), self.seen)
        change = people.unblock if self.ends else people.block
        done = change(twin, self.person)
        return Done(id=done.person.id, models=done.models_suspended)


def _changed(done: people.Changed) -> Done:
    return Done(id=done.people[0].id if done.people else "", models=done.models_suspended)
