"""What the tests of mirrors, merging and rotations share."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from logkit import PASSPHRASE

from vault import mirrors, points, restoring
from vault.log import home
from vault.log.envelope import has_body
from vault.log.mirror import Folder, Mirror, Vanished
from vault.log.sealed import SealedLog
from vault.log.segment import NOTE, open_segment
from vault.mirrors import Keepsake


def memory() -> Path | None:
    """Where files are that need no disk, if there is such a place: a kill loses nothing there."""
    place = Path("/dev/shm")
    return place if place.is_dir() else None


class Memory:
    """A place in memory: what a pod or a bucket is, and nothing more."""

    name = "memory"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def sizes(self) -> dict[str, int]:
        return {name: len(content) for name, content in self.files.items()}

    def read(self, name: str) -> bytes:
        try:
            return self.files[name]
        except KeyError:
            raise Vanished(name) from None

    def write(self, name: str, content: bytes) -> None:
        self.files[name] = content

    def delete(self, name: str) -> None:
        self.files.pop(name, None)

    def expect(self, names) -> None:
        pass

    def flush(self) -> None:
        pass


def folder_of(log: SealedLog, path: Path) -> Folder:
    return Folder(path, log.feed.hex())


def swap(log: SealedLog, folder: Path, place: object) -> None:
    """Take what a place has, and give it what it lacks."""
    if place.sizes():
        mirrors.take(log, place)
    mirrors.give(log, folder, place)


def further(folder: Path, place: object, name: str, secret: str = PASSPHRASE) -> SealedLog:
    """Another device of the vault that a place mirrors."""
    restoring.restore(folder, place, secret, name)
    return home.open_(folder, secret)


def told(log: SealedLog) -> list[tuple[object, ...]]:
    """All that followers see."""
    return [
        (page.position, entry.position, entry.id, entry.topic, entry.event, entry.erased)
        for page in log.pages()
        for entry in page.entries
    ]


def reached_by(work: Callable[[], object]) -> list[str]:
    """Run work in a child; return the names of the points that it reached."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        points.reached = lambda name: os.write(writer, f"{name}\n".encode())
        _and_leave(work)
    os.close(writer)
    with os.fdopen(reader) as file:
        names = file.read().split()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return names


def killed_at(number: int, work: Callable[[], object]) -> None:
    """Run work in a child that is killed when it reaches its n-th point, from 0."""
    child = os.fork()
    if not child:
        left = [number]

        def count(_: str) -> None:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

        points.reached = count
        _and_leave(work)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == -signal.SIGKILL, "the child died where it should"


def _and_leave(work: Callable[[], object]) -> None:
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def copied(source: Path, target: Path) -> Path:
    """A copy of a folder in the place of what is there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


KEPT = [
    Keepsake("models", "twin-1.rows", b"1", lambda: b"what a model learned from"),
    Keepsake("papers", "receipt-1.json", b"1", lambda: b"{}"),
]


def give(log, tmp_path, keepsakes=None):
    return mirrors.give(log, tmp_path / "home", folder_of(log, tmp_path / "mirror"), keepsakes)


def mirror_in(tmp_path):
    return Folder(tmp_path / "mirror")


def sound_mirror(place) -> bool:
    found = restoring.check(place, PASSPHRASE, 1.0)
    assert found.problems == ()
    return True


def mirror_segments(tmp_path):
    return Mirror(mirror_in(tmp_path)).listing().segments


def held(log, place):
    """What a mirror has of every entry: True its body, False that it was withheld; else nothing."""
    there = {}
    for file in Mirror(place).listing().segments:
        segment = open_segment(place.files[file.name], log.keys.owner.constants.mirrors, file.name)
        entries = [data for data in segment.records if not data.startswith(NOTE)]
        for seq, data in enumerate(entries, segment.first):
            id_ = f"{segment.feed.hex()}-{seq}"
            if has_body(data) or seq in segment.withheld:
                there[id_] = there.get(id_, False) or has_body(data)
    return there


def content(log, place):
    found = b""
    for file in Mirror(place).listing().segments:
        segment = open_segment(place.files[file.name], log.keys.owner.constants.mirrors, file.name)
        found += b"".join([*segment.records, *(page.keys for page in segment.keys.values())])
    return found


def without(log, folder, ids):
    """A mirror without the bodies of some entries."""
    place = Memory()
    mirrors.give(log, folder, place, withholding=AtHome(ids))
    return place


class AtHome:
    """Keeps the bodies of some entries at home."""

    edition = b"1"

    def __init__(self, ids):
        self._ids = frozenset(ids)

    def withheld(self, ids):
        return self._ids.intersection(ids)
