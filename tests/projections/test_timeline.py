"""Items in their latest words, and what is left of them when they go."""

import pytest

from vault.errors import Erased, NotFound
from vault.events import CorrectionMade, ItemRevised


def test_the_latest_version_counts_and_the_owners_correction_above_it(world):
    (first,) = world.collect(world.item("helo"))
    (second,) = world.log.add(ItemRevised(item_id=first, item=world.item("hello")))
    # A third reading revises the newest entry under the item's key, which is the second.
    (third,) = world.log.add(ItemRevised(item_id=second, item=world.item("hello!")))
    (fix,) = world.log.add(CorrectionMade(item_id=first, text="Hello."))
    views = world.follow()
    assert views.timeline.count() == 1
    assert views.timeline.show(first).item.own_text == "Hello."
    assert set(views.timeline.entries([first])) == {first, second, third, fix}


def test_an_erased_item_is_gone_with_every_version_and_does_not_come_back(world):
    (first,) = world.collect(world.item("hello"))
    world.log.add(CorrectionMade(item_id=first, text="secret"))
    world.erase(first)
    world.log.add(ItemRevised(item_id=first, item=world.item("hello again")))
    views = world.follow()
    assert views.timeline.count() == 0
    assert b"secret" not in repr(views.timeline.dump()).encode()
    with pytest.raises(Erased):
        views.timeline.show(first)
    with pytest.raises(NotFound):
        views.timeline.show("nothing")


def test_items_are_found_by_conversation_person_source_and_type(world):
    a, b, c = world.collect(
        world.item("a", conversation="A"),
        world.item("b", "message.email.sent", with_="mailto:bob@x.example|Bob Stone", minute=1),
        world.item("c", "document.note", source="notes", minute=2),
    )
    select = world.follow().timeline.select
    assert select() == (a, b, c)
    assert select(conversation="A") == (a,)
    assert select(person="bob stone") == (b,)
    assert select(person="mailto:bob@x.example") == (b,)
    assert select(source="notes") == (c,)
    assert select(type_="message") == (a, b)
    assert select(type_="message.email", person="priya nair") == ()
    assert world.views.timeline.counts()[("notes", "document.note")] == 1


def test_mentions_are_items_that_quote_or_nearly_repeat_what_would_be_erased(world):
    text = "the boat leaves at nine from the old harbour so bring a coat and the blue bag"
    erased, quote, edited, short, other = world.collect(
        world.item(text),
        world.item("ok!\n> " + text, text_new="ok!", minute=1),
        world.item(text.replace("nine", "ten").replace("blue", "red"), minute=2),
        world.item("so bring a coat", minute=3),
        world.item("the train leaves at noon from the new station so take a book", minute=4),
    )
    found = world.follow().timeline.mentions([erased])
    assert {one.id for one in found} == {quote, edited}
    assert {one.of for one in found} == {erased}
    assert other not in {one.id for one in found}
    assert short not in {one.id for one in found}
