"""Runs a scenario again and again, each time with another fault, in a process that forks.

`python -m tests.faults.rounds SCENARIO KIND;KIND SHARE SHARES FOLDER` prints one JSON object: how
many rounds there were, and what went wrong.
"""

import json
import random
import shutil
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.faults.powercut import Disk
from tests.faults.rehearsal import Rehearsal, Scenario, check, copied, rehearse
from tests.faults.scenarios import SCENARIOS
from tests.faults.supervisor import Call, Fault, Outcome, supervised

__all__ = ["FAILING", "IN_TURN", "KILLED", "KILLED_BEFORE", "NAMED_POINTS", "POWER_CUTS"]

IN_TURN = "fails, one way after the other"
KILLED = "dies in the middle of it"
KILLED_BEFORE = "dies before it"
NAMED_POINTS = "dies at a named point"
POWER_CUTS = "loses its power"


@dataclass(frozen=True)
class Mode:
    """What happens to one call, and to those that come after it."""

    fault: Fault
    later: Fault | None = None

    def of(self, call: Call, number: int, failing: int) -> Fault | None:
        """Return what happens to a call when another one is to fail."""
        if number == failing:
            return self.fault
        # A full disk still syncs, renames and removes.
        still_works = self.later is Fault.ENOSPC and not call.needs_room
        return None if number < failing or still_works else self.later


FAILING = {
    "fails once": Mode(Fault.EIO),
    "has no room from then on": Mode(Fault.ENOSPC, Fault.ENOSPC),
    "is torn, and there is no room from then on": Mode(Fault.TORN, Fault.ENOSPC),
    "fails, and all that follow": Mode(Fault.EIO, Fault.EIO),
    "has no room once": Mode(Fault.ENOSPC),
    "is torn": Mode(Fault.TORN),
}
_DIES = {KILLED_BEFORE: Mode(Fault.KILL), KILLED: Mode(Fault.TORN_KILL)}


class Rounds:
    """All rounds of some kinds on a scenario, or a share of them."""

    def __init__(self, scenario: Scenario, folder: Path, share: int, shares: int) -> None:
        self._scenario, self._folder = scenario, folder
        self._share, self._shares = share, shares
        self.rehearsal: Rehearsal = rehearse(scenario, folder)
        self.rounds = 0
        self.problems: list[str] = []
        self._stride, self._turn = 1, 0

    def run(self, kind: str) -> None:
        """Run every round of a kind, or as many as are asked for: every third with "/3".

        Which ones is drawn anew each time, so that all have their turn.
        """
        kind, _, stride = kind.partition("/")
        self._stride = int(stride or 1)
        self._turn = random.randrange(self._stride)
        if kind == NAMED_POINTS:
            self._at_points()
        elif kind.startswith(POWER_CUTS):
            self._power_cuts(kind)
        elif kind == IN_TURN:
            self._failing(list(FAILING.items()))
        else:
            self._failing([(kind, (FAILING | _DIES)[kind])])

    def _mine(self, number: int) -> bool:
        turn, rest = divmod(number, self._stride)
        return rest == self._turn and turn % self._shares == self._share

    def _place(self) -> Path:
        return copied(self._folder / "before", self._folder / "place")

    def _judge(self, outcome: Outcome, place: Path, what: str) -> None:
        self.rounds += 1
        try:
            assert not outcome.broke, outcome.broke
            told = outcome.told
            assert not told or (told.endswith(".") and "\n" not in told), told
            check(place, self.rehearsal, outcome.acknowledged)
            # A process that is merely held up by this one may come back for its draft.
            assert place.name == "cut" or not list(place.rglob("home/*.new")), "a draft is left"
        except Exception as error:  # noqa: BLE001 - whatever it is, the round failed
            self.problems.append(f"{what}: {type(error).__name__}: {error}")

    def _failing(self, modes: list[tuple[str, Mode]]) -> None:
        """Spoil each call in turn, until there is none left to spoil."""
        for failing in count(1):
            if not self._mine(failing):
                continue
            name, mode = modes[failing % len(modes)]
            calls: list[Call] = []

            def decide(call: Call, _: Outcome, failing=failing, mode=mode, calls=calls):
                calls.append(call)
                return mode.of(call, len(calls), failing)

            place = self._place()
            outcome = supervised(lambda place=place: self._scenario.work(place), place, decide)
            if len(calls) < failing:
                return
            call = calls[failing - 1]
            what = f"call {failing} ({call.kind} {Path(call.path).name}) {name}"
            steps = len(self.rehearsal.states) - 1
            if outcome.acknowledged != steps and not (outcome.told or outcome.killed):
                self.problems.append(f"{what}: it ended without a word")
            self._judge(outcome, place, what)

    def _at_points(self) -> None:
        """Kill at every named point, each time it is reached."""
        for number, name in enumerate(self.rehearsal.points, 1):
            if not self._mine(number):
                continue
            place, reached = self._place(), count(1)
            outcome = supervised(
                lambda place=place: self._scenario.work(place),
                place,
                lambda call, outcome: None,  # noqa: ARG005
                lambda _, number=number, reached=reached: next(reached) == number,
            )
            if not outcome.killed or outcome.points[-1:] != [name]:
                self.problems.append(f"{name}: the process did not die there")
            self._judge(outcome, place, name)

    def _power_cuts(self, kind: str) -> None:
        """Cut the power before every call: what was not synced is lost, or some of it is."""
        place, cut = self._place(), self._folder / "cut"
        disk = Disk(place)
        number, seen = 0, (-1, True)

        def cut_now(what: str, outcome: Outcome, chance: random.Random | None = None) -> None:
            shutil.rmtree(cut, ignore_errors=True)
            cut.mkdir()
            disk.write(cut, chance)
            self._judge(outcome, cut, what)

        def decide(call: Call, outcome: Outcome) -> None:
            nonlocal number, seen
            number += 1
            where = f"before call {number} ({call.kind} {Path(call.path).name})"
            if self._share == 0 and seen != (outcome.acknowledged, False):
                cut_now(f"{where}, nothing unsynced", outcome)
            if self._mine(number):
                cut_now(f"{where}, some of the unsynced", outcome, random.Random(f"{kind}{number}"))
            seen = (outcome.acknowledged, disk.apply(call))

        outcome = supervised(lambda: self._scenario.work(place), place, decide)
        if self._share == 0:
            cut_now("at the end, nothing unsynced", outcome)


def _scenario(name: str) -> Scenario:
    if name in SCENARIOS:
        return SCENARIOS[name]
    from tests.faults.commands import COMMANDS  # noqa: PLC0415 - it imports the whole command line

    return COMMANDS[name]


def main(arguments: list[str]) -> None:
    """Run what was asked for, and print the report."""
    scenario, kinds, share, shares, folder = arguments
    rounds = Rounds(_scenario(scenario), Path(folder), int(share), int(shares))
    for kind in kinds.split(";"):
        rounds.run(kind)
    report = {"rounds": rounds.rounds, "problems": rounds.problems}
    print(json.dumps(report))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
