"""Examples on the pages: read, filtered, approved, rejected, reworded, weighed."""

import re
import shutil

import pytest

from console.use import reviewing
from tests.forked import Forked
from tests.helpers import CHAT, write_chats
from tests.pages import working


@pytest.fixture(scope="module")
def allowed(tmp_path_factory):
    """A folder with a vault that may learn from a few chats, to be copied."""
    command = Forked.in_folder(tmp_path_factory.mktemp("allowed"))
    command.ok("init")
    command.ok("add", str(write_chats(command.cwd)), "--me", "Ada Quill")
    (command.cwd / "chats" / "WhatsApp Chat with Tom Baker.txt").write_text(CHAT)
    command.ok("add", str(command.cwd / "chats"))
    command.ok("consent", "allow", "message", "train")
    command.ok("view", "build")
    return command.cwd


@pytest.fixture
def vault(twin, allowed):
    """The command on a copy of that vault."""
    shutil.copytree(allowed, twin.cwd, dirs_exist_ok=True)
    return twin


@pytest.fixture
def shown(site):
    """The pages of that vault."""
    return site


def pairs(site, **chosen):
    with site.client.app.state.keeper.looking() as twin:
        return reviewing.listed(twin, limit=1000, **chosen).pairs


def test_examples_are_read_as_a_model_would_see_them(shown):
    page = shown.get("/pairs").text
    for one in pairs(shown)[:20]:
        assert one.pair in page
    assert "07700 900142" not in page
    first = pairs(shown)[0]
    assert f"{len(pairs(shown))} examples, those kept aside among them. Near repeats" in page
    assert "What a model sees" in shown.get(f"/pairs/{first.pair}").text
    assert shown.get("/pairs/ffffffffffffffff").status_code == 404


def test_what_is_rejected_is_left_out_and_comes_back(shown):
    [first, *rest] = [one.pair for one in pairs(shown)]
    say = {"verdict": "rejected", "believed": "0"}
    assert shown.post(f"/pairs/{first}/say", say).headers["location"] == f"/pairs/{first}"
    assert [one.pair for one in pairs(shown)] == rest
    assert "This example is left out" in shown.get(f"/pairs/{first}").text
    page = shown.get("/pairs?verdict=rejected").text
    assert first in page
    assert rest[0] not in page
    position = re.search(r'name="believed" value="(\d+)"', page)[1]
    shown.post(f"/pairs/{first}/say", {"verdict": "approved", "believed": position})
    assert first in [one.pair for one in pairs(shown, verdict="approved")]


def test_two_tabs_at_odds_change_nothing(shown):
    first = pairs(shown)[0].pair
    shown.post(f"/pairs/{first}/say", {"verdict": "approved", "believed": "0"})
    late = shown.post(f"/pairs/{first}/say", {"verdict": "rejected", "believed": "0"})
    assert late.status_code == 400
    assert "changed meanwhile" in late.text
    words = {"prompt": "Tea?", "answer": "always", "believed": "0"}
    assert shown.post(f"/pairs/{first}/edit", words).status_code == 400
    assert [one.verdict for one in pairs(shown) if one.pair == first] == ["approved"]


def test_other_words_take_the_place_of_an_example(shown):
    first = pairs(shown)[0].pair
    words = {"prompt": "Tea or coffee?", "answer": "tea <b>always</b>", "believed": "0"}
    assert shown.post(f"/pairs/{first}/edit", words).status_code == 303
    [edited] = pairs(shown, verdict="edited")
    assert edited.answer == "tea <b>always</b>"
    page = shown.get(f"/pairs/{first}").text
    assert "tea &lt;b&gt;always&lt;/b&gt;" in page
    assert "<b>always" not in page
    empty = shown.post(f"/pairs/{first}/edit", words | {"answer": "  ", "believed": "0"})
    assert "no answer to learn" in empty.text


def test_a_verdict_that_is_none_is_refused(shown):
    first = pairs(shown)[0].pair
    assert shown.post(f"/pairs/{first}/say", {"verdict": "x", "believed": "0"}).status_code == 400
    assert shown.post(f"/pairs/{first}/say", {"verdict": "approved"}).status_code == 400


def test_examples_come_a_page_at_a_time_each_once(site):
    every = [one.pair for one in pairs(site)]
    assert len(every) > 40
    found, address = [], "/pairs"
    while address:
        page = site.part(address).text if found else site.get(address).text
        assert ("<html" in page) is not bool(found)
        found += re.findall(r'action="/pairs/([^/]+)/say"', page)
        more = re.search(r'href="(/pairs\?[^"]*after=[^"]+)"', page)
        address = more[1].replace("&amp;", "&") if more else ""
    assert found == every


def test_htmx_is_given_what_was_said_and_nothing_more(shown):
    first = pairs(shown)[0].pair
    answer = shown.client.post(
        f"/pairs/{first}/say",
        data={"verdict": "approved", "believed": "0"},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200
    assert "approved" in answer.text
    assert "<html" not in answer.text
    assert 'name="believed" value="0"' not in answer.text


def test_filters_find_what_they_say(shown):
    for kind in {one.kind for one in pairs(shown)}:
        page = shown.get(f"/pairs?kind={kind}").text
        assert pairs(shown, kind=kind)[0].pair in page
        assert " of this sort." in page
    assert "None of this sort" in shown.get("/pairs?kind=nothing").text
    assert shown.get("/pairs?view=nothing").status_code == 404


def test_what_dominates_is_said_and_drawn(shown):
    page = shown.get("/pairs/bias").text
    assert "What stands out" in page
    assert "Sources" in page
    assert 'class="bars thin"' in page
    assert "is of one type, “Direct chats, your words”." in page
    assert "message.chat" not in page
    led = working.led(shown, shown.post("/pairs/bias"))
    assert "What stands out" in led.text


def test_many_unmade_examples_are_made_as_work_first(shown, monkeypatch):
    monkeypatch.setattr("console.pages.routes.pairs._AT_ONCE", 0)
    shown.command.ok("withdraw", "message", "train")
    shown.command.ok("consent", "allow", "message", "train")
    page = shown.get("/pairs")
    assert "Examples are to be made first" in page.text
    led = working.led(shown, shown.post("/pairs/make"))
    assert "Examples are to be made first" not in led.text
