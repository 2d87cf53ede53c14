"""The lessons, one screen each."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from console.pages.lessons import LESSONS, lesson_of
from console.pages.rendering import page

__all__ = ["router"]

router = APIRouter(prefix="/lessons")


@router.get("")
def lessons(request: Request) -> Response:
    """List the lessons."""
    return page(request, "lessons.html", {"lessons": LESSONS})


@router.get("/{name}")
def lesson(request: Request, name: str) -> Response:
    """Show one."""
    number, shown = lesson_of(name)
    context: dict[str, object] = {
        "lesson": shown,
        "number": number,
        "count": len(LESSONS),
        "before": LESSONS[number - 2] if number > 1 else None,
        "after": LESSONS[number] if number < len(LESSONS) else None,
    }
    return page(request, f"lesson_{shown.name}.html", context)
