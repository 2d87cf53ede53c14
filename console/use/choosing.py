"""Choosing which model answers, and giving one up for good."""

from dataclasses import dataclass

from console.bootstrap import Twin
from console.use.speaking import refuse_retired, suspend
from projections import lineage
from trainer import forget
from vault.errors import NotPermitted, UsageError
from vault.events import ModelPreferred, ModelRetired

__all__ = ["NEWEST", "Promoted", "Retired", "promote", "retire"]

NEWEST = "newest"
"""What is promoted where no model is to be preferred to a newer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """The model that answers from now on where none is named; empty where none may.

    `preferred` is empty where simply the newest answers; `changed` is false where that was so.
    """

    answers: str
    preferred: str
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A model that was given up, how many of its states were deleted, and where copies lie."""

    model: str
    states_deleted: int
    copies: tuple[str, ...]
    answers: str


def promote(twin: Twin, model: str, *, believed: str | None = None) -> Promoted:
    """Let a model answer where none is named, also when newer ones come.

    Args:
        twin: The opened vault.
        model: Which; `newest` ends the preference.
        believed: Which one answered when the owner decided, where that is to be checked.

    Raises:
        NotFound: There is no such model.
        NotPermitted: It may not answer.
        UsageError: Another one answers by now than was believed.
    """
    suspend(twin)
    _check_believed(twin, believed)
    chosen = "" if model == NEWEST else twin.manifest(model).model
    if chosen and not twin.views.lineage.usable(chosen, twin.vault.now()):
        refuse_retired(twin, chosen)
        raise NotPermitted(
            f"{chosen} is {twin.views.lineage.model(chosen).status} and may not answer; "
            "`twin models` shows which may."
        )
    changed = chosen != twin.views.lineage.preferred
    if changed:
        twin.vault.record(ModelPreferred(model=chosen))
        twin.catch_up()
    return Promoted(answers=twin.views.lineage.answering, preferred=chosen, changed=changed)


def retire(twin: Twin, model: str) -> Retired:
    """Give a model up: it never answers again, and what it learned is deleted here.

    States that another model shares stay with that one; copies for other programs stay where
    they lie. The log keeps that the model was, and what it was made from.

    Raises:
        NotFound: There is no such model.
        NotPermitted: It was retired before.
    """
    suspend(twin)
    name = twin.manifest(_named(model)).model
    refuse_retired(twin, name)
    twin.vault.record(ModelRetired(model=name))
    twin.catch_up()
    view = twin.views.lineage
    deleted = forget.lose(view, twin.models, twin.vault.now()).states
    twin.voices.clear()
    copies = tuple(copy.folder for copy in view.exports(name))
    # Whether a copy of it, or its child, is lost later is told by its rows.
    if not copies:
        lineage.forget_rows(twin.models, name)
    return Retired(model=name, states_deleted=deleted, copies=copies, answers=view.answering)


def _named(model: str) -> str:
    if not model:
        raise UsageError("Say which model to give up; `twin models` lists them.")
    return model


def _check_believed(twin: Twin, believed: str | None) -> None:
    answers = twin.views.lineage.answering
    if believed is not None and believed != answers:
        raise UsageError(
            f"This changed meanwhile: {answers or 'no model'} answers by now. Look at the models "
            "again, then decide."
        )
