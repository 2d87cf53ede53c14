"""Proofs for others: making them from the open vault, and checking them without one."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from projections import lineage, outside
from vault import learning_proof, proofs
from vault.disk import storage, write_atomic
from vault.errors import Exists
from vault.learning_proof import ProvedLearning
from vault.proofs import ProvedEntry, ProvedGrowth, TreeHead

if TYPE_CHECKING:
    from console.bootstrap import Twin

__all__ = [
    "Kept",
    "Proved",
    "Written",
    "checkpoint",
    "prove",
    "prove_learning",
    "prove_since",
    "shows_older_words",
    "verify",
]

Proved = ProvedEntry | ProvedGrowth | ProvedLearning


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A proof that was written, and what it proves."""

    out: Path
    proved: Proved


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The newest checkpoint of this device; `note` is its text."""

    feed: str
    tree: TreeHead
    note: str
    out: Path | None


def shows_older_words(twin: "Twin", entry_id: str) -> bool:
    """Whether an entry says something else than its item says now, corrected or revised since."""
    twin.catch_up()
    item = getattr(twin.log.entry(entry_id).event, "item", None)
    return item is not None and any(
        stored.item.text != item.text for stored in twin.views.timeline.load([entry_id])
    )


def prove(
    twin: "Twin", entry_id: str, *, reveal: bool, out: Path | None, place: str = ""
) -> Written:
    """Write the proof that an entry stands in the log; that words are shown is on the record.

    Args:
        twin: The opened vault.
        entry_id: The entry.
        reveal: Show its words too, to whoever has the proof.
        out: The file; by default it is named after the entry.
        place: Where the owner will have it, if that is elsewhere.

    Raises:
        NotFound: There is no such entry.
        Erased: Its words are to be shown, and there are none any more.
        Exists: There is a file of that name.
    """
    data = proofs.prove(twin.log, entry_id, reveal=reveal)
    file = _new(out or Path(f"{entry_id}.tlog-proof"))
    if reveal:
        place = place or str(file.resolve())
        twin.vault.record(outside.handed("proof with words", place=place, items=1, about=entry_id))
    return _written(data, file)


def prove_since(twin: "Twin", kept: Path, *, out: Path | None) -> Written:
    """Write the proof that the log only grew since a checkpoint that somebody kept.

    Raises:
        NotFound: There is no such checkpoint.
        RolledBack: The log has less than it says, or something else.
        Exists: There is a file of that name.
    """
    data = proofs.prove_since(twin.log, kept)
    return _written(data, out or Path(f"{kept.name}.tlog-consistency"))


def prove_learning(twin: "Twin", model: str, item: str, *, out: Path | None) -> Written:
    """Write the proof that a model learned from an item, or that it did not.

    Raises:
        NotFound: There is no such model or item, or what the model learned from is not kept.
        UsageError: An earlier release made the model, and its manifest names no items.
        Exists: There is a file of that name.
    """
    twin.catch_up()
    made = twin.views.lineage.model(model)
    [record] = twin.log.located([item])
    items = {item for row in lineage.learned(twin.models, made.id) for item in row.events}
    data = learning_proof.prove(twin.log, made.entry, record.header.id, items)
    return _written(data, out or Path(f"{made.id}.{item}.learned"))


def _new(out: Path) -> Path:
    if out.exists():
        raise Exists(f"There is a file {out} already; name another with --out.")
    return out


def _written(data: bytes, out: Path) -> Written:
    _new(out)
    with storage(str(out)):
        write_atomic(out, data)
    return Written(out=out.absolute(), proved=learning_proof.check(out))


def checkpoint(twin: "Twin", out: Path | None) -> Kept:
    """Return the newest checkpoint of this device, and keep it in a file.

    Raises:
        RolledBack: The file knows more than this log has, or something else.
    """
    note = proofs.hand_out(twin.log, out)
    return Kept(
        feed=note.feed.hex(),
        tree=TreeHead.of(note),
        note=note.data.decode(),
        out=out.absolute() if out else None,
    )


def verify(path: Path, owner: str) -> Proved:
    """Check a proof file; needs no vault.

    Raises:
        NotFound: There is no such file.
        ForeignVault: It is another owner's, of a newer format, or no proof.
        TamperError: It is cut short, or it was changed.
    """
    return learning_proof.check(path, owner)
