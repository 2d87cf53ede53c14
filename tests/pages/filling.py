"""A vault with a little of everything that pages show."""

import shutil
from collections.abc import Callable
from pathlib import Path

from console import bootstrap
from console.bootstrap import Twin
from console.pages.orders import CatchUp
from tests.forked import Forked
from tests.helpers import CHAT, PASSPHRASE, TOY, write_chats
from tests.pages.browser import BrowserSite
from tests.pages.steps import sent

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


def beyond_links(site: BrowserSite, path: str, person: str, question: str) -> list[str]:
    """Send the forms that lead to pages to which no link leads; return these pages.

    Args:
        site: The pages.
        path: What is looked at before it is collected, and collected then.
        person: Who would be forgotten.
        question: What a model is asked.
    """
    site.app.state.jobs.start(CatchUp(), "not the passphrase", then=lambda _: "/")
    found = ["/jobs/1", "/models/compare?model=twin-1&model=twin-2"]
    for page, action, fields, button in (
        ("/sources/add", "/sources/survey", {"path": path}, ""),
        ("", "/sources/collect", {}, "Collect"),
        ("/training", "/training/plan", {"preset": "voice", "text": TOY}, "Plan it"),
        ("/forget", "/forget/look", {"person": person}, ""),
        ("/chat", "/chat", {"question": question}, ""),
    ):
        if page:
            site.open(page)
        sent(site, action, fields, button=button)
        found.append(site.page.url.removeprefix(site.base))
    return found


def changed(command: Forked, change: Callable[[Twin], object]) -> None:
    """Change a vault from within, as no source would."""
    twin = bootstrap.open_(command.home, PASSPHRASE)
    try:
        change(twin)
    finally:
        twin.close()
