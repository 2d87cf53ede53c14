"""Examples: read as a model would see them, approved, rejected, put in one's own words."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.bootstrap import Twin
from console.pages.access import TheJobs, TheKeeper
from console.pages.asking import NumberInForm
from console.pages.following import check_known
from console.pages.kinds import kind_of
from console.pages.rendering import fragment, is_partial, page
from console.pages.training_orders import MakeExamples, Weigh
from console.pages.wording import plainly
from console.use import reviewing
from console.use.reviewing import Example
from projections.curate.bias import Bias
from projections.curate.tags import TAGS
from projections.reviews import VERDICTS
from vault.errors import NotFound, UsageError

__all__ = ["router"]

router = APIRouter(prefix="/pairs")

_PAGE = 20
_AT_ONCE = 100
"""Conversations and documents that are made into examples while somebody waits for a page."""
_WEIGHED_AT_ONCE = 2_000


@router.get("")
def all_pairs(  # noqa: PLR0917 - a query
    request: Request,
    keeper: TheKeeper,
    view: str = "",
    kind: str = "",
    tag: str = "",
    verdict: str = "",
    after: str = "",
) -> Response:
    """Show examples, some at a time."""
    with keeper.looking() as twin:
        if pending := _pending(twin, view):
            return page(request, "pairs_pending.html", {"pending": pending, "view": view})
        context = _listed(twin, view=view, kind=kind, tag=tag, verdict=verdict, after=after)
    if is_partial(request) and after:
        return fragment("_pairs.html", context)
    return page(request, "pairs.html", context)


def _pending(twin: Twin, view: str) -> int:
    """Return how many conversations and documents are to be looked through first, if many are."""
    check_known(twin)
    training = twin.views.named(view)
    if training.pending > _AT_ONCE:
        return training.pending
    training.settle(twin.now)
    return 0


def _listed(
    twin: Twin, *, view: str, kind: str, tag: str, verdict: str, after: str
) -> dict[str, object]:
    is_rejected = verdict == "rejected"
    found = reviewing.listed(
        twin,
        view=view,
        kind=kind,
        tag=tag,
        verdict="" if is_rejected else verdict,
        reason="rejected" if is_rejected else "",
        after=after,
        limit=_PAGE,
    )
    shown = () if is_rejected else found.pairs
    out = found.left_out[:_PAGE] if is_rejected else ()
    names = [one.pair for one in shown] + [one.pair for one in out]
    said = twin.views.reviews.of(names)
    chosen = {"view": view, "kind": kind, "tag": tag, "verdict": verdict}
    more = {name: value for name, value in chosen.items() if value} | {"after": names[-1:] or ""}
    return {
        "pairs": shown,
        "kind_of": kind_of,
        "left_out": out,
        "of": twin.views.reviews.counts().get("rejected", 0) if is_rejected else found.of,
        "positions": {name: one.position for name, one in said.items()},
        "chosen": chosen,
        "more": f"/pairs?{urlencode(more, doseq=True)}" if len(names) == _PAGE else "",
        "after": after,
        "kinds": twin.views.named(view).kinds,
        "tags": TAGS,
        "verdicts": VERDICTS,
        "views": [one.definition.name for one in twin.views.trainings if one.definition.name],
    }


@router.post("/make")
def make(keeper: TheKeeper, jobs: TheJobs, view: Annotated[str, Form()] = "") -> Response:
    """Begin to make examples of what was collected."""
    back = f"/pairs?{urlencode({'view': view})}" if view else "/pairs"
    job = jobs.start(MakeExamples(view=view), keeper.secret, then=lambda _job: back)
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.get("/bias")
def bias(
    request: Request, keeper: TheKeeper, jobs: TheJobs, view: str = "", job: str = ""
) -> Response:
    """Show what dominates the examples; where there are many they are weighed first."""
    found: Bias | None = None
    rows = 0
    if job:
        weighed = jobs.get(job)
        if not isinstance(weighed.order, Weigh) or weighed.state != "done":
            raise NotFound("That was not weighed to its end; do it again.")
        found, view = weighed.resulted(Bias), weighed.order.view
    with keeper.looking() as twin:
        if pending := _pending(twin, view):
            return page(request, "pairs_pending.html", {"pending": pending, "view": view})
        rows = sum(twin.views.named(view).counted().values())
        if found is None and rows <= _WEIGHED_AT_ONCE:
            found = reviewing.report(twin, view)
        views = [one.definition.name for one in twin.views.trainings if one.definition.name]
    context: dict[str, object] = {
        "found": found,
        "rows": rows,
        "view": view,
        "views": views,
        "kind_of": kind_of,
        "plainly": plainly,
    }
    return page(request, "pairs_bias.html", context)


@router.post("/bias")
def weigh(keeper: TheKeeper, jobs: TheJobs, view: Annotated[str, Form()] = "") -> Response:
    """Begin to weigh the examples."""
    job = jobs.start(Weigh(view=view), keeper.secret, then=lambda job: f"/pairs/bias?job={job.id}")
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.get("/{pair}")
def show(request: Request, pair: str, keeper: TheKeeper, view: str = "") -> Response:
    """Show one example beside the words that it was made from."""
    with keeper.looking() as twin:
        check_known(twin)
        found = reviewing.example(twin, pair, view=view)
        said = twin.views.reviews.of([found.pair]).get(found.pair)
    context: dict[str, object] = {
        "view": view,
        "position": said.position if said else 0,
        "verdict": said.verdict if said else "",
        "one": found,
        "kind_of": kind_of,
    }
    template = "pair.html" if isinstance(found, Example) else "pair_left_out.html"
    return page(request, template, context)


@router.post("/{pair}/say")
def say(  # noqa: PLR0917 - a form
    request: Request,
    pair: str,
    keeper: TheKeeper,
    verdict: Annotated[str, Form()],
    believed: NumberInForm,
    view: Annotated[str, Form()] = "",
) -> Response:
    """Approve or reject an example, unless something else was said of it meanwhile."""
    if verdict not in {"approved", "rejected"}:
        raise UsageError("An example is approved or rejected; go back and choose one.")
    with keeper.changing() as twin:
        put = reviewing.approve if verdict == "approved" else reviewing.reject
        put(twin, pair, view=view, believed=believed)
        said = twin.views.reviews.of([pair])
        context: dict[str, object] = {
            "pair": pair,
            "verdict": verdict,
            "position": said[pair].position if pair in said else 0,
            "view": view,
        }
    if is_partial(request):
        return fragment("_pair_said.html", context)
    return RedirectResponse(_back(pair, view), 303)


@router.post("/{pair}/edit")
def edit(  # noqa: PLR0917 - a form
    pair: str,
    keeper: TheKeeper,
    prompt: Annotated[str, Form(max_length=200_000)],
    answer: Annotated[str, Form(max_length=200_000)],
    believed: NumberInForm,
    view: Annotated[str, Form()] = "",
) -> Response:
    """Put other words in the place of an example's."""
    with keeper.changing() as twin:
        reviewing.edit(twin, pair, prompt=prompt, answer=answer, view=view, believed=believed)
    return RedirectResponse(_back(pair, view), 303)


def _back(pair: str, view: str) -> str:
    return f"/pairs/{pair}?{urlencode({'view': view})}" if view else f"/pairs/{pair}"
