"""What a command that writes passes through without a fault, and what must hold after one.

A scenario starts from a prepared folder and acknowledges as it goes. Whatever happens to it, a
vault opened afterwards must be in a state that the command passes through: the last that was
acknowledged, or one on the way to the next; what is owed is finished on opening.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.vault.log.logkit import CHEAP, PASSPHRASE, drafts, everything
from vault import points
from vault.errors import Locked, NotFound
from vault.log import home
from vault.log.folder import unlocked
from vault.log.sealed import SealedLog

__all__ = [
    "Rehearsal",
    "Scenario",
    "Secrets",
    "State",
    "check",
    "copied",
    "made",
    "opened",
    "rehearse",
    "texts",
]

Secrets = list[bytes]


class State(NamedTuple):
    """What a vault is: its entries, which secrets open it, and what else a scenario looks at."""

    entries: tuple[str, ...]
    opening: str = ""
    also: object = None

    def __str__(self) -> str:
        return f"{len(self.entries)} entries; opens with {self.opening}; {self.also!s:.200}"


_NO_VAULT = State(())
_FEED = re.compile(r"\b[0-9a-f]{16}\b")
_PATH = re.compile(r"\b(path|recipient)='[^']*/")
_DRAWN = re.compile(r"\b[0-9a-f]{32}\b")  # ids of statements
_RANDOM = ("device.", "keys.")  # events that hold keys, which differ from run to run


@dataclass(frozen=True)
class Scenario:
    """A command that writes.

    `before` fills the folder that it starts from, and returns what must be in no file once
    all was done; `work` acknowledges by yielding; `borders` are named points inside of one
    step at which the state is a whole one. `also` looks at more than the vault itself, and
    `again` does what the next command would after a fault, and must succeed.
    """

    before: Callable[[Path], Secrets]
    work: Callable[[Path], Iterator[object]]
    borders: frozenset[str] = frozenset()
    also: Callable[[Path], object] = lambda _: None
    again: Callable[[Path], None] = lambda _: None


def made(place: Path) -> SealedLog:
    """Make a vault in `place / "home"`; what opens it, now or ever, is in `place / "secrets"`."""
    recovery = place / "secrets" / "2 recovery"
    return home.create(place / "home", PASSPHRASE, recovery, stretch=CHEAP)


def opened(place: Path) -> SealedLog:
    """Open a vault with the first secret that does.

    Raises:
        NotFound: There is none.
        Locked: None of the secrets opens it.
    """
    for file in sorted((place / "secrets").glob("?*")):
        try:
            return home.open_(place / "home", file.read_text())
        except Locked:
            continue
    return home.open_(place / "home", "no secret is left")


def texts(log: SealedLog) -> tuple[str, ...]:
    """Return every entry as text that does not depend on the keys drawn in this run."""
    feeds: dict[str, str] = {}
    found = []
    for page in log.pages():
        for entry in page.entries:
            event = "" if entry.topic.startswith(_RANDOM) else repr(entry.event)
            found.append(
                _FEED.sub(
                    lambda feed: feeds.setdefault(feed[0], f"feed{len(feeds)}"),
                    _DRAWN.sub("drawn", _PATH.sub(r"\1='", f"{entry.id} {entry.topic} {event}")),
                )
            )
    return tuple(found)


def state_of(place: Path, scenario: Scenario) -> State:
    """Open a vault and read it all; nothing may be wrong with it."""
    try:
        log = opened(place)
    except NotFound:
        return _NO_VAULT
    with closing(log):
        return _seen(log, place, scenario)


def _seen(log: SealedLog, place: Path, scenario: Scenario) -> State:
    problems = log.verify().problems
    assert problems == (), problems
    return State(texts(log), " + ".join(_opening(place)), scenario.also(place))


def _opening(place: Path) -> Iterator[str]:
    for file in sorted((place / "secrets").iterdir()):
        try:
            unlocked(place / "home", file.read_text())
        except Locked:
            continue
        yield file.name


def copied(place: Path, to: Path) -> Path:
    """Copy a vault as a power cut would leave it: without the memory that processes share."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(place, to, ignore=shutil.ignore_patterns("*-shm"))
    return to


@dataclass(frozen=True)
class Rehearsal:
    """What a run without a fault passes through.

    `states[i]` are those that are whole after `i` acknowledgements and before one more.
    """

    scenario: Scenario
    states: list[list[State]]
    points: list[str]
    secrets: Secrets


def rehearse(scenario: Scenario, folder: Path) -> Rehearsal:
    """Fill `folder / "before"`, and run once beside it."""
    before, place, aside = folder / "before", folder / "rehearsal", folder / "aside"
    before.mkdir()
    secrets = scenario.before(before)
    copied(before, place)
    states: list[list[State]] = [[state_of(copied(place, aside), scenario)]]
    names: list[str] = []
    quiet = points.reached

    def reached(name: str) -> None:
        names.append(name)
        if name in scenario.borders:
            look()

    def look() -> None:
        points.reached = quiet
        states[-1].append(state_of(copied(place, aside), scenario))
        points.reached = reached

    points.reached = reached
    try:
        for _ in scenario.work(place):
            look()
            states.append([states[-1][-1]])
    finally:
        points.reached = quiet
    assert not any(secret in everything(place) for secret in secrets)
    return Rehearsal(scenario, states, names, secrets)


def check(place: Path, rehearsal: Rehearsal, acknowledged: int) -> None:
    """Open what is left after a fault: nothing is lost, half there or doubled, and it works.

    Raises:
        AssertionError: One of these does not hold.
    """
    scenario, allowed = rehearsal.scenario, rehearsal.states[acknowledged]
    try:
        log = opened(place)
    except NotFound:
        assert _NO_VAULT in allowed, "the vault is gone"
        made(place).close()
        return
    with closing(log):
        state = _seen(log, place, scenario)
        assert state in allowed, f"{state}; whole were {' | '.join(map(str, allowed))}"
        log.append(drafts(900, 1))
        again = _seen(log, place, scenario)
    assert again == state._replace(entries=again.entries), "the next append changed more"
    assert again.entries[:-1] == state.entries, "the next append changed what was there"
    if state == rehearsal.states[-1][-1]:
        left = everything(place)
        assert not any(secret in left for secret in rehearsal.secrets), "a secret is left"
    scenario.again(place)
