"""Events as earlier releases wrote them, and how each becomes the event of today.

A record class here is frozen for ever: it says what stands under its topic in logs that
exist. Nothing is written under these topics any more. A new version of an event moves the
class as it was to this module, under its old topic, with one function from old to new.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from vault import events as e

__all__ = [
    "EARLIER",
    "DeviceRevoked1",
    "ItemErased1",
    "Manifest1",
    "ModelRetrained1",
    "ModelTrained1",
    "Upcast",
]

Old = TypeVar("Old")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemErased1:
    """The data keys of these entries were destroyed; the signed entries stay."""

    item_ids: tuple[str, ...]
    masked: tuple[e.MaskedAlias, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRevoked1:
    """A device's signatures count no more."""

    device: str
    certificate: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest1:
    """What a model was made from, but for the items that its rows hold."""

    model: str
    kind: str
    base: str
    base_path: str
    recipe: str
    environment: str
    position: int
    checkpoint: str
    rows: int
    rows_root: str
    statements: tuple[str, ...]
    slices: tuple[e.SliceState, ...]
    weights: str
    metrics: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTrained1:
    """A model came into being. `signature` is the device key's over the encoded manifest."""

    manifest: Manifest1
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRetrained1:
    """A model was rebuilt without what is no longer permitted; it takes `replaces`' place."""

    manifest: Manifest1
    signature: bytes
    replaces: str
    replayed_slices: int
    identical_to_clean_run: bool | None = None


@dataclass(frozen=True, slots=True)
class Upcast(Generic[Old]):
    """One earlier version of an event: its record, and what it is today."""

    old: type[Old]
    event: type[e.Event]
    renew: Callable[[Old], e.Event]


def _item_erased(old: ItemErased1) -> e.ItemErased:
    return e.ItemErased(item_ids=old.item_ids, masked=old.masked)


def _device_revoked(old: DeviceRevoked1) -> e.DeviceRevoked:
    # It never said from where on, so nothing of the device counts: what is unknown is denied.
    return e.DeviceRevoked(device=old.device, size=0, certificate=old.certificate)


def _manifest(old: Manifest1) -> e.Manifest:
    said = {one.name: getattr(old, one.name) for one in fields(old)}
    return e.Manifest(**said)


def _model_trained(old: ModelTrained1) -> e.ModelTrained:
    return e.ModelTrained(manifest=_manifest(old.manifest), signature=old.signature)


def _model_retrained(old: ModelRetrained1) -> e.ModelRetrained:
    return e.ModelRetrained(
        manifest=_manifest(old.manifest),
        signature=old.signature,
        replaces=old.replaces,
        replayed_slices=old.replayed_slices,
        identical_to_clean_run=old.identical_to_clean_run,
    )


EARLIER: Mapping[str, Upcast[Any]] = {
    "item.erased/1": Upcast(ItemErased1, e.ItemErased, _item_erased),
    "device.revoked/1": Upcast(DeviceRevoked1, e.DeviceRevoked, _device_revoked),
    "model.trained/1": Upcast(ModelTrained1, e.ModelTrained, _model_trained),
    "model.retrained/1": Upcast(ModelRetrained1, e.ModelRetrained, _model_retrained),
}
"""The topics that are still read and no longer written."""
