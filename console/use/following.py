"""Looking on while a model learns, from this process or another, and stopping it politely."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType
from typing import Literal

from console.bootstrap import Twin
from trainer import runs
from trainer.runs import Line, Phase, Progress
from vault.errors import NotFound

__all__ = [
    "Begun",
    "Lines",
    "Run",
    "Runs",
    "earlier",
    "follow",
    "lines",
    "listed",
    "since",
    "stoppable",
    "worded",
]

_POLL = 1.0
# A run that is at work says something every other second.
_QUIET = 60.0
_WORDS: dict[Phase, str] = {
    "start": "starting",
    "load": "loading the base",
    "consent": "waiting for consent",
    "learn": "learning",
    "keep": "keeping what was learned",
    "watch": "looking whether it still gets better",
    "sample": "trying what it says",
    "measure": "measuring on what it never saw",
    "withdrawn": "going on without what was withdrawn",
    "done": "done",
    "stopped": "stopped",
    "failed": "failed",
}

Status = Literal["running", "quiet", "done", "stopped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run and how far it is.

    `status` is `quiet` where it has said nothing for a minute: it was killed, or waits.
    """

    run: str
    status: Status
    phase: str
    step: int
    steps: int
    slice: int
    slices: int
    began: datetime
    heard: datetime
    note: str = ""
    state: str = ""
    recipe: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Every run of which something is kept, the newest first."""

    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run, and when it began."""

    run: str
    began: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A run and all its lines."""

    run: Run
    lines: tuple[Line, ...]


def worded(at: Progress) -> str:
    """Say what a run does now, and since when the training process has not answered."""
    silent = f", no answer for {at.silent:.0f} s" if at.silent else ""
    return f"{_WORDS[at.phase]}{silent}"


def listed(twin: Twin) -> Runs:
    """List the runs of a vault."""
    return Runs(runs=tuple(_run(found) for found in runs.listed(twin.models)))


def lines(twin: Twin, run: str) -> Lines:
    """Return what a run has said so far.

    Raises:
        NotFound: There is no such run.
    """
    found = _found(twin, run)
    said = tuple(line for _, line in runs.lines(twin.models, run))
    return Lines(run=_run(found), lines=said)


def since(twin: Twin, run: str, after: int) -> tuple[Run, tuple[tuple[int, Line], ...]]:
    """Return a run, and its lines behind one of a number, each with its own number.

    What earlier runs said of slices that it went on from is among them (`trainer.runs.whole`).

    Raises:
        NotFound: There is no such run, or it was deleted with what it learned.
    """
    found = _run(_found(twin, run))
    return found, tuple(runs.whole(twin.models, run, after))


def earlier(twin: Twin, run: str) -> tuple[Begun, ...]:
    """Return the earlier runs that a run went on from, the oldest first."""
    every = runs.before(twin.models, run)
    return tuple(Begun(run=name, began=runs.began(name)) for name in every)


def follow(twin: Twin, run: str) -> Iterator[Line]:
    """Yield the lines of a run as they come, until it has ended or fallen quiet.

    Raises:
        NotFound: There is no such run, or it was deleted with what it learned.
    """
    seen = 0
    while True:
        at_work = _run(_found(twin, run)).status == "running"
        for number, line in runs.lines(twin.models, run, seen):
            seen = number
            yield line
        if not at_work:
            return
        time.sleep(_POLL)


def _found(twin: Twin, run: str) -> runs.Run:
    if found := runs.found(twin.models, run):
        return found
    raise NotFound(f"There is no run {run}; `twin runs` lists them.")


def _run(found: runs.Run) -> Run:
    last = found.last
    return Run(
        run=found.id,
        status=_status(last),
        phase=worded(last),
        step=last.step,
        steps=last.steps,
        slice=min(last.slice + 1, last.slices),
        slices=last.slices,
        began=found.began,
        heard=last.at,
        note=last.note,
        state=found.state,
        recipe=found.recipe,
        base=found.base,
    )


def _status(last: Line) -> Status:
    match last.phase:
        case "done" | "stopped" | "failed":
            return last.phase
        case _:
            quiet = (datetime.now(UTC) - last.at).total_seconds() > _QUIET
            return "quiet" if quiet else "running"


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C ask for a stop; the second one stops at once.

    Yields:
        A function that says whether a stop was asked for. Outside the main thread, where
        no signal arrives, it never was.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        asked.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
