"""What a part holds is counted exactly where it is small, and said to be a guess where not."""

from datetime import UTC, datetime

from vault.collectors.survey import Counted, Surveyor
from vault.items import Bad, Item, Progress


def items(count, kind="document.note"):
    for number in range(count):
        at = datetime(2020, 1, 1 + number % 28, tzinfo=UTC)
        yield Item(source="text", native_id=str(number), type=kind, at=at, text="words")


def look(records, size=1000):
    return Surveyor().look(iter(records), source="text", part="a", files=1, size=size)


def test_a_small_part_is_counted_to_its_end():
    received = items(3, "message.email.received")
    said = look(
        [*items(2), *received, Bad(locator="a#5", reason="torn"), Progress(done=9, total=9)]
    )
    assert said.counted is Counted.EXACTLY
    assert (said.own, said.others, said.bad) == (2, 3, 1)
    assert (said.first_at.day, said.last_at.day) == (1, 3)
    assert [item.native_id for item in said.samples] == ["0", "1", "0", "1", "2"]


def test_of_a_large_part_a_beginning_says_about_how_much_there_is():
    def records():
        for done in range(10, 1000, 10):
            yield from items(100)
            yield Progress(done=done, total=1000)
        raise AssertionError("it reads to the end")

    said = look(records())
    assert said.counted is Counted.ABOUT
    assert said.own == 10_000


def test_where_a_source_does_not_say_how_far_it_is_the_count_is_the_least():
    said = look(items(10_000))
    assert said.counted is Counted.AT_LEAST
    assert said.own == 5_000
