"""Which model learned from which rows, what was made from it, and what may still be used.

A model whose base is the export of another is that one's child: it is lost with its parent.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from projections.rows import Row
from projections.training import Named, Training
from projections.view import Databases, Files, Value, View, encode
from vault.errors import NotFound
from vault.events import (
    Disclosed,
    Manifest,
    ModelPreferred,
    ModelRetired,
    ModelRetrained,
    ModelSuspended,
    ModelTrained,
    SliceState,
)
from vault.follow import Entry, Page, moment

__all__ = [
    "Affected",
    "Export",
    "Learned",
    "Lineage",
    "Model",
    "disclosed",
    "done",
    "forget_rows",
    "intend",
    "intended",
    "learned",
    "record",
]

Status = Literal["trained", "suspended", "replaced", "retired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model as the log knows it; `replaced_by` names the one that took its place.

    `entry` holds its manifest, `at` is when it came into being. One that a clean run disproved
    is not `sound`. `cause` says why it was suspended, `lost` how many of its rows were lost then.
    """

    id: str
    entry: str
    status: Status
    manifest: Manifest
    position: int
    at: datetime
    replaced_by: str = ""
    sound: bool = True
    cause: str = ""
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A copy of a model that was written into a folder; `digest` is its own where it is a base."""

    entry: str
    model: str
    at: datetime
    folder: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What is kept of a row that a model learned from: never its words."""

    id: str
    events: tuple[str, ...]
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A model that learned from rows which are no longer permitted."""

    model: str
    rows: int


_manifest = msgspec.msgpack.Decoder(Manifest)
_learned = msgspec.msgpack.Decoder(tuple[Learned, ...])
_intended = msgspec.msgpack.Decoder(tuple[tuple[str, tuple[Learned, ...]], ...])
_PLAN = "plan-"


def record(files: Files, model: str, rows: Iterable[Row]) -> None:
    """Keep, sealed, which rows a model learned from. Comes before `ModelTrained` is appended.

    Args:
        files: Where models are kept.
        model: Its name.
        rows: In the order in which they were learned, slice after slice.
    """
    files.write(f"{model}.rows", encode(_kept(rows)))


def _kept(rows: Iterable[Named]) -> list[Learned]:
    return [Learned(id=row.id, events=row.events, statements=row.statements) for row in rows]


def learned(files: Files, model: str) -> tuple[Learned, ...]:
    """Return what a model learned from.

    Raises:
        NotFound: Nothing is kept about this model.
    """
    content = files.read(f"{model}.rows")
    if content is None:
        raise NotFound(f"What {model} learned from is not kept here; train it again.")
    return _learned.decode(content)


def intend(files: Files, slices: Sequence[tuple[str, Iterable[Named]]]) -> None:
    """Keep, sealed, what a run is about to learn, so that its states can be told if it is stopped.

    Args:
        files: Where models are kept.
        slices: The state after each slice, and the rows of the slice; nothing is kept of none.
    """
    if slices:
        files.write(_PLAN + slices[-1][0], encode([(state, _kept(rows)) for state, rows in slices]))


def done(files: Files, state: str) -> None:
    """Drop what was kept of a run that came to its end: its model is on the record."""
    files.delete(_PLAN + state)


def intended(files: Files, name: str) -> tuple[tuple[str, tuple[Learned, ...]], ...]:
    """Return what a run was about to learn: each state, and the rows of its slice."""
    content = files.read(name) if name.startswith(_PLAN) else None
    return _intended.decode(content) if content is not None else ()


def forget_rows(files: Files, model: str) -> None:
    """Drop what is kept of a model's rows."""
    files.delete(f"{model}.rows")


def disclosed(model: str, *, folder: str, digest: str, items: int) -> Disclosed:
    """Return what the log keeps of a model that is written into a folder.

    Args:
        model: Its name.
        folder: Where it is written to.
        digest: The digest that it has as a base of others; empty for an adapter.
        items: How many items it learned from.
    """
    return Disclosed(
        recipient=folder, what=f"{_MODEL}{model} {digest}".rstrip(), items=items, statement=""
    )


_MODEL = "model "


class Lineage(View):
    """The follower that keeps models, their status and their exports."""

    name = "lineage"
    version = "3"
    tables = """
        CREATE TABLE models (id TEXT PRIMARY KEY, entry TEXT NOT NULL, position INTEGER NOT NULL,
            status TEXT NOT NULL, replaced_by TEXT NOT NULL, sound INTEGER NOT NULL, at INTEGER
            NOT NULL, cause TEXT NOT NULL, lost INTEGER NOT NULL, manifest BLOB NOT NULL) WITHOUT
            ROWID;
        CREATE TABLE preferred (one INTEGER PRIMARY KEY, model TEXT NOT NULL);
        CREATE TABLE exports (entry TEXT PRIMARY KEY, position INTEGER NOT NULL, model TEXT NOT
            NULL, at INTEGER NOT NULL, folder TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
    """

    def __init__(self, databases: Databases, training: Training, files: Files) -> None:
        super().__init__(databases)
        self._training = training
        self._files = files

    def models(self) -> tuple[Model, ...]:
        """Return every model, the newest first."""
        rows = self._rows(
            "SELECT id, entry, status, manifest, position, replaced_by, sound, at, cause, lost"
            " FROM models ORDER BY position DESC"
        )
        return tuple(_model(*row) for row in rows)

    def model(self, model_id: str = "") -> Model:
        """Return one model; without an id the newest that was neither replaced nor retired.

        Raises:
            NotFound: There is none.
        """
        for model in self.models():
            is_current = model.status not in {"replaced", "retired"}
            if model.id == model_id or (not model_id and is_current):
                return model
        raise NotFound(
            f"There is no model {model_id}; `twin models` lists them."
            if model_id
            else "There is no model yet; `twin train` makes one."
        )

    def ending_in(self, state: str) -> str:
        """Return the newest model whose last slice ended in a state; empty where none did."""
        for model in self.models():
            if model.manifest.slices and model.manifest.slices[-1].state == state:
                return model.id
        return ""

    @property
    def preferred(self) -> str:
        """The model that the owner chose, or what took its place; empty where she chose none."""
        chosen = str(self._one("SELECT model FROM preferred") or "")
        return self.successor(chosen) if chosen else ""

    def successor(self, model_id: str) -> str:
        """Return the model that took another's place at last; itself where none did."""
        by = {model.id: model.replaced_by for model in self.models()}
        seen = {model_id}
        while (found := by.get(model_id, "")) and found not in seen:
            seen.add(found)
            model_id = found
        return model_id

    @property
    def answering(self) -> str:
        """The model that answers where none is named; empty where none may.

        That is the one that the owner prefers, as long as it may; else the newest.
        """
        able = [model.id for model in self.models() if model.status == "trained"]
        preferred = self.preferred
        return preferred if preferred in able else next(iter(able), "")

    def usable(self, model_id: str, now: datetime) -> bool:
        """Whether a model may answer: neither suspended nor about to be."""
        model = self.model(model_id)
        return model.status == "trained" and not self._lost(model.id, now)

    def is_lost(self, model_id: str, now: datetime) -> bool:
        """Whether a model learned from a row that is lost, and not merely paused."""
        return bool(self._lost(model_id, now, resumed=True))

    def to_suspend(self, now: datetime) -> tuple[Affected, ...]:
        """Return the models in use that learned from a row which is no longer permitted.

        What a model learned from may be kept on another device alone, and its items too: then
        it may not answer here, but whether it may there is for that device to say.
        """
        return tuple(
            Affected(model=model.id, rows=lost)
            for model in self.models()
            if model.status == "trained" and (lost := self._lost(model.id, now, elsewhere=False))
        )

    def knows(self, model_id: str) -> bool:
        """Whether it is kept here what a model learned from."""
        return self._learned(model_id) is not None

    def ancestry(self, model_id: str) -> tuple[str, ...]:
        """Return a model, and every one that it was made from, however long ago."""
        found = [model_id]
        for name in found:
            found += [one for one in self._parents(self.model(name)) if one not in found]
        return tuple(found)

    def clean(
        self, model_id: str, now: datetime, *, resumed: bool = False
    ) -> tuple[SliceState, ...]:
        """Return the first slices of a model, up to one that holds a row no longer permitted.

        Later slices repeat rows of earlier ones, so these are all that no such row has touched;
        none of them, where the model was retired or disproved, or its base is itself lost. With
        `resumed` it is told as if every pause had been ended.
        """
        model = self.model(model_id)
        if model.status == "retired" or not model.sound:
            return ()
        if self._lost_before(model, now, resumed=resumed):
            return ()
        rows = self._learned(model_id)
        if rows is None:
            return ()
        at, parts = 0, []
        for slice_ in model.manifest.slices:
            parts.append(rows[at : at + slice_.rows])
            at += slice_.rows
        return model.manifest.slices[: self.untouched(parts, now, resumed=resumed)]

    def untouched(
        self, parts: Sequence[Sequence[Learned]], now: datetime, *, resumed: bool = False
    ) -> int:
        """Return how many first slices hold no row that is lost."""
        rows = [row for part in parts for row in part]
        permitted = self._training.still_permitted(rows, now, resumed=resumed)
        lost = (any(row.id not in permitted for row in part) for part in parts)
        return next((at for at, touched in enumerate(lost) if touched), len(parts))

    def exports(self, model_id: str = "") -> tuple[Export, ...]:
        """Return the exports of a model, or of all of them, in the order of the log."""
        rows = self._rows(
            "SELECT entry, model, at, folder, digest FROM exports WHERE ?1 IN ('', model)"
            " ORDER BY position",
            (model_id,),
        )
        return tuple(
            Export(
                entry=str(entry),
                model=str(model),
                at=moment(int(str(at))),
                folder=str(folder),
                digest=str(digest),
            )
            for entry, model, at, folder, digest in rows
        )

    def _learned(self, model_id: str) -> tuple[Learned, ...] | None:
        try:
            return learned(self._files, model_id)
        except NotFound:
            return None

    def _lost(
        self, model_id: str, now: datetime, *, resumed: bool = False, elsewhere: bool = True
    ) -> int:
        """Return how many rows are lost; with `elsewhere`, those too that nothing here tells of."""
        model = self.model(model_id)
        if before := self._lost_before(model, now, resumed=resumed, elsewhere=elsewhere):
            return before
        rows = self._learned(model.id)
        if rows is None:
            # What it learned from is unknown, and what is unknown is denied.
            return (model.manifest.rows or 1) if elsewhere else 0
        if not elsewhere:
            rows = self._training.heard_of(rows)
        return len(rows) - len(self._training.still_permitted(rows, now, resumed=resumed))

    def lost_parents(self, model_id: str, now: datetime) -> tuple[str, ...]:
        """Return the models that one was made from and that learned from a lost row."""
        parents = self._parents(self.model(model_id))
        return tuple(parent for parent in parents if self._lost(parent, now))

    def _lost_before(
        self, child: Model, now: datetime, *, resumed: bool, elsewhere: bool = True
    ) -> int:
        """Return how many rows are lost of the models that one was made from."""
        return sum(
            self._lost(parent, now, resumed=resumed, elsewhere=elsewhere)
            for parent in self._parents(child)
        )

    def _parents(self, child: Model) -> list[str]:
        base = child.manifest.base
        found = {export.model for export in self.exports() if base and export.digest == base}
        return sorted(found - {child.id})

    def _take(self, page: Page) -> None:
        for entry in page.entries:
            match entry.event:
                case ModelTrained(manifest=manifest):
                    self._add(entry, manifest)
                case ModelRetrained(manifest=manifest, replaces=replaces) as again:
                    # The log may rebuild a model under the same id.
                    self._db.execute(
                        "UPDATE models SET status = 'replaced', replaced_by = ? WHERE id = ?",
                        (manifest.model, replaces),
                    )
                    self._add(entry, manifest, sound=again.identical_to_clean_run is not False)
                case ModelSuspended(model=model, rows=rows, cause=cause):
                    self._db.execute(
                        "UPDATE models SET status = 'suspended', cause = ?2, lost = ?3"
                        " WHERE id = ?1 AND (status = 'trained' OR (NOT sound AND cause = ''))",
                        (model, cause, rows),
                    )
                case ModelPreferred(model=model):
                    self._db.execute("INSERT OR REPLACE INTO preferred VALUES (1, ?)", (model,))
                case ModelRetired(model=model):
                    self._db.execute("UPDATE models SET status = 'retired' WHERE id = ?", (model,))
                case Disclosed() as copy if copy.what.startswith(_MODEL):
                    self._export(entry, copy)
                case _:
                    pass

    def _add(self, entry: Entry, manifest: Manifest, *, sound: bool = True) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, '', ?, ?, '', 0, ?)",
            (
                manifest.model,
                entry.id,
                entry.position,
                "trained" if sound else "suspended",
                int(sound),
                entry.time,
                encode(manifest),
            ),
        )

    def _export(self, entry: Entry, copy: Disclosed) -> None:
        model, _, digest = copy.what.removeprefix(_MODEL).partition(" ")
        self._db.execute(
            "INSERT OR REPLACE INTO exports VALUES (?, ?, ?, ?, ?, ?)",
            (entry.id, entry.position, model, entry.time, copy.recipient, digest),
        )

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for row in self._rows("SELECT * FROM models"):
            yield ("model", *row)
        for row in self._rows("SELECT * FROM exports"):
            yield ("export", *row)
        for row in self._rows("SELECT model FROM preferred"):
            yield ("preferred", *row)


_STATUS: dict[str, Status] = {
    "trained": "trained",
    "suspended": "suspended",
    "replaced": "replaced",
    "retired": "retired",
}


def _model(  # noqa: PLR0917 - a row
    id_: Value,
    entry: Value,
    status: Value,
    manifest: Value,
    position: Value,
    by: Value,
    sound: Value,
    at: Value,
    cause: Value,
    lost: Value,
) -> Model:
    assert isinstance(manifest, bytes)
    return Model(
        id=str(id_),
        entry=str(entry),
        status=_STATUS[str(status)],
        manifest=_manifest.decode(manifest),
        position=int(str(position)),
        at=moment(int(str(at))),
        replaced_by=str(by),
        sound=bool(sound),
        cause=str(cause),
        lost=int(str(lost)),
    )
