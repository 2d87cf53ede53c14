"""Revocations and new owner keys travel with a mirror, and nobody else's are taken over."""

import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from logkit import (
    CHEAP,
    PASSPHRASE,
    create,
    drafts,
    everything,
    numbers,
    reopen,
    sound,
)
from mirrorkit import (
    copied,
    folder_of,
    further,
    give,
    killed_at,
    memory,
    mirror_in,
    mirror_segments,
    reached_by,
    sound_mirror,
    swap,
    told,
)

from vault import mirrors, restoring
from vault.errors import (
    ForeignVault,
    Locked,
    TamperError,
)
from vault.log import home, rotation
from vault.log.enrolment import revoke
from vault.log.mirror import Mirror


@pytest.fixture
def tmp_path():
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        yield Path(folder)


@pytest.fixture
def log(tmp_path):
    with closing(create(tmp_path)) as log:
        log.append(drafts(0, 4))
        yield log


# Devices and owners.


def test_a_revocation_travels_and_a_wider_certificate_never_takes_its_place(log, tmp_path):
    give(log, tmp_path)
    with closing(further(tmp_path / "new", mirror_in(tmp_path), "laptop")) as new:
        new.append(drafts(30, 2))
        place = folder_of(new, tmp_path / "mirror")
        swap(new, tmp_path / "new", place)
        swap(log, tmp_path / "home", mirror_in(tmp_path))
        new.append(drafts(32, 2))
        revoke(log, "laptop")
        swap(log, tmp_path / "home", mirror_in(tmp_path))
        # The lost device does not know yet, and says what it has to say.
        mirrors.give(new, tmp_path / "new", place)
        there = [f.most for f in Mirror(place).listing().devices if f.feed == new.feed]
        assert there == [3], "what it says of itself takes the place of nothing"
        mirrors.take(log, mirror_in(tmp_path))
        assert numbers(log).count(32) == 0
        assert mirrors.take(new, place).revoked == (new.feed.hex(),)
        assert numbers(new) == numbers(log)
    done = restoring.restore(tmp_path / "third", mirror_in(tmp_path), PASSPHRASE, "third")
    with closing(home.open_(tmp_path / "third", PASSPHRASE)) as third:
        assert numbers(third) == numbers(log)
        assert done.events == third.head.size
    assert sound_mirror(mirror_in(tmp_path))


def rotated(tmp_path, new="another horse"):
    """The first of two devices of one vault, which replaced the owner key."""
    with closing(create(tmp_path)) as log:
        log.append(drafts(0, 4))
        give(log, tmp_path)
    further(tmp_path / "new", mirror_in(tmp_path), "laptop").close()
    with closing(home.open_(tmp_path / "new", PASSPHRASE)) as other:
        swap(other, tmp_path / "new", folder_of(other, tmp_path / "mirror"))
    with closing(reopen(tmp_path)) as log:
        swap(log, tmp_path / "home", folder_of(log, tmp_path / "mirror"))
    rotation.rotate_owner_key(tmp_path / "home", PASSPHRASE, new, tmp_path / "new.txt")
    with closing(home.open_(tmp_path / "home", new)) as log:
        done = give(log, tmp_path)
        assert done.resealed == 2
        assert {file.generation for file in mirror_segments(tmp_path)} == {2}


def test_the_other_devices_take_over_a_new_owner_key(tmp_path):
    rotated(tmp_path)
    with closing(home.open_(tmp_path / "new", PASSPHRASE)) as other:
        assert mirrors.is_newer(other, mirror_in(tmp_path))
        with pytest.raises(ForeignVault, match="newer than this vault's"):
            mirrors.take(other, mirror_in(tmp_path))
    before = everything(tmp_path / "new")
    with pytest.raises(Locked):
        mirrors.adopt(tmp_path / "new", PASSPHRASE, mirror_in(tmp_path), "a wrong one")
    assert everything(tmp_path / "new") == before
    mirrors.adopt(tmp_path / "new", PASSPHRASE, mirror_in(tmp_path), "another horse")
    with closing(home.open_(tmp_path / "new", "another horse")) as other:
        assert sound(other)
        other.append(drafts(40, 1))
        swap(other, tmp_path / "new", folder_of(other, tmp_path / "mirror"))
        with closing(home.open_(tmp_path / "home", "another horse")) as log:
            swap(log, tmp_path / "home", folder_of(log, tmp_path / "mirror"))
            swap(other, tmp_path / "new", folder_of(other, tmp_path / "mirror"))
            assert told(other) == told(log)
            assert sound(log)
            assert sound(other)
    with pytest.raises(Locked):
        home.open_(tmp_path / "new", PASSPHRASE)
    assert restoring.check(mirror_in(tmp_path), "another horse", 1.0).problems == ()


def test_taking_over_an_owner_key_killed_at_any_point_is_finished_by_either_secret(tmp_path):
    rotated(tmp_path)
    start = copied(tmp_path / "new", tmp_path / "start")

    def work():
        mirrors.adopt(tmp_path / "new", PASSPHRASE, mirror_in(tmp_path), "another horse")

    names = reached_by(work)
    assert {"owner.prepared", "owner.keys-moved", "owner.recorded"} <= set(names)
    for number, _ in enumerate(names):
        copied(start, tmp_path / "new")
        killed_at(number, work)
        secret = (PASSPHRASE, "another horse")[number % 2]
        try:
            log = home.open_(tmp_path / "new", secret)
        except Locked:
            log = home.open_(tmp_path / "new", (PASSPHRASE, "another horse")[1 - number % 2])
        with closing(log):
            assert sound(log)
            generation = log.keys.owner.generation
        if generation == 1:
            work()
        with closing(home.open_(tmp_path / "new", "another horse")) as log:
            assert sound(log)
            log.append(drafts(60, 1))


def test_another_vaults_owner_key_is_not_taken_over(tmp_path):
    (tmp_path / "b").mkdir()
    with closing(create(tmp_path)) as log, closing(create(tmp_path / "b")):
        vault = log.keys.owner.vault
    theirs = home.open_(tmp_path / "b" / "home", PASSPHRASE)
    with closing(theirs):
        stranger = theirs.keys.owner.next()
        stranger.vault = stranger._context = None
    stranger.vault, stranger._context = vault, vault.encode()
    identity, _ = stranger.identity(PASSPHRASE, CHEAP)
    before = everything(tmp_path / "home")
    with pytest.raises(ForeignVault, match="another vault"):
        rotation.adopt_owner(tmp_path / "home", PASSPHRASE, identity, stranger)
    assert everything(tmp_path / "home") == before


def test_an_owner_key_that_the_one_before_did_not_name_is_not_taken_over(tmp_path):
    with closing(create(tmp_path)) as log:
        following = log.keys.owner.next()
    identity, _ = following.identity(PASSPHRASE, CHEAP)
    before = everything(tmp_path / "home")
    with pytest.raises(TamperError, match="not named"):
        rotation.adopt_owner(tmp_path / "home", PASSPHRASE, identity, following)
    assert everything(tmp_path / "home") == before
