"""What the golden vaults hold, whichever release makes them, and how they are put down."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vault.application import Export, Vault
from vault.consent import Effect, Filters, Profile, Purpose, Statement
from vault.events import (
    ConsentObserved,
    CorrectionMade,
    Disclosed,
    FeedbackGiven,
    Manifest,
    MaskedAlias,
    ModelRetrained,
    ModelSuspended,
    ModelTrained,
    PodLinked,
    SliceState,
)
from vault.items import Agent, Attachment, Item, Precision

PASSPHRASE = "Müllers Leuchtturm, 3 Stufen"
BEGIN = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)
FIRST = int(BEGIN.timestamp()) * 1_000_000_000

MARA = Agent(id="mailto:mara@lighthouse.example", name="Mara Flint")
BEX = Agent(id="name:Bex Stone", name="Bex Stone")
ALIAS = MaskedAlias(digest=bytes(range(16)), person=bytes(range(16, 32)), part="whole")
FIRST_ALIAS = MaskedAlias(digest=bytes(range(32, 48)), person=bytes(range(16, 32)), part="first")


def at(minutes: int) -> datetime:
    return BEGIN - timedelta(days=400) + timedelta(minutes=minutes, microseconds=minutes)


def message(number: int, text: str, **more) -> Item:
    return Item(
        **{
            "source": "whatsapp",
            "native_id": f"message {number}",
            "type": "message.chat.sent" if number % 2 else "message.chat.received",
            "at": at(number),
            "precision": Precision.MINUTE,
            "author": MARA if number % 2 else BEX,
            "to": (BEX if number % 2 else MARA,),
            "conversation": "WhatsApp Chat with Bex Stone",
            "text": text,
            "locator": f"WhatsApp Chat with Bex Stone.txt#{number}",
        }
        | more
    )


MAIL = Item(
    source="mbox",
    native_id="<1@lighthouse.example>",
    type="message.email.sent",
    at=at(100),
    offset=-210,
    assumed=True,
    author=MARA,
    to=(BEX, Agent(id="mailto:ned@lighthouse.example")),
    conversation="<0@lighthouse.example>",
    reply_to="<0@lighthouse.example>",
    title="Re: the lamp, and ☕",
    text="The lamp is mended.\n\n> Is it?\nÉté, 灯台, 🕯",
    text_new="The lamp is mended.",
    language="en",
    labels=("health", "location"),
    attachments=(
        Attachment(name="lamp.jpg", media_type="image/jpeg", size=70_000, sha256="ab" * 32),
    ),
    locator="mail.zip!all.mbox#4096",
)
NOTE = Item(
    source="markdown",
    native_id="ideas/lamp.md",
    type="document.note",
    precision=Precision.FILE,
    title="lamp",
    text="Oil, " * 300,
)


def statement(number: int, effect: Effect, purpose: Purpose, **more) -> Statement:
    return Statement(
        id=f"{number:032x}", effect=effect, type="message.chat", purpose=purpose, **more
    )


def manifest(model: str) -> Manifest:
    return Manifest(
        model=model,
        kind="adapter",
        base="cd" * 32,
        base_path="bases/small",
        recipe='{"epochs":2}',
        environment='{"torch":"2.9.0"}',
        position=12,
        checkpoint="ef" * 32,
        rows=2**33,
        rows_root="01" * 32,
        statements=(f"{1:032x}", f"{2:032x}"),
        slices=(SliceState(name="0001", state="23" * 32, rows=5),),
        weights="45" * 32,
        metrics=(("loss", 1.25), ("loss before", -0.0), ("words a second", 1e300)),
    )


def said(vault: Vault) -> None:
    """Every kind of consent, every field of a statement."""
    filters = Filters(
        source="whatsapp",
        conversation="WhatsApp Chat with Bex Stone",
        person="Bex Stone",
        since=at(-5000),
        until=at(5000),
    )
    vault.say(Effect.ALLOW, "message", Purpose.COLLECT)
    vault.say(Effect.ALLOW, "message.chat", Purpose.SEARCH, filters=filters, redact=Profile.NONE)
    vault.say(
        Effect.ALLOW,
        "message",
        Purpose.SHARE,
        recipient="https://reader.example/",
        redact=Profile.STRICT,
        expires=BEGIN + timedelta(days=3650),
    )
    vault.say(Effect.DENY, "health", Purpose.TRAIN, masked=(ALIAS, FIRST_ALIAS))
    vault.say(
        Effect.DENY, "message.chat", Purpose.SEARCH, filters=filters, withdraw=True, masked=(ALIAS,)
    )
    vault.record(
        ConsentObserved(
            statement=statement(1, Effect.ALLOW, Purpose.MIRROR, redact=Profile.NAMES_ONLY),
            document="https://pod.example/consent.ttl",
            digest=bytes(range(255, 223, -1)),
        )
    )


def the_rest(vault: Vault, corrected: str) -> None:
    """Topics that have no command yet, and models that were never made."""
    log, one, two = vault.log, manifest("lamp"), manifest("lamp-2")
    vault.record(CorrectionMade(item_id=corrected, text="The lamp was mended."))
    vault.record(
        FeedbackGiven(
            model="lamp", prompt="How are you?", answer="Fine.", better="Well.", good=False
        ),
        FeedbackGiven(model="lamp", prompt="And the lamp?", answer="Mended.", good=True),
        ModelTrained(manifest=one, signature=log.sign(b"lamp")),
        ModelSuspended(model="lamp", rows=3, cause="withdrawn"),
        ModelRetrained(
            manifest=two,
            signature=log.sign(b"lamp-2"),
            replaces="lamp",
            replayed_slices=1,
            identical_to_clean_run=True,
        ),
        ModelRetrained(manifest=two, signature=b"", replaces="lamp", replayed_slices=0),
        Disclosed(recipient="https://reader.example/", what="rows", items=2, statement=f"{3:032x}"),
        PodLinked(url="https://pod.example/", webid="https://pod.example/profile#me"),
    )


def entries(log):
    """All entries of a log, in order."""
    return [entry for page in log.pages() for entry in page.entries]


def ids(log) -> dict[str, str]:
    """The entry that first held each item, by the item's native id."""
    collected = [entry for entry in entries(log) if entry.topic.startswith("item.collected")]
    return {entry.event.item.native_id: entry.id for entry in collected if entry.event}


def collect(vault: Vault, found, locator: str) -> None:
    """Read an export; what says that it is denied is."""
    vault.collect(
        found, export=Export(locator=locator), permits=lambda item: "denied" not in item.text
    )


def clear(folder: Path) -> None:
    """Make room for another golden vault."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def tidy(home: Path) -> None:
    """Leave whole databases without write-ahead logs, and no file without content."""
    for name in ("log.db", "keys.db"):
        with closing(sqlite3.connect(home / name)) as database:
            assert database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
            assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        for end in ("-wal", "-shm"):
            (home / f"{name}{end}").unlink(missing_ok=True)
    for path in home.iterdir():
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.suffix == ".lock":
            path.unlink()


def write(folder: Path, content: dict) -> None:
    """Say what is in the vault, and what opens it."""
    (folder / "passphrase.txt").write_text(f"{PASSPHRASE}\n", "utf-8")
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (folder / "expected.json").write_text(f"{text}\n", "utf-8")
