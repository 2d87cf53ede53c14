"""Proving to others, and being checked by who remembers, as scripts type it."""

import base64
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import Command

WORDS = "leeks and a secret about Priya"


@dataclass
class Filled(Command):
    """The command on a vault with three notes; `items` are their ids."""

    items: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A vault with three notes that may be searched, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("prepared")
    notes = folder / "obsidian"
    (notes / ".obsidian").mkdir(parents=True)
    for name in ("one", "two", "three"):
        (notes / f"{name}.md").write_text(f"{WORDS} {name}")
    vault = Filled.in_folder(folder)
    vault.ok("init")
    vault.ok("add", str(notes))
    vault.ok("consent", "allow", "document", "search")
    hits = vault.ok("search", "secret")["hits"]
    vault.items = tuple(sorted(hit["id"] for hit in hits))
    assert len(vault.items) == 3
    return vault


@pytest.fixture
def filled(prepared, tmp_path):
    """A copy of that vault."""
    folder = tmp_path / "filled"
    shutil.copytree(prepared.cwd, folder)
    copy = Filled.in_folder(folder)
    copy.items = prepared.items
    return copy


@pytest.fixture
def stranger(tmp_path):
    """The command without a vault, a passphrase or anything else of the owner's."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    other = Command.in_folder(folder)
    other.passphrase_file.unlink()
    return other


def flipped(path: Path, at: int) -> Path:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    changed = path.with_name("changed")
    changed.write_bytes(data)
    return changed


def test_a_proof_is_checked_by_a_stranger_who_learns_no_word(filled, stranger):
    item = filled.items[0]
    written = filled.ok("prove", item)
    out = Path(written["out"])
    assert out == filled.cwd / f"{item}.tlog-proof"
    assert out.stat().st_mode & 0o077 == 0
    proved = stranger.ok("verify-proof", str(out))
    assert proved == written["proved"]
    assert (proved["proves"], proved["entry"], proved["topic"]) == (
        "entry",
        item,
        "item.collected/2",
    )
    assert (proved["shown"], proved["event"]) == (False, None)
    assert proved["at"] <= proved["tree"]["at"]
    extra = base64.b64decode(out.read_bytes().split(b"\n")[1][6:])
    assert WORDS.encode() not in out.read_bytes() + extra
    told = stranger("verify-proof", str(out)).out
    assert "not part of this proof" in told
    assert WORDS not in told
    assert "Compare the owner's fingerprint" in told


def test_words_are_shown_if_the_owner_says_so(filled, stranger, tmp_path):
    out = tmp_path / "shown"
    filled.ok("prove", filled.items[0], "--reveal", "--out", str(out))
    proved = stranger.ok("verify-proof", str(out))
    assert (proved["shown"], proved["committed"]) == (True, True)
    assert proved["event"]["item"]["text"].startswith(WORDS)
    assert WORDS in stranger("verify-proof", str(out)).out


def test_the_owner_is_named_by_her_fingerprint(filled, stranger):
    out = Path(filled.ok("prove", filled.items[0])["out"])
    owner = stranger.ok("verify-proof", str(out))["owner"]
    assert len(owner.replace(" ", "")) == 64
    for spelling in (owner, owner.replace(" ", ""), owner.upper()):
        assert stranger.ok("verify-proof", str(out), "--owner", spelling)["owner"] == owner
    told = stranger("verify-proof", str(out), "--owner", owner).out
    assert "This is the owner you named" in told
    other = owner[:-1] + ("0" if owner[-1] != "0" else "1")
    error = stranger.refused(6, "verify-proof", str(out), "--owner", other)
    assert error["code"] == "foreign_vault"
    assert "another owner" in error["message"]
    assert owner in error["message"]
    stranger.refused(2, "verify-proof", str(out), "--owner", "nonsense")


def test_a_bad_proof_is_refused_with_the_sentence_that_says_which(filled, stranger, tmp_path):
    out = Path(filled.ok("prove", filled.items[0], "--reveal")["out"])
    data = out.read_bytes()
    bad = tmp_path / "bad"
    for content, word in (
        (data[: len(data) // 2], "cut short"),
        (data[:-1], "cut short"),
        (b"", "cut short"),
        (data.replace(b"@v1\n", b"@v2\n"), "newer"),
        (data.replace(b"\n", b"\r\n"), "line ends"),
        (data + b"\n", "changed"),
        (b"Dear Priya\n", "no proof"),
        (b"\0" * 5000, "no proof"),
    ):
        bad.write_bytes(content)
        assert word in stranger.refused(6, "verify-proof", str(bad))["message"]
    for at in range(0, len(data), len(data) // 3):
        stranger.refused(6, "verify-proof", str(flipped(out, at)))
    stranger.refused(3, "verify-proof", str(tmp_path / "missing"))
    stranger.refused(3, "verify-proof", str(tmp_path))


def test_an_erased_item_is_proved_to_stand_and_shows_no_word(filled, stranger, tmp_path):
    item = filled.items[1]
    before = tmp_path / "before"
    filled.ok("prove", item, "--out", str(before))
    filled.ok("forget", "--item", item, "--yes")
    error = filled.refused(3, "prove", item, "--reveal")
    assert error["code"] == "erased"
    out = filled.ok("prove", item)["out"]
    proved = stranger.ok("verify-proof", out)
    assert (proved["entry"], proved["shown"]) == (item, False)
    assert stranger.ok("verify-proof", str(before))["entry"] == item


def test_what_cannot_be_proved_is_refused_and_nothing_is_written(filled, tmp_path):
    files = set(filled.cwd.iterdir())
    filled.refused(3, "prove", "no-such-entry")
    filled.refused(3, "prove", filled.items[0].rpartition("-")[0] + "-999")
    filled.refused(2, "prove")
    filled.refused(2, "prove", filled.items[0], "--since", "x")
    filled.refused(2, "prove", "--since", "x", "--reveal")
    filled.refused(3, "prove", "--since", str(tmp_path / "missing"))
    assert set(filled.cwd.iterdir()) == files
    out = Path(filled.ok("prove", filled.items[0])["out"])
    before = out.read_bytes()
    assert filled.refused(1, "prove", filled.items[0])["code"] == "exists"
    assert out.read_bytes() == before


def test_that_the_log_only_grew_is_proved_from_a_checkpoint_on_paper(filled, stranger, tmp_path):
    kept = tmp_path / "on paper"
    kept.write_text(filled("checkpoint").out)
    older = filled.ok("checkpoint")
    assert older["note"] == kept.read_text()
    filled.ok("me", "Ada Quill")
    written = filled.ok("prove", "--since", str(kept))
    assert Path(written["out"]).name == "on paper.tlog-consistency"
    proved = stranger.ok("verify-proof", written["out"])
    assert proved["proves"] == "growth"
    assert proved["older"] == older["tree"]
    assert proved["tree"] == filled.ok("checkpoint")["tree"]
    assert proved["tree"]["size"] == proved["older"]["size"] + 1
    assert "stands unchanged" in stranger("verify-proof", written["out"]).out
    data = Path(written["out"]).read_bytes()
    for at in range(0, len(data), len(data) // 3):
        stranger.refused(6, "verify-proof", str(flipped(Path(written["out"]), at)))


def test_a_kept_checkpoint_is_replaced_by_newer_ones_only(filled, tmp_path):
    kept = tmp_path / "kept"
    first = filled.ok("checkpoint", "--out", str(kept))
    assert kept.read_text() == first["note"]
    assert first["out"] == str(kept)
    filled.ok("me", "Ada Quill")
    assert filled.ok("checkpoint", "--out", str(kept))["tree"]["size"] == first["tree"]["size"] + 1
    assert kept.read_text() != first["note"]


def test_witnesses_notice_what_a_copy_of_the_whole_folder_hides(filled, tmp_path):
    older = tmp_path / "older"
    shutil.copytree(filled.home, older)
    filled.ok("me", "Ada Quill")
    kept, proof = tmp_path / "kept", tmp_path / "proof"
    filled.ok("checkpoint", "--out", str(kept))
    filled.ok("prove", filled.items[0], "--out", str(proof))
    newer = tmp_path / "newer"
    filled.home.rename(newer)
    older.rename(filled.home)
    filled.ok("verify")
    for witness in (kept, proof, newer):
        report = filled("verify", "--json", "--against", str(witness))
        assert report.status == 6
        [problem] = report.json["problems"]
        assert str(witness) in problem
        assert "its end is missing" in problem
    for command in (["checkpoint", "--out", str(kept)], ["prove", "--since", str(kept)]):
        assert "its end is missing" in filled.refused(6, *command)["message"]
    # The older copy goes its own way: now it is a fork, whichever is longer.
    for name in ("Ada", "Quill", "A. Quill"):
        filled.ok("me", name)
    for witness in (kept, proof, newer):
        report = filled("verify", "--json", "--against", str(witness))
        assert "written twice" in report.json["problems"][0]
    assert "written twice" in filled.refused(6, "checkpoint", "--out", str(kept))["message"]


def test_a_witness_of_the_same_log_has_nothing_to_say(filled, tmp_path):
    kept = tmp_path / "kept"
    filled.ok("checkpoint", "--out", str(kept))
    filled.ok("me", "Ada Quill")
    done = filled("verify", "--against", str(kept))
    assert done.status == 0
    assert f"All that {kept} knows is in this log." in done.out
    assert filled.ok("verify", "--against", str(filled.home))["problems"] == []
    filled.refused(3, "verify", "--against", str(tmp_path / "missing"))
    filled.refused(3, "verify", "--against", str(tmp_path))


def test_checkpoints_of_another_vault_are_refused(filled, tmp_path):
    (tmp_path / "other").mkdir()
    other = Command.in_folder(tmp_path / "other")
    other.ok("init")
    kept = tmp_path / "kept"
    other.ok("checkpoint", "--out", str(kept))
    before = kept.read_bytes()
    filled.refused(6, "verify", "--against", str(kept))
    filled.refused(6, "verify", "--against", str(other.home))
    filled.refused(6, "prove", "--since", str(kept))
    filled.refused(2, "checkpoint", "--out", str(kept))
    assert kept.read_bytes() == before


def test_words_of_strangers_do_not_steer_the_terminal(filled, stranger, tmp_path):
    note = tmp_path / "note.md"
    note.write_text("hostile \x1b[31mred\x1b[0m \u202eback\nnext\tline")
    filled.ok("add", str(note))
    [hit] = filled.ok("search", "hostile")["hits"]
    out = filled.ok("prove", hit["id"], "--reveal")["out"]
    told = stranger("verify-proof", out).out
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "next\tline" in told


def test_any_entry_can_be_proved_a_permission_as_well(filled, stranger):
    feed = filled.items[0].rpartition("-")[0]
    newest = filled.ok("checkpoint")["tree"]["size"] - 1
    out = filled.ok("prove", f"{feed}-{newest}", "--reveal")["out"]
    proved = stranger.ok("verify-proof", out)
    assert proved["topic"] == "consent.given/1"
    assert proved["event"]["statement"]["purpose"] == "search"
    assert json.loads(stranger("verify-proof", out).out.partition("\n\n")[2]) == proved["event"]


def test_words_that_were_corrected_since_are_shown_only_when_the_owner_says_so(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "search")
    [hit] = vault.ok("search", "wet")["hits"][:1]
    vault.ok("correct", hit["id"], text="something else\n")
    refused = vault.refused(2, "prove", hit["id"], "--reveal", "--out", "words.tlog-proof")
    assert "--yes" in refused["message"]
    assert not (vault.cwd / "words.tlog-proof").exists()
    vault.ok("prove", hit["id"], "--out", "bare.tlog-proof")
    vault.ok("prove", hit["id"], "--reveal", "--yes", "--out", "words.tlog-proof")


def test_an_edited_proof_is_no_witness(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "search")
    [hit] = vault.ok("search", "wet")["hits"][:1]
    vault.ok("prove", hit["id"], "--out", "one.tlog-proof")
    vault.ok("verify", "--against", "one.tlog-proof")
    proof = vault.cwd / "one.tlog-proof"
    lines = proof.read_text().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.startswith("index ")) + 1
    lines[at] = ("A" if lines[at][0] != "A" else "B") + lines[at][1:]
    proof.write_text("".join(lines))
    vault.refused(6, "verify", "--against", "one.tlog-proof")
