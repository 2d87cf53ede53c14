"""The manifest: what a model was made from, completely, ready to be signed and logged."""

import hashlib
from collections.abc import Iterable, Sequence

from projections.rows import Row, digest
from trainer.finetune import Trained
from vault.events import Manifest, SliceState

__all__ = ["build", "rows_root"]


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
    return Manifest(
        model=model,
        kind=plan.recipe.kind,
        base=plan.foundation.digest if plan.recipe.kind == "lora" else "",
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
    )


def rows_root(rows: Iterable[Row]) -> str:
    """Return the RFC 9162 root over the sorted digests of rows, hex."""
    leaves = sorted(bytes.fromhex(digest(row.events, row.messages, row.split)) for row in rows)
    return _root([hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]).hex()


def _root(hashes: Sequence[bytes]) -> bytes:
    """Return the Merkle tree head of leaf hashes (RFC 9162, section 2.1.1)."""
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    pair = _root(hashes[:half]) + _root(hashes[half:])
    return hashlib.sha256(b"\x01" + pair).digest()
