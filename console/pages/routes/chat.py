"""Talking with models: ask, read along, judge, take along."""

import re
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from console.bootstrap import Twin
from console.pages.access import Proven, TheKeeper, TheSessions, TheWarming
from console.pages.asking import MOST, NumberInForm, PerhapsNumberInQuery
from console.pages.kinds import kind_of
from console.pages.rendering import page, rendered
from console.pages.writing import events, write
from console.talking import Answer, Conversation, Exchange
from console.use import conversing, transcribing
from vault.errors import UsageError

__all__ = ["router"]

router = APIRouter(prefix="/chat")

_OTHER_WORDS = "again"
_CITED = re.compile(r"\[(\d{1,2})\]")


@router.get("")
def start(request: Request, keeper: TheKeeper, warming: TheWarming) -> Response:
    """Show who can be asked, and which conversations go on."""
    with keeper.looking() as twin:
        shown = _models(twin) | {
            "talks": sorted(twin.talks.values(), key=lambda one: one.began, reverse=True),
            "feedback": twin.views.feedback.count(),
        }
    if shown["models"]:
        warming.begin()
    return page(request, "chat.html", shown)


def _models(twin: Twin) -> dict[str, object]:
    """Return who may answer, in the order to choose from, and who may not."""
    found = conversing.choices(twin)
    return {
        "models": [one for one in found if one.status in {"trained", "suspended"}],
        "has_any": bool(found),
    }


@router.post("")
def begin(
    keeper: TheKeeper,
    *,
    question: Annotated[str, Form()] = "",
    model: Annotated[str, Form(max_length=200)] = "",
    beside: Annotated[str, Form(max_length=200)] = "",
    grounded: Annotated[bool, Form()] = False,
    examples: Annotated[bool, Form()] = False,
) -> Response:
    """Begin a conversation with a question."""
    with keeper.changing() as twin:
        talk = conversing.begin(twin)
        try:
            turns = conversing.ask(
                twin,
                talk,
                question,
                models=_asked(model, beside),
                grounded=grounded,
                examples=examples,
            )
        except BaseException:
            conversing.let_go(twin, talk)
            raise
    write(keeper, talk, turns)
    return _to(talk)


def _asked(model: str, beside: str) -> tuple[str, ...]:
    if not beside:
        return (model,)
    return (model, model if beside == _OTHER_WORDS else beside)


def _to(talk: Conversation) -> Response:
    return RedirectResponse(f"/chat/{talk.id}#newest", 303)


@router.get("/feedback")
def feedback(request: Request, keeper: TheKeeper, before: PerhapsNumberInQuery = None) -> Response:
    """List what the owner said of answers, the newest first."""
    with keeper.looking() as twin:
        found = conversing.given(twin, before)
    shown: dict[str, object] = {"found": found, "is_newest": before is None}
    return page(request, "chat_feedback.html", shown)


@router.post("/feedback/{entry}/take-back")
def take_back(entry: str, keeper: TheKeeper, talk: Annotated[str, Form()] = "") -> Response:
    """Erase what was said of an answer."""
    with keeper.changing() as twin:
        conversing.take_back(twin, entry)
        known = twin.talks.get(talk)
    return _to(known) if known else RedirectResponse("/chat/feedback", 303)


@router.get("/{name}")
def show(request: Request, name: str, keeper: TheKeeper) -> Response:
    """Show a conversation."""
    with keeper.looking() as twin:
        talk = conversing.conversation(twin, name)
        shown = _models(twin)
    last = [answer.model for answer in talk.answers][-1:]
    return page(
        request,
        "chat_talk.html",
        shown
        | {"talk": talk, "pieces": _pieces, "kind_of": kind_of, "last": last[0] if last else ""},
    )


@router.post("/{name}")
def ask(
    name: str,
    keeper: TheKeeper,
    *,
    after: NumberInForm,
    question: Annotated[str, Form()] = "",
    model: Annotated[str, Form(max_length=200)] = "",
    beside: Annotated[str, Form(max_length=200)] = "",
    grounded: Annotated[bool, Form()] = False,
    examples: Annotated[bool, Form()] = False,
) -> Response:
    """Ask the next question."""
    with keeper.changing() as twin:
        talk = conversing.conversation(twin, name)
        models = _asked(model, beside)
        turns = conversing.ask(
            twin,
            talk,
            question,
            models=models,
            grounded=grounded,
            examples=examples,
            after=after,
        )
    write(keeper, talk, turns)
    return _to(talk)


@router.get("/{name}/stream")
def stream(request: Request, name: str, keeper: TheKeeper, sessions: TheSessions) -> Response:
    """Send the answers to the newest question while they are written."""
    with keeper.looking() as twin:
        talk = conversing.conversation(twin, name)
    if not talk.exchanges:
        raise UsageError("Nothing was asked in this conversation yet; ask something.")
    cookie = request.cookies.get(sessions.cookie, "")

    def may_look() -> bool:
        return keeper.is_open and sessions.knows(cookie)

    def render(exchange: Exchange) -> str:
        context = {"talk": talk, "exchange": exchange, "pieces": _pieces, "kind_of": kind_of}
        return rendered("_chat_event.html", context)

    return StreamingResponse(events(talk, may_look, render), media_type="text/event-stream")


@router.post("/{name}/stop")
def stop(name: str, keeper: TheKeeper) -> Response:
    """Stop what is being written; what stands there stays."""
    with keeper.looking() as twin:
        talk = conversing.conversation(twin, name)
    talk.stopping.set()
    return _to(talk)


@router.post("/{name}/again")
def again(
    name: str,
    keeper: TheKeeper,
    *,
    exchange: Annotated[int, Form(ge=1, le=MOST)],
    answers: NumberInForm,
    model: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Have the newest question answered once more."""
    with keeper.changing() as twin:
        talk = conversing.conversation(twin, name)
        turns = conversing.again(twin, talk, model=model, seen=(exchange, answers))
    write(keeper, talk, turns)
    return _to(talk)


@router.post("/{name}/judge")
def judge(
    name: str,
    keeper: TheKeeper,
    *,
    exchange: Annotated[int, Form(ge=1, le=MOST)],
    answer: Annotated[int, Form(ge=1, le=MOST)],
    verdict: Annotated[str, Form(max_length=20)],
    better: Annotated[str, Form()] = "",
) -> Response:
    """Keep what the owner says of an answer."""
    with keeper.changing() as twin:
        talk = conversing.conversation(twin, name)
        conversing.judge(twin, talk.exchange(exchange), answer, verdict, better)
    return RedirectResponse(f"/chat/{talk.id}#question-{exchange}", 303)


@router.post("/{name}/export", dependencies=[Proven])
def export(
    name: str, keeper: TheKeeper, form: Annotated[str, Form(max_length=10)] = "text"
) -> Response:
    """Hand out a conversation as a file."""
    with keeper.changing() as twin:
        talk = conversing.conversation(twin, name)
        body = transcribing.hand_out(twin, talk, "json" if form == "json" else "text")
    ending = "json" if form == "json" else "txt"
    return Response(
        body,
        media_type="application/octet-stream",
        headers={
            "content-disposition": f'attachment; filename="conversation-{talk.began:%Y-%m-%d}.{ending}"',
            "content-security-policy": "default-src 'none'; sandbox",
        },
    )


@router.post("/{name}/let-go")
def let_go(name: str, keeper: TheKeeper) -> Response:
    """Let a conversation go."""
    with keeper.looking() as twin:
        conversing.let_go(twin, conversing.conversation(twin, name))
    return RedirectResponse("/chat", 303)


def _pieces(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield an answer in pieces: words, or a citation with the item that it leads to."""
    at = 0
    for found in _CITED.finditer(answer.text):
        if item := answer.cited.get(found[1]):
            yield answer.text[at : found.start()], ""
            yield found[0], item
            at = found.end()
    yield answer.text[at:], ""
