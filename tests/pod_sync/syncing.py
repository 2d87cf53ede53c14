"""Small vaults that meet in a pod, for tests that break what is between them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx2

from pod_sync.memory import Fleeting
from pod_sync.place import PodPlace
from pod_sync.session import Access, Patience, Session
from tests.vault.log.logkit import PASSPHRASE, create, draft, forget, numbers, reopen
from vault import mirrors, restoring
from vault.disk import write_atomic
from vault.log.sealed import SealedLog

__all__ = ["PASSPHRASE", "Device", "FileMemory", "draft", "forget", "numbers", "place_of"]

QUICK = Patience(first=0.001, longest=0.05)


class FileMemory:
    """What a device remembers of a pod, in a file: a killed process leaves it whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes:
        return self._path.read_bytes() if self._path.exists() else b""

    def write(self, content: bytes) -> None:
        write_atomic(self._path, content)


@contextmanager
def place_of(
    access: Access,
    feed: str = "",
    memory: object = None,
    transport: httpx2.BaseTransport | None = None,
) -> Iterator[PodPlace]:
    """A vault's mirror in a pod, as one device sees it; "": as one that only reads."""
    with (
        Session(access, transport=transport, patience=QUICK) as session,
        PodPlace(session, feed, memory or Fleeting()) as place,
    ):
        yield place


@dataclass
class Device:
    """A vault's folder on one machine, open, and what it remembers of the pod."""

    folder: Path
    log: SealedLog

    @classmethod
    def new(cls, folder: Path, passphrase: str = PASSPHRASE) -> Self:
        folder.mkdir()
        return cls(folder, create(folder, passphrase))

    @classmethod
    def restored(cls, folder: Path, access: Access, **more: httpx2.BaseTransport) -> Self:
        """Another device, made from nothing but the pod."""
        folder.mkdir()
        with place_of(access, **more) as place:
            restoring.restore(folder / "home", place, PASSPHRASE, folder.name)
        return cls(folder, reopen(folder))

    def sync(self, access: Access, transport: httpx2.BaseTransport | None = None) -> None:
        """Take what the pod has, give it what it lacks."""
        memory = FileMemory(self.folder / "pod")
        with place_of(access, self.log.feed.hex(), memory, transport) as place:
            self.exchange(place)
            place.settle(b"")

    def exchange(self, place: mirrors.Place) -> None:
        if place.sizes():
            mirrors.take(self.log, place)
        mirrors.give(self.log, self.folder / "home", place)

    def reopen(self) -> None:
        self.log = reopen(self.folder)

    def ids(self) -> list[str]:
        """The items that are there."""
        return [
            entry.id
            for page in self.log.pages()
            for entry in page.entries
            if entry.topic.startswith("item.collected") and entry.event
        ]

    def reach(self, feed: str) -> int:
        """How many entries of a feed are there."""
        return self.log.records.place.trail(bytes.fromhex(feed)).frontier.size

    def drop(self) -> None:
        self.log.close()
        shutil.rmtree(self.folder)
