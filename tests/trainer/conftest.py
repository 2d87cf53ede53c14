"""A person of forty rows and a network of a few thousand weights."""

import os
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from projections.rows import Message, Row
from tests.trainer.nearby import Nearby
from trainer import finetune
from trainer.environment import observe
from trainer.recipe import Recipe, preset

os.environ.setdefault("OMP_NUM_THREADS", "1")

WORDS = ["so", "cold", "boat", "late", "&", "i", "had", "soup", "w/", "bread", "slip", "honestly"]


def row(number: int, *, split: str = "train", group: str = "g0", words: str = "") -> Row:
    dice = random.Random(number)
    said = words or " ".join(dice.choices(WORDS, k=dice.randint(2, 9)))
    asked = " ".join(dice.choices(WORDS, k=4))
    return Row.of(
        events=(f"event-{number}",),
        statements=(f"statement-{group}",),
        messages=(
            Message(role="user", content=f"{asked}?"),
            Message(role="assistant", content=said),
        ),
        split="held" if split == "held" else "train",
        group=group,
        at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number),
    )


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    learned = [row(number, group=f"g{number % 3}") for number in range(36)]
    return learned + [row(number, split="held") for number in range(100, 104)]


@pytest.fixture(scope="session")
def toy() -> Recipe:
    return replace(
        preset("scratch"),
        name="toy",
        width=16,
        layers=1,
        heads=2,
        batch=4,
        epochs=2.0,
        later_epochs=1.0,
        rehearsal=0.5,
        trunk=12,
        slice_rows=8,
        dropout=0.1,
        threads=1,
    )


@pytest.fixture(scope="session")
def here(toy):
    return observe(toy)


@pytest.fixture
def nearby(monkeypatch):
    """The child works in this process, which leaves torch as it was."""
    import torch  # noqa: PLC0415 - only where it is asked for

    monkeypatch.setattr(finetune, "Child", Nearby)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def make_row():
    return row


@pytest.fixture
def everything():
    return lambda asked: {one.id for one in asked}
