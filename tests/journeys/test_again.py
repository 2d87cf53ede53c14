"""What was not readable is kept to be tried again, and what was signed can be checked by others."""

import base64
import json
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature

from console import bootstrap
from tests.helpers import PASSPHRASE
from vault.events import ImportFinished, ModelRetrained, ModelTrained


@pytest.fixture
def log(vault):
    """The log of a vault, opened when it is asked for."""
    opened = []

    def open_():
        opened.append(bootstrap.open_(vault.home, PASSPHRASE))
        return opened[-1].log

    yield open_
    for one in opened:
        one.close()


def events(log, kind):
    found = (entry.event for page in log.pages() for entry in page.entries)
    return [event for event in found if isinstance(event, kind)]


def test_a_bad_record_is_counted_located_in_the_log_and_read_when_it_is_mended(
    vault, tmp_path, log
):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "good.md").write_text("a walk to the slip")
    (notes / "torn.md").write_bytes(bytes(range(256)) * 40)
    first = vault.ok("add", str(notes), "--source", "markdown", "--me", "Ada Quill")
    assert (first["read"], first["collected"], len(first["bad"])) == (2, 1, 1)
    assert "torn.md" in first["bad"][0]["locator"]
    assert first["bad"][0]["reason"]
    (notes / "torn.md").write_text("six leeks, and patience")
    again = vault.ok("add", str(notes), "--source", "markdown")
    assert (again["collected"], again["duplicates"], again["bad"]) == (1, 1, [])
    said, _ = events(log(), ImportFinished)
    assert sum(count for _, count in said.bad_reasons) == 1
    assert [bad.locator for bad in said.bad] == [first["bad"][0]["locator"]]


def test_manifests_receipts_and_certificates_verify_under_the_devices_key(
    vault, many_chats, toy, log
):
    vault.ok("add", str(many_chats()), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    vault.ok("train", "--recipe", str(toy))
    papers = [
        vault.ok("withdraw", "message", "train", "--conversation", "Ned Marlow")["receipt"],
        vault.ok("forget", "--person", "Bex Stone", "--yes")["certificate"],
    ]
    vault.ok("retrain")
    opened = log()
    key = opened.keys.device.public_key()
    models = events(opened, ModelTrained | ModelRetrained)
    assert len(models) == 2
    signed = [
        (one.signature, msgspec.json.encode(one.manifest, order="deterministic")) for one in models
    ]
    for path in papers:
        paper = json.loads(Path(path).read_text())
        signed.append((base64.b64decode(paper["signature"]), paper["paper"].encode()))
    for signature, text in signed:
        key.verify(signature, b"twinvault/signed/1\n" + text)
        with pytest.raises(InvalidSignature):
            key.verify(signature, b"twinvault/signed/1\n" + text.replace(b"1", b"2", 1))
