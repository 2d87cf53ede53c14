"""Options by which items are chosen, the same for every command that chooses some."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypedDict

import click

from vault.consent import Filters

__all__ = ["DAY", "Given", "conditions", "filters", "utc"]

DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"])


def conditions(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the filters by which a command takes some items and leaves others."""
    for option in reversed(
        (
            click.option(
                "--since", type=DAY, metavar="DATE", help="Only items from this day on (UTC)."
            ),
            click.option(
                "--until", type=DAY, metavar="DATE", help="Only items before this day (UTC)."
            ),
            click.option("--source", default="", help="Only items of this source."),
            click.option("--conversation", default="", help="Only items of this conversation."),
            click.option("--person", default="", help="Only items with this person."),
        )
    ):
        function = option(function)
    return function


def utc(day: datetime | None) -> datetime | None:
    """Return a day or time as it was given, in UTC."""
    return day.replace(tzinfo=UTC) if day else None


class Given(TypedDict):
    """The filters as click hands them over."""

    since: datetime | None
    until: datetime | None
    source: str
    conversation: str
    person: str


def filters(given: Given) -> Filters:
    """Return what a person filtered by."""
    return Filters(
        source=given["source"],
        conversation=given["conversation"],
        person=given["person"],
        since=utc(given["since"]),
        until=utc(given["until"]),
    )
