"""Keeping the owner's pod up to date until told to stop: as the log grows, and as the pod changes.

It synchronises, and waits for a change on either side. A pod that is away is tried again; what
a person has to look at ends it.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final, Literal

from console.bootstrap import Twin
from console.use import giving
from console.use.entering import ROOT, feed_of, session
from console.use.podding import Synced, accounted
from vault.mirrors import Given

if TYPE_CHECKING:
    from pod_sync.memory import Remembered
    from pod_sync.notices import Notices
    from pod_sync.session import Session

__all__ = ["Told", "follow"]

_FIRST: Final = 5.0
_LONGEST: Final = 600.0
_LOOK: Final = 0.5
_QUIET: Final = 1.0
_CLOCK: Final = 60.0
"""Seconds: before the first and at most before every further try while the pod is away; between
two looks at the log; for more to be appended; between two looks at what the clock changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that happened while the pod was followed: a sync, a failure, an edit.

    `text` is one line for a person. After a failure the next try is in `again_in` seconds.
    """

    at: datetime
    what: Literal["synced", "away", "refused", "noticed"]
    text: str
    synced: Synced | None = None
    again_in: float = 0.0


def follow(twin: Twin, told: Callable[[Told], None], stop: Event | None = None) -> None:
    """Keep the pod up to date until told to stop: as the log grows, and as the pod changes.

    Args:
        twin: The open vault.
        told: Hears each thing that happens.
        stop: Set from another thread, or an interrupt.

    Raises:
        NotFound: No pod is linked.
        RolledBack: The pod knows more than this vault, or less than it knew: a person looks.
        TamperError: Something there is damaged or missing.
    """
    from pod_sync.errors import PodError, PodRefused  # noqa: PLC0415 — heavy

    stop, tries = stop or Event(), 0
    while not stop.is_set():
        try:
            for done in _kept_up(twin, stop):
                tries = 0
                if line := _line(done):
                    told(Told(at=datetime.now(UTC), what=line[0], text=line[1], synced=done))
        except PodError as error:
            pause = min(_FIRST * 2.0**tries, _LONGEST)
            tries += 1
            refused = isinstance(error, PodRefused)
            told(
                Told(
                    at=datetime.now(UTC),
                    what="refused" if refused else "away",
                    text=str(error),
                    again_in=pause,
                )
            )
            stop.wait(pause)


def _kept_up(twin: Twin, stop: Event) -> Iterator[Synced]:
    """Synchronise whenever something changed here or there."""
    from pod_sync.notices import Notices  # noqa: PLC0415 — heavy

    with session(twin) as talk, Notices(talk, _watched(twin, talk)) as notices:
        while not stop.is_set():
            before = _stamp(twin.home)
            yield accounted(twin, talk)
            notices.add(_watched(twin, talk))
            _wait(twin, notices, before, stop)


def _watched(twin: Twin, talk: "Session") -> tuple[str, ...]:
    """Return the resources whose changes matter: other devices' indexes, and consent."""
    from console.use.observing import Documents  # noqa: PLC0415 — heavy

    devices = _remembered(twin).devices.items()
    slots = sorted(name for one, device in devices if one != feed_of(twin) for name in device.slots)
    indexes = (f"{ROOT}index/{name}" for name in ("", *slots))
    return (*indexes, *Documents(twin, talk, twin.pod.linked.webid).paths)


def _remembered(twin: Twin) -> "Remembered":
    from pod_sync import memory  # noqa: PLC0415 — heavy

    return memory.load(twin.pod, twin.pod.linked.url + ROOT, feed_of(twin))


def _wait(twin: Twin, notices: "Notices", before: object, stop: Event) -> None:
    """Wait until the log or the pod changed, or what the clock alone changes."""
    until = time.monotonic() + _CLOCK
    while not stop.is_set():
        if notices.wait(_LOOK):
            return
        if _stamp(twin.home) != before:
            stop.wait(_QUIET)  # more is mostly coming
            return
        if time.monotonic() > until:
            if _remembered(twin).settled != giving.edition(twin):
                return
            until = time.monotonic() + _CLOCK


def _stamp(home: Path) -> object:
    """Return what changes whenever something is appended, or the keys are changed."""
    files = (home / name for name in ("log.db", "log.db-wal", "vault.json"))
    found = (file.stat() for file in files if file.exists())
    return [(one.st_mtime_ns, one.st_size) for one in found]


def _line(done: Synced) -> tuple[Literal["synced", "noticed"], str] | None:
    """Return what to say of a sync, nothing where nothing happened."""
    if done.noticed:
        return "noticed", (
            f"{done.noticed} edits of consent in the pod were heard; `twin consent inbox` shows what "
            "waits for your word."
        )
    if done.taken.entries or done.taken.revoked or done.written != Given(withheld=done.withheld):
        return "synced", f"{done.taken.entries} entries came, {done.written.entries} went."
    return None
