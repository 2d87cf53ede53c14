"""Training: planned before anything runs, looked on while it does, stopped and gone on with."""

from typing import Annotated

from fastapi import APIRouter, Form, Header, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from console.pages import curves, drawing
from console.pages.access import TheJobs, TheKeeper, TheSessions
from console.pages.asking import NumberInQuery
from console.pages.jobs import Job, Jobs
from console.pages.keeper import Keeper
from console.pages.kinds import kind_of
from console.pages.rendering import page
from console.pages.training_orders import Asked, Plan, Rebuild, Teach
from console.use import following
from console.use.following import Begun, Run
from console.use.learning import TrainedModel
from console.use.planning import Planned
from console.use.rebuilding import Retrained
from trainer import runs
from trainer.recipe import Recipe
from vault.errors import NotFound, UsageError

__all__ = ["at_work", "begin_rebuild", "router"]

router = APIRouter(prefix="/training")

_SHOWN = 30
_SAMPLES = 6
_ROWS = 200

_Text = Annotated[str, Form(max_length=20_000)]
_Short = Annotated[str, Form(max_length=1_000)]


@router.get("")
def all_runs(request: Request, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Show what could be taught, what learns now, and what did."""
    return _all(request, keeper, jobs, Asked(preset="voice"))


def _all(request: Request, keeper: Keeper, jobs: Jobs, asked: Asked, problem: str = "") -> Response:
    with keeper.looking() as twin:
        twin.catch_up()
        training = twin.views.training
        rows, pending = training.counted(), training.pending
        views = [one.definition.name for one in twin.views.trainings if one.definition.name]
        listed = following.listed(twin).runs[:_SHOWN]
    stands = [curves.standing(one.run, one, curves.job_of(jobs, one.run)) for one in listed]
    context: dict[str, object] = {
        "runs": list(zip(listed, stands, strict=True)),
        "recipes": {one.run: _recipe(one) for one in listed},
        "at_work": at_work(jobs),
        "rows": rows,
        "pending": pending,
        "views": views,
        "asked": asked,
        "problem": problem,
    }
    return page(request, "training.html", context, status=400 if problem else 200)


@router.post("/plan")
def plan(  # noqa: PLR0917 - a form
    request: Request,
    keeper: TheKeeper,
    jobs: TheJobs,
    preset: _Short = "",
    base: _Short = "",
    view: _Short = "",
    text: _Text = "",
) -> Response:
    """Begin to work out what a run would learn and cost."""
    order = Plan(preset=preset, base=base.strip(), view=view, text=text)
    if problem := order.problem():
        return _all(request, keeper, jobs, order, problem)
    job = jobs.start(order, keeper.secret, then=lambda job: f"/training/plan/{job.id}")
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.get("/plan/{name}")
def planned(request: Request, name: str, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Show a plan."""
    with keeper.looking():
        pass
    job = jobs.get(name)
    if not isinstance(job.order, Plan) or job.state != "done":
        raise NotFound("There is no such plan any more; make it again.")
    context: dict[str, object] = {
        "plan": job.resulted(Planned),
        "asked": job.order,
        "kind_of": kind_of,
        "at_work": at_work(jobs),
    }
    return page(request, "training_plan.html", context)


@router.post("/start")
def start(  # noqa: PLR0917 - a form
    request: Request,
    keeper: TheKeeper,
    jobs: TheJobs,
    preset: _Short = "",
    base: _Short = "",
    view: _Short = "",
    text: _Text = "",
) -> Response:
    """Begin to teach a model."""
    order = Teach(preset=preset, base=base.strip(), view=view, text=text, run_id=runs.named())
    if problem := order.problem():
        return _all(request, keeper, jobs, order, problem)
    return _begin(keeper, jobs, order)


@router.get("/{run}")
def show(request: Request, run: str, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Show how a run goes, or went."""
    job = curves.job_of(jobs, run)
    with keeper.looking() as twin:
        try:
            said, numbered = following.since(twin, run, 0)
        except NotFound:
            stands, said, numbered = curves.standing(run, None, job), None, ()
            earlier: tuple[Begun, ...] = ()
        else:
            stands, earlier = curves.standing(run, said, job), following.earlier(twin, run)
        ended = said.state if said and stands.status == "done" else ""
        model = twin.views.lineage.ending_in(ended) if ended else ""
    lines = [line for _, line in numbered]
    context: dict[str, object] = {
        "run": stands,
        "began": said.began if said else job.began if job else None,
        "recipe": _recipe(said) if said else None,
        "base": said.base if said else "",
        "earlier": earlier,
        "again": [line for line in lines if line.phase == "withdrawn" and line.note],
        "curve": drawing.curve(lines),
        "samples": [line for line in lines if line.sample][-_SAMPLES:],
        "table": [line for line in lines if line.loss is not None][-_ROWS:],
        "last": next((line for line in reversed(lines) if line.loss is not None), None),
        "model": model or _made(job),
        "at_work": at_work(jobs),
    }
    return page(request, "training_run.html", context)


@router.get("/{run}/events")
def events(  # noqa: PLR0917 - what it asks for
    request: Request,
    run: str,
    keeper: TheKeeper,
    jobs: TheJobs,
    sessions: TheSessions,
    after: NumberInQuery = 0,
    last_event_id: Annotated[str, Header(max_length=18)] = "",
) -> Response:
    """Stream what a run says, from behind the last line that the browser saw."""
    seen = int(last_event_id) if last_event_id.isdecimal() else after
    cookie = request.cookies.get(sessions.cookie, "")
    stream = curves.stream(keeper, jobs, run, seen, lambda: sessions.holds(cookie))
    return StreamingResponse(stream, media_type="text/event-stream")


@router.post("/{run}/stop")
def stop(run: str, jobs: TheJobs) -> Response:
    """Stop a run after the step that it is at; what it learned is kept."""
    job = curves.job_of(jobs, run)
    if job is None:
        raise UsageError(
            "This run was begun elsewhere; stop it there with Ctrl-C, and it keeps what it learned."
        )
    jobs.stop(job.id)
    return RedirectResponse(f"/training/{run}", 303)


@router.post("/{run}/resume")
def resume(run: str, keeper: TheKeeper, jobs: TheJobs) -> Response:
    """Go on with a run that came to no model: it begins behind what was kept last."""
    with keeper.looking() as twin:
        said, _ = following.since(twin, run, 0)
    if not said.recipe:
        raise UsageError(
            "How this run was asked for is not known any more; begin one with the same choices, "
            "and it goes on from what was kept."
        )
    return _begin(keeper, jobs, Teach(again=said.recipe, base=said.base, run_id=runs.named()))


def begin_rebuild(keeper: Keeper, jobs: Jobs, *, prove: bool) -> Response:
    """Begin to rebuild the newest model, and lead to its run."""
    return _begin(keeper, jobs, Rebuild(run_id=runs.named(), prove=prove))


def _begin(keeper: Keeper, jobs: Jobs, order: Teach | Rebuild) -> Response:
    jobs.start(order, keeper.secret, then=_to_model, alone=(Teach, Rebuild))
    return RedirectResponse(f"/training/{order.run_id}", 303)


def at_work(jobs: Jobs) -> list[str]:
    """Return the runs that this server has under way."""
    every = (job.order for job in jobs.running())
    return [order.run_id for order in every if isinstance(order, Teach | Rebuild)]


def _to_model(job: Job) -> str:
    return f"/models/{_made(job)}"


def _made(job: Job | None) -> str:
    """Return the model that came of some work, nothing where none did."""
    if job is None or job.state != "done":
        return ""
    if isinstance(job.order, Rebuild):
        return job.resulted(Retrained).model
    return job.resulted(TrainedModel).model


def _recipe(said: Run) -> Recipe | None:
    return Recipe.from_canonical(said.recipe) if said.recipe else None
