from datetime import UTC, datetime

import pytest

from vault.collectors.readers.time import from_name, moment, order_of, parse_iso
from vault.items import Precision


@pytest.mark.parametrize(
    ("text", "at", "offset", "precision"),
    [
        ("2024-01-02", datetime(2024, 1, 2, tzinfo=UTC), None, Precision.DAY),
        ("2024-01-02 03:04", datetime(2024, 1, 2, 3, 4, tzinfo=UTC), None, Precision.MINUTE),
        ("2024-01-02T03:04:05Z", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), 0, Precision.SECOND),
        (
            "2024-01-02T03:04:05.678+05:30",
            datetime(2024, 1, 1, 21, 34, 5, tzinfo=UTC),
            330,
            Precision.SECOND,
        ),
        (
            "2024-01-02T03:04:05-0800",
            datetime(2024, 1, 2, 11, 4, 5, tzinfo=UTC),
            -480,
            Precision.SECOND,
        ),
    ],
)
def test_iso_times_are_read_with_their_offset_and_precision(text, at, offset, precision):
    when = parse_iso(text)
    assert (when.at, when.offset, when.precision) == (at, offset, precision)
    assert when.assumed == (offset is None)


@pytest.mark.parametrize(
    "text", ["", "soon", "2024-02-30", "0001-01-01", "2024-01-02T03:04:05+99:99", "2024"]
)
def test_what_is_no_time_is_none(text):
    assert parse_iso(text) is None


def test_numbers_that_no_clock_shows_are_no_time():
    assert moment(2024, 1, 1, 2**80) is None
    assert moment(2**80, 1, 1) is None


def test_days_in_names():
    assert from_name("2024-01-05 at sea").at.day == 5
    assert from_name("IMG_20240105_001").at.day == 5
    assert from_name("1234567890123") is None
    assert from_name("notes") is None


def test_the_order_needs_no_dates():
    assert order_of([]) == "DMY"
    assert order_of([], "MDY") == "MDY"
