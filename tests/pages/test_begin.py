"""Beginning: five screens, from an empty folder to what a model would learn."""

import re
import subprocess
import sys
import time
from html import unescape

import pytest

from console import bootstrap
from console.use import beginning, collecting, consenting, presets, reviewing
from console.use.beginning import Step
from tests.helpers import PASSPHRASE
from tests.pages.conftest import _site

NEW = "five plain words picked here"
OWN, THEIRS = "message.chat.direct.sent", "message.chat.direct.received"


@pytest.fixture
def nowhere(twin):
    """The pages where there is no vault yet."""
    yield from _site(twin)


@pytest.fixture
def collected(site, chat):
    """A vault with a chat in it."""
    with opened(site) as twin:
        collecting.add(twin, chat, names=["Ada Quill"])
    return site


def opened(site):
    return site.client.app.state.keeper.changing()


def groups(site):
    (file,) = bootstrap.recovery_pages(site.command.home)
    return file, bootstrap.recovery_groups(file.read_text())


def where(site):
    return site.get("/begin").headers["location"]


def finished(site, answer):
    """Follow a job to the page that shows what came of it."""
    assert answer.headers["location"].startswith("/jobs/"), answer.text
    for _ in range(600):
        now = site.get(answer.headers["location"])
        if now.status_code == 303:
            return now.headers["location"]
        time.sleep(0.2)
    raise AssertionError(now.text)


def edition(site):
    return unescape(re.search(r'name="edition" value="([^"]*)"', site.get("/begin/allow").text)[1])


def said(site, purpose):
    with opened(site) as twin:
        return {
            (one.effect.value, one.type)
            for one in consenting.show(twin).statements
            if one.purpose == purpose
        }


# The vault and its key.


def test_without_a_vault_everything_leads_to_the_beginning(nowhere):
    assert nowhere.get("/").headers["location"] == "/begin"
    text = nowhere.get("/begin").text
    assert str(nowhere.command.home) in text
    assert "What happens to the bytes" in text


def test_a_vault_is_created_opened_and_led_on_from(nowhere):
    answer = nowhere.post("/begin/vault", {"passphrase": NEW, "again": NEW})
    assert answer.headers["location"] == "/begin/key"
    assert nowhere.get("/begin/key").status_code == 200
    assert where(nowhere) == "/begin/key"
    assert bootstrap.opens(nowhere.command.home, NEW)
    # The passphrase was typed a moment ago, so the page to print asks for none.
    assert nowhere.post("/begin/key/paper").status_code == 200


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (NEW, NEW + ".", "not the same"),
        ("short", "short", "8 characters"),
        ("", "", "8 characters"),
    ],
)
def test_a_passphrase_that_will_not_do_makes_no_vault(nowhere, first, second, words):
    answer = nowhere.post("/begin/vault", {"passphrase": first, "again": second})
    assert answer.status_code == 400
    assert words in answer.text
    assert not nowhere.command.home.exists()
    if second:
        assert second not in answer.text


def test_a_second_tab_makes_no_second_vault(site):
    before = (site.command.home / "vault.json").read_bytes()
    answer = site.post("/begin/vault", {"passphrase": NEW, "again": NEW})
    assert answer.headers["location"] == "/begin"
    assert (site.command.home / "vault.json").read_bytes() == before


def test_the_page_to_print_stands_alone(site):
    file, _ = groups(site)
    answer = site.post("/begin/key/paper")
    assert answer.text == file.read_text()
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_the_page_to_print_asks_for_the_passphrase_again(site):
    _, key = groups(site)
    site.get(f"/enter/{site.client.app.state.sessions.link()}")
    assert 'name="passphrase"' in site.get("/begin/key").text
    refused = site.post("/begin/key/paper")
    assert refused.status_code == 403
    assert "-".join(key) not in refused.text
    assert site.post("/begin/key/paper", {"passphrase": PASSPHRASE}).status_code == 200


def test_a_group_of_the_key_is_not_guessed_at_leisure(site):
    _, key = groups(site)
    for _ in range(3):
        assert "reads otherwise" in site.post("/begin/key", {"group": 4, "typed": "AAAAA"}).text
    answer = site.post("/begin/key", {"group": 4, "typed": key[3]})
    assert answer.status_code == 403
    assert "Wrong too often; try again in 1 second." in answer.text
    tries = site.client.app.state.sessions.tries
    tries.clock = lambda: time.monotonic() + 60
    assert site.post("/begin/key", {"group": 4, "typed": key[3]}).status_code == 303


def test_the_key_is_on_no_other_page(site):
    _, key = groups(site)
    for path in ("/begin/key", "/", "/begin/pod"):
        assert not any(group in site.get(path).text for group in key)


def test_a_group_from_the_paper_is_enough(site):
    file, key = groups(site)
    answer = site.post("/begin/key", {"group": 4, "typed": f" {key[3].lower()} "})
    assert answer.headers["location"] == "/begin/pod"
    assert file.exists()
    assert where(site) == "/begin/pod"


def test_letters_that_look_alike_count_as_one(site):
    _, key = groups(site)
    written = {str(n): group for n, group in enumerate(key, 1) if set(group) & set("01")}
    for number, group in written.items():
        typed = group.replace("0", "O").replace("1", "l")
        assert site.post("/begin/key", {"group": number, "typed": typed}).status_code == 303


@pytest.mark.parametrize("typed", ["", "ZZZZZ", "<b>Q</b>"])
def test_something_else_is_told_and_changes_nothing(site, typed):
    file, _ = groups(site)
    answer = site.post("/begin/key", {"group": 5, "typed": typed, "remove": "true"})
    assert answer.status_code == 400
    assert "Group 5 of the key reads otherwise" in answer.text
    assert 'name="group" value="5"' in answer.text
    assert "<b>Q</b>" not in answer.text
    assert file.exists()
    assert where(site) == "/begin/key"


@pytest.mark.parametrize("group", ["0", "-1", "10", "x", ""])
def test_a_group_that_is_not_there_is_refused(site, group):
    file, key = groups(site)
    assert site.post("/begin/key", {"group": group, "typed": key[-1]}).status_code == 400
    assert file.exists()


def test_the_file_goes_when_the_paper_is_there(site):
    file, key = groups(site)
    text = file.read_text()
    site.post("/begin/key", {"group": 2, "typed": key[1], "remove": "true"})
    assert not file.exists()
    assert bootstrap.opens(site.command.home, text)
    assert "no longer on this computer" in site.get("/begin/key").text
    assert site.post("/begin/key/paper").status_code == 404
    assert site.post("/begin/key", {"group": 2, "typed": key[1]}).status_code == 404


def test_a_page_of_another_vault_is_left_alone(site):
    file, key = groups(site)
    stranger = file.with_name(f"{site.command.home.name}-recovery-key-7.html")
    stranger.write_text(file.read_text().replace("-".join(key), "00000-" * 8 + "00000"))
    site.post("/begin/key", {"group": 2, "typed": key[1], "remove": "true"})
    assert (file.exists(), stranger.exists()) == (False, True)


# Coming back.


def test_coming_back_leads_to_where_she_left_off(site, chat):
    _, key = groups(site)
    steps = []
    site.post("/begin/key", {"group": 2, "typed": key[1]})
    steps.append(where(site))
    assert site.post("/begin/pod").headers["location"] == "/begin/source"
    steps.append(where(site))
    with opened(site) as twin:
        collecting.add(twin, chat, names=["Ada Quill"])
    steps.append(where(site))
    form = {"preset": "keep", "edition": edition(site)}
    assert site.post("/begin/allow", form).headers["location"] == "/begin/learn"
    steps.append(where(site))
    assert site.post("/begin/learn").headers["location"] == "/"
    assert steps == ["/begin/pod", "/begin/source", "/begin/allow", "/begin/learn"]
    with opened(site) as twin:
        assert beginning.begun(twin).next is None
    assert "Go on" not in site.get("/").text


def test_what_commands_did_counts_as_done(collected):
    with opened(collected) as twin:
        presets.apply(twin, presets.Preset.SEARCH)
        assert set(beginning.begun(twin).done) == {Step.SOURCE, Step.ALLOW}


def test_a_damaged_note_of_it_stops_nothing(site):
    with opened(site) as twin:
        beginning.finish(twin, Step.POD)
        (site.command.home / "views" / "begin").write_bytes(b"nothing of ours")
        assert not beginning.begun(twin).guided
    assert site.get("/").status_code == 200
    assert where(site) == "/begin/key"


# What is allowed.


def test_before_there_is_anything_there_is_nothing_to_decide(site):
    text = site.get("/begin/allow").text
    assert "There is nothing to decide about yet" in text
    assert "/begin/source" in text


def test_each_choice_says_how_much_it_is_about(collected):
    text = collected.get("/begin/allow").text
    for words in ("8 items are kept", "8 items can be found", "4 items in your own words"):
        assert words in text
    assert "4 items, redacted" in text


def test_a_choice_is_put_on_the_record(collected):
    form = {"preset": "teach", "edition": edition(collected)}
    assert finished(collected, collected.post("/begin/allow", form)) == "/begin/learn"
    assert said(collected, "search") == {("allow", OWN), ("allow", THEIRS)}
    assert said(collected, "train") == {("allow", OWN)}
    assert "as it is now" in collected.get("/begin/allow").text


def test_other_peoples_words_are_a_choice_of_their_own(collected):
    form = {"preset": "teach", "others": "true", "edition": edition(collected)}
    finished(collected, collected.post("/begin/allow", form))
    assert said(collected, "train") == {("allow", OWN), ("allow", THEIRS)}


def test_two_tabs_at_odds_say_nothing(collected):
    form = {"preset": "search", "edition": edition(collected)}
    with opened(collected) as twin:
        presets.apply(twin, presets.Preset.TEACH)
        before = len(consenting.history(twin).history)
    answer = collected.post("/begin/allow", form)
    assert answer.status_code == 409
    assert "was changed meanwhile" in answer.text
    with opened(collected) as twin:
        assert len(consenting.history(twin).history) == before


def test_while_one_tab_says_it_another_says_nothing(collected, monkeypatch):
    # The work of the first tab waits: it has said nothing yet.
    script = "import sys, time; sys.stdin.readline(); time.sleep(600)"
    waiting = [sys.executable, "-c", script]
    begin = subprocess.Popen
    monkeypatch.setattr(
        "console.pages.jobs.subprocess.Popen", lambda _, **more: begin(waiting, **more)
    )
    form = {"preset": "teach", "edition": edition(collected)}
    at = collected.post("/begin/allow", form).headers["location"]
    answer = collected.post("/begin/allow", form | {"preset": "keep"})
    assert answer.status_code == 409
    assert "from another window is being put on the record" in answer.text
    assert f'href="{at}"' in answer.text
    # The same form, sent twice, is one choice.
    assert collected.post("/begin/allow", form).headers["location"] == at
    jobs = collected.client.app.state.jobs
    assert [job.id for job in jobs.running()] == [at.rpartition("/")[2]]
    jobs.get(at.rpartition("/")[2]).process.kill()


def teaching(site):
    """What the last of the choices would put on the record, line by line."""
    way = site.get("/begin/allow").text.partition('value="teach"')[2].partition("</ul>")[0]
    return [" ".join(re.sub("<[^>]*>", " ", one).split()) for one in way.split("<li>")[1:]]


def test_what_a_tick_adds_to_the_record_is_listed(collected):
    assert [one for one in teaching(collected) if "if" in one] == [
        "Direct chats, from others allow: learn from, if ticked"
    ]
    with opened(collected) as twin:
        presets.apply(twin, presets.Preset.TEACH, others=True)
    assert teaching(collected) == ["Direct chats, from others take back: learn from, if not ticked"]
    assert "as it is now" in collected.get("/begin/allow").text


@pytest.mark.parametrize(
    "form", [{}, {"preset": "everything"}, {"preset": "teach", "others": "perhaps"}]
)
def test_a_form_that_is_not_ours_says_nothing(collected, form):
    answer = collected.post("/begin/allow", form | {"edition": edition(collected)})
    assert answer.status_code == 400
    assert not said(collected, "train")


# What is learned.


def test_what_is_shown_is_what_would_be_learned(collected):
    with opened(collected) as twin:
        presets.apply(twin, presets.Preset.TEACH, others=True)
        learned = [one for one in reviewing.listed(twin).pairs if one.split == "train"]
        held = [one for one in reviewing.listed(twin).pairs if one.split == "held"]
    shown = re.sub(r"</?mark>", "", collected.get("/begin/learn").text)
    answers = re.findall(r"Your answer: </span>(.*?)</p>", shown, re.DOTALL)
    assert sorted(map(unescape, answers)) == sorted(one.answer for one in learned)
    assert all(one.prompt in unescape(shown) for one in learned)
    assert not any(one.answer in map(unescape, answers) for one in held)


def test_what_is_held_back_is_not_shown(collected, monkeypatch):
    # Which side a conversation is on is decided by the vault's key; here all are held back.
    monkeypatch.setattr("projections.pairs.split_of", lambda _thread, _key: "held")
    with opened(collected) as twin:
        presets.apply(twin, presets.Preset.TEACH)
        assert {row.split for row in twin.rows()} == {"held"}
    assert "Your answer: " not in collected.get("/begin/learn").text


def test_what_was_replaced_is_marked_and_her_own_words_stand_beside(collected):
    with opened(collected) as twin:
        presets.apply(twin, presets.Preset.TEACH)
        shown = [
            (one, twin.views.training.sample(one, twin.now))
            for one in twin.rows()
            if one.split == "train"
        ]
    text = unescape(collected.get("/begin/learn?by=masked").text)
    changed = [one for one, sample in shown if sample.before != sample.after]
    assert text.count("<mark>") >= 1 + len(changed)
    assert all(sample.before in text for _, sample in shown)


def test_markup_in_somebodys_words_stays_words(site, tmp_path):
    path = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    answers = (
        "leeks and butter", "the tide is at six", "wear two hats", "like a log, a wet one",
        "ask the baker on the quay", "third ring, north side", "no, never on a Tuesday",
        "paint it green then", "her cat, obviously", "under the blue bucket",
    )  # fmt: skip
    path.write_text(
        "".join(
            f"{day:02}/02/2023, 10:0{minute} - {who}: <script>alert({day})</script> {words}\n"
            for day, words in enumerate(answers, start=1)
            for minute, who in ((1, "Priya Nair"), (2, "Ada Quill"))
        )
    )
    with opened(site) as twin:
        collecting.add(twin, path, names=["Ada Quill"])
        presets.apply(twin, presets.Preset.TEACH, others=True)
    text = site.get("/begin/learn").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


@pytest.mark.parametrize(("preset", "words"), [("keep", "Nothing is learned"), ("", "Nothing is")])
def test_where_nothing_is_learned_the_page_leads_on(collected, preset, words):
    with opened(collected) as twin:
        presets.apply(twin, presets.Preset(preset or "search"))
    text = collected.get("/begin/learn").text
    assert words in text
    assert 'href="/begin/allow"' in text


def test_where_no_words_are_hers_the_page_says_so(site, chat):
    with opened(site) as twin:
        collecting.add(twin, chat)
        presets.apply(twin, presets.Preset.TEACH)
        consenting.say(
            twin, presets.Effect.ALLOW, "message", presets.Purpose.TRAIN,
            filters=presets.Filters(), redact=presets.Profile.BALANCED, expires=None, recipient="",
        )  # fmt: skip
    assert "No words of yours yet" in site.get("/begin/learn").text
