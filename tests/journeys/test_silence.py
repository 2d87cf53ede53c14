"""What was collected never enters a log line, an error message or any other talk."""

import io
import json
import zipfile

import pytest

# Words that stand in what is collected, and nowhere in names of files or in what is typed.
CANARIES = ("zyxmarigold", "quopplewick", "brindlevane", "snorfleton", "glimwhistle", "tazzlebury")

# Every process of ours writes whatever is logged, from DEBUG on, to stderr.
LISTENING = """
import logging, warnings
logging.basicConfig(level=logging.DEBUG)
logging.captureWarnings(True)
logging.getLogger("probe").debug("listening")
"""

GOOD_CHAT = "".join(
    f"{day:02d}/03/2023, 10:00 - Snorfleton Bly: where is the {CANARIES[0]} number {day}?\n"
    f"{day:02d}/03/2023, 10:05 - Ada Quill: in the {CANARIES[1]} of {CANARIES[5]}, day {day}\n"
    for day in range(1, 29)
)
BROKEN_CHAT = GOOD_CHAT + (
    f"45/13/2023, 10:00 - Ada Quill: {CANARIES[0]} on a day that is none\n"
    f"01/03/2023, 99:99 - Ada Quill: {CANARIES[2]}\n"
)
MAIL = (
    "From ada Thu Mar  2 10:00:00 2023\n"
    "From: Ada Quill <ada@quill.example>\nTo: Snorfleton Bly <s@bly.example>\n"
    f"Subject: the {CANARIES[2]}\nDate: Thu, 02 Mar 2023 10:00:00 +0000\n"
    f"Message-ID: <1@quill.example>\n\nbring the {CANARIES[0]}\n\n"
    "From ada Thu Mar  2 11:00:00 2023\n"
    f"no header at all but {CANARIES[2]}\n\n"
    "From ada Thu Mar  2 12:00:00 2023\n"
    f"From: {CANARIES[4]}\nDate: {CANARIES[2]} o'clock\n"
    f"Content-Type: text/plain; charset={CANARIES[4]}\n"
    f"Content-Transfer-Encoding: {CANARIES[2]}\n\n{CANARIES[0]}\n\n"
    "From ada Thu Mar  2 13:00:00 2023\n"
    "From: Ada Quill <ada@quill.example>\n"
    f'Content-Type: multipart/mixed; boundary="{CANARIES[4]}"\n\n'
    f"--{CANARIES[4]}\nContent-Type: application/{CANARIES[2]}\n\n{CANARIES[0]}\n"
)


def zipped(content):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("note.txt", content)
    return held.getvalue()


@pytest.fixture
def exports(tmp_path):
    """Good and broken exports; the words are in what the files hold, never in what they are called."""
    folder = tmp_path / "exports"
    folder.mkdir()
    word = CANARIES[3].encode()
    archive = zipped(GOOD_CHAT * 50)
    files = {
        "WhatsApp Chat with Friend.txt": GOOD_CHAT.encode(),
        "WhatsApp Chat with Broken.txt": BROKEN_CHAT.encode(),
        "mail.mbox": MAIL.encode(),
        "cut.mbox": MAIL.encode()[: MAIL.index("Message-ID") + 5],
        "note.md": f"---\ndate: {CANARIES[2]}\ntags: [{CANARIES[4]}\n---\n{CANARIES[0]}\n".encode(),
        "torn.md": b"---\n" + word + b"\x00\xff\xfe" * 200 + word,
        "journal.txt": f"# 2023-02-31\n{CANARIES[0]}\n\n# 2023-03-01\n{CANARIES[1]}\n".encode(),
        "noise.bin": word + bytes(range(256)) * 20 + word,
        "cut.zip": archive[: len(archive) // 2],
        "flipped.zip": archive[:60] + bytes([archive[60] ^ 255]) + archive[61:],
        "bare.eml": b"Subject: " + word + b"\n\n" + word * 10,
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def words_in(text):
    return [word for word in CANARIES if word in text.lower()]


@pytest.fixture
def quiet(vault):
    """Run a command while everything is logged, and refuse a collected word in what it says."""

    def run(*arguments, status=0, shows_content=False, before="", **more):
        done = vault(*arguments, before=LISTENING + before, **more)
        assert status is None or done.status == status, (arguments, done)
        assert "DEBUG:probe:listening" in done.err
        assert words_in(done.err) == [], (arguments, done.err)
        if not shows_content:
            assert words_in(done.out) == [], (arguments, done.out)
        return done

    return run


def test_adding_good_and_broken_records_says_where_and_why_and_never_what(quiet, exports):
    added = quiet("add", str(exports), "--me", "Ada Quill", "--json").json
    assert added["collected"] > 50
    assert len(added["bad"]) >= 4
    quiet("add", str(exports))
    quiet("add", str(exports), "--dry-run")
    for path in sorted(exports.iterdir()):
        quiet("add", str(path), "--source", "mbox", "--json", status=None)
    quiet("verify")


def test_searching_forgetting_and_refusals_quote_nothing(quiet, exports, vault):
    quiet("add", str(exports), "--me", "Ada Quill")
    for arguments in (
        ["me"],
        ["status"],
        ["doctor"],
        ["view", "build"],
        ["train"],
        ["chat", "oh?"],
    ):
        refused = {"train": 5, "chat": 3}.get(arguments[0], 0)
        quiet(*arguments, status=refused)
        quiet(*arguments, "--json", status=refused)
    for purpose in ("search", "train"):
        quiet("consent", "allow", "message", purpose)
    quiet("view", "stats", shows_content=True)
    quiet("view", "preview", shows_content=True)
    hit = quiet("search", CANARIES[1], "--json", shows_content=True).json["hits"][0]
    quiet("search", f'"{CANARIES[1]} AND (')
    quiet("show", hit["id"], shows_content=True)
    quiet("show", hit["id"] + "0", status=3)
    quiet("forget", "--item", hit["id"], "--dry-run")
    quiet("forget", "--item", hit["id"], "--yes", "--json")
    quiet("show", hit["id"], status=3)
    quiet("forget", "--person", "Snorfleton Bly", status=2)  # no terminal to ask on
    quiet("withdraw", "message", "train", "--person", "Snorfleton Bly", "--json")
    gone = quiet("forget", "--person", "Snorfleton Bly", "--yes", "--json").json
    assert gone["items"] > 20
    papers = [path.read_text() for path in vault.cwd.rglob("*.json") if "home" in path.parts]
    assert papers
    assert [words_in(paper) for paper in papers] == [[]] * len(papers)
    quiet("add", str(exports), "--json")
    quiet("verify", "--json")


def test_training_and_its_failures_quote_nothing(quiet, exports, toy, vault, tmp_path):
    quiet("add", str(exports), "--me", "Ada Quill")
    quiet("consent", "allow", "message", "train", "--redact", "none")
    quiet("consent", "allow", "message.chat.direct.received", "train", "--redact", "none")
    broken = (
        "import sys\n"
        "if 'trainer.worker' in sys.orig_argv:\n"
        "    import trainer.worker as w, trainer.tokenizer as t\n"
        "    real = t.Fixed.example\n"
        "    def example(self, messages):\n"
        f"        if {CANARIES[5]!r} in messages[-1].content:\n"
        "            raise ValueError(messages[-1].content)\n"
        "        return real(self, messages)\n"
        "    t.Fixed.example = example\n"
    )
    (tmp_path / "sitecustomize.py").write_text(broken)
    path = vault.environment()["PYTHONPATH"]
    done = quiet(
        *("train", "--recipe", str(toy), "--json"),
        status=1,
        env={"PYTHONPATH": f"{tmp_path}:{path}"},
    )
    assert "ValueError" in done.json["error"]["message"]
    quiet("train", "--recipe", str(toy), "--json")
    quiet("withdraw", "message", "train", "--conversation", "Broken")
    quiet("retrain", "--prove", "--json")
    quiet("models")
    quiet("chat", "where?", shows_content=True)


def test_an_unexpected_error_tells_its_kind_and_nothing_of_its_text(quiet, exports):
    quiet("add", str(exports), "--me", "Ada Quill")
    quiet("consent", "allow", "message", "search")
    hit = quiet("search", CANARIES[1], "--json", shows_content=True).json["hits"][0]["id"]
    for kind in ("ValueError", "KeyError", "OSError", "UnicodeError"):
        failing = (
            "import console.use.viewing as v\n"
            "real = v.show\n"
            f"def show(*a): raise {kind}(real(*a).text)\n"
            "v.show = show\n"
        )
        done = quiet("show", hit, "--json", status=1, before=failing)
        assert kind in done.json["error"]["message"]
        assert "Traceback" not in done.err


def test_a_tampered_vault_is_reported_by_position(quiet, exports, vault):
    quiet("add", str(exports), "--me", "Ada Quill")
    log = vault.home / "log.db"
    body = bytearray(log.read_bytes())
    body[body.rindex(b"item.collected/2") + 200] ^= 1
    log.write_bytes(body)
    told = quiet("verify", "--json", status=6)
    assert json.loads(told.out)
