"""Rows that say the same: the smallest is learned, whatever came first."""

from itertools import permutations

import pytest

from projections import alike

SENT = "message.chat.direct.sent"
BOAT = "the boat needs paint, a new rope and somebody who can sail it home before winter"


def answers(world):
    return sorted(row.messages[-1].content for row in world.rows())


def test_an_edited_a_quoted_and_a_wrapped_copy_are_learned_once(world):
    world.allow("message", "document", redact="none")
    world.collect(
        world.item(BOAT),
        world.item(BOAT.replace("winter", "autumn"), conversation="B", minute=9),
        world.item(BOAT.replace(", ", ",\n  "), "document.note", minute=3),
        world.item("something else altogether, about beans and courgettes in the shed", minute=99),
    )
    assert len(answers(world)) == 2
    assert world.views.training.stats(world.now).duplicates == 2


def test_what_went_brings_back_what_it_stood_for(world):
    world.allow("message", redact="none")
    first, _ = world.collect(
        world.item(BOAT), world.item(BOAT.replace("winter", "autumn"), conversation="B", minute=9)
    )
    assert answers(world) == [BOAT]
    world.erase(first)
    assert answers(world) == [BOAT.replace("winter", "autumn")]
    assert world.views.training.dump() == world.clean().training.dump()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_arrival_makes_no_difference(new_world, order):
    world = new_world()
    world.allow("message", redact="none")
    texts = [BOAT, BOAT.replace("winter", "autumn"), BOAT.replace("paint", "care")]
    ids = world.collect(*(world.item(t, conversation=t) for t in texts))
    for one in order:
        world.follow()
        world.pause(source="phone")
        world.follow()
        world.resume(world.views.permissions.pauses[0])
        world.withdraw(SENT, conversation=texts[one])
        world.follow()
        assert world.rows() == world.rows(world.clean())
    assert len(ids) == 3


def test_three_of_one_skeleton_are_learned(world):
    world.allow("message", redact="none")
    names = ["Anna", "Bruno", "Clara", "David", "Emil", "Flora"]
    world.collect(
        *(
            world.item(
                f"Hello {name}, the invoice {n}77 for the repair of the roof is attached, thanks",
                "message.email.sent",
                conversation=name,
                minute=n,
            )
            for n, name in enumerate(names)
        )
    )
    assert len(answers(world)) == 3


def test_crowded_bands_are_compared_with_their_first_rows_whatever_came_first(
    new_world, monkeypatch
):
    monkeypatch.setattr(alike, "COMPARED", 3)
    texts = [f"{BOAT} {'very ' * 2}{word}" for word in "abcdefgh"]
    forward, backward = new_world(), new_world()
    ids = {}
    for world in (forward, backward):
        world.allow("message", redact="none")
        ids[world] = world.collect(*(world.item(t, conversation=t) for t in texts))
    forward.follow()
    for text in texts[:4]:
        backward.deny("message", conversation=text)
    backward.follow()
    for text in texts[3::-1]:
        backward.allow("message", conversation=text, redact="none")
        backward.follow()
    assert answers(forward) == answers(backward)
    assert backward.views.training.dump() == backward.clean().training.dump()
    forward.erase(*ids[forward][:2])
    assert forward.rows() == forward.rows(forward.clean())
    assert forward.views.training.dump() == forward.clean().training.dump()
