"""Models as their owner looks at them: what each is, why it may not answer, what it is made from."""

from dataclasses import dataclass
from datetime import datetime

from console.bootstrap import Twin
from projections.lineage import Export, Model
from trainer.evaluate.report import Report, evaluated
from trainer.recipe import Recipe
from vault.errors import NotFound
from vault.events import SliceState

__all__ = ["Described", "Registered", "Registry", "describe", "registry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A model in a line; `kind` is `scratch` or `lora`, `cause` says why it was suspended."""

    model: str
    status: str
    answers: bool
    at: datetime
    position: int
    rows: int
    recipe: str
    kind: str
    view: str
    cause: str
    replaced_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Every model, the newest first.

    `answering` answers where none is named; `preferred` is the one that the owner chose.
    """

    models: tuple[Registered, ...]
    answering: str
    preferred: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Everything that is known of a model.

    `usable` says whether all of it may answer now; where it may not, `clean` is how many of its
    first slices may. `lost` counts the rows that were lost when it was suspended. `parents` are
    models whose copy it was made from, `replaces` those whose place it took. `report` is there
    once it was examined, as long as it may answer.
    """

    head: Registered
    preferred: bool
    usable: bool
    clean: int
    lost: int
    slices: tuple[SliceState, ...]
    statements: int
    items: int
    base: str
    base_path: str
    weights: str
    recipe: Recipe
    metrics: tuple[tuple[str, float], ...]
    parents: tuple[str, ...]
    replaces: tuple[str, ...]
    exports: tuple[Export, ...]
    report: Report | None


def registry(twin: Twin) -> Registry:
    """List every model as it stands on the record, the newest first."""
    twin.catch_up()
    view = twin.views.lineage
    answering = view.answering
    return Registry(
        models=tuple(_registered(model, answering) for model in view.models()),
        answering=answering,
        preferred=view.preferred,
    )


def describe(twin: Twin, name: str) -> Described:
    """Describe one model; consent is asked anew whether it may answer.

    Raises:
        NotFound: There is no such model.
    """
    twin.catch_up()
    view, now = twin.views.lineage, twin.vault.now()
    if not name:
        raise NotFound("There is no model without a name; `twin models` lists them.")
    model = view.model(name)
    made, usable = model.manifest, view.usable(name, now)
    return Described(
        head=_registered(model, view.answering),
        preferred=view.preferred == name,
        usable=usable,
        clean=len(made.slices) if usable else len(_clean(twin, model, now)),
        lost=model.lost,
        slices=made.slices,
        statements=len(made.statements),
        items=made.items,
        base=made.base,
        base_path=made.base_path,
        weights=made.weights,
        recipe=Recipe.from_canonical(made.recipe),
        metrics=made.metrics,
        parents=view.ancestry(name)[1:],
        replaces=tuple(other.id for other in view.models() if other.replaced_by == name),
        exports=view.exports(name),
        report=next(iter(evaluated(twin.models, [name])), None) if usable else None,
    )


def _clean(twin: Twin, model: Model, now: datetime) -> tuple[SliceState, ...]:
    """Return the slices that may answer of a suspended model: never all, as `twin chat` has it."""
    if model.status not in {"suspended", "trained"}:
        return ()
    return twin.views.lineage.clean(model.id, now)[: len(model.manifest.slices) - 1]


def _registered(model: Model, answering: str) -> Registered:
    recipe = Recipe.from_canonical(model.manifest.recipe)
    return Registered(
        model=model.id,
        status=model.status,
        answers=model.id == answering,
        at=model.at,
        position=model.manifest.position,
        rows=model.manifest.rows,
        recipe=recipe.name,
        kind=recipe.kind,
        view=recipe.view,
        cause=model.cause,
        replaced_by=model.replaced_by,
    )
