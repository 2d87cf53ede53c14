"""Learn, withdraw, rebuild, prove: the promise of the project, through the command line."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from tests.helpers import TOY, Command, write_chats


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A vault with three chats and a toy model that learned from all of them."""
    vault = Command.in_folder(tmp_path_factory.mktemp("taught"))
    vault.ok("init")
    vault.ok("add", str(write_chats(vault.cwd)), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    vault.ok("consent", "allow", "message.chat.direct.received", "train")
    (vault.cwd / "toy.toml").write_text(TOY)
    return vault, vault.ok("train", "--recipe", str(vault.cwd / "toy.toml"))


@pytest.fixture
def taught(template, tmp_path):
    """A copy of it for each test."""
    original, trained = template
    copy = Command.in_folder(tmp_path)
    shutil.copytree(original.home, copy.home)
    copy.trained = trained
    return copy


def test_training_says_what_it_made_and_chat_answers(taught):
    made = taught.trained
    assert set(made) == {"model", "rows", "position", "metrics", "state"}
    assert made["rows"] > 100
    assert len(bytes.fromhex(made["state"])) == 32
    [listed] = taught.ok("models")["models"]
    assert listed == {
        "model": made["model"],
        "status": "trained",
        "position": made["position"],
        "rows": made["rows"],
        "answers": True,
    }
    answered = taught.ok("chat", "soup?")
    assert answered["model"] == made["model"]
    assert isinstance(answered["answer"], str)


def test_a_withdrawn_conversation_suspends_the_model_and_a_clean_run_proves_the_rebuild(taught):
    gone = taught.ok("withdraw", "message", "train", "--conversation", "Ned Marlow")
    assert gone["rows_removed"] > 0
    assert gone["models_suspended"] == [taught.trained["model"]]
    receipt = json.loads(Path(gone["receipt"]).read_text())
    assert "Ned" not in json.dumps(receipt)
    assert not taught.speaks_whole()

    again = taught.ok("retrain", "--prove")
    assert again["identical_to_clean_run"] is True
    assert again["replayed_slices"] >= 1
    assert again["rows"] < taught.trained["rows"]
    assert taught.ok("chat", "soup?")["model"] == again["model"]
    statuses = {m["model"]: m["status"] for m in taught.ok("models")["models"]}
    assert statuses == {taught.trained["model"]: "replaced", again["model"]: "trained"}
    assert taught.ok("verify")["problems"] == []


def test_without_prove_there_is_no_verdict(taught):
    taught.ok("withdraw", "message", "train", "--conversation", "Ned Marlow")
    assert taught.ok("retrain")["identical_to_clean_run"] is None


PERTURB = """
import projections.training as t
from dataclasses import replace
real = t.Training.rows
def perturbed(self, *a, **k):
    learned = 0
    for row in real(self, *a, **k):
        learned += row.split == 'train'
        if row.split == 'train' and learned == 3:
            last = replace(row.messages[-1], content=row.messages[-1].content + ' perturbed')
            row = type(row).of(events=row.events, statements=row.statements,
                messages=(*row.messages[:-1], last), split=row.split, group=row.group, at=row.at)
        yield row
t.Training.rows = perturbed
"""


def test_one_perturbed_row_is_found_out_by_the_clean_run(taught):
    taught.ok("withdraw", "message", "train", "--conversation", "Ned Marlow")
    done = taught("retrain", "--prove", "--json", before=PERTURB)
    assert done.status == 6, done
    assert done.json["identical_to_clean_run"] is False
    disproved = taught.ok("models")["models"][-1]
    assert (disproved["model"], disproved["status"]) == (done.json["model"], "suspended")
    assert not taught.speaks_whole()
    healed = taught.ok("retrain", "--prove")
    assert healed["identical_to_clean_run"] is True
    assert taught.ok("chat", "soup?")["model"] == healed["model"]


OTHER_MACHINE = """
import trainer.manifest as m
from dataclasses import replace
real = m.build
def elsewhere(*a, **k):
    made = real(*a, **k)
    return replace(made, environment=made.environment.replace('x86_64', 'another machine')
        .replace('aarch64', 'another machine').replace('arm64', 'another machine'))
m.build = elsewhere
"""


def test_in_another_environment_the_verdict_is_null_never_true(taught):
    taught.ok("withdraw", "message", "train", "--conversation", "Ned Marlow")
    done = taught("retrain", "--prove", "--json", before=OTHER_MACHINE)
    assert done.status == 0, done
    assert done.json["identical_to_clean_run"] is None


def test_a_withdrawal_from_another_process_stops_a_running_training(vault, many_chats, toy):
    """Consent is asked again for every batch: what is withdrawn meanwhile is never learned."""
    vault.ok("add", str(many_chats()), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    slow = (
        "import time, pathlib\n"
        "import console.bootstrap as b\n"
        "real = b.Twin.still_permitted\n"
        "seen = []\n"
        "def slowly(self, rows):\n"
        "    seen.append(1)\n"
        f"    pathlib.Path({str(vault.cwd)!r}, 'asked').write_text(str(len(seen)))\n"
        "    time.sleep(0.3)\n"
        "    return real(self, rows)\n"
        "b.Twin.still_permitted = slowly\n"
        "from console.cli import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", slow, "train", "--recipe", str(toy), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=vault.cwd,
        env=vault.environment(),
        text=True,
    ) as training:
        asked = vault.cwd / "asked"
        deadline = time.monotonic() + 120
        while not (asked.exists() and int(asked.read_text() or 0) >= 3):
            assert training.poll() is None, training.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        gone = vault.ok("withdraw", "message", "train", "--conversation", "Ned Marlow")
        out, err = training.communicate(timeout=300)
    assert training.returncode == 0, err
    made = json.loads(out)
    left = vault.ok("view", "stats")
    assert made["rows"] == left["train"]
    assert gone["rows_removed"] > 0
    assert vault.ok("models")["models"][0]["status"] == "trained"


def test_expired_consent_suspends_a_model_when_it_is_asked(vault, many_chats, toy):
    vault.ok("add", str(many_chats()), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train", "--expires", "2999-01-01")
    vault.ok("train", "--recipe", str(toy))
    vault.ok("consent", "allow", "message", "train", "--expires", "2020-01-01")
    assert not vault.speaks_whole()


def test_forgetting_a_person_destroys_weights_that_saw_her_and_the_rebuild_is_proved(taught):
    before = {p.name for p in (taught.home / "models").iterdir()}
    gone = taught.ok("forget", "--person", "Ned Marlow", "--yes")
    assert gone["models_suspended"] == [taught.trained["model"]]
    assert f"state-{taught.trained['state']}" in before
    assert f"state-{taught.trained['state']}" not in {
        p.name for p in (taught.home / "models").iterdir()
    }
    again = taught.ok("retrain", "--prove")
    assert again["identical_to_clean_run"] is True
    assert again["rows"] < taught.trained["rows"]


def test_items_collected_after_a_withdrawal_do_not_spoil_the_proof(taught, tmp_path):
    """New people in withdrawn conversations are masked with and without those conversations."""
    taught.ok("withdraw", "message", "train", "--person", "Ned Marlow")
    late = tmp_path / "late" / "WhatsApp Chat with Rowers.txt"
    late.parent.mkdir()
    late.write_text(
        "01/05/2023, 10:00 - Ned Marlow: meet Zebedee Thripp\n"
        "01/05/2023, 10:01 - Zebedee Thripp: hello\n"
        "01/05/2023, 10:02 - Ada Quill: hello zebedee\n"
    )
    other = tmp_path / "late" / "WhatsApp Chat with Bex Stone.txt"
    other.write_text(
        "02/05/2023, 10:00 - Bex Stone: who did you meet?\n"
        "02/05/2023, 10:01 - Ada Quill: zebedee thripp, he sells oars\n"
    )
    taught.ok("add", str(late.parent))
    again = taught.ok("retrain", "--prove")
    assert again["identical_to_clean_run"] is True


def test_a_locked_folder_shows_no_word_of_what_was_collected(taught):
    words = [b"answer 7", b"Marlow", b"Priya", b"Bex Stone", b"Ada Quill", b"ada quill", b"soup?"]
    for path in taught.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for word in words:
                for form in (word, word.decode().encode("utf-16-le")):
                    assert form not in content, (path.name, word)


def test_the_manifest_in_the_log_names_rows_statements_and_weights(taught):
    code = (
        "import sys, json; from pathlib import Path; from console import bootstrap\n"
        f"t = bootstrap.open_(Path({str(taught.home)!r}), 'correct horse battery staple')\n"
        "m = t.manifest(); import msgspec; print(msgspec.json.encode(m).decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=taught.environment(),
    )
    manifest = msgspec.json.decode(done.stdout)
    assert manifest["rows"] == taught.trained["rows"]
    assert sum(s["rows"] for s in manifest["slices"]) == manifest["rows"]
    assert len(manifest["statements"]) >= 1
    for name in ("rows_root", "weights", "checkpoint"):
        assert len(bytes.fromhex(manifest[name])) == 32


def test_the_log_database_is_append_only(taught):
    with sqlite3.connect(taught.home / "log.db") as database:
        for statement in ("DELETE FROM event", "UPDATE event SET type = 'x'"):
            with pytest.raises(sqlite3.DatabaseError):
                database.execute(statement)
