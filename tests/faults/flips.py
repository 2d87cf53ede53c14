"""Flips single bits of what is stored, one after the other, and opens what comes of it.

`python -m tests.faults.flips KIND FILE BITS SHARE SHARES FOLDER` prints one JSON object: how many
flips there were, how many were noticed, and what went wrong. A flip that is not noticed must
change nothing: neither what is read now, nor what is read after the next append. Only errors
of ours are answers.
"""

import json
import random
import shutil
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from tests.faults.rehearsal import opened, texts
from tests.faults.scenarios import merged
from tests.vault.log.logkit import PASSPHRASE, draft, drafts, forget
from vault import mirrors, restoring
from vault.errors import VaultError
from vault.log import home
from vault.log.enrolment import devices
from vault.log.sealed import SealedLog

__all__ = ["ALL_BITS", "CLOSED", "MIRROR", "ONE_BIT", "REAL", "SOME", "WHEN_KILLED"]

CLOSED = "a closed vault in small pages"
WHEN_KILLED = "a killed vault in small pages"
REAL = "a closed vault"
MIRROR = "a mirror"
_SMALL = 512
ONE_BIT, ALL_BITS = "one bit of each byte", "all bits"
SOME = "one bit of each fifth byte"
_FIFTH = 5


def _prepared(place: Path, kind: str) -> dict[str, bytes]:
    """Make a small vault of two devices with a bit of everything; return its files.

    In pages of 512 bytes nearly every byte of a database means something, and there are few
    enough to flip each; a vault that was killed has its newest pages in write-ahead logs.
    """
    merged(place, 2)
    with closing(opened(place)) as log:
        [entry, *_] = [one for page in log.pages() for one in page.entries if "item" in one.topic]
        forget(log, [entry.id])
        if kind == MIRROR:
            folder = mirrors.Folder(place / "mirror", log.feed.hex())
            keepsake = mirrors.Keepsake("papers", "a.json", b"1", lambda: b"{}" * 40)
            mirrors.give(log, place / "home", folder, [keepsake])
            return _files(place / "mirror")
    if kind != REAL:
        for name in ("log.db", "keys.db"):
            _repaged(place / "home" / name)
    with closing(opened(place)) as log:
        log.append([draft(7)])
        if kind == WHEN_KILLED:
            return _files(place / "home")
    return _files(place / "home")


def _repaged(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        database.execute(f"PRAGMA page_size={_SMALL}")
        database.execute("VACUUM")
        database.execute("PRAGMA journal_mode=WAL")


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.stat().st_size and not path.name.endswith("-shm")
    }


class Read(NamedTuple):
    """All that a vault answers."""

    entries: tuple[str, ...]
    order: str
    root: bytes
    known: tuple[object, ...]
    devices: tuple[object, ...]
    keys: tuple[object, ...]


def _read(log: SealedLog) -> Read:
    pairs = [(draft(n).natural_key, draft(n).content) for n in (0, 1, 4, 7, 40, 42, 99)]
    feeds = [certificate.feed for certificate in log.devices.all()]
    pages = [(feed, n) for feed in feeds for n in range(1, 12)]
    return Read(
        texts(log),
        # How often bodies were filled in is part of the order and lies in the file's own head;
        # followers that see another number begin again, and read the same.
        ".".join(log.order.split(".")[:2]),
        log.head.root,
        tuple(log.known(pairs)),
        devices(log),
        tuple(log.keys.opened(pages).items()),
    )


class Flips:
    """One set of files in a folder in memory, spoilt and put back again and again."""

    def __init__(self, place: Path, kind: str, later: int) -> None:
        """Prepare the files; what the next append does is looked at for one byte of `later`."""
        first = place / "first"
        first.mkdir()
        self.files = _prepared(first, kind)
        self._place, self._later = place, later
        self._folder = place / ("mirror" if kind == MIRROR else "home")
        self._look = self._restored if kind == MIRROR else self._opened
        shutil.copytree(first / "secrets", place / "secrets")
        self._put_back()
        self._whole = self._look(0)
        assert self._whole
        self.flips = self.noticed = 0
        self.problems: list[str] = []

    def _put_back(self) -> None:
        self._folder.mkdir(exist_ok=True)
        for path in self._folder.iterdir():
            if path.is_file() and path.name not in self.files:
                path.unlink()
        for name, content in self.files.items():
            (self._folder / name).write_bytes(content)

    def flip(self, name: str, offset: int, bit: int) -> None:
        """Flip one bit, and see."""
        self.flips += 1
        self._put_back()
        spoilt = bytearray(self.files[name])
        spoilt[offset] ^= 1 << bit
        (self._folder / name).write_bytes(spoilt)
        try:
            found = self._look(offset)
            self.noticed += found is None
            assert found in (None, self._whole), "what is read changed"
        except Exception as error:  # noqa: BLE001 - only errors of ours are answers
            where = f"{name}, byte {offset}, bit {bit}"
            self.problems.append(f"{where}: {type(error).__name__}: {error}")

    def _opened(self, offset: int) -> object:
        """Return what is read, None where something is wrong; the next append must not change it."""
        with suppress(VaultError), closing(opened(self._place)) as log:
            if not log.verify().problems:
                before = _read(log)
                if offset % self._later == 0:
                    after = self._appended(log)
                    assert after in (None, before.entries), "the next append changed what is read"
                return before
        return None

    @staticmethod
    def _appended(log: SealedLog) -> tuple[str, ...] | None:
        """Return what was there, as it is read after the next append; None if it is refused."""
        with suppress(VaultError):
            log.append(drafts(900, 1))
            if not log.verify().problems:
                *before, new = texts(log)
                assert "900" in new
                return tuple(before)
        return None

    def _restored(self, _: int) -> object:
        """Return what is restored; None where that is refused, or a check complains."""
        folder = mirrors.Folder(self._folder)
        to = self._place / "restored"
        for left in (to, to.with_name("restored.restoring")):
            shutil.rmtree(left, ignore_errors=True)
        with suppress(VaultError):
            if restoring.check(folder, PASSPHRASE, 1.0).problems:
                return None
            restoring.restore(to, folder, PASSPHRASE, "restored")
            with closing(home.open_(to, PASSPHRASE)) as log:
                assert log.verify().problems == ()
                return tuple(text for text in texts(log) if " device.enrolled" not in text)
        return None


def main(arguments: list[str]) -> None:
    """Run what was asked for, and print the report."""
    kind, pattern, bits, share, shares, folder = arguments
    flips = Flips(Path(folder), kind, later=1 if bits == ALL_BITS else 8)
    chance = random.Random(kind)
    # Another fifth each time, so that all bytes have their turn.
    every = _FIFTH if bits == SOME else 1
    turn = random.randrange(every)
    number = 0
    for name, content in flips.files.items():
        if not Path(name).match(pattern):
            continue
        for offset in range(len(content)):
            one = chance.randrange(8)
            number += 1
            mine, rest = divmod(number, int(shares))
            if rest == int(share) and mine % every == turn:
                for bit in range(8) if bits == ALL_BITS else (one,):
                    flips.flip(name, offset, bit)
    report = {"flips": flips.flips, "noticed": flips.noticed, "problems": flips.problems}
    print(json.dumps(report))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
