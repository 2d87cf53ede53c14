"""The parent's side of a training run: plans, asks for consent, keeps states.

The arithmetic happens in a child (`trainer.worker`) that gets the rows of one step at a time.
Before each step `permitted` is asked for its rows, so that consent withdrawn in mid-run, from
another process too, stops the next step. What the running slice had learned is then thrown
away with the child, and the run goes on from the last state that no withdrawn row has touched,
under a plan in which that row never was.

A slice is kept while it is learned, too, with all that the rest of it depends on, so that a
run that was stopped or killed arrives at the same bits. When that is done, the clock decides:
it changes nothing that is learned.
"""

import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec

from projections import lineage
from projections.rows import Row
from trainer import base, private, states
from trainer.batches import Course, Step, course, steps
from trainer.child import Child
from trainer.errors import Diverged, TrainingError, Withdrawn
from trainer.runs import Log, Phase, Progress, Report
from trainer.slices import Plan
from trainer.states import Store
from trainer.wire import (
    Example,
    Finish,
    Held,
    Hold,
    Learn,
    Learned,
    Measure,
    Measured,
    Sample,
    Sampled,
    Slice,
    State,
)
from vault.errors import TamperError, VaultError

__all__ = ["Permitted", "Progress", "Report", "Trained", "train"]

Permitted = Callable[[Sequence[Row]], AbstractSet[str]]

_RECENT = 32
_STOPPED = "Stopped; what was learned is kept, and the same command goes on from here."
# Keeping a slice may take a twentieth of the time: with large adapters it is done less often.
_SHARE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A finished run. `state` names its weights in the store, `weights` is their digest.

    `plan` is the plan that was carried out: rows withdrawn in mid-run are not in it.
    `replayed` slices were learned, the others were there.
    """

    plan: Plan
    state: str
    weights: str
    replayed: int
    metrics: tuple[tuple[str, float], ...]


def train(
    plan: Plan,
    store: Store,
    permitted: Permitted,
    progress: Report | None = None,
    *,
    log: Log | None = None,
    every: float = 60.0,
    stopping: Callable[[], bool] = lambda: False,
) -> Trained:
    """Carry out a plan from where the store says that it was left.

    Args:
        plan: What to learn (`trainer.slices.plan`).
        store: Keeps the state after each slice, the slice that is being learned, and what
            the run is about to learn from (until `projections.lineage.done`).
        permitted: Returns the ids of those rows that may still be learned from.
        progress: Told where the run stands, before and after each step.
        log: Told the same, and what the model says after each slice.
        every: After how many seconds the slice that is being learned is kept again.
        stopping: Whether to stop; asked after each step and while the model is built.

    Raises:
        NothingPermitted: Consent ended for every row.
        TrainingError: The run could not be finished; what it kept stays.
        StorageError: The disk refused; what was kept before stays.
        KeyboardInterrupt: It was stopped; everything up to this step is kept.
    """
    phase: Phase = "start"
    note = ""
    while True:
        told = _Told(plan, progress, log)
        told.tell(phase, note=note)
        try:
            with states.keeping():
                lineage.intend(store, [(slice_.state, slice_.rows) for slice_ in plan.slices])
            run = _Run(plan, store, permitted, told, every=every, stopping=stopping)
            return run.finish()
        except Withdrawn as withdrawn:
            # All that went, not only what this step met: one new beginning, and its true number.
            planned = (*plan.rows, *plan.held)
            gone = withdrawn.rows | ({row.id for row in planned} - permitted(planned))
            plan, phase = _replanned(plan, store, gone), "withdrawn"
            rows = "1 row" if len(gone) == 1 else f"{len(gone)} rows"
            note = f"Begun again without {rows} that you no longer allow."
        except BaseException as error:
            told.end(error)
            raise


def _replanned(plan: Plan, store: Store, rows: AbstractSet[str]) -> Plan:
    """Leave rows out, and delete every state that had learned from one of them."""
    lineage.done(store, plan.state)
    later = _or_purge(plan, store, rows)
    kept = {slice_.state for slice_ in later.slices}
    states.delete(store, {slice_.state for slice_ in plan.slices} - kept)
    return later


def _or_purge(plan: Plan, store: Store, rows: AbstractSet[str]) -> Plan:
    try:
        return plan.without(rows)
    except TrainingError:
        states.delete(store, {slice_.state for slice_ in plan.slices})
        raise


class _Told:
    """Where the run stands, told to whoever looks on."""

    def __init__(self, plan: Plan, progress: Report | None, log: Log | None) -> None:
        self._states = [slice_.state for slice_ in plan.slices]
        self._progress = progress
        self._log = log
        if log:
            log.plan(self._states)
        self.at = Progress(phase="start", step=0, steps=0, slice=0, slices=len(plan.slices))

    @property
    def listens(self) -> bool:
        """Whether anybody wants to hear what the model says."""
        return self._log is not None

    def tell(self, phase: Phase, *, sample: str = "", note: str = "", **changes: float) -> None:
        """Say what is done now, and what has changed."""
        self.at = replace(self.at, phase=phase, **{"loss": None, "silent": 0.0, **changes})  # type: ignore[arg-type]
        if self._log:
            state = self._states[min(self.at.slice, len(self._states) - 1)]
            self._log.tell(state, self.at, sample=sample, note=note)
        if self._progress:
            self._progress(self.at)

    def pulse(self, silent: float) -> None:
        """Say that the child has not answered for some seconds."""
        self.tell(self.at.phase, silent=silent)

    def end(self, error: BaseException) -> None:
        """Leave a last word in the log, if it still takes one."""
        phase: Phase = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
        # Messages of strangers' errors may hold content.
        note = str(error) if isinstance(error, VaultError) else type(error).__name__
        self._progress = None
        with suppress(VaultError, OSError):
            self.tell(phase, note=note if phase == "failed" else "")


class _Midway(msgspec.Struct, kw_only=True):
    """A slice while it is learned, as it is kept; `body` is the child's part.

    `best` is the lowest loss on the watched rows after an epoch, in bits, `since` counts the
    epochs after it, `weights` are those of then.
    """

    done: int = 0
    recent: list[float] = []
    watched: int = 0
    best: float | None = None
    since: int = 0
    weights: bytes = b""
    body: bytes = b""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Midway)


class _Run:
    """One attempt at a plan, in one child."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        permitted: Permitted,
        told: _Told,
        *,
        every: float,
        stopping: Callable[[], bool],
    ) -> None:
        self._plan = plan
        self._store = store
        self._permitted = permitted
        self._told = told
        self._every = every
        self._stopping = stopping
        self._due = time.monotonic() + every
        self._before = [0]
        # Before any work: it says what is missing where nobody could say what is spent.
        self._spent = _spent(plan)
        for index, slice_ in enumerate(plan.slices):
            taken = steps(slice_.rows, plan.before(index), plan.recipe, index)
            self._before.append(self._before[-1] + taken)

    def finish(self) -> Trained:
        """Learn what is missing, measure, and return the run."""
        first, weights = self._resume()
        self._told.tell("consent", slice=first, step=self._before[first], steps=self._before[-1])
        self._ask((*self._plan.rows, *self._plan.held))
        with Child(self._plan) as self._child:
            self._told.tell("load")
            self._child.begin(self._plan, self._loading)
            loss = self._learn(first, weights)
            digest = self._child.expect(Finish(), State, self._told.pulse).digest
            self._told.tell("measure", slice=len(self._plan.slices), step=self._before[-1])
            # The loss on learned rows is not private.
            losses = [("loss", loss)] if loss is not None else []
            metrics = [*self._spent] or losses
            if self._plan.held:
                metrics.append(("held_bits_per_byte", self._bits(self._plan.held)))
        # Consent may have ended while the last batch was learned.
        self._ask((*self._plan.rows, *self._plan.held))
        self._told.tell("done")
        return Trained(
            plan=self._plan,
            state=self._plan.state,
            weights=digest,
            replayed=len(self._plan.slices) - first,
            metrics=tuple(metrics),
        )

    def _resume(self) -> tuple[int, bytes]:
        """Return the first slice to learn, and the weights that stand before it."""
        there = states.known(self._store)
        for index in reversed(range(len(self._plan.slices))):
            state = self._plan.slices[index].state
            if state in there and (body := self._store.read(states.name_of(state))) is not None:
                # Left behind where a run was killed between the two.
                self._store.delete(states.checkpoint_of(state))
                return index + 1, body
        return 0, b""

    def _loading(self, silent: float) -> None:
        self._told.pulse(silent)
        if self._stopping():
            raise KeyboardInterrupt(_STOPPED)

    def _learn(self, first: int, weights: bytes) -> float | None:
        """Learn slice after slice; return the mean loss of the last steps."""
        count, recent = len(self._plan.slices), list[float]()
        for index in range(first, count):
            weights, recent = self._slice(index, weights)
        if weights:
            self._child.tell(Slice(number=count, steps=1, weights=weights))
        return sum(recent) / len(recent) if recent else None

    def _slice(self, index: int, weights: bytes) -> tuple[bytes, list[float]]:
        """Learn one slice; return its weights where they are not the child's, and its losses."""
        slice_ = self._plan.slices[index]
        coins, noise = self._plan.keys(index)
        taken = course(slice_.rows, self._plan.before(index), self._plan.recipe, index, coins)
        midway = self._midway(slice_.state)
        self._child.tell(
            Slice(
                number=index,
                steps=taken.steps,
                weights=weights,
                held=midway.body,
                noise=noise,
                common=self._plan.common(index),
            )
        )
        self._told.tell("learn", slice=index, step=self._before[index] + midway.done)
        self._epochs(index, taken, midway)
        self._keep(index, midway)
        self._told.tell("learn", step=self._before[index + 1])
        return midway.weights if midway.since else b"", midway.recent

    def _midway(self, state: str) -> _Midway:
        """Return how far a slice was learned; a checkpoint that is damaged is none."""
        name = states.checkpoint_of(state)
        try:
            body = self._store.read(name)
            return _decoder.decode(body) if body is not None else _Midway()
        except (TamperError, msgspec.DecodeError):
            self._store.delete(name)
            return _Midway()

    def _epochs(self, index: int, taken: Course, midway: _Midway) -> None:
        """Learn epoch after epoch, until the watched rows say that it is enough."""
        at, patience = 0, self._plan.recipe.patience
        for number, epoch in enumerate(taken.epochs, start=1):
            for step in epoch[max(0, midway.done - at) :]:
                self._step(index, step, midway)
            at += len(epoch)
            if taken.watched and midway.watched < number:
                self._watch(taken.watched, midway)
            if midway.since and midway.since >= patience:
                return

    def _step(self, index: int, step: Step, midway: _Midway) -> None:
        rows = [row for batch in step for row in batch]
        self._told.tell("consent")
        self._ask(rows)
        self._told.tell("learn")
        asked = time.monotonic()
        learned = self._learned(index, step)
        midway.done += 1
        midway.recent = [*midway.recent, learned.loss][-_RECENT:]
        self._told.tell(
            "learn",
            step=self._before[index] + midway.done,
            loss=learned.loss,
            rate=learned.rate,
            speed=learned.read / (time.monotonic() - asked),
            memory=learned.memory,
        )
        self._pause(index, midway)

    def _learned(self, index: int, step: Step) -> Learned:
        try:
            request = Learn(batches=tuple(_examples(batch) for batch in step))
            return self._child.expect(request, Learned, self._told.pulse)
        except Diverged:
            # Nobody should go on from here.
            self._store.delete(states.checkpoint_of(self._plan.slices[index].state))
            raise

    def _pause(self, index: int, midway: _Midway) -> None:
        """Keep the slice where that is due; stop where that is wanted."""
        stopping = self._stopping()
        if stopping or time.monotonic() >= self._due:
            self._hold(index, midway)
        if stopping:
            raise KeyboardInterrupt(_STOPPED)

    def _hold(self, index: int, midway: _Midway) -> None:
        """Keep everything that the rest of a slice depends on, if it is all permitted still."""
        began, slice_ = time.monotonic(), self._plan.slices[index]
        self._told.tell("keep")
        self._ask((*self._plan.before(index), *slice_.rows))
        midway.body = self._child.expect(Hold(), Held, self._told.pulse).body
        with states.keeping():
            self._store.write(states.checkpoint_of(slice_.state), _encoder.encode(midway))
        midway.body = b""
        now = time.monotonic()
        self._due = now + max(self._every, _SHARE * (now - began))

    def _watch(self, rows: Sequence[Row], midway: _Midway) -> None:
        """See whether an epoch made the watched rows likelier; keep the weights if it did."""
        self._told.tell("watch")
        bits = self._bits(rows)
        midway.watched, midway.since = midway.watched + 1, midway.since + 1
        if midway.best is None or bits < midway.best:
            midway.best, midway.since = bits, 0
            midway.weights = self._child.expect(Finish(), State, self._told.pulse).weights

    def _keep(self, index: int, midway: _Midway) -> None:
        """Store the state after a slice, unless one of its rows was withdrawn meanwhile."""
        slice_ = self._plan.slices[index]
        self._told.tell("keep")
        self._ask((*self._plan.before(index), *slice_.rows))
        if self._plan.recipe.kind != "scratch":
            base.require(self._plan.foundation)
        weights = midway.weights or self._child.expect(Finish(), State, self._told.pulse).weights
        with states.keeping():
            self._store.write(states.name_of(slice_.state), weights)
        self._store.delete(states.checkpoint_of(slice_.state))
        if self._told.listens:
            self._told.tell("sample", sample=self._sample(min(slice_.rows, key=lambda row: row.id)))

    def _sample(self, row: Row) -> str:
        request = Sample(batch=_examples([row]))
        return self._child.expect(request, Sampled, self._told.pulse).said[0]

    def _bits(self, rows: Sequence[Row]) -> float:
        """Return the bits per byte that rows cost."""
        bits = size = 0.0
        # Rows of like length share a batch, so that little padding is computed.
        held = sorted(rows, key=lambda row: sum(len(m.content) for m in row.messages))
        for start in range(0, len(held), self._plan.recipe.batch):
            batch = held[start : start + self._plan.recipe.batch]
            self._ask(batch)
            request = Measure(batch=_examples(batch))
            measured = self._child.expect(request, Measured, self._told.pulse)
            bits, size = bits + measured.bits, size + measured.size
        return bits / size

    def _ask(self, rows: Sequence[Row]) -> None:
        refused = {row.id for row in rows} - self._permitted(rows)
        if refused:
            raise Withdrawn(frozenset(refused))


def _spent(plan: Plan) -> list[tuple[str, float]]:
    if not plan.recipe.noise:
        return []
    spent = private.planned_epsilon([len(slice_.rows) for slice_ in plan.slices], plan.recipe)
    return [("epsilon", spent.epsilon), ("delta", spent.delta)]


def _examples(rows: Sequence[Row]) -> tuple[Example, ...]:
    return tuple(Example(messages=row.messages) for row in rows)
