"""Receipts and certificates: signed JSON that a person keeps, free of content.

A paper names statements, positions and counts; the values of filters and all words stay
in the sealed log, so the folder of a locked vault tells nothing by its papers.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from vault import points
from vault.consent import Purpose
from vault.disk import private_folder, storage, write_atomic
from vault.events import Manifest

if TYPE_CHECKING:
    from console.bootstrap import Twin

__all__ = [
    "Certificate",
    "Derivation",
    "InPod",
    "PodErasure",
    "Rebuild",
    "Receipt",
    "Store",
    "Unlearned",
    "write_paper",
]


KEPT_BY_HOST = (
    "Copies that the pod's host kept of files which were deleted there: nobody reads them but who "
    "has a passphrase or a recovery page of the vault, of then or of later."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """That a permission was withdrawn. `filters` names the filters used, not their values."""

    statement: str
    type: str
    purpose: Purpose
    filters: tuple[str, ...]
    at: datetime
    position: int
    checkpoint: str
    rows_removed: int
    models_suspended: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One place that held something of the items.

    What it held was counted before, and looked for again afterwards: `left` is what was
    found then.
    """

    store: str
    destroyed: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlearned:
    """A model that learned from the items: `replays` of its `slices` must be learned again.

    Its weights are destroyed, it may not answer, and `twin retrain` rebuilds it.
    """

    model: str
    rows: int
    slices: int
    replays: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InPod:
    """What became of an erasure in the owner's pod: carried out, or owed to the next sync."""

    pod: str
    erased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PodErasure:
    """That an erasure was carried out in the pod, which its certificate says was still owed."""

    certificate: str
    pod: str
    at: datetime
    checkpoint: str
    not_promised: tuple[str, ...] = (KEPT_BY_HOST,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """That items were erased here, what was looked at, and what nobody can promise.

    `cause` is `asked` or `retention`. `rows_rebuilt` training rows were made anew without
    the items; `mentions` are other items that quote them. `copies_beyond_reach` are the log
    entries that say where copies of the models were written which are not there any more;
    `written_out` those that say where files were written which may hold the words still;
    `in_pod` is null where no pod is linked.
    """

    items: tuple[str, ...]
    entries: int
    cause: str
    at: datetime
    position: int
    checkpoint: str
    stores: tuple[Store, ...]
    rows_removed: int
    rows_rebuilt: int
    models: tuple[Unlearned, ...]
    copies_beyond_reach: tuple[str, ...]
    mentions: tuple[str, ...]
    in_pod: InPod | None = None
    written_out: tuple[str, ...] = ()
    not_promised: tuple[str, ...] = (
        "Backups and exports of this vault that were made earlier.",
        "Other devices of this vault, until they have exchanged with this one.",
        "Copies that other people or services hold.",
        "Blocks that the storage device keeps of overwritten data; keys were stored encrypted.",
        KEPT_BY_HOST,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """What a model came from: its rows by their roots, under which statements, by which states."""

    model: str
    base: str
    recipe: str
    position: int
    rows: int
    rows_root: str
    items: int
    items_root: str
    statements: tuple[str, ...]
    states: tuple[str, ...]
    weights: str

    @classmethod
    def of(cls, made: Manifest) -> Self:
        """Return what a manifest says."""
        return cls(
            model=made.model,
            base=made.base,
            recipe=made.recipe,
            position=made.position,
            rows=made.rows,
            rows_root=made.rows_root,
            items=made.items,
            items_root=made.items_root,
            statements=made.statements,
            states=tuple(slice_.state for slice_ in made.slices),
            weights=made.weights,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """That a model was made again without what is no longer permitted.

    `identical_to_clean_run` is what a run said that never saw the rest: null without one, or
    in another environment. Exposures are bits of canaries, null where nobody measured.
    `copies_deleted` and `copies_beyond_reach` are the log entries that say where copies of the
    old model were written; the second ones are for the owner to delete.
    """

    before: Derivation
    after: Derivation
    environment: str
    replayed_slices: int
    states_deleted: int
    identical_to_clean_run: bool | None
    exposure_before: float | None
    exposure_after: float | None
    copies_deleted: tuple[str, ...]
    copies_beyond_reach: tuple[str, ...]
    at: datetime
    position: int
    checkpoint: str
    not_promised: tuple[str, ...] = (
        "Copies of the old model that were written elsewhere, and what was made from them.",
        "Backups and exports of this vault that were made earlier.",
        "Identical bits in another environment than the one named here.",
    )


def write_paper(
    twin: "Twin", name: str, paper: Receipt | Certificate | PodErasure | Rebuild
) -> Path:
    """Write a paper with the device's signature over its bytes; return its path.

    How anybody checks it stands in `specs/road-back.md`.

    Raises:
        StorageError: The disk refused.
    """
    body = msgspec.json.encode(paper, order="deterministic")
    signed = {
        "paper": body.decode(),
        "public_key": twin.log.public_key.hex(),
        "signature": base64.b64encode(twin.log.sign(body)).decode(),
    }
    path = twin.home / "papers" / f"{name}.json"
    with storage("The folder papers"):
        private_folder(path.parent)
        write_atomic(path, msgspec.json.format(msgspec.json.encode(signed), indent=1) + b"\n")
    points.reached("paper.written")
    return path
