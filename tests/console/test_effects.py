"""What a word about consent would change is what it changes, and telling changes nothing."""

from datetime import UTC, datetime

import pytest

from console import bootstrap
from console.use import consenting, effects, people
from tests.helpers import PASSPHRASE
from vault.consent import Effect, Filters, Pause, Profile, Purpose, Statement


@pytest.fixture
def twin_of(vault):
    """Opens the vault from within, and closes it."""
    opened = []

    def open_():
        opened.append(bootstrap.open_(vault.home, PASSPHRASE))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def chats(vault, many_chats):
    vault.ok("add", str(many_chats()), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    vault.ok("consent", "allow", "message", "search")
    return vault


def said(effect, type_, purpose, **more):
    return Statement(id="", effect=effect, type=type_, purpose=purpose, **more)


def log(vault):
    return vault.ok("status")["items"], vault.ok("consent", "history")["history"]


def test_telling_says_nothing(chats, twin_of):
    before = log(chats)
    twin = twin_of()
    head = twin.log.head
    effects.of_statements(twin, said(Effect.DENY, "message", Purpose.TRAIN))
    effects.of_pause(twin, Pause(id="", person="Bex Stone"))
    assert twin.log.head == head
    assert log(chats) == before


@pytest.mark.usefixtures("chats")
@pytest.mark.parametrize("filters", [Filters(), Filters(person="bex stone")])
def test_as_many_examples_leave_as_were_told(twin_of, filters):
    twin = twin_of()
    rows = {row.id for row in twin.rows()}
    assert rows
    told = effects.of_statements(twin, said(Effect.DENY, "message", Purpose.TRAIN, filters=filters))
    held = {row.id for row in twin.rows()}
    assert held == rows
    gone = consenting.withdraw(twin, "message", Purpose.TRAIN, filters)
    assert told.exact
    assert told.examples_leave == gone.rows_removed > 0
    assert told.stops > 0
    assert told.begins == told.examples_enter == 0


def test_the_models_that_are_told_are_those_that_are_suspended(chats, twin_of, toy):
    chats.ok("train", "--recipe", str(toy))
    twin = twin_of()
    word = said(Effect.DENY, "message", Purpose.TRAIN, filters=Filters(person="ned marlow"))
    other = said(Effect.DENY, "document", Purpose.TRAIN)
    assert effects.of_statements(twin, other).models == ()
    assert effects.of_statements(twin, word).models == ("twin-1",)
    assert twin.views.lineage.model("twin-1").status == "trained"
    gone = consenting.withdraw(twin, "message", Purpose.TRAIN, word.filters)
    assert gone.models_suspended == ("twin-1",)
    assert effects.of_statements(twin, said(Effect.DENY, "message", Purpose.TRAIN)).models == ()


def test_stricter_redaction_takes_examples_and_models_away(chats, twin_of, toy):
    chats.ok("train", "--recipe", str(toy))
    twin = twin_of()
    rows = len(twin.rows())
    stricter = said(Effect.ALLOW, "message", Purpose.TRAIN, redact=Profile.STRICT)
    looser = said(Effect.ALLOW, "message", Purpose.TRAIN, redact=Profile.NONE)
    told = effects.of_statements(twin, stricter)
    assert (told.stops, told.examples_leave, told.models) == (0, rows, ("twin-1",))
    told = effects.of_statements(twin, looser)
    assert (told.examples_leave, told.models) == (0, ())


@pytest.mark.usefixtures("chats")
def test_what_begins_is_told_and_how_many_examples_it_can_give(twin_of):
    twin = twin_of()
    consenting.withdraw(twin, "message", Purpose.TRAIN, Filters())
    twin.views.settle(twin.vault.now())
    assert twin.rows() == ()
    told = effects.of_statements(twin, said(Effect.ALLOW, "message", Purpose.TRAIN))
    assert told.begins == 3 * 24 * 3
    assert told.refused == 3 * 24 * 3
    assert told.because == "Nothing allows message.chat.direct.received for train."
    consenting.say(
        twin, Effect.ALLOW, "message", Purpose.TRAIN,
        filters=Filters(), redact=Profile.BALANCED, expires=None, recipient="",
    )  # fmt: skip
    twin.views.settle(twin.vault.now())
    assert 0 < len(twin.rows()) <= told.examples_enter


def test_a_wider_prohibition_is_told_as_the_reason(chats, twin_of):
    chats.ok("consent", "deny", "message", "search")
    told = effects.of_statements(
        twin_of(), said(Effect.ALLOW, "message.chat.direct.sent", Purpose.SEARCH)
    )
    assert told.begins == 0
    assert told.refused == told.items > 0
    assert told.because == "message for search is denied."


def test_a_pause_on_a_person_covers_what_mentions_her(vault, twin_of, tmp_path):
    chat = tmp_path / "WhatsApp Chat with Ned Marlow.txt"
    chat.write_text(
        "01/02/2023, 10:01 - Ned Marlow: hello there\n"
        "01/02/2023, 10:02 - Ada Quill: did Priya Nair call you?\n"
    )
    other = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    other.write_text("01/02/2023, 10:01 - Priya Nair: hello you\n")
    for path in (chat, other):
        vault.ok("add", str(path), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "train")
    twin = twin_of()
    told = effects.of_pause(twin, Pause(id="", person="priya nair"))
    assert told.items == 2
    assert told.stops == 1


@pytest.mark.usefixtures("chats")
def test_ending_a_pause_tells_what_comes_back(twin_of):
    twin = twin_of()
    paused = consenting.pause(twin, "message").paused
    told = effects.of_resuming(twin, paused)
    assert told.begins == 3 * 24 * 3
    assert told.stops == 0


@pytest.mark.usefixtures("chats")
def test_of_many_items_some_are_looked_at(twin_of, monkeypatch):
    monkeypatch.setattr(effects, "_MOST", 40)
    twin = twin_of()
    told = effects.of_statements(twin, said(Effect.DENY, "message", Purpose.TRAIN))
    assert not told.exact
    assert abs(told.items - 432) <= 12
    assert abs(told.stops - 216) <= 12


@pytest.mark.usefixtures("chats")
def test_of_a_person_in_many_items_as_many_examples_leave_as_were_told(twin_of, monkeypatch):
    """An example of several items is met by each of them, and is one example all the same."""
    # No divisor of what the chats repeat after.
    monkeypatch.setattr(effects, "_MOST", 100)
    twin = twin_of()
    rows = len(twin.rows())
    told = effects.of_pause(twin, Pause(id="", person="bex stone"))
    assert not told.exact
    consenting.pause(twin, "", person="Bex Stone")
    gone = rows - len(twin.rows())
    assert gone > 0
    assert abs(told.examples_leave - gone) <= gone / 5


def test_merging_tells_what_then_holds_for_both(chats, twin_of, toy):
    chats.ok("withdraw", "message", "train", "--person", "Bex Stone")
    chats.ok("train", "--recipe", str(toy))
    twin = twin_of()
    told = effects.of_merging(twin, "Bex Stone", "Ned Marlow")
    assert (told.statements, told.models) == (1, ("twin-1",))
    assert effects.of_merging(twin, "Ned Marlow", "Priya Nair").statements == 0
    changed = people.merge(twin, "Bex Stone", "Ned Marlow")
    assert changed.models_suspended == told.models


def test_the_history_is_read_in_pages_and_whole(chats, twin_of):
    chats.ok("pause", "message")
    chats.ok("resume", "message")
    chats.ok("retention", "document", "30")
    twin = twin_of()
    whole = consenting.history(twin).history
    assert [type(one).__name__ for one in whole[-3:]] == ["Paused", "Resumed", "Kept"]
    first = consenting.recent(twin, limit=2)
    rest = consenting.recent(twin, first[-1].position, limit=100)
    assert [one.said for one in reversed((*first, *rest))] == list(whole)
    assert all(one.at.tzinfo is UTC and one.at <= datetime.now(UTC) for one in whole)
