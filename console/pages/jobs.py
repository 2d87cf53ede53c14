"""The long work of a server: each piece a process of its own, followed and stopped from pages."""

import itertools
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from console.pages.orders import Carried, Order, Said, named
from vault.errors import NotFound

__all__ = ["Job", "Jobs"]

_Result = TypeVar("_Result")
State = Literal["running", "done", "failed", "stopped"]


@dataclass(slots=True, kw_only=True)
class Job:
    """One piece of work. `then` is the page to go to when it is done."""

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

    def start(self, order: Order, secret: str, then: Callable[[Job], str]) -> Job:
        """Begin a piece of work in a process of its own.

        Args:
            order: What to do.
            secret: What opens the vault.
            then: Says which page shows what came of it.
        """
        job = Job(id=str(next(self._numbers)), order=order, began=datetime.now(UTC), then=then)
        carried = Carried(
            home=str(self._home),
            secret=secret,
            kind=named(order),
            order=msgspec.Raw(msgspec.json.encode(order)),
        )
        job.process = subprocess.Popen(
            [sys.executable, "-m", "console.pages.orders"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert job.process.stdin
        job.process.stdin.write(msgspec.json.encode(carried) + b"\n")
        job.process.stdin.flush()
        self._jobs[job.id] = job
        threading.Thread(target=_follow, args=(job,), daemon=True).start()
        return job

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
            for job in self._jobs.values()
            if job.state == "running" and isinstance(job.order, kind)
        )

    def stop(self, name: str) -> None:
        """Stop a piece of work as Ctrl-C does; what it committed stays."""
        job = self.get(name)
        if job.process and job.process.poll() is None:
            job.process.send_signal(signal.SIGINT)

    def stop_all(self, seconds: float = 20.0) -> None:
        """Stop everything, and wait for it."""
        for job in self.running():
            self.stop(job.id)
        for job in self.running():
            assert job.process
            try:
                job.process.wait(seconds)
            except subprocess.TimeoutExpired:
                job.process.kill()


def _follow(job: Job) -> None:
    assert job.process
    assert job.process.stdout
    over = Said(is_over=True, code="internal", message="The work ended without a word; try again.")
    for line in job.process.stdout:
        said = msgspec.json.decode(line, type=Said)
        if said.is_over:
            over = said
            break
        job.done, job.total = said.done, said.total
    job.process.wait()
    job.code, job.message, job.result = over.code, over.message, bytes(over.result)
    job.state = "done" if not over.code else "stopped" if over.code == "interrupted" else "failed"
