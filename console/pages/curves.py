"""A run as a browser follows it: what was said of it, as it is said, over server-sent events.

Lines carry their number as the id of their event, so that a browser which reloads, sleeps or
loses its connection goes on behind the last one that it saw. The vault is asked anew for each
look and never held between them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from fastapi.concurrency import run_in_threadpool

from console.pages.jobs import Job, Jobs
from console.pages.keeper import Keeper
from console.pages.training_orders import Rebuild, Teach
from console.use import following
from console.use.following import Run
from trainer.runs import Line
from vault.errors import Locked, NotFound

__all__ = ["Standing", "job_of", "standing", "stream"]

Status = Literal["starting", "running", "quiet", "done", "stopped", "failed"]

_LOOK = 1.0
_WORD = 10.0
"""Seconds after which a browser is told that all is as before."""
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a run stands, put together from its log and from the work that this server began.

    `is_ours` says that it can be stopped here. `note` says how it ended, where that is not plain.
    """

    run: str
    status: Status
    phase: str
    step: int = 0
    steps: int = 0
    slice: int = 0
    slices: int = 0
    heard: datetime | None = None
    note: str = ""
    is_ours: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be said."""
        return self.status in {"done", "stopped", "failed"}


class _Point(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line as the page draws it."""

    step: int
    at: datetime
    loss: float | None = None
    rate: float | None = None
    speed: float | None = None
    memory: int | None = None
    sample: str = ""
    again: str = ""


def job_of(jobs: Jobs, run: str) -> Job | None:
    """Return the work behind a run, where this server began it and still knows it."""
    for job in (*jobs.running(), *jobs.over):
        if isinstance(job.order, Teach | Rebuild) and job.order.run_id == run:
            return job
    return None


def standing(run: str, said: Run | None, job: Job | None) -> Standing:
    """Say how a run stands.

    Args:
        run: Its id.
        said: What its log tells; None where nothing was kept yet.
        job: The work behind it.

    Raises:
        NotFound: Neither is known.
    """
    if said is None:
        if job is None:
            raise NotFound(f"There is no run {run}; the page of all runs lists them.")
        return _unsaid(run, job)
    is_ours = job is not None and job.state == "running"
    status: Status = said.status
    phase, note = said.phase, said.note
    if is_ours and status not in _AT_WORK:
        # Its log is finished; what it made is put on the record.
        status, phase = "running", "finishing"
    elif job is not None and not is_ours and status in _AT_WORK:
        # It was ended from outside, and could not say so in its log.
        status, phase, note = "failed", "ended", job.message
    return Standing(
        run=run,
        status=status,
        phase=phase,
        step=said.step,
        steps=said.steps,
        slice=said.slice,
        slices=said.slices,
        heard=said.heard,
        note=note,
        is_ours=is_ours,
    )


_AT_WORK = frozenset({"running", "quiet"})


def _unsaid(run: str, job: Job) -> Standing:
    if job.state == "running":
        return Standing(run=run, status="starting", phase="getting ready", is_ours=True)
    state: Status = "failed" if job.state == "failed" else "stopped"
    return Standing(run=run, status=state, phase=job.state, note=job.message)


async def stream(
    keeper: Keeper, jobs: Jobs, run: str, after: int, may_look: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Yield the events of a run until it is over, the vault is locked or the session has ended.

    Args:
        keeper: The keeper of the vault.
        jobs: The work of this server.
        run: The run.
        after: The number of the last line that the browser saw.
        may_look: Whether its session goes on.
    """
    yield b"retry: 2000\n\n"
    before: Standing | None = None
    told = -_WORD
    while True:
        if not may_look():
            note = "This browser is not known any more; open the vault again."
            yield _event("over", Standing(run=run, status="stopped", phase="", note=note))
            return
        try:
            stands, lines = await run_in_threadpool(_look, keeper, jobs, run, after)
        except (Locked, NotFound) as error:
            yield _event("over", Standing(run=run, status="stopped", phase="", note=str(error)))
            return
        for start in range(0, len(lines), _BATCH):
            batch = lines[start : start + _BATCH]
            after = batch[-1][0]
            yield _event("lines", [_point(line) for _, line in batch], after)
        if stands != before or time.monotonic() - told >= _WORD:
            yield _event("over" if stands.is_over else "state", stands)
            before, told = stands, time.monotonic()
        if stands.is_over:
            return
        await asyncio.sleep(_LOOK)


def _look(
    keeper: Keeper, jobs: Jobs, run: str, after: int
) -> tuple[Standing, tuple[tuple[int, Line], ...]]:
    # The work first: where it is over, its log was finished before.
    job = job_of(jobs, run)
    with keeper.looking() as twin:
        try:
            said, lines = following.since(twin, run, after)
        except NotFound:
            return standing(run, None, job), ()
    return standing(run, said, job), lines


def _point(line: Line) -> _Point:
    return _Point(
        step=line.step,
        at=line.at,
        loss=line.loss,
        rate=line.rate,
        speed=line.speed,
        memory=line.memory,
        sample=line.sample,
        again=line.note if line.phase == "withdrawn" else "",
    )


def _event(name: str, what: object, number: int | None = None) -> bytes:
    numbered = b"" if number is None else b"id: %d\n" % number
    return b"event: %s\n%sdata: %s\n\n" % (name.encode(), numbered, msgspec.json.encode(what))
