"""Forgetting: which states stay usable, the rebuild without some rows, and its proof."""

from collections.abc import Iterable
from dataclasses import dataclass

from trainer import states
from trainer.finetune import Permitted, Report, Trained, train
from trainer.slices import Plan
from trainer.states import Memory, Store
from vault.events import Manifest

__all__ = ["Clean", "Rebuilt", "clean_run", "purge", "rebuild", "usable", "verdict"]


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
) -> Rebuilt:
    """Train a plan from the newest state that it shares with an earlier model.

    The tainted states go first: a run that fails or is interrupted leaves none behind.
    """
    deleted = purge(store, manifest, plan)
    return Rebuilt(trained=train(plan, store, permitted, progress), deleted=deleted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """What a clean run arrived at, and in which environment (canonical JSON)."""

    environment: str
    state: str
    weights: str


def clean_run(plan: Plan, permitted: Permitted, progress: Report | None = None) -> Clean:
    """Carry out a plan in a new process, from an empty store of states.

    The caller's part is to have made the plan from views that were rebuilt from zero.
    """
    trained = train(plan, Memory(), permitted, progress)
    return Clean(
        environment=trained.plan.environment.canonical(),
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
