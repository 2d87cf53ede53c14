"""Forgetting: which states stay usable, the rebuild without some rows, and its proof."""

from collections.abc import Iterable
from dataclasses import dataclass

from trainer import states
from trainer.environment import Environment, observe
from trainer.finetune import Permitted, Report, Trained, train
from trainer.slices import Plan
from trainer.states import Memory, Store
from vault.events import Manifest

__all__ = ["Rebuilt", "prove", "purge", "rebuild", "same_environment", "usable"]


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


def prove(
    manifest: Manifest,
    plan: Plan,
    permitted: Permitted,
    progress: Report | None = None,
) -> bool | None:
    """Tell whether a clean run of a plan gives the weights that a manifest states.

    A clean run is a new process with an empty state store. The caller's part is to have
    made the plan from views that were rebuilt from zero.

    Returns:
        None where this is another environment than the manifest's: bits are comparable
        within one environment only.
    """
    if not same_environment(manifest, plan):
        return None
    clean = train(plan, Memory(), permitted, progress)
    return clean.weights == manifest.weights and clean.state == manifest.slices[-1].state


def same_environment(manifest: Manifest, plan: Plan) -> bool:
    """Tell whether manifest, plan and this process belong to one environment."""
    stated = Environment.from_canonical(manifest.environment)
    return stated == plan.environment == observe(plan.recipe)
