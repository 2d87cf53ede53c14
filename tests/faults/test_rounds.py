"""Whatever write or sync fails, wherever a process dies or the power goes: before or after."""

from pathlib import Path

import pytest

from tests.faults.driver import LONG, driven
from tests.faults.rounds import FAILING, IN_TURN, KILLED, NAMED_POINTS, POWER_CUTS
from tests.faults.scenarios import SCENARIOS

ROOT = Path(__file__).parents[2]
ROOMS = ("vault", "pod_sync", "projections", "trainer", "console")


def rounds(scenario, kinds, least):
    report = driven("rounds", scenario, ";".join(kinds))
    assert report.problems == [], "\n".join(report.problems[:20])
    assert report.counts["rounds"] >= least
    return report


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_write_and_sync_that_fails_leaves_the_state_before_or_after(scenario):
    rounds(scenario, list(FAILING) if LONG else [IN_TURN], least=5)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_in_every_write_and_at_every_point_nothing_is_lost_or_doubled(scenario):
    rounds(
        scenario, ["dies before it", KILLED, NAMED_POINTS] if LONG else [KILLED, NAMED_POINTS], 8
    )


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_after_a_power_cut_all_that_was_acknowledged_is_on_disk(scenario):
    rounds(scenario, [f"{POWER_CUTS} {n}" for n in range(20)] if LONG else [POWER_CUTS], 8)
