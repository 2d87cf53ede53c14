"""One vault on several devices that meet in a folder."""

import shutil
from pathlib import Path

import pytest

from tests.helpers import CHAT, Command
from tests.journeys.test_backup import dump


@pytest.fixture
def pair(tmp_path):
    """Two devices of one vault, and the folder in which they meet."""
    laptop = Command.in_folder(tmp_path)
    laptop.ok("init")
    chat = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    chat.write_text(CHAT)
    laptop.ok("add", str(chat), "--me", "Ada Quill")
    laptop.ok("consent", "allow", "message", "search")
    meet = str(tmp_path / "meet")
    laptop.ok("device", "exchange", meet)
    phone = Command(tmp_path / "phone", laptop.passphrase_file, tmp_path)
    done = phone.ok("device", "enrol", meet, "--name", "phone")
    assert done["restored"]["device"] == "phone"
    assert done["written"]["entries"] == 1
    return laptop, phone, meet


def both(pair) -> None:
    """Let both devices exchange until they know the same."""
    laptop, phone, meet = pair
    for one in (laptop, phone, laptop):
        one.ok("device", "exchange", meet)
    assert dump(laptop.home) == dump(phone.home)


def test_what_one_device_collects_corrects_says_and_erases_reaches_the_other(pair, tmp_path):
    laptop, phone, _ = pair
    both(pair)
    # Both read the same chat before they meet, one of them in a longer version.
    longer = tmp_path / "longer" / "WhatsApp Chat with Priya Nair.txt"
    longer.parent.mkdir()
    longer.write_text(CHAT + "05/02/2023, 19:05 - Priya Nair: it did burn\n")
    assert phone.ok("add", str(longer), "--me", "Ada Quill")["collected"] == 1
    assert laptop.ok("add", str(longer), "--me", "Ada Quill")["collected"] == 1
    both(pair)
    assert laptop.ok("status")["items"] == phone.ok("status")["items"]
    [hit] = laptop.ok("search", "hats")["hits"]
    phone.ok("forget", "--item", hit["id"], "--yes")
    phone.ok("consent", "deny", "message", "search")
    both(pair)
    assert laptop.ok("search", "soup")["hits"] == []
    assert laptop.refused(3, "show", hit["id"])["code"] in {"erased", "not_found"}
    assert laptop.ok("verify")["problems"] == phone.ok("verify")["problems"] == []


def test_devices_are_listed_and_a_revoked_one_counts_no_more(pair):
    laptop, phone, meet = pair
    both(pair)
    listed = laptop.ok("device", "list")["devices"]
    assert [(one["name"], one["this"], one["revoked"]) for one in listed] == [
        ("first device", True, False),
        ("phone", False, False),
    ]
    assert laptop.refused(3, "device", "revoke", "tablet", "--yes")["code"] == "not_found"
    assert laptop.refused(2, "device", "revoke", "first device", "--yes")["code"] == "usage"
    assert laptop.refused(2, "device", "revoke", "phone")["code"] == "usage", "it asks first"
    done = laptop("device", "revoke", "phone", "--yes")
    assert done.status == 0
    assert "twin keys rotate owner" in done.out
    phone.ok("me", "Somebody Else")
    laptop.ok("device", "exchange", meet)
    assert phone.ok("device", "exchange", meet)["taken"]["revoked"] == [listed[1]["feed"]]
    laptop.ok("device", "exchange", meet)
    assert laptop.ok("me")["names"] == phone.ok("me")["names"] == ["ada quill"]
    refused = phone.refused(1, "me", "Again")
    assert "revoked" in refused["message"]
    assert laptop.ok("verify")["problems"] == phone.ok("verify")["problems"] == []


def test_a_new_owner_key_is_taken_over_with_the_new_passphrase(pair, tmp_path):
    laptop, phone, meet = pair
    both(pair)
    new = tmp_path / "new"
    new.write_text("seven wet herons in a boat")
    laptop.ok("keys", "rotate", "owner", env={"TWIN_NEW_PASSPHRASE_FILE": str(new)})
    laptop.passphrase_file = new
    laptop.ok("device", "exchange", meet)
    before = (phone.home / "vault.json").read_bytes()
    assert phone.refused(4, "device", "exchange", meet)["code"] == "locked"
    assert (phone.home / "vault.json").read_bytes() == before
    phone.ok("device", "exchange", meet, env={"TWIN_NEW_PASSPHRASE_FILE": str(new)})
    assert phone("status").status == 4, "the old passphrase opens it no more"
    phone.passphrase_file = new
    phone.ok("me", "Ada Q.")
    for one in (phone, laptop, phone, laptop):
        one.ok("device", "exchange", meet)
    assert phone.ok("me") == laptop.ok("me")
    assert phone.ok("status")["checkpoint"] == laptop.ok("status")["checkpoint"]
    assert phone.ok("verify")["problems"] == laptop.ok("verify")["problems"] == []
    assert laptop.ok("check", meet, "--read-data")["problems"] == []


def test_with_the_same_passphrase_a_new_owner_key_is_taken_over_by_itself(pair):
    laptop, phone, meet = pair
    both(pair)
    laptop.ok("keys", "rotate")
    laptop.ok("device", "exchange", meet)
    phone.ok("device", "exchange", meet)
    both(pair)
    assert [one["revoked"] for one in phone.ok("device", "list")["devices"]] == [
        True,
        False,
        False,
    ]


def test_a_folder_that_was_put_back_from_an_older_copy_changes_nothing(pair, tmp_path):
    laptop, phone, meet = pair
    both(pair)
    shutil.copytree(meet, tmp_path / "old")
    laptop.ok("me", "Ada Q.")
    both(pair)
    shutil.rmtree(meet)
    (tmp_path / "old").rename(meet)
    both(pair)
    assert phone.ok("me")["names"] == laptop.ok("me")["names"] == ["ada q.", "ada quill"]


def test_a_device_that_was_put_back_from_a_copy_is_refused(pair, tmp_path):
    laptop, phone, meet = pair
    both(pair)
    shutil.copytree(phone.home, tmp_path / "old")
    phone.ok("me", "Ada Q.")
    both(pair)
    shutil.rmtree(phone.home)
    (tmp_path / "old").rename(phone.home)
    files = {path.name for path in Path(meet).iterdir()}
    assert phone.refused(6, "device", "exchange", meet)["code"] == "integrity"
    assert {path.name for path in Path(meet).iterdir()} == files
    again = Command(tmp_path / "again", laptop.passphrase_file, tmp_path)
    again.ok("device", "enrol", meet, "--name", "phone again")
    assert again.ok("me")["names"] == laptop.ok("me")["names"]
