"""The overview: what is kept, what may be done with it, what needs attention, what comes next."""

import pytest

from console.use import collecting, consenting, overseeing, presets
from console.use.overseeing import Extent, Trouble
from vault.consent import Effect, Filters, Profile, Purpose
from vault.events import ItemCollected
from vault.items import Item
from vault.log.sealed import Draft

OWN, THEIRS = "message.chat.direct.sent", "message.chat.direct.received"


@pytest.fixture
def collected(site, chat):
    """A vault with a chat in it."""
    with opened(site) as twin:
        collecting.add(twin, chat, names=["Ada Quill"])
    return site


def opened(site):
    return site.client.app.state.keeper.changing()


def say(site, effect, type_, purpose, **filters):
    with opened(site) as twin:
        consenting.say(
            twin, Effect(effect), type_, Purpose(purpose), filters=Filters(**filters),
            redact=Profile.BALANCED, expires=None, recipient="",
        )  # fmt: skip


def seen(site):
    with opened(site) as twin:
        return overseeing.overview(twin)


def extents(site):
    return {kind.type: (kind.search, kind.train) for kind in seen(site).kinds}


def troubles(site):
    return {notice.trouble: notice.count for notice in seen(site).notices}


def test_an_empty_vault_leads_to_a_first_source(site):
    text = site.get("/").text
    assert "Nothing is collected yet" in text
    assert 'href="/begin/source"' in text


def test_it_counts_what_is_kept_and_from_when(collected):
    text = collected.get("/").text
    assert "<b>8</b><span>items kept, from February 2023</span>" in text
    found = seen(collected)
    assert [(kind.type, kind.items) for kind in found.kinds] == [(THEIRS, 4), (OWN, 4)]
    assert found.sources == (("whatsapp", 8),)


def test_kept_and_used_for_nothing_leads_to_a_choice(collected):
    text = collected.get("/").text
    assert 'href="/begin/allow"' in text
    assert set(extents(collected).values()) == {(Extent.NONE, Extent.NONE)}


def test_it_says_what_may_be_done(collected):
    say(collected, "allow", "message", "search")
    assert extents(collected)[OWN] == (Extent.ALL, Extent.NONE)
    assert extents(collected)[THEIRS] == (Extent.NONE, Extent.NONE)
    assert seen(collected).searchable == 4
    assert "<b>4</b><span>may be searched</span>" in collected.get("/").text
    say(collected, "allow", THEIRS, "search")
    assert seen(collected).searchable == 8
    say(collected, "deny", "message", "search", person="Priya Nair")
    told = "<b>0</b><span>may be searched; kinds allowed in part are not counted</span>"
    assert told in collected.get("/").text


@pytest.mark.parametrize(
    "said",
    [
        [("allow", "message", {"conversation": "Priya Nair"})],
        [("allow", "message", {}), ("deny", "message", {"person": "Priya Nair"})],
    ],
)
def test_what_is_said_of_some_items_makes_it_some(collected, said):
    for effect, type_, filters in said:
        say(collected, effect, type_, "search", **filters)
    assert extents(collected)[OWN][0] is Extent.SOME


def test_a_source_of_its_own_is_told_apart(collected):
    item = Item(source="mbox", native_id="1", text="soup", type=OWN)
    with opened(collected) as twin:
        twin.log.append([Draft(event=ItemCollected(item=item))])
    say(collected, "allow", "message", "search", source="whatsapp")
    assert extents(collected)[OWN][0] is Extent.SOME
    say(collected, "allow", "message", "search", source="mbox")
    assert extents(collected)[OWN][0] is Extent.ALL


def test_a_pause_stops_everything_and_is_told(collected):
    say(collected, "allow", "message", "search")
    with opened(collected) as twin:
        consenting.pause(twin, "message")
    assert extents(collected)[OWN][0] is Extent.NONE
    assert Trouble.PAUSED in troubles(collected)
    assert "Something is paused" in collected.get("/").text


def test_what_could_not_be_read_is_told_until_it_is_tried_again(site, tmp_path):
    path = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    path.write_text("01/02/2023, 10:01 - Priya Nair: soup\n99/99/2023, 10:01 - Priya Nair: tin\n")
    (tmp_path / "mail.mbox").write_bytes(b"From x\nSubject: =?broken?=\n\xff\xfe")
    with opened(site) as twin:
        added = collecting.add(twin, tmp_path, names=["Ada Quill"])
    assert troubles(site).get(Trouble.UNREAD, 0) == len(added.bad)


def test_a_recovery_key_beside_the_vault_is_told_until_it_is_gone(collected):
    assert troubles(collected)[Trouble.PAPER] == 1
    assert 'href="/begin/key"' in collected.get("/").text
    for file in collected.command.home.parent.glob("*-recovery-key*.html"):
        file.unlink()
    assert Trouble.PAPER not in troubles(collected)


def test_a_kind_that_nothing_was_said_of_is_told_once_others_were(collected):
    note = Item(source="notes", native_id="1", text="leeks", type="document.note")
    health = Item(source="steps", native_id="2", text="ran", type="health.run")
    with opened(collected) as twin:
        twin.log.append([Draft(event=ItemCollected(item=one)) for one in (note, health)])
    assert Trouble.NEW not in troubles(collected)
    with opened(collected) as twin:
        consenting.withdraw(twin, "message", Purpose.SEARCH, Filters())
    assert troubles(collected)[Trouble.NEW] == 1
    with opened(collected) as twin:
        presets.apply(twin, presets.Preset.SEARCH)
    assert Trouble.NEW not in troubles(collected)


def test_words_of_an_export_stay_words(site):
    item = Item(source="<b>notes</b>", native_id="1", text="leeks", type="document.note")
    with opened(site) as twin:
        twin.log.append([Draft(event=ItemCollected(item=item))])
    text = site.get("/").text
    assert "<b>notes</b>" not in text
    assert "&lt;b&gt;notes" in text


def test_examples_without_a_model_lead_to_teaching(collected):
    assert "Not every item makes an example" not in collected.get("/").text
    with opened(collected) as twin:
        presets.apply(twin, presets.Preset.TEACH)
    assert 'href="/training"' in collected.get("/").text
    assert "Not every item makes an example" in collected.get("/").text
    assert seen(collected).examples == 4


def test_a_model_that_may_not_answer_is_told_first(site, many_chats, toy):
    with opened(site) as twin:
        collecting.add(twin, many_chats(), names=["Ada Quill"])
        presets.apply(twin, presets.Preset.TEACH)
    site.command.ok("train", "--recipe", str(toy))
    assert seen(site).model == "twin-1"
    assert "Talk to twin-1" in site.get("/").text
    with opened(site) as twin:
        presets.apply(twin, presets.Preset.KEEP)
    found = seen(site)
    assert (found.model, found.notices[0].models) == ("", ("twin-1",))
    text = site.get("/").text
    assert "No model may answer" in text
    assert "twin-1 may not answer: it learned from something that you no longer allow." in text
