"""Devices whose clocks are wrong by years: what came of something never stands before it."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from logkit import PASSPHRASE, create, drafts, numbers, reopen, sound
from mirrorkit import Memory, further, swap, told

from vault.log import home

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CLOCKS = [
    NOW,
    NOW + timedelta(days=400),
    NOW - timedelta(days=400),
    datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
]


def at(moment: datetime):
    return lambda: int(moment.timestamp()) * 10**9


@pytest.mark.parametrize("clocks", list(permutations(CLOCKS, 2)))
def test_what_a_device_knew_stands_before_what_it_wrote_whatever_its_clock_says(tmp_path, clocks):
    mine, theirs = map(at, clocks)
    place = Memory()
    with closing(create(tmp_path, clock=mine)) as log:
        swap(log, tmp_path / "home", place)
    further(tmp_path / "other", place, "laptop").close()
    for first in range(0, 12, 4):
        for folder, clock, number in (
            (tmp_path / "home", mine, first),
            (tmp_path / "other", theirs, first + 2),
        ):
            with closing(home.open_(folder, PASSPHRASE, clock=clock)) as log:
                swap(log, folder, place)
                log.append(drafts(number, 2))
                swap(log, folder, place)
    with (
        closing(reopen(tmp_path, clock=mine)) as log,
        closing(home.open_(tmp_path / "other", PASSPHRASE, clock=theirs)) as other,
    ):
        swap(log, tmp_path / "home", place)
        assert numbers(log) == list(range(12))
        assert told(other) == told(log)
        assert sound(log)
        assert sound(other)


def test_one_log_goes_on_through_every_clock(tmp_path):
    create(tmp_path, clock=at(CLOCKS[0])).close()
    for number, moment in enumerate([*CLOCKS, *CLOCKS[::-1]]):
        with closing(reopen(tmp_path, clock=at(moment))) as log:
            log.append(drafts(2 * number, 2))
    with closing(reopen(tmp_path, clock=at(CLOCKS[2]))) as log:
        assert numbers(log) == list(range(16))
        assert log.newest >= CLOCKS[3]
        assert sound(log)
