"""The log of a run: what it did, when, and how well, readable while it runs and after a crash.

Lines are sealed by the store in chunks, since the sample text is content; the chunk that is
being written is replaced whole every other second. A chunk belongs to one slice and has the
digest of its state in its name, so it is deleted with what the slice learned.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec

from trainer.states import Store, keeping

__all__ = [
    "Line",
    "Log",
    "Phase",
    "Progress",
    "Report",
    "Run",
    "before",
    "began",
    "found",
    "lines",
    "listed",
    "named",
    "whole",
]

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

    `sample` is what the model says to a row that it learned; `note` says how a run ended, or
    why it began again.
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
    """Lines that stay, and the newest word, which the next one replaces.

    `states` are those of the slices up to the one that the lines are about. Later ones are not
    named: they are digests of rows too, and a chunk goes with the state in its own name.
    """

    lines: tuple[Line, ...]
    last: Line
    recipe: str = ""
    base: str = ""
    states: tuple[str, ...] = ()


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
        self._states: tuple[str, ...] = ()
        self._lines: list[Line] = []
        self._losses: list[float] = []
        self._lined = self._written = -_WRITE_SECONDS

    def plan(self, states: Sequence[str]) -> None:
        """Take in the states that the run will come by, in their order."""
        self._states = tuple(states)

    def tell(self, state: str, at: Progress, *, sample: str = "", note: str = "") -> None:
        """Take in where the run stands; it becomes a line if there was none for a second.

        Args:
            state: The state of the slice that this is about.
            at: Where the run stands.
            sample: What the model says by now.
            note: Why the run ended, or began again.

        Raises:
            StorageError: The disk refused.
        """
        if state != self._state or len(self._lines) >= _CHUNK:
            self._number, self._state, self._lines = self._number + 1, state, []
            self._lined, self._losses = -_LINE_SECONDS, []
        if at.loss is not None:
            self._losses.append(at.loss)
        line, now = self._line(at, sample, note), time.monotonic()
        telling = bool(sample or note) or at.phase in _ENDS
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
        known = self._state in self._states
        chunk = _Chunk(
            lines=tuple(self._lines),
            last=last,
            recipe=self._recipe,
            base=self._base,
            states=self._states[: self._states.index(self._state) + 1] if known else (),
        )
        body = _encoder.encode(chunk)
        with keeping():
            self._store.write(str(_Name(self.run, self._number, self._state)), body)


def named() -> str:
    """Return the id of a run that begins now."""
    return f"{datetime.now(UTC):%Y%m%dt%H%M%S}-{secrets.token_hex(2)}"


def began(run: str) -> datetime:
    """Return when a run began, as its id says."""
    return datetime.strptime(run.partition("-")[0], "%Y%m%dt%H%M%S").replace(tzinfo=UTC)


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
    return Run(
        id=name.run,
        began=began(name.run),
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
        if name.run == run:
            yield from _numbered(store, name, after)


def _numbered(store: Store, name: _Name, after: int) -> Iterator[tuple[int, Line]]:
    if (name.number + 1) * _PLACES <= after:
        return
    chunk = _read(store, name)
    for at, line in enumerate(chunk.lines if chunk else (), start=1):
        if (number := name.number * _PLACES + at) > after:
            yield number, line


def whole(store: Store, run: str, after: int = 0) -> Iterator[tuple[int, Line]]:
    """Yield the lines of a run and, before its own, what earlier runs said of the same slices.

    A run that goes on from what was kept learns only the rest itself. Steps that it took again
    come twice: where a line goes back, it stands in the place of those from its step on.

    Args:
        store: Where the run is kept.
        run: Its id.
        after: The number of a line; those up to it are left out. Lines of earlier runs have
            the number before the first line of the chunk that goes on from them.
    """
    own = [name for name in _names(store) if name.run == run]
    for place, name in enumerate(own):
        number = name.number * _PLACES
        if number > after:
            known = {state for earlier in own[:place] for state in _states(store, earlier)}
            new = _states(store, name) - known
            yield from ((number, line) for line in _said_before(store, run, new))
        yield from _numbered(store, name, after)


def before(store: Store, run: str) -> tuple[str, ...]:
    """Return the earlier runs that a run went on from, the oldest first."""
    every = _names(store)
    states = {state for name in every if name.run == run for state in _states(store, name)}
    return tuple(sorted({name.run for name in every if name.run < run and name.state in states}))


def _said_before(store: Store, run: str, states: AbstractSet[str]) -> list[Line]:
    """Return what earlier runs said of slices, in the order of time."""
    chunks = (
        _read(store, name)
        for name in _names(store)
        if states and name.run < run and name.state in states
    )
    every = (line for chunk in chunks if chunk for line in chunk.lines)
    return sorted(every, key=lambda line: line.at)


def _states(store: Store, name: _Name) -> AbstractSet[str]:
    chunk = _read(store, name)
    return frozenset(chunk.states if chunk else ())


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
