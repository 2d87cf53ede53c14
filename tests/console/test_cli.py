"""The command line to the letter: options, JSON, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_help_is_instant_and_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from console.cli import main\n"
        "try:\n main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'rdflib', 'fastapi', 'apsw',\n"
        "         'cryptography', 'eventsourcing', 'msgspec', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_init_makes_a_vault_and_a_recovery_key_outside_it(twin):
    made = twin.ok("init")
    assert Path(made["vault"]) == twin.home
    key = Path(made["recovery_key_file"])
    assert key.exists()
    assert not key.is_relative_to(twin.home)
    assert key.stat().st_mode & 0o077 == 0
    assert set(made) == {"vault", "recovery_key_file"}


def test_the_recovery_key_opens_the_vault_in_place_of_the_passphrase(vault):
    key = next(vault.home.parent.glob("*recovery*"))
    assert vault.ok("status", env={"TWIN_PASSPHRASE_FILE": str(key)})["events"] >= 1


def test_a_second_init_is_refused_and_changes_nothing(vault):
    before = sorted((p.name, p.stat().st_mtime_ns) for p in vault.home.iterdir())
    assert vault("init", "--json").status != 0
    assert before == sorted((p.name, p.stat().st_mtime_ns) for p in vault.home.iterdir())


def test_global_options_stand_before_and_after_the_subcommand(vault, tmp_path):
    elsewhere = str(tmp_path / "elsewhere")
    assert vault("--json", "status").json["items"] == 0
    assert vault("--home", elsewhere, "status").status == 3
    assert vault("status", "--home", elsewhere).status == 3
    assert vault("consent", "--json", "show").json == {"statements": [], "pauses": []}
    assert vault("consent", "show", "--json").json == {"statements": [], "pauses": []}


@pytest.mark.parametrize(
    ("status", "arguments"),
    [
        (2, ["nonsense"]),
        (2, ["add"]),
        (2, ["consent", "allow", "message", "dance"]),
        (2, ["consent", "allow", "no-such-root.x", "train"]),
        (2, ["consent", "allow", "message", "train", "--recipient", "bank"]),
        (2, ["forget"]),
        (2, ["forget", "--item", "a", "--person", "b"]),
        (3, ["show", "no-such-id"]),
        (3, ["add", "no-such-path"]),
        (3, ["forget", "--item", "no-such-id", "--yes"]),
        (3, ["chat", "hello"]),
        (3, ["retrain"]),
        (5, ["train"]),
    ],
)
def test_refusals_have_their_exit_code_and_one_sentence(vault, status, arguments):
    vault.refused(status, *arguments)


def test_without_a_vault_commands_say_where_it_should_be(twin):
    error = twin.refused(3, "status")
    assert str(twin.home) in error["message"]


def test_a_wrong_passphrase_is_locked_and_changes_nothing(vault, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong horse battery staple")
    before = {p: p.read_bytes() for p in vault.home.rglob("*") if p.is_file()}
    assert vault.refused(4, "status", env={"TWIN_PASSPHRASE_FILE": str(wrong)})["code"] == "locked"
    assert before == {p: p.read_bytes() for p in vault.home.rglob("*") if p.is_file()}


def test_without_passphrase_and_terminal_the_vault_stays_locked(vault):
    vault.refused(4, "status", env={"TWIN_PASSPHRASE_FILE": ""})


def test_add_counts_every_record_once(vault, chat):
    added = vault.ok("add", str(chat), "--me", "Ada Quill")
    assert added["read"] == added["collected"] + added["duplicates"] + len(added["bad"])
    assert (added["collected"], added["duplicates"], added["bad"]) == (8, 0, [])
    assert added["first_at"].startswith("2023-02-01T")
    assert added["first_at"].endswith("Z")
    again = vault.ok("add", str(chat))
    assert (again["collected"], again["duplicates"]) == (0, 8)
    assert vault.ok("status")["items"] == 8


def test_a_dry_run_stores_nothing_not_even_a_permission(vault, chat):
    events = vault.ok("status")["events"]
    assert vault.ok("add", str(chat), "--me", "Ada Quill", "--dry-run")["collected"] == 8
    assert vault.ok("status")["events"] == events
    assert vault.ok("consent", "show") == {"statements": [], "pauses": []}


def test_me_is_remembered_and_decides_what_was_sent(vault, chat):
    assert vault.ok("me", "Ada Quill") == {"names": ["ada quill"]}
    assert vault.ok("me") == {"names": ["ada quill"]}
    vault.ok("add", str(chat))
    vault.ok("consent", "allow", "message", "search")
    hits = vault.ok("search", "leeks")["hits"]
    assert [hit["type"] for hit in hits] == ["message.chat.direct.sent"]
    assert set(hits[0]) == {"id", "at", "type", "by", "snippet"}
    shown = vault.ok("show", hits[0]["id"])
    assert "six leeks" in shown["text"]


def test_unknown_names_and_no_terminal_make_everything_received_with_a_warning(vault, chat):
    done = vault("add", str(chat), "--json")
    assert done.status == 0
    assert "received" in done.err
    vault.ok("consent", "allow", "message.chat.direct.received", "search")
    assert len(vault.ok("search", "soup")["hits"]) >= 1


def test_naming_oneself_later_and_adding_again_revises_the_direction(vault, chat):
    vault("add", str(chat))
    vault.ok("me", "Ada Quill")
    again = vault.ok("add", str(chat))
    assert again["collected"] == 4
    assert again["duplicates"] == 4
    assert vault.ok("status")["items"] == 8


def test_adding_grants_collect_on_the_record_and_an_earlier_denial_wins(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    statements = vault.ok("consent", "show")["statements"]
    assert {s["purpose"] for s in statements} == {"collect"}
    assert {s["filters"]["source"] for s in statements} == {"whatsapp"}
    vault.ok("withdraw", "message", "collect", "--source", "whatsapp")
    assert vault.refused(5, "add", str(chat))["code"] == "consent"


def test_nothing_is_searchable_until_it_is_allowed(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    assert vault.ok("search", "leeks") == {"hits": []}
    vault.ok("consent", "allow", "message", "search")
    assert len(vault.ok("search", "leeks")["hits"]) == 1
    assert vault.ok("search", "sleep")["hits"] == []  # Priya's words were not named
    vault.ok("withdraw", "message", "search")
    assert vault.ok("search", "leeks") == {"hits": []}


def test_the_view_is_redacted_and_exports_chat_messages(vault, chat, tmp_path):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    assert vault.ok("view", "build")["rows"] == 0
    vault.ok("consent", "allow", "message", "train")
    vault.ok("consent", "allow", "message.chat.direct.received", "train")
    assert vault.ok("view", "build")["rows"] > 0
    out = tmp_path / "rows.jsonl"
    written = vault.exported(out)
    text = out.read_text()
    assert written["rows"] == len(text.splitlines())
    assert '"messages"' in text
    assert "900142" not in text
    assert "priya" not in text.lower()
    stats = vault.ok("view", "stats")
    assert stats["rows"] == stats["train"] + stats["held"]
    assert vault.ok("view", "preview")["samples"]


def test_forget_asks_first_and_exits_2_without_a_terminal(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.refused(2, "forget", "--person", "Priya Nair")
    assert vault.ok("status")["items"] == 8


def test_forget_erases_for_ever_with_a_certificate(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "search")
    hit = vault.ok("search", "leeks")["hits"][0]["id"]
    would = vault.ok("forget", "--item", hit, "--dry-run")
    assert (would["items"], would["certificate"]) == (1, None)
    gone = vault.ok("forget", "--item", hit, "--yes")
    assert (gone["items"], gone["keys_destroyed"]) == (1, 1)
    assert Path(gone["certificate"]).exists()
    assert "leeks" not in Path(gone["certificate"]).read_text()
    assert vault.ok("search", "leeks") == {"hits": []}
    assert vault.refused(3, "show", hit)["code"] == "erased"
    assert vault.ok("verify")["problems"] == []
    again = vault.ok("add", str(chat))
    assert (again["collected"], again["duplicates"]) == (0, 8)  # a tombstone keeps it out
    assert vault.ok("search", "leeks") == {"hits": []}


def test_verify_finds_a_flipped_bit_and_exits_6(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    log = vault.home / "log.db"
    body = bytearray(log.read_bytes())
    place = body.rindex(b"item.collected/2") + 400
    body[place] ^= 1
    log.write_bytes(body)
    done = vault("verify", "--json")
    assert done.status == 6, done


def test_doctor_says_what_is_missing(twin):
    checks = {check["name"]: check for check in twin.ok("doctor")["checks"]}
    assert not checks["vault"]["ok"]
    assert "twin init" in checks["vault"]["finding"]


def test_an_empty_and_a_binary_file_are_refused_by_name(vault, tmp_path):
    for name, content in (("empty.mbox", b""), ("noise.bin", bytes(range(256)) * 40)):
        path = tmp_path / name
        path.write_bytes(content)
        done = vault("add", str(path), "--json")
        assert done.status == 1, done
        assert name in done.out + done.err
