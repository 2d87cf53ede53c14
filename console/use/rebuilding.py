"""Rebuilding a model without what is no longer permitted, and proving it by a clean run."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from console.bootstrap import Twin
from console.clean_run import CleanRun
from console.papers import Derivation, Rebuild, write_paper
from console.planning import planned
from console.use.following import stoppable
from console.use.learning import Told, manifest_of, sign, steps_of
from console.use.listening import listening
from console.use.speaking import refuse_retired
from projections import lineage
from trainer import base, forget, states
from trainer.errors import BaseRefused, NothingPermitted, TrainingError
from trainer.finetune import Trained
from trainer.forget import Lost
from trainer.recipe import Recipe
from trainer.runs import Log
from trainer.slices import Foundation
from vault.errors import NotPermitted
from vault.events import Manifest, ModelRetrained, ModelSuspended

__all__ = ["Exposure", "Retrained", "replay", "retrain"]


class Exposure(Protocol):
    """Measures how far canaries of a model are exposed, in bits; None where there are none."""

    def __call__(self, twin: Twin, made: Manifest) -> float | None:
        """Return the mean over its canaries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """A model that was rebuilt; the verdict is None where no comparable clean run was made.

    `copies` are folders with the old model that the vault cannot reach: delete them.
    """

    model: str
    rows: int
    replayed_slices: int
    identical_to_clean_run: bool | None
    state: str
    copies: tuple[str, ...] = ()
    certificate: Path | None = None


def retrain(
    twin: Twin,
    *,
    prove: bool = False,
    run: str = "",
    progress: Told | None = None,
    exposure: Exposure | None = None,
) -> Retrained:
    """Rebuild the newest model from what is allowed now, replaying no more than needed.

    Args:
        twin: The opened vault.
        prove: Also make a clean run (a new process, an empty store of states, views rebuilt
            from zero as if the removed items had never been collected) and compare weights.
        run: The id of the run, where it was named before.
        progress: Told (steps done, steps in all).
        exposure: Measures the rebuilt model for the certificate.

    Raises:
        NotFound: There is no model yet.
        NothingPermitted: Consent allows no row any more; the old states are deleted.
        BaseRefused: The base is a copy of a model that is itself lost.
        TrainingError: The run failed; what it learned is kept for another try.
        StorageError: The disk refused; nothing is registered.
        KeyboardInterrupt: It was stopped; what it learned is kept.

    A rebuild that the clean run disproves is on the record, suspended, and its states are
    deleted, so that the next rebuild starts from nothing.
    """
    position, now = twin.catch_up(), twin.vault.now()
    old = twin.manifest()
    lost = forget.lose(twin.views.lineage, twin.models, now)
    _check_base(twin, old)
    recipe = Recipe.from_canonical(old.recipe)
    try:
        plan = planned(twin, recipe, Path(old.base_path) if old.base_path else None, now=now)
    except NothingPermitted:
        twin.destroy_tainted_states()
        raise
    beside = CleanRun(twin, old, position=position, now=now) if prove else nullcontext()
    with beside as clean, stoppable() as stopping, listening(twin):
        again = forget.rebuild(
            old,
            plan,
            twin.models,
            twin.still_permitted,
            steps_of(progress),
            log=Log(twin.models, run),
            stopping=stopping,
        )
        made = manifest_of(twin, again.trained, twin.catch_up())
        verdict = clean.compare(made, progress) if clean else None
    lineage.done(twin.models, again.trained.state)
    if _same(made, old) and twin.views.lineage.model(old.model).status == "trained":
        return _told(old, again.trained, verdict)
    _register(twin, old, made, again.trained, verdict)
    kept = states.known(twin.models)
    measured = exposure(twin, made) if exposure and verdict is not False else None
    paper = Rebuild(
        before=Derivation.of(old),
        after=Derivation.of(made),
        environment=made.environment,
        replayed_slices=again.trained.replayed,
        states_deleted=sum(slice_.state not in kept for slice_ in old.slices),
        identical_to_clean_run=verdict,
        exposure_before=forget.exposed_before(twin.models, old.model),
        exposure_after=measured,
        copies_deleted=tuple(copy.entry for copy in lost.deleted if copy.model == old.model),
        copies_beyond_reach=tuple(copy.entry for copy in lost.beyond if copy.model == old.model),
        at=twin.vault.now(),
        position=twin.catch_up(),
        checkpoint=twin.log.head.root.hex(),
    )
    path = write_paper(twin, f"rebuild-{made.model}", paper)
    return _told(made, again.trained, verdict, lost, path)


def _check_base(twin: Twin, old: Manifest) -> None:
    """Refuse to build on a copy of a model that learned from what is no longer permitted."""
    parents = twin.views.lineage.lost_parents(old.model, twin.vault.now())
    if parents:
        raise BaseRefused(
            f"The base of {old.model} is a copy of {parents[0]}, which learned from what is no "
            "longer permitted; `twin train --base` with another one makes a new model."
        )


def _same(made: Manifest, old: Manifest) -> bool:
    # Another seed may give the same weights, and what went on from the old one may not speak.
    return (made.base, made.weights, made.rows_root, made.items_root) == (
        old.base,
        old.weights,
        old.rows_root,
        old.items_root,
    )


def _told(
    made: Manifest,
    trained: Trained,
    verdict: bool | None,
    lost: Lost | None = None,
    certificate: Path | None = None,
) -> Retrained:
    return Retrained(
        model=made.model,
        rows=made.rows,
        replayed_slices=trained.replayed,
        identical_to_clean_run=verdict,
        state=trained.state,
        copies=tuple(copy.folder for copy in lost.beyond) if lost else (),
        certificate=certificate,
    )


def _register(
    twin: Twin, old: Manifest, made: Manifest, trained: Trained, verdict: bool | None
) -> None:
    """Put a rebuilt model in the place of the old one; one that was disproved may not answer."""
    if verdict is False:
        forget.purge(twin.models, made, None)
    lineage.record(twin.models, made.model, trained.plan.rows)
    twin.vault.record(
        ModelRetrained(
            manifest=made,
            signature=sign(twin, made),
            replaces=old.model,
            replayed_slices=trained.replayed,
            identical_to_clean_run=verdict,
        )
    )
    if verdict is False:
        twin.vault.record(
            ModelSuspended(model=made.model, rows=made.rows, cause="differs from a clean run")
        )
    twin.voices.clear()
    twin.catch_up()
    # Whether a copy of the old model, or its child, is lost later is told by its rows.
    if not twin.views.lineage.exports(old.model):
        lineage.forget_rows(twin.models, old.model)


def replay(twin: Twin, model: str, *, progress: Told | None = None) -> bool | None:
    """Train a model again from nothing, in a new process, from the log as it then stood.

    Returns:
        Whether that gave its weights; None in another environment than the manifest's.

    Raises:
        NotFound: There is no such model.
        NotPermitted: It learned from what is no longer permitted.
        BaseModelChanged: The base, or the seed, is not the one that it went on from.
        TrainingError: The run did not come to its end, or not to these rows.
    """
    twin.catch_up()
    now, made = twin.vault.now(), twin.manifest(model)
    refuse_retired(twin, made.model)
    if not twin.views.lineage.usable(made.model, now):
        raise NotPermitted(
            f"{made.model} learned from what is no longer permitted, and nothing may learn from it "
            "again; `twin retrain` makes a model that can be replayed."
        )
    if made.base:
        base.require(Foundation(digest=made.base, path=made.base_path))
    with CleanRun(twin, made, position=made.position, now=now, without=()) as run:
        clean = run.result(progress)
    if clean.rows_root != made.rows_root:
        raise TrainingError(
            f"The log does not give the rows of {made.model} any more, since something that they "
            "were redacted by was erased or decided otherwise; `twin retrain` makes a model that "
            "can be replayed."
        )
    return forget.verdict(made, clean)
