"""Events as earlier releases wrote them, and how each becomes the event of today.

A record class here is frozen for ever: it says what stands under its topic in logs that
exist. Nothing is written under these topics any more. A new version of an event moves the
class as it was to this module, under its old topic, with one function from old to new.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Generic, TypeVar

from vault import events as e
from vault.items import Agent, Attachment, Bad, Item, Precision

__all__ = [
    "EARLIER",
    "DeviceRevoked1",
    "ImportFinished1",
    "ItemErased1",
    "Manifest1",
    "ModelRetrained1",
    "ModelTrained1",
    "Upcast",
    "untagged",
]

Old = TypeVar("Old")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFinished1:
    """One reading of one export came to its end."""

    source: str
    locator: str
    read: int
    collected: int
    duplicates: int
    bad_reasons: tuple[tuple[str, int], ...] = ()
    bad: tuple[Bad, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item1:
    """One message, note or entry, as the source states it, but for its tags."""

    source: str
    native_id: str
    type: str
    at: datetime | None = None
    offset: int | None = None
    precision: Precision = Precision.SECOND
    assumed: bool = False
    author: Agent | None = None
    to: tuple[Agent, ...] = ()
    conversation: str = ""
    reply_to: str = ""
    title: str = ""
    text: str = ""
    text_new: str | None = None
    language: str = ""
    labels: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    locator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCollected1:
    """An item was read for the first time."""

    item: Item1


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRevised1:
    """The source now states an item differently; `item_id` is the entry that first held it."""

    item_id: str
    item: Item1


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


def _import_finished(old: ImportFinished1) -> e.ImportFinished:
    return e.ImportFinished(
        locator=old.locator,
        read=old.read,
        collected=old.collected,
        duplicates=old.duplicates,
        sources=tuple((name, 0) for name in old.source.split(", ") if name),
        bad_reasons=old.bad_reasons,
        bad=old.bad,
        first_at=old.first_at,
        last_at=old.last_at,
    )


def _item(old: Item1) -> Item:
    # Field by field: as many as a vault has items are renewed whenever a view is made.
    return Item(
        source=old.source,
        native_id=old.native_id,
        type=old.type,
        at=old.at,
        offset=old.offset,
        precision=old.precision,
        assumed=old.assumed,
        author=old.author,
        to=old.to,
        conversation=old.conversation,
        reply_to=old.reply_to,
        title=old.title,
        text=old.text,
        text_new=old.text_new,
        language=old.language,
        labels=old.labels,
        attachments=old.attachments,
        locator=old.locator,
    )


def untagged(item: Item) -> ItemCollected1:
    """Return what an item without tags was, and is still known by, without where it stood."""
    return ItemCollected1(
        item=Item1(
            source=item.source,
            native_id=item.native_id,
            type=item.type,
            at=item.at,
            offset=item.offset,
            precision=item.precision,
            assumed=item.assumed,
            author=item.author,
            to=item.to,
            conversation=item.conversation,
            reply_to=item.reply_to,
            title=item.title,
            text=item.text,
            text_new=item.text_new,
            language=item.language,
            labels=item.labels,
            attachments=item.attachments,
        )
    )


def _item_collected(old: ItemCollected1) -> e.ItemCollected:
    return e.ItemCollected(item=_item(old.item))


def _item_revised(old: ItemRevised1) -> e.ItemRevised:
    return e.ItemRevised(item_id=old.item_id, item=_item(old.item))


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
    "import.finished/1": Upcast(ImportFinished1, e.ImportFinished, _import_finished),
    "item.collected/1": Upcast(ItemCollected1, e.ItemCollected, _item_collected),
    "item.revised/1": Upcast(ItemRevised1, e.ItemRevised, _item_revised),
    "item.erased/1": Upcast(ItemErased1, e.ItemErased, _item_erased),
    "device.revoked/1": Upcast(DeviceRevoked1, e.DeviceRevoked, _device_revoked),
    "model.trained/1": Upcast(ModelTrained1, e.ModelTrained, _model_trained),
    "model.retrained/1": Upcast(ModelRetrained1, e.ModelRetrained, _model_retrained),
}
"""The topics that are still read and no longer written."""
