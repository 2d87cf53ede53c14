"""`twin labels`: look, say better, and see it count at once."""

import pytest

CHAT = """\
01/02/2023, 10:00 - Messages and calls are end-to-end encrypted.
01/02/2023, 10:01 - Priya Nair: Are you coming on Friday?
01/02/2023, 10:02 - Ada Quill: of course, i'll bring the soup
02/02/2023, 18:20 - Priya Nair: Did you hear?
02/02/2023, 18:25 - Ada Quill: they found cancer in my liver and the chemo starts on monday
03/02/2023, 08:00 - Priya Nair: What time is the boat?
03/02/2023, 08:10 - Ada Quill: half six at the slip, wear two hats
"""


@pytest.fixture
def told(vault, tmp_path):
    """A vault with a chat in which one message is about health."""
    path = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    path.write_text(CHAT)
    vault.ok("add", str(path), "--me", "Ada Quill")
    return vault


def test_labels_are_listed_with_score_and_snippet(told):
    listed = told.ok("labels")
    [one] = [item for item in listed["items"] if item["label"] == "health"]
    assert set(one) == {"id", "at", "type", "label", "score", "holds", "by", "snippet"}
    assert one["snippet"].startswith("they found cancer")
    assert (one["holds"], one["by"]) == (True, "words")
    assert one["score"] > 0.5
    assert dict(listed["counts"])["health"] == 1
    assert told.ok("labels", "list", "--label", "health")["items"] == [one]
    assert told.ok("labels", "--label", "ethnicity") == {"items": [], "counts": []}


def test_unsure_lists_what_is_nearest_to_the_border_first(told):
    listed = told.ok("labels", "--unsure", "--limit", "3")["items"]
    assert len(listed) == 3
    assert {item["by"] for item in listed} == {"words"}


def test_a_correction_counts_at_once_in_search_and_training(told):
    told.ok("consent", "allow", "message", "search")
    told.ok("consent", "allow", "message", "train")
    [one] = told.ok("labels", "--label", "health")["items"]
    assert len(told.ok("search", "cancer")["hits"]) == 1
    rows = told.ok("view", "stats")["rows"]
    said = told.ok("labels", "clear", one["id"], "health")
    assert said["changed"]
    assert not said["holds"]
    assert len(told.ok("search", "cancer")["hits"]) == 1
    assert told.ok("view", "stats")["rows"] == rows + 1
    assert not told.ok("labels", "clear", one["id"], "health")["changed"]
    assert told.ok("labels", "set", one["id"], "health")["holds"]
    assert told.ok("search", "cancer")["hits"] == []
    assert told.ok("labels", "--label", "health")["items"][0]["by"] == "you"


def test_why_shows_label_score_and_what_follows(told):
    told.ok("consent", "allow", "message", "train")
    [one] = told.ok("labels", "--label", "health")["items"]
    why = told.ok("labels", "why", one["id"])
    assert why["labels"][0]["label"] == "health"
    assert why["labels"][0]["score"] == one["score"]
    assert {
        "purpose": "train",
        "permitted": False,
        "reason": "Nothing allows health for train.",
    } in (why["uses"])
    told.ok("consent", "allow", "health", "train")
    assert told.ok("labels", "why", one["id"])["uses"][1]["permitted"]


def test_words_for_a_person_name_label_score_and_way_out(told):
    out = told("labels").out
    assert "health" in out
    assert "they found cancer" in out
    assert "twin labels set ID LABEL" in told("labels", "--label", "ethnicity").out
    why = told("labels", "why", told.ok("labels")["items"][0]["id"]).out
    assert "train: no. Nothing allows" in why


@pytest.mark.parametrize(
    ("status", "arguments"),
    [
        (2, ("labels", "set", "ID", "happiness")),
        (2, ("labels", "list", "--label", "happiness")),
        (3, ("labels", "set", "no-such-id", "health")),
        (3, ("labels", "why", "no-such-id")),
        (1, ("labels", "use", "/no/such/folder")),
    ],
)
def test_refusals_are_one_sentence(told, status, arguments):
    first = told.ok("labels")["items"][0]["id"]
    told.refused(status, *(first if one == "ID" else one for one in arguments))


def test_the_embedder_that_ships_can_be_chosen_and_everything_is_read_again(told):
    assert told.ok("labels", "use", "static") == {"embedder": "static", "items": 6}
    assert told.ok("labels", "--label", "health")["counts"] == [["health", 1]]


def test_a_model_that_learned_an_item_is_suspended_when_it_is_labelled(vault, many_chats, toy):
    vault.ok("add", str(many_chats()), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    vault.ok("consent", "allow", "message", "search")
    model = vault.ok("train", "--recipe", str(toy))["model"]
    hits = vault.ok("search", "answer", "--limit", "1000")["hits"]
    suspended = []
    for hit in hits[:5]:
        suspended += vault.ok("labels", "set", hit["id"], "religion")["models_suspended"]
    assert suspended == [model]
