"""Models: what there is, how good each is, which answers, and what is handed out or given up."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from console.pages import drawing
from console.pages.access import Proven, TheJobs, TheKeeper
from console.pages.drawing import Dot
from console.pages.kinds import kind_of
from console.pages.rendering import page
from console.pages.routes.training import at_work, begin_rebuild
from console.pages.training_orders import Examine
from console.use import choosing, copying, describing
from console.use.describing import Described
from trainer.evaluate.picture import label, panels
from trainer.evaluate.report import Measure, Report
from vault.errors import UsageError

__all__ = ["router"]

router = APIRouter(prefix="/models")

_MOST_SAMPLES = 6
_MOST_COMPARED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """One measure of several models; `apart` where the intervals of two do not meet."""

    label: str
    measures: tuple[Measure | None, ...]
    apart: bool | None


@router.get("")
def all_models(request: Request, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Show every model and which one answers."""
    with keeper.looking() as twin:
        found = describing.registry(twin)
    context: dict[str, object] = {
        "found": found,
        "at_work": at_work(jobs),
    }
    return page(request, "models.html", context)


@router.get("/compare")
def compare(
    request: Request, keeper: TheKeeper, model: Annotated[list[str], Query(max_length=64)]
) -> Response:
    """Show what was measured of some models beside each other."""
    names = list(dict.fromkeys(model))[:_MOST_COMPARED]
    if not names[1:]:
        raise UsageError("Choose two models or more to compare; go back and tick them.")
    with keeper.looking() as twin:
        found = [describing.describe(twin, name) for name in names]
    context: dict[str, object] = {"found": found, "rows": _compared([one.report for one in found])}
    return page(request, "models_compare.html", context)


@router.post("/promote")
def promote(
    keeper: TheKeeper, model: Annotated[str, Form()], believed: Annotated[str, Form()] = ""
) -> Response:
    """Let a model answer where none is named, unless another one answers than the page said."""
    with keeper.changing() as twin:
        choosing.promote(twin, model, believed=believed)
    return RedirectResponse("/models" if model == choosing.NEWEST else f"/models/{model}", 303)


@router.post("/rebuild")
def rebuild(keeper: TheKeeper, jobs: TheJobs, prove: Annotated[str, Form()] = "") -> Response:
    """Begin to rebuild the newest model without what is no longer permitted."""
    return begin_rebuild(keeper, jobs, prove=bool(prove))


@router.get("/{model}")
def show(request: Request, model: str, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Show everything about one model."""
    with keeper.looking() as twin:
        found = describing.describe(twin, model)
        answering = twin.views.lineage.answering
        newest = next((one.id for one in twin.views.lineage.models() if one.status in _CURRENT), "")
    context: dict[str, object] = {
        "found": found,
        "kind_of": kind_of,
        "answering": answering,
        "is_newest": newest == model,
        "panels": _panels(found),
        "samples": found.report.samples[:_MOST_SAMPLES] if found.report else (),
        "groups": found.report.groups if found.report else (),
        "worst": _worst(found.report),
        "examining": [
            job.id
            for job in jobs.running(Examine)
            if isinstance(job.order, Examine) and job.order.model == model
        ],
    }
    return page(request, "model.html", context)


_CURRENT = ("trained", "suspended")


@router.post("/{model}/examine")
def examine(
    model: str, keeper: TheKeeper, jobs: TheJobs, depth: Annotated[str, Form()] = "quick"
) -> Response:
    """Begin to measure a model."""
    with keeper.looking() as twin:
        name = describing.describe(twin, model).head.model
    order = Examine(model=name, quick=depth == "quick", privacy=depth == "privacy")
    job = jobs.start(
        order, keeper.secret, then=lambda _job: f"/models/{name}#report", alone=(Examine,)
    )
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.post("/{model}/retire", dependencies=[Proven])
def retire(model: str, keeper: TheKeeper, typed: Annotated[str, Form()] = "") -> Response:
    """Give a model up, once its name was typed."""
    if typed.strip() != model:
        raise UsageError(f"Type {model} to give it up; nothing was changed.")
    with keeper.changing() as twin:
        choosing.retire(twin, model)
    return RedirectResponse(f"/models/{model}", 303)


@router.post("/{model}/export", dependencies=[Proven])
def export(
    model: str, keeper: TheKeeper, folder: Annotated[str, Form(max_length=4096)]
) -> Response:
    """Write a model into a folder on this computer."""
    out = Path(os.path.expanduser(folder.strip()))  # noqa: PTH111 — ~user that is nobody stays text
    if not out.is_absolute():
        raise UsageError("Give the whole path of the folder, from / on, or begin it with ~.")
    with keeper.changing() as twin:
        copying.copy(twin, model, out)
    return RedirectResponse(f"/models/{model}#copies", 303)


def _panels(found: Described) -> list[tuple[str, tuple[Dot, ...]]]:
    if found.report is None:
        return []
    return [(panel.title, drawing.dots(panel)) for panel in panels(found.report)]


def _worst(report: Report | None) -> tuple[str, ...]:
    """Return the examples that a model learned worst."""
    odd = report.measure("learned_bits_per_byte") if report else None
    return odd.worst[:5] if odd else ()


def _compared(reports: list[Report | None]) -> list[_Compared]:
    names = dict.fromkeys(one.name for report in reports if report for one in report.measures)
    rows = []
    for name in names:
        measures = tuple(report.measure(name) if report else None for report in reports)
        there = next(one for one in measures if one)
        rows.append(_Compared(label=label(there), measures=measures, apart=_apart(measures)))
    return rows


def _apart(measures: tuple[Measure | None, ...]) -> bool | None:
    """Say whether two of some measures differ by more than chance; None where nobody can tell."""
    ends = [
        (one.low, one.high)
        for one in measures
        if one and one.low is not None and one.high is not None
    ]
    if not ends[1:]:
        return None
    return max(low for low, _ in ends) > min(high for _, high in ends)
