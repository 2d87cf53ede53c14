"""Make the golden vault of format 1: release 0.1.0 alone can, and it did, once.

    PYTHONPATH=<checkout of 0.1.0> python tests/golden/make_format_1.py [FOLDER]

Keys are random, so another run makes another vault. `expected.json` says what 0.1.0 itself
read back from it.
"""

import json
import sys
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import msgspec
import sample

from console.papers import Certificate, Receipt, write_paper
from vault.application import Vault
from vault.consent import Purpose
from vault.events import DeviceEnrolled, DeviceRevoked, ItemErased
from vault.items import Bad
from vault.log import home
from vault.log.passphrase import Stretch
from vault.log.sealed import SealedLog

FOLDER = Path(sys.argv[1] if sys.argv[1:] else Path(__file__).with_name("format-1"))
HOME = FOLDER / "vault"
STRETCH = Stretch(memory=256, passes=1, lanes=2)


def devices(vault: Vault) -> None:
    """A second device, for which 0.1.0 had topics and no command."""
    other = bytes(range(100, 132))
    device, certificate = other[:8].hex(), vault.log.keys.certify(other)
    vault.record(
        DeviceEnrolled(
            device=device, name="a telephone", public_key=other, certificate=certificate
        ),
        DeviceRevoked(device=device, certificate=bytes(64)),
    )


def papers(log: SealedLog, erased: str) -> None:
    """A receipt and a certificate, as `twin withdraw` and `twin forget` write them."""
    head = log.head
    twin = SimpleNamespace(home=HOME, log=log)
    shared = {"at": sample.BEGIN, "position": head.position, "checkpoint": head.root.hex()}
    shared |= {"rows_removed": 2, "models_suspended": ("lamp",)}
    about = {"type": "message.chat", "purpose": Purpose.SEARCH, "filters": ("person",)}
    write_paper(twin, f"receipt-{head.position}", Receipt(statement=f"{1:032x}", **about, **shared))
    gone = {"items": (erased,), "keys_destroyed": 1, "states_destroyed": 0, "mentions": ()}
    write_paper(twin, f"certificate-{head.position}", Certificate(**gone, **shared))


def live() -> SealedLog:
    """Everything that 0.1.0 writes, from making the vault to an erasure that is still owed."""
    clock = (sample.FIRST + step * 60_000_000_000 + step for step in count())
    log = home.create(
        HOME, sample.PASSPHRASE, FOLDER / "recovery.txt", stretch=STRETCH, clock=clock.__next__
    )
    vault = Vault(log)
    vault.name_owner(["Mara Flint", "mara@lighthouse.example"], frozenset())
    sample.said(vault)
    chat = [sample.message(number, f"Message number {number}.") for number in range(8)]
    unread = [Bad(locator="chat.txt#99", reason="No time."), sample.message(50, "denied")]
    sample.collect(vault, [*chat[:6], *unread, sample.MAIL], "exports/first")
    # Read again: one is the same, one was edited, two are new, and one is of another kind.
    edited = sample.message(1, "Message number 1, edited.")
    sample.collect(vault, [chat[0], edited, *chat[6:], sample.NOTE], "exports/second")
    ids = sample.ids(log)
    sample.the_rest(vault, ids["message 2"])
    devices(vault)
    home.delegate(HOME, log)
    collector = home.open_unattended(HOME, clock=clock.__next__)
    unattended = [sample.message(n, f"Collected while locked, {n}.") for n in range(20, 24)]
    sample.collect(Vault(collector), unattended, "exports/third")
    collector.close()
    ids = sample.ids(log)
    # An item with its revision; the only key of its page, so that the page goes; one that
    # was sealed to the owner.
    vault.erase([ids["message 1"]], (sample.ALIAS,))
    vault.erase([ids["ideas/lamp.md"], ids["message 21"]], ())
    papers(log, ids["message 1"])
    # Recorded and not carried out, as after a crash between the two.
    owed = ItemErased(item_ids=(ids["message 3"],), masked=(sample.FIRST_ALIAS,))
    vault.record(owed)
    return log


def described(log: SealedLog) -> dict:
    """What the vault holds, in the words of the release that wrote it."""
    entries = sample.entries(log)
    owed = entries[-1].event.item_ids
    feed = {"feed": log.feed.hex(), "public_key": log.public_key.hex()}
    feed |= {"most": (1 << 63) - 1, "size": log.head.size, "root": log.head.root.hex()}
    return {
        "format": 1,
        "release": "0.1.0",
        "vault": json.loads((HOME / "vault.json").read_text())["vault"],
        "feeds": [feed],
        "root": log.head.root.hex(),
        "pages": [page.position for page in log.pages()],
        "entries": [
            {
                "position": entry.position,
                "id": entry.id,
                "topic": entry.topic,
                "time": found.header.time,
                "erased": "owed" if entry.id in owed else entry.erased,
                "event": msgspec.json.decode(msgspec.json.encode(entry.event)),
            }
            for entry in entries
            for found in log.located([entry.id])
        ],
    }


def main() -> None:
    sample.clear(FOLDER)
    log = live()
    content = described(log)
    log.close()
    sample.tidy(HOME)
    sample.write(FOLDER, content)


if __name__ == "__main__":
    main()
