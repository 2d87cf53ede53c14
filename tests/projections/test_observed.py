"""What other applications ask for in the pod, as the views hear it: narrowed at once, or waiting."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.projections.world import START
from vault.consent import Pause, Purpose
from vault.events import (
    ConsentGiven,
    ConsentObserved,
    ConsentProhibited,
    UsePaused,
    UseResumed,
)

SOON = START + timedelta(days=60)


def observe(world, *asked):
    world.log.add(
        *(
            ConsentObserved(statement=one, document="consent/message.ttl", digest=b"d")
            for one in asked
        )
    )
    return world.follow()


@pytest.fixture
def taught(world):
    """A world with a conversation that may be learned from."""
    for number in range(4):
        world.collect(
            world.item(
                f"what about day {number}?", "message.chat.direct.received", minute=2 * number
            ),
            world.item(f"day {number} was long and wet", minute=2 * number + 1),
        )
    world.allow("message", "message.chat.direct.received")
    world.allow("message", purpose="search")
    world.follow()
    assert rows(world)
    return world


def rows(world):
    return list(world.views.training.rows(now=world.now))


def waiting(world):
    return [one.statement.id for one in world.views.permissions.waiting]


def test_what_is_forbidden_in_the_pod_is_not_learned_from_any_more(taught):
    learned = rows(taught)
    observe(taught, taught.statement("deny", "message"))
    assert rows(taught) == []
    assert taught.views.training.still_permitted(learned, taught.now) == set()
    assert waiting(taught) == []


def test_what_is_forbidden_in_the_pod_is_not_found_any_more(taught):
    assert taught.views.search.find("wet", now=taught.now)
    observe(taught, taught.statement("deny", "message", "search"))
    assert not taught.views.search.find("wet", now=taught.now)


def test_a_permission_that_redacts_more_changes_the_rows_at_once(taught):
    learned = rows(taught)
    observe(taught, taught.statement("allow", "message", redact="strict"))
    assert taught.views.training.still_permitted(learned, taught.now) == set()
    assert {row.facts.profile for row in rows(taught)} == {"strict"}


def test_a_permission_that_ends_takes_its_rows_with_it(taught):
    observe(taught, taught.statement("allow", "message", expires=START))
    assert rows(taught) == []


def test_what_is_allowed_in_the_pod_waits_and_permits_nothing(taught):
    before = rows(taught)
    asked = taught.statement("allow", "document")
    observe(taught, asked)
    assert rows(taught) == before
    assert waiting(taught) == [asked.id]
    subject = taught.views.people.subject(taught.item("dear diary", "document.note"))
    assert not taught.views.permissions.decide(subject, Purpose.TRAIN, taught.now).permitted


def test_what_waits_is_answered_by_the_owners_next_word_on_it(taught):
    asked = [taught.statement("allow", "document"), taught.statement("allow", "post")]
    observe(taught, *asked)
    taught.log.add(ConsentProhibited(statement=replace(asked[0], id="no")))
    taught.follow()
    assert waiting(taught) == [asked[1].id]
    taught.log.add(ConsentGiven(statement=replace(asked[1], id="yes")))
    taught.follow()
    assert waiting(taught) == []


def test_the_same_wish_waits_once_however_many_devices_saw_it(taught):
    asked = taught.statement("allow", "document")
    end = taught.statement("deny", "message", "mirror", expires=START)
    observe(taught, asked, end, replace(asked, id="again"))
    observe(taught, replace(end, id="later", expires=START + timedelta(seconds=5)))
    assert waiting(taught) == [asked.id, end.id]


def test_an_edit_that_comes_late_never_undoes_a_prohibition(taught):
    """Another device forbade before this one saw the edit; the merged order decides."""
    observe(taught, taught.statement("allow", "message", expires=SOON))
    assert rows(taught)
    taught.log.arrived([ConsentProhibited(statement=taught.statement("deny", "message"))], before=3)
    taught.follow()
    observe(taught, taught.statement("deny", "message", expires=START + timedelta(days=2)))
    assert rows(taught) == []


def test_of_a_wish_that_narrows_and_widens_the_narrower_half_holds(taught):
    observe(taught, taught.statement("allow", "message", redact="none", expires=SOON))
    (one,) = taught.views.permissions.waiting
    assert (one.counts.redact, one.counts.expires) == ("balanced", SOON)
    assert one.document == "consent/message.ttl"


def test_what_somebody_else_wrote_is_told_apart_from_the_owners_word(taught):
    observe(taught, taught.statement("deny", "message"))
    told = taught.views.permissions.told
    assert [one.observed for one in told] == [False] * (len(told) - 1) + [True]


def test_a_pause_that_ended_is_known_to_have_begun(taught):
    pause = Pause(id="p", type="message")
    taught.log.add(UsePaused(pause=pause), UseResumed(pause=pause))
    taught.follow()
    permissions = taught.views.permissions
    assert permissions.pauses == ()
    assert (permissions.begun("p"), permissions.begun("q")) == (True, False)
    assert permissions.dump() == taught.clean().permissions.dump()


def test_rebuilding_says_the_same(taught):
    observe(taught, taught.statement("deny", "message"), taught.statement("allow", "document"))
    assert taught.views.permissions.dump() == taught.clean().permissions.dump()
