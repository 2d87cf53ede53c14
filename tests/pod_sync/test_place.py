"""A mirror in a fake_mirror, as its devices see it: what counts, who deletes, what a crash leaves."""

import pytest

from pod_sync.errors import PodFull, PodUnreachable
from pod_sync.memory import Fleeting
from tests.pod_sync.placing import ROOT, A, B, C, Died, head, segment
from vault.errors import TamperError
from vault.mirrors import Vanished

# What counts.


def test_what_a_device_announced_the_others_list_and_read(fake_mirror):
    one, two = segment(), head()
    fake_mirror.gave(one, two)
    other = fake_mirror.device(B)
    assert other.sizes() == {name: len(content) for name, content in (one, two)}
    assert [other.read(name) for name, _ in (one, two)] == [one[1], two[1]]


def test_what_was_not_announced_counts_nowhere(fake_mirror):
    place = fake_mirror.device()
    place.sizes()
    place.write(*segment())
    assert fake_mirror.device(B).sizes() == {}
    assert list(place.sizes()) == [segment()[0]]


def test_files_lie_in_containers_by_device_and_hash(fake_mirror):
    name, content = segment()
    fake_mirror.gave((name, content))
    assert fake_mirror.path(name).endswith(f"/{ROOT}files/{A}/{name[-32:-30]}/{name}")
    file = fake_mirror.server.files[fake_mirror.path(name)]
    assert (file.body, file.media_type) == (content, "application/octet-stream")


def test_what_another_device_deleted_is_gone_and_leaves_every_index_in_time(fake_mirror):
    old, new = segment(), segment(number=1)
    fake_mirror.gave(old)
    other = fake_mirror.device(B)
    other.sizes()
    other.write(*new)
    other.delete(old[0])
    other.flush()
    assert list(fake_mirror.device(C).sizes()) == [new[0]]
    assert fake_mirror.files() == [new[0]]
    fake_mirror.gave(segment(number=2))
    assert old[0] not in fake_mirror.index(A)[0]["files"]
    fake_mirror.gave(segment(number=3), feed=B)
    assert fake_mirror.index(B)[0]["gone"] == []


def test_a_reader_who_listed_a_file_that_was_deleted_since_hears_that_it_vanished(fake_mirror):
    fake_mirror.gave(segment())
    reader = fake_mirror.device(B)
    reader.sizes()
    writer = fake_mirror.device()
    writer.sizes()
    writer.write(*segment(number=1))
    writer.delete(segment()[0])
    writer.flush()
    with pytest.raises(Vanished):
        reader.read(segment()[0])
    assert list(reader.sizes()) == [segment(number=1)[0]]


def test_of_two_copies_the_whole_one_is_read(fake_mirror):
    fake_mirror.gave(head())
    second = fake_mirror.device(B)
    second.sizes()
    second.write(*head())
    second.flush()
    fake_mirror.server.write(
        fake_mirror.path(f"{A}/{head()[0][-32:-30]}/{head()[0]}"), b"x" * len(head()[1])
    )
    reader = fake_mirror.device(C)
    reader.sizes()
    assert reader.read(head()[0]) == head()[1]


# Requests.


def test_a_check_that_nothing_changed_is_one_request(fake_mirror):
    place = fake_mirror.gave(segment(), head())
    assert fake_mirror.asked(lambda: place.is_settled(b"settled")) == ["GET"]
    again = fake_mirror.device()
    assert fake_mirror.asked(lambda: again.is_settled(b"settled")) == ["GET"]
    assert again.is_settled(b"settled")
    assert not again.is_settled(b"something new here")
    fake_mirror.gave(segment(B), feed=B)
    assert not fake_mirror.device().is_settled(b"settled")
    fake_mirror.gave()
    assert fake_mirror.asked(lambda: fake_mirror.device().is_settled(b"settled")) == ["GET"]
    assert fake_mirror.device().is_settled(b"settled")


def test_a_listing_that_follows_a_check_is_not_asked_for_again(fake_mirror):
    fake_mirror.gave(segment(), head())
    place = fake_mirror.device()
    place.is_settled(b"")
    assert fake_mirror.asked(place.sizes) == []
    assert fake_mirror.asked(place.sizes) == ["GET"]


def test_small_files_are_read_once_and_remembered(fake_mirror):
    fake_mirror.gave(head(), segment())
    place = fake_mirror.device(B)
    place.sizes()
    assert fake_mirror.asked(lambda: [place.read(head()[0]) for _ in range(3)]) == ["GET"]
    place.settle(b"")
    again = fake_mirror.device(B)
    again.sizes()
    assert fake_mirror.asked(lambda: again.read(head()[0])) == []


def test_a_flush_without_anything_new_asks_nothing(fake_mirror):
    place = fake_mirror.gave(segment())
    assert fake_mirror.asked(place.flush) == []


# Crashes, lost answers, cut uploads.


def synced(fake_mirror):
    """What a run does: fold two small segments into one, and move the head."""
    place = fake_mirror.device()
    there = place.sizes()
    for file in (segment(number=5), head(size=6)):
        if file[0] not in there:
            place.write(*file)
    for name, _ in (segment(), segment(number=1), head()):
        if name in there:
            place.delete(name)
    place.flush()
    place.settle(b"settled")


WANTED = sorted([segment(number=5)[0], head(size=6)[0]])


@pytest.mark.parametrize(
    ("point", "count"),
    [
        *[(point, count) for point in ("pod.begun", "pod.put") for count in (1, 2)],
        *[("pod.announcing", 1), ("pod.announced", 1)],
        *[("pod.deleted", count) for count in (1, 2, 3)],
    ],
)
def test_a_run_that_died_anywhere_is_finished_by_the_next(
    fake_mirror, dies, monkeypatch, point, count
):
    fake_mirror.gave(segment(), segment(number=1), head())
    dies(point, count)
    with pytest.raises(Died):
        synced(fake_mirror)
    monkeypatch.undo()
    synced(fake_mirror)
    assert fake_mirror.files() == sorted(fake_mirror.device(B).sizes()) == WANTED


def test_what_a_dead_run_had_written_whole_is_not_sent_again(fake_mirror, dies, monkeypatch):
    fake_mirror.gave(segment())
    dies("pod.announcing")
    with pytest.raises(Died):
        synced(fake_mirror)
    monkeypatch.undo()
    assert fake_mirror.asked(lambda: synced(fake_mirror)).count("PUT") == 1


def test_what_a_dead_run_left_that_nobody_wants_is_deleted(fake_mirror):
    place = fake_mirror.device()
    place.sizes()
    fake_mirror.server.cut(*[100] * 20)
    place.write(*segment(number=7))
    with pytest.raises(PodUnreachable, match="not arrive whole"):
        place.flush()
    fake_mirror.server.faults.cuts.clear()
    assert segment(number=7)[0] in fake_mirror.files()
    synced(fake_mirror)
    assert fake_mirror.files() == WANTED


@pytest.mark.parametrize("number", range(8))
def test_a_lost_answer_costs_nothing(fake_mirror, number):
    fake_mirror.gave(segment(), segment(number=1), head())
    lose = number

    def counted(*args, ask=fake_mirror.server._answer):
        nonlocal lose
        answer = ask(*args)
        lose -= 1
        if lose == -1:
            fake_mirror.server.lose_answers()
        return answer

    fake_mirror.server._answer = counted
    synced(fake_mirror)
    assert lose < 0
    assert fake_mirror.files() == sorted(fake_mirror.device(B).sizes()) == WANTED


@pytest.mark.parametrize("number", range(3))
def test_a_body_that_is_cut_off_is_sent_again(fake_mirror, number):
    fake_mirror.gave(segment(), segment(number=1), head())
    puts = number

    def counted(request, body, put=fake_mirror.server._answer):
        nonlocal puts
        if request.method == "PUT":
            puts -= 1
            if puts == -1:
                fake_mirror.server.cut(7)
        return put(request, body)

    fake_mirror.server._answer = counted
    synced(fake_mirror)
    assert puts < 0
    reader = fake_mirror.device(B)
    assert sorted(reader.sizes()) == WANTED
    assert all(reader.read(name) for name in WANTED)


def test_an_index_that_is_cut_off_leaves_the_one_before_to_everybody(fake_mirror):
    fake_mirror.gave(segment())
    fake_mirror.gave(segment(number=1))
    _, newest = fake_mirror.index()
    [older] = {path for path in fake_mirror.server.files if "/index/" in path} - {newest}
    fake_mirror.server.write(older, fake_mirror.server.files[newest].body[:20], "application/json")
    assert sorted(fake_mirror.device(B).sizes()) == sorted([segment()[0], segment(number=1)[0]])
    assert sorted(fake_mirror.device(A).sizes()) == sorted([segment()[0], segment(number=1)[0]])


def test_a_first_index_that_is_cut_off_is_written_again(fake_mirror):
    fake_mirror.server.write(
        fake_mirror.server.path(fake_mirror.access.url) + f"{ROOT}index/{A}-1.json", b'{"form'
    )
    fake_mirror.gave(segment())
    assert list(fake_mirror.device(B).sizes()) == [segment()[0]]


def test_a_device_that_forgot_what_it_began_finds_it_by_listing_once(fake_mirror):
    one, two = segment(), segment(number=1)
    fake_mirror.gave(one)
    place = fake_mirror.device()
    place.sizes()
    place.write(*two)
    place.close()
    fake_mirror.memories[A] = Fleeting()
    place = fake_mirror.device()
    assert place.sizes().keys() == {one[0]}
    place.flush()
    assert fake_mirror.files() == [one[0]]
    assert fake_mirror.asked(fake_mirror.device().sizes) == ["GET"]


def test_an_own_index_that_was_destroyed_is_written_again(fake_mirror):
    fake_mirror.gave(segment())
    fake_mirror.server.write(fake_mirror.index()[1], b"{}", "application/json")
    with pytest.raises(TamperError, match=f"device {A} .* sync on that device"):
        fake_mirror.device(B).sizes()
    assert not fake_mirror.device().is_settled(b"settled")
    fake_mirror.gave()
    assert list(fake_mirror.device(B).sizes()) == [segment()[0]]


def test_a_full_pod_is_said_and_gone_on_with(fake_mirror):
    place = fake_mirror.device()
    place.sizes()
    place.write(*segment())
    place.sizes()
    fake_mirror.server.room = 0
    place.write(*segment(number=1))
    with pytest.raises(PodFull):
        place.flush()
    fake_mirror.server.room = None
    again = fake_mirror.device()
    assert list(again.sizes()) == [segment()[0]]
    again.write(*segment(number=1))
    again.flush()
    assert fake_mirror.files() == sorted(fake_mirror.device(B).sizes())


def test_an_index_that_is_not_all_there_after_a_good_answer_is_written_again(
    fake_mirror, monkeypatch
):
    first = [True]

    def stored(request, path, body, media_type, store=fake_mirror.server._store):
        short = path.endswith(".json") and first and first.pop()
        store(request, path, body[:9] if short else body, media_type)

    monkeypatch.setattr(fake_mirror.server, "_store", stored)
    fake_mirror.gave(segment())
    assert list(fake_mirror.device(B).sizes()) == [segment()[0]]
