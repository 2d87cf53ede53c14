"""Commands as a person gives them, to be run while writes fail and processes die.

They run in the process that is watched, on a vault whose passphrase is cheap to check.
Whatever happens, the next command finishes what was interrupted, and every view says what one
that is made anew from the log says.
"""

import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from console import bootstrap
from console.cli import main
from tests.faults.rehearsal import Scenario, Secrets, made, opened
from tests.helpers import CHAT, PASSPHRASE
from tests.vault.log.logkit import secrets_of
from vault.errors import VaultError

__all__ = ["COMMANDS", "run"]

_MORE = "05/02/2023, 09:00 - Bex Stone: Soup?\n05/02/2023, 09:01 - Ada Quill: always soup\n"


def run(place: Path, *arguments: str, text: str = "") -> None:
    """Run `twin` in this process.

    Raises:
        VaultError: It was refused, with the sentence that it said.
    """
    os.environ["TWIN_HOME"] = str(place / "home")
    os.environ["TWIN_PASSPHRASE_FILE"] = str(place / "secrets" / "1 passphrase")
    sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
    out = io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(io.StringIO()):
            main([*arguments, "--json"])
    except SystemExit as left:
        if left.code:
            error = json.loads(out.getvalue())["error"]
            assert error["code"] != "failure", error
            raise VaultError(error["message"]) from None


def _collected(place: Path) -> Secrets:
    """A vault that holds one chat, all of it searchable and allowed to be learned."""
    (place / "secrets").mkdir()
    (place / "secrets" / "1 passphrase").write_text(PASSPHRASE)
    made(place).close()
    (place / "exports").mkdir()
    chat = place / "exports" / "WhatsApp Chat with Priya Nair.txt"
    chat.write_text(CHAT)
    (place / "exports" / "WhatsApp Chat with Bex Stone.txt").write_text(_MORE)
    run(place, "add", str(chat), "--me", "Ada Quill")
    run(place, "consent", "allow", "message", "search")
    run(place, "consent", "allow", "message", "train")
    run(place, "view", "build")
    return []


def _without_views(place: Path) -> Secrets:
    _collected(place)
    bootstrap.drop_views(place / "home")
    return []


def _item(place: Path) -> str:
    """The id of the newest item, which every command here is about."""
    with closing(opened(place)) as log:
        entries = [entry for page in log.pages() for entry in page.entries]
    return next(entry.id for entry in reversed(entries) if entry.topic.startswith("item.collected"))


def _to_forget(place: Path) -> Secrets:
    _collected(place)
    with closing(opened(place)) as log:
        return secrets_of(log, [_item(place)])


def _command(*arguments: str, text: str = "") -> Callable[[Path], Iterator[object]]:
    def work(place: Path) -> Iterator[object]:
        given = [part.format(place=place, item=_item(place)) for part in arguments]
        run(place, *given, text=text)
        yield

    return work


def _views(place: Path) -> None:
    """Compare every view with one that is made anew, once what was owed is finished."""
    run(place, "status")
    there = bootstrap.open_(place / "home", PASSPHRASE)
    anew = bootstrap.open_(place / "home", PASSPHRASE, views=place / "anew")
    now = there.vault.now()
    with closing(there), closing(anew):
        for twin in (there, anew):
            twin.catch_up()
            twin.views.settle(now)
        for one, other in zip(there.views.all, anew.views.all, strict=True):
            assert one.dump() == other.dump(), f"the view {one.name} is not what it would be anew"
    shutil.rmtree(place / "anew")


def _scenario(
    *arguments: str,
    text: str = "",
    before: Callable[[Path], Secrets] = _collected,
    borders: frozenset[str] = frozenset(),
) -> Scenario:
    work = _command(*arguments, text=text)

    def again(place: Path) -> None:
        # What was done already, or undone for ever, is refused in a sentence.
        with suppress(VaultError):
            for _ in work(place):
                pass
        _views(place)

    return Scenario(before, work, borders, _views, again)


COMMANDS = {
    "twin add": _scenario(
        "add",
        "{place}/exports/WhatsApp Chat with Bex Stone.txt",
        borders=frozenset(["import.page"]),
    ),
    "twin consent": _scenario("consent", "allow", "message.chat", "train", "--redact", "none"),
    "twin withdraw": _scenario("withdraw", "message", "train"),
    "twin correct": _scenario("correct", "{item}", text="seven shallots"),
    "twin forget": _scenario(
        "forget",
        "--item",
        "{item}",
        "--yes",
        before=_to_forget,
        borders=frozenset(["erase.recorded"]),
    ),
    "twin view build": _scenario("view", "build", before=_without_views),
    "twin export": _scenario("export", "{place}/copy", borders=frozenset(["export.recorded"])),
    "twin backup": _scenario("backup", "{place}/mirror"),
}
