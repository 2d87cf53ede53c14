"""Whatever write or sync fails, wherever a process dies or the power goes: before or after."""

import pytest

from tests.faults.commands import COMMANDS
from tests.faults.driver import driven
from tests.faults.rounds import FAILING, IN_TURN, KILLED, KILLED_BEFORE, NAMED_POINTS, POWER_CUTS
from tests.faults.scenarios import SCENARIOS

HOURS = 3600


def rounds(scenario, *kinds):
    """Run every round of some kinds; return how many there were."""
    report = driven("rounds", scenario, ";".join(kinds))
    assert report.problems == [], "\n".join(report.problems[:20])
    return report.counts["rounds"]


def killed(times):
    report = driven("kills", str(times))
    assert report.problems == [], "\n".join(report.problems[:20])
    assert report.counts["rounds"] == times
    assert report.counts["acknowledged"] > times // 4


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_write_and_sync_fails_each_kills_and_the_power_goes_before_each(scenario):
    """The state is that before or after, what was acknowledged is there once, and all verifies."""
    kinds = f"{IN_TURN}/5", f"{KILLED}/7", f"{NAMED_POINTS}/2", f"{POWER_CUTS}/9"
    assert rounds(scenario, *kinds) > 3


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_killed_at_any_point_is_finished_by_the_next(command):
    assert rounds(command, f"{NAMED_POINTS}/2") > 3


def test_killed_at_any_moment_no_acknowledged_item_is_lost_and_none_is_doubled():
    killed(30)


@pytest.mark.slow
@pytest.mark.timeout(6 * HOURS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_write_and_sync_in_every_way_and_many_power_cuts(scenario):
    cuts = [f"{POWER_CUTS} {number}" for number in range(20)]
    assert rounds(scenario, *FAILING, KILLED, KILLED_BEFORE, NAMED_POINTS, *cuts) > 100


@pytest.mark.slow
@pytest.mark.timeout(6 * HOURS)
@pytest.mark.parametrize("command", COMMANDS)
def test_each_write_and_sync_of_a_command_fails_kills_and_sees_the_power_go(command):
    assert rounds(command, IN_TURN, KILLED, NAMED_POINTS, POWER_CUTS) > 100


@pytest.mark.slow
@pytest.mark.timeout(6 * HOURS)
def test_killed_a_thousand_times_no_acknowledged_item_is_lost_and_none_is_doubled():
    killed(1000)
