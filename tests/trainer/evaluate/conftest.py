"""Two people who write alike in nothing, and a network that knows some rows by heart."""

import random
from dataclasses import replace

import pytest
import torch

from projections.rows import Facts, Message, Row
from trainer.network import Network
from trainer.recipe import preset
from trainer.slices import foundation_of

HERS = [
    "so",
    "cold",
    "boat",
    "late",
    "&",
    "i",
    "had",
    "soup",
    "w/",
    "bread",
    "slip",
    "honestly",
    "wet",
    "tin",
    "patience",
]
HIS = [
    "Regarding",
    "the",
    "Attached",
    "Invoice,",
    "Please",
    "Confirm",
    "Receipt;",
    "Sincerely",
    "Yours,",
    "The",
    "Office",
]


def talk(seed: int, count: int, words: list[str] = HERS) -> list[str]:
    dice = random.Random(seed)
    return [" ".join(dice.choices(words, k=dice.randint(3, 9))) for _ in range(count)]


def example(number: int, said: str, *, split: str = "train", asked: str = "") -> Row:
    return Row.of(
        events=(f"event-{number}",),
        statements=("statement",),
        messages=(
            Message(role="user", content=asked or f"what of {number}?"),
            Message(role="assistant", content=said),
        ),
        split=split,
        group="g",
        facts=Facts(pair=f"pair-{number}", type="message.chat", source="phone"),
    )


def code(number: int) -> str:
    return f"its {random.Random(number).randrange(10**6):06d} ok"


@pytest.fixture(scope="session")
def tiny():
    return replace(
        preset("scratch"), name="tiny", width=32, layers=1, heads=2, learning_rate=1e-2, bf16=False
    )


@pytest.fixture(scope="session")
def coded():
    """Rows with a code each; the network below has learned the first twelve by heart."""
    return [example(number, code(number)) for number in range(24)]


@pytest.fixture(scope="session")
def untaught(tiny):
    return Network(tiny, foundation_of(tiny))


@pytest.fixture(scope="session")
def taught(tiny, coded):
    network = Network(tiny, foundation_of(tiny))
    optimizer = torch.optim.AdamW(network.trained.values(), lr=1e-2)
    rows = [network.tokens.example(row.messages) for row in coded[:12]]
    for _ in range(120):
        optimizer.zero_grad()
        total, count = network.loss(rows)
        (total / count).backward()
        optimizer.step()
    return network
