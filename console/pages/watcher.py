"""Reading what is watched again when it changes, while the server runs and the vault is open.

A change is read once it is quiet: an export that is still being unpacked is read at its end.
What changed while nobody looked is found when the vault is opened, since files that are as
they were are not read again. A reading that failed is tried again, after a pause that grows.
"""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from watchfiles import watch

from console.pages.collecting_orders import Collect
from console.pages.jobs import Job, Jobs
from console.pages.keeper import Keeper
from console.use import watching
from vault.errors import VaultError

__all__ = ["Watcher"]

_LOOK_SECONDS = 1.0
_QUIET_SECONDS = 5.0
_ROUND_SECONDS = 30.0
_AGAIN_SECONDS = 60.0
_LONGEST_PAUSE = 3600.0


@dataclass(slots=True)
class Watcher:
    """Watches the files and folders of one vault.

    `quiet` is for how many seconds nothing may change before a place is read.
    """

    keeper: Keeper
    jobs: Jobs
    quiet: float = _QUIET_SECONDS
    _stop: threading.Event = field(default_factory=threading.Event)
    _changed: dict[str, float] = field(default_factory=dict)
    _watched: dict[str, watching.Place] = field(default_factory=dict)
    _ears: dict[str, threading.Event] = field(default_factory=dict)
    _reading: dict[str, Job] = field(default_factory=dict)
    _failed: dict[str, int] = field(default_factory=dict)
    _seen: object = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch whenever the vault is open."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until that is so."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            # Whatever is in the way this time may be gone the next; nobody else would look again.
            with suppress(Exception):
                self._look()
        self._follow({})

    def _look(self) -> None:
        now = (self.keeper.is_open, watching.stamp(self.keeper.home), self._round())
        if now != self._seen:
            self._follow(self._present())
            self._seen = now
        self._put_back_what_failed()
        self._read_what_is_quiet()

    @staticmethod
    def _round() -> int:
        """What changes from time to time: a disk may have come, or gone."""
        return int(time.monotonic() / _ROUND_SECONDS)

    def _present(self) -> Mapping[str, watching.Place]:
        """Return what is to be watched now: nothing while the vault is locked or it is paused."""
        try:
            with self.keeper.looking() as twin:
                found = watching.watched(twin)
        except (VaultError, OSError):
            return {} if not self.keeper.is_open else self._watched
        return {} if found.is_paused else {one.path: one for one in found.places if one.is_there}

    def _follow(self, present: Mapping[str, watching.Place]) -> None:
        """Listen to what is to be watched, and to nothing else."""
        for path in self._ears.keys() - present.keys():
            self._ears.pop(path).set()
            self._changed.pop(path, None)
        for path in present.keys() - self._ears.keys():
            self._ears[path] = threading.Event()
            # Not heard of until now: it may have changed meanwhile, so it is read at once.
            self._changed[path] = time.monotonic() - self.quiet
            threading.Thread(
                target=self._listen, args=(Path(path), self._ears[path]), daemon=True
            ).start()
        self._watched = dict(present)

    def _listen(self, path: Path, stop: threading.Event) -> None:
        # A file that is saved is often another file of its name: its folder is listened to.
        is_folder = path.is_dir()
        try:
            for changes in watch(
                path if is_folder else path.parent,
                stop_event=stop,
                rust_timeout=1000,
                raise_interrupt=False,
                recursive=is_folder,
                ignore_permission_denied=True,
            ):
                if is_folder or any(changed == str(path) for _, changed in changes):
                    self._changed[str(path)] = time.monotonic()
        except Exception:  # noqa: BLE001 - whatever it is, to hear again is better than to be deaf
            # It went away, or the system lets nobody listen to more: it is looked for again.
            self._ears.pop(str(path), None)

    def _put_back_what_failed(self) -> None:
        for path, job in list(self._reading.items()):
            if job.state == "running":
                continue
            del self._reading[path]
            if job.state == "done" or path not in self._watched:
                self._failed.pop(path, None)
                continue
            times = self._failed[path] = self._failed.get(path, 0) + 1
            pause = min(_AGAIN_SECONDS * 2 ** min(times - 1, 10), _LONGEST_PAUSE)
            # What changed meanwhile is read as soon as it is quiet.
            self._changed.setdefault(path, time.monotonic() + pause - self.quiet)

    def _read_what_is_quiet(self) -> None:
        busy = {one.order.path for one in self.jobs.running() if isinstance(one.order, Collect)}
        for path, since in list(self._changed.items()):
            if time.monotonic() - since < self.quiet or path in busy or path not in self._watched:
                continue
            order = Collect(path=path, source=self._watched[path].source)
            with suppress(VaultError):  # locked this moment, or enough is being done already
                self._reading[path] = self.jobs.start(
                    order, self.keeper.secret, lambda job: f"/sources/collected/{job.id}"
                )
                del self._changed[path]
