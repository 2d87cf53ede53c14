"""The files of the owner's pod, brought here and put there one at a time."""

from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path

from console.bootstrap import Twin
from console.use import podding
from pod_sync.errors import PodChanged
from pod_sync.files import MOST, Entry, Files, files_of
from vault.errors import Exists, NotFound, UsageError

__all__ = ["Listing", "Moved", "get", "ls", "put"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is in a folder of the pod; `by` names the library that listed it."""

    url: str
    path: str
    entries: tuple[Entry, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A file that came or went: `size` bytes."""

    path: str
    file: Path
    size: int
    media_type: str
    by: str


def ls(twin: Twin, path: str) -> Listing:
    """List a folder of the pod.

    Raises:
        NotFound: There is no such folder, or no pod is linked.
    """
    with podding.session(twin) as session:
        files: Files = files_of(session)
        return Listing(url=session.url, path=path, entries=files.ls(path), by=files.name)


def get(twin: Twin, path: str, out: Path | None) -> Moved:
    """Bring a file of the pod here: to `out`, into it if it is a folder, else beside us.

    Raises:
        NotFound: There is no such file, or no pod is linked.
        Exists: There is a file here already.
        PodRefused: It is larger than a file may be.
    """
    name = Path(path.rstrip("/")).name or "file"
    file = (out / name if out.is_dir() else out) if out else Path(name)
    if file.exists() or file.is_symlink():
        raise Exists(f"{file} is there already and is not overwritten; name another with --out.")
    with podding.session(twin) as session:
        files: Files = files_of(session)
        found = files.get(path)
    try:
        with file.open("xb") as stream:
            stream.write(found.body)
    except FileExistsError:
        raise Exists(f"{file} is there already and is not overwritten.") from None
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    return Moved(
        path=path, file=file, size=len(found.body), media_type=found.media_type, by=files.name
    )


def put(twin: Twin, file: Path, path: str, *, replace: bool) -> Moved:
    """Put a file into the pod: at `path`, or under its own name if that is a folder.

    Raises:
        NotFound: There is no such file, or no pod is linked.
        Exists: There is one in the pod already, and `replace` is not set.
        UsageError: It is larger than a file may be, or the path is not for people's files.
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    size = file.stat().st_size
    if size > MOST:
        raise UsageError(f"{file} has more than {MOST} bytes; a Solid app moves larger files.")
    target = path + file.name if path.endswith("/") or not path else path
    media_type = guess_type(file.name)[0] or "application/octet-stream"
    with podding.session(twin) as session:
        if session.url + target == session.webid.partition("#")[0]:
            raise UsageError(
                f"{target} says who you are, and without it nobody gets into the pod any more; "
                "edit it with a Solid app."
            )
        files: Files = files_of(session)
        try:
            files.put(target, file.read_bytes(), media_type, replace=replace)
        except PodChanged:
            raise Exists(f"{target} is in the pod already; `--replace` writes over it.") from None
    return Moved(path=target, file=file, size=size, media_type=media_type, by=files.name)
