"""Leaving with everything: the portable copy, and a fresh vault that is made from it."""

import json
import re
import shutil
import signal
import stat
import subprocess
import sys
from datetime import timedelta

import pytest

from console import bootstrap
from tests.helpers import CHAT, PASSPHRASE, TOY, Command, write_chats
from vault.consent import Purpose

SMALL_FILES = "import vault.collectors.portable as portable; portable.ITEMS_IN_FILE = 3\n"
RECORD = """
import pathlib
from vault import points
points.reached = lambda name: pathlib.Path('points').open('a').write(name + chr(10))
"""
KILL = """
import os, signal
from vault import points
seen = []
def reached(name):
    seen.append(name)
    if seen.count({name!r}) == {times}:
        os.kill(os.getpid(), signal.{signal})
points.reached = reached
"""
MAIL = """\
From ada@example.org Thu Jan  5 10:00:00 2023
From: Ada Quill <ada@example.org>
To: Tomasz Brzeski <tomasz@example.org>
Date: Thu, 05 Jan 2023 10:00:00 +0100
Message-ID: <1@example.org>
Subject: rye

The starter is awake.

From tomasz@example.org Fri Jan  6 10:00:00 2023
From: tomasz@example.org
To: ada@example.org
Date: Fri, 06 Jan 2023 10:00:00 +0100
Message-ID: <2@example.org>
In-Reply-To: <1@example.org>
Subject: Re: rye

Feed it xylophone twice.

> The starter is awake.
"""


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A vault in which everything was said and done that a copy has to carry."""
    vault = Command.in_folder(tmp_path_factory.mktemp("lived"))
    chat = vault.cwd / "WhatsApp Chat with Priya Nair.txt"
    chat.write_text(CHAT)
    (vault.cwd / "mail.mbox").write_text(MAIL)
    notes = vault.cwd / "notes"
    notes.mkdir()
    (notes / "2024-01-05.md").write_text("Rain, and a quetzal on the sill.")
    (notes / "soup.md").write_text("Six leeks.")
    vault.ok("init")
    for path in (chat, vault.cwd / "mail.mbox", notes):
        vault.ok("add", str(path), "--me", "Ada Quill", "--me", "ada@example.org")
    (notes / "soup.md").write_text("Seven leeks, in the end.")
    vault.ok("add", str(notes))
    say = (
        "consent allow message search",
        "consent allow document search",
        "consent allow document train --redact strict --expires 2099-01-01",
        "consent allow message train --until 2023-02-03",
        "consent allow message.chat.direct.received train --source whatsapp",
        "consent allow message.email.received train",
        "consent deny message share",
        "consent allow document share --recipient bank",
        "withdraw message train --conversation Priya\u00a0Nair",
        "pause document.journal",
        "retention document 36500",
    )
    for words in say:
        vault.ok(*(word.replace("\u00a0", " ") for word in words.split(" ")))
    # That the address is Tomasz' is known from the first mail alone, which is erased.
    vault.ok("consent", "deny", "message.email", "train", "--person", "Tomasz Brzeski")
    starter = item(vault, "awake", "message.email.sent")
    vault.ok("forget", "--item", starter, "--yes")
    vault.ok("correct", item(vault, "leeks", "document.note"), text="Eight leeks.\n")
    vault.ok("correct", item(vault, "leeks", "document.note"), text="Nine leeks.\n")
    return vault


def item(vault, word, data_type):
    [found] = [h["id"] for h in vault.ok("search", word)["hits"] if h["type"] == data_type]
    return found


@pytest.fixture(scope="module")
def copy(lived, tmp_path_factory):
    """Its portable copy."""
    out = tmp_path_factory.mktemp("copy") / "out"
    lived.ok("export", str(out), before=SMALL_FILES)
    return out


@pytest.fixture(scope="module")
def fresh(copy, tmp_path_factory):
    """A vault that was made from the copy."""
    vault = Command.in_folder(tmp_path_factory.mktemp("fresh"))
    vault.ok("init")
    vault.ok("add", str(copy))
    vault.ok("consent", "restore", str(copy), "--yes")
    return vault


def duplicate(vault, folder):
    made = Command.in_folder(folder)
    shutil.copytree(vault.home, made.home)
    return made


def lines(folder, name="items-*.jsonl"):
    return [
        json.loads(line)
        for path in sorted(folder.glob(name))
        for line in path.read_text("utf-8").splitlines()
    ]


def without(record, *names):
    return {key: value for key, value in record.items() if key not in names}


def portable(folder):
    return [without(line, "id", "entry", "collected") for line in lines(folder)]


# ---------------------------------------------------------------- what a copy holds


def test_a_copy_holds_every_item_as_it_was_collected(lived, copy):
    found = lines(copy)
    assert len(found) == lived.ok("status")["items"] == 11
    assert [line["content"] for line in found if line["dataType"] == "document.note"] == [
        "Seven leeks, in the end."
    ]
    manifest = json.loads((copy / "manifest.json").read_text())
    assert manifest["counts"] | {"papers": 0} == {
        "items": 11,
        "corrections": 2,
        "statements": len(lines(copy, "statements.jsonl")),
        "models": 0,
        "papers": 0,
    }
    assert [path.name for path in sorted(copy.glob("items-*"))] == [
        f"items-{n:05d}.jsonl" for n in (1, 2, 3, 4)
    ]


def test_corrections_stand_beside_the_words_they_replace(copy):
    made = lines(copy, "corrections.jsonl")
    assert [one["object"]["content"] for one in made] == ["Eight leeks.", "Nine leeks."]
    [note] = [line for line in lines(copy) if line["dataType"] == "document.note"]
    assert {one["object"]["id"] for one in made} == {note["id"]}
    assert note["entry"] != note["id"].rpartition(":")[2]


def test_no_word_of_an_erased_item_is_in_a_copy(copy):
    whole = b"".join(path.read_bytes() for path in copy.rglob("*") if path.is_file())
    assert b"starter is awake" in whole  # where the reply quotes it, which forgetting told
    assert not [line for line in lines(copy) if line["content"].startswith("The starter")]
    assert b"<1@example.org>" not in b"".join(
        json.dumps(without(line, "inReplyTo", "context")).encode() for line in lines(copy)
    )


def test_everything_in_a_copy_is_listed_and_its_owners_alone(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    files = {str(p.relative_to(copy)) for p in copy.rglob("*") if p.is_file()}
    assert files == {one["path"] for one in manifest["files"]} | {"manifest.json"}
    for path in (copy, *copy.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_content_is_in_no_file_name_and_no_talk(lived, tmp_path):
    done = lived("export", str(tmp_path / "out"))
    assert done.status == 0
    assert "readable" in done.err or "can read it" in done.err
    names = "\n".join(str(path) for path in (tmp_path / "out").rglob("*"))
    told = (done.out + done.err + names).replace(str(tmp_path), "")
    for word in ("leeks", "Priya", "quetzal", "soup", "Quill"):
        assert word.casefold() not in told.casefold()


# ---------------------------------------------------------------- and back


def test_a_fresh_vault_exports_the_same_items(copy, fresh, tmp_path):
    fresh.ok("export", str(tmp_path / "again"), before=SMALL_FILES)
    assert portable(tmp_path / "again") == portable(copy)
    for mine in sorted(copy.glob("items-*")):
        changing = rb'"(?:id|entry|collected)":"[^"]*"'
        ours, theirs = mine.read_bytes(), (tmp_path / "again" / mine.name).read_bytes()
        assert re.sub(changing, b"", ours) == re.sub(changing, b"", theirs)
    owners = [
        json.loads((folder / "owner.json").read_text()) for folder in (copy, tmp_path / "again")
    ]
    assert owners[0] == owners[1]
    said = [
        [without(line, "at", "entry") for line in lines(folder, "statements.jsonl")]
        for folder in (copy, tmp_path / "again")
    ]
    assert said[1][-len(said[0]) :] == said[0]
    texts = [
        [line["object"]["content"] for line in lines(folder, "corrections.jsonl")]
        for folder in (copy, tmp_path / "again")
    ]
    assert texts[0] == texts[1]


def decisions(vault):
    """Every decision on every item, by what the source calls it, now and in a hundred years."""
    twin = bootstrap.open_(vault.home, PASSPHRASE)
    try:
        twin.catch_up()
        now = twin.vault.now()
        found = {}
        for stored in twin.views.timeline.everything():
            for purpose in Purpose:
                for recipient in ("", "bank"):
                    for at in (now, now + timedelta(days=36500)):
                        decided = twin.views.permissions.decide(
                            stored.id, purpose, at, recipient=recipient
                        )
                        key = (
                            stored.item.source,
                            stored.item.native_id,
                            purpose,
                            recipient,
                            at > now,
                        )
                        found[key] = (decided.permitted, decided.redact, decided.reason)
        return found, {s.item.native_id: s.item for s in twin.views.timeline.everything()}
    finally:
        twin.close()


def test_a_fresh_vault_decides_the_same_of_every_item_for_every_purpose(lived, fresh):
    (before, items_before), (after, items_after) = decisions(lived), decisions(fresh)
    assert after == before
    assert items_after == items_before
    assert len({permitted for permitted, _, _ in before.values()}) == 2


def test_a_prohibition_holds_for_a_person_who_was_known_from_erased_items_alone(lived, fresh):
    for vault in (lived, fresh):
        found, _ = decisions(vault)
        assert found["mbox", "2@example.org", Purpose.TRAIN, "", False][0] is False


def test_everything_verifies_in_a_fresh_vault(fresh):
    assert fresh.ok("verify")["problems"] == []


def test_adding_a_copy_to_its_own_vault_changes_nothing(lived, copy, tmp_path):
    vault = duplicate(lived, tmp_path)
    added = vault.ok("add", str(copy))
    assert (added["collected"], added["duplicates"], added["bad"]) == (0, 11, [])
    events = vault.ok("status")["events"]
    again = vault.ok("consent", "restore", str(copy), "--yes")
    assert (again["words"], again["names"], again["corrections"]) == ([], [], 0)
    assert again["already"] == len(lines(copy, "statements.jsonl")) + 2
    assert vault.ok("status")["events"] == events


def test_adding_alone_permits_nothing_but_collecting(copy, vault):
    vault.ok("add", str(copy))
    said = vault.ok("consent", "show")["statements"]
    assert {one["purpose"] for one in said} == {"collect"}
    assert {one["filters"]["source"] for one in said} == {"whatsapp", "mbox", "markdown"}
    assert vault.ok("me") == {"names": []}
    assert vault.ok("search", "leeks") == {"hits": []}


def test_what_a_copy_says_is_listed_and_asked_before_it_is_said(copy, vault):
    vault.ok("add", str(copy))
    events = vault.ok("status")["events"]
    done = vault("consent", "restore", str(copy))
    assert done.status == 2
    assert "allow message for search" in done.err
    assert "deny  message.email for train (person tomasz brzeski)" in done.err
    assert "pause document.journal" in done.err
    assert "keep document for 36500 days" in done.err
    assert vault.ok("status")["events"] == events


def test_restoring_twice_says_nothing_twice(fresh, copy, tmp_path):
    vault = duplicate(fresh, tmp_path)
    events = vault.ok("status")["events"]
    assert vault.ok("consent", "restore", str(copy), "--yes")["words"] == []
    assert vault.ok("status")["events"] == events


def test_corrections_of_items_that_are_not_here_are_counted(copy, vault):
    done = vault.ok("consent", "restore", str(copy), "--yes")
    assert (done["corrections"], done["missing"]) == (0, 2)
    vault.ok("add", str(copy))
    again = vault.ok("consent", "restore", str(copy), "--yes")
    assert (again["words"], again["corrections"], again["missing"]) == ([], 2, 0)


@pytest.mark.parametrize("command", [("add",), ("consent", "restore", "--yes")])
@pytest.mark.parametrize("damage", ["changed", "cut off", "unfinished", "newer"])
def test_a_damaged_copy_exits_6_in_one_sentence_and_changes_nothing(
    copy, vault, tmp_path, command, damage
):
    bad = tmp_path / "bad"
    shutil.copytree(copy, bad)
    items, manifest = bad / "items-00002.jsonl", bad / "manifest.json"
    match damage:
        case "changed":
            items.write_bytes(items.read_bytes().replace(b"e", b"a", 1))
        case "cut off":
            items.write_bytes(items.read_bytes()[:-1])
        case "unfinished":
            manifest.unlink()
        case "newer":
            manifest.write_text(manifest.read_text().replace('"version": 2', '"version": 3'))
    before = vault.ok("status")["events"]
    error = vault.refused(6, *command, str(bad))
    assert error["code"] == ("foreign_vault" if damage == "newer" else "integrity")
    assert vault.ok("status")["events"] == before


# ---------------------------------------------------------------- where it may go


def test_a_copy_is_not_put_where_something_else_is(lived, copy, tmp_path):
    assert lived.refused(1, "export", str(copy))["code"] == "exists"
    (tmp_path / "letter.txt").write_text("Dear all")
    assert lived.refused(1, "export", str(tmp_path))["code"] == "exists"
    assert lived.refused(2, "export", str(lived.home / "out"))["code"] == "usage"
    assert not (lived.home / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_an_unfinished_copy_of_another_vault_is_left_alone(lived, vault, tmp_path):
    out = tmp_path / "out"
    killed = lived(
        "export", str(out), before=KILL.format(name="export.saved", times=1, signal="SIGKILL")
    )
    assert killed.status == -signal.SIGKILL
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert vault.refused(6, "export", str(out))["code"] == "foreign_vault"
    assert before == {path: path.read_bytes() for path in out.iterdir()}
    lived.ok("export", str(out))


# ---------------------------------------------------------------- interrupted


def whole(folder):
    """What a copy says, but for when it was written."""
    said = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    manifest = json.loads((folder / "manifest.json").read_text())
    return said, without(manifest, "written", "sha256", "checkpoint", "position")


def test_an_export_survives_a_kill_at_every_point(lived, copy, tmp_path):
    lived.ok("export", str(tmp_path / "rehearsal"), before=SMALL_FILES + RECORD)
    names = (lived.cwd / "points").read_text().split()
    ours = [name for name in names if name.startswith(("export.", "file."))]
    assert {"export.saved", "export.drafted", "export.file", "export.finished"} <= set(ours)
    steps = [(name, 1) for name in dict.fromkeys(ours)] + [("export.file", 4), ("export.saved", 3)]
    for number, (name, times) in enumerate(steps):
        out = tmp_path / f"{number}"
        kill = KILL.format(name=name, times=times, signal="SIGKILL")
        killed = lived("export", str(out), before=SMALL_FILES + kill)
        assert killed.status == -signal.SIGKILL, (name, killed)
        assert lived.ok("export", str(out), before=SMALL_FILES)["items"] == 11, name
        assert whole(out) == whole(copy), name


def test_an_interrupted_export_goes_on_behind_its_whole_files(lived, copy, tmp_path):
    out = tmp_path / "out"
    interrupt = KILL.format(name="export.saved", times=3, signal="SIGINT")
    interrupt += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    error = lived.refused(130, "export", str(out), before=SMALL_FILES + interrupt)
    assert error["code"] == "interrupted"
    assert not list(out.glob("*.new"))
    first = (out / "items-00001.jsonl").stat().st_ino
    lived.ok("export", str(out), before=SMALL_FILES)
    assert (out / "items-00001.jsonl").stat().st_ino == first
    assert whole(out) == whole(copy)


def test_what_is_erased_while_an_export_lies_unfinished_is_not_in_it(lived, tmp_path):
    vault = duplicate(lived, tmp_path)
    out = tmp_path / "out"
    kill = KILL.format(name="export.saved", times=4, signal="SIGKILL")
    assert vault("export", str(out), before=SMALL_FILES + kill).status == -signal.SIGKILL
    assert b"call me on" in b"".join(path.read_bytes() for path in out.iterdir())
    vault.ok("forget", "--item", item(vault, "butter", "message.chat.direct.sent"), "--yes")
    assert vault.ok("export", str(out), before=SMALL_FILES)["items"] == 10
    assert b"call me on" not in b"".join(p.read_bytes() for p in out.iterdir() if p.is_file())


def test_what_is_erased_while_an_export_runs_is_not_in_it(lived, tmp_path):
    vault = duplicate(lived, tmp_path)
    gone = item(vault, "butter", "message.chat.direct.sent")
    erase = f"""
import os, subprocess, sys
from vault import points
def reached(name, done=[]):
    if name == "export.file" and not done and os.path.exists("out/statements.jsonl"):
        done.append(1)
        from tests.helpers import Command
        from pathlib import Path
        Command(Path({str(vault.home)!r}), Path({str(vault.passphrase_file)!r}), Path.cwd()).ok(
            "forget", "--item", {gone!r}, "--yes")
points.reached = reached
"""
    done = vault.ok("export", str(tmp_path / "out"), before=SMALL_FILES + erase)
    assert done["items"] == 10
    found = b"".join(p.read_bytes() for p in (tmp_path / "out").iterdir() if p.is_file())
    assert b"call me on" not in found


def test_what_is_added_between_two_runs_is_in_the_copy(lived, tmp_path):
    vault = duplicate(lived, tmp_path)
    out = tmp_path / "out"
    kill = KILL.format(name="export.saved", times=3, signal="SIGKILL")
    assert vault("export", str(out), before=SMALL_FILES + kill).status == -signal.SIGKILL
    first = (out / "items-00001.jsonl").stat().st_ino
    (tmp_path / "2024-03-01.txt").write_text("Snow.")
    vault.ok("add", str(tmp_path / "2024-03-01.txt"))
    assert vault.ok("export", str(out), before=SMALL_FILES)["items"] == 12
    assert (out / "items-00001.jsonl").stat().st_ino == first
    assert lines(out)[-1]["content"] == "Snow."


def test_a_full_disk_is_said_in_one_sentence_and_the_next_run_goes_on(lived, copy, tmp_path):
    # A limit on the size of files stands in for the full disk: the same calls fail.
    full = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from console import bootstrap\n"
        "from console.use import exporting\n"
        "before = exporting._Copy.write\n"
        "def write(*given):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, resource.RLIM_INFINITY))\n"
        "    return before(*given)\n"
        "exporting._Copy.write = write\n"
    )
    out = tmp_path / "out"
    error = lived.refused(1, "export", str(out), before=SMALL_FILES + full)
    assert error["code"] == "storage"
    assert str(out) in error["message"]
    lived.ok("export", str(out), before=SMALL_FILES)
    assert whole(out) == whole(copy)


def test_two_exports_into_one_folder_do_not_mix(lived, tmp_path):
    held = f"""
import fcntl, os
os.makedirs({str(tmp_path / "out")!r})
descriptor = os.open({str(tmp_path / "out")!r}, os.O_RDONLY)
fcntl.flock(descriptor, fcntl.LOCK_EX)
"""
    assert lived.refused(1, "export", str(tmp_path / "out"), before=held)["code"] == "exists"
    assert list((tmp_path / "out").iterdir()) == []


# ---------------------------------------------------------------- models


def test_a_model_is_carried_as_safetensors_that_open_without_this_program(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    transformers = pytest.importorskip("transformers")
    vault = Command.in_folder(tmp_path)
    vault.ok("init")
    vault.ok("add", str(write_chats(tmp_path)), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    vault.ok("consent", "allow", "message.chat.direct.received", "train")
    (tmp_path / "toy.toml").write_text(TOY)
    made = vault.ok("train", "--recipe", str(tmp_path / "toy.toml"))["model"]
    vault.ok("export", str(tmp_path / "out"))
    folder = tmp_path / "out" / "models" / made
    weights = safetensors.load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    assert weights["model.embed_tokens.weight"].shape == (
        config["vocab_size"],
        config["hidden_size"],
    )
    about = json.loads((folder / "model.json").read_text())
    assert (about["model"], about["status"]) == (made, "trained")
    assert json.loads(about["manifest"])["model"] == made
    network, told = transformers.LlamaForCausalLM.from_pretrained(
        folder, local_files_only=True, output_loading_info=True
    )
    assert not told["missing_keys"]
    assert not told["mismatched_keys"]
    assert (network.lm_head.weight.detach().numpy() == weights["model.embed_tokens.weight"]).all()

    vault.ok("withdraw", "message", "train", "--conversation", "Ned Marlow")
    vault.ok("export", str(tmp_path / "later"))
    folder = tmp_path / "later" / "models" / made
    assert [path.name for path in folder.iterdir()] == ["model.json"]
    assert json.loads((folder / "model.json").read_text())["status"] == "suspended"
    assert len(list((tmp_path / "later" / "papers").iterdir())) == 1


def test_the_program_that_readme_shows_reads_the_copy(copy):
    text = (copy / "README.txt").read_text()
    code = "\n".join(
        line[4:] for line in text.partition("for example:")[2].splitlines() if line[:4] == "    "
    )
    code = code.partition("twin add")[0]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=True
    )
    assert "2023-02-01T10:02:00Z of course, i'll bring the tin & the soup\n" in done.stdout
