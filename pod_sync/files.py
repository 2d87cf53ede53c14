"""The files of a pod as a person browses them: list, get, put.

Two ways behind one interface: our own session, and the library solid-file on that session.
solid-file was written for `httpx`, which `httpx2` continues: it is handed that in its place,
so that nothing but solid-file itself has to be installed. A path cannot leave the pod, and
nothing is put where the vault keeps its mirror, nor over the documents that say who may read.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote

import httpx2

from pod_sync.containers import members
from pod_sync.session import Found, Session
from vault.errors import NotFound, UsageError
from vault.mirrors import Vanished

__all__ = ["MOST", "Entry", "Files", "OwnFiles", "SolidFiles", "files_of"]

MOST: Final = 64 << 20
"""Bytes of a file that are taken or given.

It is held in memory whole: solid-file knows no streams, and after a lost answer what is there is
compared with what was sent (`Session.put`).
"""
_LISTING: Final = 16 << 20
_OWN_FOLDER: Final = "twinvault"
_AUXILIARY: Final = (".acl", ".acr", ".meta")
_PLAIN: Final = "!'()*~"
"""What `encodeURIComponent` leaves as it is: the proof of who asks names the address that way."""
_LISTED_OTHERWISE: Final = frozenset('"<>:|?')
"""Community Solid Server 7 lists a name with one of these under an address that leads nowhere."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a folder; `size` and `modified` are None and "" where nobody tells them."""

    name: str
    folder: bool
    size: int | None = None
    modified: str = ""


class Files(Protocol):
    """What a person does with the files of a pod; paths are relative to its root."""

    name: str

    def ls(self, path: str) -> tuple[Entry, ...]:
        """List a folder, sorted by name.

        Raises:
            NotFound: There is no such folder.
        """

    def get(self, path: str) -> Found:
        """Return a file of at most `MOST` bytes.

        Raises:
            NotFound: There is no such file.
            PodRefused: It is larger.
        """

    def put(self, path: str, content: bytes, media_type: str, *, replace: bool = False) -> None:
        """Write a file, with the folders on the way to it.

        Raises:
            PodChanged: There is one already, and `replace` is not set.
            UsageError: The path is the vault's own, or says who may read something.
        """


def files_of(session: Session) -> Files:
    """Return the pod's files by solid-file where it is installed, else by our own means."""
    return OwnFiles(session) if find_spec("solid") is None else SolidFiles(session)


class OwnFiles:
    """The files of a pod by our own session."""

    name = "twinvault"

    def __init__(self, session: Session) -> None:
        self._session = session

    def ls(self, path: str) -> tuple[Entry, ...]:
        """List a folder."""
        folder = _safe(path, folder=True)
        with _told_missing(path):
            found = self._session.get(folder, accept="text/turtle", most=_LISTING)
        assert found is not None, "no ETag was given"
        return _sorted(
            Entry(one.name, one.container, None if one.container else one.size, one.modified)
            for one in members(found.body, self._session.url + folder)
        )

    def get(self, path: str) -> Found:
        """Return a file."""
        with _told_missing(path):
            found = self._session.get(_safe(path), most=MOST)
        assert found is not None, "no ETag was given"
        return found

    def put(self, path: str, content: bytes, media_type: str, *, replace: bool = False) -> None:
        """Write a file."""
        self._session.put(_writable(path), content, media_type, new=not replace)


class SolidFiles:
    """The files of a pod by solid-file 0.2.1.

    Of a folder it tells names alone; a file is held in memory more than once.
    """

    name = "solid-file"

    def __init__(self, session: Session) -> None:
        api, auth = _solid_file()
        login = auth()
        login.client.close()
        login.client = _Client(session)
        self._url = session.url
        self._api = api(login)

    def ls(self, path: str) -> tuple[Entry, ...]:
        """List a folder."""
        with _told_missing(path):
            found = self._api.read_folder(self._url + _safe(path, folder=True))
        return _sorted(
            Entry(unquote(one.name), one.itemType == "Container")
            for one in (*found.folders, *found.files)
        )

    def get(self, path: str) -> Found:
        """Return a file."""
        with _told_missing(path):
            answer = self._api.get(self._url + _safe(path))
        return Found(answer.content, answer.headers["ETag"], answer.headers["Content-Type"])

    def put(self, path: str, content: bytes, media_type: str, *, replace: bool = False) -> None:
        """Write a file."""
        url = self._url + _writable(path)
        if replace:
            self._api.put_file(url, content, media_type)
            return
        # Its own KEEP_TARGET looks first and writes then: somebody may write in between.
        headers = {"Content-Type": media_type, "If-None-Match": "*"}
        self._api.put(url, {"headers": headers, "content": content})


class _Client:
    """What solid-file takes for its HTTP client: a session, with its bounds and its patience."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def request(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, content: bytes = b""
    ) -> httpx2.Response:
        """Ask for one thing, as `httpx.Client.request` does."""
        told = headers or {}
        path = url.removeprefix(self._session.url)
        assert path != url, "solid-file asks at addresses that it was given"
        if method == "PUT":
            new = told.get("If-None-Match") == "*"
            self._session.put(path, content, told["Content-Type"], new=new)
            return httpx2.Response(201, request=httpx2.Request(method, url))
        assert method == "GET", "solid-file is asked to read and to write"
        most = _LISTING if path.endswith("/") or not path else MOST
        found = self._session.get(path, accept=told.get("Accept", ""), most=most)
        assert found is not None, "no ETag was given"
        return httpx2.Response(
            200,
            headers={"ETag": found.etag, "Content-Type": found.media_type},
            content=found.body,
            request=httpx2.Request(method, url),
        )


def _solid_file() -> tuple[Callable[[Any], Any], Callable[[], Any]]:
    """Import solid-file with `httpx2` where it asks for `httpx`.

    The name is lent for the import alone: whoever has the real one keeps it.
    """
    before = sys.modules.get("httpx")
    sys.modules["httpx"] = httpx2
    try:
        return import_module("solid.solid_api").SolidAPI, import_module("solid.auth").Auth
    finally:
        if before is None:
            del sys.modules["httpx"]
        else:
            sys.modules["httpx"] = before


@contextmanager
def _told_missing(path: str) -> Iterator[None]:
    """Say what is not there in the words in which it was asked for."""
    try:
        yield
    except Vanished:
        raise NotFound(
            f"There is no {path or '/'} in the pod; `twin pod ls` lists what is there."
        ) from None


def _parts(path: str) -> list[str]:
    parts = path.removeprefix("/").removesuffix("/").split("/")
    if parts == [""]:
        return []
    if any(part in {"", ".", ".."} or not part.isprintable() for part in parts):
        raise UsageError(f"{path!r} is no path in the pod; name it like notes/2026/plan.md.")
    if parts[0].endswith(":"):
        raise UsageError(f"{path} is an address; name the path in the pod, like notes/plan.md.")
    return parts


def _safe(path: str, *, folder: bool = False) -> str:
    """Return a path as it stands in an address.

    Raises:
        UsageError: It leaves the pod, or names a folder where a file is meant.
    """
    parts = _parts(path)
    if not folder and (not parts or path.endswith("/")):
        raise UsageError(f"{path or '/'} is a folder; name a file.")
    return "/".join(quote(part, safe=_PLAIN) for part in parts) + ("/" if folder and parts else "")


def _writable(path: str) -> str:
    """Return the path of a file that a person may write.

    Raises:
        UsageError: It is the vault's, or says who may read something.
    """
    safe = _safe(path)
    parts = [part.casefold() for part in _parts(path)]
    if parts[0] == _OWN_FOLDER:
        raise UsageError(f"{_OWN_FOLDER}/ is the vault's own folder; put it somewhere else.")
    if parts[-1].endswith(_AUXILIARY):
        raise UsageError(f"{path} would say who may read something; name the file differently.")
    if _LISTED_OTHERWISE.intersection(path):
        raise UsageError(f'{path} has a letter that servers trip over; name it without " < > : | ?')
    return safe


def _sorted(entries: Iterator[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda one: one.name))
