"""What was handed out in plain words: told of once for a place, to whom it may concern."""

from projections.lineage import disclosed
from projections.outside import DOWNLOADS, handed


def places(views, entries, since=0):
    return [(one.kind, one.place) for one in views.outside.holding(entries, since)]


def test_what_was_written_before_an_item_came_does_not_hold_it(world):
    (old,) = world.collect(world.item("it rains"))
    world.log.add(handed("portable copy", place="/a", items=1))
    world.log.add(handed("training examples", place="/b", items=1))
    (new,) = world.collect(world.item("it pours", minute=1))
    world.log.add(handed("conversation", place=DOWNLOADS, items=1))
    views = world.follow()
    [since] = [one.position for one in views.timeline.load([new])]
    assert places(views, [new], since) == [("conversation", DOWNLOADS)]
    assert places(views, [old]) == [
        ("portable copy", "/a"), ("training examples", "/b"), ("conversation", DOWNLOADS),
    ]  # fmt: skip


def test_a_proof_holds_the_words_of_its_own_entry_alone(world):
    one, two = world.collect(world.item("it rains"), world.item("it pours", minute=1))
    (kept,) = world.log.add(handed("proof with words", place="/p", items=1, about=one))
    views = world.follow()
    assert [found.entry for found in views.outside.holding([one], 0)] == [kept]
    assert places(views, [two]) == []


def test_a_place_that_was_written_again_is_told_of_once_as_of_then(world):
    (item,) = world.collect(world.item("it rains"))
    world.log.add(handed("training examples", place="/b", items=1))
    (last,) = world.log.add(handed("training examples", place="/b", items=2))
    views = world.follow()
    assert [found.entry for found in views.outside.holding([item], 0)] == [last]
    assert world.clean().outside.dump() == views.outside.dump()


def test_downloads_do_not_take_each_others_place(world):
    one, two = world.collect(world.item("it rains"), world.item("it pours", minute=1))
    kept = world.log.add(
        *(handed("proof with words", place=DOWNLOADS, items=1, about=item) for item in (one, two))
    )
    views = world.follow()
    assert [found.entry for found in views.outside.holding([one, two], 0)] == list(kept)
    assert [found.about for found in views.outside.told(kept[1:])] == [two]


def test_other_things_that_left_are_not_taken_for_it(world):
    (item,) = world.collect(world.item("it rains"))
    world.log.add(disclosed("twin-1", folder="/m", digest="", items=1))
    assert places(world.follow(), [item]) == []
