"""Integrity from the pages: verifying, checkpoints, proofs made and checked."""

import shutil

import pytest

from tests.helpers import PASSPHRASE
from tests.pages.test_telling import wait


@pytest.fixture
def kept(site, chat):
    """A vault with one small chat, and the id of one of its items."""
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    return site


def item_of(site, words="soup"):
    with site.client.app.state.keeper.changing() as twin:
        twin.catch_up()
        return next(one.id for one in twin.views.timeline.everything() if words in one.item.text)


def sent(site, path, content, name="kept", **fields):
    return site.client.post(path, files={name: ("any.txt", content)}, data=fields)


def checkpoint(site):
    told = site.get("/integrity/checkpoint")
    assert told.headers["content-disposition"].startswith("attachment")
    assert told.headers["content-type"] == "application/octet-stream"
    return told.content


def test_verifying_finds_a_sound_log_sound(kept):
    assert "Not verified" in kept.get("/integrity").text
    at = kept.post("/integrity/verify").headers["location"]
    wait(kept.client.app.state.jobs.get(at.rpartition("/")[2]))
    assert kept.get(at).headers["location"] == "/integrity"
    told = kept.get("/integrity").text
    assert "Sound" in told
    assert "are as they were signed" in told


def test_verifying_finds_what_was_changed(kept):
    kept.post("/lock")
    with (kept.command.home / "log.db").open("r+b") as file:
        content = file.read()
        at = content.rindex(b"checkpoint/1")
        file.seek(at)
        file.write(b"checkpoint/9")
    told = kept.post("/unlock", {"passphrase": PASSPHRASE})
    if told.status_code == 303:
        kept.post("/integrity/verify")
        wait(kept.client.app.state.jobs.get("1"))
        told = kept.get("/jobs/1", follow_redirects=True)
    assert "Sound" not in told.text
    assert told.text.count("alert bad") >= 1


def test_asking_twice_verifies_once(kept):
    first = kept.post("/integrity/verify").headers["location"]
    assert kept.post("/integrity/verify").headers["location"] in {first, "/jobs/2"}
    assert kept.post("/integrity/verify", {"against": "https://example.org"}).status_code == 400


def test_a_checkpoint_that_was_kept_is_still_in_the_log(kept, chat):
    before = checkpoint(kept)
    chat.write_text(chat.read_text() + "\n04/02/2023, 09:00 - Priya Nair: The boat is late.\n")
    kept.command.ok("add", str(chat), "--me", "Ada Quill")
    assert checkpoint(kept) != before
    assert "The log only grew" in sent(kept, "/integrity/compare", before).text
    proof = sent(kept, "/integrity/grown", before)
    assert proof.headers["content-disposition"].endswith('.tlog-consistency"')
    told = sent(kept, "/integrity/check", proof.content, "proof").text
    assert "The proof holds" in told
    assert "stands unchanged" in told


def test_a_log_that_lost_its_end_is_not_the_one_that_was_kept(kept, tmp_path, chat):
    home = kept.command.home
    kept.post("/lock")
    shutil.copytree(home, tmp_path / "older")
    kept.unlock()
    chat.write_text(chat.read_text() + "\n04/02/2023, 09:00 - Priya Nair: The boat is late.\n")
    kept.command.ok("add", str(chat), "--me", "Ada Quill")
    later = checkpoint(kept)
    kept.post("/lock")
    shutil.rmtree(home)
    shutil.copytree(tmp_path / "older", home)
    kept.unlock()
    told = sent(kept, "/integrity/compare", later)
    assert "not the one you kept" in told.text
    assert str(home) not in told.text


@pytest.mark.parametrize("content", [b"no checkpoint at all", b"\x00\xff" * 50, b""])
def test_what_is_no_checkpoint_is_said_to_be_none(kept, content):
    for path in ("/integrity/compare", "/integrity/grown"):
        told = sent(kept, path, content)
        assert told.status_code in {404, 500}
        assert "That did not work" in told.text
        assert "clean-" not in told.text
    assert not list(kept.command.home.glob("clean-*"))


def test_an_item_is_proved_without_its_words_or_with_them(kept):
    item = item_of(kept)
    bare = kept.post("/integrity/prove", {"item": item})
    assert bare.headers["content-disposition"] == f'attachment; filename="{item}.tlog-proof"'
    assert b"soup" not in bare.content
    told = sent(kept, "/integrity/check", bare.content, "proof").text
    assert "The proof holds" in told
    assert "not part of this proof" in told
    shown = kept.post("/integrity/prove", {"item": item, "reveal": "true"})
    assert "soup" in sent(kept, "/integrity/check", shown.content, "proof").text


def test_older_words_are_shown_only_when_that_is_wanted(kept):
    item = item_of(kept)
    kept.command.ok("correct", item, text="something else")
    asked = {"item": item, "reveal": "true"}
    assert "was corrected since" in kept.post("/integrity/prove", asked).text
    assert kept.post("/integrity/prove", asked | {"older": "true"}).status_code == 200


def test_a_proof_that_was_changed_does_not_hold(kept):
    proof = kept.post("/integrity/prove", {"item": item_of(kept)}).content
    for changed in (proof[:-9], proof.replace(b"A", b"B", 1), b"", b"hello"):
        told = sent(kept, "/integrity/check", changed, "proof")
        assert "The proof holds" not in told.text
        assert "That did not work" in told.text


def test_a_proof_is_checked_against_the_owner_that_is_known(kept):
    proof = kept.post("/integrity/prove", {"item": item_of(kept)}).content
    with kept.client.app.state.keeper.looking() as twin:
        owner = twin.log.owner_public.hex(" ", 2)
    told = sent(kept, "/integrity/check", proof, "proof", owner=owner).text
    assert "The owner you named" in told
    other = sent(kept, "/integrity/check", proof, "proof", owner="00" * 32).text
    assert "of another owner" in other
    assert "64 hexadecimal" in sent(kept, "/integrity/check", proof, "proof", owner="me").text


def test_what_cannot_be_proved_is_said(kept):
    told = kept.post("/integrity/prove", {"item": "nothing"})
    assert told.status_code == 404
    assert "That did not work" in told.text
    assert kept.post("/integrity/prove").status_code == 400


def test_words_in_a_proof_are_text_and_nothing_else(kept, tmp_path):
    note = tmp_path / "WhatsApp Chat with Eve.txt"
    note.write_text("01/03/2023, 10:01 - Eve: <img src=x onerror=alert(1)> hello\n")
    kept.command.ok("add", str(note), "--me", "Ada Quill")
    item = item_of(kept, "onerror")
    shown = kept.post("/integrity/prove", {"item": item, "reveal": "true"})
    told = sent(kept, "/integrity/check", shown.content, "proof").text
    assert "<img src=x" not in told
    assert "&lt;img src=x" in told
