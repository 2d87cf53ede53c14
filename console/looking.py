"""What an erasure takes away, store by store: counted before, and looked for afterwards."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console import scratch
from console.papers import Unlearned
from projections import lineage
from trainer import states
from trainer.evaluate.report import evaluated
from vault.errors import NotFound
from vault.residue import found, unclean_pages

if TYPE_CHECKING:
    from console.bootstrap import Twin

__all__ = ["looked_at", "samples", "taught", "unlearned"]

_SAMPLES = 16
_SAMPLE = 32


def samples(twin: "Twin", entries: Sequence[str]) -> tuple[bytes, ...]:
    """Return some bytes of some of the sealed bodies, to look for in every file afterwards."""
    records = twin.log.located(entries, revoked=True, outlines=True)
    step = -(-len(records) // _SAMPLES)
    return tuple(record.body[-_SAMPLE:] for record in records[:: max(1, step)] if record.body)


def looked_at(
    twin: "Twin", items: Sequence[str], entries: Sequence[str], sampled: Sequence[bytes]
) -> dict[str, int]:
    """Return what each store holds of some items, by the name of the store.

    Args:
        twin: The opened vault.
        items: The items.
        entries: Every log entry that holds words or files of theirs.
        sampled: Bytes of their bodies, which no file may hold afterwards.
    """
    records = twin.log.located(entries, revoked=True, outlines=True)
    databases = [twin.home / name for name in ("log.db", "keys.db")]
    files = [*databases, *(path.with_name(path.name + "-wal") for path in databases)]
    views = twin.views
    shaped, reports = _shaped(twin, set(items))
    return {
        "bodies in the log": sum(bool(record.body) for record in records),
        "data keys": sum(bool(twin.log.data_key(record)) for record in records),
        "samples of bodies in database files and write-ahead logs": found(files, sampled),
        "free pages that are not zero": sum(map(unclean_pages, databases)),
        "items in the timeline": views.timeline.holding(items),
        "blocks of files in the timeline": views.timeline.attached.holding(entries),
        "vectors and scores of labels": views.labels.holding(items),
        "versions in who is who": views.people.holding(items),
        "texts in the search index": views.search.holding(items),
        "feedback on answers": views.feedback.holding(entries),
        "records of imports": views.imports.holding(entries),
        "training rows": sum(one.holding(items) for one in views.trainings),
        "states of models": len(shaped),
        "evaluations of models": reports,
        "copies of a clean run": scratch.in_use(twin.home),
    }


def taught(twin: "Twin", items: Sequence[str]) -> tuple[str, ...]:
    """Return the models in use that learned from one of some items, or might have."""
    wanted = set(items)
    return tuple(
        model.id
        for model in twin.views.lineage.models()
        if model.status == "trained" and _rows_with(twin, model, wanted)
    )


def unlearned(twin: "Twin", models: Sequence[str], items: Sequence[str]) -> tuple[Unlearned, ...]:
    """Return what rebuilding some models means, once the states that saw the items are gone."""
    there, wanted = states.known(twin.models), set(items)
    found = [twin.views.lineage.model(model) for model in models]
    return tuple(
        Unlearned(
            model=model.id,
            rows=_rows_with(twin, model, wanted),
            slices=len(model.manifest.slices),
            replays=sum(slice_.state not in there for slice_ in model.manifest.slices),
        )
        for model in found
    )


def _rows_with(twin: "Twin", model: lineage.Model, items: set[str]) -> int:
    try:
        rows = lineage.learned(twin.models, model.id)
    except NotFound:
        # What it learned from is unknown: it might have been all of it.
        return model.manifest.rows
    return sum(bool(items.intersection(row.events)) for row in rows)


def _shaped(twin: "Twin", items: set[str]) -> tuple[set[str], int]:
    """Return the states that a row with one of some items has shaped, and the reports on them.

    A state of which only a trace is left, as a checkpoint or in the log of a run, counts too.
    """
    shaped, models = set[str](), []
    for model in twin.views.lineage.models():
        try:
            rows = lineage.learned(twin.models, model.id)
        except NotFound:
            continue
        at, saw = 0, False
        for slice_ in model.manifest.slices:
            part = rows[at : at + slice_.rows]
            saw = saw or any(items.intersection(row.events) for row in part)
            at += slice_.rows
            if saw:
                shaped.add(slice_.state)
        models += [model.id] if saw else []
    return shaped & states.traces(twin.models), len(evaluated(twin.models, models))
