"""Training views by hand: defined, replayed, reviewed, explained."""

import json

import pytest

RECEIVED = "message.chat.direct.received"


@pytest.fixture
def built(vault, chat):
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    vault.ok("consent", "allow", RECEIVED, "train")
    vault.ok("view", "build")
    return vault


def named(vault, answer):
    pairs = vault.ok("pairs", "list", "--limit", "1000")["pairs"]
    return next(one["pair"] for one in pairs if answer in one["answer"])


def test_a_defined_view_stands_beside_the_one_of_everything(built):
    made = built.ok("view", "define", "mine", "--mine", "--type", "message.chat")
    everything = built.ok("view", "build")["rows"]
    assert 0 < made["rows"] <= everything
    assert [one["view"] for one in built.ok("view", "list")["views"]] == ["", "mine"]
    assert built.ok("view", "build", "--view", "mine")["rows"] == made["rows"]
    assert built.ok("view", "drop", "mine") == {"view": "mine"}
    assert "twin view list" in built.refused(3, "view", "stats", "--view", "mine")["message"]


def test_a_view_that_can_hold_nothing_is_refused_or_says_so(built):
    refused = built.refused(
        2, "view", "define", "none", "--since", "2024-01-02", "--until", "2024-01-01"
    )
    assert "--since" in refused["message"]
    built.refused(2, "view", "define", "Big Name")
    built.refused(2, "view", "define", "x", "--type", "nonsense")
    assert built.ok("view", "define", "later", "--since", "2999-01-01")["rows"] == 0


def test_the_past_is_what_it_was_and_leaves_nothing_behind(built):
    before = built.ok("view", "build")
    digest = built.ok("view", "build", "--at", str(before["position"]))
    assert digest["rows"] == digest["permitted_today"] == before["rows"]
    built.ok("withdraw", "message", "train")
    then = built.ok("view", "build", "--at", str(before["position"]))
    assert then["digest"] == digest["digest"]
    assert (then["rows"], then["permitted_today"]) == (before["rows"], 0)
    assert built.ok("view", "build")["rows"] == 0
    assert not list(built.home.glob("clean-*"))


def test_before_the_first_word_behind_the_last_and_on_no_day_at_all(built):
    end = built.ok("view", "build")["position"]
    assert str(end) in built.refused(2, "view", "build", "--at", str(end + 1))["message"]
    assert "later" in built.refused(2, "view", "stats", "--at", "2001-01-01")["message"]
    assert "yet to come" in built.refused(2, "view", "stats", "--at", "2999-01-01")["message"]
    built.refused(2, "view", "stats", "--at", "yesterday")


def test_an_export_of_the_past_holds_only_what_is_permitted_today(built, tmp_path):
    position = str(built.ok("view", "build")["position"])
    out = tmp_path / "then.jsonl"
    split = "train" if built.ok("view", "stats")["train"] else "held"
    export = ("view", "export", "--split", split, "--out", str(out), "--at", position)
    assert built.ok(*export)["rows"] > 0
    out.unlink()
    built.ok("withdraw", "message", "train")
    assert "twin consent allow" in built.refused(1, *export)["message"]
    assert not out.exists()


def test_an_export_has_a_card_and_keeps_what_is_held_out_apart(built, tmp_path):
    stats = built.ok("view", "stats")
    out = tmp_path / "rows.jsonl"
    split = "train" if stats["train"] else "held"
    export = ("view", "export", "--split", split, "--out", str(out))
    done = built.ok(*export)
    assert done["rows"] == len(out.read_text().splitlines()) == stats[split]
    assert "content root" in (tmp_path / "rows.jsonl.card.md").read_text().lower()
    table = built.ok("view", "export", "--format", "parquet", "--out", str(tmp_path / "r.parquet"))
    assert table["rows"] == stats["rows"]
    inside = built.refused(2, *export[:-1], str(built.home / "rows.jsonl"))
    assert "within the vault" in inside["message"]
    built.refused(2, *export, "--service", "nobody")


def test_what_she_edited_is_preferred_to_what_stood_there(built, tmp_path):
    rows = built.ok("pairs", "list", "--limit", "1000")["pairs"]
    first = rows[0]
    built.ok("pairs", "edit", first["pair"], text="We paint the boat blue")
    out, split = tmp_path / "preferences.jsonl", first["split"]
    export = ("view", "export", "--format", "preferences", "--split", split, "--out", str(out))
    done = built.ok(*export)
    [line] = map(json.loads, out.read_text().splitlines())
    assert done["rows"] == 1
    assert line["chosen"][0]["content"] == "We paint the boat blue"
    assert line["rejected"][0]["content"] == first["answer"]


def test_every_view_made_again_says_the_same(built):
    built.ok("view", "define", "mine", "--mine")
    checked = built.ok("view", "check")
    assert {name for name, _ in checked["views"]} >= {"timeline", "search", "training-mine"}
    assert all(same for _, same in checked["views"])


def test_a_pair_is_read_rejected_and_brought_back(built):
    first = built.ok("pairs", "list")["pairs"][0]
    count = built.ok("pairs", "list")["of"]
    assert built.ok("pairs", "reject", first["pair"][:12])["verdict"] == "rejected"
    assert built.ok("pairs", "list")["of"] == count - 1
    out = built.ok("pairs", "list", "--left-out")["left_out"]
    assert (first["pair"], "rejected") in {(one["pair"], one["reason"]) for one in out}
    assert built.ok("pairs", "approve", first["pair"])["changed"]
    assert not built.ok("pairs", "approve", first["pair"])["changed"]
    assert built.ok("pairs", "list", "--verdict", "approved")["of"] == 1


def test_an_edited_pair_survives_a_rebuild_and_goes_with_its_item(built):
    first = built.ok("pairs", "list")["pairs"][0]["pair"]
    built.ok("pairs", "edit", first, text="What now?\n-----\nWe paint the boat blue\n")
    for store in (built.home / "views").glob("*.db"):
        store.unlink()
    [edited] = built.ok("pairs", "list", "--verdict", "edited")["pairs"]
    assert (edited["pair"], edited["prompt"], edited["answer"]) == (
        first,
        "What now?",
        "We paint the boat blue",
    )
    built.ok("forget", "--person", "Priya Nair", "--yes")
    assert built.ok("pairs", "list", "--verdict", "edited")["pairs"] == []


def test_what_names_no_pair_or_several_is_refused(built):
    assert "pairs list" in built.refused(3, "pairs", "reject", "0000ffff0000")["message"]
    built.refused(2, "pairs", "reject", "0")
    first = built.ok("pairs", "list")["pairs"][0]["pair"]
    assert "reject" in built.refused(2, "pairs", "edit", first, text="-----\n \n")["message"]


def test_the_report_says_who_dominates(built):
    report = built.ok("pairs", "report")
    assert {one["name"] for one in report["dimensions"]} >= {"people", "source", "type"}
    assert report["findings"]


def test_why_names_the_statement_that_decided_in_every_view(built):
    built.ok("consent", "allow", "message", "search")
    hit = built.ok("search", "a*")["hits"][0]["id"]
    built.ok("view", "define", "notes", "--type", "document")
    traced = {one["view"]: one for one in built.ok("why", hit)["places"]}
    assert traced["timeline"]["within"]
    assert traced["search"]["within"]
    assert traced["search"]["statement"]
    assert not traced["training-notes"]["within"]
    assert "outside" in traced["training-notes"]["reason"]
    built.ok("withdraw", "message", "train")
    after = {one["view"]: one for one in built.ok("why", hit)["places"]}
    assert not after["training"]["within"]
    assert after["training"]["statement"]
    built.refused(3, "why", "0" * 16 + "-9999")


def test_a_model_learns_from_a_view_and_forgets_it(vault, many_chats, toy):
    vault.ok("add", str(many_chats()), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    vault.ok("view", "define", "mine", "--mine")
    rows = vault.ok("view", "build", "--view", "mine")["rows"]
    assert 0 < vault.ok("train", "--view", "mine", "--recipe", str(toy))["rows"] <= rows
    vault.refused(3, "train", "--view", "nothing")


def test_a_damaged_view_is_made_again_and_says_so(built):
    rows = built.ok("view", "build")["rows"]
    store = built.home / "views" / "training.db"
    store.write_bytes(b"\0" * 4096 + store.read_bytes()[4096:])
    done = built("view", "build", "--json")
    assert json.loads(done.out)["rows"] == rows
    assert "training" in done.err
    assert "again" in done.err


def test_who_forgets_is_told_of_files_that_may_hold_the_words(built, tmp_path):
    """Files that were written before nobody can take back: they are named, and looked for."""
    out, proof, copy = tmp_path / "rows.parquet", tmp_path / "one.tlog-proof", tmp_path / "copy"
    built.ok("consent", "allow", "message", "search")
    item, other = (built.ok("search", word)["hits"][0] for word in ("leeks", "soup"))
    built.ok("view", "export", "--format", "parquet", "--out", str(out))
    built.ok("prove", item["id"], "--reveal", "--out", str(proof))
    built.ok("prove", other["id"], "--out", str(tmp_path / "bare"))
    built.ok("export", str(copy))
    out.unlink()
    gone = built.ok("forget", "--item", item["id"], "--dry-run")
    found = {one["kind"]: one for one in gone["written_out"]}
    assert {kind: (one["place"], one["is_there"]) for kind, one in found.items()} == {
        "training examples": (str(out), False),
        "proof with words": (str(proof), True),
        "portable copy": (str(copy), True),
    }
    assert {one["kind"] for one in built.ok("forget", "--item", other["id"], "--dry-run")["written_out"]} == {
        "training examples", "portable copy",
    }  # fmt: skip
    said = built("forget", "--item", item["id"], "--yes")
    assert f"{copy}: delete it yourself." in said.out
    assert f"{out}: nothing lies there now." in said.out
    paper = json.loads(
        json.loads(next((built.home / "papers").glob("certificate-*")).read_text())["paper"]
    )
    assert len(paper["written_out"]) == 3
