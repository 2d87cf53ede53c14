"""A backup brings everything back: items, statements, models that answer, papers."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import PASSPHRASE, TOY, Command, write_chats

DUMP = """
import json, sys, msgspec
from pathlib import Path
from console import bootstrap
twin = bootstrap.open_(Path(sys.argv[1]), sys.argv[2])
twin.catch_up()
twin.views.settle(twin.vault.now())
said = [
    [row for row in view.dump() if row[0] != "newest" or len(sys.argv) == 3]
    for view in twin.views.all
]
print(msgspec.json.encode(said).decode())
"""


def dump(home: Path, *but: str) -> str:
    """All that the views of a vault say, or all but the time of its newest entry."""
    done = subprocess.run(
        [sys.executable, "-c", DUMP, home, PASSPHRASE, *but],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return done.stdout


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A vault with chats, statements, a model and a receipt, and a backup of it."""
    vault = Command.in_folder(tmp_path_factory.mktemp("backed"))
    vault.ok("init")
    vault.ok("add", str(write_chats(vault.cwd)), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    vault.ok("consent", "allow", "message", "search")
    vault.ok("consent", "allow", "message.chat.direct.received", "train")
    vault.ok("withdraw", "message", "train", "--conversation", "Ned Marlow")
    (vault.cwd / "toy.toml").write_text(TOY)
    vault.ok("train", "--recipe", str(vault.cwd / "toy.toml"))
    vault.ok("backup", str(vault.cwd / "backup"))
    return vault


@pytest.fixture
def vault(template, tmp_path):
    """A copy of it, with its backup."""
    copy = Command.in_folder(tmp_path)
    for name in ("home", "backup"):
        shutil.copytree(template.cwd / name, tmp_path / name)
    return copy


def on(vault: Command, name: str) -> Command:
    """The command on another home."""
    return Command(vault.cwd / name, vault.passphrase_file, vault.cwd)


def backup_of(vault: Command) -> str:
    return str(vault.cwd / "backup")


def test_all_is_back_and_the_model_answers_as_before(vault):
    before = dump(vault.home, "newest")
    asked = vault.ok("chat", "soup?")
    new = on(vault, "new")
    done = new.ok("restore", backup_of(vault), "--name", "new laptop")
    assert done["device"] == "new laptop"
    assert done["events"] == vault.ok("status")["events"] + 1, "the new device's own entry"
    assert done["models"] >= 2
    assert done["papers"] == 1
    assert dump(new.home, "newest") == before, "the new device's own entry is the newest"
    assert new.ok("chat", "soup?") == asked
    assert new.ok("search", "soup")["hits"] == vault.ok("search", "soup")["hits"]
    assert new.ok("verify")["problems"] == []
    assert [path.name for path in (new.home / "papers").iterdir()] == [
        path.name for path in (vault.home / "papers").iterdir()
    ]
    gone = new.ok("withdraw", "message", "train", "--conversation", "Bex Stone")
    assert gone["models_suspended"] == [asked["model"]]
    assert new.ok("retrain", "--prove")["identical_to_clean_run"] is True


def test_the_recovery_key_restores_too(vault, template):
    page = next(template.cwd.glob("home-recovery-key*"))
    new = on(vault, "new")
    new.ok("restore", backup_of(vault), env={"TWIN_PASSPHRASE_FILE": str(page)})
    assert new.ok("status")["items"] == vault.ok("status")["items"]


def test_a_second_backup_writes_what_is_new_and_says_what_it_took_out(vault):
    nothing = vault.ok("backup", backup_of(vault))["written"]
    assert set(nothing.values()) == {0}
    gone = vault.ok("forget", "--conversation", "Bex Stone", "--yes")
    assert gone["items"] > 0
    done = vault("backup", backup_of(vault))
    assert done.status == 0
    assert "held what was erased since" in done.out
    written = vault.ok("backup", backup_of(vault))["written"]
    assert set(written.values()) == {0}
    assert vault.ok("check", backup_of(vault), "--read-data")["problems"] == []
    new = on(vault, "new")
    new.ok("restore", backup_of(vault))
    assert new.ok("search", "bex")["hits"] == []
    assert new.ok("models")["models"][0]["status"] == "suspended"
    states = [path.name for path in (new.home / "models").iterdir() if "state" in path.name]
    assert len(states) == len([p for p in (vault.home / "models").iterdir() if "state" in p.name])


def test_check_looks_at_structure_a_subset_or_everything(vault):
    found = vault.ok("check", backup_of(vault))
    assert (found["read"], found["problems"]) == (0, [])
    assert found["files"] > 5
    assert vault.ok("check", backup_of(vault), "--read-data-subset", "50%")["read"] >= 1
    segment = next(Path(backup_of(vault)).glob("segment-*"))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    assert vault.ok("check", backup_of(vault))["problems"] == []
    done = vault("check", backup_of(vault), "--read-data", "--json")
    assert done.status == 6
    assert [segment.name in problem for problem in done.json["problems"]] == [True]
    segment.write_bytes(content[:100])
    done = vault("check", backup_of(vault), "--json")
    assert done.status == 6
    assert f"{segment.name} is cut short." in done.json["problems"]
    # What is damaged is deleted, and the next backup writes it again.
    segment.unlink()
    assert vault.ok("backup", backup_of(vault))["written"]["segments"] == 1
    assert vault.ok("check", backup_of(vault), "--read-data")["problems"] == []


@pytest.mark.parametrize("text", ["0", "101%", "x%", "-1%"])
def test_a_subset_is_a_percentage(vault, text):
    assert vault("check", backup_of(vault), "--read-data-subset", text).status == 2


def test_what_is_damaged_foreign_or_newer_is_one_sentence_and_makes_nothing(vault, tmp_path):
    new = on(vault, "new")
    segment = next(Path(backup_of(vault)).glob("segment-*"))
    content = segment.read_bytes()
    segment.write_bytes(content[:-1])
    assert new.refused(6, "restore", backup_of(vault))["code"] == "integrity"
    segment.write_bytes(content[:-1] + b"\0")
    assert segment.name in new.refused(6, "restore", backup_of(vault))["message"]
    segment.write_bytes(content)
    assert new.refused(3, "restore", str(tmp_path / "nowhere"))["code"] == "not_found"
    wrong = tmp_path / "wrong"
    wrong.write_text("another passphrase")
    refused = new.refused(4, "restore", backup_of(vault), env={"TWIN_PASSPHRASE_FILE": str(wrong)})
    assert refused["code"] == "locked"
    assert not list(tmp_path.glob("new*"))
    assert vault.refused(1, "restore", backup_of(vault))["code"] == "exists"
    other = on(vault, "other")
    other.ok("init")
    assert other.refused(6, "backup", backup_of(vault))["code"] == "foreign_vault"
    marker = next(Path(backup_of(vault)).glob("mirror-1-*"))
    marker.rename(marker.with_name(marker.name.replace("mirror-1", "mirror-2")))
    for arguments in (("backup",), ("check",)):
        refused = vault.refused(6, *arguments, backup_of(vault))
        assert refused["code"] == "foreign_vault"
        assert "newer format" in refused["message"]
    assert "newer format" in new.refused(6, "restore", backup_of(vault))["message"]


def test_a_backup_inside_the_vault_or_among_other_files_is_refused(vault, tmp_path):
    assert vault.refused(2, "backup", str(vault.home / "backup"))["code"] == "usage"
    assert not (vault.home / "backup").exists()
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    assert "dear.txt" in vault.refused(2, "backup", str(tmp_path / "letters"))["message"]


def test_a_vault_put_back_from_a_copy_is_found_out_by_its_backup(vault, tmp_path):
    shutil.copytree(vault.home, tmp_path / "old")
    vault.ok("me", "Ada")
    vault.ok("backup", backup_of(vault))
    shutil.rmtree(vault.home)
    (tmp_path / "old").rename(vault.home)
    refused = vault.refused(6, "backup", backup_of(vault))
    assert refused["code"] == "integrity"
    assert "its end is missing" in refused["message"]
    assert " UTC" in refused["message"]
    done = vault("verify", "--against", backup_of(vault), "--json")
    assert done.status == 6
    [problem] = done.json["problems"]
    assert "its end is missing" in problem


INTERRUPT = """
import os, signal
from vault import points
points.reached = lambda name: name == {name!r} and os.kill(os.getpid(), signal.{signal})
"""


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_interrupted_at_any_step_the_next_run_goes_on(vault, how):
    fresh = str(vault.cwd / "fresh")
    for name in ("mirror.mirror", "mirror.segment", "mirror.parcel", "mirror.head"):
        done = vault("backup", fresh, before=INTERRUPT.format(name=name, signal=how))
        assert done.status == (130 if how == "SIGINT" else -signal.SIGKILL), name
        assert vault.home.joinpath("vault.json").exists()
    written = vault.ok("backup", fresh)["written"]
    assert written["segments"] == 0, "what was written before it was interrupted stays"
    assert vault.ok("check", fresh, "--read-data")["problems"] == []
    new = on(vault, "new")
    for name in ("merge.pages", "restore.enrolled", "restore.merged", "restore.unpacked"):
        done = new("restore", fresh, before=INTERRUPT.format(name=name, signal=how))
        assert done.status == (130 if how == "SIGINT" else -signal.SIGKILL), name
        assert not new.home.exists()
    new.ok("restore", fresh)
    assert dump(new.home, "newest") == dump(vault.home, "newest")
    assert not (vault.cwd / "new.restoring").exists()
