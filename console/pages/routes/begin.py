"""Beginning: five short screens, each of which says what happens to the bytes."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.pages.access import Proven, TheJobs, TheKeeper, TheSessions
from console.pages.asking import NumberInForm
from console.pages.beginning_orders import Apply
from console.pages.jobs import Job
from console.pages.kinds import kind_of
from console.pages.rendering import page
from console.use import beginning, keeping, podding, presets, sources, viewing
from console.use.beginning import Step
from console.use.presets import Plan, Preset
from vault.consent import Purpose
from vault.errors import UsageError

__all__ = ["router"]

router = APIRouter(prefix="/begin")

_EXAMPLES = 20
_FIRST_ASKED = 2
_PAPER = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "content-type": "text/html; charset=utf-8",
}


@router.get("")
def begin(request: Request, keeper: TheKeeper) -> Response:
    """Begin with a vault; where there is one, lead to where she left off."""
    if not keeper.exists:
        return _vault(request, keeper)
    with keeper.looking() as twin:
        following = beginning.begun(twin).next
    return RedirectResponse(f"/begin/{following}" if following else "/begin/learn", 303)


@router.post("/vault")
def create(
    request: Request,
    keeper: TheKeeper,
    sessions: TheSessions,
    passphrase: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Create the vault, open it, and count the passphrase as just typed."""
    if keeper.exists:
        return RedirectResponse("/begin", 303)
    if passphrase != again:
        return _vault(request, keeper, "The two are not the same; type the passphrase twice.")
    try:
        keeping.create(keeper.home, passphrase)
    except UsageError as error:
        return _vault(request, keeper, str(error))
    keeper.unlock(passphrase)
    sessions.prove(request.cookies.get(sessions.cookie, ""))
    with keeper.changing() as twin:
        beginning.finish(twin)
    return RedirectResponse("/begin/key", 303)


def _vault(request: Request, keeper: TheKeeper, problem: str = "") -> Response:
    place = beginning.place(keeper.home)
    context: dict[str, object] = {"place": place, "problem": problem, "done": ()}
    return page(request, "begin_vault.html", context, status=400 if problem else 200)


@router.get("/key")
def key(request: Request, keeper: TheKeeper) -> Response:
    """Have the recovery key printed, and a part of it typed from the paper."""
    return _key(request, keeper)


def _key(request: Request, keeper: TheKeeper, problem: str = "", group: int = 0) -> Response:
    with keeper.looking() as twin:
        paper = beginning.on_paper(twin)
        done = beginning.begun(twin).done
    if paper and not group:
        group = _FIRST_ASKED + secrets.randbelow(max(1, paper.groups - _FIRST_ASKED))
    context: dict[str, object] = {
        "paper": paper, "group": group, "problem": problem, "done": done,
    }  # fmt: skip
    return page(request, "begin_key.html", context, status=400 if problem else 200)


@router.post("/key/paper", dependencies=[Proven])
def paper(keeper: TheKeeper) -> Response:
    """Show the recovery page, in a window of its own, to be printed."""
    with keeper.looking() as twin:
        text = beginning.page(twin)
    return Response(text, headers=_PAPER)


@router.post("/key")
def confirm(
    request: Request,
    keeper: TheKeeper,
    sessions: TheSessions,
    group: NumberInForm,
    typed: Annotated[str, Form()] = "",
    *,
    remove: Annotated[bool, Form()] = False,
) -> Response:
    """Take a group of the key, typed from the paper, for a sign that it is there."""
    cookie = request.cookies.get(sessions.cookie, "")

    def look() -> None:
        with keeper.changing() as twin:
            beginning.confirm(twin, group, typed, remove=remove)

    try:
        sessions.attempt_part(cookie, look)
    except UsageError as error:
        return _key(request, keeper, str(error), group)
    return RedirectResponse("/begin/pod", 303)


@router.get("/pod")
def pod(request: Request, keeper: TheKeeper) -> Response:
    """Say what a pod is; it can wait."""
    with keeper.looking() as twin:
        linked = podding.status(twin).url if twin.is_linked else ""
        done = beginning.begun(twin).done
    return page(request, "begin_pod.html", {"linked": linked, "done": done})


@router.post("/pod")
def later(keeper: TheKeeper) -> Response:
    """Go on without a pod."""
    with keeper.changing() as twin:
        beginning.finish(twin, Step.POD)
    return RedirectResponse("/begin/source", 303)


@router.get("/source")
def source(request: Request, keeper: TheKeeper) -> Response:
    """Lead to one source to begin with, and say how to get an export of it."""
    with keeper.looking() as twin:
        done = beginning.begun(twin).done
        items = twin.views.timeline.count()
    known = [one for one in sources.known().sources if one.built_in and one.how]
    return page(request, "begin_source.html", {"known": known, "items": items, "done": done})


@router.get("/allow")
def allow(request: Request, keeper: TheKeeper) -> Response:
    """Offer three ways to begin, with what each would put on the record."""
    return _allow(request, keeper)


def _allow(
    request: Request, keeper: TheKeeper, *, has_changed: bool = False, applying: Job | None = None
) -> Response:
    with keeper.looking() as twin:
        standing = presets.standing(twin)
        plans = {one.value: presets.plan(twin, one, others=standing.others) for one in Preset}
        both = {others: presets.plan(twin, Preset.TEACH, others=others) for others in (False, True)}
        done = beginning.begun(twin).done
        items = twin.views.timeline.count()
    context: dict[str, object] = {
        "standing": standing,
        "plans": plans,
        "exact": [name for name, one in plans.items() if not _lines(one)],
        "lines": {
            Preset.KEEP.value: _marked(plans[Preset.KEEP.value]),
            Preset.SEARCH.value: _marked(plans[Preset.SEARCH.value]),
            Preset.TEACH.value: _marked(both[True], both[False]),
        },
        "others": _items(both[True], Purpose.TRAIN) - _items(both[False], Purpose.TRAIN),
        "search": _items(plans[Preset.SEARCH.value], Purpose.SEARCH),
        "train": _items(both[False], Purpose.TRAIN),
        "sensitive": [(kind_of(name).name, count) for name, count in both[True].sensitive],
        "has_changed": has_changed,
        "applying": applying,
        "items": items,
        "done": done,
    }
    return page(
        request, "begin_allow.html", context, status=409 if has_changed or applying else 200
    )


@router.post("/allow")
def said(
    request: Request,
    keeper: TheKeeper,
    jobs: TheJobs,
    preset: Annotated[Preset, Form()],
    edition: Annotated[str, Form()],
    *,
    others: Annotated[bool, Form()] = False,
) -> Response:
    """Say it, unless something else was said since the choice was shown, or is being said."""
    order = Apply(preset=preset, others=others, edition=edition)
    # Looked at and begun under one lock: of two windows at once only one comes to say something.
    with keeper.changing() as twin:
        planned = presets.plan(twin, preset, others=others)
        job = next(iter(jobs.running(Apply)), None)
        is_other = job is not None and job.order != order
        has_changed = job is None and planned.edition != edition
        if not (is_other or has_changed):
            if job is None and (planned.allow or planned.again or planned.withdraw):
                job = jobs.start(order, keeper.secret, then=lambda _: "/begin/learn")
            beginning.finish(twin, Step.ALLOW)
    if is_other or has_changed:
        return _allow(request, keeper, has_changed=has_changed, applying=job)
    return RedirectResponse(f"/jobs/{job.id}" if job else "/begin/learn", 303)


def _items(plan: Plan, purpose: Purpose) -> int:
    return dict(plan.covered).get(purpose, 0)


def _marked(plan: Plan, unticked: Plan | None = None) -> list[tuple[str, str, str, str, str]]:
    """Return what a preset would say, each with whether it hangs on the tick about others."""
    with_it = _lines(plan)
    without = with_it if unticked is None else _lines(unticked)
    return [
        *((*one, "" if one in without else "if ticked") for one in with_it),
        *((*one, "if not ticked") for one in without if one not in with_it),
    ]


def _lines(plan: Plan) -> list[tuple[str, str, str, str]]:
    """Return what a preset would say, as what happens, the icon, the kind and the purpose."""
    said: list[tuple[str, str, Purpose]] = []
    said += [("allow", one.type, one.purpose) for one in plan.allow]
    said += [("allow", one.type, one.purpose) for one in plan.again]
    said += [("take back", one.type, one.purpose) for one in plan.withdraw]
    said += [("stays forbidden", one.type, one.purpose) for one in plan.refused]
    return [(what, *_named(data_type), purpose.value) for what, data_type, purpose in said]


def _named(data_type: str) -> tuple[str, str]:
    kind = kind_of(data_type)
    whose = {"received": ", from others", "sent": ", yours"}.get(data_type.rpartition(".")[2], "")
    return kind.icon, kind.name + whose


@router.get("/learn")
def learn(request: Request, keeper: TheKeeper, by: str = "") -> Response:
    """Show twenty examples exactly as a model would see them."""
    is_most = by == "masked"
    with keeper.looking() as twin:
        shown = viewing.seen(twin, _EXAMPLES, most_masked=is_most)
        standing = presets.standing(twin)
        items = twin.views.timeline.count()
        done = beginning.begun(twin).done
    context: dict[str, object] = {
        "shown": [(one, kind_of(one.type)) for one in shown],
        "is_most": is_most,
        "standing": standing,
        "items": items,
        "done": done,
    }
    return page(request, "begin_learn.html", context)


@router.post("/learn")
def finish(keeper: TheKeeper) -> Response:
    """End the beginning."""
    with keeper.changing() as twin:
        beginning.finish(twin, Step.LEARN)
    return RedirectResponse("/", 303)
