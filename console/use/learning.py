"""Training, listing and asking models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from console.bootstrap import Twin
from console.planning import chosen, planned
from console.use.following import stoppable
from console.use.listening import listening
from projections import lineage
from projections.rows import Message
from trainer import engine, manifest, states
from trainer.finetune import Progress, Report, Trained
from trainer.finetune import train as carry_out
from trainer.recipe import Recipe, preset
from trainer.runs import Log
from trainer.slices import Foundation
from vault.errors import NotFound, NotPermitted, UsageError
from vault.events import Manifest, ModelTrained, SliceState

if TYPE_CHECKING:
    from trainer.engine import Voice

__all__ = [
    "Answer",
    "Model",
    "Models",
    "TrainedModel",
    "chat",
    "manifest_of",
    "models",
    "sign",
    "signable",
    "steps_of",
    "suspend",
    "train",
    "untrained_answer",
]

Told = Callable[[int, int], None]

# At 1 a voice has the person's own word frequencies, which is how it is measured; a single
# answer reads better a little below.
_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """A model that was made. `state` is the digest that names its weights."""

    model: str
    rows: int
    position: int
    metrics: dict[str, float]
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model and whether it may answer (`trained`, `suspended` or `replaced`)."""

    model: str
    status: str
    position: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Every model, the oldest first."""

    models: tuple[Model, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model said, and how much of it spoke: `slice` of its `slices`, `rows` of `rows_in_all`.

    A model that learned from what is no longer permitted speaks as of its last slice that no
    such row has touched.
    """

    answer: str
    model: str
    slice: int
    slices: int
    rows: int
    rows_in_all: int

    @property
    def whole(self) -> bool:
        """Whether all that the model learned spoke."""
        return self.slice == self.slices


def train(
    twin: Twin,
    *,
    base: Path | None = None,
    recipe_file: Path | None = None,
    start: str = "",
    view: str = "",
    progress: Told | None = None,
    report: Report | None = None,
) -> TrainedModel:
    """Teach a model with the rows of a view that consent allows now.

    A run that was stopped or killed goes on where it was, if it would learn the same again.

    Args:
        twin: The opened vault.
        base: The folder of a model to adapt; none to learn from nothing.
        recipe_file: A TOML file with a recipe.
        start: The preset that says what the file does not, or everything.
        view: The view to learn from.
        progress: Told (steps done, steps in all).
        report: Told everything that `progress` is told, and more.

    Raises:
        NotFound: There is no such view.
        NothingPermitted: Consent allows no row.
        TrainingError: The run failed; what it learned is kept for another try.
        KeyboardInterrupt: It was stopped; what it learned is kept.
    """
    twin.catch_up()
    recipe = chosen(base, recipe_file, start, view)
    run = planned(twin, recipe, base)
    with stoppable() as stopping, listening(twin):
        trained = carry_out(
            run,
            twin.models,
            twin.still_permitted,
            report or steps_of(progress),
            log=Log(twin.models),
            stopping=stopping,
        )
    position = twin.catch_up()
    made = manifest_of(twin, trained, position)
    lineage.record(twin.models, made.model, trained.plan.rows)
    twin.vault.record(ModelTrained(manifest=made, signature=sign(twin, made)))
    lineage.done(twin.models, trained.state)
    twin.catch_up()
    return TrainedModel(
        model=made.model,
        rows=made.rows,
        position=position,
        metrics=dict(made.metrics),
        state=trained.state,
    )


def models(twin: Twin) -> Models:
    """List every model, the oldest first."""
    suspend(twin)
    return Models(
        models=tuple(
            Model(
                model=m.id,
                status=m.status,
                position=m.manifest.position,
                rows=m.manifest.rows,
            )
            for m in reversed(twin.views.lineage.models())
        )
    )


def chat(twin: Twin, prompt: str, *, model: str = "", seed: int = 0) -> Answer:
    """Ask a model: all of it, or what no row that was lost since has touched.

    Raises:
        NotFound: There is no such model.
        NotPermitted: It is suspended, and nothing of it is left that may answer.
    """
    if not prompt.strip():
        raise UsageError("The prompt is empty; ask something.")
    suspend(twin)
    made = twin.manifest(model or _usable(twin))
    spoken = _speaking(twin, made)
    answer = _voice(twin, made, spoken[-1].state).answer(
        [Message(role="user", content=prompt)],
        engine.Sampling(seed=seed, temperature=_TEMPERATURE),
    )
    return Answer(
        answer=answer,
        model=made.model,
        slice=len(spoken),
        slices=len(made.slices),
        rows=sum(slice_.rows for slice_ in spoken),
        rows_in_all=made.rows,
    )


def suspend(twin: Twin) -> None:
    """Suspend what learned from a row that has been lost by now."""
    twin.catch_up()
    twin.suspend_tainted("no longer permitted")


def _usable(twin: Twin) -> str:
    """Return the newest model that may answer; nothing where there is none."""
    return next((m.id for m in twin.views.lineage.models() if m.status == "trained"), "")


def _speaking(twin: Twin, made: Manifest) -> Sequence[SliceState]:
    """Return the slices of a model that may answer: all of them, or the first untouched ones."""
    lineage, now = twin.views.lineage, twin.vault.now()
    if lineage.usable(made.model, now):
        return made.slices
    model, kept = lineage.model(made.model), states.known(twin.models)
    clean = lineage.clean(made.model, now) if model.status == "suspended" else ()
    # All that a suspended model learned never answers again, even if its rows are permitted anew.
    clean = clean[: len(made.slices) - 1]
    while clean and clean[-1].state not in kept:
        clean = clean[:-1]
    if not clean:
        raise NotPermitted(
            f"Model {made.model} is {model.status}: it learned from what is no longer permitted; "
            "`twin retrain` rebuilds it without."
        )
    return clean


def untrained_answer(prompt: str) -> str:
    """Return what the from-scratch network says before it learned anything."""
    voice = engine.untrained(preset("voice"))
    return voice.answer([Message(role="user", content=prompt)], engine.Sampling(longest=24))


def _voice(twin: Twin, made: Manifest, state: str) -> "Voice":
    """Return the voice of a model as of one of its states."""
    if state not in twin.voices:
        weights = twin.models.read(states.name_of(state))
        if weights is None:
            raise NotFound(
                f"The weights of {made.model} are gone; `twin retrain` makes them again."
            )
        foundation = Foundation(digest=made.base, path=made.base_path) if made.base else None
        recipe = Recipe.from_canonical(made.recipe)
        twin.voices[state] = engine.load(weights, recipe, foundation)
    return twin.voices[state]


def manifest_of(twin: Twin, trained: Trained, position: int) -> Manifest:
    """Return the manifest of a finished run, under the name of the next model."""
    return manifest.build(
        trained,
        model=twin.next_model(),
        position=position,
        checkpoint=twin.log.head.root.hex(),
    )


# What manifests did not say at first: left out where it says nothing, since signatures of
# earlier ones cover it neither.
_LATER = ("items", "items_root")


def signable(made: Manifest) -> bytes:
    """Return the bytes of a manifest that a device signs: JSON, fields in their order."""
    said = msgspec.to_builtins(made)
    return msgspec.json.encode(
        {name: value for name, value in said.items() if value or name not in _LATER}
    )


def sign(twin: Twin, made: Manifest) -> bytes:
    """Return this device's signature over a manifest."""
    return twin.log.sign(signable(made))


def steps_of(progress: Told | None) -> Callable[[Progress], None] | None:
    """Return what tells (steps done, steps in all) of a run's progress."""
    if progress is None:
        return None

    def told(at: Progress) -> None:
        progress(at.step, at.steps)

    return told
