"""`twin search`, through the command line."""

import pytest

MBOX = """\
From a@x Mon Jan  2 10:00:00 2023
From: Ada Quill <ada@home.example>
To: Priya Nair <priya@x.example>
Date: Mon, 02 Jan 2023 10:00:00 +0000
Message-ID: <1@home.example>
Subject: tonight

Dinner is at eight, bring some wine.

From a@x Tue Jan  3 11:00:00 2023
From: Ada Quill <ada@home.example>
To: Tom Baker <tb@y.example>
Date: Tue, 03 Jan 2023 11:00:00 +0000
Message-ID: <2@home.example>
Subject: the garden

There are more leeks, Priya says.

"""


@pytest.fixture
def mails(vault, tmp_path):
    path = tmp_path / "sent.mbox"
    path.write_text(MBOX)
    vault.ok("add", str(path), "--me", "Ada Quill", "--me", "ada@home.example")
    vault.ok("consent", "allow", "message", "search")
    return vault


def found(mails, *arguments):
    return [(hit["snippet"][:6], hit["by"]) for hit in mails.ok("search", *arguments)["hits"]]


def test_words_and_what_means_the_same_are_found_and_told_apart(mails):
    assert found(mails, "leeks", "--by", "both") == [("There ", "text")]
    assert found(mails, "meal in the evening", "--by", "both") == [("Dinner", "meaning")]
    assert found(mails, "meal in the evening") == []
    [line, snippet, *_] = mails("search", "meal in the evening", "--by", "both").out.splitlines()
    assert line.endswith("2023-01-02  message.email.sent")
    assert snippet == "  ~ Dinner is at eight, bring some wine."
    assert mails("search", "zanzibarian").out.startswith("Nothing found in what may be searched")


@pytest.mark.parametrize(
    ("narrowed", "first"),
    [
        (("--person", "priya@x.example"), "Dinner"),
        (("--person", "Baker"), "There "),
        (("--until", "2023-01-03"), "Dinner"),
        (("--since", "2023-01-03"), "There "),
        (("--since", "2023-01-02T10:00:01Z", "--type", "message.email"), "There "),
        (("--limit", "1", "--type", "message", "--source", "mbox"), None),
    ],
)
def test_a_search_is_narrowed_by_person_time_type_and_source(mails, narrowed, first):
    hits = found(mails, "a*", *narrowed)
    assert len(hits) == 1
    assert first in {hits[0][0], None}


@pytest.mark.parametrize(
    ("status", "narrowed", "told"),
    [
        (2, ("--type", "mail"), "a type begins with one of"),
        (3, ("--type", "post"), "types that are: message.email.sent"),
        (3, ("--source", "fax"), "sources that are: mbox"),
        (3, ("--person", "Nobody At All"), "`twin people list`"),
        (2, ("--since", "yesterday"), "does not match the format"),
        (2, ("--by", "magic"), "is not one of"),
    ],
)
def test_what_could_find_nothing_is_refused_in_a_sentence_with_the_way_out(
    mails, status, narrowed, told
):
    assert told in mails.refused(status, "search", "leeks", *narrowed)["message"]


def test_what_is_withdrawn_is_found_in_no_way(mails):
    mails.ok("withdraw", "message", "search", "--person", "priya@x.example")
    for by in ("text", "meaning", "both"):
        assert found(mails, "dinner", "--by", by) == []
    assert found(mails, "leeks") == [("There ", "text")]
