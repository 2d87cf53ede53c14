"""What a first user ran into: folders, files and commands that nobody had thought of."""

import os
import shutil
import signal
import subprocess
import sys
import time

from tests.helpers import TOY, write_chats


def test_modules_in_the_current_folder_are_never_run(vault, tmp_path):
    """An unpacked export may hold `json.py`; the passphrase goes through our children."""
    chats = write_chats(tmp_path)
    (tmp_path / "toy.toml").write_text(TOY)
    trap = f"open({str(tmp_path / 'TRAPPED')!r}, 'w').write('x')\nraise SystemExit\n"
    for name in ("json.py", "trainer/worker.py", "console/clean_run.py", "msgspec.py"):
        path = tmp_path / "trap" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(trap)
    vault.ok("add", str(chats), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    vault.cwd = tmp_path / "trap"
    # `-P` for the command itself, as its installed script has it.
    begin = [sys.executable, "-P", "-c", "from console.cli import main; main()"]
    for command in (["train", "--recipe", str(tmp_path / "toy.toml")], ["retrain", "--prove"]):
        done = subprocess.run(
            [*begin, *command, "--json"],
            cwd=vault.cwd,
            env=vault.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done
    assert not (tmp_path / "TRAPPED").exists()


def test_an_interrupted_proof_leaves_no_copy_behind(vault, tmp_path):
    chats = write_chats(tmp_path)
    (tmp_path / "toy.toml").write_text(TOY)
    vault.ok("add", str(chats), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    vault.ok("train", "--recipe", str(tmp_path / "toy.toml"))
    with subprocess.Popen(
        [sys.executable, "-c", "from console.cli import main; main()", "retrain", "--prove"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=vault.environment(),
    ) as proving:
        deadline = time.monotonic() + 60
        while not list(vault.home.glob("clean-*/views/timeline.db")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(proving.pid, signal.SIGKILL)
    assert vault.ok("forget", "--person", "Ned Marlow", "--yes")["items"] > 0
    deadline = time.monotonic() + 30
    while list(vault.home.glob("clean-*")):
        assert time.monotonic() < deadline
        vault.ok("status")


def test_init_never_overwrites_a_log_whose_identity_is_missing(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    identity = vault.home / "vault.json"
    kept = identity.read_bytes()
    identity.unlink()
    next(vault.home.parent.glob("*recovery*")).unlink()
    for command in ("init", "status"):
        assert "vault.json" in vault.refused(6, command)["message"]
    identity.write_bytes(kept)
    assert vault.ok("status")["items"] == 8


def test_a_damaged_view_is_dropped_and_made_again(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    for path in (vault.home / "views").glob("*.db"):
        body = bytearray(path.read_bytes())
        body[5000:5009] = b"XXXXXXXXX"
        path.write_bytes(body)
    for _ in range(3):
        done = vault("status", "--json")
        if done.status == 0:
            break
        assert done.json["error"]["code"] == "storage", done
    assert vault.ok("status")["items"] == 8


def test_deleted_views_come_back_by_themselves(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    shutil.rmtree(vault.home / "views")
    assert vault.ok("status")["items"] == 8


def test_a_denied_source_does_not_keep_the_others_out(vault, chat, tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    shutil.move(chat, folder)
    (folder / "soup.md").write_text("# soup\n\nsix leeks\n")
    vault.ok("consent", "deny", "message", "collect", "--source", "whatsapp")
    added = vault.ok("add", str(folder), "--me", "Ada Quill")
    assert (added["collected"], len(added["bad"])) == (1, 8)
    assert vault.refused(5, "add", str(folder / chat.name))["code"] == "consent"


def test_empty_and_unreadable_arguments_are_a_matter_of_usage(vault):
    vault.refused(2, "add", "")
    vault.refused(2, "status", "--home", "")
    vault.refused(2, "search", os.fsdecode(b"bad\xff"))
    vault.refused(2, "consent", "allow", "message", "share")
    vault.refused(
        2, "withdraw", "message", "train", "--since", "2024-02-01", "--until", "2024-01-01"
    )


def test_an_export_of_rows_is_private(vault, chat, tmp_path):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    out = tmp_path / "rows.jsonl"
    vault.exported(out)
    assert out.stat().st_mode & 0o077 == 0
