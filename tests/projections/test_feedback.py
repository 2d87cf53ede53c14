"""What the owner says of answers: it stays, is paged, and goes when she says so."""

import pytest

from vault.errors import NotFound
from vault.events import FeedbackGiven, ItemErased

SAID = "the violins were out of tune all evening long"


def given(world, *answers, **more):
    return world.log.add(
        *(
            FeedbackGiven(model="twin-1", prompt="?", answer=one, good=True, **more)
            for one in answers
        )
    )


def answers(views, **kwargs):
    return [one.event.answer for one in views.feedback.page(**kwargs)]


def test_feedback_is_listed_newest_first_and_goes_on_behind_a_place(world):
    given(world, "one", "two", "three")
    views = world.follow()
    assert answers(views) == ["three", "two", "one"]
    first = views.feedback.page(limit=2)
    assert answers(views, before=first[-1].position) == ["one"]
    assert views.feedback.count() == 3


def test_what_is_taken_back_is_gone_also_when_it_comes_again(world):
    one, two = given(world, "one", "two")
    world.follow()
    world.log.add(ItemErased(item_ids=(one,)))
    views = world.follow()
    assert answers(views) == ["two"]
    with pytest.raises(NotFound, match="no feedback"):
        views.feedback.one(one)
    assert views.feedback.one(two).event.answer == "two"
    assert views.feedback.holding([one, two]) == 1
    assert world.clean().feedback.dump() == views.feedback.dump()


def test_feedback_that_repeats_an_item_is_named_with_it(world):
    (item,) = world.collect(world.item(SAID))
    quoting, _ = given(world, "Violins were out of tune, ALL of them", "nothing of that")
    (better,) = given(world, "no", better="I say: were out of tune all evening")
    views = world.follow()
    assert set(views.repeating([item])) == {quoting, better}


def test_of_a_short_item_all_words_count(world):
    short, tiny = world.collect(world.item("meet me tomorrow"), world.item("so what", minute=1))
    quoting, _ = given(world, "so, meet me tomorrow at six", "so what then")
    views = world.follow()
    assert views.repeating([short, tiny]) == (quoting,)
