"""A vault with a model of three slices and mails that may be searched, to be copied."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console import bootstrap
from console.bootstrap import Twin
from console.use import collecting, learning
from tests.helpers import PASSPHRASE, TOY
from tests.trainer.nearby import Nearby
from trainer import finetune
from vault.consent import Effect, Purpose
from vault.log.passphrase import Stretch

__all__ = ["opened", "teach"]

_MAIL = """\
From a@x Mon Jan  2 10:00:00 2023
From: {sender}
To: {to}
Date: Mon, 02 Jan 2023 10:{minute:02d}:00 +0000
Message-ID: <{name}-{number}@home.example>
Subject: {subject}

{text}

"""
ADA, PRIYA = "Ada Quill <ada@home.example>", "Priya Nair <priya@x.example>"


def mbox(path: Path, mails: list[tuple[str, str, str]]) -> Path:
    """Write mails, each with its sender, subject and text."""
    path.write_text(
        "".join(
            _MAIL.format(
                sender=sender,
                to=PRIYA if sender == ADA else ADA,
                minute=number % 60,
                number=number,
                name=path.stem,
                subject=subject,
                text=text,
            )
            for number, (sender, subject, text) in enumerate(mails)
        )
    )
    return path


def teach(folder: Path, recipe: str = "") -> Path:
    """Make the vault in a folder; `home` is its folder there.

    Args:
        folder: Where.
        recipe: Lines that the model's recipe has beside those of a toy.
    """
    chats = folder / "chats"
    chats.mkdir()
    for month, name in enumerate(("Priya Nair", "Bex Stone", "Ned Marlow"), start=3):
        lines = []
        for day in range(1, 21):
            for part in range(2):
                at = f"{day:02d}/{month:02d}/2023, {8 + part * 4:02d}:00"
                lines.append(f"{at} - {name}: Question {day} number {part} about soup?")
                lines.append(f"{at} - Ada Quill: answer {day} & {part}, says {name[0].lower()} pal")
        (chats / f"WhatsApp Chat with {name}.txt").write_text("\n".join(lines) + "\n")
    mails = [
        (ADA, "the boat", "The boat leaves at half past six from the slip. Wear two hats."),
        (PRIYA, "the lamp", "The ferryman mended the lamp for eleven crowns on Tuesday."),
    ]
    costs = Stretch.__init__.__kwdefaults__
    before = dict(costs)
    costs.update(memory=64, passes=1, lanes=1)
    bootstrap.create(folder / "home", PASSPHRASE)
    costs.update(before)
    (folder / "toy.toml").write_text(TOY.replace("40", "16") + recipe)
    with opened(folder) as twin, pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune, "Child", Nearby)
        collecting.add(twin, chats, names=["Ada Quill"])
        collecting.add(twin, mbox(folder / "mail.mbox", mails), names=["ada@home.example"])
        twin.vault.say(Effect.ALLOW, "message.chat", Purpose.TRAIN)
        for kind in ("message.email", "message.email.received"):
            twin.vault.say(Effect.ALLOW, kind, Purpose.SEARCH)
        learning.train(twin, recipe_file=folder / "toy.toml")
    return folder


@contextmanager
def opened(folder: Path) -> Iterator[Twin]:
    """Open the vault in a folder."""
    twin = bootstrap.open_(folder / "home", PASSPHRASE)
    try:
        twin.catch_up()
        yield twin
    finally:
        twin.close()


class Scripted:
    """A voice that says what it was given, word by word."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.heard: list[object] = []

    def growing(self, messages: object, sampling: object) -> Iterator[str]:
        """Yield the next text, longer each time."""
        del sampling
        self.heard.append(messages)
        words = self.texts.pop(0).split(" ")
        for count in range(1, len(words) + 1):
            yield " ".join(words[:count])
