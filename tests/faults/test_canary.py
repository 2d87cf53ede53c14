"""A word that was collected, in every form, in every byte that a whole session leaves behind."""

import base64
import gzip
import zlib
from pathlib import Path

from tests.faults.scan import files_of, forms, found_in, found_in_files

CANARY = "zanzibarcanary"


def test_the_scanner_finds_what_was_planted():
    noise = bytes(range(256)) * 40
    for name, form in forms(CANARY).items():
        assert (CANARY, name) in found_in(noise + form + noise, [CANARY]), name
    word = f"before {CANARY} after ".encode()
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    for packed in (
        zlib.compress(word * 9),
        gzip.compress(word * 9),
        raw.compress(word * 9) + raw.flush(),
        gzip.compress(base64.b64encode(word)),
        gzip.compress(zlib.compress(word * 9)),
    ):
        assert found_in(noise + packed + noise, [CANARY])
    assert not found_in(noise, [CANARY])


def test_a_whole_session_leaves_no_word_behind_in_any_form(vault, toy, many_chats, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    told: list[str] = []

    def run(*arguments: str, text: str = "") -> None:
        done = vault(*arguments, text=text, env={"TMPDIR": str(temporary)})
        assert done.status == 0, (arguments, done)
        told.append(done.err)

    chats = many_chats()
    for path in chats.iterdir():
        words = path.read_text().replace("answer", CANARY).replace("soup", f"soup {CANARY}2")
        path.write_text(words)
    run("add", str(chats), "--me", "Ada Quill")
    for kind in ("message", "message.chat.direct.received"):
        run("consent", "allow", kind, "train")
    run("consent", "allow", "message", "search")
    run("search", CANARY)
    hits = vault.ok("search", CANARY)["hits"]
    run("correct", hits[0]["id"], text=f"{CANARY} corrected\n")
    run("train", "--recipe", str(toy))
    run("chat", f"what of {CANARY}?")
    run("forget", "--item", hits[1]["id"], "--yes")
    run("backup", str(tmp_path / "backup"))
    run("keys", "rotate", "scopes")
    run("verify")
    left = files_of(vault.home, temporary, tmp_path / "backup")
    assert len(left) > 8
    assert found_in_files(left, [CANARY]) == []
    assert found_in("\n".join(told).encode(), [CANARY]) == set()
    assert Path(vault.home / "log.db").stat().st_size > 100_000
