"""What a training run would learn and cost, said before anything runs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from console.bootstrap import Twin
from console.planning import planned
from trainer import base, estimate, private, seed, states
from trainer.estimate import Counted, Measured, Memory
from trainer.recipe import Recipe
from trainer.slices import Plan
from trainer.tokenizer import Fixed

__all__ = ["Planned", "Share", "lines", "plan"]

_RATES = (2e-5, 2e-4)
_GIGA = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of the rows that are learned have something in common."""

    of: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A run that nobody began yet. Memory is in bytes; tokens are those of all epochs.

    Rows count those of all slices; `kept_slices` were learned before and are not learned again,
    so steps, tokens and seconds are those of the others. `padding` is the share of what is
    computed that only fills up rows. `seconds` are read off `measured_steps` real ones, and hold
    if no slice ends early; without any (`seconds` is null) `notes` say why.
    """

    recipe: str
    base: str
    view: str
    device: str
    rows: int
    held: int
    types: tuple[Share, ...]
    statements: tuple[Share, ...]
    slices: int
    kept_slices: int
    steps: int
    tokens_read: int
    tokens_learned: int
    padding: float
    memory: Memory
    memory_total: int
    memory_measured: int | None
    seconds: float | None
    measured_steps: int
    notes: tuple[str, ...]


def plan(twin: Twin, recipe: Recipe, folder: Path | None = None) -> Planned:
    """Say what a run would learn and cost; nothing of it is kept.

    Args:
        twin: The opened vault.
        recipe: How it would be trained.
        folder: The folder of a base; none for the seed, or to learn from nothing.

    Raises:
        BaseRefused: The base may not be loaded, or is none for this recipe or machine.
        NothingPermitted: Consent allows no row.
    """
    twin.catch_up()
    run = planned(twin, recipe, folder)
    described = base.check(run.foundation, recipe) if recipe.kind != "scratch" else None
    tokens = base.Templated(run.foundation, recipe) if recipe.kind == "lora" else Fixed(recipe)
    there = estimate.lengths((*run.rows, *run.held), tokens)
    left = estimate.counted(run, there, states.known(twin.models))
    needed = estimate.memory(recipe, left.widest, described)
    free = estimate.free(run.environment.device)
    notes = list(_notes(recipe, run, needed.total, free))
    fits = free is None or needed.total <= free
    measured = (
        estimate.measure(run, left.work, twin.still_permitted) if fits and left.work else None
    )
    return _told(run, left, needed, measured, notes)


def _told(
    run: Plan, left: Counted, needed: Memory, measured: Measured | None, notes: Iterable[str]
) -> Planned:
    return Planned(
        recipe=run.recipe.name,
        base=run.foundation.path or ("" if run.recipe.kind == "scratch" else seed.NAME),
        view=run.recipe.view,
        device=run.environment.device,
        rows=len(run.rows),
        held=len(run.held),
        types=_shares(row.facts.type for row in run.rows),
        statements=_shares(said for row in run.rows for said in row.statements),
        slices=len(run.slices),
        kept_slices=left.kept,
        steps=len(left.work),
        tokens_read=left.read,
        tokens_learned=left.learned,
        padding=round(1 - left.read / left.padded, 3) if left.padded else 0.0,
        memory=needed,
        memory_total=needed.total,
        memory_measured=measured.peak if measured and run.environment.device == "cpu" else None,
        seconds=round(measured.seconds(left), 1) if measured else None,
        measured_steps=measured.steps if measured else 0,
        notes=tuple(notes),
    )


def _shares(named: Iterable[str]) -> tuple[Share, ...]:
    return tuple(Share(of=of, rows=rows) for of, rows in Counter(named).most_common())


def _notes(recipe: Recipe, run: Plan, needed: int, free: int | None) -> Iterable[str]:
    low, high = _RATES
    if recipe.noise:
        spent = private.planned_epsilon([len(slice_.rows) for slice_ in run.slices], recipe)
        yield f"It tells of a row at most epsilon {spent.epsilon:.2f} at delta {spent.delta:g}."
    if recipe.kind == "lora" and not low <= recipe.learning_rate <= high:
        yield f"Adapters learn well at rates of {low:g} to {high:g}; this is {recipe.learning_rate:g}."
    if not run.held:
        yield "No row is held out, so nothing will tell how well the model learned."
    if free is not None and needed > free:
        yield (
            f"About {_size(needed)} are needed and {_size(free)} are free, so no "
            "step was tried; lower batch (and raise accumulate by as much) or context_tokens, or "
            "take a smaller base."
        )


def lines(told: Planned, statements: Mapping[str, str]) -> Iterator[str]:
    """Yield a plan as a person reads it.

    Args:
        told: The plan.
        statements: What statements say, by their ids.
    """
    where = f" on {told.base}" if told.base else ", from nothing"
    yield f"{told.recipe}{where} ({told.device}): {told.rows} rows to learn, {told.held} held out."
    for share in told.types:
        yield f"  {share.rows:7,} of {share.of or 'no type'}"
    for share in told.statements:
        yield f"  {share.rows:7,} by statement {share.of[:8]}: {statements.get(share.of, 'ended')}"
    yield (
        f"Slices: {told.slices}, of which {told.kept_slices} were learned before and are kept; "
        f"{told.steps:,} steps to go."
    )
    yield (
        f"{told.tokens_read:,} tokens to read, {told.tokens_learned:,} of them your own words; "
        f"{told.padding:.0%} more are padding."
    )
    part = told.memory
    yield (
        f"Memory: about {_size(told.memory_total)} (base {_size(part.base)}, adapters "
        f"{_size(part.adapters)}, optimizer {_size(part.optimizer)}, activations "
        f"{_size(part.activations)}, libraries {_size(part.libraries)})."
    )
    if told.memory_measured is not None:
        yield f"A trial took {_size(told.memory_measured)}."
    if told.seconds is not None and told.steps:
        yield f"Time: about {_time(told.seconds)}, read off {told.measured_steps} steps just taken."
    yield from told.notes


def _size(count: int) -> str:
    return f"{count / _GIGA:.1f} GB" if count >= _GIGA else f"{count / 1e6:.0f} MB"


def _time(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return (
        f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"
    )
