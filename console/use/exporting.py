"""The portable copy: everything a vault holds, in files that any program can read.

It is a function of the log up to one position. Items go out page by page, so memory does
not grow with the vault; a run that was stopped goes on behind its whole files of items.
Consent is not asked: the copy is the owner's, for herself (`specs/export.md`).
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from console.bootstrap import Twin
from console.desk import Desk, Draft, claimed
from console.use.carrying import Trained, carry_attachments, carry_models, carry_papers
from console.use.explaining import readme
from projections import outside
from vault import points
from vault.collectors.copied import Carried, Counts, Listed, Manifest
from vault.collectors.portable import (
    ATTACHMENTS,
    CONTEXT,
    CONTEXT_FILE,
    CORRECTIONS,
    FORMAT,
    ITEMS_IN_FILE,
    MANIFEST,
    OWNER,
    README,
    SAID,
    STATEMENTS,
    UNFINISHED,
    VERSION,
    Correction,
    Exact,
    Named,
    Said,
    correction_of,
    items_file,
    json_of,
    line_of,
    people_of,
    person_of,
    said_of,
)
from vault.consent import normal
from vault.disk import storage, sync_folder
from vault.errors import Exists, ForeignVault, UsageError
from vault.events import (
    CorrectionMade,
    Event,
    ItemCollected,
    ItemErased,
    ItemRevised,
    ModelRetrained,
    ModelTrained,
    OwnerNamed,
)
from vault.follow import Entry
from vault.items import Item

__all__ = ["WARNING", "Exported", "export"]

WARNING = "Everybody who can open this copy can read it: nothing in it is encrypted."

_Told = Callable[[int, int], None]
_Types = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A finished copy, and what it holds."""

    out: Path
    items: int
    corrections: int
    statements: int
    models: int
    papers: int
    attachments: int
    files: int
    position: int


class _Part(Exact, frozen=True, kw_only=True):
    """A whole file of items: the log position of its last one, and what types it holds."""

    listed: Listed
    until: int
    types: _Types


class _Unfinished(Exact, frozen=True, kw_only=True):
    """`unfinished.json`: whose copy is being written here, and what of it is whole."""

    format: str
    version: int
    vault: str
    order: str
    position: int
    parts: tuple[_Part, ...] = ()


def export(twin: Twin, out: Path, progress: _Told | None = None) -> Exported:
    """Write a portable copy into a folder that is new, empty, or holds an unfinished one.

    Args:
        twin: The opened vault.
        out: The folder.
        progress: Told (positions of the log read, positions in all).

    Raises:
        UsageError: The folder lies within the vault's own.
        Exists: There is something else in it.
        ForeignVault: It holds an unfinished copy of another vault.
        StorageError: The disk refused; running it again goes on.
    """
    out = out.absolute()
    if out.resolve().is_relative_to(twin.home.resolve()):
        raise UsageError(
            f"{out} lies within the vault, whose files are encrypted; name another folder."
        )
    with claimed(out), storage(f"The export into {out}"):
        before = _before(twin, out)
        # On the record before a word of it is written; and once more for what came meanwhile.
        _handed(twin, out, 0)
        points.reached("export.recorded")
        desk = Desk(out)
        while True:
            copy = _Copy(twin, desk, twin.catch_up(), progress)
            copy.write(before)
            twin.catch_up()
            before = copy.state()
            if not _changed(twin, before):
                break
        done = copy.finish()
    _handed(twin, out, done.items)
    return done


def _handed(twin: Twin, out: Path, items: int) -> None:
    twin.vault.record(outside.handed("portable copy", place=str(out.resolve()), items=items))


def _before(twin: Twin, out: Path) -> _Unfinished | None:
    """Return what an earlier run left of its work, None in an empty folder.

    Raises:
        Exists: There is something else in the folder.
        ForeignVault: The work is another vault's.
    """
    names = {path.name for path in out.iterdir()}
    if UNFINISHED not in names:
        if MANIFEST in names:
            raise Exists(f"There is a finished export in {out} already; name another folder.")
        if any(not name.startswith(UNFINISHED) for name in names):
            raise Exists(f"There is something else in {out}; name a new or an empty folder.")
        return None
    try:
        found = msgspec.json.decode((out / UNFINISHED).read_bytes(), type=_Unfinished)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Exists(f"The unfinished export in {out} is damaged; name another folder.") from error
    if found.vault != twin.vault_id or (found.format, found.version) != (FORMAT, VERSION):
        raise ForeignVault(
            f"The unfinished export in {out} is of another vault or format; name another folder."
        )
    return found


def _changed(twin: Twin, since: _Unfinished) -> bool:
    """Whether something that was written since is not as the log has it now."""
    return twin.log.order != since.order or any(
        isinstance(entry.event, ItemErased | ItemRevised)
        for page in twin.log.pages(since.position)
        for entry in page.entries
    )


class _Copy:
    """One run: a pass over the log up to a position, and what was written on the way."""

    def __init__(self, twin: Twin, desk: Desk, position: int, progress: _Told | None) -> None:
        self._twin = twin
        self._desk = desk
        self._position = position
        self._order = twin.log.order
        self._note = _note(twin.log.checkpoint())
        self._progress = progress
        self._parts: list[_Part] = []
        self._items: Draft | None = None
        self._until = 0
        self._types: _Types = {}
        self._files = 0
        self._names: dict[str, None] = {}
        self._trained: list[Trained] = []
        self._counts = Counts(items=0, corrections=0, statements=0, models=0, papers=0)

    def write(self, before: _Unfinished | None) -> None:
        """Write every file but the manifest; files of items of an earlier run stay."""
        self._resume(before)
        self._desk.put(CONTEXT_FILE, _shown(CONTEXT))
        with self._desk.draft(CORRECTIONS) as corrections, self._desk.draft(STATEMENTS) as said:
            try:
                self._follow(corrections, said)
                self._close_items()
            finally:
                if self._items is not None:
                    self._items.drop()
            counts = {"corrections": corrections.lines, "statements": said.lines}
            self._desk.keep(corrections.keep())
            self._desk.keep(said.keep())
        named = Named(ld_context=CONTEXT_FILE, type="Person", names=tuple(self._names))
        self._desk.put(OWNER, _shown(named))
        self._desk.sweep(ATTACHMENTS)
        self._counts = Counts(
            items=sum(part.listed.lines for part in self._parts),
            models=carry_models(self._twin, self._desk, self._trained),
            papers=carry_papers(self._twin, self._desk),
            attachments=self._files,
            **counts,
        )
        self._desk.put(README, readme(self._counts, self._twin.vault.now()).encode())

    def state(self) -> _Unfinished:
        """Say what was written so far."""
        return _Unfinished(
            format=FORMAT,
            version=VERSION,
            vault=self._twin.vault_id,
            order=self._order,
            position=self._position,
            parts=tuple(part for part in self._parts if part.listed.lines == ITEMS_IN_FILE),
        )

    def finish(self) -> Exported:
        """Write the manifest: from here on it is a copy."""
        manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            vault=self._twin.vault_id,
            position=self._position,
            checkpoint=self._note,
            written=self._twin.vault.now(),
            counts=self._counts,
            sources=_carried(self._parts),
            files=self._desk.listed,
        )
        self._desk.sync()
        self._desk.write(MANIFEST, _shown(manifest.sealed()))
        sync_folder(self._desk.folder)
        points.reached("export.finished")
        (self._desk.folder / UNFINISHED).unlink()
        sync_folder(self._desk.folder)
        counts = self._counts
        return Exported(
            out=self._desk.folder,
            items=counts.items,
            corrections=counts.corrections,
            statements=counts.statements,
            models=counts.models,
            papers=counts.papers,
            attachments=counts.attachments,
            files=len(manifest.files) + 1,
            position=self._position,
        )

    def _resume(self, before: _Unfinished | None) -> None:
        """Keep the files of items of an earlier run, unless the log disowned one since."""
        if before is not None and not _changed(self._twin, before):
            for part in before.parts:
                if not self._desk.is_whole(part.listed):
                    break
                self._parts.append(part)
        kept = frozenset(part.listed.path for part in self._parts)
        # The state is written first, so that nothing of ours is ever found without it.
        self._save()
        self._desk.clear(keep=kept | {UNFINISHED, ATTACHMENTS})
        for part in self._parts:
            self._desk.keep(part.listed)
        self._until = self._parts[-1].until if self._parts else 0

    def _save(self) -> None:
        self._desk.write(UNFINISHED, _shown(self.state()))
        sync_folder(self._desk.folder)
        points.reached("export.saved")

    def _follow(self, corrections: Draft, said: Draft) -> None:
        for page in self._twin.log.pages():
            if page.position > self._position:
                return
            for entry in page.entries:
                self._take(entry, corrections, said)
            if self._progress:
                self._progress(page.position, self._position)

    def _take(self, entry: Entry, corrections: Draft, said: Draft) -> None:
        match entry.event:
            case ItemCollected(item=item):
                self._item(entry, entry.id, item)
            case ItemRevised(item_id=item_id, item=item):
                self._item(entry, self._twin.views.timeline.root(item_id), item)
            case CorrectionMade(item_id=item_id) as made:
                if correction := self._correction(entry, made, item_id):
                    corrections.line(json_of(correction))
            case OwnerNamed(names=names):
                self._names.update(dict.fromkeys(names))
            case ModelTrained() | ModelRetrained() as trained:
                self._trained.append((entry.id, trained))
            case event if isinstance(event, SAID):
                said.line(json_of(self._said(entry, event)))
            case _:
                pass

    def _said(self, entry: Entry, event: Event) -> Said:
        roster = self._twin.views.people
        people, others = people_of(event)
        known = roster.known_as.get(normal(person_of(event)), roster.known_by(people))
        return said_of(
            event,
            at=entry.at,
            entry=entry.id,
            known_as=tuple(sorted(known)),
            others_known_as=tuple(sorted(roster.known_by(others))),
        )

    def _item(self, entry: Entry, root: str, item: Item) -> None:
        """Write an item, if this entry holds the version that is in force, with its files."""
        if entry.position <= self._until and not item.attachments:
            return
        if self._twin.views.people.last_stated(root) != entry.position:
            return
        self._files += carry_attachments(self._twin, self._desk, item)
        if entry.position <= self._until:
            return
        if self._items is None:
            self._items = self._desk.draft(items_file(len(self._parts) + 1))
            self._types = defaultdict(lambda: defaultdict(int))
        line = line_of(item, id_=root, entry=entry.id, collected=entry.at)
        self._items.line(json_of(line))
        self._types[item.source][item.type] += 1
        self._until = entry.position
        if self._items.lines == ITEMS_IN_FILE:
            self._close_items()
            self._save()

    def _close_items(self) -> None:
        if self._items is None:
            return
        listed = self._items.keep()
        self._items = None
        assert listed is not None, "a file of items is begun by its first line"
        self._desk.keep(listed)
        types = {source: dict(found) for source, found in self._types.items()}
        self._parts.append(_Part(listed=listed, until=self._until, types=types))

    def _correction(self, entry: Entry, made: CorrectionMade, item_id: str) -> Correction | None:
        for stored in self._twin.views.timeline.load([self._twin.views.timeline.root(item_id)]):
            return correction_of(made.text, stored.item, stored.id, entry.id, entry.at)
        return None


def _note(record: bytes) -> str:
    """Return the signed note of a checkpoint's record: its text, an empty line, a signature."""
    text, _, rest = record.partition(b"\n\n")
    return (text + b"\n\n" + rest.partition(b"\n")[0] + b"\n").decode()


def _carried(parts: list[_Part]) -> tuple[Carried, ...]:
    found: _Types = defaultdict(lambda: defaultdict(int))
    for part in parts:
        for source, types in part.types.items():
            for name, number in types.items():
                found[source][name] += number
    return tuple(
        Carried(source_name=source, types=dict(sorted(found[source].items())))
        for source in sorted(found)
    )


def _shown(value: object) -> bytes:
    """Return JSON that a person can read."""
    return msgspec.json.format(json_of(value), indent=1) + b"\n"
