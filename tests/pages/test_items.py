"""The life of an item: what it says, how it came, who may use it, what a model would see of it."""

import re
from html import unescape

import pytest

from tests.helpers import PASSPHRASE

MAIL = """\
From ada@quill.example Wed Mar  1 10:00:00 2023
From: Ada Quill <ada@quill.example>
To: Priya Nair <priya@nair.example>
Subject: The boat on Friday
Date: Wed, 1 Mar 2023 10:00:00 +0000
Message-ID: <one@quill.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=edge

--edge
Content-Type: text/plain; charset=utf-8

The tide is at six, says Priya Nair; call me on 07700 900142.
--edge
Content-Type: text/html; name="mooring.html"
Content-Disposition: attachment; filename="../moor\u202eing.html"

<script>alert(1)</script>
--edge--

"""
BYTES = b"<script>alert(1)</script>"


@pytest.fixture
def mailed(site, tmp_path):
    """A site whose vault holds one mail with a file, and the id of the mail."""
    path = tmp_path / "Sent.mbox"
    path.write_text(MAIL)
    site.command.ok("add", str(path), "--me", "ada@quill.example")
    page = site.get("/timeline").text
    return site, re.search(r'href="/items/([^"]+)"', page)[1]


def said(answer):
    assert answer.status_code == 200, answer.text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def believed(site, item):
    return re.search(r'name="believed" value="(\w+)"', site.get(f"/items/{item}/words").text)[1]


def test_an_item_tells_what_it_says_and_how_it_came(mailed):
    site, item = mailed
    page = said(site.get(f"/items/{item}"))
    for told in (
        "The boat on Friday",
        "The tide is at six",
        "written by you",
        "Priya Nair",
        "Sent.mbox",
        "import 1",
        f"Signed entry {item}",
    ):
        assert told in page
    assert "that it had at first" not in page


def test_an_item_says_who_may_use_it_and_by_which_statement(mailed):
    site, item = mailed
    told = said(site.get(f"/items/{item}/uses"))
    assert "Nothing allows “Email, your words” for search." in told
    assert "message.email" not in told
    statement = site.command.ok("consent", "allow", "message", "search")["statement"]["id"]
    page = site.part(f"/items/{item}/uses").text
    assert "<html" not in page
    assert f'href="/consent/said/{statement}"' in page
    assert "No pod is linked" in page
    assert "“Messages” for search is allowed." in page


def test_what_an_item_is_about_is_told_as_a_person_calls_it(mailed):
    site, item = mailed
    site.command.ok("labels", "set", item, "minors")
    page = said(site.get(f"/items/{item}"))
    assert "Sensitive Children" in page
    assert "You said that it is about children" in page
    assert "minors" not in page


def test_the_redacted_form_stands_beside_the_original(mailed):
    site, item = mailed
    page = site.get(f"/items/{item}/uses").text
    before, after = re.findall(r'<div class="quote"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert ">Priya Nair</mark>" in before
    assert ">07700 900142</mark>" in before
    assert "Priya" not in after
    assert "900142" not in after
    assert "The tide is at six" in after
    assert "strictest redaction" in page
    site.command.ok("consent", "allow", "message", "train", "--redact", "none")
    assert "redacted none" in site.get(f"/items/{item}/uses").text


def test_a_file_is_handed_out_as_bytes_to_who_types_the_passphrase(mailed):
    site, item = mailed
    site.post("/lock")
    site.client.get(f"/enter/{site.client.app.state.sessions.link()}")
    site.client.app.state.keeper.unlock(PASSPHRASE)
    path = f"/items/{item}/attachments/0"
    assert site.post(path).status_code == 403
    assert site.post(path, {"passphrase": "guessed"}).status_code == 403
    answer = site.post(path, {"passphrase": PASSPHRASE})
    assert answer.status_code == 200
    assert answer.content.strip() == BYTES
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''")
    assert not set('/\\\u202e"') & set(disposition.partition("''")[2])


@pytest.mark.parametrize("number", ["1", "-1", "99999999999999999999999", "x"])
def test_no_file_of_that_number_is_a_plain_page(mailed, number):
    site, item = mailed
    answer = site.post(f"/items/{item}/attachments/{number}")
    assert answer.status_code in {400, 404}
    assert "That did not work" in answer.text


def test_markup_in_words_is_shown_and_not_made(mailed):
    site, item = mailed
    payload = "<script>alert(2)</script><img src=x onerror=alert(3)>"
    site.post(f"/items/{item}/words", {"text": payload, "believed": believed(site, item)})
    for path in (f"/items/{item}", f"/items/{item}/uses", f"/items/{item}/words", "/timeline"):
        page = site.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page
    assert payload in said_raw(site.get(f"/items/{item}"))


def said_raw(answer):
    return unescape(answer.text)


def test_corrected_words_take_the_place_of_those_that_were_collected(mailed):
    site, item = mailed
    answer = site.post(
        f"/items/{item}/words",
        {"text": "The tide is at seven.\r\nReally.", "believed": believed(site, item)},
    )
    assert answer.headers["location"] == f"/items/{item}"
    page = said(site.get(f"/items/{item}"))
    assert "The tide is at seven." in page
    assert "You corrected the words" in page
    assert page.index("that it had at first") < page.index("The tide is at six")
    assert site.command.ok("show", item)["text"] == "The tide is at seven.\nReally."


def test_a_correction_in_two_tabs_is_made_by_the_first(mailed):
    site, item = mailed
    tab = believed(site, item)
    site.post(f"/items/{item}/words", {"text": "The first.", "believed": tab})
    answer = site.post(f"/items/{item}/words", {"text": "The second.", "believed": tab})
    assert answer.status_code == 409
    assert "changed meanwhile" in answer.text
    assert site.command.ok("show", item)["text"] == "The first."


def test_a_correction_without_words_changes_nothing(mailed):
    site, item = mailed
    answer = site.post(f"/items/{item}/words", {"text": " \r\n", "believed": believed(site, item)})
    assert answer.status_code == 400
    assert "forget" in answer.text
    assert "The tide is at six" in site.command.ok("show", item)["text"]


def test_an_item_that_was_forgotten_or_never_was_gets_a_plain_page(mailed):
    site, item = mailed
    assert "There is no item none-1" in site.get("/items/none-1").text
    assert site.get("/items/none-1").status_code == 404
    site.command.ok("forget", "--item", item, "--yes")
    for path in ("", "/uses", "/words"):
        page = site.get(f"/items/{item}{path}")
        assert page.status_code == 404
        assert "was erased" in page.text
    assert "The tide" not in site.get("/timeline").text
