"""Nothing leaves, and everything but models works where no model library is."""

import socket
import subprocess
import sys

import pytest

# Read at the start of every process, children included (the readers of exports run isolated
# and have a hook of their own, see tests/vault/collectors/test_worker.py).
GUARD = """
import os, sys
_calls = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg",
          "socket.gethostbyname", "urllib.Request", "http.client.connect")
def _note(line):
    with open(os.environ["GUARDED"], "a") as notes:
        notes.write(line + "\\n")
def _refuse(event, arguments):
    if event in _calls:
        _note("refused " + event)
        raise PermissionError("nothing leaves")
_note("guarded " + " ".join(sys.orig_argv[1:])[:40])
sys.addaudithook(_refuse)
"""

# As if they were not installed: neither found nor imported.
NO_MODEL_LIBRARY = """
import importlib.machinery as machinery
_absent = {"torch", "transformers", "peft", "safetensors", "tokenizers"}
_real = machinery.PathFinder.find_spec
def _find(name, path=None, target=None):
    return None if name.partition(".")[0] in _absent else _real(name, path, target)
machinery.PathFinder.find_spec = staticmethod(_find)
for _name in _absent:
    try:
        __import__(_name)
    except ImportError:
        continue
    raise SystemExit(_name)
"""


@pytest.fixture
def guarded(twin, tmp_path, monkeypatch):
    """The command in processes that cannot reach the network, and the notes of those."""
    folder = tmp_path / "guard"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(GUARD)
    notes = tmp_path / "notes"
    notes.touch()
    plain = twin.environment()
    seen = plain | {"PYTHONPATH": f"{folder}:{plain['PYTHONPATH']}", "GUARDED": str(notes)}
    monkeypatch.setattr(type(twin), "environment", lambda _: seen)
    return twin, lambda: notes.read_text().splitlines()


def test_a_whole_session_reaches_no_network(guarded, many_chats, toy, tmp_path):
    """Adding, consent, views, search, training, answering, withdrawing, proving, forgetting."""
    vault, notes = guarded
    vault.ok("init")
    vault.ok("add", str(many_chats()), "--me", "Ada Quill")
    for purpose in ("search", "train"):
        vault.ok("consent", "allow", "message", purpose)
    vault.ok("view", "build")
    vault.ok("view", "export", "--format", "jsonl", "--out", str(tmp_path / "rows.jsonl"))
    assert vault.ok("search", "pal")["hits"]
    vault.ok("train", "--recipe", str(toy))
    vault.ok("chat", "soup?")
    vault.ok("withdraw", "message", "train", "--conversation", "Ned Marlow")
    assert vault.ok("retrain", "--prove")["identical_to_clean_run"] is True
    vault.ok("forget", "--person", "Bex Stone", "--yes")
    vault.ok("doctor")
    assert vault.ok("verify")["problems"] == []
    told = notes()
    assert not [line for line in told if line.startswith("refused")]
    for process in ("-P -m trainer.worker", "-P -m console.clean_run", "-c"):
        assert any(line.startswith(f"guarded {process}") for line in told), process


def test_the_guard_refuses_what_it_is_there_to_refuse(guarded):
    """Without this, a guard that sees nothing would prove nothing."""
    vault, notes = guarded
    with socket.create_server(("127.0.0.1", 0)) as listening:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                f"import socket; socket.socket().connect({listening.getsockname()})",
            ],
            env=vault.environment(),
            capture_output=True,
            check=False,
        )
    assert done.returncode != 0
    assert notes()[-1] == "refused socket.connect"


def test_everything_but_models_works_without_a_model_library(vault, chat, tmp_path):
    """From the empty vault to erasing: only `train`, `retrain` and `chat` need the libraries."""

    def ok(*arguments):
        return vault.ok(*arguments, before=NO_MODEL_LIBRARY)

    checks = {check["name"]: check for check in ok("doctor")["checks"]}
    assert checks["vault"]["ok"]
    assert ok("me", "Ada Quill") == {"names": ["ada quill"]}
    assert ok("add", str(chat))["collected"] == 8
    assert ok("status")["items"] == 8
    for purpose in ("search", "train"):
        ok("consent", "allow", "message", purpose)
    assert len(ok("consent", "show")["statements"]) >= 3
    assert len(ok("consent", "history")["history"]) >= 3
    rows = ok("view", "build")["rows"]
    assert rows > 0
    assert ok("view", "stats")["rows"] == rows
    assert ok("view", "preview")["samples"]
    written = vault.exported(tmp_path / "rows.jsonl", before=NO_MODEL_LIBRARY)
    assert written["rows"] == rows  # one week of one chat lies on one side
    [hit] = ok("search", "leeks")["hits"]
    assert "leeks" in ok("show", hit["id"])["text"]
    assert ok("models") == {"models": []}
    assert ok("forget", "--item", hit["id"], "--yes")["keys_destroyed"] == 1
    assert ok("withdraw", "message", "train")["rows_removed"] > 0
    assert ok("verify")["problems"] == []


def test_training_without_a_model_library_says_what_to_install(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    error = vault.refused(1, "train", before=NO_MODEL_LIBRARY)
    assert "torch" in error["message"].lower()
