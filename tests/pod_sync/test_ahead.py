"""Files are fetched ahead, a bounded number of them."""

import threading

import pytest

from pod_sync.ahead import Ahead
from vault.mirrors import Vanished


class Fetching:
    """Fetches when it is let; notes in which order."""

    def __init__(self, length=1):
        self.asked = []
        self.asked_one = threading.Semaphore(0)
        self.go = threading.Event()
        self.ahead = Ahead(self, lambda _: length)

    def __call__(self, name):
        self.asked.append(name)
        self.asked_one.release()
        assert self.go.wait(10)
        if name.startswith("no"):
            raise Vanished(name)
        return name.encode()


def test_files_are_fetched_while_others_are_read():
    fetching = Fetching()
    fetching.ahead.expect(["1", "2", "3"])
    assert fetching.asked_one.acquire(timeout=10)
    fetching.go.set()
    assert [fetching.ahead.take(name) for name in ("1", "2", "3")] == [b"1", b"2", b"3"]
    assert sorted(fetching.asked) == ["1", "2", "3"]
    fetching.ahead.close()


def test_only_so_much_is_fetched_ahead():
    fetching = Fetching(length=20 << 20)
    fetching.go.set()
    fetching.ahead.expect([str(number) for number in range(9)])
    assert fetching.ahead.take("0") == b"0"
    fetching.ahead.close()
    assert len(fetching.asked) <= 2


def test_a_file_that_vanished_is_told_when_it_is_read_and_the_rest_comes():
    fetching = Fetching()
    fetching.go.set()
    fetching.ahead.expect(["1", "no", "3"])
    assert fetching.ahead.take("1") == b"1"
    with pytest.raises(Vanished):
        fetching.ahead.take("no")
    assert fetching.ahead.take("3") == b"3"
    assert fetching.ahead.take("unexpected") == b"unexpected"
    fetching.ahead.close()


def test_who_skips_files_or_expects_others_waits_for_none_of_them():
    fetching = Fetching()
    fetching.go.set()
    fetching.ahead.expect([str(number) for number in range(100)])
    assert fetching.ahead.take("70") == b"70"
    fetching.ahead.expect(["200"])
    assert fetching.ahead.take("200") == b"200"
    assert fetching.ahead.take("71") == b"71"
    fetching.ahead.close()
