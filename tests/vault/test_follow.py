"""Followers see the log in larger pages than it was written in, and each entry once."""

from datetime import UTC, datetime

import pytest

from vault.events import OwnerNamed
from vault.follow import Entry, Head, Page, catch_up


class Log:
    """Pages of three entries each, or one of as many as are asked for."""

    order, newest = "first", datetime(2026, 1, 1, tzinfo=UTC)

    def __init__(self, pages, size=3):
        self._pages = [
            Page(
                entries=tuple(
                    Entry(at, f"e{at}", "t", at, OwnerNamed(names=()))
                    for at in range(start + 1, start + size + 1)
                ),
                position=start + size + 1,
            )
            for start in range(0, pages * (size + 1), size + 1)
        ]

    @property
    def head(self):
        return Head(size=0, root=b"", position=self._pages[-1].position)

    def pages(self, after=0):
        return iter([page for page in self._pages if page.position > after])


class Seeing:
    """A follower that keeps what it saw."""

    name = "seeing"

    def __init__(self, position=0):
        self.position, self.seen, self.pages = position, [], 0

    def begin(self, order):
        del order

    def apply(self, page):
        self.seen += [entry.id for entry in page.behind(self.position).entries]
        self.position, self.pages = page.position, self.pages + 1


def test_many_small_pages_are_one_for_a_follower():
    follower, log = Seeing(), Log(100)
    assert catch_up(log, [follower]) == follower.position == 400
    assert follower.seen == [f"e{at}" for at in range(1, 401) if at % 4]
    assert follower.pages == 1


def test_a_follower_behind_a_border_in_the_middle_takes_the_rest_only():
    first, behind = Seeing(), Seeing(position=200)
    catch_up(Log(100), [first, behind])
    assert behind.seen == [entry for entry in first.seen if int(entry[1:]) > 200]


@pytest.mark.parametrize("size", [1500, 2500])
def test_pages_are_joined_as_long_as_they_are_small_together(size):
    follower, log = Seeing(), Log(3, size)
    catch_up(log, [follower])
    assert (follower.pages, len(follower.seen)) == (3, 3 * size)
