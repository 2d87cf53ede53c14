"""The overview."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from console.pages.access import TheKeeper
from console.pages.rendering import page
from console.use import viewing

__all__ = ["router"]

router = APIRouter()


@router.get("/")
def home(request: Request, keeper: TheKeeper) -> Response:
    """Show what the vault holds; where there is none yet, begin."""
    if not keeper.exists:
        return RedirectResponse("/begin", 303)
    with keeper.looking() as twin:
        counts = viewing.counts(twin)
    return page(request, "home.html", {"counts": counts})
