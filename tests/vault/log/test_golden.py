"""Vaults that earlier releases wrote are opened, read, verified and carried on by this one."""

import base64
import json
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from logkit import drafts, recovery_key
from msgspec import structs

from tests import second_reader
from vault import application, points
from vault.errors import ForeignVault, NotFound, VaultError
from vault.events import ItemCollected, ItemErased, ItemRevised
from vault.log import home, rotation
from vault.log.sealed import Draft, SealedLog

GOLDEN = Path(__file__).parents[2] / "golden"
FORMATS = sorted(path.parent.name for path in GOLDEN.glob("*/expected.json"))
WITHOUT_TAGS = {"item": {"tags": []}}
WITHOUT_ITEMS = {"manifest": {"items": 0, "items_root": ""}}
ADDED = {
    "item.collected/1": WITHOUT_TAGS,
    "item.revised/1": WITHOUT_TAGS,
    "item.erased/1": {"cause": "asked"},
    "import.finished/1": {"path": "", "asked": "", "retried": ""},
    "device.revoked/1": {"size": 0},
    "model.trained/1": WITHOUT_ITEMS,
    "model.retrained/1": WITHOUT_ITEMS,
}
"""What this release adds to events that earlier ones wrote, beside what stands there."""


class Golden:
    """A copy of a golden vault, and what its release said of it."""

    def __init__(self, name: str, folder: Path) -> None:
        source = GOLDEN / name
        shutil.copytree(source / "vault", folder / "home")
        shutil.copyfile(source / "recovery.txt", folder / "recovery.txt")
        for inner in ("views", "models"):  # git keeps no empty folders
            (folder / "home" / inner).mkdir(exist_ok=True)
        self.folder = folder
        self.home = folder / "home"
        self.expected = json.loads((source / "expected.json").read_text("utf-8"))
        self.passphrase = (source / "passphrase.txt").read_text("utf-8").removesuffix("\n")

    def open(self, secret: str = "") -> SealedLog:
        return home.open_(self.home, secret or self.passphrase)

    def check(self, log: SealedLog, *, appended: int = 0) -> None:
        """Everything is there as it was, in its order, and nothing else."""
        entries = [entry for page in log.pages() for entry in page.entries]
        assert [e.id for e in entries[: len(entries) - appended]] == [
            e["id"] for e in self.expected["entries"]
        ]
        for entry, expected in zip(entries, self.expected["entries"], strict=False):
            assert entry.topic == expected["topic"]
            assert (entry.at.timestamp() * 10**6) == expected["time"] // 1000
            assert entry.position == expected["position"]
            assert entry.erased == bool(expected["erased"])
            if not entry.erased:
                # As merged order tells it, where that differs from what stands there.
                event = today(entry.topic, expected.get("told", expected["event"]))
                assert in_json(entry.event) == event
        if not appended:
            assert log.head.root.hex() == self.expected["root"]
        assert log.verify().problems == ()


def today(topic, said):
    """What this release makes of an event."""
    said = said | {
        name: said[name] | more if isinstance(more, dict) else more
        for name, more in ADDED.get(topic, {}).items()
    }
    if topic == "import.finished/1":
        said["sources"] = [[name, 0] for name in said.pop("source").split(", ")]
    return said


def in_json(event):
    return msgspec.json.decode(msgspec.json.encode(event))


@pytest.fixture(params=FORMATS)
def golden(request, tmp_path):
    (tmp_path / "golden").mkdir()
    return Golden(request.param, tmp_path / "golden")


def test_every_entry_reads_as_it_did(golden):
    log = golden.open()
    golden.check(log)
    log.close()


def test_the_recovery_page_opens_it_too(golden):
    log = golden.open(recovery_key(golden.folder))
    golden.check(log)
    log.close()


def test_it_is_opened_again_and_again(golden):
    for _ in range(3):
        log = golden.open()
        golden.check(log)
        log.close()
    assert json.loads((golden.home / "vault.json").read_text())["format"] == 2


def test_a_wrong_passphrase_changes_nothing(golden):
    before = {path: path.read_bytes() for path in golden.home.rglob("*") if path.is_file()}
    with pytest.raises(VaultError):
        golden.open("another")
    assert before == {path: path.read_bytes() for path in golden.home.rglob("*") if path.is_file()}


def test_it_is_carried_on(golden):
    log = golden.open()
    appended = log.append(drafts(0, 3))
    known = log.known([(draft.natural_key, draft.content) for draft in drafts(0, 3)])
    assert [one.id for one in known] == list(appended)
    log.append([Draft(event=ItemErased(item_ids=(appended[0],)))])
    assert log.erase([appended[0]]) == 1
    golden.check(log, appended=4)
    log.close()


def test_what_was_collected_before_is_known(golden):
    """The keys that blind tags are the same for ever: reading again doubles nothing."""
    log = golden.open()
    collected = [
        entry["event"]["item"]
        for entry in golden.expected["entries"]
        if entry["topic"] == "item.collected/1" and entry["event"]
    ]
    keys = [f"{item['source']}\x1f{item['native_id']}".encode() for item in collected]
    assert len(keys) > 5
    assert all(log.known([(key, b"") for key in keys]))
    assert log.known([(b"never", b"")]) == [None]
    # Nor does it make another key for a conversation that has one.
    scopes = log.keys.store.scope_ids()
    log.append([replace(drafts(0, 1)[0], scope="whatsapp\x1fWhatsApp Chat with Bex Stone")])
    assert log.keys.store.scope_ids() == scopes
    log.close()


def test_what_was_collected_before_is_read_again_as_the_same(golden):
    """Items have got tags since; one without any is known by what it was known by then."""
    log = golden.open()
    items = [
        entry.event.item
        for page in log.pages()
        for entry in page.entries
        if isinstance(entry.event, ItemCollected | ItemRevised)
    ]
    newest = {
        (item.source, item.native_id): structs.replace(item, locator="moved") for item in items
    }
    before = log.head
    read_again(log, newest.values(), collected=0)
    assert log.head == before
    tagged = [structs.replace(item, tags=("Inbox",)) for item in newest.values()]
    read_again(log, tagged, collected=len(tagged))
    read_again(log, tagged, collected=0)
    log.close()


def read_again(log, items, *, collected):
    reading = application._Reading(log, lambda _: True, lambda _: None, dry_run=False)
    for item in items:
        reading.take(item)
    reading.flush()
    assert reading.imported().collected == collected


def test_a_collector_of_this_format_goes_on_and_one_of_an_earlier_is_allowed_anew(golden):
    assert (golden.home / "collector.json").exists()
    if golden.expected["format"] == 1:
        with pytest.raises(ForeignVault, match="unlock it once"):
            home.open_unattended(golden.home)
        golden.open().close()
        with pytest.raises(NotFound):
            home.open_unattended(golden.home)
        return
    collector = home.open_unattended(golden.home)
    [written] = collector.append(drafts(0, 1))
    collector.close()
    log = golden.open()
    assert log.entry(written).event == drafts(0, 1)[0].event
    log.close()


def test_papers_are_still_signed_by_a_device_of_the_vault(golden):
    devices = {feed["public_key"] for feed in golden.expected["feeds"]}
    papers = sorted((golden.home / "papers").iterdir())
    assert papers
    for path in papers:
        paper = json.loads(path.read_text("utf-8"))
        assert paper["public_key"] in devices
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(paper["public_key"]))
        text = b"twinvault/signed/1\n" + paper["paper"].encode()
        key.verify(base64.b64decode(paper["signature"]), text)


def test_keys_are_rotated(golden):
    log = golden.open()
    rotation.rotate_scopes(log)
    log.close()
    rotation.rotate_owner_key(
        golden.home, golden.passphrase, "another", golden.folder / "second.txt"
    )
    rotation.rotate_device_key(golden.home, "another")
    with pytest.raises(VaultError):
        golden.open()
    log = golden.open("another")
    golden.check(log, appended=4)
    log.close()


def test_an_owed_erasure_is_carried_out(golden):
    owed = [e["id"] for e in golden.expected["entries"] if e["erased"] == "owed"]
    assert owed
    golden.open().close()
    with closing(sqlite3.connect(golden.home / "log.db")) as database:
        rows = database.execute("SELECT type, length(data) FROM event").fetchall()
    assert sum(1 for topic, size in rows if size == 70 + len(topic) + 32) == sum(
        1 for e in golden.expected["entries"] if e["erased"]
    )


def dying_at(number: int):
    """A point that kills its process when it is reached for so many times and once."""
    reached = []

    def at(name: str) -> None:
        reached.append(name)
        if len(reached) > number:
            os.kill(os.getpid(), signal.SIGKILL)

    return at


def test_killed_anywhere_while_it_is_brought_up_to_date_it_opens(golden, tmp_path, monkeypatch):
    names: list[str] = []
    shutil.copytree(golden.folder, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(points, "reached", names.append)
        home.open_(tmp_path / "whole" / "home", golden.passphrase).close()
    if golden.expected["format"] == 1:
        assert {"keys.upgraded", "upgrade.indexed", "identity.replaced"} <= set(names)
    for number, name in enumerate(names):
        place = tmp_path / str(number)
        shutil.copytree(golden.folder, place)
        child = os.fork()
        if not child:
            points.reached = dying_at(number)
            home.open_(place / "home", golden.passphrase)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, name
        log = home.open_(place / "home", golden.passphrase)
        golden.check(log)
        log.append(drafts(0, 1))
        log.close()


def test_a_second_reader_reads_the_same_from_the_documents_alone(golden):
    found = second_reader.read(golden.home, golden.passphrase)
    assert (found["vault"], found["feeds"]) == (golden.expected["vault"], golden.expected["feeds"])
    for one, expected in zip(found["entries"], golden.expected["entries"], strict=True):
        assert [one[name] for name in ("id", "topic", "time")] == [
            expected[name] for name in ("id", "topic", "time")
        ]
        for way in ("event", "told"):
            said = expected.get(way, expected["event"])
            assert in_json(one[way]) == (said and today(one["topic"], said))


def test_a_second_reader_reads_what_this_release_makes_of_it(golden):
    log = golden.open()
    log.append(drafts(0, 3))
    rotation.rotate_scopes(log)
    log.close()
    new = golden.folder / "second.txt"
    rotation.rotate_owner_key(golden.home, golden.passphrase, "another", new)
    rotation.rotate_device_key(golden.home, "another")
    log = home.open_(golden.home, "another")
    entries = [entry for page in log.pages() for entry in page.entries]
    log.close()
    for secret in ("another", new.read_text()):
        found = second_reader.read(golden.home, secret)
        assert [e["id"] for e in found["entries"]] == [e.id for e in entries]
        for one, entry in zip(found["entries"], entries, strict=True):
            assert one["erased"] == entry.erased
            assert in_json(one["told"]) == in_json(entry.event)
