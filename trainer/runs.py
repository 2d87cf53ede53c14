"""The log of a run: what it did, when, and how well, readable while it runs and after a crash.

Lines are sealed by the store in chunks, since the sample text is content; the chunk that is
being written is replaced whole every other second. A chunk belongs to one slice and has the
digest of its state in its name, so it is deleted with what the slice learned.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec

from trainer.states import Store, keeping

__all__ = ["Line", "Log", "Phase", "Progress", "Report", "Run", "found", "lines", "listed", "named"]

Phase = Literal[
    "start",
    "load",
    "consent",
    "learn",
    "keep",
    "watch",
    "sample",
    "measure",
    "withdrawn",
    "done",
    "stopped",
    "failed",
]

_NAMED = re.compile(r"run-(?P<run>[^.]+)\.(?P<number>[0-9]+)\.(?P<state>[^.]+)")
_CHUNK = 512
# A line's number is that of its chunk and its place there: purging a chunk renumbers none.
_PLACES = 1000
_LINE_SECONDS = 1.0
_WRITE_SECONDS = 2.0
_ENDS = ("done", "stopped", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run stands; steps count the whole run, replayed slices or not.

    `rate` is the learning rate, `speed` counts tokens read a second, `memory` the most bytes
    that the child held, `silent` the seconds since it was asked for something that it has not
    answered yet.
    """

    phase: Phase
    step: int
    steps: int
    slice: int
    slices: int
    loss: float | None = None
    rate: float | None = None
    speed: float | None = None
    memory: int | None = None
    silent: float = 0.0


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Progress):
    """One moment of a run. `loss` is the mean since the line before.

    `sample` is what the model says to a row that it learned; `note` says how a run ended.
    """

    at: datetime
    sample: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as its log tells it; `last` is its newest word.

    `state` is that of the slice which it told of last. `recipe` is the canonical text of what it
    follows, `base` the folder of what it adapts; runs of an earlier release do not tell.
    """

    id: str
    began: datetime
    last: Line
    state: str
    recipe: str = ""
    base: str = ""

    @property
    def ended(self) -> bool:
        """Whether it came to an end that it could still tell."""
        return self.last.phase in _ENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """Lines that stay, and the newest word, which the next one replaces."""

    lines: tuple[Line, ...]
    last: Line
    recipe: str = ""
    base: str = ""


class _Name(NamedTuple):
    run: str
    number: int
    state: str

    def __str__(self) -> str:
        return f"run-{self.run}.{self.number:06d}.{self.state}"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Chunk)


class Log:
    """The log of one run, being written."""

    def __init__(self, store: Store, run: str = "", *, recipe: str = "", base: str = "") -> None:
        """Begin the log of a run.

        Args:
            store: Where it is kept.
            run: Its id, where it was `named` before.
            recipe: The canonical text of the recipe that it follows.
            base: The folder of what it adapts.
        """
        self._store = store
        self.run = run or named()
        self._recipe, self._base = recipe, base
        self._number, self._state = 0, ""
        self._lines: list[Line] = []
        self._losses: list[float] = []
        self._lined = self._written = -_WRITE_SECONDS

    def tell(self, state: str, at: Progress, *, sample: str = "", note: str = "") -> None:
        """Take in where the run stands; it becomes a line if there was none for a second.

        Args:
            state: The state of the slice that this is about.
            at: Where the run stands.
            sample: What the model says by now.
            note: Why the run ended.

        Raises:
            StorageError: The disk refused.
        """
        if state != self._state or len(self._lines) >= _CHUNK:
            self._number, self._state, self._lines = self._number + 1, state, []
            self._lined, self._losses = -_LINE_SECONDS, []
        if at.loss is not None:
            self._losses.append(at.loss)
        line, now = self._line(at, sample, note), time.monotonic()
        telling = bool(sample) or at.phase in _ENDS
        if telling or now - self._lined >= _LINE_SECONDS:
            self._lines.append(line)
            self._lined, self._losses = now, []
        if telling or len(self._lines) == 1 or now - self._written >= _WRITE_SECONDS:
            self._write(line)
            self._written = now

    def _line(self, at: Progress, sample: str, note: str) -> Line:
        loss = sum(self._losses) / len(self._losses) if self._losses else None
        said = asdict(replace(at, loss=loss))
        return Line(at=datetime.now(UTC), sample=sample, note=note, **said)

    def _write(self, last: Line) -> None:
        body = _encoder.encode(
            _Chunk(lines=tuple(self._lines), last=last, recipe=self._recipe, base=self._base)
        )
        with keeping():
            self._store.write(str(_Name(self.run, self._number, self._state)), body)


def named() -> str:
    """Return the id of a run that begins now."""
    return f"{datetime.now(UTC):%Y%m%dt%H%M%S}-{secrets.token_hex(2)}"


def listed(store: Store) -> tuple[Run, ...]:
    """Return every run of which something is kept, the newest first."""
    newest: dict[str, _Name] = {}
    for name in _names(store):
        newest[name.run] = name
    found = (_run(store, name) for name in newest.values())
    return tuple(sorted(filter(None, found), key=lambda run: run.began, reverse=True))


def found(store: Store, run: str) -> Run | None:
    """Return one run, none where nothing of it is kept."""
    chunks = [name for name in _names(store) if name.run == run]
    return _run(store, chunks[-1]) if chunks else None


def _run(store: Store, name: _Name) -> Run | None:
    chunk = _read(store, name)
    if chunk is None:
        return None
    began = datetime.strptime(name.run.partition("-")[0], "%Y%m%dt%H%M%S").replace(tzinfo=UTC)
    return Run(
        id=name.run,
        began=began,
        last=chunk.last,
        state=name.state,
        recipe=chunk.recipe,
        base=chunk.base,
    )


def lines(store: Store, run: str, after: int = 0) -> Iterator[tuple[int, Line]]:
    """Yield the lines of a run with their numbers, the oldest first.

    Args:
        store: Where the run is kept.
        run: Its id.
        after: The number of a line; those up to it are left out, and not read again.
    """
    for name in _names(store):
        if name.run != run or (name.number + 1) * _PLACES <= after:
            continue
        chunk = _read(store, name)
        for at, line in enumerate(chunk.lines if chunk else (), start=1):
            if (number := name.number * _PLACES + at) > after:
                yield number, line


def _names(store: Store) -> list[_Name]:
    """Return the chunks of all runs, in the order in which each was written."""
    return sorted(
        _Name(found["run"], int(found["number"]), found["state"])
        for found in map(_NAMED.fullmatch, store.names())
        if found
    )


def _read(store: Store, name: _Name) -> _Chunk | None:
    """Return a chunk; none where it was deleted this moment."""
    body = store.read(str(name))
    return _decoder.decode(body) if body is not None else None
