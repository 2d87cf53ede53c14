"""Examining models: one report each, kept sealed beside its model, and compared."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from console.bootstrap import Twin
from console.use.speaking import refuse_retired
from projections import lineage
from projections.embed import shipped
from projections.rows import Row
from trainer.environment import observe
from trainer.evaluate import report as reports
from trainer.evaluate.report import Group, Measure, Report
from trainer.recipe import Recipe
from trainer.slices import Foundation, foundation_of
from trainer.states import name_of
from vault.disk import write_atomic
from vault.errors import Exists, NotFound, NotPermitted, UsageError
from vault.events import Manifest

if TYPE_CHECKING:
    from trainer.evaluate.examine import Subject
    from trainer.network import Network

__all__ = ["Compared", "Evaluated", "compare", "evaluate", "show"]

Told = Callable[[int, int], None]

_SHORT = 12
_ENOUGH = 10  # rows of a type that may be called the worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A report, the files that were written of it, and what to do next, a command each."""

    report: Report
    written: tuple[Path, ...]
    next: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Every kept report, the oldest model first."""

    reports: tuple[Report, ...]
    written: tuple[Path, ...]


def evaluate(
    twin: Twin,
    model: str = "",
    *,
    base: Path | None = None,
    quick: bool = False,
    privacy: bool = False,
    out: Path | None = None,
    seed: int = 0,
    progress: Told | None = None,
) -> Evaluated:
    """Examine a model, and keep the report in the place of an older one.

    Args:
        twin: The opened vault.
        model: Which; the newest usable one by default.
        base: Where its base model lies now, if it was moved.
        quick: Look at less, for a first impression.
        privacy: Attack it too: trains shadow models. What an interrupted attack had is kept.
        out: Also write the report and its picture, in the clear, into this folder.
        seed: Of everything that is drawn.
        progress: Told (done, in all), anew for the attack.

    Raises:
        NotFound: There is no such model, or its weights are gone.
        NotPermitted: It is suspended, or consent ended meanwhile.
        TrainingError: A library is missing, or the base is not the one that was pinned.
    """
    made = _usable(twin, model)
    foundation = _foundation(made, base)
    _writable(out)
    from trainer.evaluate import examine  # noqa: PLC0415 - pulls in torch

    subject = _subject(twin, made, foundation)
    depth = examine.QUICK if quick else examine.FULL
    found = examine.examine(subject, depth, seed=seed, progress=progress)
    facts = _facts(twin, subject.network, depth.questions, seed)
    attacked = (
        examine.attacked(
            subject,
            foundation,
            depth,
            permitted=twin.still_permitted,
            store=twin.models,
            name=reports.shadows_of(made.model),
            seed=seed,
            progress=progress,
        )
        if privacy
        else ()
    )
    report = Report(
        model=made.model,
        state=made.slices[-1].state,
        made_at=twin.vault.now(),
        position=made.position,
        rows=made.rows,
        seed=seed,
        environment=observe(subject.network.recipe).canonical(),
        measures=(*found.measures, *facts, *attacked),
        groups=found.groups,
        samples=found.samples,
    )
    _ask_again(twin, made, (*subject.learned, *subject.held))
    twin.models.write(reports.name_of(made.model), report.encode())
    return _evaluated(report, out)


def show(twin: Twin, model: str = "", *, out: Path | None = None) -> Evaluated:
    """Return the kept report of a model, the newest usable one by default.

    Raises:
        NotFound: There is no such model, or it was not examined yet.
        NotPermitted: It is suspended; its report may hold what it learned.
    """
    made = _usable(twin, model)
    kept = reports.evaluated(twin.models, [made.model])
    if not kept:
        raise NotFound(f"{made.model} was not examined yet; `twin eval {made.model}` does it.")
    _writable(out)
    return _evaluated(kept[0], out)


def compare(twin: Twin, *, out: Path | None = None) -> Compared:
    """Return the kept reports of all models that may be used or were replaced.

    Raises:
        NotFound: No model was examined yet.
    """
    _catch_up(twin)
    _writable(out)
    models = [
        m.id
        for m in reversed(twin.views.lineage.models())
        if m.status not in {"suspended", "retired"}
    ]
    kept = reports.evaluated(twin.models, models)
    if not kept:
        raise NotFound("No model was examined yet; `twin eval` does it.")
    return Compared(reports=kept, written=tuple(_written_growth(kept, out)) if out else ())


def _catch_up(twin: Twin) -> None:
    twin.catch_up()
    twin.suspend_tainted("no longer permitted")


def _usable(twin: Twin, model: str) -> Manifest:
    _catch_up(twin)
    all_ = twin.views.lineage.models()
    made = twin.manifest(model or next((m.id for m in all_ if m.status == "trained"), ""))
    if not twin.views.lineage.usable(made.model, twin.vault.now()):
        refuse_retired(twin, made.model)
        status = twin.views.lineage.model(made.model).status
        raise NotPermitted(
            f"Model {made.model} is {status}: it is not asked any more; `twin retrain` rebuilds it."
        )
    return made


def _foundation(made: Manifest, base: Path | None) -> Foundation | None:
    if not made.base_path and base is not None:
        raise UsageError(f"{made.model} was made without a base of yours; leave out --base.")
    if not made.base:
        return None
    return Foundation(digest=made.base, path=str(base.absolute()) if base else made.base_path)


def _subject(twin: Twin, made: Manifest, foundation: Foundation | None) -> "Subject":
    """Take what the model learned from and what it never saw, as consent lets it through now."""
    from trainer.evaluate.examine import Subject  # noqa: PLC0415 - pulls in torch
    from trainer.network import Network  # noqa: PLC0415

    weights = twin.models.read(name_of(made.slices[-1].state))
    if weights is None:
        raise NotFound(f"The weights of {made.model} are gone; `twin retrain` makes them again.")
    recipe = Recipe.from_canonical(made.recipe)
    known = {row.id for row in lineage.learned(twin.models, made.model)}
    rows = twin.rows(view=recipe.view)
    return Subject(
        network=Network(recipe, foundation or foundation_of(recipe)),
        weights=weights,
        learned=tuple(row for row in rows if row.id in known),
        held=tuple(row for row in rows if row.split == "held" and row.id not in known),
        table=twin.views.people.table(),
    )


def _facts(twin: Twin, network: "Network", questions: int, seed: int) -> tuple[Measure, ...]:
    """Ask the model what items say that may be searched now, with a search and without."""
    from trainer.engine import Voice  # noqa: PLC0415 - pulls in torch
    from trainer.evaluate import facts  # noqa: PLC0415

    def permitted(ids: Collection[str]) -> frozenset[str]:
        twin.catch_up()
        now = twin.vault.now()
        return frozenset(one for one in ids if twin.views.search.decide(one, now).permitted)

    answers = Voice(network).answers
    retrieve = facts.searching(twin.views.search, twin.views.timeline, twin.vault.now())
    return facts.measure(
        twin.views.timeline.everything(),
        permitted=permitted,
        retrieve=retrieve,
        aided=facts.grounded(answers, retrieve),
        plain=facts.unaided(answers),
        embedder=shipped(),
        seed=seed,
        limit=questions,
    )


def _ask_again(twin: Twin, made: Manifest, rows: tuple[Row, ...]) -> None:
    permitted = twin.still_permitted(rows)
    usable = twin.views.lineage.usable(made.model, twin.vault.now())
    if not usable or any(row.id not in permitted for row in rows):
        raise NotPermitted("Consent ended while the model was examined; run `twin eval` again.")


def _writable(out: Path | None) -> None:
    """Refuse a folder that cannot take the files before anything long begins."""
    if out is not None and out.exists() and not out.is_dir():
        raise Exists(f"{out} is a file; name a folder to write into.")


def _evaluated(report: Report, out: Path | None) -> Evaluated:
    written = tuple(_written(report, out)) if out else ()
    return Evaluated(report=report, written=written, next=tuple(_next(report)))


def _written(report: Report, out: Path) -> Iterator[Path]:
    from trainer.evaluate.picture import page  # noqa: PLC0415 - heavy

    yield _put(out, f"eval-{report.model}.json", report.encode())
    yield _put(out, f"eval-{report.model}.svg", page(report, "svg"))
    yield _put(out, f"eval-{report.model}.png", page(report, "png"))


def _written_growth(kept: tuple[Report, ...], out: Path) -> Iterator[Path]:
    from trainer.evaluate.picture import growth  # noqa: PLC0415 - heavy

    yield _put(out, "eval-growth.svg", growth(kept, "svg"))
    yield _put(out, "eval-growth.png", growth(kept, "png"))


def _put(out: Path, name: str, body: bytes) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / name, body)
    return out / name


def _next(report: Report) -> Iterator[str]:
    """Say what would make the next model better, as commands."""
    odd = report.measure("learned_bits_per_byte")
    for pair in odd.worst[:2] if odd else ():
        yield f"twin pairs edit {pair[:_SHORT]}    (it learned this example worst)"
    repeated = report.measure("copied")
    if repeated and (repeated.value or 0) > (repeated.floor or 0):
        for pair in repeated.worst[:2]:
            yield f"twin pairs reject {pair[:_SHORT]}    (it repeats this one letter by letter)"
    worst = _worst_type(report)
    if worst is not None:
        yield f"twin add EXPORT    (more of {worst.name}: it costs most bits a byte)"
    yield "twin retrain"
    yield "twin eval --compare"


def _worst_type(report: Report) -> Group | None:
    types = [group for group in report.groups if group.by == "type" and group.rows >= _ENOUGH]
    return types[0] if len(types) > 1 else None
