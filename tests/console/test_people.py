"""`twin people`, through the command line."""

import re

import pytest

from vault.consent import SENSITIVE

MBOX = """\
From a@x Mon Jan  2 10:00:00 2023
From: Ada Quill <ada@home.example>
To: "Nair, Priya" <priya@x.example>, Tom Baker <tom@x.example>
Date: Mon, 02 Jan 2023 10:00:00 +0000
Message-ID: <1@home.example>
Subject: leeks

The leeks are in.

From a@x Mon Jan  2 11:00:00 2023
From: Ada Quill <ada@home.example>
To: Tom Baker <tb@y.example>, Tom Baker <tom@x.example>
Date: Mon, 02 Jan 2023 11:00:00 +0000
Message-ID: <2@home.example>
Subject: leeks again

There are more leeks, Priya says.

From a@x Mon Jan  2 12:00:00 2023
From: Ada Quill <ada@home.example>
To: bex@x.example
Date: Mon, 02 Jan 2023 12:00:00 +0000
Message-ID: <3@home.example>
Subject: soup

Leeks for soup.

"""


@pytest.fixture
def mails(vault, tmp_path):
    path = tmp_path / "sent.mbox"
    path.write_text(MBOX)
    vault.ok("add", str(path), "--me", "Ada Quill", "--me", "ada@home.example")
    return vault


def test_people_are_listed_those_in_most_items_first(mails):
    listed = mails.ok("people", "list")["people"]
    assert listed == mails.ok("people")["people"]
    assert [one["items"] for one in listed] == sorted((o["items"] for o in listed), reverse=True)
    [owner] = [one for one in listed if one["owner"]]
    assert owner["relation"] == "self"
    [priya] = [one for one in listed if "priya@x.example" in one["addresses"]]
    assert priya == {
        "id": priya["id"],
        "names": ["Nair, Priya"],
        "addresses": ["priya@x.example"],
        "items": 1,
        "relation": "",
        "owner": False,
        "blocked": False,
        "namesakes": [],
    }
    line = next(line for line in mails("people").out.splitlines() if "Priya" in line)
    assert line == f"{priya['id'][:8]}  1 item  Nair, Priya  (1 address)"


def test_one_who_is_not_alone_with_a_name_is_named_by_the_id_that_the_error_tells(mails):
    error = mails.refused(2, "people", "show", "Tom Baker")
    told = re.findall(r"([0-9a-f]{8}) Tom Baker, (\S+)[;.]", error["message"])
    assert sorted(address for _, address in told) == ["tb@y.example", "tom@x.example"]
    for short, address in told:
        found = mails.ok("people", "show", short)
        assert found["addresses"] == [address]
        assert len(found["namesakes"]) == 1
        assert found == mails.ok("people", "show", address)
    assert "`twin people merge`" in mails("people", "show", told[0][0]).out
    mails.refused(3, "people", "show", "Nobody At All")


def test_merging_and_splitting_say_who_is_who_now(mails):
    mails.refused(2, "people", "merge", "priya nair", "priya@x.example")
    [one] = mails.ok("people", "merge", "priya nair", "bex@x.example")["people"]
    assert one["addresses"] == ["bex@x.example", "priya@x.example"]
    kept, away = mails.ok("people", "split", "priya nair", "bex@x.example")["people"]
    assert (kept["addresses"], away["addresses"]) == (["priya@x.example"], ["bex@x.example"])
    mails.refused(3, "people", "split", "priya nair", "bex@x.example")
    mails.refused(2, "people", "split", "priya nair", "priya@x.example", "Nair, Priya")
    assert mails.ok("verify")["problems"] == []


def test_a_relation_is_a_word_that_names_nobody(mails):
    [one] = mails.ok("people", "relate", "priya", "old friend")["people"]
    assert one["relation"] == "old friend"
    for wrong in ("x" * 41, "friend of tb@y.example", "priya's friend", "no 1"):
        mails.refused(2, "people", "relate", "priya", wrong)
    [one] = mails.ok("people", "relate", "priya", "none")["people"]
    assert one["relation"] == ""
    [one] = mails.ok("people", "relate", "bex@x.example", "self")["people"]
    assert one["owner"]
    assert "bex@x.example" in mails.ok("me")["names"]


def test_a_blocked_person_is_found_nowhere_until_she_is_unblocked(mails):
    for type_ in ("message", *SENSITIVE):  # whatever the words are taken to be about
        mails.ok("consent", "allow", type_, "search")
    assert len(mails.ok("search", "leeks")["hits"]) == 3
    assert mails.ok("people", "block", "priya")["person"]["blocked"]
    [hit] = mails.ok("search", "leeks")["hits"]
    assert "soup" in hit["snippet"]
    [pause] = mails.ok("consent", "show")["pauses"]
    assert (pause["type"], pause["source"], pause["person"]) == ("", "", "priya@x.example")
    assert "blocked" in mails("people", "show", "priya").out
    assert not mails.ok("people", "unblock", "priya")["person"]["blocked"]
    assert len(mails.ok("search", "leeks")["hits"]) == 3
    mails.refused(3, "people", "unblock", "priya")


def test_a_block_and_a_merge_suspend_what_learned_from_her_and_the_rebuild_is_proved(
    vault, many_chats, toy
):
    vault.ok("add", str(many_chats()), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    model = vault.ok("train", "--recipe", str(toy))["model"]
    assert vault.ok("people", "block", "Ned Marlow")["models_suspended"] == [model]
    assert not vault.speaks_whole()
    again = vault.ok("retrain", "--prove")
    assert again["identical_to_clean_run"] is True
    merged = vault.ok("people", "merge", "Ned Marlow", "Bex Stone")
    assert merged["models_suspended"] == [again["model"]]


def test_who_is_who_goes_along_with_a_portable_copy(mails, tmp_path):
    mails.ok("people", "merge", "priya nair", "bex@x.example")
    mails.ok("people", "merge", "priya nair", "tb@y.example")
    mails.ok("people", "split", "priya nair", "tb@y.example")
    mails.ok("people", "relate", "priya", "friend")
    copy = tmp_path / "copy"
    mails.ok("export", str(copy))
    other = ("--home", str(tmp_path / "other"))
    mails.ok(*other, "init")
    mails.ok(*other, "add", str(copy))
    restored = mails.ok(*other, "consent", "restore", str(copy), "--yes")
    assert sum(word["topic"].startswith("person.") for word in restored["words"]) == 4
    priya = mails.ok(*other, "people", "show", "priya")
    assert priya["addresses"] == ["bex@x.example", "priya@x.example"]
    assert priya["relation"] == "friend"
    assert mails.ok(*other, "consent", "restore", str(copy), "--yes")["words"] == []
