"""Make the golden vault of format 2: the release that first wrote it, 0.2.0, did it once.

    .venv/bin/python tests/golden/make_format_2.py [FOLDER]

It is the vault of a laptop, whose owner has two more devices and replaced every key. Keys are
random, so another run makes another vault. `expected.json` says what the release itself read
back from it.
"""

import json
import shutil
import sys
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import msgspec
import sample

from console.papers import Receipt, write_paper
from vault.application import Vault
from vault.consent import Pause, Purpose
from vault.events import ItemErased, RetentionSet, UsePaused, UseResumed
from vault.items import Bad
from vault.log import checkpoint, home, rotation
from vault.log.enrolment import revoke
from vault.log.folder import read_identity
from vault.log.merge import learn_devices, segments, take_in
from vault.log.passphrase import Stretch
from vault.log.sealed import SealedLog

FOLDER = Path(sys.argv[1] if sys.argv[1:] else Path(__file__).with_name("format-2"))
HOME = FOLDER / "vault"
STRETCH = Stretch(memory=256, passes=1, lanes=2)
PAUSE = Pause(id="0a" * 16, type="message.chat", source="whatsapp", person="bex stone")
TIMES = (sample.FIRST + step * 60_000_000_000 + step for step in count())


def first_device(place: Path) -> SealedLog:
    """Everything that a vault of one device writes."""
    log = home.create(
        place, "another", FOLDER / "earlier.txt", stretch=STRETCH, clock=TIMES.__next__
    )
    vault = Vault(log)
    vault.name_owner(["Mara Flint", "mara@lighthouse.example"], frozenset())
    sample.said(vault)
    chat = [sample.message(number, f"Message number {number}.") for number in range(8)]
    unread = [Bad(locator="chat.txt#99", reason="No time."), sample.message(50, "denied")]
    sample.collect(vault, [*chat[:6], *unread, sample.MAIL], "exports/first")
    edited = sample.message(1, "Message number 1, edited.")
    sample.collect(vault, [chat[0], edited, *chat[6:], sample.NOTE], "exports/second")
    sample.the_rest(vault, sample.ids(log)["message 2"])
    vault.record(
        UsePaused(pause=PAUSE, masked=(sample.ALIAS,)),
        UseResumed(pause=PAUSE),
        RetentionSet(type="message.chat", days=365),
        RetentionSet(type="document", days=None),
    )
    home.delegate(place, log)
    collector = home.open_unattended(place, clock=TIMES.__next__)
    unattended = [sample.message(n, f"Collected while locked, {n}.") for n in range(20, 24)]
    sample.collect(Vault(collector), unattended, "exports/third")
    collector.close()
    ids = sample.ids(log)
    vault.erase([ids["message 1"]], (sample.ALIAS,))
    vault.erase([ids["ideas/lamp.md"], ids["message 21"]], ())
    return log


def enrolled(place: Path, first: SealedLog, name: str) -> SealedLog:
    """Another device of the same vault."""
    shared = first.keys.owner.shared(read_identity(FOLDER / "first"))
    clock = TIMES.__next__
    return home.enrol(place, shared, "another", name, first.devices.all(), clock=clock)


def bring(log: SealedLog, other: SealedLog) -> None:
    """Take in what another device knows."""
    learn_devices(log, other.devices.all())
    for feed in sorted(other.records.place.trails):
        known, there = (one.records.place.trail(feed).frontier.size for one in (log, other))
        for segment in segments(other, feed, known, there) if known < there else ():
            take_in(log, segment)


def paper(log: SealedLog) -> None:
    """A receipt, as `twin withdraw` writes it."""
    head = log.head
    receipt = Receipt(
        statement=f"{1:032x}",
        type="message.chat",
        purpose=Purpose.SEARCH,
        filters=("person",),
        at=sample.BEGIN,
        position=head.position,
        checkpoint=head.root.hex(),
        rows_removed=2,
        models_suspended=("lamp",),
    )
    write_paper(SimpleNamespace(home=HOME, log=log), f"receipt-{head.position}", receipt)


def live() -> SealedLog:
    """The life of a laptop beside two other devices, up to an erasure that is still owed."""
    first = first_device(FOLDER / "first")
    laptop = enrolled(HOME, first, "laptop")
    bring(laptop, first)
    telephone = enrolled(FOLDER / "telephone", first, "telephone")
    # Both read the same chat without knowing of each other; one has a later text of it.
    apart = [sample.message(number, f"Read twice, {number}.") for number in range(30, 33)]
    sample.collect(Vault(first), apart, "exports/fourth")
    apart[1] = sample.message(31, "Read twice, 31, edited.")
    sample.collect(Vault(laptop), apart, "exports/fourth")
    sample.collect(Vault(telephone), [sample.message(40, "On the way.")], "exports/fifth")
    bring(first, telephone)
    # Revoked by the first device; what the telephone writes afterwards reaches the laptop first.
    sample.collect(Vault(telephone), [sample.message(41, "After it was lost.")], "exports/sixth")
    bring(laptop, telephone)
    revoke(first, "telephone")
    bring(laptop, first)
    telephone.close()
    first.close()
    rotation.rotate_scopes(laptop)
    laptop.close()
    rotation.rotate_owner_key(HOME, "another", sample.PASSPHRASE, FOLDER / "recovery.txt")
    rotation.rotate_device_key(HOME, sample.PASSPHRASE)
    laptop = home.open_(HOME, sample.PASSPHRASE)
    vault, ids = Vault(laptop), sample.ids(laptop)
    sample.collect(vault, [sample.message(60, "With new keys.")], "exports/seventh")
    home.delegate(HOME, laptop)
    collector = home.open_unattended(HOME)
    sample.collect(Vault(collector), [sample.message(70, "Locked again.")], "exports/eighth")
    collector.close()
    vault.erase([ids["message 31"]], ())
    paper(laptop)
    vault.record(ItemErased(item_ids=(ids["message 3"],), cause="retention"))
    return laptop


def described(log: SealedLog) -> dict:
    """What the vault holds, in the words of the release that wrote it."""
    entries = sample.entries(log)
    records = {
        f"{r.header.feed.hex()}-{r.header.seq}": r for r in log.located(e.id for e in entries)
    }
    owed = entries[-1].event.item_ids
    feeds = []
    for one in log.devices.all():
        stated = checkpoint.parse(log.checkpoint(one.feed), log.devices.key_of(one.feed))
        feed = {"feed": one.feed.hex(), "public_key": one.public_key.hex(), "most": one.most}
        feeds.append(feed | {"size": stated.size, "root": stated.root.hex()})
    described = []
    for entry in entries:
        [stored] = log.opened([records[entry.id]])
        described.append(
            {
                "position": entry.position,
                "id": entry.id,
                "topic": entry.topic,
                "time": records[entry.id].header.time,
                "erased": "owed" if entry.id in owed else entry.erased,
                "event": in_json(stored.event),
            }
            | ({"told": in_json(entry.event)} if entry.event != stored.event else {})
        )
    return {
        "format": 2,
        "release": "0.2.0",
        "vault": json.loads((HOME / "vault.json").read_text())["vault"],
        "feeds": feeds,
        "root": log.head.root.hex(),
        "pages": [page.position for page in log.pages()],
        "entries": described,
    }


def in_json(event):
    return msgspec.json.decode(msgspec.json.encode(event))


def main() -> None:
    sample.clear(FOLDER)
    log = live()
    content = described(log)
    log.close()
    for other in ("first", "telephone"):
        shutil.rmtree(FOLDER / other)
    (FOLDER / "earlier.txt").unlink()
    sample.tidy(HOME)
    sample.write(FOLDER, content)


if __name__ == "__main__":
    main()
