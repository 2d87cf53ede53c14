"""Power cuts: a command is killed at every named write and sync point, and the next one works."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.forked import Forked
from tests.helpers import CHAT, Command, write_chats

RECORD = """
import pathlib
from vault import points
points.reached = lambda name: pathlib.Path('points').open('a').write(name + chr(10))
"""
KILL = """
import os, signal
from vault import points
def reached(name):
    if name == {name!r}:
        os.kill(os.getpid(), signal.SIGKILL)
points.reached = reached
"""


def _chat(folder):
    path = folder / "WhatsApp Chat with Priya Nair.txt"
    path.write_text(CHAT)
    return str(path)


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """A vault that holds one chat, all of it searchable and allowed to be learned."""
    vault = Forked.in_folder(tmp_path_factory.mktemp("collected"))
    vault.ok("init")
    vault.ok("add", _chat(vault.cwd), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "search")
    vault.ok("consent", "allow", "message", "train")
    vault.ok("view", "build")
    return vault


def _copied(vault, folder):
    copy = type(vault).in_folder(folder)
    shutil.copytree(vault.home, copy.home)
    return copy


def _each_point(vault, folder, *command, text=""):
    """Run a command once to learn its points, then yield a copy killed at each of them."""
    rehearsal = folder / "rehearsal"
    rehearsal.mkdir()
    done = _copied(vault, rehearsal)(*command, "--json", before=RECORD, text=text)
    assert done.status == 0, done
    names = list(dict.fromkeys((rehearsal / "points").read_text().split()))
    for number, name in enumerate(names):
        place = folder / f"{number}"
        place.mkdir()
        copy = _copied(vault, place)
        killed = copy(*command, "--json", before=KILL.format(name=name), text=text)
        assert killed.status == -signal.SIGKILL, (name, killed)
        yield name, copy


def test_adding_survives_a_kill_at_every_point(collected, tmp_path):
    more = tmp_path / "WhatsApp Chat with Bex Stone.txt"
    more.write_text(
        "05/02/2023, 09:00 - Bex Stone: Soup?\n05/02/2023, 09:01 - Ada Quill: always soup\n"
    )
    seen = []
    for name, vault in _each_point(collected, tmp_path, "add", str(more)):
        assert vault.ok("verify")["problems"] == [], name
        again = vault.ok("add", str(more))
        assert again["collected"] + again["duplicates"] == 2, name
        assert vault.ok("status")["items"] == 10, name
        seen.append(name)
    assert "import.page" in seen
    assert "import.finished" in seen


def test_forgetting_survives_a_kill_at_every_point(collected, tmp_path):
    hit = collected.ok("search", "leeks")["hits"][0]["id"]
    seen = []
    for name, vault in _each_point(collected, tmp_path, "forget", "--item", hit, "--yes"):
        assert vault.ok("verify")["problems"] == [], name
        found = vault.ok("search", "leeks")["hits"]
        if found:  # the request was not durable yet: nothing happened, and it can be made again
            assert vault.ok("forget", "--item", hit, "--yes")["items"] == 1, name
        else:
            assert vault.refused(3, "show", hit)["code"] == "erased", name
        assert vault.ok("search", "leeks") == {"hits": []}, name
        [paper] = (vault.home / "papers").glob("certificate-*.json")
        certificate = json.loads(json.loads(paper.read_text())["paper"])
        assert certificate["items"] == [hit], name
        assert all(store["left"] == 0 for store in certificate["stores"]), name
        assert not (vault.home / "models" / "erasing").exists(), name
        seen.append(name)
    assert {"forget.noted", "erase.recorded", "forget.purged", "paper.written"} <= set(seen)


def test_an_erasure_that_was_killed_is_finished_to_the_last_state_of_a_model(tmp_path, toy):
    (tmp_path / "taught").mkdir()
    vault = Command.in_folder(tmp_path / "taught")
    vault.ok("init")
    vault.ok("add", str(write_chats(tmp_path)), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    taught = vault.ok("train", "--recipe", str(toy))
    weights = f"state-{taught['state']}"
    for name in ("erase.recorded", "log.truncated", "forget.suspended", "paper.written"):
        place = tmp_path / name
        place.mkdir()
        copy = _copied(vault, place)
        killed = copy("forget", "--person", "Ned Marlow", "--yes", before=KILL.format(name=name))
        assert killed.status == -signal.SIGKILL, (name, killed)
        done = copy("status")
        assert "was interrupted and is finished now" in done.err, (name, done)
        assert weights not in {path.name for path in (copy.home / "models").iterdir()}, name
        [paper] = (copy.home / "papers").glob("certificate-*.json")
        certificate = json.loads(json.loads(paper.read_text())["paper"])
        [model] = certificate["models"]
        assert (model["model"], model["replays"] > 0) == (taught["model"], True), name
        assert all(store["left"] == 0 for store in certificate["stores"]), name
        assert copy("status").err == "", name


def test_correcting_survives_a_kill_at_every_point(collected, tmp_path):
    hit = collected.ok("search", "leeks")["hits"][0]["id"]
    seen = []
    for name, vault in _each_point(collected, tmp_path, "correct", hit, text="seven shallots"):
        assert vault.ok("verify")["problems"] == [], name
        assert vault.ok("correct", hit, text="seven shallots")["text"] == "seven shallots", name
        assert vault.ok("search", "leeks") == {"hits": []}, name
        assert len(vault.ok("search", "shallots")["hits"]) == 1, name
        seen.append(name)
    assert "correction.recorded" in seen


def test_a_rule_of_retention_survives_a_kill_at_every_point(collected, tmp_path):
    rule = ("retention", "message.chat", "30", "--yes")
    for name, vault in _each_point(collected, tmp_path, *rule):
        assert vault.ok("verify")["problems"] == [], name
        there = vault.ok("status")["items"]
        assert there in {0, 8}, name
        vault.ok(*rule)
        assert vault.ok("status")["items"] == 0, name
        [paper] = (vault.home / "papers").glob("certificate-*.json")
        certificate = json.loads(json.loads(paper.read_text())["paper"])
        assert (certificate["cause"], len(certificate["items"])) == ("retention", 8), name


def test_acknowledged_items_survive_random_kills(collected, tmp_path):
    """Whatever a command said it collected is there after any number of power cuts."""
    vault = _copied(collected, tmp_path)
    acknowledged = 8
    for number in range(4):
        chat = tmp_path / f"WhatsApp Chat with Person {number}.txt"
        chat.write_text(
            "".join(
                f"{day:02d}/03/2023, 10:{minute:02d} - Ada Quill: line {number} {day} {minute}\n"
                for day in range(1, 29)
                for minute in range(60)
            )
        )
        with subprocess.Popen(
            [sys.executable, "-c", "from console.cli import main; main()", "add", str(chat)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=vault.environment(),
        ) as adding:
            time.sleep(0.3 + number * 0.15)
            os.kill(adding.pid, signal.SIGKILL)
        held = vault.ok("status")["items"]
        assert held >= acknowledged
        added = vault.ok("add", str(chat))
        assert added["collected"] + added["duplicates"] == 28 * 60
        acknowledged = vault.ok("status")["items"]
        assert acknowledged == 8 + (number + 1) * 28 * 60
    assert vault.ok("verify")["problems"] == []


def test_interrupting_exits_130_and_keeps_whole_pages(collected, tmp_path):
    vault = _copied(collected, tmp_path)
    # A shell ignores the interrupt for what it starts in the background; a terminal does not.
    interrupt = """
import os, signal
from vault import points
signal.signal(signal.SIGINT, signal.default_int_handler)
def reached(name):
    if name == 'import.page':
        os.kill(os.getpid(), signal.SIGINT)
points.reached = reached
"""
    more = tmp_path / "WhatsApp Chat with Bex Stone.txt"
    more.write_text("05/02/2023, 09:00 - Bex Stone: Soup?\n")
    error = vault.refused(130, "add", str(more), before=interrupt)
    assert error["code"] == "interrupted"
    assert vault.ok("add", str(more))["duplicates"] == 1


def test_a_full_disk_is_said_in_one_sentence_and_the_next_command_works(collected, tmp_path):
    vault = _copied(collected, tmp_path)
    more = tmp_path / "WhatsApp Chat with Bex Stone.txt"
    more.write_text(
        "".join(
            f"{day:02d}/03/2023, 10:{minute:02d} - Bex Stone: {'soup ' * 40}{day} {minute}\n"
            for day in range(1, 29)
            for minute in range(60)
        )
    )
    # A limit on the size of files stands in for the full disk: the same calls fail.
    size = (vault.home / "log.db").stat().st_size + 200_000
    full = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))\n"
    )
    error = vault.refused(1, "add", str(more), before=full)
    assert error["code"] == "storage"
    assert vault.ok("verify")["problems"] == []
    again = vault.ok("add", str(more))
    assert again["collected"] + again["duplicates"] == 28 * 60
