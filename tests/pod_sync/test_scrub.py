"""A vault through a pod, and what a scrub finds and mends there."""

from itertools import permutations

import pytest

from pod_sync.scrub import scrub
from tests.pod_sync.placing import ROOT, B, Vaults, segment
from tests.vault.log.logkit import PASSPHRASE, drafts, forget, numbers
from vault import mirrors
from vault.errors import NotFound, TamperError


@pytest.fixture
def vaults(tmp_path):
    made = Vaults(tmp_path)
    made.logs["one"].append(drafts(0, 5))
    yield made
    made.close()


def test_a_vault_comes_back_from_its_pod(vaults):
    vaults.sync("one")
    vaults.restore("two")
    assert numbers(vaults.logs["two"]) == [0, 1, 2, 3, 4]
    assert vaults.restored.checkpoint == vaults.logs["one"].head.root.hex()


def test_a_sync_with_nothing_new_writes_nothing(vaults):
    vaults.sync("one")
    assert set(vaults.pod.asked(lambda: vaults.sync("one"))) == {"GET"}
    assert len(vaults.pod.asked(lambda: vaults.sync("one"))) == 3


@pytest.mark.parametrize("order", list(permutations(["one", "two", "three"])))
def test_devices_agree_whoever_syncs_first(vaults, order):
    vaults.sync("one")
    for name in ("two", "three"):
        vaults.restore(name)
    for number, name in enumerate(("one", "two", "three")):
        vaults.logs[name].append(drafts(10 * (number + 1), 2))
    for name in (*order, *order[:2]):
        vaults.sync(name)
    found = {tuple(sorted(numbers(log))) for log in vaults.logs.values()}
    assert found == {(0, 1, 2, 3, 4, 10, 11, 20, 21, 30, 31)}
    assert len({log.head for log in vaults.logs.values()}) == 1
    assert vaults.pod.files() == sorted(vaults.place("one").sizes())


def test_what_one_device_erases_leaves_the_pod_whoever_wrote_it(vaults):
    vaults.sync("one")
    vaults.restore("two")
    before = set(vaults.on_disk("segment"))
    log = vaults.logs["two"]
    forget(log, [entry.id for page in log.pages() for entry in page.entries if entry.event][1:2])
    vaults.sync("two")
    assert not before & set(vaults.on_disk("segment"))
    vaults.restore("three")
    assert numbers(vaults.logs["three"]).count(None) == 1


# Scrubbing.


def test_a_scrub_of_a_sound_pod_finds_nothing_and_changes_nothing(vaults):
    vaults.sync("one")
    before = vaults.pod.files()
    found = vaults.scrub("one")
    assert (found.damaged, found.orphans, found.strays, found.problems) == ((), 0, 0, ())
    assert (found.files, found.read, found.entries) == (len(before), 1, 6)
    assert vaults.pod.files() == before


@pytest.mark.parametrize("kind", ["segment", "head", "device", "identity", "mirror"])
@pytest.mark.parametrize("how", ["cut", "flipped", "dropped"])
def test_what_is_damaged_is_taken_out_and_written_again_by_the_next_sync(vaults, kind, how):
    vaults.sync("one")
    [path] = vaults.on_disk(kind)
    body = vaults.pod.server.files[path].body
    if how == "dropped":
        del vaults.pod.server.files[path]
    else:
        bad = body[:-1] + (b"" if how == "cut" else bytes([body[-1] ^ 1]))
        vaults.pod.server.write(path, bad, "application/octet-stream")
    if kind == "identity":  # the owner key, without which nothing can be checked
        with pytest.raises((TamperError, NotFound)):
            vaults.scrub("one")
    else:
        found = vaults.scrub("one")
        assert [one.split("/")[1] for one in found.damaged] == [path.rsplit("/", 1)[1]]
        assert found.problems
    vaults.sync("one")
    assert vaults.scrub("one").problems == ()
    vaults.restore("two")


def test_a_device_heals_what_another_one_wrote(vaults):
    vaults.sync("one")
    vaults.restore("two")
    vaults.sync("two")
    for kind in ("segment", "head"):
        path = next(
            path for path in vaults.on_disk(kind) if f"{vaults.logs['one'].feed.hex()}/" in path
        )
        vaults.pod.server.write(path, b"gone bad", "application/octet-stream")
    assert len(vaults.scrub("two").damaged) == 2
    vaults.sync("two")
    vaults.restore("three")
    assert numbers(vaults.logs["three"]) == [0, 1, 2, 3, 4]


def test_orphans_are_deleted_and_strays_of_others_are_left(vaults):
    vaults.sync("one")
    base = vaults.pod.server.path(vaults.pod.access.url)
    mine, theirs = segment(vaults.logs["one"].feed.hex(), 77), segment(B, 78)
    for feed, (name, content) in ((vaults.logs["one"].feed.hex(), mine), (B, theirs)):
        vaults.pod.server.write(f"{base}{ROOT}files/{feed}/{name[-32:-30]}/{name}", content)
    found = vaults.scrub("one")
    assert (found.orphans, found.strays) == (1, 1)
    assert mine[0] not in vaults.pod.files()
    assert theirs[0] in vaults.pod.files()


def test_an_interrupted_scrub_goes_on_where_it_was(vaults, monkeypatch):
    monkeypatch.setattr("pod_sync.scrub._OFTEN", 1)
    vaults.sync("one")
    for number in range(3):
        with vaults.place("one") as place:
            place.sizes()
            mirrors.give(vaults.logs["one"], vaults.home("one"), place, [keepsake(number)])
    wanted = []

    def interrupted(done, _):
        wanted.append(done)
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), vaults.place("one") as place:
        scrub(place, PASSPHRASE, interrupted)
    found = vaults.scrub("one")
    assert (found.read, found.problems) == (1, ())
    assert vaults.scrub("one").read == 2


def keepsake(number):
    return mirrors.Keepsake("papers", "receipt", bytes([number]), lambda: b"paper")
