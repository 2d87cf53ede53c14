"""What of this device goes into the owner's pod, and what tells that nothing of it is new.

Papers go, since they are free of content; of models those alone that learned from nothing but
what may be there, and they leave with that. Runs that were not finished stay at home, and so do
evaluations: they tell of items that a model never learned from.
"""

import hashlib
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from console.bootstrap import Twin
from console.use import mirroring
from projections.mirrored import Mirrored
from trainer import states
from vault import mirrors
from vault.consent import in_force
from vault.events import Event
from vault.mirrors import Given

if TYPE_CHECKING:
    from pod_sync.place import PodPlace

__all__ = ["edition", "give", "mirrored"]

Progress = Callable[[int, int], None]


def give(twin: Twin, place: "PodPlace", present: bytes, progress: Progress | None = None) -> Given:
    """Bring the mirror in a pod up to what this device has, and remember that it is.

    Args:
        twin: The open vault.
        place: The mirror.
        present: The `edition` that all of the pod is brought up to.
        progress: Told (entries done, entries in all).

    Raises:
        PodError: The pod is away, or refuses; giving again goes on.
        RolledBack: The mirror knows more of this device's feed than its log, or another.
    """
    # What another process appends meanwhile is for the next time.
    root = twin.log.head.root.hex()
    bodies = mirrored(twin)
    wanted = partial(_may_leave, *_leaving(twin, bodies))
    keepsakes = mirroring.keepsakes(twin, wanted)
    given = mirrors.give(twin.log, twin.home, place, keepsakes, progress, withholding=bodies)
    place.settle(present, checkpoint=root, at=round(twin.vault.now().timestamp() * 1e9))
    return given


def mirrored(twin: Twin) -> Mirrored:
    """Return who says which bodies may be in the pod now."""

    def opened(ids: Sequence[str]) -> dict[str, Event | None]:
        records = twin.log.located(ids, revoked=True)
        return {entry.id: entry.event for entry in twin.log.opened(records)}

    return Mirrored(twin.views, opened, twin.vault.now())


def _leaving(twin: Twin, bodies: Mirrored) -> tuple[AbstractSet[str], AbstractSet[str]]:
    """Return the models that may be in the pod now, and the states of theirs."""
    models = bodies.models(twin.models)
    lineage = twin.views.lineage
    manifests = (lineage.model(name).manifest for name in models)
    return models, {slice_.state for made in manifests for slice_ in made.slices}


def _may_leave(models: AbstractSet[str], kept: AbstractSet[str], name: str) -> bool:
    """Whether a file of a model may be in the pod: its weights, or which rows it learned from."""
    whole = {states.name_of(state) for state in kept}
    return name in whole or name in {f"{model}.rows" for model in models}


def edition(twin: Twin) -> bytes:
    """Return what changes whenever this device may have something new for the pod."""
    head, now = twin.log.head, twin.vault.now()
    said = in_force(twin.views.permissions.statements)
    kept = (list(keepsake[:3]) for keepsake in mirroring.keepsakes(twin))
    return hashlib.sha256(
        msgspec.msgpack.encode(
            (
                (head.size, head.root, twin.log.order),
                (twin.home / "vault.json").read_bytes(),
                mirrored(twin).edition,
                [one.id for one in said if one.expires is None or now < one.expires],
                list(kept),
            )
        )
    ).digest()
