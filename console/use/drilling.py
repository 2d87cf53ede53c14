"""A restore drill: the vault made again from the pod alone, compared, and taken away again.

Nothing is written into the pod, and no device is enrolled: what is made lies in a scratch
folder inside the vault's own, and is removed whatever happens.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from console import bootstrap
from console.bootstrap import Twin
from console.scratch import Scratch
from console.use.entering import alone, reading
from vault import restoring
from vault.proofs import differences
from vault.restoring import Restored

__all__ = ["Drilled", "drill"]

_NAME = "restore drill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """What came back: `events` of the `present` ones, bodies of `withheld` ones left at home.

    `checkpoint` is the Merkle root of what came back. The drill succeeded where there are no
    `problems`; what was collected since the last sync is no problem, it is told by the counts.
    """

    url: str
    events: int
    present: int
    withheld: int
    checkpoint: str
    problems: tuple[str, ...]
    seconds: float
    requests: int
    received: int


def drill(twin: Twin, progress: Callable[[int, int], None] | None = None) -> Drilled:
    """Make the vault again from its pod, as a new machine would, and compare it with this one.

    What opens this vault opens the one that is made.

    Raises:
        NotFound: No pod is linked, or nothing is in it.
        PodError: The pod is away, or refuses.
        TamperError: Something there is damaged or missing: the vault would not come back.
        StorageError: The disk refused.
    """
    way, began = twin.pod.linked, time.monotonic()
    scratch = Scratch(twin.home)
    try:
        with alone(twin), reading(way, twin.network) as (talk, place):
            made = restoring.restore(scratch.path / "vault", place, twin.secret, _NAME, progress)
            problems = (*differences(twin.log, place), *_problems(made, twin.secret))
            traffic = talk.traffic
        return Drilled(
            url=way.url,
            events=made.events - 1,  # but for the one that enrols the new device
            present=twin.log.head.size,
            withheld=made.withheld,
            checkpoint=made.checkpoint,
            problems=problems,
            seconds=time.monotonic() - began,
            requests=traffic.requests,
            received=traffic.received,
        )
    finally:
        scratch.remove()


def _problems(made: Restored, secret: str) -> tuple[str, ...]:
    """Verify the vault that was made as `twin verify` would, with what opens this one."""
    again = bootstrap.open_(made.vault, secret)
    try:
        return again.log.verify().problems
    finally:
        again.close()
