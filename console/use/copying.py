"""Copies of a model for other programs, each on the record before it is handed out."""

from dataclasses import dataclass
from pathlib import Path

from console.bootstrap import Twin
from console.use.speaking import refuse_retired, suspend
from projections import lineage
from trainer import folder
from trainer.base import inspect
from trainer.states import name_of
from vault.errors import NotFound, NotPermitted, UsageError

__all__ = ["Copied", "copy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A model that was written into a folder."""

    model: str
    out: Path
    card: Path


def copy(twin: Twin, model: str, out: Path) -> Copied:
    """Write a model into a folder: a network of its own whole, an adapted one as its adapter.

    The log says so, so that a certificate can name the copy once the model is lost.

    Raises:
        NotFound: There is no such model, or its weights are gone.
        NotPermitted: It learned from what is no longer permitted.
        Exists: There is something at that place.
        UsageError: The folder would lie within the vault.
        StorageError: The disk refused.
    """
    if out.resolve().is_relative_to(twin.home.resolve()):
        raise UsageError(f"{out} lies within the vault, whose files are encrypted; name another.")
    suspend(twin)
    made = twin.manifest(model)
    refuse_retired(twin, made.model)
    if not twin.views.lineage.usable(made.model, twin.vault.now()):
        raise NotPermitted(
            f"{made.model} learned from what is no longer permitted, and is not handed out; "
            "`twin retrain` rebuilds it without."
        )
    weights = twin.models.read(name_of(made.slices[-1].state))
    if weights is None:
        raise NotFound(f"The weights of {made.model} are gone; `twin retrain` makes them again.")
    with folder.written(made, weights, out) as draft:
        digest = "" if made.kind == "lora" else inspect(draft).digest
        copied = lineage.disclosed(
            made.model, folder=str(out.resolve()), digest=digest, items=made.items
        )
        twin.vault.record(copied)
    twin.catch_up()
    return Copied(model=made.model, out=out.absolute(), card=(out / folder.CARD).absolute())
