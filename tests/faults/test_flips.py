"""One flipped bit in any byte of anything that is stored: noticed, or it changes nothing."""

import pytest

from tests.faults.driver import driven
from tests.faults.flips import ALL_BITS, CLOSED, MIRROR, ONE_BIT, REAL, SOME, WHEN_KILLED

HOURS = 3600


def flipped(kind, pattern, bits):
    """Flip bits one after the other; return how many, and how many of them were noticed."""
    report = driven("flips", kind, pattern, bits)
    assert report.problems == [], "\n".join(report.problems[:20])
    return report.counts["flips"], report.counts["noticed"]


@pytest.mark.parametrize("pattern", ["pin", "vault.json"])
def test_a_flip_in_any_byte_beside_the_databases_is_noticed(pattern):
    flips, noticed = flipped(CLOSED, pattern, ONE_BIT)
    assert flips == noticed > 600


@pytest.mark.parametrize(("pattern", "least"), [("log.db", 3000), ("keys.db", 1400)])
def test_a_flip_in_any_byte_of_a_database_is_noticed_or_changes_nothing(pattern, least):
    flips, noticed = flipped(CLOSED, pattern, SOME)
    assert flips >= least
    assert noticed > least // 5


def test_a_flip_in_any_byte_of_a_write_ahead_log_is_noticed():
    flips, noticed = flipped(WHEN_KILLED, "*-wal", ONE_BIT)
    assert flips == noticed > 5000


def test_a_flip_in_any_byte_of_a_backup_is_noticed():
    flips, noticed = flipped(MIRROR, "*", ONE_BIT)
    assert flips == noticed > 8000


@pytest.mark.slow
@pytest.mark.timeout(6 * HOURS)
@pytest.mark.parametrize(
    ("kind", "pattern", "bits"),
    [
        *((CLOSED, pattern, ALL_BITS) for pattern in ("pin", "vault.json", "log.db", "keys.db")),
        (WHEN_KILLED, "*-wal", ALL_BITS),
        (MIRROR, "*", ALL_BITS),
        *((REAL, pattern, ONE_BIT) for pattern in ("log.db", "keys.db")),
    ],
)
def test_every_bit_of_small_files_and_every_byte_of_files_as_they_are_made(kind, pattern, bits):
    flips, _ = flipped(kind, pattern, bits)
    assert flips > 4000
