"""A vault with a little of everything that pages show."""

import shutil
from collections.abc import Callable
from pathlib import Path

from console import bootstrap
from console.bootstrap import Twin
from tests.forked import Forked
from tests.helpers import CHAT, PASSPHRASE, TOY, write_chats

_NOTE = """\
---
tags: [garden, plans]
---
# Beds for the spring

Two rows of leeks by the wall, the boat needs paint. Ask #marguerite about the tin.
"""
_MAIL = """\
From ada@quill.example Wed Mar  1 10:00:00 2023
From: Ada Quill <ada@quill.example>
To: Priya Nair <priya@nair.example>
Subject: The boat on Friday
Date: Wed, 1 Mar 2023 10:00:00 +0000
Message-ID: <one@quill.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=edge

--edge
Content-Type: text/plain; charset=utf-8

The tide is at six; I have put the plan of the mooring in with this.

--edge
Content-Type: text/plain; name="mooring.txt"
Content-Disposition: attachment; filename="mooring.txt"

north quay, third ring
--edge--

"""


def fill(folder: Path, fresh: Path) -> Forked:
    """Make a vault in a folder from a fresh one: collected, allowed, learned from, forgotten."""
    shutil.copytree(fresh, folder, dirs_exist_ok=True)
    command = Forked.in_folder(folder)
    chats = write_chats(folder)
    (chats / "WhatsApp Chat with Tom Baker.txt").write_text(CHAT.replace("Priya Nair", "Tom Baker"))
    notes = folder / "notes"
    (notes / ".obsidian").mkdir(parents=True)
    (notes / "Beds.md").write_text(_NOTE)
    mail = folder / "mail"
    mail.mkdir()
    (mail / "Sent.mbox").write_text(_MAIL)
    (folder / "toy.toml").write_text(TOY)
    command.ok("me", "Ada Quill", "ada@quill.example")
    for path in (chats, notes, mail):
        command.ok("add", str(path))
    for what in ("message", "document", "message.chat.received"):
        command.ok("consent", "allow", what, "train")
        command.ok("consent", "allow", what, "search")
    # Of two models one is suspended, as what it learned from is used no more.
    command.ok("train", "--recipe", str(folder / "toy.toml"))
    command.ok("pause", "--person", "Bex Stone")
    command.ok("forget", "--conversation", "Tom Baker", "--yes")
    command.ok("train", "--recipe", str(folder / "toy.toml"))
    return command


def changed(command: Forked, change: Callable[[Twin], object]) -> None:
    """Change a vault from within, as no source would."""
    twin = bootstrap.open_(command.home, PASSPHRASE)
    try:
        change(twin)
    finally:
        twin.close()
