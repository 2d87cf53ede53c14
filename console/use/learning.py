"""Training, listing and asking models."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from console.bootstrap import Twin
from console.planning import chosen, planned
from console.use.following import stoppable
from console.use.listening import listening
from console.use.speaking import keep, speaker, suspend, temperature
from projections import lineage
from projections.rows import Message
from trainer import engine, manifest, seed
from trainer.finetune import Progress, Report, Trained
from trainer.finetune import train as carry_out
from trainer.recipe import Recipe, preset
from trainer.runs import Log
from vault.errors import UsageError
from vault.events import Manifest, ModelTrained

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
    "train",
    "untrained_answer",
]

Told = Callable[[int, int], None]


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
    """A model and whether it may answer (`trained`, `suspended`, `replaced` or `retired`).

    `answers` is the one that answers where none is named.
    """

    model: str
    status: str
    position: int
    rows: int
    answers: bool


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
    recipe: Recipe | None = None,
    run: str = "",
    progress: Told | None = None,
    report: Report | None = None,
) -> TrainedModel:
    """Teach a model with the rows of a view that consent allows now.

    A run that was stopped or killed goes on where it was, if it would learn the same again.

    Args:
        twin: The opened vault.
        base: The folder of a model to adapt; none for the seed, or to learn from nothing.
        recipe_file: A TOML file with a recipe.
        start: The preset that says what the file does not, or everything.
        view: The view to learn from.
        recipe: The recipe itself, in the place of the three before.
        run: The id of the run, where it was named before.
        progress: Told (steps done, steps in all).
        report: Told everything that `progress` is told, and more.

    Raises:
        NotFound: There is no such view.
        NothingPermitted: Consent allows no row.
        TrainingError: The run failed; what it learned is kept for another try.
        KeyboardInterrupt: It was stopped; what it learned is kept.
    """
    twin.catch_up()
    recipe = recipe or chosen(base, recipe_file, start, view)
    plan = planned(twin, recipe, base)
    log = Log(twin.models, run, recipe=recipe.canonical(), base=_named(base))
    with stoppable() as stopping, listening(twin):
        trained = carry_out(
            plan,
            twin.models,
            twin.still_permitted,
            report or steps_of(progress),
            log=log,
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
    answering = twin.views.lineage.answering
    return Models(
        models=tuple(
            Model(
                model=m.id,
                status=m.status,
                position=m.manifest.position,
                rows=m.manifest.rows,
                answers=m.id == answering,
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
    who = speaker(twin, model)
    voice = who.voice()
    keep(twin, who, voice)
    return Answer(
        answer=voice.answer(
            [Message(role="user", content=prompt)],
            engine.Sampling(seed=seed, temperature=temperature(who.recipe)),
        ),
        model=who.model,
        slice=who.slice,
        slices=who.slices,
        rows=who.rows,
        rows_in_all=who.rows_in_all,
    )


def _named(folder: Path | None) -> str:
    """Return what a base is called in the log of a run."""
    return seed.NAME if folder == seed.FOLDER else str(folder or "")


def untrained_answer(prompt: str) -> str:
    """Return what the seed says before it learned anything of hers."""
    voice = engine.untrained(preset("voice"))
    return voice.answer([Message(role="user", content=prompt)], engine.Sampling(longest=24))


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
