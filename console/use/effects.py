"""What a word about consent would change, told before it is said; nothing is changed here.

Small vaults are counted whole. Of many items some are looked at, evenly taken, and the
numbers are about right: who asks does not wait, and the word itself is exact.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from console.bootstrap import Twin
from console.looking import taught
from console.use import consenting
from console.use import people as people_use
from projections import lineage
from projections.permissions import Judge
from projections.timeline import Stored
from vault.consent import (
    Decision,
    Filters,
    Pause,
    Profile,
    Purpose,
    Statement,
    Subject,
    normal,
)
from vault.errors import NotFound

__all__ = [
    "Effects",
    "Merging",
    "of_erasing",
    "of_merging",
    "of_pause",
    "of_resuming",
    "of_statements",
]

_MOST = 2_500
_MOST_ROWS = 1_500
_MOST_UNITS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What would be different.

    `items` are those that the words are about; of them `stops` may be used now and then no
    more, `begins` the other way round. `examples_leave` the next run, and up to
    `examples_enter` can be made; `models` would be suspended. `refused` may not be used then
    either, most of them `because` of one reason. Where only some items were looked at it is not
    `exact`, and the numbers are about right.
    """

    items: int
    stops: int = 0
    begins: int = 0
    examples_leave: int = 0
    examples_enter: int = 0
    models: tuple[str, ...] = ()
    refused: int = 0
    because: str = ""
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """What would be different if two persons were one: how much said of one holds for both."""

    statements: int
    examples_leave: int
    models: tuple[str, ...]


def of_statements(twin: Twin, *said: Statement) -> Effects:
    """Return what would change if statements on one purpose were said now, one after the other."""
    twin.catch_up()
    first = said[0]
    now, permissions = twin.vault.now(), twin.views.permissions
    judges = (
        permissions.judge(first.purpose, now, recipient=first.recipient),
        permissions.judge(first.purpose, now, recipient=first.recipient, also=said),
    )
    return _weighed(twin, [(one.type, one.filters) for one in said], *judges)


def of_pause(twin: Twin, pause: Pause) -> Effects:
    """Return what would change for training if some items were paused now."""
    twin.catch_up()
    permissions = twin.views.permissions
    return _repaused(twin, pause, (*permissions.pauses, pause))


def of_resuming(twin: Twin, pause: Pause) -> Effects:
    """Return what would change for training if a pause were ended now."""
    twin.catch_up()
    kept = [
        one for one in twin.views.permissions.pauses if replace(one, id="") != replace(pause, id="")
    ]
    return _repaused(twin, pause, tuple(kept))


def _repaused(twin: Twin, pause: Pause, pauses: tuple[Pause, ...]) -> Effects:
    now, permissions = twin.vault.now(), twin.views.permissions
    about = Filters(source=pause.source, person=pause.person)
    return _weighed(
        twin,
        [(pause.type, about)],
        permissions.judge(Purpose.TRAIN, now),
        permissions.judge(Purpose.TRAIN, now, pauses=pauses),
        mentioning=normal(pause.person),
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    """How it is decided now, and how it would be."""

    twin: Twin
    before: Judge
    after: Judge
    mentioning: str

    def now(self, stored: Stored) -> Decision:
        return self.before(self.twin.views.people.subject(stored.item))

    def then(self, stored: Stored) -> Decision:
        return self.after(self.subject(stored))

    def loses(self, stored: Stored) -> bool:
        """Whether an example that holds an item may be learned from no more as it is."""
        now, then = self.now(stored), self.then(stored)
        return now.permitted and not (then.permitted and not _stricter(then.redact, now.redact))

    def subject(self, stored: Stored) -> Subject:
        """Describe an item; whom a pause would be on is looked for in its words as well."""
        people = self.twin.views.people
        found = people.subject(stored.item)
        if self.mentioning and people.mentions(stored.item, self.mentioning):
            return replace(found, mentioned=found.mentioned | {self.mentioning})
        return found


def _weighed(
    twin: Twin,
    about: Sequence[tuple[str, Filters]],
    before: Judge,
    after: Judge,
    *,
    mentioning: str = "",
) -> Effects:
    sides = _Sides(twin, before, after, mentioning)
    found = [_looked_at(sides, type_, filters) for type_, filters in about]
    stored = {one.id: one for part in found for one in part.stored}
    weights = {one.id: part.scale for part in found for one in part.stored}
    told = [(one, sides.now(one), sides.then(one)) for one in stored.values()]
    stops = [one.id for one, now, then in told if now.permitted and not then.permitted]
    begins = [one.id for one, now, then in told if then.permitted and not now.permitted]
    lost = [one.id for one in stored.values() if sides.loses(one)]
    trains = before.purpose is Purpose.TRAIN
    leave = _leaving(sides, {item: weights[item] for item in lost}) if trains else 0
    enter, all_units = _entering(sides, {i: weights[i] for i in begins}) if trains else (0, True)
    models, all_rows = _suspended(sides) if trains else ((), True)
    reasons: dict[str, float] = defaultdict(float)
    for one, _, then in told:
        if not then.permitted:
            reasons[then.reason] += weights[one.id]
    return Effects(
        items=round(sum(weights.values())),
        stops=round(sum(weights[item] for item in stops)),
        begins=round(sum(weights[item] for item in begins)),
        examples_leave=leave,
        examples_enter=enter,
        models=models,
        refused=round(sum(reasons.values())),
        because=max(reasons, key=reasons.__getitem__, default=""),
        exact=all_units and all_rows and all(part.scale == 1 for part in found),
    )


@dataclass(frozen=True, slots=True)
class _Looked:
    """Items that some words are about, all of them or some; `scale` times as many there are."""

    scale: float
    stored: tuple[Stored, ...]


def _looked_at(sides: _Sides, type_: str, filters: Filters) -> _Looked:
    timeline = sides.twin.views.timeline
    # Whom words mention only the words tell.
    narrowed = replace(filters, person="") if sides.mentioning else filters
    count, ids = timeline.circles.sample(type_, narrowed, _MOST)
    scale = count / len(ids) if ids else 1.0
    stored = tuple(one for one in timeline.load(ids) if _concerned(sides, one, type_))
    return _Looked(scale=scale, stored=stored)


def _concerned(sides: _Sides, stored: Stored, type_: str) -> bool:
    names = (stored.item.type, *stored.item.labels)
    if type_ and not any(name == type_ or name.startswith(type_ + ".") for name in names):
        return False
    if not sides.mentioning:
        return True
    subject = sides.subject(stored)
    return sides.mentioning in subject.people | subject.mentioned


def _stricter(one: Profile, other: Profile) -> bool:
    order = list(Profile)
    return order.index(one) < order.index(other)


def _leaving(sides: _Sides, lost: Mapping[str, float]) -> int:
    """Return how many examples would be learned from no more.

    Where some items were looked at, an example made of several that go is met by each of them:
    each stands for its share of the example alone, as Horvitz and Thompson weigh samples.
    """
    training = sides.twin.views.training
    rows = training.teaching(lost)
    standing = training.standing_by(rows, sides.then)
    gone = [row for row in rows if row.id not in standing]
    if all(weight == 1 for weight in lost.values()):
        return len(gone)
    beside = {item for row in gone for item in row.events} - lost.keys()
    loaded = sides.twin.views.timeline.load(sorted(beside))
    going = lost.keys() | {one.id for one in loaded if sides.loses(one)}
    return round(
        sum(
            sum(lost.get(item, 0.0) for item in row.events)
            / max(1, sum(item in going for item in row.events))
            for row in gone
        )
    )


def _entering(sides: _Sides, begins: Mapping[str, float]) -> tuple[int, bool]:
    """Return how many examples could be made at most, and whether all was looked at."""
    training = sides.twin.views.training
    # A unit of which several items were looked at would have been met by others as well.
    units: dict[str, float] = {}
    for item, weight in begins.items():
        for unit in training.units([item]):
            units[unit] = 1.0 if unit in units else weight
    some = sorted(units)[:: max(1, -(-len(units) // _MOST_UNITS))]
    drafted = sum(units[unit] * training.drafted([unit], sides.after) for unit in some)
    return round(drafted * len(units) / len(some)) if some else 0, len(some) == len(units)


def _suspended(sides: _Sides) -> tuple[tuple[str, ...], bool]:
    """Return the models that would be suspended, and whether all they learned was looked at."""
    views = sides.twin.views
    lost: set[str] = set()
    complete = True
    for model in views.lineage.models():
        try:
            rows = lineage.learned(sides.twin.models, model.id)
        except NotFound:
            continue
        some = rows[:: max(1, -(-len(rows) // _MOST_ROWS))]
        complete = complete and len(some) == len(rows)
        held = views.training.standing_by(some, sides.now)
        kept = [row for row in some if row.id in held]
        if len(views.training.standing_by(kept, sides.then)) < len(kept):
            lost.add(model.id)
    return tuple(
        model.id
        for model in views.lineage.models()
        if model.status == "trained" and lost.intersection(views.lineage.ancestry(model.id))
    ), complete


def of_merging(twin: Twin, name: str, other: str) -> Merging:
    """Return what would change if two persons were one: what was said of one holds for both.

    Raises:
        NotFound: One of them is not here.
        UsageError: Several are called so.
    """
    twin.catch_up()
    people = twin.views.people
    pair = tuple(people.called(people_use.show(twin, one).id)[0] for one in (name, other))
    forms = tuple(map(people.form_of, pair))

    def other_form(person: str) -> str:
        """Return the form of the one who is not meant, empty where both are or neither."""
        meant = [people.means(person, one) for one in pair]
        return forms[meant.index(False)] if any(meant) and not all(meant) else ""

    said = consenting.show(twin)
    found: list[Effects] = []
    statements = 0
    for one in said.statements:
        if form := other_form(one.filters.person) if one.filters.person else "":
            statements += 1
            if one.purpose is Purpose.TRAIN:
                spread = replace(one, filters=replace(one.filters, person=form))
                found.append(of_statements(twin, spread))
    for pause in said.pauses:
        if form := other_form(pause.person) if pause.person else "":
            statements += 1
            found.append(of_pause(twin, replace(pause, person=form)))
    return Merging(
        statements=statements,
        examples_leave=sum(one.examples_leave for one in found),
        models=tuple(sorted({model for one in found for model in one.models})),
    )


def of_erasing(twin: Twin, items: Sequence[str]) -> tuple[str, ...]:
    """Return the models that would be suspended if some items were erased."""
    return taught(twin, items) if items else ()
