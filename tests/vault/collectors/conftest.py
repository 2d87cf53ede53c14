"""What the tests of the collectors share: collecting for real, through the child."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vault.collectors import Found, Limits, collect
from vault.collectors.api import Ended
from vault.consent import normal
from vault.items import Bad, Item, Progress


@dataclass
class Gathered:
    """Everything that a collection said."""

    found: list[Found] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [item.text for item in self.items]

    @property
    def reasons(self) -> dict[str, str]:
        return {bad.locator: bad.reason for bad in self.bad}


Gather = Callable[..., Gathered]


@pytest.fixture
def gather() -> Gather:
    def run(
        path: Path,
        me: Iterable[str] = (),
        *,
        source: str | None = None,
        cursor: bytes | None = None,
        limits: Limits | None = None,
    ) -> Gathered:
        gathered = Gathered()
        lists = {
            Found: gathered.found,
            Item: gathered.items,
            Bad: gathered.bad,
            Progress: gathered.progress,
            Ended: gathered.ended,
        }
        owner = frozenset(normal(name) for name in me)
        cursors = {path.name: ("*", cursor)} if cursor else None
        for outcome in collect(path, owner, source=source, cursors=cursors, limits=limits):
            if type(outcome) in lists:
                lists[type(outcome)].append(outcome)
        return gathered

    return run
