"""The folder of a base: what may be in it, and the digest that pins it."""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from trainer import seed
from trainer.base.headers import tensors
from trainer.errors import BaseModelChanged, BaseRefused
from trainer.slices import Foundation

__all__ = ["inspect", "refuse_code", "require"]

_PICKLES = frozenset({".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth"})
_READ = frozenset({".jinja", ".json", ".model", ".safetensors", ".txt"})
# How pickles begin (protocols 2 to 5), and the zip that `torch.save` puts them in.
_BEGINS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
# Names under which libraries look for code, and for the place it comes from.
_CODE = frozenset({"auto_map", "custom_pipelines"})
_MOST = 10_000
_LARGEST_JSON = 256 << 20
# Two writes within one tick of the file system's clock leave the same stamp.
_SETTLED_NS = 2_000_000_000
_digests: dict[tuple[int, ...], bytes] = {}


def inspect(path: Path) -> Foundation:
    """Return the digest of a base folder's files, after checking that it may be loaded.

    Raises:
        BaseRefused: It is missing or incomplete, or brings code or pickles.
    """
    root = path.expanduser().resolve()
    if not root.is_dir():
        raise BaseRefused(
            f"There is no base model folder at {path}; name a folder that holds one, or a model "
            "of the hub as ORG/NAME."
        )
    files = {file.relative_to(root).as_posix(): file for file in _files(root)}
    for file in files.values():
        _refuse_pickle(file)
    if "config.json" not in files:
        raise BaseRefused(f"{root} is no model folder: config.json is missing.")
    if "adapter_config.json" in files:
        raise BaseRefused(
            f"{root} is an adapter and names another folder as its base; merge the two, or take "
            "the base alone."
        )
    tensors(root)
    told = hashlib.sha256()
    for place, file in sorted(files.items()):
        if file.suffix in _READ:
            name = place.encode()
            told.update(len(name).to_bytes(8, "big") + name + _examined(file))
    return Foundation(digest=told.hexdigest(), path=str(root))


def require(foundation: Foundation) -> None:
    """Refuse a base that is not the pinned one; files that nobody touched are not read again.

    Raises:
        BaseModelChanged: A file of the base changed since it was inspected.
        BaseRefused: The folder went, or may not be loaded.
    """
    if not foundation.path:
        _require_seed(foundation)
    elif inspect(foundation.folder).digest != foundation.digest:
        raise BaseModelChanged(
            f"The base model at {foundation.path} is not the one that was pinned; "
            "put its files back, or train anew.",
        )


def _require_seed(foundation: Foundation) -> None:
    """Refuse a seed that is damaged, and a model that went on from another one."""
    try:
        found = inspect(seed.FOLDER).digest
    except BaseRefused as error:
        raise BaseRefused(seed.DAMAGED) from error
    if found != seed.DIGEST:
        raise BaseModelChanged(seed.DAMAGED)
    if foundation.digest != seed.DIGEST:
        raise BaseModelChanged(
            f"This model went on from another seed ({foundation.digest[:12]}) than the one that "
            f"comes with this version ({seed.DIGEST[:12]}); `twin retrain` makes it anew on this one."
        )


def _files(root: Path) -> Iterator[Path]:
    """Yield the regular files of a folder and of those in it; linked folders are not entered."""
    count = 0
    for folder, folders, names in os.walk(root):
        # What git keeps for itself is no part of the model, and nothing ever loads it.
        folders[:] = [name for name in folders if name != ".git"]
        count += len(names)
        if count > _MOST:
            raise BaseRefused(f"{root} holds more than {_MOST} files; that is no model folder.")
        for name in names:
            file = Path(folder, name)
            if file.is_symlink():
                _follow(file, root)
            if file.is_file():
                yield file


def _follow(file: Path, root: Path) -> None:
    """Refuse a link that leads out; a hub's cache links to the blobs beside its snapshots."""
    target = file.resolve()
    allowed = [root, *([root.parents[1] / "blobs"] if root.parent.name == "snapshots" else [])]
    if not any(target.is_relative_to(place) for place in allowed):
        raise BaseRefused(f"{file} is a link out of the folder; put the file itself there.")
    if not target.is_file():
        raise BaseRefused(f"{file} is a link to nothing; download the model once more.")


def _refuse_pickle(file: Path) -> None:
    with file.open("rb") as opened:
        pickled = opened.read(4).startswith(_BEGINS)
    if pickled or file.suffix.lower() in _PICKLES:
        raise BaseRefused(
            f"{file} may hold a pickle, which runs code when opened; "
            "convert the model to safetensors and remove it.",
        )


def _examined(file: Path) -> bytes:
    """Return the digest of a file, after checking that it asks for no code.

    A file whose stamp did not change is not read again, so that asking often costs nothing.
    """
    with file.open("rb") as opened:
        stat = os.fstat(opened.fileno())
        stamp = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        if stamp in _digests:
            return _digests[stamp]
        found = hashlib.file_digest(opened, "sha256").digest()
    if file.suffix == ".json":
        refuse_code(file)
    if time.time_ns() - stat.st_ctime_ns > _SETTLED_NS:
        _digests[stamp] = found
    return found


def refuse_code(file: Path) -> None:
    """Refuse a JSON file that asks for code, at whatever depth.

    Raises:
        BaseRefused: It does, or it is no JSON.
    """
    try:
        if file.stat().st_size > _LARGEST_JSON:
            raise BaseRefused(f"{file} is larger than any model's; take it from another source.")
        waiting: list[object] = [json.loads(file.read_bytes())]
    except (ValueError, RecursionError) as error:
        raise BaseRefused(f"{file} is not valid JSON; download it once more.") from error
    while waiting:
        match waiting.pop():
            case dict() as table:
                # A vocabulary may hold any word as a name; a number stands behind it.
                asked = [name for name in _CODE & table.keys() if not isinstance(table[name], int)]
                if asked:
                    raise BaseRefused(
                        f"{file} asks for code of its own ({min(asked)}), which is never run; take "
                        "a model that needs none."
                    )
                waiting += table.values()
            case list() as several:
                waiting += several
            case _:
                pass
