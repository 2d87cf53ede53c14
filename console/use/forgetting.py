"""Erasing items for ever, and the certificate that says what was looked at.

Before anything goes, what goes and what holds it is noted, sealed: whatever a crash
interrupts is finished when the vault is opened next, to the certificate.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from console.bootstrap import Twin
from console.looking import looked_at, samples, taught, unlearned
from console.papers import Certificate, InPod, Store, Unlearned, write_paper
from console.scratch import remove_left_over
from console.use import podding
from projections.outside import DOWNLOADS, Handed
from trainer.forget import lose
from vault import points
from vault.consent import Effect, Filters, Purpose, Statement
from vault.disk import private_folder, storage
from vault.errors import NotFound, TamperError

__all__ = ["Forgotten", "WrittenOut", "finish", "forget", "is_unfinished", "plan", "preview"]

_NOTE = "erasing"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenOut:
    """Plain words that the owner took out; `is_there` where something is at its place.

    It is null where nobody here can look: another device wrote it, or the place cannot be read.
    """

    kind: str
    place: str
    at: datetime
    is_there: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was (or would be) erased. `mentions` are other items that quote or nearly repeat it.

    `stores` says what was destroyed where and what was found there afterwards; `models` what
    `twin retrain` will have to learn again; `copies` in which folders copies of models lay
    that the vault cannot reach; `written_out` are files with plain words that may hold theirs;
    `in_pod` whether the linked pod has carried it out.
    """

    items: int
    keys_destroyed: int
    rows_removed: int
    rows_rebuilt: int
    models_suspended: tuple[str, ...]
    models: tuple[Unlearned, ...]
    copies: tuple[str, ...]
    mentions: tuple[str, ...]
    written_out: tuple[WrittenOut, ...]
    stores: tuple[Store, ...]
    in_pod: InPod | None
    certificate: Path | None

    @property
    def left(self) -> tuple[Store, ...]:
        """The stores in which something was found that should be gone."""
        return tuple(store for store in self.stores if store.left)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """An erasure that was decided, with what is known of it only beforehand."""

    id: str
    items: tuple[str, ...]
    entries: tuple[str, ...]
    cause: str
    held: dict[str, int]
    samples: tuple[bytes, ...]
    units: frozenset[str]
    models: tuple[str, ...]
    mentions: tuple[str, ...]
    written_out: tuple[Handed, ...] = ()


_order = msgspec.msgpack.Decoder(_Order)


def plan(
    twin: Twin,
    *,
    item_id: str = "",
    conversation: str = "",
    person: str = "",
    source: str = "",
    data_type: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[str, ...]:
    """Return the ids of the items that every filter given is about, in order of time.

    Where a day is given, an item without a date is not meant.

    Raises:
        NotFound: No item matches.
    """
    twin.catch_up()
    if item_id:
        return (twin.views.timeline.show(item_id).id,)
    meant = Statement(
        id="",
        effect=Effect.DENY,
        type=data_type,
        purpose=Purpose.TRAIN,
        filters=Filters(
            source=source, conversation=conversation, person=person, since=since, until=until
        ),
    )
    dated = since is not None or until is not None
    covered = twin.views.timeline.covered(meant)
    found = tuple(one.id for one in covered if one.item.at is not None or not dated)
    if not found:
        raise NotFound("No item matches; `twin search` and `twin show` tell what is there.")
    return found


def is_unfinished(twin: Twin) -> bool:
    """Whether an erasure was interrupted, or is under way."""
    return _NOTE in twin.models.names()


def preview(twin: Twin, item_ids: Sequence[str]) -> Forgotten:
    """Say what erasing would take away; nothing is changed."""
    order = _ordered(twin, item_ids, "asked")
    return Forgotten(
        items=len(order.items),
        keys_destroyed=order.held["data keys"],
        rows_removed=order.held["training rows"],
        rows_rebuilt=0,
        models_suspended=order.models,
        models=(),
        copies=(),
        mentions=order.mentions,
        written_out=_there(twin, order),
        stores=(),
        in_pod=None,
        certificate=None,
    )


def forget(twin: Twin, item_ids: Sequence[str], *, cause: str = "asked") -> Forgotten:
    """Erase items: their keys, their text, their rows, and every state that learned from them.

    Args:
        twin: The opened vault.
        item_ids: The items.
        cause: `asked` by the owner, or `retention` by a rule of hers.
    """
    with _alone(twin, wait=True):
        _finish(twin)
        order = _ordered(twin, item_ids, cause)
        twin.models.write(_NOTE, msgspec.msgpack.encode(order))
        points.reached("forget.noted")
        twin.vault.erase(order.entries, twin.masked_of(item_ids), cause=cause)
        return _carry_out(twin, order)


def finish(twin: Twin) -> Forgotten | None:
    """Finish an erasure that a crash interrupted; None where there is none.

    What was noted and not yet on the record is not erased: nobody was told that it was.
    """
    if not is_unfinished(twin):
        return None
    with _alone(twin, wait=False) as alone:
        return _finish(twin) if alone else None


def _finish(twin: Twin) -> Forgotten | None:
    twin.catch_up()
    try:
        content = twin.models.read(_NOTE)
    except TamperError:
        # The owner key was replaced since. Opening the log has finished with keys and bodies;
        # what models learned is decided without the note, and only the certificate is lost.
        twin.suspend_tainted("erased")
        twin.destroy_tainted_states()
        twin.models.delete(_NOTE)
        return None
    if content is None:
        return None
    order = _order.decode(content)
    if twin.views.timeline.were_erased(order.items):
        return _carry_out(twin, order)
    twin.models.delete(_NOTE)
    return None


def _ordered(twin: Twin, item_ids: Sequence[str], cause: str) -> _Order:
    views = twin.views
    words = (*views.entries(item_ids), *views.repeating(item_ids))
    # Entries under the same natural key are the same item, whichever device wrote them.
    family = [one.header.id for one in twin.log.with_revisions(twin.log.located(words))]
    files = views.timeline.attached.alone(item_ids)
    records = views.imports.left_by(item_ids, views.timeline)
    entries = tuple(dict.fromkeys((*words, *family, *files, *records)))
    sampled = samples(twin, entries)
    return _Order(
        id=uuid4().hex,
        items=tuple(item_ids),
        entries=entries,
        cause=cause,
        held=looked_at(twin, item_ids, entries, sampled),
        samples=sampled,
        units=views.training.units(item_ids),
        models=taught(twin, item_ids),
        mentions=tuple(dict.fromkeys(found.id for found in views.timeline.mentions(item_ids))),
        written_out=views.outside.holding(
            entries,
            # What went meanwhile, by another process, has nothing left to be told of.
            min(
                (one.position for one in views.timeline.load(item_ids)),
                default=twin.log.head.position,
            ),
        ),
    )


def _carry_out(twin: Twin, order: _Order) -> Forgotten:
    """Take away what followed from the items; look whether anything is left; write it down."""
    position = twin.catch_up()
    # What is due is computed at once: the lists of what to compute name conversations.
    twin.views.settle(twin.vault.now())
    twin.suspend_tainted("erased")
    points.reached("forget.suspended")
    lost = lose(twin.views.lineage, twin.models, twin.vault.now(), strangers=True)
    twin.voices.clear()
    with twin.fingerprints() as prints:
        prints.clear()
    remove_left_over(twin.home)
    points.reached("forget.purged")
    name = f"certificate-{order.id}"
    in_pod = podding.carry_out(twin, name)
    points.reached("forget.pod")
    held = looked_at(twin, order.items, order.entries, order.samples)
    certificate = Certificate(
        items=order.items,
        entries=len(order.entries),
        cause=order.cause,
        at=twin.vault.now(),
        position=position,
        checkpoint=twin.log.head.root.hex(),
        stores=tuple(
            Store(store=name, destroyed=max(0, order.held.get(name, 0) - left), left=left)
            for name, left in held.items()
        ),
        rows_removed=order.held["training rows"],
        rows_rebuilt=twin.views.training.rows_in(order.units),
        models=unlearned(twin, order.models, order.items),
        copies_beyond_reach=tuple(copy.entry for copy in lost.beyond if copy.model in order.models),
        mentions=order.mentions,
        in_pod=in_pod,
        written_out=tuple(one.entry for one in order.written_out),
    )
    path = write_paper(twin, name, certificate)
    twin.models.delete(_NOTE)
    points.reached("forget.finished")
    return Forgotten(
        items=len(order.items),
        keys_destroyed=order.held["data keys"] - held["data keys"],
        rows_removed=certificate.rows_removed,
        rows_rebuilt=certificate.rows_rebuilt,
        models_suspended=order.models,
        models=certificate.models,
        copies=tuple(copy.folder for copy in lost.beyond if copy.model in order.models),
        mentions=order.mentions,
        written_out=_there(twin, order),
        stores=certificate.stores,
        in_pod=in_pod,
        certificate=path,
    )


def _there(twin: Twin, order: _Order) -> tuple[WrittenOut, ...]:
    ours = f"{twin.log.public_key[:8].hex()}-"
    return tuple(
        WrittenOut(
            kind=one.kind,
            place=one.place,
            at=one.at,
            is_there=_is_there(one.place) if one.entry.startswith(ours) else None,
        )
        for one in order.written_out
    )


def _is_there(place: str) -> bool | None:
    if place == DOWNLOADS:
        return None
    try:
        Path(place).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return None
    return True


@contextmanager
def _alone(twin: Twin, *, wait: bool) -> Iterator[bool]:
    """Be the only process that erases here; False where another one is, and nobody waits."""
    folder = twin.home / "papers"
    with storage("The folder papers"):
        private_folder(folder)
        lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)
