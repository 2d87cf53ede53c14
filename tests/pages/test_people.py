"""People on the pages: looked at, found, told what would change, merged, split, blocked."""

import re

import pytest

from tests.pages.test_consent import fields, text
from tests.pages.working import ended, led


@pytest.fixture
def known(site, many_chats):
    site.command.ok("add", str(many_chats()), "--me", "Ada Quill")
    return site


def id_of(site, name):
    return next(p["id"] for p in site.command.ok("people", "list")["people"] if name in p["names"])


def test_nobody_yet_leads_to_sources(site):
    page = site.get("/people")
    assert "Nobody yet" in page.text
    assert 'href="/sources"' in page.text


def test_everybody_is_listed_and_somebody_found(known):
    page = text(known.get("/people"))
    assert "4 people" in page
    assert "Ada Quill" in page
    found = known.post("/people/find", {"text": "bex"}, headers={"HX-Request": "true"})
    assert "<html" not in found.text
    assert "Bex Stone" in found.text
    assert "Ned Marlow" not in found.text
    assert "Nobody here is called that" in known.post("/people/find", {"text": "zzz"}).text


def test_long_lists_come_in_pages(known, monkeypatch):
    monkeypatch.setattr("console.pages.routes.people._PAGE", 3)
    first = known.get("/people")
    assert first.text.count('<th scope="row">') == 3
    assert 'href="/people?after=3"' in first.text
    assert known.get("/people?after=3").text.count('<th scope="row">') == 1


def test_a_person_shows_what_is_hers_and_what_was_said_of_her(known):
    known.command.ok("consent", "deny", "message", "train", "--person", "Bex Stone")
    page = text(known.get(f"/people/{id_of(known, 'Bex Stone')}"))
    assert "Direct chats, your words 72" in page
    assert "Messages may not teach your model" in page
    assert "Messages may not" not in text(known.get(f"/people/{id_of(known, 'Ned Marlow')}"))


def test_nobody_of_an_id_is_a_plain_page(known):
    answer = known.get("/people/0123456789abcdef")
    assert answer.status_code == 404
    assert 'class="alert bad"' in answer.text


def test_blocking_tells_first_and_then_blocks(known, toy):
    known.command.ok("consent", "allow", "message", "train")
    known.command.ok("train", "--recipe", str(toy))
    bex = id_of(known, "Bex Stone")
    told = known.post(f"/people/{bex}/block/effect")
    assert "144 items with them, or that mention them" in text(told)
    assert "twin-1 is suspended" in text(told)
    assert known.command.ok("consent", "show")["pauses"] == []
    page = led(known, known.post(f"/people/{bex}/block", fields(told)))
    assert "Blocked" in text(page)
    assert known.command.ok("models", "list")["models"][0]["status"] == "suspended"
    ends = known.post(f"/people/{bex}/block/effect")
    page = led(known, known.post(f"/people/{bex}/block", fields(ends)))
    assert "Blocked" not in text(page)


def test_merging_and_splitting_tell_first_and_can_be_undone(known):
    bex, ned = id_of(known, "Bex Stone"), id_of(known, "Ned Marlow")
    assert "Ned Marlow" in known.post(f"/people/{bex}/merge/find", {"text": "ned"}).text
    told = known.post(f"/people/{bex}/merge/effect", {"other": ned})
    assert "masked alike" in text(told)
    page = led(known, known.post(f"/people/{bex}/merge", fields(told)))
    assert {"Bex Stone", "Ned Marlow"} <= set(
        re.findall(r"<span>([^<]+)</span></label>", page.text)
    )
    one = id_of(known, "Bex Stone")
    told = known.post(f"/people/{one}/split/effect", {"texts": "Ned Marlow"})
    assert "Somebody else's Ned Marlow" in text(told)
    led(known, known.post(f"/people/{one}/split", fields(told)))
    assert id_of(known, "Bex Stone") != id_of(known, "Ned Marlow")


def test_a_person_who_changed_meanwhile_is_left_alone(known):
    bex, ned = id_of(known, "Bex Stone"), id_of(known, "Ned Marlow")
    told = fields(known.post(f"/people/{bex}/merge/effect", {"other": ned}))
    known.command.ok("people", "relate", "Bex Stone", "friend")
    answer = known.post(f"/people/{bex}/merge", told)
    assert answer.status_code == 409
    assert "changed meanwhile" in answer.text
    assert len({id_of(known, "Bex Stone"), id_of(known, "Ned Marlow")}) == 2


@pytest.mark.parametrize("texts", [[], ["Bex Stone"], ["Somebody Else"]])
def test_none_or_all_of_a_person_cannot_be_split_off(known, texts):
    answer = known.post(
        f"/people/{id_of(known, 'Bex Stone')}/split/effect", {"texts": texts, "x": ""}
    )
    assert answer.status_code == 400


def test_a_relation_is_kept_and_one_that_names_somebody_refused(known):
    bex = id_of(known, "Bex Stone")
    seen = fields(known.get(f"/people/{bex}"))["seen"]
    page = led(known, known.post(f"/people/{bex}/relate", {"relation": "sister", "seen": seen}))
    assert "To you: sister." in text(page)
    seen = fields(page)["seen"]
    job = ended(known, known.post(f"/people/{bex}/relate", {"relation": "Priya", "seen": seen}))
    assert job.state == "failed"
    assert "sister" in text(known.get(f"/people/{bex}"))


def test_being_oneself_is_told_first(known):
    bex = id_of(known, "Bex Stone")
    told = known.post(f"/people/{bex}/own/effect")
    assert "What is here already keeps the kind" in text(told)
    page = led(known, known.post(f"/people/{bex}/relate", fields(told)))
    assert "This is you." in text(page)
