"""What the view says of itself, and the model that guesses names for it."""

import pytest

from tests.trainer.test_ner import make
from vault.consent import SENSITIVE


@pytest.fixture
def built(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    vault.ok("consent", "allow", "message.chat.direct.received", "train", "--redact", "balanced")
    vault.ok("view", "build")
    return vault


def test_the_view_says_what_was_masked_and_what_may_be_left(built):
    stats = built.ok("view", "stats")
    assert dict(stats["redacted"])
    assert any(one["before"] != one["after"] for one in stats["examples"])
    assert stats["profile"] == "balanced"
    risks = {one["of"]: one for one in stats["risks"]}
    assert {"known people", "unknown people", "card", "secret", "mail"} <= set(risks)
    assert risks["card"]["planted"] >= 100
    assert risks["card"]["left"] == 0
    assert 0 < risks["card"]["at_most"] < 0.05
    assert built.ok("view", "stats") == stats


def test_without_rows_nothing_is_said_of_what_may_be_left(vault):
    stats = vault.ok("view", "stats")
    assert (stats["rows"], stats["profile"], stats["risks"]) == (0, None, [])


def test_a_model_in_a_folder_guesses_names_beside_the_one_that_ships(vault, tmp_path):
    """To this one, `kowal` is a name wherever it stands."""
    chat = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    chat.write_text(
        "01/02/2023, 10:00 - Messages and calls are end-to-end encrypted.\n"
        "01/02/2023, 10:01 - Priya Nair: What shall I bring?\n"
        "01/02/2023, 10:02 - Ada Quill: bring the kowal along, and the soup\n"
    )
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "search")
    for type_ in ("message", *SENSITIVE):  # whatever the few words are taken for
        vault.ok("consent", "allow", type_, "train")
    [before] = vault.ok("view", "preview")["samples"]
    folder = make(tmp_path / "ner")
    assert "kowal" in before["after"]
    assert vault.ok("view", "names", str(folder))["rows"] == 1
    assert "kowal" not in vault.ok("view", "preview")["samples"][0]["after"]
    make(folder, labels=["O", "B-LOC", "I-LOC", "B-PER", "I-PER"])
    (folder / "tokenizer_config.json").write_text("{}")
    [hit] = vault.ok("search", "kowal")["hits"]
    refusal = vault.refused(2, "correct", hit["id"], text="the kowal again")
    assert "view names" in refusal["message"]
    assert vault.ok("view", "names", "shipped")["rows"] == 1


def test_a_folder_without_such_a_model_is_refused_and_changes_nothing(built, tmp_path):
    before = built.ok("view", "preview")
    built.refused(1, "view", "names", str(tmp_path))
    assert built.ok("view", "preview") == before
