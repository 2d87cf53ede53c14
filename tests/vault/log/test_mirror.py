"""A mirror is whole or says what it lacks, whatever happens to its files or to who writes them."""

import gc
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logkit import (
    CANARY,
    PASSPHRASE,
    create,
    drafts,
    everything,
    forget,
    numbers,
    reopen,
    secrets_of,
    sound,
)
from mirrorkit import (
    KEPT,
    Memory,
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
    told,
)

from vault import mirrors, restoring
from vault.errors import (
    ForeignVault,
    NotFound,
    StorageError,
    TamperError,
)
from vault.log import home, rotation
from vault.log.merge import segments
from vault.log.mirror import (
    Folder,
    Gap,
    Mirror,
    Parcel,
    SegmentFile,
    covering,
    open_parcel,
    seal_parcel,
)
from vault.log.segment import open_segment
from vault.mirrors import Keepsake


@pytest.fixture
def tmp_path():
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        yield Path(folder)


@pytest.fixture
def log(tmp_path):
    with closing(create(tmp_path)) as log:
        log.append(drafts(0, 4))
        yield log


def test_a_vault_restored_from_its_mirror_is_the_same_vault(log, tmp_path):
    log.append(drafts(4, 3))
    give(log, tmp_path, KEPT)
    done = restoring.restore(tmp_path / "new", mirror_in(tmp_path), PASSPHRASE, "laptop")
    assert (done.device, done.models, done.papers) == ("laptop", 1, 1)
    with closing(home.open_(tmp_path / "new", PASSPHRASE)) as new:
        assert told(new)[: len(told(log))] == told(log)
        assert (done.checkpoint, done.withheld) == (log.head.root.hex(), 0)
        assert sound(new)
        assert new.feed != log.feed
    assert (tmp_path / "new" / "papers" / "receipt-1.json").read_bytes() == b"{}"
    assert not (tmp_path / "new.restoring").exists()


def test_only_what_is_new_is_written(log, tmp_path):
    first = give(log, tmp_path, KEPT)
    assert (first.entries, first.parcels, first.deleted) == (5, 2, 0)
    before = everything(tmp_path / "mirror")
    again = give(log, tmp_path, KEPT)
    assert (again.entries, again.segments, again.parcels, again.deleted) == (0, 0, 0, 0)
    assert everything(tmp_path / "mirror") == before
    log.append(drafts(10, 2))
    more = give(log, tmp_path, KEPT)
    # A small last segment is written again with what came, so that there are never many.
    assert (more.entries, more.segments, more.parcels) == (7, 1, 0)
    assert len(mirror_segments(tmp_path)) == 1


def test_a_keepsake_that_changed_takes_the_place_of_the_old_and_a_deleted_one_goes(log, tmp_path):
    give(log, tmp_path, KEPT)
    changed = Keepsake("models", "twin-1.rows", b"2", lambda: b"something else")
    done = give(log, tmp_path, [changed])
    assert (done.parcels, done.deleted) == (1, 2)
    [file] = Mirror(mirror_in(tmp_path)).listing().parcels
    assert KEPT[0].load() not in everything(tmp_path / "mirror")
    parcel = open_parcel(
        (tmp_path / "mirror" / file.name).read_bytes(), log.keys.owner.constants.mirrors, "it"
    )
    assert parcel == Parcel("models", "twin-1.rows", b"something else")
    assert give(log, tmp_path, None).deleted == 0, "an exchange leaves them as they are"


def test_no_word_and_no_key_of_the_vault_stands_in_a_mirror(log, tmp_path):
    secrets = secrets_of(log, [entry[2] for entry in told(log)[1:]])
    give(log, tmp_path, KEPT)
    content = everything(tmp_path / "mirror")
    names = "".join(path.name for path in (tmp_path / "mirror").iterdir()).encode()
    for secret in (CANARY.encode(), b"twin-1", *secrets, log.keys.owner.key):
        assert secret not in content + names


# What was erased.


def test_what_was_erased_leaves_the_mirror_with_the_next_backup(log, tmp_path):
    ids = log.append(drafts(20, 3))
    secrets = secrets_of(log, [ids[1]])[:2]
    give(log, tmp_path)
    old = copied(tmp_path / "mirror", tmp_path / "old")
    assert all(secret in opened_content(log, old) for secret in secrets)
    forget(log, [ids[1]])
    done = give(log, tmp_path)
    assert (done.purged, done.deleted) == (1, 2)
    assert not any(secret in opened_content(log, tmp_path / "mirror") for secret in secrets)
    assert sound_mirror(mirror_in(tmp_path))
    assert give(log, tmp_path).purged == 0


def opened_content(log, folder) -> bytes:
    """All bodies and keys in the segments of a mirror, as whoever has the passphrase sees them."""
    found = b""
    for file in Mirror(Folder(folder)).listing().segments:
        content = (folder / file.name).read_bytes()
        segment = open_segment(content, log.keys.owner.constants.mirrors, file.name)
        found += b"".join([*segment.records, *(page.keys for page in segment.keys.values())])
    return found


def test_what_another_device_erased_is_purged_from_segments_of_any_feed(log, tmp_path):
    ids = log.append(drafts(20, 3))
    give(log, tmp_path)
    with closing(further(tmp_path / "new", mirror_in(tmp_path), "laptop")) as new:
        forget(new, [ids[0]])
        done = mirrors.give(new, tmp_path / "new", folder_of(new, tmp_path / "mirror"))
        assert done.purged == 1
    # The first device does not know yet, and must not put back what was purged.
    again = give(log, tmp_path)
    assert (again.segments, again.purged) == (0, 0)
    mirrors.take(log, mirror_in(tmp_path))
    assert None in numbers(log)
    assert sound(log)


def test_an_old_mirror_brings_nothing_back_that_was_erased(log, tmp_path):
    ids = log.append(drafts(20, 3))
    give(log, tmp_path)
    old = copied(tmp_path / "mirror", tmp_path / "old")
    forget(log, [ids[0]])
    give(log, tmp_path)
    stale = next(name for name in old.iterdir() if name.name.startswith("segment"))
    newest = next(name for name in (tmp_path / "mirror").iterdir() if "segment" in name.name)
    shutil.copy(stale, tmp_path / "mirror")
    assert newest.name != stale.name
    with closing(further(tmp_path / "new", mirror_in(tmp_path), "laptop")) as new:
        assert numbers(new).count(None) == 1
    mirrors.take(log, Folder(old))
    assert numbers(log).count(None) == 1
    assert give(log, tmp_path).purged == 1


# Interrupted.


def prepare_erasure(tmp_path):
    """A mirror that lacks a page, and holds something that was erased since."""
    with closing(create(tmp_path)) as log:
        ids = log.append(drafts(0, 4))
        give(log, tmp_path, KEPT)
        forget(log, [ids[1]])
        log.append(drafts(7, 2))


def prepare_rotation(tmp_path):
    """A mirror sealed under an owner key, and of a feed, that were replaced."""
    prepare_erasure(tmp_path)
    rotation.rotate_owner_key(tmp_path / "home", PASSPHRASE, PASSPHRASE, tmp_path / "new.txt")
    rotation.rotate_device_key(tmp_path / "home", PASSPHRASE)


def prepare_first(tmp_path):
    with closing(create(tmp_path)) as log:
        log.append(drafts(0, 4))


@pytest.mark.parametrize("prepare", [prepare_first, prepare_erasure, prepare_rotation])
def test_a_backup_killed_at_any_point_is_never_half_taken_for_whole(tmp_path, prepare):
    place = tmp_path / "place"
    start = tmp_path / "start"
    start.mkdir()
    prepare(start)
    copied(start, place)
    complete = (start / "mirror").exists()

    def work():
        with closing(reopen(place)) as log:
            give(log, place, KEPT)

    names = reached_by(work)
    assert {"mirror.drafted", "mirror.segment", "mirror.head", "mirror.complete"} <= set(names)
    for number, _ in enumerate(names):
        copied(start, place)
        killed_at(number, work)
        check_interrupted(place, complete=complete)
        work()
        assert sound_mirror(mirror_in(place))
        assert not list((place / "mirror").glob("*.new"))
        with closing(reopen(place)) as log:
            assert give(log, place, KEPT).deleted == 0
            assert opened_content(log, place / "mirror") == b"".join(
                b"".join([*one.records, *(page.keys for page in one.keys.values())])
                for feed, trail in sorted(log.records.place.trails.items())
                for one in segments(log, feed, 0, trail.frontier.size)
            )


def check_interrupted(place, *, complete):
    """What a killed backup left restores to the beginning of each feed, or is refused.

    A backup that was complete before restores at any time.
    """
    target = place / "restored"
    try:
        restoring.restore(target, mirror_in(place), PASSPHRASE, "laptop")
    except (NotFound, TamperError):
        assert not complete
        assert not target.exists()
        assert not (place / "restored.restoring").exists()
        return
    with closing(home.open_(target, PASSPHRASE)) as new, closing(reopen(place)) as log:
        assert sound(new)
        theirs = [entry[2] for entry in told(new)[:-1]]
        assert theirs == [entry[2] for entry in told(log) if entry[2] in theirs]
    shutil.rmtree(target)


def test_a_restore_killed_at_any_point_goes_on_and_appears_whole(log, tmp_path):
    log.append(drafts(4, 3))
    give(log, tmp_path, KEPT)
    new = tmp_path / "new"

    def work():
        restoring.restore(new, mirror_in(tmp_path), PASSPHRASE, "laptop")

    names = reached_by(work)
    assert {"merge.pages", "restore.enrolled", "restore.merged", "restore.unpacked"} <= set(names)
    shutil.rmtree(new)
    for number, name in enumerate(names):
        killed_at(number, work)
        if name == "restore.done":
            assert new.exists()
        if not new.exists():
            work()
        with closing(home.open_(new, PASSPHRASE)) as there:
            assert told(there)[: len(told(log))] == told(log)
            assert sound(there)
        assert not (tmp_path / "new.restoring").exists()
        shutil.rmtree(new)


def test_a_restored_log_is_written_once_meanwhile_and_ahead_ever_after(log, tmp_path):
    log.append(drafts(4, 3))
    give(log, tmp_path, KEPT)
    new, seen = tmp_path / "new", []

    def look(_done, _all):
        seen.append((list(tmp_path.glob("new.restoring/log.db-wal")), gc.isenabled()))

    restoring.restore(new, mirror_in(tmp_path), PASSPHRASE, "laptop", look)
    assert seen == [([], True)]
    with closing(sqlite3.connect(new / "log.db")) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)


class Torn(Memory):
    """A place without atomic writes: the n-th file is left half written, and the line is cut."""

    def __init__(self, whole: int, share: float) -> None:
        super().__init__()
        self.whole = whole
        self.share = share

    def write(self, name, content):
        self.whole -= 1
        if self.whole == 0:
            self.files[name] = content[: int(len(content) * self.share)]
            raise StorageError("The line was cut.")
        self.files[name] = content


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_on_storage_that_tears_files_half_a_file_is_no_file(log, tmp_path, share):
    for number in range(1, 10):
        place = Torn(number, share)
        try:
            mirrors.give(log, tmp_path / "home", place, KEPT)
        except StorageError:
            with pytest.raises((NotFound, TamperError)):
                restoring.restore(tmp_path / "new", place, PASSPHRASE, "laptop")
            mirrors.give(log, tmp_path / "home", place, KEPT)
        else:
            assert number > 6, "every kind of file was torn once"
        assert sound_mirror(place)
        assert not Mirror(place).listing().cut


# The choice of segments.

FILES = st.lists(
    st.builds(
        lambda first, length, bodies, withheld, generation, name: SegmentFile(
            f"{name}", b"feed", first, first + length, bodies, withheld, generation, "", 1
        ),
        st.integers(0, 30),
        st.integers(1, 12),
        st.integers(0, 3),
        st.integers(0, 2),
        st.integers(1, 2),
        st.integers(0, 1000),
    ),
    max_size=12,
)


@given(FILES, st.integers(0, 20), st.integers(0, 40), st.randoms(use_true_random=False))
def test_segments_and_gaps_cover_a_feed_without_holes_whatever_their_order(
    files, first, last, random
):
    chosen = covering(files, first, last)
    at = first
    for one in chosen:
        assert one.first <= at < one.size
        if isinstance(one, Gap):
            assert one.first == at
            held = {n for file in files for n in range(file.first, file.size)}
            assert not held & set(range(one.first, one.size))
        at = one.size
    assert at >= last or not chosen
    shuffled = list(files)
    random.shuffle(shuffled)
    assert covering(shuffled, first, last) == chosen


def test_of_two_segments_that_reach_as_far_the_one_with_more_erased_then_more_bodies_is_taken():
    counts = [(4, 0), (2, 1), (3, 0), (5, 0)]
    files = [SegmentFile(f"{n}", b"feed", 0, 9, *each, 1, "", 1) for n, each in enumerate(counts)]
    assert covering(files, 0, 9) == [files[2]]


# Parcels.


def test_a_parcel_opens_under_its_vaults_key_alone_and_a_flip_anywhere_is_refused():
    mirrors_ = [b"a" * 32, b"b" * 32]
    sealed = seal_parcel(Parcel("models", "state", b"weights"), mirrors_)
    assert open_parcel(sealed, mirrors_, "p") == Parcel("models", "state", b"weights")
    for at in range(len(sealed)):
        with pytest.raises((TamperError, ForeignVault)):
            open_parcel(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], mirrors_, "p")
        with pytest.raises(TamperError):
            open_parcel(sealed[:at], mirrors_, "p")
    with pytest.raises(TamperError):
        open_parcel(sealed, [b"a" * 32, b"c" * 32], "p")
    with pytest.raises(ForeignVault, match="rotated"):
        open_parcel(sealed, mirrors_[:1], "p")


def test_what_a_stranger_puts_into_a_folder_is_no_part_of_the_mirror(log, tmp_path):
    give(log, tmp_path)
    for name in (
        "segment-short", "head--1-2-3", "mirror-1-x", ".DS_Store", "segment-0-1-2-3-4-5-6",
        "identity-1-0000000000000000-0-zz", "half.0123456789abcdef.new",
    ):  # fmt: skip
        (tmp_path / "mirror" / name).write_bytes(b"")
    (tmp_path / "mirror" / "lost+found").mkdir()
    assert sound_mirror(mirror_in(tmp_path))
    assert give(log, tmp_path).deleted == 0
    assert Path(tmp_path / "mirror" / ".DS_Store").exists()
