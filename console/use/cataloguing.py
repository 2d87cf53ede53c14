"""The catalogue in the owner's pod: how many items of which type and month lie there.

New items are counted in; everything is counted anew where something else changed than that.
"""

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from console.bootstrap import Twin
from console.use import giving
from console.use.entering import ROOT
from projections.mirrored import Mirrored

if TYPE_CHECKING:
    from pod_sync.session import Session

__all__ = ["publish"]

_PATH: Final = f"{ROOT}catalogue/items.ttl"


class _Kept(msgspec.Struct):
    """What was counted: up to which item, under which consent, and what was written of it.

    Of each type and month the number of items and their bytes.
    """

    edition: bytes = b""
    position: int = 0
    items: int = 0
    counts: list[tuple[str, str, int, int]] = []
    written: bytes = b""


def publish(twin: Twin, talk: "Session", owner: str) -> bool:
    """Write the catalogue where it says something else than before; tell whether it was written.

    Raises:
        PodError: The pod is away, or refuses.
    """
    from pod_sync.catalogue import Counted, catalogue  # noqa: PLC0415 — heavy

    kept = _counted(twin)
    rows = (Counted(type=t, month=m, items=n, bytes=b) for t, m, n, b in kept.counts)
    content = catalogue(rows, owner)
    digest = hashlib.sha256(content).digest()
    changed = digest != kept.written
    if changed:
        talk.put(_PATH, content, "text/turtle")
        kept.written = digest
    twin.pod.count(msgspec.msgpack.encode(kept))
    return changed


def _counted(twin: Twin) -> _Kept:
    """Return the counts as they are now."""
    mirrored, timeline = giving.mirrored(twin), twin.views.timeline
    edition = mirrored.edition + timeline.reworded
    kept = msgspec.msgpack.decode(twin.pod.counted or msgspec.msgpack.encode(_Kept()), type=_Kept)
    fresh = timeline.since(kept.position)
    if kept.edition != edition or kept.items + len(fresh) != timeline.count():
        # Something was erased, restated, allowed or forbidden.
        kept, fresh = _Kept(edition=edition, written=kept.written), timeline.since(0)
    _count(mirrored, fresh, kept)
    kept.items += len(fresh)
    kept.position = timeline.position
    return kept


def _count(mirrored: Mirrored, fresh: list[str], kept: _Kept) -> None:
    items, sizes = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for type_, month, number, size in kept.counts:
        items[type_, month], sizes[type_, month] = number, size
    for stored in mirrored.there(fresh):
        at = stored.item.at
        key = (stored.item.type, "" if at is None else f"{at:%Y-%m}")
        items[key] += 1
        sizes[key] += len(stored.item.text.encode("utf-8", "surrogatepass"))
    kept.counts = [(*key, items[key], sizes[key]) for key in sorted(items)]
