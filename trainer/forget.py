"""Forgetting: what goes with a lost row, the rebuild without it, and its proof.

A row is lost when it may no longer be learned from. What it shaped is deleted, never
corrected: gradient ascent and its kin leave what they claim to remove within reach, so
weights without a row are weights that were learned without it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from projections.lineage import Export, Lineage, Model, intend, intended
from projections.roots import rows_root
from trainer import folder, states
from trainer.evaluate import report
from trainer.finetune import Permitted, Trained, train
from trainer.runs import Log, Report
from trainer.slices import Plan
from trainer.states import Memory, Store
from vault.events import Manifest

__all__ = [
    "Clean",
    "Lost",
    "Rebuilt",
    "clean_run",
    "exposed_before",
    "lose",
    "purge",
    "rebuild",
    "usable",
    "verdict",
]

_EXPOSURE = "exposure-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What was deleted after rows were lost, and the copies of models that are out of reach."""

    states: int
    reports: int
    deleted: tuple[Export, ...]
    beyond: tuple[Export, ...]


def lose(lineage: Lineage, store: Store, now: datetime, *, strangers: bool = False) -> Lost:
    """Delete everything that a row shaped which may no longer be learned from.

    That is states with their traces, reports of evaluations, and copies of models that still
    lie where they were written. First slices that no such row has touched stay. What is only
    paused is kept for when the pause ends. Of a retired model nothing stays that is not another
    one's too, but for its copies, which are the owner's. Doing it again does no harm.

    Args:
        lineage: Says which states are which model's, and what they learned from.
        store: Keeps states and reports.
        now: When consent is asked.
        strangers: Also delete states that belong to no model and no known plan, since nobody
            can say what they learned from.
    """
    every, kept = _planned(lineage, store, now)
    lost: list[Model] = []
    retired: list[Model] = []
    for model in lineage.models():
        clean = lineage.clean(model.id, now, resumed=True)
        every |= {slice_.state for slice_ in model.manifest.slices}
        kept |= {slice_.state for slice_ in clean}
        if model.status == "retired":
            retired.append(model)
            if lineage.is_lost(model.id, now):
                lost.append(model)
        elif len(clean) < len(model.manifest.slices):
            lost.append(model)
    copies = [(copy, model) for model in lost for copy in lineage.exports(model.id)]
    # Another device's copies, which lie where it says, are not this one's to judge.
    gone = {
        copy
        for copy, model in copies
        if lineage.knows(model.id) and folder.remove(copy.folder, model.manifest.weights)
    }
    return Lost(
        states=states.delete(store, (states.traces(store) if strangers else every) - kept),
        reports=sum(_forget_report(store, name) for name in {m.id for m in (*lost, *retired)}),
        deleted=tuple(copy for copy, _ in copies if copy in gone),
        beyond=tuple(copy for copy, _ in copies if copy not in gone),
    )


def _planned(lineage: Lineage, store: Store, now: datetime) -> tuple[set[str], set[str]]:
    """Return the states of runs that came to no model, and those of them that stay.

    Of a plan that holds a lost row only the slices before it are remembered.
    """
    every, kept = set[str](), set[str]()
    for name in store.names():
        slices = intended(store, name)
        if not slices:
            continue
        chain = [state for state, _ in slices]
        clean = chain[: lineage.untouched([rows for _, rows in slices], now, resumed=True)]
        if len(clean) < len(chain):
            store.delete(name)
            intend(store, slices[: len(clean)])
        every.update(chain)
        kept.update(clean)
    return every, kept


def _forget_report(store: Store, model: str) -> int:
    """Delete what evaluations kept of a model, but for one number that a certificate states."""
    for found in report.evaluated(store, (model,)):
        measured = found.measure("canary_exposure")
        if measured is not None and measured.value is not None:
            store.write(_EXPOSURE + model, msgspec.json.encode(measured.value))
    return report.forget(store, model)


def exposed_before(store: Store, model: str) -> float | None:
    """Return how far canaries of a model were exposed, in bits, where it was evaluated."""
    for found in report.evaluated(store, (model,)):
        measured = found.measure("canary_exposure")
        return measured.value if measured else None
    body = store.read(_EXPOSURE + model)
    return msgspec.json.decode(body, type=float) if body is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A model made anew without some rows, and how many tainted states were deleted."""

    trained: Trained
    deleted: int


def usable(states_before: Iterable[str], plan: Plan) -> tuple[str, ...]:
    """Return those of a model's states that a plan without the withdrawn rows still has."""
    there = {slice_.state for slice_ in plan.slices}
    return tuple(state for state in states_before if state in there)


def purge(store: Store, manifest: Manifest, plan: Plan | None) -> int:
    """Delete the states of a model that a plan does not have; all of them without a plan."""
    before = {slice_.state for slice_ in manifest.slices}
    return states.delete(store, before - set(usable(before, plan) if plan else ()))


def rebuild(
    manifest: Manifest,
    plan: Plan,
    store: Store,
    permitted: Permitted,
    progress: Report | None = None,
    *,
    log: Log | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Rebuilt:
    """Train a plan from the newest state that it shares with an earlier model.

    The tainted states go first: a run that fails or is interrupted leaves none behind. `log`
    and `stopping` are those of `trainer.finetune.train`.
    """
    deleted = purge(store, manifest, plan)
    trained = train(plan, store, permitted, progress, log=log, stopping=stopping)
    return Rebuilt(trained=trained, deleted=deleted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """What a clean run arrived at, from which rows, and in which environment (canonical JSON)."""

    environment: str
    rows_root: str
    state: str
    weights: str


def clean_run(plan: Plan, permitted: Permitted, progress: Report | None = None) -> Clean:
    """Carry out a plan in a new process, from an empty store of states.

    The caller's part is to have made the plan from views that were rebuilt from zero.
    """
    trained = train(plan, Memory(), permitted, progress)
    return Clean(
        environment=trained.plan.environment.canonical(),
        rows_root=rows_root(trained.plan.rows),
        state=trained.state,
        weights=trained.weights,
    )


def verdict(manifest: Manifest, clean: Clean) -> bool | None:
    """Tell whether a clean run arrived at the weights that a manifest states.

    Returns:
        None where it ran in another environment than the manifest's: bits are comparable
        within one environment only.
    """
    if clean.environment != manifest.environment:
        return None
    return clean.weights == manifest.weights and clean.state == manifest.slices[-1].state
