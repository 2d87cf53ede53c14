"""Searching what may be searched. What is asked for is sent, never put into an address."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from console.bootstrap import Twin
from console.pages.access import TheKeeper
from console.pages.asking import day, midnight
from console.pages.following import check_known
from console.pages.kinds import kind_of, kinds_beneath
from console.pages.rendering import fragment, is_partial, page
from console.use import leafing, searching
from console.use.leafing import Line
from console.use.searching import By
from vault.consent import Filters
from vault.errors import NotFound

__all__ = ["router"]

router = APIRouter(prefix="/search")

_FEW = 20
_MOST = 200
_LONGEST = 500
_WORD = re.compile(r"(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is typed into the form, as it is shown there again."""

    words: str = ""
    by: By = By.BOTH
    type: str = ""
    source: str = ""
    person: str = ""
    since: str = ""
    until: str = ""
    limit: int = _FEW

    @property
    def is_narrowed(self) -> bool:
        """Whether more than words is given."""
        return bool(self.type or self.source or self.person or self.since or self.until)

    def filters(self) -> Filters:
        """Return what narrows the search.

        Raises:
            UsageError: A day is none.
        """
        return Filters(
            source=self.source,
            person=self.person.strip(),
            since=midnight(day(self.since)),
            until=midnight(day(self.until)),
        )


def _wanted(
    *,
    words: Annotated[str, Form()] = "",
    by: Annotated[By, Form()] = By.BOTH,
    kind: Annotated[str, Form()] = "",
    source: Annotated[str, Form()] = "",
    person: Annotated[str, Form()] = "",
    since: Annotated[str, Form()] = "",
    until: Annotated[str, Form()] = "",
    limit: Annotated[int, Form(ge=1, le=_MOST)] = _FEW,
) -> Wanted:
    return Wanted(
        words=words[:_LONGEST],
        by=by,
        type=kind,
        source=source,
        person=person,
        since=since,
        until=until,
        limit=limit,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An item that was found: some of its words, each with whether it was asked for.

    `alike` says that it does not hold all the words, but seems to mean the same.
    """

    line: Line
    words: tuple[tuple[str, bool], ...]
    alike: bool


@router.get("")
def searching_page(request: Request, keeper: TheKeeper) -> Response:
    """Show an empty form, and how much may be found with it."""
    return _shown(request, keeper, Wanted())


@router.post("")
def search(
    request: Request, keeper: TheKeeper, wanted: Annotated[Wanted, Depends(_wanted)]
) -> Response:
    """Show what was found, for htmx without the form."""
    return _shown(request, keeper, wanted)


def _shown(request: Request, keeper: TheKeeper, wanted: Wanted) -> Response:
    with keeper.looking() as twin:
        found, told = _found(twin, wanted)
        context: dict[str, object] = {
            "wanted": wanted,
            "found": found[: wanted.limit],
            "more": min(_MOST, 3 * wanted.limit) if len(found) > wanted.limit else 0,
            "told": told,
            "reach": None if found else searching.reach(twin),
            "kind_of": kind_of,
        }
        if is_partial(request):
            return fragment("_found.html", context)
        counts = twin.views.timeline.counts()
    context["kinds"] = kinds_beneath(data_type for _, data_type in counts)
    context["sources"] = sorted({source for source, _ in counts})
    return page(request, "search.html", context)


def _found(twin: Twin, wanted: Wanted) -> tuple[list[Found], str]:
    """Return what was found, or why nothing could be."""
    if not wanted.words.strip():
        return [], ""
    check_known(twin)
    try:
        hits = searching.search(
            twin,
            wanted.words,
            by=wanted.by,
            data_type=wanted.type,
            filters=wanted.filters(),
            limit=wanted.limit + 1,
        ).hits
    except NotFound:
        return [], "Nobody here is called that, or nothing is of that kind and source."
    lines = {line.id: line for line in leafing.lines(twin, [hit.id for hit in hits])}
    asked = _asked_for(wanted.words)
    found = [
        Found(
            line=lines[hit.id],
            words=_marked(hit.snippet, asked),
            alike=hit.by is By.MEANING,
        )
        for hit in hits
        if hit.id in lines
    ]
    return found, ""


def _asked_for(words: str) -> re.Pattern[str] | None:
    """Return what matches a word that was asked for."""
    parts = [
        re.escape(word) + (r"\w*" if ending else "")
        for word, ending in re.findall(r"(\w+)(\*?)", words)
    ]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _marked(snippet: str, asked: re.Pattern[str] | None) -> tuple[tuple[str, bool], ...]:
    """Cut words into parts, each with whether it was asked for."""
    return tuple(
        (part, bool(asked and asked.fullmatch(part))) for part in _WORD.split(snippet) if part
    )
