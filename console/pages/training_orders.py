"""The long work around models, as orders: planning, teaching, rebuilding, examining, weighing."""

import tomllib
from pathlib import Path

from console.bootstrap import Twin
from console.pages.orders import Order, Told
from console.planning import chosen
from console.use import evaluating, fetching, learning, planning, rebuilding, reviewing
from console.use.learning import TrainedModel
from console.use.planning import Planned
from console.use.rebuilding import Retrained
from projections.curate.bias import Bias
from trainer.recipe import Recipe, preset
from vault.errors import NotFound, UsageError

__all__ = ["Asked", "Examine", "MakeExamples", "Plan", "Rebuild", "Teach", "Weigh"]


class Asked(Order, frozen=True, kw_only=True):
    """What a person asks of a run: a preset, a base by name or folder, a view, TOML of her own.

    `again` is a canonical recipe, to go on with a run; then `base` is its folder.
    """

    preset: str = ""
    base: str = ""
    view: str = ""
    text: str = ""
    again: str = ""

    def problem(self) -> str:
        """Say what keeps this from being begun, in the words of the form; nothing where it can."""
        try:
            tomllib.loads(self.text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            return f"The settings of your own cannot be read; write lines like epochs = 3. {error}."
        start = self.preset or ("small" if self.base else "voice")
        try:
            recipe = (
                Recipe.parse(self.text, start, name="own", where="What you wrote")
                if self.text.strip()
                else preset(start)
            )
        except (NotFound, UsageError) as error:
            return str(error)
        if recipe.kind == "lora" and not self.base:
            return "Small and Large adapt an open model: name its folder, or ORG/NAME, under Base."
        if recipe.kind != "lora" and self.base:
            return "Voice and Scratch take no base: leave Base empty, or choose Small or Large."
        return ""

    def taken(self, told: Told) -> tuple[Recipe, Path | None]:
        """Return the recipe, and the folder of the base, which may have to be fetched first."""
        folder = fetching.folder_of(self.base, told) if self.base else None
        if self.again:
            return Recipe.from_canonical(self.again), folder
        return chosen(folder, None, self.preset, self.view, text=self.text), folder


class Plan(Asked, frozen=True, kw_only=True):
    """Say what a run would learn and cost."""

    title = "Working out what it would learn and cost"
    back = "/training"

    def run(self, twin: Twin, told: Told) -> Planned:
        """Return the plan."""
        recipe, folder = self.taken(told)
        return planning.plan(twin, recipe, folder)


class Teach(Asked, frozen=True, kw_only=True):
    """Teach a model; what it does is in the log of the run of this id."""

    title = "Teaching a model"
    back = "/training"

    run_id: str

    def run(self, twin: Twin, told: Told) -> TrainedModel:
        """Return the model that was made."""
        recipe, folder = self.taken(told)
        return learning.train(twin, base=folder, recipe=recipe, run=self.run_id, progress=told)


class Rebuild(Order, frozen=True, kw_only=True):
    """Rebuild the newest model without what is no longer permitted."""

    title = "Rebuilding a model without what may no longer be learned"
    back = "/models"

    run_id: str
    prove: bool = False

    def run(self, twin: Twin, told: Told) -> Retrained:
        """Return the model that took the old one's place."""
        return rebuilding.retrain(twin, prove=self.prove, run=self.run_id, progress=told)


class Examine(Order, frozen=True, kw_only=True):
    """Measure how good a model is, and what it gives away."""

    title = "Examining a model"
    back = "/models"

    model: str
    quick: bool = True
    privacy: bool = False

    def run(self, twin: Twin, told: Told) -> str:
        """Return the model's name; the report is kept beside it."""
        found = evaluating.evaluate(
            twin, self.model, quick=self.quick, privacy=self.privacy, progress=told
        )
        return found.report.model


class MakeExamples(Order, frozen=True, kw_only=True):
    """Make examples of what was collected since."""

    title = "Making examples of what was collected"
    back = "/pairs"

    view: str = ""

    def run(self, twin: Twin, told: Told) -> int:
        """Return how many conversations and documents are still to be looked through: none."""
        twin.catch_up(told)
        training = twin.views.named(self.view)
        training.settle(twin.now)
        return training.pending


class Weigh(Order, frozen=True, kw_only=True):
    """Say whose words, which sources and times dominate the examples."""

    title = "Weighing the examples"
    back = "/pairs"

    view: str = ""

    def run(self, twin: Twin, told: Told) -> Bias:
        """Return what was seen."""
        del told
        return reviewing.report(twin, self.view)
