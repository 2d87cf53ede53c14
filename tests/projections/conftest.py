"""A world for each test: `tests.projections.world`."""

import pytest

from tests.projections.world import World


@pytest.fixture
def new_world() -> type[World]:
    """Make a world: `new_world()` in memory, `new_world(folder)` sealed on disk."""
    return World


@pytest.fixture
def world() -> World:
    """A world in memory."""
    return World()
