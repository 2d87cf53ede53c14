"""Runs as a person sees them: listed, followed, stopped, gone on with."""

import json
import signal
import subprocess
import sys
import time

import pytest

from tests.forked import Forked

# After a few batches it waits for a word, so that what others do meanwhile happens in mid-run.
SLOWLY = """
import pathlib, time
import console.bootstrap as b
real = b.Twin.still_permitted
asked = []
def slowly(self, rows):
    asked.append(rows)
    time.sleep(0.3)
    while len(asked) > 20 and not pathlib.Path("go").exists():
        time.sleep(0.1)
    return real(self, rows)
b.Twin.still_permitted = slowly
from console.cli import main; main()
"""


@pytest.fixture
def ready(tmp_path, many_chats):
    """A vault from which something may be learned; its commands start at once."""
    vault = Forked.in_folder(tmp_path)
    vault.ok("init")
    vault.ok("add", str(many_chats()), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    return vault


def training(vault, toy):
    return subprocess.Popen(
        [sys.executable, "-c", SLOWLY, "train", "--recipe", str(toy), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=vault.cwd,
        env=vault.environment(),
        text=True,
    )


def learning(vault, process):
    """Wait until another process sees that some steps were taken; return the run."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        if list((vault.home / "models").glob("run-*")):
            for run in vault.ok("runs")["runs"]:
                if run["status"] == "running" and run["step"] >= 2:
                    return run
        time.sleep(1)
    raise AssertionError("it never learned")


def kept(vault, start):
    """The states of which something that begins so is kept."""
    found = (vault.home / "models").glob(f"{start}-*")
    return {path.name.replace(".", "-").rpartition("-")[2] for path in found}


def test_a_run_is_seen_withdrawn_from_stopped_and_gone_on_with(ready, toy):
    """Four processes: one learns, one looks, one withdraws, one goes on."""
    with training(ready, toy) as process:
        run = learning(ready, process)
        gone = ready.ok("withdraw", "message", "train", "--conversation", "Ned Marlow")
        process.send_signal(signal.SIGINT)
        (ready.cwd / "go").touch()
        out, _ = process.communicate(timeout=300)
    assert (process.returncode, gone["rows_removed"] > 0) == (130, True)
    assert "same command" in json.loads(out)["error"]["message"]
    [stopped] = ready.ok("runs")["runs"]
    left = kept(ready, "checkpoint")
    assert (stopped["status"], stopped["run"]) == ("stopped", run["run"])

    made = ready.ok("train", "--recipe", str(toy))
    assert made["rows"] == ready.ok("view", "stats")["train"]
    # Where it had planned anew before it was stopped, that plan's rows are permitted all.
    assert kept(ready, "checkpoint") <= left
    assert made["state"] in kept(ready, "state") - left
    assert kept(ready, "run") <= kept(ready, "state")
    newest = ready.ok("runs")["runs"][0]
    said = ready.ok("runs", "show", newest["run"])["lines"]
    assert newest["status"] == "done"
    assert min(line["step"] for line in said if line["phase"] == "learn") >= stopped["step"]
    assert any(line["sample"] for line in said)
    followed = ready("runs", "show", newest["run"], "--follow", "--json")
    assert [json.loads(line) for line in followed.out.splitlines()] == said
    shown = ready("runs", "show", newest["run"]).out
    assert all(word in shown for word in ("loss", "tokens/s", "MiB", "says: ", "learning"))
    assert f"{newest['run']}  done" in ready("runs").out


def test_an_unknown_run_is_not_found(vault):
    assert vault.refused(3, "runs", "show", "none")["code"] == "not_found"
    assert vault.ok("runs") == {"runs": []}
    assert "twin train" in vault("runs").out
