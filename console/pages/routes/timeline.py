"""Everything that is kept, by time, and a picture of what is from when."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.pages import clock
from console.pages.access import TheKeeper
from console.pages.asking import Asked, TheAsked
from console.pages.kinds import kind_of, kinds_beneath
from console.pages.months import chart
from console.pages.rendering import fragment, is_partial, page
from console.use import leafing
from console.use.leafing import Line, Sheet
from projections.chronicle import Counted
from projections.circles import within
from vault.errors import NotFound
from vault.items import Precision

__all__ = ["router"]

router = APIRouter(prefix="/timeline")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@router.get("")
def timeline(request: Request, keeper: TheKeeper, asked: TheAsked) -> Response:
    """Show items by time, the newest first; htmx asks for those that follow."""
    with keeper.looking() as twin:
        filters = asked.filters(twin)
        sheet = leafing.leaf(twin, data_type=asked.type, filters=filters, before=asked.before)
        if is_partial(request):
            return fragment("_leaf.html", _listed(asked, sheet))
        counted = leafing.counted(twin, clock.begins)
        person = leafing.called(twin, asked.person)[0] if asked.person else None
        title = leafing.conversation(twin, asked.conversation) if asked.conversation else ""
    context = {
        "asked": asked,
        "chart": _chart(asked, counted),
        "kinds": kinds_beneath(one.type for one in counted),
        "sources": sorted({one.source for one in counted}),
        "total": sum(one.items for one in counted),
        "person": person.names[0] if person and person.names else "somebody without a name",
        "conversation": title,
    }
    return page(request, "timeline.html", _listed(asked, sheet) | context)


@router.post("")
def ask(
    request: Request,
    keeper: TheKeeper,
    *,
    kind: Annotated[str, Form()] = "",
    source: Annotated[str, Form()] = "",
    person: Annotated[str, Form()] = "",
    conversation: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    since: Annotated[str, Form()] = "",
    until: Annotated[str, Form()] = "",
    month: Annotated[str, Form()] = "",
) -> Response:
    """Go to what the form asks for; of several people who are called so one is chosen first."""
    asked = Asked.read(
        type=kind,
        source=source,
        person=person,
        conversation=conversation,
        since=since,
        until=until,
        month=month,
    )
    if name.strip():
        with keeper.looking() as twin:
            found = leafing.called(twin, name)
        if len(found) > 1:
            return page(request, "timeline_who.html", {"asked": asked, "found": found})
        if not found:
            raise NotFound("Nobody here is called that; the people page lists everybody.")
        asked = replace(asked, person=found[0].id)
    return RedirectResponse(asked.path(), 303)


def _listed(asked: Asked, sheet: Sheet) -> dict[str, object]:
    """Return what the list of items shows: by days, the first of which may have begun above."""
    days: dict[date, list[Line]] = {}
    for line in sheet.items:
        days.setdefault(_day(line), []).append(line)
    begun = _day_of(asked.before)
    return {
        "days": sorted(days.items(), reverse=True),
        "begun": begun,
        "next": asked.path(before=sheet.next) if sheet.next else "",
        "kind_of": kind_of,
        "asked": asked,
    }


def _day(line: Line) -> date:
    """Return the day that an item stands under here; one that states no time has its own day."""
    if line.at and line.precision is Precision.DAY:
        return line.at.astimezone(UTC).date()
    return clock.here(line.stands).date()


def _day_of(before: str) -> date | None:
    """Return the day at which the page before ended."""
    if not before:
        return None
    dated = int(before.partition(".")[0])
    return clock.here(_EPOCH + timedelta(microseconds=dated)).date()


def _chart(asked: Asked, counted: tuple[Counted, ...]) -> object:
    """Return the picture of what is asked for; of people and conversations nothing is counted."""
    if asked.person or asked.conversation:
        return None
    wanted = (
        one
        for one in counted
        if asked.source in {"", one.source} and (not asked.type or within(one.type, asked.type))
    )
    narrowed = asked.month or asked
    return chart(wanted, narrowed.since, narrowed.until)
