"""Pausing, correcting, and keeping for a time: what the owner may do beside forgetting."""

import json
import os
import pty
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.scratch import Scratch
from tests.helpers import TOY, Command, write_chats


def shifted(days):
    """Python that makes every clock of a process wrong, or the day another one."""
    return f"""
import time
from datetime import UTC, datetime, timedelta
real = time.time_ns
time.time_ns = lambda: real() + {days} * 86400 * 10**9
import vault.application
vault.application.Vault.clock = staticmethod(lambda: datetime.now(UTC) + timedelta(days={days}))
"""


def copied(vault, folder):
    copy = Command.in_folder(folder)
    shutil.copytree(vault.home, copy.home)
    return copy


def everything(vault):
    """All bytes of the locked folder, name by name."""
    return {path: path.read_bytes() for path in vault.home.rglob("*") if path.is_file()}


def spoken(*days):
    """A chat with one message a day, each so many days ago."""
    lines = []
    for ago in days:
        at = datetime.now(UTC) - timedelta(days=ago)
        lines.append(f"{at:%d/%m/%Y}, 12:00 - Ada Quill: words of {ago} days ago")
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------- pausing


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A vault with three chats, all of it searchable, and a toy model that learned from them."""
    vault = Command.in_folder(tmp_path_factory.mktemp("taught"))
    vault.ok("init")
    vault.ok("add", str(write_chats(vault.cwd)), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "search")
    vault.ok("consent", "allow", "message", "train")
    (vault.cwd / "toy.toml").write_text(TOY)
    vault.trained = vault.ok("train", "--recipe", str(vault.cwd / "toy.toml"))
    return vault


def test_what_is_paused_is_used_for_nothing_and_comes_back_as_it_was(taught, tmp_path):
    vault = copied(taught, tmp_path)
    rows, found = vault.ok("view", "stats"), vault.ok("search", "answer")
    paused = vault.ok("pause", "message", "--person", "Ned Marlow")
    assert paused["models_suspended"] == [taught.trained["model"]]
    assert vault.ok("pause", "message", "--person", "ned marlow")["paused"] == paused["paused"]
    [standing] = vault.ok("consent", "show")["pauses"]
    assert (standing["type"], standing["person"]) == ("message", "ned marlow")
    assert vault.ok("view", "stats")["rows"] < rows["rows"]
    assert len(vault.ok("search", '"says n pal"', "--limit", "100")["hits"]) == 0
    assert not vault.speaks_whole()
    assert vault.ok("add", str(taught.cwd / "chats"))["duplicates"] > 0
    again = vault.ok("retrain", "--prove")
    assert again["identical_to_clean_run"] is True
    assert again["rows"] < taught.trained["rows"]

    assert vault.refused(3, "resume", "message")["code"] == "not_found"
    vault.ok("resume", "message", "--person", "Ned Marlow")
    assert vault.ok("consent", "show")["pauses"] == []
    assert vault.ok("view", "stats") == rows
    assert vault.ok("search", "answer") == found
    said = [next(iter(set(one) - {"at", "models_suspended"})) for one in vault.ok("consent", "history")["history"]]  # fmt: skip
    assert said[-2:] == ["paused", "resumed"]
    assert vault.ok("verify")["problems"] == []


def test_a_model_that_a_pause_suspended_comes_back_without_learning_anew(taught, tmp_path):
    vault = copied(taught, tmp_path)
    vault.ok("pause")
    assert not vault.speaks_whole()
    vault.ok("resume")
    assert not vault.speaks_whole()
    again = vault.ok("retrain", "--prove")
    assert (again["replayed_slices"], again["identical_to_clean_run"]) == (0, True)
    assert again["state"] == taught.trained["state"]
    assert vault.ok("chat", "soup?")["model"] == again["model"]


# ---------------------------------------------------------------------- correcting


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """A vault that holds a chat of Ada's, all of it searchable and allowed to be learned."""
    vault = Command.in_folder(tmp_path_factory.mktemp("collected"))
    vault.ok("init")
    chat = vault.cwd / "WhatsApp Chat with Priya Nair.txt"
    chat.write_text(
        "01/02/2023, 10:01 - Priya Nair: Are you coming on Friday?\n"
        "01/02/2023, 10:02 - Ada Quill: of course, i'll bring the zanzibarian tin\n"
        "01/02/2023, 10:05 - Ada Quill: and two hats\n"
    )
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "search")
    vault.ok("consent", "allow", "message", "train")
    return vault


def learned(vault):
    out = vault.cwd / "rows.jsonl"
    vault.exported(out)
    return out.read_text()


def test_a_correction_is_what_is_searched_learned_and_shown_and_the_last_one_holds(
    collected, tmp_path
):
    vault = copied(collected, tmp_path)
    [hit] = vault.ok("search", "zanzibarian")["hits"]
    for words in ("no, the mauritian tin", "no, the\r\nmadagascan tin\n"):
        assert vault.ok("correct", hit["id"], text=words)["changed"] is True
    events = vault.ok("status")["events"]
    assert vault.ok("correct", hit["id"], text="no, the\nmadagascan tin")["changed"] is False
    assert vault.ok("status")["events"] == events
    assert vault.ok("show", hit["id"])["text"] == "no, the\nmadagascan tin"
    for word, hits in (("zanzibarian", 0), ("mauritian", 0), ("madagascan", 1)):
        assert len(vault.ok("search", word)["hits"]) == hits
        assert learned(vault).count(word) == hits
    assert (
        vault.ok("add", str(collected.cwd / "WhatsApp Chat with Priya Nair.txt"))["collected"] == 0
    )
    assert vault.ok("show", hit["id"])["text"] == "no, the\nmadagascan tin"
    assert vault.ok("verify")["problems"] == []


def test_erasing_an_item_erases_its_corrections_from_every_file(collected, tmp_path):
    vault = copied(collected, tmp_path)
    [hit] = vault.ok("search", "zanzibarian")["hits"]
    vault.ok("correct", hit["id"], text="the mauritian tin, the mauritian tin")
    vault.ok("correct", hit["id"], text="the madagascan tin")
    sealed = bodies(vault, hit["id"])
    assert len(sealed) == 3
    files = everything(vault)
    assert all(any(body in content for content in files.values()) for body in sealed)
    gone = vault.ok("forget", "--item", hit["id"], "--yes")
    assert (gone["items"], gone["keys_destroyed"]) == (1, 3)
    held = {store["store"]: store for store in gone["stores"]}
    assert held["bodies in the log"] == {
        "store": "bodies in the log", "destroyed": 3, "left": 0
    }  # fmt: skip
    assert all(store["left"] == 0 for store in gone["stores"])
    words = [word.encode() for word in ("zanzibarian", "mauritian", "madagascan")]
    for path, content in everything(vault).items():
        for word in (*words, *(word.decode().encode("utf-16-le") for word in words)):
            assert word not in content, path.name
        assert not any(body[at : at + 16] in content for body in sealed for at in range(0, len(body) - 16, 16)), path.name  # fmt: skip
    opened = in_the_clear(vault)
    assert b"two hats" in opened
    assert not any(word in opened for word in words)
    assert vault.refused(3, "correct", hit["id"], text="again")["code"] == "erased"
    assert vault.ok("verify")["problems"] == []


BODIES = """
import json, sys
from pathlib import Path
from console import bootstrap
twin = bootstrap.open_(Path(sys.argv[1]), sys.argv[2])
twin.catch_up()
for record in twin.log.located(twin.views.timeline.entries([sys.argv[3]])):
    print(record.body.hex())
"""

CLEAR = """
import sys
from pathlib import Path
from console import bootstrap
from vault.codec import encode
twin = bootstrap.open_(Path(sys.argv[1]), sys.argv[2])
twin.catch_up()
twin.views.settle(twin.vault.now())
for page in twin.log.pages():
    for entry in page.entries:
        if entry.event:
            sys.stdout.buffer.write(encode(entry.event))
for view in twin.views.all:
    sys.stdout.buffer.write(repr(view.dump()).encode())
    sys.stdout.buffer.write(view._db.serialize("main"))
for name in twin.models.names():
    sys.stdout.buffer.write(twin.models.read(name))
"""


def within(vault, code, *arguments):
    secret = vault.passphrase_file.read_text()
    return subprocess.run(
        [sys.executable, "-c", code, str(vault.home), secret, *arguments],
        capture_output=True,
        check=True,
        env=vault.environment(),
    ).stdout


def bodies(vault, item_id):
    """The sealed bodies of all entries that hold words of an item."""
    return [bytes.fromhex(line) for line in within(vault, BODIES, item_id).decode().split()]


def in_the_clear(vault):
    """Everything the unlocked vault can read: log, views with their free pages, models."""
    return within(vault, CLEAR)


@pytest.mark.parametrize(
    ("item", "words", "status", "code"),
    [
        ("nonsense", "new", 3, "not_found"),
        ("0011223344556677-1", "new", 3, "not_found"),
        (None, "", 2, "usage"),
        (None, " \n", 2, "usage"),
    ],
)
def test_what_cannot_be_corrected_is_said(collected, item, words, status, code):
    item = item or collected.ok("search", "zanzibarian")["hits"][0]["id"]
    assert collected.refused(status, "correct", item, text=words)["code"] == code
    assert len(collected.ok("search", "zanzibarian")["hits"]) == 1


def test_words_that_are_not_utf_8_are_refused(collected):
    [hit] = collected.ok("search", "zanzibarian")["hits"]
    done = subprocess.run(
        [sys.executable, "-c", "from console.cli import main; main()", "correct", hit["id"]],
        input=b"\xff\xfe",
        capture_output=True,
        check=False,
        env=collected.environment(),
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"UTF-8" in done.stderr


def test_on_a_terminal_the_editor_gets_the_words_and_leaves_no_file(collected, tmp_path):
    vault = copied(collected, tmp_path)
    [hit] = vault.ok("search", "zanzibarian")["hits"]
    memory = tmp_path / "memory"
    memory.mkdir()
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(str(path) + '\\n' + path.read_text())\n"
        "path.write_text(path.read_text().replace('zanzibarian', 'mauritian') + '\\n')\n"
    )
    master, slave = pty.openpty()
    reader = threading.Thread(target=drain, args=(master,))
    reader.start()
    done = subprocess.run(
        [sys.executable, "-c", "from console.cli import main; main()", "correct", hit["id"]],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        check=False,
        env=vault.environment()
        | {"EDITOR": f"{sys.executable} {editor}", "XDG_RUNTIME_DIR": str(memory), "VISUAL": ""},
    )
    os.close(slave)
    reader.join()
    os.close(master)
    assert done.returncode == 0
    place, words = (tmp_path / "seen").read_text().split("\n", 1)
    assert Path(place).is_relative_to(memory)
    assert words == "of course, i'll bring the zanzibarian tin"
    assert list(memory.iterdir()) == []
    assert vault.ok("show", hit["id"])["text"] == "of course, i'll bring the mauritian tin"


def drain(descriptor):
    try:
        while os.read(descriptor, 4096):
            pass
    except OSError:
        pass


# ---------------------------------------------------------------------- keeping for a time


@pytest.fixture(scope="module")
def ruled(tmp_path_factory):
    """A vault of seventy days, in use now and then, that keeps messages for sixty days."""
    vault = Command.in_folder(tmp_path_factory.mktemp("ruled"))
    vault.ok("init", before=shifted(-70))
    chat = vault.cwd / "WhatsApp Chat with Priya Nair.txt"
    chat.write_text(spoken(80, 75))
    vault.ok("add", str(chat), "--me", "Ada Quill", before=shifted(-69))
    vault.ok("consent", "allow", "message", "search", before=shifted(-69))
    kept = vault.ok("retention", "message", "60", before=shifted(-50))
    assert kept == {"rule": {"type": "message", "days": 60}, "erased": None}
    chat.write_text(spoken(80, 75, 30))
    vault.ok("add", str(chat), before=shifted(-25))
    return vault


def items(vault, **more):
    return vault.ok("status", **more)["items"]


def test_what_is_past_its_days_goes_by_itself_with_a_certificate(ruled, tmp_path):
    vault = copied(ruled, tmp_path)
    done = vault("search", "words", "--json")
    assert done.status == 0, done
    assert "2 items were past their days and were erased" in done.err
    [hit] = done.json["hits"]
    assert "30 days ago" in hit["snippet"]
    [paper] = (vault.home / "papers").glob("certificate-*.json")
    certificate = json.loads(json.loads(paper.read_text())["paper"])
    assert (certificate["cause"], len(certificate["items"])) == ("retention", 2)
    assert all(store["left"] == 0 for store in certificate["stores"])
    assert any("Backups" in one for one in certificate["not_promised"])
    assert any("Other devices" in one for one in certificate["not_promised"])
    assert vault("status").err == ""
    assert vault.ok("verify")["problems"] == []
    assert vault.ok("retention")["due"] == 0


def test_off_keeps_a_type_whatever_a_wider_rule_says_and_is_heeded_before_anything_goes(
    ruled, tmp_path
):
    vault = copied(ruled, tmp_path)
    vault.ok("retention", "message.chat", "off")
    assert items(vault) == 3
    assert vault.ok("retention")["rules"] == [
        {"type": "message", "days": 60},
        {"type": "message.chat", "days": None},
    ]


def test_a_pause_keeps_what_is_past_its_days(ruled, tmp_path):
    vault = copied(ruled, tmp_path)
    # Said while nothing was due yet.
    vault.ok("pause", "message", before=shifted(-24))
    assert items(vault) == 3
    vault.ok("resume", "message")
    assert items(vault) == 1


@pytest.mark.parametrize("days", [400, -400, 4400])
def test_a_clock_that_is_wrong_erases_nothing_and_says_so(ruled, tmp_path, days):
    vault = copied(ruled, tmp_path)
    assert items(vault) == 1
    wrong = vault("search", "words", "--json", before=shifted(days))
    assert len(wrong.json["hits"]) == 1
    assert ("still there" in wrong.err) is (days > 0)
    # What the wrong clock writes makes the log itself leap: that vouches for nothing.
    vault.ok("me", "Ada R", before=shifted(days))
    assert items(vault, before=shifted(days)) == 1
    assert items(vault) == 1
    assert items(vault, before=shifted(days + 20)) == 1
    assert vault.refused(3, "forget", "--due", "--yes")["code"] == "not_found" if days < 0 else True


def test_what_is_due_by_a_doubtful_clock_goes_when_the_owner_says_so(ruled, tmp_path):
    vault = copied(ruled, tmp_path)
    later = shifted(100)
    assert items(vault, before=later) == 3
    found = vault.ok("retention", before=later)
    assert (found["due"], "days apart" in found["doubt"]) == (3, True)
    assert vault.ok("forget", "--due", "--dry-run", before=later)["items"] == 3
    assert items(vault, before=later) == 3
    vault.refused(2, "forget", "--due", before=later)
    assert vault.ok("forget", "--due", "--yes", before=later)["items"] == 3
    assert items(vault, before=later) == 0


def test_a_rule_that_takes_something_away_at_once_asks_first(ruled, tmp_path):
    vault = copied(ruled, tmp_path)
    at = shifted(-24)
    vault.refused(2, "retention", "message", "30", before=at)
    assert vault.ok("retention", before=at)["rules"] == [{"type": "message", "days": 60}]
    kept = vault.ok("retention", "message", "30", "--yes", before=at)
    assert (kept["erased"]["items"], items(vault, before=at)) == (2, 1)


@pytest.mark.parametrize(
    "words", [("message",), ("message", "soon"), ("message", "0"), ("message", "99999"), ("mail", "3")]
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(ruled, words):
    at = shifted(-24)
    ruled.refused(2, "retention", *words, before=at)
    assert ruled.ok("retention", before=at)["rules"] == [{"type": "message", "days": 60}]


# ---------------------------------------------------------------------- erasing, looked at


LATE = """
import sys
from pathlib import Path
from console import bootstrap
from vault.events import CorrectionMade
twin = bootstrap.open_(Path(sys.argv[1]), sys.argv[2])
print(*twin.vault.record(CorrectionMade(item_id=sys.argv[3], text="the mauritian tin")))
"""


def test_late_words_of_an_erased_item_are_erased_by_the_next_command(collected, tmp_path):
    vault = copied(collected, tmp_path)
    [hit] = vault.ok("search", "zanzibarian")["hits"]
    vault.ok("forget", "--item", hit["id"], "--yes")
    [late] = within(vault, LATE, hit["id"]).decode().split()
    assert b"mauritian" in in_the_clear(vault)
    done = vault("status")
    assert "1 entries of erased items arrived late and were erased" in done.err
    assert b"mauritian" not in in_the_clear(vault)
    assert vault("status").err == ""
    assert vault.ok("verify")["problems"] == []
    assert late


def test_what_is_left_somewhere_is_told_and_exits_6(collected, tmp_path):
    vault = copied(collected, tmp_path)
    [hit] = vault.ok("search", "zanzibarian")["hits"]
    running = Scratch(vault.home)
    done = vault("forget", "--item", hit["id"], "--yes", "--json")
    running.remove()
    assert done.status == 6, done
    assert [store for store in done.json["stores"] if store["left"]] == [
        {"store": "copies of a clean run", "destroyed": 0, "left": 1}
    ]


def test_a_note_of_an_erasure_that_nobody_can_read_any_more_stops_nothing(collected, tmp_path):
    vault = copied(collected, tmp_path)
    note = vault.home / "models" / "erasing"
    note.write_bytes(b"sealed under a key that was replaced")
    assert vault.ok("status")["items"] == 3
    assert not note.exists()


def test_other_items_that_quote_the_collected_or_the_corrected_words_are_named(vault, tmp_path):
    chat = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    chat.write_text(
        "01/02/2023, 10:01 - Ada Quill: the zanzibarian tin stands behind the blue door\n"
        "01/02/2023, 10:02 - Priya Nair: ok, the zanzibarian tin stands behind the blue door\n"
        "01/02/2023, 10:03 - Priya Nair: so it is the mauritian tin in front of the red door\n"
        "01/02/2023, 10:04 - Priya Nair: nothing to do with it\n"
    )
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "search")
    vault.ok("consent", "allow", "message.chat.direct.received", "search")
    ids = {hit["snippet"][:5]: hit["id"] for hit in vault.ok("search", "the*")["hits"]}
    vault.ok("correct", ids["the z"], text="the mauritian tin in front of the red door")
    vault.ok("correct", ids["ok, t"], text="ok")
    gone = vault.ok("forget", "--item", ids["the z"], "--dry-run")
    assert set(gone["mentions"]) == {ids["ok, t"], ids["so it"]}


def test_forgetting_again_after_an_interrupt_finishes_and_certifies(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    die = (
        "from vault import points\n"
        "def reached(name):\n"
        "    if name == 'forget.suspended': raise KeyboardInterrupt\n"
        "points.reached = reached\n"
    )
    vault.refused(130, "forget", "--source", "whatsapp", "--yes", before=die)
    gone = vault.ok("forget", "--source", "whatsapp", "--yes")
    assert gone["items"] == 8
    assert Path(gone["certificate"]).exists()
    vault.refused(3, "forget", "--source", "whatsapp", "--yes")


def test_a_time_to_keep_that_is_none_is_refused(vault):
    for days in ("0", "36501", "99999999999", "x"):
        vault.refused(2, "retention", "document.note", days)
