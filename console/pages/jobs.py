"""The long work of a server: each piece a process of its own, followed and stopped from pages."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from console.pages.orders import Carried, Order, Said, named
from vault.errors import NotFound, UsageError

__all__ = ["Job", "Jobs"]

# How many pieces of work run at once, and of how many that are over the outcome is kept.
_MOST = 4
_KEPT = 50
# Who asks again to stop after so many seconds means it: what was committed stays all the same.
_PATIENCE = timedelta(seconds=10)

_ROOT = Path(__file__).resolve().parents[2]

_Result = TypeVar("_Result")
State = Literal["running", "done", "failed", "stopped"]


@dataclass(slots=True, kw_only=True)
class Job:
    """One piece of work.

    `then` is the page to go to when it is done; `next` is the work that followed from it;
    `generation` is how often everything had been let go of when it began.
    """

    id: str
    order: Order
    began: datetime
    then: Callable[["Job"], str]
    state: State = "running"
    done: int = 0
    total: int = 0
    code: str = ""
    message: str = ""
    result: bytes = b"null"
    next: str = ""
    asked_to_stop: datetime | None = None
    generation: int = 0
    after: Callable[[], None] = field(default=lambda: None, repr=False)
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def title(self) -> str:
        """What it does, in words."""
        return self.order.title

    def resulted(self, kind: type[_Result]) -> _Result:
        """Return what it brought, as the record that its order returns."""
        return msgspec.json.decode(self.result, type=kind)


class Jobs:
    """All work since the server began."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._starting = threading.Lock()
        self._following = threading.Lock()
        self._keeping = threading.Lock()
        self._generation = 0

    def start(
        self,
        order: Order,
        secret: str,
        then: Callable[[Job], str],
        after: Callable[[], None] = lambda: None,
        alone: tuple[type[Order], ...] = (),
        *,
        same: Callable[[Order], bool] = lambda _: False,
    ) -> Job:
        """Begin a piece of work in a process of its own.

        Args:
            order: What to do.
            secret: What opens the vault.
            then: Says which page shows what came of it.
            after: Called once when it is over, however it ended, and before that is said.
            alone: Beside which kinds of work it is not begun.
            same: Whether an order is this one in other words; where such work runs it is
                returned, and nothing is begun.

        Raises:
            UsageError: Enough is being done already, or what it is not begun beside.
        """
        job = Job(
            id=str(next(self._numbers)),
            order=order,
            began=datetime.now(UTC),
            then=then,
            after=after,
        )
        with self._starting:
            for other in self.running():
                if same(other.order):
                    return other
            for beside in (one for kind in alone for one in self.running(kind)):
                stop = ", or stop it first" if beside.order.can_stop else ""
                raise UsageError(
                    f"This is under way already: {beside.title}; wait until that is done{stop}."
                )
            if len(self.running()) >= _MOST:
                raise UsageError(
                    f"{_MOST} pieces of work are under way; wait until one is done, or stop one."
                )
            self._begin(job, secret)
        threading.Thread(target=self._follow, args=(job,), daemon=True).start()
        return job

    def _begin(self, job: Job, secret: str) -> None:
        order = job.order
        carried = Carried(
            home=str(self._home),
            secret=secret,
            kind=named(order),
            order=msgspec.Raw(msgspec.json.encode(order)),
        )
        job.process = subprocess.Popen(
            # -P: nothing in the current folder may pose as one of our modules.
            [sys.executable, "-P", "-m", "console.pages.orders"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What libraries print there may quote what they read.
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=_surroundings(),
        )
        assert job.process.stdin
        with suppress(BrokenPipeError):
            job.process.stdin.write(msgspec.json.encode(carried) + b"\n")
            job.process.stdin.flush()
        for old in self.over[_KEPT:]:
            self._jobs.pop(old.id, None)
        job.generation = self._generation
        self._jobs[job.id] = job

    def get(self, name: str) -> Job:
        """Return a piece of work.

        Raises:
            NotFound: There is none of that name.
        """
        if name not in self._jobs:
            raise NotFound("That work is not known any more; see what came of it on its page.")
        return self._jobs[name]

    def running(self, kind: type[Order] = Order) -> tuple[Job, ...]:
        """Return what runs now, of one kind or of all."""
        return tuple(
            job
            for job in list(self._jobs.values())
            if job.state == "running" and isinstance(job.order, kind)
        )

    @property
    def over(self) -> tuple[Job, ...]:
        """What is over, the newest first."""
        return tuple(job for job in reversed(list(self._jobs.values())) if job.state != "running")

    def last(self, kind: type[Order]) -> Job | None:
        """Return the newest piece of work of a kind, None where there is none."""
        found = (job for job in reversed(list(self._jobs.values())) if isinstance(job.order, kind))
        return next(found, None)

    def once(self, job: Job, begin: Callable[[], Job]) -> Job:
        """Begin what follows from a piece of work, or return what did: asked twice, it is one."""
        with self._following:
            if not job.next:
                job.next = begin().id
            return self.get(job.next)

    def let_go(self) -> None:
        """Keep nothing of what is over, nor what work under way will bring.

        Orders and outcomes may quote what is to be gone.
        """
        with self._keeping:
            self._let_go()

    def _let_go(self) -> None:
        self._generation += 1
        for job in self.over:
            self._jobs.pop(job.id, None)

    def stop(self, name: str) -> None:
        """Stop a piece of work as Ctrl-C does; what it committed stays.

        Raises:
            UsageError: It has to come to its end.
        """
        job = self.get(name)
        if not job.order.can_stop:
            raise UsageError("This has to come to its end, so that nothing is left halfway.")
        self._interrupt(job)

    def _interrupt(self, job: Job) -> None:
        now = datetime.now(UTC)
        if job.process and job.process.poll() is None:
            if job.asked_to_stop and now - job.asked_to_stop > _PATIENCE:
                job.process.kill()
            else:
                job.process.send_signal(signal.SIGINT)
        job.asked_to_stop = job.asked_to_stop or now

    def stop_all(self, seconds: float = 20.0) -> None:
        """Stop everything, and wait for it."""
        for job in self.running():
            self._interrupt(job)
        for job in self.running():
            assert job.process
            try:
                job.process.wait(seconds)
            except subprocess.TimeoutExpired:
                job.process.kill()

    def _follow(self, job: Job) -> None:
        assert job.process
        over = _heard(job)
        job.process.wait()
        if job.process.stdin:
            with suppress(BrokenPipeError):
                job.process.stdin.close()
        try:
            job.after()
        finally:
            with self._keeping:
                self._end(job, over)

    def _end(self, job: Job, over: Said) -> None:
        is_stopped = over.code == "interrupted" or (
            over == _SILENT and job.asked_to_stop is not None
        )
        state: State = "stopped" if is_stopped else "failed" if over.code else "done"
        if job.generation == self._generation:
            job.code, job.message, job.result = over.code, over.message, bytes(over.result)
        else:
            self._jobs.pop(job.id, None)
        if job.order.erases:
            self._let_go()
        job.state = state


def _surroundings() -> dict[str, str]:
    """Return the environment of a working process: it finds the modules that are in use here."""
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def _heard(job: Job) -> Said:
    """Follow what a working process says until it is over; return its last words."""
    assert job.process
    assert job.process.stdout
    with job.process.stdout as said, suppress(msgspec.MsgspecError):
        for line in said:
            heard = msgspec.json.decode(line, type=Said)
            if heard.is_over:
                return heard
            job.done, job.total = heard.done, heard.total
    return _SILENT


_SILENT = Said(
    is_over=True,
    code="internal",
    message="The work ended without a word; what it had committed stays, so try again.",
)
