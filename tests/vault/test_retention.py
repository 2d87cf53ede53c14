"""Which rule of retention holds, and when a clock is trusted with what cannot be undone."""

from datetime import UTC, datetime, timedelta

import pytest

from vault.retention import LEAP, days_kept, doubt

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("rules", "names", "days"),
    [
        ({}, ("message.email.sent",), None),
        ({"message": 30}, ("message.email.sent",), 30),
        ({"message": 30}, ("message",), 30),
        ({"message": 30}, ("messages",), None),
        ({"message.mail": 30}, ("message.mailing.sent",), None),
        ({"message.email": 30}, ("message.chat.sent",), None),
        ({"message": 30, "message.email": 90}, ("message.email.sent",), 90),
        ({"message": 30, "message.email": 90}, ("message.chat.sent",), 30),
        ({"message": 30, "message.email": None}, ("message.email.sent",), None),
        ({"message": None, "message.email": 30}, ("message.email.sent",), 30),
        ({"health": 7}, ("document.note", "health"), 7),
        ({"health": 7, "document": 3}, ("document.note", "health.mental"), 3),
        ({"health": None, "document": 3}, ("document.note", "health"), 3),
    ],
)
def test_the_nearest_rule_of_each_name_holds_and_the_shortest_counts(rules, names, days):
    assert days_kept(rules, names) == days


@pytest.mark.parametrize(
    ("clock", "leapt"),
    [
        (NOW, None),
        (NOW + LEAP, None),
        (NOW - LEAP, None),
        (NOW, NOW - LEAP),
        (NOW + DAY, NOW + DAY - LEAP),
        (NOW - 5 * DAY, NOW - DAY - LEAP),
    ],
)
def test_a_clock_that_agrees_with_the_log_and_has_run_steadily_is_trusted(clock, leapt):
    assert doubt(clock, NOW, leapt) == ""


@pytest.mark.parametrize(
    ("clock", "newest", "leapt", "why"),
    [
        (NOW + 400 * DAY, NOW, None, "400 days apart"),
        (NOW - 400 * DAY, NOW, None, "400 days apart"),
        (datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC), NOW, None, "days apart"),
        (NOW + LEAP + DAY / 24, NOW, None, "31 days apart"),
        (NOW + DAY, NOW, NOW, "only since 2026-03-01"),
        (NOW, NOW, NOW - LEAP + DAY, "only since"),
        (NOW - 20 * DAY, NOW, NOW - 15 * DAY, "only since"),
        (NOW, None, None, "empty"),
    ],
)
def test_a_clock_that_leapt_or_disagrees_is_not_trusted(clock, newest, leapt, why):
    assert why in doubt(clock, newest, leapt)
