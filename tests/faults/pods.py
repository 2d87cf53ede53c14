"""A pod in a folder, for runs that die: what it has answered it keeps, as a server does."""

import os
from pathlib import Path
from uuid import uuid4

from pod_sync.containers import Member
from pod_sync.errors import PodChanged
from pod_sync.reach import Traffic
from pod_sync.session import Found, State
from vault.disk import make_folder, storage, sync_folder, write_atomic
from vault.mirrors import Vanished

__all__ = ["FileMemory", "FolderSession"]


def _write(path: Path, content: bytes) -> None:
    """Write a file durably, from whichever thread, and through no named point of ours."""
    draft = path.with_name(f"{path.name}.new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


class FolderSession:
    """What `pod_sync.place` asks of a session, on files; an ETag is drawn at every write."""

    url = "https://pod.example/"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.traffic = Traffic()

    def _etag(self, path: str) -> Path:
        return self._folder / f"{path}.etag"

    def get(self, path: str, *, most: int) -> Found:
        """Return a file."""
        try:
            body = (self._folder / path).read_bytes()
        except FileNotFoundError:
            raise Vanished(path) from None
        assert len(body) <= most
        return Found(body, self._etag(path).read_text(), "")

    def state(self, path: str) -> State | None:
        """Return a file's length and ETag."""
        try:
            found = self.get(path, most=1 << 30)
        except Vanished:
            return None
        return State(len(found.body), found.etag)

    def size(self, path: str) -> int | None:
        """Return a file's length."""
        found = self.state(path)
        return found.size if found else None

    def put(
        self, path: str, content: bytes, media_type: str, *, etag: str = "", new: bool = False
    ) -> None:
        """Write a file, if it is as it was seen."""
        assert media_type
        there = self.state(path)
        if (there and new) or (etag and (there is None or there.etag != etag)):
            raise PodChanged(path)
        with storage(self.url):
            make_folder((self._folder / path).parent)
            _write(self._etag(path), uuid4().hex.encode())
            _write(self._folder / path, content)

    def delete(self, path: str) -> bool:
        """Delete a file."""
        if not (self._folder / path).exists():
            return False
        with storage(self.url):
            (self._folder / path).unlink(missing_ok=True)
            sync_folder((self._folder / path).parent)
        return True

    def listing(self, path: str) -> tuple[Member, ...]:
        """List a folder; the time of a change is as good as what is drawn at it."""
        files = sorted((self._folder / path).glob("*.json"))
        return tuple(
            Member(one.name, one.stat().st_size, self._etag(path + one.name).read_text(), False)
            for one in files
        )


class FileMemory:
    """What a device remembers, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes:
        """Return what was written last."""
        return self._path.read_bytes() if self._path.exists() else b""

    def write(self, content: bytes) -> None:
        """Keep this."""
        with storage("What is remembered of the pod"):
            write_atomic(self._path, content)
