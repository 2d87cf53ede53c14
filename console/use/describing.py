"""Models as their owner looks at them: what each is, why it may not answer, what it is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from console.bootstrap import Twin
from projections.lineage import Export, Model
from projections.permissions import Told
from trainer.evaluate.report import Report, evaluated
from trainer.recipe import Recipe
from vault.errors import NotFound
from vault.events import SliceState

__all__ = ["Described", "Registered", "Registry", "describe", "registry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A model in a line; `kind` is `seed`, `scratch` or `lora`, `because` says why it was suspended."""

    model: str
    status: str
    answers: bool
    at: datetime
    position: int
    rows: int
    recipe: str
    kind: str
    view: str
    because: str
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
    answering, told = view.answering, _told(twin)
    return Registry(
        models=tuple(_registered(model, answering, told) for model in view.models()),
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
        head=_registered(model, view.answering, _told(twin)),
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


def _registered(model: Model, answering: str, told: Mapping[str, Told]) -> Registered:
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
        because=_because(told, model.cause) if model.status == "suspended" else "",
        replaced_by=model.replaced_by,
    )


def _told(twin: Twin) -> dict[str, Told]:
    return {one.words.id: one for one in twin.views.permissions.told}


def _because(told: Mapping[str, Told], cause: str) -> str:
    """Say why a model was suspended, where the log names a statement or says one word."""
    if one := told.get(cause):
        day = f"{one.at.astimezone():%-d %b %Y}"
        if one.withdrawn:
            return f"you took a permission back on {day}"
        return f"consent changed on {day}"
    known = (words for begin, words in _CAUSES if cause.startswith(begin))
    return next(known, "what may be learned changed")


_CAUSES = (
    ("erased", "something was erased"),
    ("people", "you said who somebody is"),
    ("label", "you said what an item is about"),
    ("consent edited in the pod", "consent was edited in your pod"),
    ("restored", "statements of a copy came back"),
    ("no longer permitted", "a permission came to its end"),
    ("differs", "it differs from a clean run"),
)
