"""The clean run: the proof that a rebuilt model never saw what was taken out.

A new process opens the same log, reads it as if the removed items had never been
collected, rebuilds every view from zero in a folder of its own, starts from an empty store
of states, trains, and tells what it arrived at; the weights must be the rebuilt model's,
bit by bit. Ids of events stay what they are; the passphrase goes through the pipe. It reads
beside the rebuild and trains when that is done: two trainings at once get into each other's way
on the cores, and take several times as long as one after the other (measured).
"""

import subprocess
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from console.scratch import Scratch
from trainer.errors import TrainingError
from trainer.forget import Clean, clean_run, verdict
from vault.events import Manifest

if TYPE_CHECKING:
    from console.bootstrap import Twin

__all__ = ["CleanRun"]

_GO = b"train"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    home: str
    views: str
    secret: str
    without: tuple[str, ...]
    position: int
    now: datetime
    recipe: str
    base_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    clean: Clean | None = None
    error: str = ""


class CleanRun:
    """A clean run that is started beside a rebuild, and trains once somebody waits for its end.

    Leaving the block ends it.
    """

    def __init__(
        self,
        twin: "Twin",
        like: Manifest,
        *,
        position: int,
        now: datetime,
        without: Collection[str] | None = None,
    ) -> None:
        """Start it.

        Args:
            twin: The opened vault.
            like: The manifest whose recipe and base are used.
            position: Where the log is read to.
            now: When consent is asked.
            without: The items that are read as if they had never been collected; all that
                were withdrawn, if left out.
        """
        self._twin = twin
        self._like = like
        self._without = without
        self._start(position, now)

    def _start(self, position: int, now: datetime) -> None:
        self._position = position
        self._folder = Scratch(self._twin.home)
        without = self._without
        if without is None:
            without = self._twin.views.withdrawn_items(now)
        request = _Request(
            home=str(self._twin.home),
            views=str(self._folder.path),
            secret=self._twin.secret,
            without=tuple(sorted(without)),
            position=position,
            now=now,
            recipe=self._like.recipe,
            base_path=self._like.base_path,
        )
        self._child = subprocess.Popen(
            # -P: nothing in the current folder may pose as one of our modules.
            [sys.executable, "-P", "-m", "console.clean_run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._child.stdin is not None
        self._child.stdin.write(msgspec.json.encode(request) + b"\n")
        self._child.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._child.kill()
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with suppress(BrokenPipeError):
            self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait()
        self._folder.remove()

    def compare(
        self, made: Manifest, progress: Callable[[int, int], None] | None = None
    ) -> bool | None:
        """Wait for the end, and say whether it arrived at the weights of a manifest.

        Where the log went on meanwhile the run is made once more, at the manifest's position.

        Returns:
            None where this is another environment than the manifest's.

        Raises:
            TrainingError: The clean run did not come to its end.
        """
        if made.position != self._position:
            self._end()
            self._start(made.position, self._twin.vault.now())
        return verdict(made, self.result(progress))

    def result(self, progress: Callable[[int, int], None] | None = None) -> Clean:
        """Wait for the end, and return what it arrived at.

        Raises:
            TrainingError: The clean run did not come to its end.
        """
        answer = self._answer(progress)
        if answer.clean is None:
            raise TrainingError(f"The clean run failed: {answer.error}.")
        return answer.clean

    def _answer(self, progress: Callable[[int, int], None] | None) -> _Answer:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with suppress(BrokenPipeError):
            self._child.stdin.write(_GO)
            self._child.stdin.close()
        last = b""
        for line in self._child.stdout:
            if line.startswith(b"step "):
                _, done, total = line.split()
                if progress:
                    progress(int(done), int(total))
            else:
                last = line
        try:
            return msgspec.json.decode(last, type=_Answer)
        except msgspec.DecodeError:
            return _Answer(error="it ended without an answer")


def _clean(request: _Request) -> Clean:
    from console import bootstrap  # noqa: PLC0415 — heavy
    from console.planning import planned  # noqa: PLC0415
    from trainer.finetune import Progress  # noqa: PLC0415
    from trainer.recipe import Recipe  # noqa: PLC0415

    def told(at: Progress) -> None:
        sys.stdout.write(f"step {at.step} {at.steps}\n")
        sys.stdout.flush()

    twin = bootstrap.open_(Path(request.home), request.secret, views=Path(request.views))
    try:
        twin.read_without(frozenset(request.without), until=request.position)
        twin.catch_up()
        plan = planned(
            twin,
            Recipe.from_canonical(request.recipe),
            Path(request.base_path) if request.base_path else None,
            now=request.now,
        )
        if sys.stdin.buffer.read() != _GO:
            raise TrainingError("Nobody waits for the clean run any more.")
        return clean_run(plan, twin.still_permitted, told)
    finally:
        twin.close()


def main() -> None:
    """Answer the request on stdin with one line of JSON."""
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=_Request)
    try:
        answer = _Answer(clean=_clean(request))
    except Exception as error:  # noqa: BLE001 — the parent tells it in its own words
        from console.problems import problem_of  # noqa: PLC0415

        answer = _Answer(error=problem_of(error).message.rstrip("."))
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")


if __name__ == "__main__":
    main()
