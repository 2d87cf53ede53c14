"""What the log's tests and their child processes share."""

import sys
import textwrap
from pathlib import Path

from vault.events import ItemCollected, ItemErased
from vault.items import Item
from vault.log import home
from vault.log.passphrase import Stretch
from vault.log.sealed import Draft, SealedLog

PASSPHRASE = "correct horse battery staple"
CANARY = "zanzibar-canary"
CHEAP = Stretch(memory=64, passes=1, lanes=1)
HERE = Path(__file__).parent


def create(folder: Path, passphrase: str = PASSPHRASE, **options) -> SealedLog:
    return home.create(
        folder / "home", passphrase, folder / "recovery.txt", stretch=CHEAP, **options
    )


def reopen(folder: Path, **options) -> SealedLog:
    return home.open_(folder / "home", PASSPHRASE, **options)


def draft(number: int, text: str = CANARY) -> Draft:
    item = Item(
        source="source", native_id=str(number), type="document.note", text=f"{text} {number}"
    )
    return Draft(
        event=ItemCollected(item=item),
        scope=f"source\x1f{CANARY}-conversation-{number % 2}",
        natural_key=f"{CANARY}-key-{number}".encode(),
        content=text.encode(),
    )


def drafts(start: int, count: int) -> list[Draft]:
    return [draft(number) for number in range(start, start + count)]


def numbers(log: SealedLog) -> list[int | None]:
    """The items in the log, in order, None where one was erased."""
    found: list[int | None] = []
    for page in log.pages():
        found += [
            int(entry.event.item.native_id) if entry.event else None
            for entry in page.entries
            if entry.topic.startswith("item.collected")
        ]
    return found


def forget(log: SealedLog, ids: list[str]) -> int:
    log.append([Draft(event=ItemErased(item_ids=tuple(ids)))])
    return log.erase(ids)


def secrets_of(log: SealedLog, ids: list[str]) -> list[bytes]:
    """What erasing entries must leave in no file: bodies, data keys, and the pages of keys."""
    records = log.located(ids)
    pages = {(record.header.feed, record.header.key_page) for record in records}
    secrets = [record.body for record in records]
    secrets += [log.data_key(record) for record in records]
    secrets += [page.wrapped for page in log.keys.store.pages(pages).values()]
    assert all(len(secret) >= 32 for secret in secrets)
    return secrets


def sound(log: SealedLog) -> bool:
    report = log.verify()
    assert report.problems == ()
    return True


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def recovery_key(folder: Path) -> str:
    lines = (folder / "recovery.txt").read_text().splitlines()
    return next(line.strip() for line in lines if line.count("-") == 8)


def script(body: str, *arguments: object) -> list[str]:
    """The command line of a child process that shares these helpers."""
    head = f"import sys; sys.path.insert(0, {str(HERE)!r}); from logkit import *\n"
    return [sys.executable, "-c", head + textwrap.dedent(body), *map(str, arguments)]
