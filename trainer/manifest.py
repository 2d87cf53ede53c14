"""The manifest: what a model was made from, completely, ready to be signed and logged."""

from projections.roots import rows_root
from trainer.finetune import Trained
from vault.events import Manifest, SliceState
from vault.membership import Members

__all__ = ["build"]


def build(
    trained: Trained,
    *,
    model: str,
    position: int,
    checkpoint: str,
) -> Manifest:
    """Return the manifest of a finished run.

    Args:
        trained: The run.
        model: The name under which the model is registered.
        position: The log position at which its rows were pinned.
        checkpoint: The root of the checkpoint at that position, hex.
    """
    plan = trained.plan
    rows = plan.rows
    items = Members(item for row in rows for item in row.events)
    return Manifest(
        model=model,
        kind=plan.recipe.kind,
        base=plan.foundation.digest if plan.recipe.kind != "scratch" else "",
        base_path=plan.foundation.path,
        recipe=plan.recipe.canonical(),
        environment=plan.environment.canonical(),
        position=position,
        checkpoint=checkpoint,
        rows=len(rows),
        rows_root=rows_root(rows),
        statements=tuple(sorted({said for row in rows for said in row.statements})),
        slices=tuple(
            SliceState(name=slice_.name, state=slice_.state, rows=len(slice_.rows))
            for slice_ in plan.slices
        ),
        weights=trained.weights,
        metrics=trained.metrics,
        items=items.size,
        items_root=items.root,
    )
