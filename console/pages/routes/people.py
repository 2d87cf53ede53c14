"""Who is who: looking, merging, splitting, relating, blocking. People are named by ids in URLs."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.pages.access import TheJobs, TheKeeper
from console.pages.asking import NumberInQuery
from console.pages.consent_orders import Block, Done, Merge, Relate, Split
from console.pages.jobs import Job
from console.pages.orders import Order
from console.pages.rendering import fragment, is_partial, page
from console.pages.routes.consent import line_of
from console.pages.saying import check, known, mark, pause_changes
from console.pages.wording import paused_in_words, words
from console.use import effects, people
from vault.consent import Pause
from vault.errors import UsageError

__all__ = ["router"]

router = APIRouter(prefix="/people")

_PAGE = 50
_FOUND = 20
Text = Annotated[str, Form(max_length=200)]
Seen = Annotated[str, Form(max_length=64)]


@router.get("")
def everybody(request: Request, keeper: TheKeeper, after: NumberInQuery = 0) -> Response:
    """Show people, those in most items first."""
    return _list(request, keeper, "", after)


@router.post("/find")
def find(request: Request, keeper: TheKeeper, text: Text = "") -> Response:
    """Show the people whom some words may mean."""
    return _list(request, keeper, text, 0)


def _list(request: Request, keeper: TheKeeper, text: str, after: int) -> Response:
    with keeper.looking() as twin:
        found = people.listed(twin, text, after, _PAGE)
    context: dict[str, object] = {
        "people": found.people,
        "count": found.count,
        "text": text,
        "after": after,
        "next": after + _PAGE if found.count > after + _PAGE and not text else None,
    }
    if is_partial(request):
        return fragment("_people.html", context)
    return page(request, "people.html", context)


@router.get("/{id_}")
def person(request: Request, id_: str, keeper: TheKeeper) -> Response:
    """Show one person, what of the vault is theirs, and what was said of them."""
    with keeper.looking() as twin:
        found = people.about(twin, id_)
        context: dict[str, object] = {
            "about": found,
            "person": found.person,
            "lines": [line_of(twin, one) for one in found.statements],
            "pauses": [
                (one, paused_in_words(one)) for one in found.pauses if one.type or one.source
            ],
            "relations": people.RELATIONS,
            "words": words,
            "seen": mark(twin, known(twin, found.person.id)),
        }
    return page(request, "person.html", context)


@router.post("/{id_}/relate")
def relate(id_: str, keeper: TheKeeper, jobs: TheJobs, relation: Text, seen: Seen) -> Response:
    """Say what a person is to you."""
    own = " ".join(relation.split())
    return _begin(keeper, jobs, Relate(person=id_, relation=own, seen=seen), seen, id_)


@router.post("/{id_}/own/effect")
def own_effect(request: Request, id_: str, keeper: TheKeeper) -> Response:
    """Tell what would change if a person were the owner herself."""
    with keeper.looking() as twin:
        found = people.show(twin, id_)
        context: dict[str, object] = {
            "title": "Is this you?",
            "persons": (found,),
            "changes": (
                "These names and addresses are yours from now on, on every device.",
                "What they wrote counts as your words in what you add from now on.",
                "What is here already keeps the kind under which it came.",
            ),
            "fields": {"relation": people.OWNER, "seen": mark(twin, known(twin, id_))},
            "to": f"/people/{found.id}/relate",
            "back": f"/people/{found.id}",
            "verb": "This is me",
        }
    return page(request, "person_effect.html", context)


# ---------------------------------------------------------------------- merging


@router.get("/{id_}/merge")
def merging(request: Request, id_: str, keeper: TheKeeper) -> Response:
    """Offer the people who may be the same as one; first those who share a name."""
    with keeper.looking() as twin:
        found = people.about(twin, id_)
    context: dict[str, object] = {"person": found.person, "found": found.namesakes, "text": ""}
    return page(request, "person_merge.html", context)


@router.post("/{id_}/merge/find")
def merge_find(request: Request, id_: str, keeper: TheKeeper, text: Text = "") -> Response:
    """Show the people whom some words may mean, to choose the same person from."""
    with keeper.looking() as twin:
        found = people.about(twin, id_)
        others = people.listed(twin, text, 0, _FOUND).people if text.strip() else found.namesakes
    context: dict[str, object] = {
        "person": found.person,
        "found": [one for one in others if one.id != found.person.id],
        "text": text,
    }
    if is_partial(request):
        return fragment("_merge.html", context)
    return page(request, "person_merge.html", context)


@router.post("/{id_}/merge/effect")
def merge_effect(request: Request, id_: str, keeper: TheKeeper, other: Text) -> Response:
    """Tell what would change if two persons were one."""
    with keeper.looking() as twin:
        pair = people.show(twin, id_), people.show(twin, other)
        if pair[0].id == pair[1].id:
            raise UsageError("They are one person already; nothing was said.")
        found = effects.of_merging(twin, id_, other)
        context: dict[str, object] = {
            "title": "One person?",
            "persons": pair,
            "changes": _merged(found),
            "fields": {"other": pair[1].id, "seen": mark(twin, known(twin, id_, other))},
            "to": f"/people/{pair[0].id}/merge",
            "back": f"/people/{pair[0].id}",
            "verb": "They are one person",
        }
    return page(request, "person_effect.html", context)


def _merged(found: effects.Merging) -> tuple[str, ...]:
    told = ["Names and addresses of both are masked alike in what a model learns."]
    if found.statements:
        noun = "thing" if found.statements == 1 else "things"
        told.append(f"{found.statements} {noun} you said of one of them holds for both.")
    if found.examples_leave:
        told.append(f"About {found.examples_leave:,} examples leave the next run.")
    told += [f"{model} is suspended until it is rebuilt." for model in found.models]
    told.append("You can make two people of them again.")
    return tuple(told)


@router.post("/{id_}/merge")
def merge(id_: str, keeper: TheKeeper, jobs: TheJobs, other: Text, seen: Seen) -> Response:
    """Say that two persons are one."""
    return _begin(keeper, jobs, Merge(person=id_, other=other, seen=seen), seen, id_, other)


# ---------------------------------------------------------------------- splitting


@router.post("/{id_}/split/effect")
def split_effect(
    request: Request,
    id_: str,
    keeper: TheKeeper,
    texts: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Tell what would change if some names and addresses were somebody else's."""
    with keeper.looking() as twin:
        found = people.show(twin, id_)
        chosen = [one for one in texts or () if one in {*found.names, *found.addresses}]
        if not chosen or len(chosen) == len(found.names) + len(found.addresses):
            raise UsageError("Choose some of the names and addresses, not none and not all.")
        context: dict[str, object] = {
            "title": "Somebody else?",
            "persons": (found,),
            "chosen": chosen,
            "changes": (
                "They become a person of their own, masked under another name.",
                "What you said under one of these names holds for who bears it then.",
                "You can make them one person again.",
            ),
            "fields": {"seen": mark(twin, known(twin, id_))},
            "texts": chosen,
            "to": f"/people/{found.id}/split",
            "back": f"/people/{found.id}",
            "verb": "Somebody else",
        }
    return page(request, "person_effect.html", context)


@router.post("/{id_}/split")
def split(
    id_: str,
    keeper: TheKeeper,
    jobs: TheJobs,
    seen: Seen,
    texts: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Say that some names and addresses are somebody else's."""
    return _begin(keeper, jobs, Split(person=id_, texts=tuple(texts or ()), seen=seen), seen, id_)


# ---------------------------------------------------------------------- blocking


@router.post("/{id_}/block/effect")
def block_effect(request: Request, id_: str, keeper: TheKeeper) -> Response:
    """Tell what would change if nothing of a person were used, or if it were again."""
    with keeper.looking() as twin:
        found = people.show(twin, id_)
        (whom,) = (one for one in twin.views.people.persons() if one.id == found.id)
        pause = Pause(id="", person=twin.views.people.form_of(whom))
        told: tuple[str, ...]
        if found.blocked:
            told = (
                "What you said before holds again for what they take part in or are named in.",
                "A model that was suspended stays so until it is rebuilt.",
            )
        else:
            told = pause_changes(pause, effects.of_pause(twin, pause))
        context: dict[str, object] = {
            "title": "Use it again?" if found.blocked else "Block this person?",
            "persons": (found,),
            "changes": told,
            "fields": {"seen": mark(twin, known(twin, id_)), "ends": "1" if found.blocked else ""},
            "to": f"/people/{found.id}/block",
            "back": f"/people/{found.id}",
            "verb": "Unblock" if found.blocked else "Block",
        }
    return page(request, "person_effect.html", context)


@router.post("/{id_}/block")
def block(id_: str, keeper: TheKeeper, jobs: TheJobs, seen: Seen, ends: Text = "") -> Response:
    """Use nothing of a person and nothing that mentions them, or let what was said hold again."""
    return _begin(keeper, jobs, Block(person=id_, ends=bool(ends), seen=seen), seen, id_)


def _begin(keeper: TheKeeper, jobs: TheJobs, order: Order, seen: str, *ids: str) -> Response:
    with keeper.changing() as twin:
        twin.catch_up()
        check(twin, known(twin, *ids), seen)
    job = jobs.start(order, keeper.secret, then=_to_person)
    return RedirectResponse(f"/jobs/{job.id}", 303)


def _to_person(job: Job) -> str:
    done = job.resulted(Done)
    return f"/people/{done.id}" if done.id else "/people"
