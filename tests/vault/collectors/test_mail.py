import time

import pytest

from vault.collectors.readers.mail import html_text, own_words


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("just this", None),
        ("a -- b\nfrom: me", None),
        ("hi\n\n-- \nAda\nExample Corp", "hi"),
        ("hi\n--\nAda", "hi"),
        ("yes\n\nOn Monday, Ada wrote:\n> no\n> maybe", "yes"),
        ("yes\n\nOn Mon, 2 Jan 2012,\nAda Lovelace <a@b.example> wrote:\n\n> no", "yes"),
        ("ja\n\nAm 02.01.12 um 15:04 schrieb Ada:\n> nein", "ja"),
        ("oui\n\nLe lun. 2 janv. 2012, Ada a écrit :\n> non", "oui"),
        ("> one\nyes\n> two\nno", "yes\nno"),
        ("On X, Y wrote:\n> one\nmy answer\n> two\nmy other answer", "my answer\nmy other answer"),
        ("fine\n\n-----Original Message-----\nFrom: x\nSent: today\nhello", "fine"),
        ("gut\n\nVon: Ada\nGesendet: heute\nAn: mich\nBetreff: x\n\nhallo", "gut"),
        ("ok\n________________________________\nFrom: x\nSent: today\n\nhello", "ok"),
        ("ok\n\nSent from my iPhone", "ok"),
        ("> only a quotation", ""),
    ],
)
def test_own_words_stand_without_quotation_and_signature(text, own):
    assert own_words(text) == own


def test_a_line_that_only_begins_like_a_header_ends_nothing():
    assert own_words("From: the beginning\nI liked it.\nReally.\n") is None


@pytest.mark.parametrize(
    "hostile",
    [
        "\n> x" * 100_000,
        "\n-" * 100_000,
        "On " + "a " * 200_000 + "\nwrote:\n> x",
        "-" * 400_000,
        "\nFrom: x" * 50_000,
        "\nSent from my " * 30_000,
        "\nOn x wrote:\n> a" * 30_000,
        " " * 400_000 + ">",
    ],
)
def test_hostile_text_costs_no_more_than_its_length(hostile):
    began = time.process_time()
    own_words(hostile)
    assert time.process_time() - began < 2


def test_html_becomes_the_lines_that_a_reader_sees():
    whole, unquoted = html_text(
        "<html><head><title>T</title><style>p{color:red}</style></head><body>\n<h1>Dear\nAda</h1>"
        "<p>one <b>bold</b> word<br>next</p><script>alert(1)</script><ul><li>a</li><li>b</li></ul></body></html>"
    )
    assert whole == "Dear Ada\none bold word\nnext\na\nb"
    assert unquoted is None


def test_quotations_in_html_are_told_apart():
    whole, unquoted = html_text(
        "<p>yes</p><div class=gmail_quote>On x<blockquote>no</blockquote></div>"
    )
    assert "no" in whole
    assert unquoted == "yes"


def test_html_of_unclosed_tags_costs_no_more_than_its_length():
    began = time.process_time()
    html_text("<br " * 50_000)
    html_text("</p" * 50_000)
    assert time.process_time() - began < 4
