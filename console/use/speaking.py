"""Who answers: a model as far as it may, and its voice, which a few are kept of in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.bootstrap import Twin
from trainer import engine, seed, states
from trainer.recipe import Recipe
from trainer.slices import Foundation
from vault.errors import NotFound, NotPermitted
from vault.events import Manifest, SliceState

if TYPE_CHECKING:
    from trainer.engine import Voice

__all__ = [
    "Speaker",
    "keep",
    "may_answer",
    "refuse_retired",
    "speaker",
    "suspend",
    "temperature",
]

_DRAWN_ONCE, _CHOSEN_FROM = 0.6, 0.4

# Each may be as large as a base model.
_KEPT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """A model, and how much of it may speak: `slice` of its `slices`, `rows` of `rows_in_all`.

    A model that learned from what is no longer permitted speaks as of its last slice that no
    such row has touched.
    """

    model: str
    slice: int
    slices: int
    rows: int
    rows_in_all: int
    state: str
    recipe: Recipe
    foundation: Foundation | None
    weights: bytes = field(repr=False)
    kept: "Voice | None" = field(repr=False, default=None)

    @property
    def whole(self) -> bool:
        """Whether all that the model learned speaks."""
        return self.slice == self.slices

    @property
    def reads(self) -> bool:
        """Whether it can make something of passages that it is shown.

        A network as small as those that are ours, and the seed, has her manner, and no more.
        """
        is_ours = self.foundation is None or self.foundation.digest == seed.DIGEST
        return self.recipe.kind == "lora" and not is_ours

    def voice(self) -> "Voice":
        """Return its voice, loaded unless it was kept: seconds, and no vault is needed."""
        return self.kept or engine.load(self.weights, self.recipe, self.foundation)


def temperature(recipe: Recipe) -> float:
    """Return the temperature at which a voice of a recipe answers its owner.

    At 1 a voice has her own word frequencies, which is how it is measured; a single answer reads
    better below. Where answers are chosen from, it may be lower still: what repeats is not chosen.
    """
    return _CHOSEN_FROM if recipe.kind == "seed" else _DRAWN_ONCE


def speaker(twin: Twin, model: str = "") -> Speaker:
    """Return a model as far as it may speak now; by default the one that answers.

    Raises:
        NotFound: There is no such model, or its weights are gone.
        NotPermitted: It is suspended, and nothing of it is left that may answer.
    """
    suspend(twin)
    made = twin.manifest(model or twin.views.lineage.answering)
    spoken = _speaking(twin, made)
    state = spoken[-1].state
    weights = twin.models.read(states.name_of(state)) if state not in twin.voices else b""
    if weights is None:
        raise NotFound(f"The weights of {made.model} are gone; `twin retrain` makes them again.")
    return Speaker(
        model=made.model,
        slice=len(spoken),
        slices=len(made.slices),
        rows=sum(slice_.rows for slice_ in spoken),
        rows_in_all=made.rows,
        state=state,
        recipe=Recipe.from_canonical(made.recipe),
        foundation=Foundation(digest=made.base, path=made.base_path) if made.base else None,
        weights=weights,
        kept=twin.voices.get(state),
    )


def may_answer(twin: Twin, model: str, state: str) -> bool:
    """Whether a model may still answer with the weights that a state names; changes nothing."""
    twin.catch_up()
    try:
        spoken = _speaking(twin, twin.manifest(model))
    except (NotFound, NotPermitted):
        return False
    return state in {one.state for one in spoken}


def keep(twin: Twin, who: Speaker, voice: "Voice") -> None:
    """Keep a voice in memory for the next answer, and few others."""
    twin.voices.pop(who.state, None)
    while len(twin.voices) >= _KEPT:
        del twin.voices[next(iter(twin.voices))]
    twin.voices[who.state] = voice


def suspend(twin: Twin) -> None:
    """Suspend what learned from a row that has been lost by now."""
    twin.catch_up()
    twin.suspend_tainted("no longer permitted")


def refuse_retired(twin: Twin, model: str) -> None:
    """Refuse a model that was given up.

    Raises:
        NotPermitted: It was.
    """
    if twin.views.lineage.model(model).status == "retired":
        raise NotPermitted(
            f"Model {model} is retired: you gave it up, and what it had learned is deleted; "
            "`twin train` makes another."
        )


def _speaking(twin: Twin, made: Manifest) -> Sequence[SliceState]:
    """Return the slices of a model that may answer: all of them, or the first untouched ones."""
    lineage, now = twin.views.lineage, twin.vault.now()
    if lineage.usable(made.model, now):
        return made.slices
    model, kept = lineage.model(made.model), states.known(twin.models)
    # Who only looks does not put on the record that a model is suspended.
    is_suspended = model.status == "suspended" or any(
        one.model == made.model for one in lineage.to_suspend(now)
    )
    clean = lineage.clean(made.model, now) if is_suspended else ()
    # All that a suspended model learned never answers again, even if its rows are permitted anew.
    clean = clean[: len(made.slices) - 1]
    while clean and clean[-1].state not in kept:
        clean = clean[:-1]
    if not clean:
        refuse_retired(twin, made.model)
        raise NotPermitted(
            f"Model {made.model} is {model.status}: it learned from what is no longer permitted; "
            "`twin retrain` rebuilds it without."
        )
    return clean
