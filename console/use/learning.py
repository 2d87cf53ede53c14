"""Training, rebuilding, listing and asking models."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from console.bootstrap import Twin
from console.clean_run import CleanRun
from console.planning import planned
from projections import lineage
from projections.rows import Message
from trainer import engine, forget, manifest
from trainer.errors import NothingPermitted
from trainer.finetune import Progress, Trained
from trainer.finetune import train as carry_out
from trainer.recipe import Recipe, preset
from trainer.slices import Foundation
from trainer.states import name_of
from vault.errors import NotFound, NotPermitted, UsageError
from vault.events import Manifest, ModelRetrained, ModelSuspended, ModelTrained

if TYPE_CHECKING:
    from trainer.engine import Voice

__all__ = [
    "Answer",
    "Model",
    "Models",
    "Retrained",
    "TrainedModel",
    "chat",
    "models",
    "retrain",
    "signable",
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
class Retrained:
    """A model that was rebuilt; the verdict is None where no comparable clean run was made."""

    model: str
    rows: int
    replayed_slices: int
    identical_to_clean_run: bool | None
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
    """What a model said."""

    answer: str
    model: str


def train(
    twin: Twin,
    *,
    base: Path | None = None,
    recipe_file: Path | None = None,
    view: str = "",
    progress: Told | None = None,
) -> TrainedModel:
    """Teach a model with the rows of a view that consent allows now.

    Raises:
        NotFound: There is no such view.
        NothingPermitted: Consent allows no row.
        TrainingError: The run failed; finished slices are kept for another try.
    """
    twin.catch_up()
    recipe = _recipe(base, recipe_file)
    recipe = replace(recipe, view=view or recipe.view)
    run = planned(twin, recipe, base)
    trained = carry_out(run, twin.models, twin.still_permitted, _steps(progress))
    position = twin.catch_up()
    made = _manifest(twin, trained, position)
    lineage.record(twin.models, made.model, trained.plan.rows)
    twin.vault.record(ModelTrained(manifest=made, signature=_sign(twin, made)))
    twin.catch_up()
    return TrainedModel(
        model=made.model,
        rows=made.rows,
        position=position,
        metrics=dict(made.metrics),
        state=trained.state,
    )


def retrain(twin: Twin, *, prove: bool = False, progress: Told | None = None) -> Retrained:
    """Rebuild the newest model from what is allowed now, replaying no more than needed.

    Args:
        twin: The opened vault.
        prove: Also make a clean run (a new process, an empty store of states, views rebuilt
            from zero as if the removed items had never been collected) and compare weights.
        progress: Told (steps done, steps in all).

    Raises:
        NotFound: There is no model yet.
        NothingPermitted: Consent allows no row any more; the old states are deleted.

    A rebuild that the clean run disproves is on the record, suspended, and its states are
    deleted, so that the next rebuild starts from nothing.
    """
    position, now = twin.catch_up(), twin.vault.now()
    old = twin.manifest()
    recipe = Recipe.from_canonical(old.recipe)
    try:
        run = planned(twin, recipe, Path(old.base_path) if old.base_path else None, now=now)
    except NothingPermitted:
        twin.destroy_tainted_states()
        raise
    beside = CleanRun(twin, old, position=position, now=now) if prove else nullcontext()
    with beside as clean:
        steps = _steps(progress)
        trained = forget.rebuild(old, run, twin.models, twin.still_permitted, steps).trained
        made = _manifest(twin, trained, twin.catch_up())
        verdict = clean.compare(made, progress) if clean else None
    unchanged = made.weights == old.weights and made.rows_root == old.rows_root
    if unchanged and twin.views.lineage.model(old.model).status == "trained":
        return Retrained(
            model=old.model,
            rows=old.rows,
            replayed_slices=trained.replayed,
            identical_to_clean_run=verdict,
            state=trained.state,
        )
    lineage.record(twin.models, made.model, trained.plan.rows)
    twin.vault.record(
        ModelRetrained(
            manifest=made,
            signature=_sign(twin, made),
            replaces=old.model,
            replayed_slices=trained.replayed,
            identical_to_clean_run=verdict,
        )
    )
    lineage.forget_rows(twin.models, old.model)
    if verdict is False:
        _disown(twin, made)
    twin.catch_up()
    return Retrained(
        model=made.model,
        rows=made.rows,
        replayed_slices=trained.replayed,
        identical_to_clean_run=verdict,
        state=trained.state,
    )


def models(twin: Twin) -> Models:
    """List every model, the oldest first."""
    twin.catch_up()
    twin.suspend_tainted("no longer permitted")
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
    """Ask a model, if everything it learned from is still permitted.

    Raises:
        NotFound: There is no such model.
        NotPermitted: It is suspended.
    """
    if not prompt.strip():
        raise UsageError("The prompt is empty; ask something.")
    twin.catch_up()
    twin.suspend_tainted("no longer permitted")
    made = twin.manifest(model or _usable(twin))
    if not twin.views.lineage.usable(made.model, twin.vault.now()):
        status = twin.views.lineage.model(made.model).status
        raise NotPermitted(
            f"Model {made.model} is {status}: it learned from what is no longer permitted; "
            "`twin retrain` rebuilds it without."
        )
    if made.model not in twin.voices:
        twin.voices[made.model] = _voice(twin, made)
    answer = twin.voices[made.model].answer(
        [Message(role="user", content=prompt)],
        engine.Sampling(seed=seed, temperature=_TEMPERATURE),
    )
    return Answer(answer=answer, model=made.model)


def _usable(twin: Twin) -> str:
    """Return the newest model that may answer; nothing where there is none."""
    return next((m.id for m in twin.views.lineage.models() if m.status == "trained"), "")


def untrained_answer(prompt: str) -> str:
    """Return what the from-scratch network says before it learned anything."""
    voice = engine.untrained(preset("voice"))
    return voice.answer([Message(role="user", content=prompt)], engine.Sampling(longest=24))


def _voice(twin: Twin, made: Manifest) -> "Voice":
    weights = twin.models.read(name_of(made.slices[-1].state))
    if weights is None:
        raise NotFound(f"The weights of {made.model} are gone; `twin retrain` makes them again.")
    foundation = Foundation(digest=made.base, path=made.base_path) if made.base else None
    return engine.load(weights, Recipe.from_canonical(made.recipe), foundation)


def _recipe(base: Path | None, recipe_file: Path | None) -> Recipe:
    if recipe_file is not None:
        recipe = Recipe.read(recipe_file)
        if (recipe.kind == "lora") != (base is not None):
            raise UsageError("A recipe of kind lora needs --base, and one of kind scratch none.")
        return recipe
    return preset("lora" if base else "voice")


def _manifest(twin: Twin, trained: Trained, position: int) -> Manifest:
    return manifest.build(
        trained,
        model=twin.next_model(),
        position=position,
        checkpoint=twin.log.head.root.hex(),
    )


def _disown(twin: Twin, made: Manifest) -> None:
    """Suspend a model that a clean run disproved, and keep none of the states behind it."""
    twin.vault.record(
        ModelSuspended(model=made.model, rows=made.rows, cause="differs from a clean run")
    )
    forget.purge(twin.models, made, None)


def signable(made: Manifest) -> bytes:
    """Return the bytes of a manifest that a device signs: canonical JSON."""
    return msgspec.json.encode(made, order="deterministic")


def _sign(twin: Twin, made: Manifest) -> bytes:
    return twin.log.sign(signable(made))


def _steps(progress: Told | None) -> Callable[[Progress], None] | None:
    if progress is None:
        return None

    def told(at: Progress) -> None:
        progress(at.step, at.steps)

    return told
