"""Three ways to begin: what each puts on the record, and what it leaves alone."""

import pytest

from console import bootstrap
from console.use import collecting, consenting, presets, searching, viewing
from console.use.presets import Preset
from tests.helpers import PASSPHRASE
from vault.consent import Effect, Filters, Profile, Purpose
from vault.errors import UsageError
from vault.events import ItemCollected
from vault.items import Item
from vault.log.sealed import Draft

OWN, THEIRS = "message.chat.direct.sent", "message.chat.direct.received"


@pytest.fixture
def empty(vault):
    twin = bootstrap.open_(vault.home, PASSPHRASE)
    yield twin
    twin.close()


@pytest.fixture
def collected(empty, chat):
    collecting.add(empty, chat, names=["Ada Quill"])
    return empty


def say(twin, effect, type_, purpose, **filters):
    return consenting.say(
        twin,
        Effect(effect),
        type_,
        Purpose(purpose),
        filters=Filters(**filters),
        redact=Profile.BALANCED,
        expires=None,
        recipient="",
    )


def standing(twin, purpose):
    """What is said of a purpose, as (effect, type)."""
    said = consenting.show(twin).statements
    return {(one.effect.value, one.type) for one in said if one.purpose == purpose}


def count(twin):
    return len(consenting.history(twin).history)


def test_keep_says_nothing_where_nothing_was_allowed(collected):
    before = count(collected)
    done = presets.apply(collected, Preset.KEEP)
    assert (done.allowed, done.withdrawn, count(collected)) == (0, 0, before)


def test_search_names_every_kind_that_is_there(collected):
    assert presets.apply(collected, Preset.SEARCH).allowed == 2
    assert standing(collected, "search") == {("allow", OWN), ("allow", THEIRS)}
    assert standing(collected, "train") == set()
    assert searching.search(collected, "recipe").hits


def test_teach_learns_from_her_own_words_alone_and_redacted(collected):
    presets.apply(collected, Preset.TEACH)
    assert standing(collected, "train") == {("allow", OWN)}
    said = consenting.show(collected).statements
    assert {one.redact for one in said if one.purpose == "train"} == {Profile.BALANCED}


def test_teach_with_others_lets_a_model_read_what_they_wrote(collected):
    presets.apply(collected, Preset.TEACH, others=True)
    assert standing(collected, "train") == {("allow", OWN), ("allow", THEIRS)}
    assert viewing.stats(collected).rows == 4


def test_saying_it_twice_says_nothing_more(collected):
    presets.apply(collected, Preset.TEACH)
    before = count(collected)
    assert presets.apply(collected, Preset.TEACH).allowed == 0
    assert count(collected) == before


def test_going_back_takes_back_with_a_receipt(collected):
    presets.apply(collected, Preset.TEACH)
    done = presets.apply(collected, Preset.SEARCH)
    assert done.withdrawn == 1
    assert [receipt.exists() for receipt in done.receipts] == [True]
    assert standing(collected, "train") == {("deny", OWN)}
    assert ("allow", OWN) in standing(collected, "search")
    assert viewing.stats(collected).rows == 0


def test_unticking_others_takes_back_only_theirs(collected):
    presets.apply(collected, Preset.TEACH, others=True)
    done = presets.apply(collected, Preset.TEACH)
    assert (done.allowed, done.withdrawn) == (0, 1)
    assert standing(collected, "train") == {("allow", OWN), ("deny", THEIRS)}


def test_what_was_taken_back_as_a_whole_can_be_chosen_again(collected):
    for preset in (Preset.TEACH, Preset.KEEP, Preset.TEACH):
        presets.apply(collected, preset)
    assert standing(collected, "train") == {("allow", OWN)}
    assert standing(collected, "search") == {("allow", OWN), ("allow", THEIRS)}


def test_what_she_forbade_stays_forbidden(collected):
    say(collected, "deny", "message", "train")
    planned = presets.plan(collected, Preset.TEACH)
    assert [(word.type, word.purpose) for word in planned.refused] == [(OWN, Purpose.TRAIN)]
    assert dict(planned.covered)[Purpose.TRAIN] == 0
    presets.apply(collected, Preset.TEACH)
    assert standing(collected, "train") == {("deny", "message")}


def test_a_conversation_that_was_taken_back_stays_out(collected):
    presets.apply(collected, Preset.TEACH)
    consenting.withdraw(collected, "message", Purpose.TRAIN, Filters(conversation="Priya Nair"))
    presets.apply(collected, Preset.TEACH)
    assert viewing.stats(collected).rows == 0


def test_a_prohibition_of_one_person_does_not_stop_the_others(collected):
    say(collected, "deny", "message", "train", person="Tom Baker")
    presets.apply(collected, Preset.TEACH)
    assert ("allow", OWN) in standing(collected, "train")


def test_a_wider_permission_is_not_said_again(collected):
    say(collected, "allow", "message", "search")
    presets.apply(collected, Preset.SEARCH)
    assert standing(collected, "search") == {("allow", "message"), ("allow", THEIRS)}


def test_of_what_is_sensitive_nothing_is_said(empty):
    item = Item(source="runs", native_id="1", text="ran ten miles", type="health.run")
    empty.log.append([Draft(event=ItemCollected(item=item))])
    planned = presets.plan(empty, Preset.TEACH, others=True)
    assert planned.sensitive == (("health.run", 1),)
    assert planned.allow == ()
    say(empty, "allow", "health", "search")
    presets.apply(empty, Preset.KEEP)
    assert standing(empty, "search") == {("allow", "health")}


def test_what_is_paused_is_decided_for_when_it_ends(collected):
    consenting.pause(collected, "")
    assert presets.apply(collected, Preset.SEARCH).allowed == 2
    assert not searching.search(collected, "recipe").hits
    consenting.resume(collected, "")
    assert searching.search(collected, "recipe").hits


def test_a_plan_that_is_out_of_date_is_not_carried_out(collected):
    looked_at = presets.plan(collected, Preset.SEARCH)
    say(collected, "deny", "message", "train")
    before = count(collected)
    with pytest.raises(UsageError, match="meanwhile"):
        presets.apply(collected, Preset.SEARCH, edition=looked_at.edition)
    assert count(collected) == before


def test_the_nearest_preset_is_told(collected):
    assert presets.standing(collected).preset is None
    presets.apply(collected, Preset.TEACH, others=True)
    assert presets.standing(collected) == presets.Standing(preset=Preset.TEACH, others=True)
    presets.apply(collected, Preset.SEARCH)
    assert presets.standing(collected) == presets.Standing(preset=Preset.SEARCH, others=False)
    presets.apply(collected, Preset.KEEP)
    assert presets.standing(collected) == presets.Standing(preset=Preset.KEEP, others=False)
