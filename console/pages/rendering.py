"""Templates to pages: escaped, and strict about names that nobody gave them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from console.pages.clock import here
from console.pages.door import Door
from console.pages.following import work
from console.pages.keeper import Keeper
from console.pages.sessions import Sessions

__all__ = ["NAVIGATION", "Entry", "fragment", "is_partial", "page", "rendered"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation: where it leads, its icon, its name, and whether it begins a group."""

    path: str
    icon: str
    label: str
    begins: bool = False


NAVIGATION = (
    Entry("/", "layout-dashboard", "Overview"),
    Entry("/timeline", "clock", "Timeline", begins=True),
    Entry("/search", "search", "Search"),
    Entry("/sources", "plug", "Sources", begins=True),
    Entry("/people", "users", "People"),
    Entry("/consent", "shield-check", "Consent"),
    Entry("/pod", "database", "Pod"),
    Entry("/training", "activity", "Training", begins=True),
    Entry("/pairs", "list-checks", "Examples"),
    Entry("/models", "cpu", "Models"),
    Entry("/chat", "message-circle", "Chat"),
    Entry("/integrity", "fingerprint", "Integrity", begins=True),
    Entry("/forget", "eraser", "Forget"),
    Entry("/lessons", "graduation-cap", "Lessons"),
)


_THOUSAND = 1000


def _number(value: float) -> str:
    return f"{value:,}"


def _day(value: datetime | None) -> str:
    return f"{here(value):%-d %b %Y}" if value else "no date"


def _moment(value: datetime | None) -> str:
    return f"{here(value):%-d %b %Y, %H:%M}" if value else "no date"


def _size(value: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if value < _THOUSAND or unit == "GB":
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= _THOUSAND
    raise AssertionError


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    # Pages of an installation that is replaced meanwhile would not go with the code that runs.
    auto_reload=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"number": _number, "day": _day, "moment": _moment, "size": _size}


def is_partial(request: Request) -> bool:
    """Whether htmx asks for a part of a page, and not the browser for a whole one."""
    return "hx-request" in request.headers and "hx-history-restore-request" not in request.headers


def page(
    request: Request, template: str, context: dict[str, object], *, status: int = 200
) -> HTMLResponse:
    """Render a whole page inside the frame that all pages share."""
    keeper: Keeper = request.app.state.keeper
    sessions: Sessions = request.app.state.sessions
    door: Door = request.app.state.door
    frame = {
        "navigation": NAVIGATION,
        "path": request.url.path,
        "is_open": keeper.is_open,
        "needs_passphrase": not sessions.has_proven(request.cookies.get(sessions.cookie, "")),
        "static": request.app.state.static,
        "is_lan": door.is_lan,
        "work": work(keeper, request.app.state.jobs, request.url.path),
    }
    return HTMLResponse(_templates.get_template(template).render(frame | context), status)


def rendered(template: str, context: dict[str, object]) -> str:
    """Render a part of a page that is sent in an event."""
    return _templates.get_template(template).render(context)


def fragment(template: str, context: dict[str, object], *, status: int = 200) -> HTMLResponse:
    """Render a part of a page, which htmx puts in its place."""
    return HTMLResponse(_templates.get_template(template).render(context), status)
