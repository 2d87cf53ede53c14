"""Whatever write or sync fails, wherever a process dies or the power goes: before or after."""

import pytest

from tests.faults.commands import COMMANDS
from tests.faults.driver import LONG, driven
from tests.faults.rounds import FAILING, IN_TURN, KILLED, NAMED_POINTS, POWER_CUTS
from tests.faults.scenarios import SCENARIOS

FAILS = list(FAILING) if LONG else [IN_TURN]
DIES = [KILLED, NAMED_POINTS, "dies before it"] if LONG else [f"{KILLED}/3", NAMED_POINTS]
CUTS = [f"{POWER_CUTS} {n}" for n in range(20)] if LONG else [f"{POWER_CUTS}/3"]


def rounds(scenario, kinds):
    """Run every round of some kinds; return how many there were."""
    report = driven("rounds", scenario, ";".join(kinds))
    assert report.problems == [], "\n".join(report.problems[:20])
    return report.counts["rounds"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_write_and_sync_fails_each_kills_and_the_power_goes_before_each(scenario):
    """The state is that before or after, what was acknowledged is there once, and all verifies."""
    assert rounds(scenario, FAILS + DIES + CUTS) > 20


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_killed_at_any_point_is_finished_by_the_next(command):
    assert rounds(command, [NAMED_POINTS]) > 10


def test_killed_at_any_moment_no_acknowledged_item_is_lost_and_none_is_doubled():
    rounds = 1000 if LONG else 100
    report = driven("kills", str(rounds))
    assert report.problems == [], "\n".join(report.problems[:20])
    assert report.counts["rounds"] == rounds
    assert report.counts["acknowledged"] > rounds


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_each_write_and_sync_of_a_command_fails_kills_and_sees_the_power_go(command):
    assert rounds(command, [*FAILS, KILLED, POWER_CUTS]) > 100
