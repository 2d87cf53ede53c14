"""What a run will cost, told before it begins: tokens, steps, memory, time.

Tokens are counted with the tokenizer of the run. Memory follows from shapes alone, so it can be
told of what would never fit. Time is measured: a few steps of this very run are taken in a
process whose weights are thrown away, and the rest is read off a line through them.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from projections.rows import Row
from trainer.base import Described
from trainer.batches import Batch, Step, course
from trainer.building import small_config
from trainer.child import Child
from trainer.errors import NothingPermitted
from trainer.finetune import Permitted
from trainer.recipe import Recipe
from trainer.slices import Plan
from trainer.tokenizer import Fixed, Tokens
from trainer.wire import Example, Learn, Learned, Slice

__all__ = [
    "Counted",
    "Measured",
    "Memory",
    "Shape",
    "Work",
    "counted",
    "free",
    "lengths",
    "measure",
    "memory",
]

# The tokens of prompt and reply, by the id of a row.
Lengths = dict[str, tuple[int, int]]

# What Python, torch and transformers take before there is a model (measured: .40-.46 GB).
_LIBRARIES = 450_000_000
_FLOAT = 4
_LONGEST = 20.0  # seconds


class Shape(NamedTuple):
    """A batch as a table: rows, tokens of the longest, and places at which words are expected."""

    rows: int
    width: int
    places: int

    @property
    def tokens(self) -> int:
        """How many are computed."""
        return self.rows * self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One step: its rows, the tokens computed for them (`padded`), read, and learned.

    `widest` is the batch of it that computes most.
    """

    step: Step
    padded: int
    read: int
    learned: int
    widest: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A run in numbers: `kept` of its slices are there already, the rest is `work`."""

    kept: int
    work: tuple[Work, ...]
    held: int

    @property
    def widest(self) -> Shape:
        """The batch that computes most; an empty one where nothing is left to do."""
        shapes = (one.widest for one in self.work)
        return max(shapes, key=lambda shape: shape.tokens, default=Shape(0, 0, 0))

    @property
    def read(self) -> int:
        """How many tokens are read, over all epochs."""
        return sum(one.read for one in self.work)

    @property
    def learned(self) -> int:
        """How many of them are learned: the person's own words."""
        return sum(one.learned for one in self.work)

    @property
    def padded(self) -> int:
        """How many are computed, with what fills up short rows."""
        return sum(one.padded for one in self.work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a run needs at its widest step, in bytes."""

    libraries: int
    base: int
    adapters: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.libraries + self.base + self.adapters + self.optimizer + self.activations


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a few real steps took: `begin` seconds until the first, then a line through `steps`."""

    steps: int
    begin: float
    each: float
    token: float
    peak: int

    def seconds(self, counted: Counted) -> float:
        """Return how long a run takes, if no slice ends early."""
        # To measure a row is one of the three products that learning it takes.
        held = counted.held * self.token / 3
        return self.begin + self.each * len(counted.work) + self.token * counted.padded + held


def lengths(rows: Iterable[Row], tokens: Tokens) -> Lengths:
    """Count the tokens of each row; the tokens themselves are not kept."""
    found: Lengths = {}
    for row in rows:
        prompt, reply = tokens.example(row.messages)
        found[row.id] = len(prompt), len(reply)
    return found


def counted(plan: Plan, there: Lengths, known: Iterable[str]) -> Counted:
    """Return what is left to do of a plan.

    Args:
        plan: The run.
        there: The lengths of all its rows.
        known: The states that are kept.
    """
    states = set(known)
    kept = max((at + 1 for at, one in enumerate(plan.slices) if one.state in states), default=0)
    work: list[Work] = []
    for index in range(kept, len(plan.slices)):
        taken = course(
            plan.slices[index].rows, plan.before(index), plan.recipe, index, plan.keys(index)[0]
        )
        work += [_work(step, there) for epoch in taken.epochs for step in epoch]
    return Counted(kept=kept, work=tuple(work), held=sum(sum(there[row.id]) for row in plan.held))


def _work(step: Step, there: Lengths) -> Work:
    shapes = [_shape(batch, there) for batch in step]
    rows = [there[row.id] for batch in step for row in batch]
    return Work(
        step=step,
        padded=sum(count * width for count, width, _ in shapes),
        read=sum(map(sum, rows)),
        learned=sum(reply for _, reply in rows),
        widest=max(shapes, key=lambda shape: shape[0] * shape[1], default=Shape(0, 0, 0)),
    )


def _shape(batch: Batch, there: Lengths) -> Shape:
    told = [there[row.id] for row in batch]
    width = max(map(sum, told))
    return Shape(len(batch), width, width - min(prompt for prompt, _ in told))


def memory(recipe: Recipe, widest: Shape, described: Described | None) -> Memory:
    """Return what a run needs at its widest batch, as far as shapes tell.

    Args:
        recipe: How to train.
        widest: The batch that computes most.
        described: The base (`trainer.base.check`); none for a from-scratch recipe.
    """
    one = described or _scratch(recipe)
    adapted = recipe.kind == "lora"
    trained = (
        recipe.rank * sum(layer.inputs + layer.outputs for layer in one.adapted(recipe.targets))
        if adapted
        else one.parameters
    )
    # Gradients, and two moments for AdamW or one for Muon.
    moments = _FLOAT * (2 if recipe.matrix_rate else 3)
    return Memory(
        libraries=_LIBRARIES,
        base=round(one.parameters * _format(recipe)) if adapted else 0,
        adapters=_FLOAT * trained,
        optimizer=moments * trained,
        activations=_activations(recipe, widest, one),
    )


def _format(recipe: Recipe) -> float:
    """Return the bytes that a weight of the base takes; NF4 adds an eighth for its constants."""
    return 0.56 if recipe.four_bit else 2 if recipe.bf16_base else _FLOAT


def _activations(recipe: Recipe, widest: Shape, one: Described) -> int:
    """Return what is kept between the way forth and the way back.

    After Korthikanti et al., arXiv 2205.05198, section 4, counted for these networks: norms and
    sums in 32 bits, products in 16 or 32, and a copy in 32 bits of what each adapter reads.
    """
    rows, width, places = widest
    tokens, number = rows * width, 2 if recipe.bf16 else _FLOAT
    plain = one.hidden * (4 * _FLOAT + 8 * number) + 4 * one.intermediate * number
    mask = 1 + _FLOAT if recipe.dropout else 0
    adapted = one.adapted(recipe.targets) if recipe.kind == "lora" else ()
    read = sum(layer.inputs for layer in adapted) / max(1, one.layers)
    layer = round(tokens * (plain + read * (_FLOAT + mask)))
    if recipe.kind != "lora":
        # Plain attention keeps its table of weights, before and after the softmax.
        layer += 3 * rows * one.heads * width * width * _FLOAT
    through = one.hidden * tokens * _FLOAT
    depth = layer + one.layers * through if recipe.gradient_checkpointing else one.layers * layer
    # Expectations over the vocabulary: as computed, in 32 bits, as logarithms, and their gradient.
    return depth + rows * places * one.vocabulary * (2 * number + 3 * _FLOAT)


def _scratch(recipe: Recipe) -> Described:
    told = small_config(recipe, Fixed(recipe).size)
    hidden, inner = recipe.width, int(told["intermediate_size"])
    layer = 4 * hidden * hidden + 3 * hidden * inner + 2 * hidden
    return Described(
        parameters=recipe.layers * layer + hidden * (int(told["vocab_size"]) + 1),
        vocabulary=int(told["vocab_size"]),
        hidden=hidden,
        intermediate=inner,
        layers=recipe.layers,
        heads=recipe.heads,
        positions=int(told["max_position_embeddings"]),
        linears=(),
    )


def free(device: str) -> int | None:
    """Return how many bytes of memory are free where a run would happen, if the system tells."""
    if device != "cpu":
        import torch  # noqa: PLC0415 - takes seconds

        return int(torch.cuda.mem_get_info()[0])
    try:
        told = Path("/proc/meminfo").read_text("ascii")
    except OSError:
        return None
    lines = dict(line.split(":", 1) for line in told.splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def measure(plan: Plan, work: Sequence[Work], permitted: Permitted) -> Measured:
    """Take a few steps of a run in a process of their own, whose weights are thrown away.

    Args:
        plan: The run.
        work: Its steps; one at least.
        permitted: Asked for the rows of each step before it is taken.

    Raises:
        TrainingError: The steps could not be taken.
        NothingPermitted: A row of them is no longer permitted.
    """
    tried = _spread(work)
    for one in tried:
        _ask(permitted, one.step)
    began = time.monotonic()
    with Child(plan) as child:
        child.begin(plan, _silent)
        child.tell(Slice(number=0, steps=len(work), noise=plan.keys(0)[1], common=plan.common(0)))
        taken: list[tuple[int, float]] = []
        peak, begin = 0, 0.0
        for one in tried:
            _ask(permitted, one.step)
            asked = time.monotonic()
            learned = child.expect(Learn(batches=_examples(one.step)), Learned, _silent)
            now = time.monotonic()
            taken.append((one.padded, now - asked))
            peak = max(peak, learned.memory)
            begin = begin or now - began
            if now - began - begin > _LONGEST and len(taken) > 1:
                break
    # The first step also sets up what all others use.
    line = taken[1:] or taken
    each, token = _line(line)
    return Measured(steps=len(line), begin=begin - each, each=each, token=token, peak=peak)


def _silent(_: float) -> None:
    """Nobody waits long enough to be told."""


def _spread(work: Sequence[Work]) -> list[Work]:
    """Return the widest step, then some of every size, each size twice."""
    ordered = sorted(work, key=lambda one: one.padded)
    last = len(ordered) - 1
    sizes = [ordered[round(last * share)] for share in (0.1, 0.5, 0.9, 0.3, 0.7)]
    return [max(ordered, key=lambda one: one.widest.tokens), *sizes, *sizes]


def _line(taken: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Return seconds a step and seconds a token, by least squares; neither is below nothing."""
    count = len(taken)
    middle = sum(size for size, _ in taken) / count
    mean = sum(seconds for _, seconds in taken) / count
    spread = sum((size - middle) ** 2 for size, _ in taken)
    rise = sum((size - middle) * (seconds - mean) for size, seconds in taken)
    token = max(0.0, rise / spread) if spread else 0.0
    each = mean - token * middle
    return (each, token) if each > 0 and token > 0 else (0.0, mean / middle)


def _ask(permitted: Permitted, step: Step) -> None:
    rows = [row for batch in step for row in batch]
    if {row.id for row in rows} - permitted(rows):
        raise NothingPermitted("Consent changed while the run was planned; plan it again.")


def _examples(step: Step) -> tuple[tuple[Example, ...], ...]:
    return tuple(tuple(Example(messages=row.messages) for row in batch) for batch in step)
