"""Answers being written: one after the other, in threads that hold no vault.

Each second the vault is asked whether the model may go on. What a page shows of an answer is
read from the conversation, so that a reload, another tab or a page without scripts shows the
same.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence

from console.pages.keeper import Keeper
from console.problems import problem_of
from console.talking import Conversation, Exchange
from console.use import conversing
from console.use.conversing import Turn
from trainer.engine import Voice
from vault.errors import NotPermitted

__all__ = ["events", "write"]

# A model takes all processors and much memory.
_one_at_a_time = threading.Lock()
_TICK = 0.1
_STILL_HERE = 15.0


def write(keeper: Keeper, talk: Conversation, turns: Sequence[Turn]) -> None:
    """Have answers written in the background."""
    if turns:
        threading.Thread(target=_write, args=(keeper, talk, turns), daemon=True).start()


def _write(keeper: Keeper, talk: Conversation, turns: Sequence[Turn]) -> None:
    for turn in turns:
        with _one_at_a_time:
            if turn.stopping.is_set():
                turn.answer.state = "stopped"
                continue
            try:
                conversing.write(turn, _asking(keeper, talk, turn))
            except Exception as error:  # noqa: BLE001 - told to the person in plain words
                turn.answer.text, turn.answer.why = "", problem_of(error).message
                turn.answer.state = "cut"


def _asking(keeper: Keeper, talk: Conversation, turn: Turn) -> Callable[[Voice], bool]:
    """Return what asks the vault whether an answer may go on."""

    def goes_on(voice: Voice) -> bool:
        with keeper.looking() as twin:
            if twin.talks.get(talk.id) is not talk:
                return False
            if conversing.is_known(twin):
                conversing.conversation(twin, talk.id)
                return conversing.may_go_on(twin, turn, voice)
        raise NotPermitted(conversing.BEHIND)

    return goes_on


async def events(
    talk: Conversation, may_look: Callable[[], bool], render: Callable[[Exchange], str]
) -> AsyncIterator[str]:
    """Yield the newest question's answers as server-sent events until all are written.

    Each event holds all that is written so far: whoever lost the connection lost nothing.
    """
    shown, quiet = "", 0.0
    exchange = talk.exchanges[-1]
    while may_look():
        is_over = all(answer.is_over for answer in exchange.answers)
        rendered = render(exchange)
        if rendered != shown:
            shown, quiet = rendered, 0.0
            yield "".join(f"data: {line}\n" for line in rendered.splitlines()) + "\n"
        if is_over:
            yield "event: over\ndata: \n\n"
            return
        await asyncio.sleep(_TICK)
        quiet += _TICK
        if quiet >= _STILL_HERE:
            quiet = 0.0
            yield ": still here\n\n"
