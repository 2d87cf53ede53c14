"""Searching: what consent allows, by what is typed, which never stands in an address."""

import re
from html import unescape

import pytest

from console.pages.routes.search import _asked_for, _marked


@pytest.fixture
def chatted(site, chat):
    """A site whose vault holds a chat of eight messages."""
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    return site


@pytest.fixture
def allowed(chatted):
    """A site in which the owner's own messages may be searched."""
    chatted.command.ok("consent", "allow", "message", "search")
    return chatted


def found(answer):
    assert answer.status_code == 200
    return re.findall(r'class="line" href="/items/([^"]+)"', answer.text)


def part(site, **form):
    return site.client.post("/search", data=form, headers={"HX-Request": "true"})


def test_an_empty_vault_leads_to_a_first_source(site):
    assert 'href="/sources/add"' in site.get("/search").text


def test_where_nothing_may_be_searched_it_leads_to_consent(chatted):
    page = chatted.post("/search", {"words": "leeks"})
    assert found(page) == []
    assert "Nothing may be searched yet" in page.text
    assert 'href="/consent"' in page.text


def test_it_says_how_much_may_be_searched(allowed):
    assert "4 of 8 items may be searched" in allowed.get("/search").text


def test_words_are_found_and_marked(allowed):
    page = allowed.post("/search", {"words": "leeks", "by": "text"})
    [item] = found(page)
    assert "<mark>leeks</mark>" in page.text
    assert "six leeks" in allowed.command.ok("show", item)["text"]
    assert 'value="leeks"' in page.text


def test_what_htmx_gets_is_the_list_alone(allowed):
    answer = part(allowed, words="leeks", by="text")
    assert len(found(answer)) == 1
    assert "<html" not in answer.text
    assert answer.text.lstrip().startswith('<div id="found"')


def test_what_is_not_allowed_is_not_found(allowed):
    assert found(part(allowed, words="recipe", by="text")) == []
    allowed.command.ok("consent", "allow", "message.chat.direct.received", "search")
    assert len(found(part(allowed, words="recipe", by="text"))) == 1
    allowed.command.ok("withdraw", "message", "search")
    assert found(part(allowed, words="leeks", by="text")) == []


def test_a_search_is_narrowed_by_kind_day_and_person(allowed):
    for narrowed, number in (
        ({"kind": "message.chat"}, 1),
        ({"since": "2023-02-04", "until": "2023-02-05"}, 1),
        ({"until": "2023-02-04"}, 0),
        ({"person": "Priya"}, 1),
    ):
        assert len(found(part(allowed, words="leeks", by="text", **narrowed))) == number


def test_nothing_found_says_among_how_many(allowed):
    page = part(allowed, words="zeppelin", by="text")
    assert found(page) == []
    assert "Among the 4 items that may be searched" in page.text


def test_who_and_what_is_not_here_is_said(allowed):
    for narrowed in ({"person": "Nobody Atall"}, {"kind": "document"}, {"source": "nowhere"}):
        page = part(allowed, words="leeks", by="text", **narrowed)
        assert "Nobody here is called that, or nothing is of that kind and source" in page.text


@pytest.mark.parametrize(
    "form",
    [
        {"words": "leeks", "since": "yesterday"},
        {"words": "leeks", "limit": "0"},
        {"words": "leeks", "limit": "100000"},
        {"words": "leeks", "by": "guess"},
        {"words": "leeks", "kind": "../etc"},
    ],
)
def test_a_form_that_no_page_sends_gets_a_plain_page(allowed, form):
    page = allowed.post("/search", form)
    assert page.status_code == 400
    assert "That did not work" in page.text
    assert "yesterday" not in page.text


def test_more_is_shown_on_request(site, tmp_path):
    path = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    path.write_text("".join(f"01/02/2023, 10:{n:02} - Ada Quill: leeks {n}\n" for n in range(30)))
    site.command.ok("add", str(path), "--me", "Ada Quill")
    site.command.ok("consent", "allow", "message", "search")
    page = part(site, words="leeks", by="text")
    assert len(found(page)) == 20
    more = re.search(r'name="limit" value="(\d+)"', page.text)
    everything = part(site, words="leeks", by="text", limit=more[1])
    assert len(found(everything)) == 30
    assert 'name="limit"' not in everything.text


def test_what_is_typed_stands_in_no_address(allowed):
    page = allowed.post("/search", {"words": "leeks", "person": "Priya"})
    links = [unescape(one) for one in re.findall(r'(?:href|hx-get|action)="([^"]*)"', page.text)]
    assert links
    assert not any("leeks" in one or "Priya" in one for one in links)
    # An address with words in it is only an empty form.
    assert 'value="leeks"' not in allowed.get("/search?words=leeks").text


@pytest.mark.parametrize(
    ("asked", "snippet", "marked"),
    [
        ("leek*", "Six Leeks, one leek", ["Leeks", "leek"]),
        ('"six leeks"', "Six leeks", ["Six", "leeks"]),
        ("c++ (", "c and c++", ["c", "c"]),
        ("***", "nothing", []),
        ("", "nothing", []),
    ],
)
def test_words_that_were_asked_for_are_marked(asked, snippet, marked):
    parts = _marked(snippet, _asked_for(asked))
    assert "".join(part for part, _ in parts) == snippet
    assert [part for part, is_asked in parts if is_asked] == marked
