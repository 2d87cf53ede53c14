"""The parent's side of a training run: plans, asks for consent, keeps states.

The arithmetic happens in a child (`trainer.worker`) that gets one batch at a time. Before
each batch is handed over, `permitted` is asked for its rows, so that consent withdrawn in
mid-run, from another process too, stops the next step. What the running slice had learned
is then thrown away with the child, and the run goes on from the last state that no
withdrawn row has touched, under a plan in which that row never was.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from projections.rows import Row
from trainer import states
from trainer.batches import batches
from trainer.errors import BaseModelChanged, BaseRefused, TrainingError, Withdrawn
from trainer.slices import Plan
from trainer.states import Store
from trainer.wire import (
    Begin,
    Example,
    Failed,
    Finish,
    Learn,
    Learned,
    Measure,
    Measured,
    Ready,
    Reply,
    Request,
    Slice,
    State,
    receive,
    send,
)

__all__ = ["Permitted", "Progress", "Report", "Trained", "train"]

_T = TypeVar("_T", Ready, Learned, State, Measured)

Permitted = Callable[[Sequence[Row]], AbstractSet[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run stands; steps count the whole run, replayed slices or not."""

    phase: str
    step: int
    steps: int
    slice: int
    slices: int
    loss: float | None = None


Report = Callable[[Progress], None]


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
) -> Trained:
    """Carry out a plan from the newest of its states that the store holds.

    Args:
        plan: What to learn (`trainer.slices.plan`).
        store: Keeps the state after each slice.
        permitted: Returns the ids of those rows that may still be learned from.
        progress: Told where the run stands, before each step.

    Raises:
        NothingPermitted: Consent ended for every row.
        TrainingError: The run could not be finished; finished slices stay kept.
    """
    while True:
        try:
            _ask(permitted, (*plan.rows, *plan.held))
            with _Child(plan) as child:
                return _Run(plan, store, permitted, progress, child).finish()
        except Withdrawn as withdrawn:
            plan = _replanned(plan, store, withdrawn.rows)


def _replanned(plan: Plan, store: Store, rows: AbstractSet[str]) -> Plan:
    """Leave rows out, and delete every state that had learned from one of them."""
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


def _ask(permitted: Permitted, rows: Sequence[Row]) -> None:
    refused = {row.id for row in rows} - permitted(rows)
    if refused:
        raise Withdrawn(frozenset(refused))


class _Run:
    """One attempt at a plan, in one child."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        permitted: Permitted,
        progress: Report | None,
        child: "_Child",
    ) -> None:
        self._plan = plan
        self._store = store
        self._permitted = permitted
        self._progress = progress
        self._child = child
        self._batches = [
            batches(slice_.rows, plan.before(index), plan.recipe, index)
            for index, slice_ in enumerate(plan.slices)
        ]
        self._at = Progress(
            phase="start",
            step=0,
            steps=sum(map(len, self._batches)),
            slice=0,
            slices=len(plan.slices),
        )

    def finish(self) -> Trained:
        """Learn what is missing, measure, and return the run."""
        first, weights = self._resume()
        self._tell(phase="start", slice=first)
        self._child.begin(self._plan)
        loss = self._learn(first, weights)
        digest = self._child.expect(Finish(), State).digest
        self._tell(phase="measure", slice=len(self._plan.slices))
        metrics = [("loss", loss)] if loss is not None else []
        metrics += [("held_bits_per_byte", bits) for bits in self._measure()]
        # Consent may have ended while the last batch was learned.
        _ask(self._permitted, (*self._plan.rows, *self._plan.held))
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
                return index + 1, body
        return 0, b""

    def _learn(self, first: int, weights: bytes) -> float | None:
        """Learn slice after slice; return the mean loss of the last epoch's last steps."""
        self._at = replace(self._at, step=sum(map(len, self._batches[:first])))
        count = len(self._plan.slices)
        if first == count:
            self._child.tell(Slice(number=count, steps=1, weights=weights))
        recent: list[float] = []
        for index in range(first, count):
            cut = self._batches[index]
            self._child.tell(Slice(number=index, steps=len(cut), weights=weights))
            weights = b""
            recent = [self._step(index, batch) for batch in cut][-32:]
            self._keep(index)
        return sum(recent) / len(recent) if recent else None

    def _step(self, index: int, batch: Sequence[Row]) -> float:
        _ask(self._permitted, batch)
        learned = self._child.expect(Learn(batch=_examples(batch)), Learned)
        self._at = replace(self._at, step=self._at.step + 1)
        self._tell(phase="learn", slice=index, loss=learned.loss)
        return learned.loss

    def _keep(self, index: int) -> None:
        """Store the state after a slice, unless one of its rows was withdrawn meanwhile."""
        slice_ = self._plan.slices[index]
        _ask(self._permitted, (*self._plan.before(index), *slice_.rows))
        state = self._child.expect(Finish(), State)
        self._store.write(states.name_of(slice_.state), state.weights)

    def _measure(self) -> list[float]:
        """Return bits per byte of the held rows; nothing where there are none."""
        bits = size = 0.0
        # Rows of like length share a batch, so that little padding is computed.
        held = sorted(self._plan.held, key=lambda row: sum(len(m.content) for m in row.messages))
        for start in range(0, len(held), self._plan.recipe.batch):
            batch = held[start : start + self._plan.recipe.batch]
            _ask(self._permitted, batch)
            measured = self._child.expect(Measure(batch=_examples(batch)), Measured)
            bits, size = bits + measured.bits, size + measured.size
        return [bits / size] if size else []

    def _tell(self, phase: str, slice: int, loss: float | None = None) -> None:  # noqa: A002
        self._at = replace(self._at, phase=phase, slice=slice, loss=loss)
        if self._progress:
            self._progress(self._at)


def _examples(rows: Sequence[Row]) -> tuple[Example, ...]:
    return tuple(Example(messages=row.messages) for row in rows)


class _Child:
    """The worker process, ended on every way out, Ctrl-C included."""

    def __init__(self, plan: Plan) -> None:
        self._process = subprocess.Popen(
            # -P: nothing in the current folder may pose as one of our modules.
            [sys.executable, "-P", "-m", "trainer.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_surroundings(plan.recipe.threads),
        )
        self._decoder = msgspec.msgpack.Decoder(Reply)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        self._process.wait()

    def begin(self, plan: Plan) -> None:
        """Have the model built."""
        request = Begin(
            recipe=plan.recipe.canonical(),
            environment=plan.environment.canonical(),
            digest=plan.foundation.digest,
            path=plan.foundation.path,
        )
        self.expect(request, Ready)

    def tell(self, request: Request) -> None:
        """Send a request that has no reply."""
        pipe = self._process.stdin
        assert pipe is not None
        try:
            send(pipe, request)
        except BrokenPipeError:
            self._heard()
            raise self._died() from None

    def expect(self, request: Request, kind: type[_T]) -> _T:
        """Send a request and return its reply."""
        self.tell(request)
        reply = self._heard()
        if not isinstance(reply, kind):
            raise self._died()
        return reply

    def _heard(self) -> Reply | None:
        pipe = self._process.stdout
        assert pipe is not None
        reply = receive(pipe, self._decoder)
        if isinstance(reply, Failed):
            known = {error.__name__: error for error in (BaseModelChanged, BaseRefused)}
            raise known.get(reply.kind, TrainingError)(reply.reason)
        return reply

    def _died(self) -> TrainingError:
        code = self._process.wait()
        if code == -signal.SIGKILL:
            reason = "it was killed, most likely because memory ran out; lower the recipe's batch"
        elif code < 0:
            reason = f"it was ended by {signal.Signals(-code).name}"
        else:
            reason = f"it ended with status {code}"
        return TrainingError(f"The training process is gone: {reason}. Finished slices are kept.")


def _surroundings(threads: int) -> dict[str, str]:
    """Return the child's environment: this one's, kept quiet, offline and on few threads."""
    here = str(Path(__file__).resolve().parent.parent)
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Two spinning threads on two busy cores run fifteen times slower than one (measured).
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }
