"""What is damaged, missing, foreign, newer or older than it was is refused, in one sentence."""

import hashlib
import re
import tempfile
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from logkit import (
    PASSPHRASE,
    create,
    drafts,
    everything,
    numbers,
    reopen,
)
from mirrorkit import (
    KEPT,
    Memory,
    copied,
    folder_of,
    give,
    memory,
    mirror_in,
    sound_mirror,
)

from vault import mirrors, restoring
from vault.errors import (
    Exists,
    ForeignVault,
    Locked,
    NotFound,
    RolledBack,
    TamperError,
    UsageError,
    VaultError,
)
from vault.log.merge import segments
from vault.log.mirror import (
    Folder,
    Mirror,
)
from vault.log.planning import fields_of
from vault.log.segment import open_segment, seal_segment


@pytest.fixture
def tmp_path():
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        yield Path(folder)


@pytest.fixture
def log(tmp_path):
    with closing(create(tmp_path)) as log:
        log.append(drafts(0, 4))
        yield log


# Damaged.


@pytest.fixture
def files(log, tmp_path):
    give(log, tmp_path, KEPT)
    return sorted((tmp_path / "mirror").iterdir())


def noticed(tmp_path) -> bool:
    """Whether both a check and a restore refuse a mirror, in one sentence each."""
    try:
        found = restoring.check(mirror_in(tmp_path), PASSPHRASE, 1.0)
    except (TamperError, ForeignVault, NotFound, Locked):
        pass
    else:
        assert found.problems
        assert all("\n" not in problem for problem in found.problems)
    with pytest.raises((TamperError, ForeignVault, NotFound, Locked)) as raised:
        restoring.restore(tmp_path / "new", mirror_in(tmp_path), PASSPHRASE, "laptop")
    assert "\n" not in str(raised.value)
    left = [path.name for path in tmp_path.iterdir()]
    return "new" not in left and "new.restoring" not in left


def test_a_flip_in_any_byte_of_any_file_is_noticed_when_it_is_read(log, tmp_path):
    place = Memory()
    mirrors.give(log, tmp_path / "home", place, KEPT)
    mirror = Mirror(place)
    for name, content in list(place.files.items()):
        for at in range(len(content)):
            place.files[name] = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            with pytest.raises(TamperError):
                mirror.read(name)
        place.files[name] = content
        assert mirror.read(name) == content


def test_a_flip_in_any_file_is_noticed_by_a_check_and_by_a_restore(files, tmp_path):
    for path in files:
        content = path.read_bytes()
        for at in (0, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :])
            assert noticed(tmp_path), path.name
        path.write_bytes(content)
    assert sound_mirror(mirror_in(tmp_path))


def renamed(name: str, content: bytes) -> str:
    """The name that a file has which somebody changed who knows how names are made."""
    digest = hashlib.sha256(content).hexdigest()[:32]
    return re.sub(r"-\d+-[0-9a-f]{32}$", f"-{len(content)}-{digest}", name)


def test_a_flip_under_a_name_that_fits_is_noticed_all_the_same(files, tmp_path):
    for path in files:
        if path.name.startswith("mirror"):
            continue  # it says in its name alone whose the mirror is, and the owner key must agree
        content = path.read_bytes()
        path.unlink()
        for at in range(0, len(content), 97):
            changed = content[:at] + bytes([content[at] ^ 2]) + content[at + 1 :]
            forged = path.with_name(renamed(path.name, changed))
            forged.write_bytes(changed)
            assert noticed(tmp_path), (path.name, at)
            forged.unlink()
        path.write_bytes(content)


def test_a_name_that_lies_is_noticed(files, tmp_path):
    for path in files:
        if path.name.startswith(("mirror", "parcel")):
            continue
        fields = path.name.split("-")
        # Under whose name an identity lies decides only who deletes it.
        for at in range(1, len(fields) - (3 if fields[0] == "identity" else 2)):
            lie = str(int(fields[at]) + 1) if len(fields[at]) < 16 else "0" * 16
            changed = "-".join([*fields[:at], lie, *fields[at + 1 :]])
            path.rename(path.with_name(changed))
            found = restoring_problem(tmp_path)
            assert found, changed
            path.with_name(changed).rename(path)


def restoring_problem(tmp_path) -> bool:
    try:
        return bool(restoring.check(mirror_in(tmp_path), PASSPHRASE, 1.0).problems)
    except VaultError:
        return True


def test_a_file_that_was_cut_or_deleted_is_noticed_without_reading_much(files, tmp_path):
    for path in files:
        content = path.read_bytes()
        for length in (0, 1, len(content) - 1):
            path.write_bytes(content[:length])
            try:
                found = restoring.check(mirror_in(tmp_path), PASSPHRASE)
            except VaultError:
                found = None
            assert found is None or any(path.name in one for one in found.problems)
        path.unlink()
        if not path.name.startswith(("parcel", "mirror")):
            assert noticed(tmp_path), path.name
        path.write_bytes(content)


def test_without_the_file_that_says_whose_it_is_a_mirror_is_restored_and_mended(
    log, files, tmp_path
):
    [marker] = [path for path in files if path.name.startswith("mirror")]
    content = marker.read_bytes()
    marker.unlink()
    [problem] = restoring.check(mirror_in(tmp_path), PASSPHRASE, 1.0).problems
    assert "the next backup writes it again" in problem
    restoring.restore(tmp_path / "new", mirror_in(tmp_path), PASSPHRASE, "laptop")
    give(log, tmp_path, KEPT)
    assert marker.read_bytes() == content
    assert sound_mirror(mirror_in(tmp_path))


def test_a_subset_is_read_at_random_and_a_bad_segment_in_it_is_named(log, tmp_path):
    for number in range(0, 40, 4):
        log.append(drafts(100 + number, 4))
    place = Memory()
    owner = log.keys.owner
    mirrors.give(log, tmp_path / "home", place)
    mirror = Mirror(place)
    found = mirror.begun(owner.vault)
    [only] = [name for name in place.files if name.startswith("segment")]
    del place.files[only]
    ends = [row.size for row in log.index.between(log.feed, 0, log.head.size)]
    for first, last in pairwise([0, *ends]):
        [segment] = segments(log, log.feed, first, last)
        content = mirrors.seal_segment(segment, owner.constants.mirrors)
        fields = fields_of(segment, owner.constants.mirrors, 1)
        mirror.put(found, "segment", *fields, content=content)
    read = {restoring.check(place, PASSPHRASE, 0.3, random=Random(seed)).read for seed in range(5)}
    assert read == {4}
    assert restoring.check(place, PASSPHRASE, 0.3, random=Random(1)).problems == ()
    bad = sorted(name for name in place.files if name.startswith("segment"))[5]
    place.files[bad] = bytes(len(place.files[bad]))
    named = [
        restoring.check(place, PASSPHRASE, 0.3, random=Random(seed)).problems for seed in range(20)
    ]
    assert {bool(problems) for problems in named} == {True, False}
    assert all(bad in problem for problems in named for problem in problems)
    assert any(bad in problem for problem in restoring.check(place, PASSPHRASE, 1.0).problems)


def flip(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def test_a_segment_that_was_well_sealed_and_badly_written_is_named(log, tmp_path):
    place = Memory()
    mirrors.give(log, tmp_path / "home", place)
    [only] = [name for name in place.files if name.startswith("segment")]
    keys = log.keys.owner.constants.mirrors
    good = open_segment(place.files[only], keys, only)
    last = dict(good.keys)
    number = max(last)
    last[number] = last[number]._replace(keys=bytes(len(last[number].keys)))
    unsigned = [*good.records[:-1], flip(good.records[-1], len(good.records[-1]) // 2)]
    flipped = [flip(good.records[0], -1), *good.records[1:]]
    for bad in (
        good._replace(keys=last),
        good._replace(records=flipped),
        good._replace(records=unsigned),
        good._replace(records=good.records[:2]),
        good._replace(records=good.records[2:]),
    ):
        content = seal_segment(bad, keys)
        del place.files[only]
        only = renamed(only, content)
        place.files[only] = content
        [problem] = restoring.check(place, PASSPHRASE, 1.0).problems
        assert only in problem


# Another's, a newer release's, a wrong secret.


def test_another_vaults_mirror_is_refused_and_stays_as_it_is(log, tmp_path):
    give(log, tmp_path)
    before = everything(tmp_path / "mirror")
    (tmp_path / "b").mkdir()
    with closing(create(tmp_path / "b")) as other:
        place = folder_of(other, tmp_path / "mirror")
        with pytest.raises(ForeignVault, match="another vault"):
            mirrors.give(other, tmp_path / "b" / "home", place)
        with pytest.raises(ForeignVault, match="another vault"):
            mirrors.take(other, place)
    assert everything(tmp_path / "mirror") == before


def test_a_newer_releases_mirror_is_refused(files, log, tmp_path):
    [marker] = [path for path in files if path.name.startswith("mirror")]
    marker.rename(marker.with_name("mirror-2-anything-at-all"))
    with pytest.raises(ForeignVault, match="newer format"):
        give(log, tmp_path)
    with pytest.raises(ForeignVault, match="newer format"):
        mirrors.take(log, mirror_in(tmp_path))
    with pytest.raises(ForeignVault, match="newer format"):
        restoring.restore(tmp_path / "new", mirror_in(tmp_path), PASSPHRASE, "laptop")
    with pytest.raises(ForeignVault, match="newer format"):
        restoring.check(mirror_in(tmp_path), PASSPHRASE)
    assert not (tmp_path / "new").exists()


def test_a_wrong_secret_makes_nothing(files, tmp_path):
    assert files
    with pytest.raises(Locked):
        restoring.restore(tmp_path / "new", mirror_in(tmp_path), "wrong", "laptop")
    with pytest.raises(Locked):
        restoring.check(mirror_in(tmp_path), "wrong")
    assert not list(tmp_path.glob("new*"))


def test_a_folder_with_other_files_is_no_place_for_a_mirror_and_an_empty_one_holds_none(
    log, tmp_path
):
    place = tmp_path / "mirror"
    place.mkdir()
    for read in (
        lambda: mirrors.take(log, Folder(place)),
        lambda: restoring.restore(tmp_path / "new", Folder(place), PASSPHRASE, "laptop"),
        lambda: restoring.check(Folder(place), PASSPHRASE),
    ):
        with pytest.raises(NotFound):
            read()
    (place / "holiday.jpg").write_bytes(b"")
    with pytest.raises(UsageError, match="holiday"):
        give(log, tmp_path)
    (place / "holiday.jpg").unlink()
    give(log, tmp_path)
    (place / "holiday.jpg").write_bytes(b"")
    assert sound_mirror(Folder(place)), "what somebody puts there later does not matter"


def test_a_folder_that_is_in_use_is_not_restored_into(files, tmp_path):
    assert files
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "letter.txt").write_text("dear")
    with pytest.raises(Exists):
        restoring.restore(tmp_path / "new", mirror_in(tmp_path), PASSPHRASE, "laptop")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["letter.txt"]


# Rolled back and forked.


def test_a_home_put_back_from_an_older_copy_is_refused_with_what_it_lacks(tmp_path):
    with closing(create(tmp_path)) as log:
        log.append(drafts(0, 4))
    copied(tmp_path / "home", tmp_path / "old")
    with closing(reopen(tmp_path)) as log:
        log.append(drafts(4, 3))
        give(log, tmp_path)
    copied(tmp_path / "old", tmp_path / "home")
    with closing(reopen(tmp_path)) as log:
        for refused in (
            lambda: give(log, tmp_path),
            lambda: mirrors.take(log, mirror_in(tmp_path)),
        ):
            with pytest.raises(RolledBack, match=r"8 entries .*up to 20\d\d-.*5 entries"):
                refused()
        for head in (tmp_path / "mirror").glob("head-*"):
            head.unlink()
        with pytest.raises(RolledBack, match=r"8 entries .*up to 20\d\d-.*5 up to"):
            give(log, tmp_path)
        assert numbers(log) == [0, 1, 2, 3]


def test_a_feed_that_was_written_twice_in_different_ways_is_refused(tmp_path):
    with closing(create(tmp_path)) as log:
        log.append(drafts(0, 4))
    copied(tmp_path / "home", tmp_path / "old")
    with closing(reopen(tmp_path)) as log:
        log.append(drafts(4, 3))
        give(log, tmp_path)
    copied(tmp_path / "old", tmp_path / "home")
    with closing(reopen(tmp_path)) as log:
        log.append(drafts(50, 9))
        with pytest.raises(RolledBack, match="not those of this log"):
            give(log, tmp_path)
        with pytest.raises(RolledBack, match="not those of this log"):
            mirrors.take(log, mirror_in(tmp_path))
