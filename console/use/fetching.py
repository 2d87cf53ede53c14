"""A base from a hub: fetched once, pinned to a commit, and then a folder like any other.

This is the one place where the name of a model reaches the network, and only files that are
data cross it: weights as safetensors, JSON, tokenizers. What was fetched is never asked for
again, so that a name means the same weights tomorrow, offline too.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer import seed
from trainer.base import inspect, refuse_code
from trainer.errors import BaseRefused
from vault.disk import storage
from vault.errors import NotFound, StorageError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import HfApi, ModelInfo, RepoSibling

__all__ = ["folder_of"]

Told = Callable[[int, int], None]

_NAME = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(@(?P<commit>[0-9a-f]{40}))?",
    re.ASCII,
)
# Files at the top of a repository: what lies deeper is other formats of the same weights.
_WANTED = re.compile(
    r"[\w-][\w.-]*\.json|tokenizer\.model|merges\.txt|vocab\.txt|[\w-]+\.jinja"
    r"|model(-\d+-of-\d+)?\.safetensors",
    re.ASCII,
)
_PINNED = "pinned"


def folder_of(base: str, progress: Told | None = None) -> Path:
    """Return the folder of a base: named as one, as ORG/NAME, ORG/NAME@COMMIT, or the seed.

    Args:
        base: What the person said; a folder that is there is meant before a name.
        progress: Told (bytes done, bytes in all).

    Raises:
        NotFound: The hub has no such model or commit.
        BaseRefused: The hub cannot be reached or refuses, or the model may not be loaded.
        StorageError: There is no room for it.
    """
    path, named = Path(base).expanduser(), _NAME.fullmatch(base)
    if path.exists() or named is None:
        return seed.FOLDER if base == seed.NAME else path
    home = _home() / named["name"].replace("/", "--")
    commit = named["commit"] or _pinned(home)
    if commit and (home / commit).is_dir():
        return home / commit
    return _fetched(named["name"], named["commit"], home, progress)


def _home() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "twinvault-bases"


def _pinned(home: Path) -> str:
    try:
        said = (home / _PINNED).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return said if re.fullmatch(r"[0-9a-f]{40}", said) else ""


def _fetched(name: str, commit: str | None, home: Path, progress: Told | None) -> Path:
    """Fetch a model into a draft, which gets its name once all of it is there and sound."""
    from httpx2 import HTTPError  # noqa: PLC0415 - what huggingface_hub speaks with
    from huggingface_hub import HfApi, errors  # noqa: PLC0415 - takes a second
    from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415

    disable_progress_bars()
    try:
        hub = HfApi()
        found = hub.model_info(name, revision=commit, files_metadata=True)
        assert found.sha is not None
        files = _chosen(name, found.siblings or [])
        _room(home, sum(file.size or 0 for file in files))
        draft = home / f"{found.sha}.part"
        _download(hub, found, files, draft, progress)
    except errors.GatedRepoError as error:
        raise BaseRefused(
            f"The hub gives {name} only to those who accepted its terms: accept them on its page, "
            "then log in with `hf auth login`."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise NotFound(f"The hub has no commit {commit} of {name}; leave it out.") from error
    except errors.RepositoryNotFoundError as error:
        raise NotFound(
            f"The hub has no model {name}, or it is private; check the name, or name a folder."
        ) from error
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError, HTTPError) as error:
        raise BaseRefused(
            f"The hub cannot be reached, and {name} was not fetched before; go online once, or "
            "copy the model here and name its folder."
        ) from error
    except OSError as error:
        raise StorageError(f"The folder {home}: {error.strerror or error}.") from error
    return _placed(draft, home, found.sha)


def _chosen(name: str, offered: "Sequence[RepoSibling]") -> "list[RepoSibling]":
    """Return the files that make up a model, small ones first."""
    files = [file for file in offered if _WANTED.fullmatch(file.rfilename)]
    if not any(file.rfilename.endswith(".safetensors") for file in files):
        raise BaseRefused(
            f"{name} has no weights as safetensors on the hub; take another model, or convert it."
        )
    return sorted(files, key=lambda file: (file.rfilename.endswith(".safetensors"), file.rfilename))


def _room(home: Path, needed: int) -> None:
    home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    if needed > free:
        raise StorageError(
            f"The model takes {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free at {home}; "
            "make room, or set XDG_DATA_HOME to another disk."
        )


def _download(
    hub: "HfApi",
    found: "ModelInfo",
    files: "Sequence[RepoSibling]",
    draft: Path,
    progress: Told | None,
) -> None:
    """Fetch file after file; what an earlier try fetched is not fetched again."""
    done, total = 0, sum(file.size or 0 for file in files)
    for file in files:
        path = Path(
            hub.hf_hub_download(found.id, file.rfilename, revision=found.sha, local_dir=draft)
        )
        _whole(path, file)
        if path.suffix == ".json":
            refuse_code(path)
        done += file.size or 0
        if progress:
            progress(done, total)


def _whole(path: Path, file: "RepoSibling") -> None:
    """Refuse a file that is not what the hub said it would be."""
    told: Any = file.lfs
    with path.open("rb") as opened:
        damaged = (
            told is not None and hashlib.file_digest(opened, "sha256").hexdigest() != told.sha256
        )
    if damaged:
        path.unlink()
        raise BaseRefused(f"{file.rfilename} arrived damaged; run the command again.")


def _placed(draft: Path, home: Path, commit: str) -> Path:
    shutil.rmtree(draft / ".cache", ignore_errors=True)
    try:
        inspect(draft)
    except BaseRefused:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    with storage(f"The folder {home}"):
        draft.replace(home / commit)
        (home / _PINNED).write_text(commit, "ascii")
    return home / commit
