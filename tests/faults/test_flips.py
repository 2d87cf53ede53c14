"""One flipped bit in any byte of anything that is stored: noticed, or it changes nothing."""

import pytest

from tests.faults.driver import LONG, driven
from tests.faults.flips import ALL_BITS, CLOSED, MIRROR, ONE_BIT, REAL, WHEN_KILLED

BITS = ALL_BITS if LONG else ONE_BIT


def flipped(kind, pattern, bits):
    report = driven("flips", kind, pattern, bits)
    assert report.problems == [], "\n".join(report.problems[:20])
    return report.counts["flips"], report.counts["noticed"]


@pytest.mark.parametrize("pattern", ["pin", "vault.json"])
def test_a_flip_in_any_byte_beside_the_databases_is_noticed(pattern):
    flips, noticed = flipped(CLOSED, pattern, ALL_BITS)
    assert flips == noticed > 5000


@pytest.mark.parametrize(("pattern", "least"), [("log.db", 17_000), ("keys.db", 7000)])
def test_a_flip_in_any_byte_of_a_database_is_noticed_or_changes_nothing(pattern, least):
    flips, noticed = flipped(CLOSED, pattern, BITS)
    assert flips >= least
    assert noticed > least // 5


def test_a_flip_in_any_byte_of_a_write_ahead_log_is_noticed():
    flips, noticed = flipped(WHEN_KILLED, "*-wal", BITS)
    assert flips == noticed > 5000


def test_a_flip_in_any_byte_of_a_backup_is_noticed():
    flips, noticed = flipped(MIRROR, "*", BITS)
    assert flips == noticed > 8000


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["log.db", "keys.db"])
def test_a_flip_in_any_byte_of_a_database_as_it_is_made_is_noticed_or_changes_nothing(pattern):
    flips, _ = flipped(REAL, pattern, ONE_BIT)
    assert flips > 40_000
