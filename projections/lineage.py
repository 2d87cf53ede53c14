"""Which model learned from which rows, and which of them may still be used."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from projections.rows import Row
from projections.training import Training
from projections.view import Databases, Files, Value, View, encode
from vault.errors import NotFound
from vault.events import Manifest, ModelRetrained, ModelSuspended, ModelTrained
from vault.follow import Page

__all__ = ["Affected", "Learned", "Lineage", "Model", "forget_rows", "learned", "record"]

Status = Literal["trained", "suspended", "replaced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model as the log knows it; `replaced_by` names the one that took its place."""

    id: str
    status: Status
    manifest: Manifest
    position: int
    replaced_by: str = ""


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


def record(files: Files, model: str, rows: Iterable[Row]) -> None:
    """Keep, sealed, which rows a model learned from. Comes before `ModelTrained` is appended.

    Args:
        files: Where models are kept.
        model: Its name.
        rows: In the order in which they were learned, slice after slice.
    """
    kept = [Learned(id=row.id, events=row.events, statements=row.statements) for row in rows]
    files.write(f"{model}.rows", encode(kept))


def learned(files: Files, model: str) -> tuple[Learned, ...]:
    """Return what a model learned from.

    Raises:
        NotFound: Nothing is kept about this model.
    """
    content = files.read(f"{model}.rows")
    if content is None:
        raise NotFound(f"What {model} learned from is not kept here; train it again.")
    return _learned.decode(content)


def forget_rows(files: Files, model: str) -> None:
    """Drop what is kept of a model's rows."""
    files.delete(f"{model}.rows")


class Lineage(View):
    """The follower that keeps models and their status."""

    name = "lineage"
    version = "1"
    tables = """
        CREATE TABLE models (id TEXT PRIMARY KEY, position INTEGER NOT NULL, status TEXT NOT
            NULL, replaced_by TEXT NOT NULL, manifest BLOB NOT NULL) WITHOUT ROWID;
    """

    def __init__(self, databases: Databases, training: Training, files: Files) -> None:
        super().__init__(databases)
        self._training = training
        self._files = files

    def models(self) -> tuple[Model, ...]:
        """Return every model, the newest first."""
        rows = self._rows(
            "SELECT id, status, manifest, position, replaced_by FROM models ORDER BY position DESC"
        )
        return tuple(_model(*row) for row in rows)

    def model(self, model_id: str = "") -> Model:
        """Return one model; without an id the newest that was not replaced.

        Raises:
            NotFound: There is none.
        """
        for model in self.models():
            if model.id == model_id or (not model_id and model.status != "replaced"):
                return model
        raise NotFound(
            f"There is no model {model_id}; `twin models` lists them."
            if model_id
            else "There is no model yet; `twin train` makes one."
        )

    def usable(self, model_id: str, now: datetime) -> bool:
        """Whether a model may answer: neither suspended nor about to be."""
        model = self.model(model_id)
        return model.status == "trained" and not self._lost(model.id, now)

    def to_suspend(self, now: datetime) -> tuple[Affected, ...]:
        """Return the models in use that learned from a row which is no longer permitted."""
        return tuple(
            Affected(model=model.id, rows=lost)
            for model in self.models()
            if model.status == "trained" and (lost := self._lost(model.id, now))
        )

    def _lost(self, model: str, now: datetime) -> int:
        try:
            rows = learned(self._files, model)
        except NotFound:
            # What it learned from is unknown, and what is unknown is denied.
            return self.model(model).manifest.rows or 1
        return len(rows) - len(self._training.still_permitted(rows, now))

    def _take(self, page: Page) -> None:
        for entry in page.entries:
            match entry.event:
                case ModelTrained(manifest=manifest):
                    self._add(entry.position, manifest)
                case ModelRetrained(manifest=manifest, replaces=replaces):
                    # The log may rebuild a model under the same id.
                    self._db.execute(
                        "UPDATE models SET status = 'replaced', replaced_by = ? WHERE id = ?",
                        (manifest.model, replaces),
                    )
                    self._add(entry.position, manifest)
                case ModelSuspended(model=model):
                    self._db.execute(
                        "UPDATE models SET status = 'suspended' WHERE id = ? AND status = 'trained'",
                        (model,),
                    )
                case _:
                    pass

    def _add(self, position: int, manifest: Manifest) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO models VALUES (?, ?, 'trained', '', ?)",
            (manifest.model, position, encode(manifest)),
        )

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for row in self._rows("SELECT * FROM models"):
            yield ("model", *row)


def _model(id_: Value, status: Value, manifest: Value, position: Value, by: Value) -> Model:
    assert isinstance(manifest, bytes)
    kept: Status = (
        "trained" if status == "trained" else "replaced" if status == "replaced" else "suspended"
    )
    return Model(
        id=str(id_),
        status=kept,
        manifest=_manifest.decode(manifest),
        position=int(str(position)),
        replaced_by=str(by),
    )
