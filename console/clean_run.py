"""The clean run: the proof that a rebuilt model never saw what was taken out.

A new process opens the same log, reads it as if the removed items had never been
collected, rebuilds every view from zero in a folder of its own, starts from an empty store
of states, trains, and compares the weights bit by bit with the manifest. Ids of events stay
what they are; the passphrase goes through the pipe.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trainer.errors import TrainingError
from vault.events import Manifest

if TYPE_CHECKING:
    from console.bootstrap import Twin

__all__ = ["compare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    home: str
    secret: str
    without: tuple[str, ...]
    position: int
    now: datetime
    manifest: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    identical: bool | None
    error: str = ""


def compare(
    twin: "Twin", made: Manifest, progress: Callable[[int, int], None] | None = None
) -> bool | None:
    """Make a clean run and say whether it arrived at the weights of a manifest.

    Returns:
        None where this is another environment than the manifest's.

    Raises:
        TrainingError: The clean run did not come to its end.
    """
    request = _Request(
        home=str(twin.home),
        secret=twin.secret,
        without=tuple(sorted(twin.views.withdrawn_items(twin.vault.now()))),
        position=made.position,
        now=twin.vault.now(),
        manifest=made,
    )
    with subprocess.Popen(
        [sys.executable, "-m", "console.clean_run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(msgspec.msgpack.encode(request))
            child.stdin.close()
            answer = b""
            for line in child.stdout:
                if line.startswith(b"step ") and progress:
                    _, done, total = line.split()
                    progress(int(done), int(total))
                else:
                    answer = line
        except BaseException:
            child.kill()
            raise
    try:
        verdict = msgspec.json.decode(answer, type=_Verdict)
    except msgspec.DecodeError:
        verdict = _Verdict(identical=None, error="it ended without an answer")
    if verdict.error:
        raise TrainingError(f"The clean run failed: {verdict.error}.")
    return verdict.identical


def _answer(request: _Request) -> bool | None:
    from console import bootstrap  # noqa: PLC0415 — heavy
    from console.planning import planned  # noqa: PLC0415
    from trainer.finetune import Progress  # noqa: PLC0415
    from trainer.forget import prove  # noqa: PLC0415
    from trainer.recipe import Recipe  # noqa: PLC0415

    def told(at: Progress) -> None:
        sys.stdout.write(f"step {at.step} {at.steps}\n")
        sys.stdout.flush()

    made = request.manifest
    with tempfile.TemporaryDirectory(prefix="twin-clean-") as views:
        twin = bootstrap.open_(Path(request.home), request.secret, views=Path(views))
        try:
            twin.read_without(frozenset(request.without), until=request.position)
            twin.catch_up()
            plan = planned(
                twin,
                Recipe.from_canonical(made.recipe),
                Path(made.base_path) if made.base_path else None,
                now=request.now,
            )
            return prove(made, plan, twin.still_permitted, told)
        finally:
            twin.close()


def main() -> None:
    """Answer the request on stdin with one line of JSON."""
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=_Request)
    try:
        verdict = _Verdict(identical=_answer(request))
    except Exception as error:  # noqa: BLE001 — the parent tells it in its own words
        from console.problems import problem_of  # noqa: PLC0415

        verdict = _Verdict(identical=None, error=problem_of(error).message.rstrip("."))
    sys.stdout.write(msgspec.json.encode(verdict).decode() + "\n")


if __name__ == "__main__":
    main()
