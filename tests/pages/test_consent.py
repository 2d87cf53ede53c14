"""Consent on the pages: told before it is said, said as told, or not at all."""

import html
import re

import pytest

from tests.helpers import PASSPHRASE
from tests.pages.working import ended, led
from vault.consent import Effect, Purpose, Statement
from vault.events import ConsentObserved

SENT = "message.chat.direct.sent"


@pytest.fixture
def kept(site, many_chats):
    site.command.ok("add", str(many_chats()), "--me", "Ada Quill")
    return site


def in_force(site):
    return [
        (s["effect"], s["type"], s["purpose"])
        for s in site.command.ok("consent", "show")["statements"]
        if s["purpose"] != "collect"
    ]


def fields(page):
    """The hidden fields of the form that a page would say something with."""
    found = re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', page.text)
    return {name: html.unescape(value) for name, value in found}


def looked(site, **asked):
    page = site.post("/consent/effect", asked)
    assert page.status_code == 200, page.text
    return page


def text(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def allow(site, cell):
    return led(site, site.post("/consent/apply", fields(looked(site, cell=cell))))


def test_an_empty_vault_leads_to_sources(site):
    page = site.get("/consent")
    assert page.status_code == 200
    assert "Nothing to decide yet" in page.text
    assert 'href="/sources"' in page.text


def test_the_matrix_tells_what_each_kind_may_be_used_for(kept):
    page = kept.get("/consent").text
    switch = re.search(
        r'value="([^"]*)" role="switch" aria-checked="(\w+)" aria-label="Direct chats, your words: search"',
        page,
    )
    assert switch.groups() == (f"allow|{SENT}|search", "false")
    kept.command.ok("consent", "allow", "message", "search")
    page = kept.get("/consent").text
    switch = re.search(
        r'value="([^"]*)" role="switch" aria-checked="(\w+)" aria-label="Direct chats, your words: search"',
        page,
    )
    assert switch.groups() == (f"deny|{SENT}|search", "true")


def test_others_words_stay_off_where_only_a_wider_kind_is_allowed(kept):
    kept.command.ok("consent", "allow", "message", "search")
    page = kept.get("/consent").text
    assert (
        'value="allow|message.chat.direct.received|search" role="switch" aria-checked="false"'
        in page
    )


def test_a_prohibition_for_one_person_is_told_as_an_exception(kept):
    kept.command.ok("consent", "allow", "message", "train")
    kept.command.ok("consent", "deny", "message", "train", "--person", "Bex Stone")
    page = kept.get("/consent").text
    assert page.count("1 exception") == 1
    assert "1 exception" in page.partition(SENT)[2]


def test_the_effect_is_told_and_nothing_is_said(kept):
    page = looked(kept, cell=f"allow|{SENT}|train|balanced")
    assert "216 items may teach your model." in text(page)
    assert "Up to " in text(page)
    assert in_force(kept) == []


def test_what_was_told_is_said_and_only_that(kept):
    page = allow(kept, f"allow|{SENT}|train|strict")
    assert "Direct chats, your words may teach your model" in text(page)
    assert "redacted strictly" in text(page)
    assert in_force(kept) == [("allow", SENT, "train")]


def test_taking_back_removes_as_many_examples_as_told_and_gives_a_receipt(kept, toy):
    kept.command.ok("consent", "allow", "message", "train")
    kept.command.ok("train", "--recipe", str(toy))
    told = looked(kept, cell=f"deny|{SENT}|train")
    number = int(re.search(r"(\d+) examples leave the next run", text(told)).group(1))
    assert "twin-1 is suspended" in text(told)
    page = led(kept, kept.post("/consent/apply", fields(told)))
    (name,) = re.findall(r'href="(/consent/papers/receipt-[0-9a-f]+)"', page.text)
    paper = kept.get(name)
    assert paper.headers["content-disposition"].startswith("attachment")
    assert paper.headers["content-security-policy"] == "sandbox"
    assert f'"rows_removed\\":{number}' in paper.text.replace(" ", "")
    assert '\\"twin-1\\"' in paper.text
    assert name in kept.get("/consent/papers").text
    assert "is suspended" in kept.get("/consent").text


def test_two_tabs_at_odds_get_a_plain_page_and_nothing_is_said(kept):
    one = fields(looked(kept, cell=f"allow|{SENT}|train|none"))
    allow(kept, f"allow|{SENT}|search")
    before = in_force(kept)
    answer = kept.post("/consent/apply", one)
    assert answer.status_code == 409
    assert "changed meanwhile" in answer.text
    assert in_force(kept) == before


def test_kinds_are_chosen_by_what_they_are_called(kept):
    kept.command.ok("retention", SENT, "30000")
    for path in ("/consent/say", "/consent/kept"):
        page = kept.get(path).text
        assert f'<option value="{SENT}">\u2003\u2003\u2003Direct chats, your words</option>' in page
        assert "message.chat" not in text(kept.get(path))


def test_what_stands_against_a_word_is_told_as_a_person_calls_it(kept):
    kept.command.ok("consent", "deny", SENT, "train")
    page = text(looked(kept, type="message", purpose="train", effect="allow"))
    assert "may not be used even then: Nothing allows “Direct chats, others' words”" in page


def test_a_form_that_says_more_than_its_page_told_is_refused(kept):
    told = fields(looked(kept, cell=f"allow|{SENT}|search"))
    answer = kept.post("/consent/apply", told | {"type": "message"})
    assert answer.status_code == 409
    answer = kept.post("/consent/apply", told | {"purpose": "train"})
    assert answer.status_code == 409
    assert in_force(kept) == []


def test_a_second_click_says_nothing_twice(kept):
    told = fields(looked(kept, cell=f"allow|{SENT}|search"))
    led(kept, kept.post("/consent/apply", told))
    assert kept.post("/consent/apply", told).status_code == 409
    assert in_force(kept) == [("allow", SENT, "search")]


@pytest.mark.parametrize(
    "asked",
    [
        {"cell": "allow|nonsense|train"},
        {"cell": "allow|message"},
        {"cell": "allow|message|rule-the-world"},
        {"cell": "allow|message|share"},
        {"type": "message", "purpose": "train", "effect": "allow", "since": "31/12/2023"},
        {"type": "message", "purpose": "train", "effect": "allow", "since": "2024-01-02", "until": "2024-01-01"},
        {"type": "message", "purpose": "train", "effect": "allow", "expires": "2001-01-01"},
        {"type": "message", "purpose": "train", "effect": "allow", "recipient": "bob"},
        {"type": "message", "purpose": "train", "effect": "allow", "who": "Nobody Known"},
        {"type": "message", "purpose": "train", "effect": "allow", "room": "99999"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_sentence(kept, asked):
    answer = kept.post("/consent/effect", asked)
    assert answer.status_code in {400, 404}
    assert 'class="alert bad"' in answer.text
    assert "Traceback" not in answer.text


def test_sharing_asks_for_the_passphrase(kept):
    told = looked(
        kept, type=SENT, purpose="share", effect="allow", recipient="https://bob.example/#me"
    )
    assert 'action="/consent/share"' in told.text
    assert "https://bob.example/#me may be given direct chats" in text(told)
    form = fields(told)
    assert kept.post("/consent/apply", form).status_code == 400
    page = led(kept, kept.post("/consent/share", form | {"passphrase": PASSPHRASE}))
    assert "to https://bob.example/#me" in text(page)
    assert ">1<" in kept.get("/consent").text


def test_a_word_about_one_conversation(kept):
    (no,) = re.findall(
        r'href="/consent/conversations/(\d+)">Bex Stone<', kept.get("/consent/conversations").text
    )
    assert "Nothing: what holds for its kind" in text(kept.get(f"/consent/conversations/{no}"))
    assert "Bex Stone" in kept.get(f"/consent/say?room={no}").text
    kept.command.ok("consent", "allow", "message", "train")
    told = looked(kept, type="message", purpose="train", effect="deny", room=no)
    assert "72 items may not teach your model any more." in text(told)
    led(kept, kept.post("/consent/apply", fields(told)))
    said = kept.command.ok("consent", "show")["statements"][-1]
    assert said["filters"]["conversation"] == "Bex Stone"
    assert "may not teach your model" in text(kept.get(f"/consent/conversations/{no}"))


def test_a_statement_is_taken_back_from_the_list(kept):
    kept.command.ok("consent", "allow", "message", "search", "--since", "2020-01-01")
    page = kept.get("/consent/statements")
    assert "only from 1 Jan 2020 on" in page.text
    (id_,) = re.findall(
        r"/consent/statements/([0-9a-f]+)/end", page.text.partition("may be searched")[2]
    )[:1]
    told = kept.post(f"/consent/statements/{id_}/end")
    assert "216 items leave the search index" in text(told)
    led(kept, kept.post(f"/consent/statements/{id_}/ended", fields(told)))
    assert in_force(kept) == [("deny", "message", "search")]
    assert kept.post(f"/consent/statements/{id_}/ended", fields(told)).status_code == 409


def test_a_pause_is_told_said_and_ended(kept):
    kept.command.ok("consent", "allow", "message", "train")
    told = kept.post("/consent/pauses/effect", {"who": "Bex Stone"})
    assert "144 items with them, or that mention them" in text(told)
    page = led(kept, kept.post("/consent/pauses", fields(told)))
    assert "only with or about bex stone" in page.text
    assert "1 pause stands" in text(kept.get("/consent"))
    (id_,) = re.findall(r"/consent/pauses/([0-9a-f]+)/effect", page.text)
    ends = kept.post(f"/consent/pauses/{id_}/effect")
    assert "72 of them may teach your model again" in text(ends)
    led(kept, kept.post(f"/consent/pauses/{id_}/end", fields(ends)))
    assert kept.command.ok("consent", "show")["pauses"] == []
    assert kept.post(f"/consent/pauses/{id_}/end", fields(ends)).status_code == 404


def test_keeping_for_a_time_erases_only_the_number_that_was_told_and_typed(kept):
    told = kept.post("/consent/kept/effect", {"type": SENT, "days": "30"})
    assert "216 items are past their days" in text(told)
    form = fields(told) | {"passphrase": PASSPHRASE}
    assert kept.post("/consent/kept", form | {"typed": "215"}).status_code == 400
    other = kept.post("/consent/kept", form | {"typed": "200", "going": "200"})
    assert ended(kept, other).state == "failed"
    assert kept.command.ok("status")["items"] == 432
    page = led(kept, kept.post("/consent/kept", form | {"typed": "216"}))
    assert "Certificate of something erased" in page.text
    assert kept.command.ok("status")["items"] == 216


def test_the_history_tells_everything_and_pages_through_it(kept, monkeypatch):
    monkeypatch.setattr("console.pages.routes.consent._PAGE", 3)
    for year in range(2010, 2014):
        kept.command.ok("consent", "allow", "message", "search", "--since", f"{year}-01-01")
    page = kept.get("/consent/history")
    assert page.text.count("<time ") == 3
    assert "Jan 2010" not in page.text
    (before,) = set(re.findall(r"/consent/history\?before=(\d+)", page.text))
    part = kept.part(f"/consent/history?before={before}")
    assert "<html" not in part.text
    assert part.text.count("<time ") == 3
    assert "Jan 2010" in part.text
    assert "Jan 2011" not in part.text


def test_no_name_or_title_is_in_an_address(kept):
    kept.command.ok("consent", "deny", "message", "train", "--person", "Bex Stone")
    kept.command.ok("pause", "--person", "Ned Marlow")
    for path in (
        "/consent",
        "/consent/statements",
        "/consent/conversations",
        "/consent/pauses",
        "/consent/history",
        "/people",
    ):
        links = re.findall(r'(?:href|action|hx-get|hx-post)="([^"]*)"', kept.get(path).text)
        assert not [
            one
            for one in links
            if re.search("bex|stone|ned|marlow|priya|quill", one, re.IGNORECASE)
        ]


def test_what_was_collected_is_never_markup(site, tmp_path):
    chat = tmp_path / "WhatsApp Chat with <script>alert(1)</script>.txt"
    try:
        chat.write_text("01/02/2023, 10:01 - <img src=x onerror=alert(1)>: hello\n")
    except OSError:
        chat = tmp_path / "WhatsApp Chat with <b>x.txt"
        chat.write_text("01/02/2023, 10:01 - <img src=x onerror=alert(1)>: hello\n")
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    site.command.ok("pause", "--person", "<img src=x onerror=alert(1)>")
    for path in ("/consent/conversations", "/consent/pauses", "/people", "/consent/history"):
        page = site.get(path).text
        assert "<img src" not in page
        assert "<script>alert" not in page
        assert "<b>x" not in page


def test_without_a_pod_the_inbox_says_so(site):
    page = site.get("/consent/inbox")
    assert "No pod is linked" in page.text
    assert 'href="/pod"' in page.text


def test_a_paper_is_named_by_its_name_alone(kept):
    assert kept.get("/consent/papers/..%2Fvault").status_code == 404
    assert kept.get("/consent/papers/vault").status_code == 404
    assert kept.get("/consent/said/none").status_code == 404


@pytest.fixture
def asked_for(kept):
    """A site in whose pod an app asked that all messages may be searched."""
    wish = Statement(id="ab" * 16, effect=Effect.ALLOW, type="message", purpose=Purpose.SEARCH)
    with kept.client.app.state.keeper.changing() as twin:
        twin.vault.record(
            ConsentObserved(statement=wish, document="policies/<b>x", digest=b"d" * 32)
        )
    return kept


def answer(site, which):
    page = site.get("/consent/inbox").text
    form = page.partition(f"/inbox/{'ab' * 16}/{which}")[2]
    return {"seen": re.search(r'name="seen" value="(\w+)"', form).group(1)}


def test_what_an_app_asks_for_waits_with_its_effect_and_is_said_by_her_alone(asked_for):
    page = asked_for.get("/consent/inbox")
    assert "216 items can be found by search." in text(page)
    assert "policies/<b>x" not in page.text
    assert in_force(asked_for) == []
    done = asked_for.post(f"/consent/inbox/{'ab' * 16}/accept", answer(asked_for, "accept"))
    assert done.status_code == 303
    assert in_force(asked_for) == [("allow", "message", "search")]
    assert "may be searched" not in text(asked_for.get("/consent/inbox"))


def test_a_refusal_allows_nothing_and_an_answer_out_of_date_is_none(asked_for):
    seen = answer(asked_for, "refuse")
    asked_for.command.ok("consent", "allow", "document", "search")
    late = asked_for.post(f"/consent/inbox/{'ab' * 16}/refuse", seen)
    assert late.status_code == 409
    assert "may be searched" in text(asked_for.get("/consent/inbox"))
    seen = answer(asked_for, "refuse")
    assert asked_for.post(f"/consent/inbox/{'ab' * 16}/refuse", seen).status_code == 303
    assert in_force(asked_for) == [("allow", "document", "search")]
    assert asked_for.post(f"/consent/inbox/{'ab' * 16}/refuse", seen).status_code == 404
