"""The life of an item: its words, how it came, who may use it, what a model would see of it."""

from hashlib import sha256
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.pages.access import Proven, TheKeeper
from console.pages.asking import NumberInPath, day_after
from console.pages.following import check_known
from console.pages.kinds import kind_of
from console.pages.rendering import fragment, is_partial, page
from console.pages.wording import plainly
from console.problems import Problem
from console.use import attachments, correcting, leafing, living, podding, tracing

__all__ = ["router"]

router = APIRouter(prefix="/items")

_CONFLICT = 409


@router.get("/{item_id}")
def item(request: Request, item_id: str, keeper: TheKeeper) -> Response:
    """Show an item and how it came to be."""
    with keeper.looking() as twin:
        life = living.life(twin, item_id)
        conversation = leafing.conversation(twin, life.id) if life.conversation else ""
    context = {
        "life": life,
        "conversation": conversation,
        "kind": kind_of(life.type),
        "kind_of": kind_of,
        "believed": _digest(life.text),
        "after": day_after(life.at) if life.at else None,
    }
    return page(request, "item.html", context)


@router.get("/{item_id}/uses")
def uses(request: Request, item_id: str, keeper: TheKeeper) -> Response:
    """Show where an item is used and why, and what a model would see of it."""
    with keeper.looking() as twin:
        check_known(twin)
        seen = living.masked(twin, item_id)
        traced = tracing.why(twin, item_id)
        pod = podding.status(twin) if twin.is_linked else None
        stated = {one.id for one in twin.views.permissions.statements}
    context: dict[str, object] = {
        "seen": seen,
        "traced": traced,
        "pod": pod,
        "stated": stated,
        "plainly": plainly,
    }
    if is_partial(request):
        return fragment("_uses.html", context)
    return page(request, "item_uses.html", context)


@router.get("/{item_id}/words")
def words(request: Request, item_id: str, keeper: TheKeeper) -> Response:
    """Show an item's words where they can be changed."""
    with keeper.looking() as twin:
        life = living.life(twin, item_id)
    return page(request, "item_words.html", {"life": life, "believed": _digest(life.text)})


@router.post("/{item_id}/words")
def correct(
    request: Request,
    item_id: str,
    keeper: TheKeeper,
    text: Annotated[str, Form()],
    believed: Annotated[str, Form()],
) -> Response:
    """Put other words in the place of an item's, if those that were shown still stand there."""
    with keeper.changing() as twin:
        if _digest(correcting.words(twin, item_id)) != believed:
            return page(request, "problem.html", {"problem": _changed()}, status=_CONFLICT)
        correcting.correct(twin, item_id, text)
    return RedirectResponse(f"/items/{item_id}", 303)


def _changed() -> Problem:
    return Problem(
        status=1,
        code="exists",
        message="This item's words were changed meanwhile, by another tab or device; "
        "open it again and look at them before you change them.",
    )


def _digest(text: str) -> str:
    # A browser sends every line end as CRLF; what it was shown is named by what it is.
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@router.post("/{item_id}/attachments/{number}", dependencies=[Proven])
def download(item_id: str, number: NumberInPath, keeper: TheKeeper) -> Response:
    """Hand out a file that came with an item, as bytes that no browser opens by itself."""
    with keeper.changing() as twin:
        file = attachments.hand_out(twin, item_id, number)
    return Response(
        file.content,
        media_type="application/octet-stream",
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
            "content-security-policy": "sandbox; default-src 'none'",
        },
    )
