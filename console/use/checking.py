"""What the vault holds, whether it is whole, and whether this machine can serve it."""

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from console.bootstrap import Twin
from console.use import podding
from console.use.learning import Model, models, signable
from trainer import base, seed
from trainer.errors import TrainingError
from trainer.slices import Foundation
from vault.application import Report
from vault.errors import BadSignature
from vault.events import ModelRetrained, ModelTrained
from vault.proofs import differences

__all__ = ["Check", "Checks", "Status", "ViewStatus", "doctor", "status", "verify"]

_SPACE_WANTED = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewStatus:
    """How far a view has followed the log."""

    name: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the vault holds; `checkpoint` is the Merkle root of the log, hex.

    `pod` is what this device knows of its pod; nothing where none is linked.
    """

    events: int
    items: int
    checkpoint: str
    views: tuple[ViewStatus, ...]
    models: tuple[Model, ...]
    pod: podding.PodStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding of the doctor."""

    name: str
    ok: bool
    finding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Everything that the doctor found."""

    checks: tuple[Check, ...]


def status(twin: Twin) -> Status:
    """Say what the vault holds."""
    twin.catch_up()
    head = twin.log.head
    return Status(
        events=head.size,
        items=twin.views.timeline.count(),
        checkpoint=head.root.hex(),
        views=tuple(ViewStatus(name=view.name, position=view.position) for view in twin.views.all),
        models=models(twin).models,
        pod=podding.status(twin) if twin.is_linked else None,
    )


def verify(
    twin: Twin,
    progress: Callable[[int, int], None] | None = None,
    against: str = "",
) -> Report:
    """Check every entry, key and signature, those of models' manifests included.

    Args:
        twin: The open vault.
        progress: Told (done, in all).
        against: A checkpoint, a proof or another copy's folder, whose checkpoints must be
            those of this log; `pod` or its address for the linked pod.

    Raises:
        NotFound: There is nothing to compare with.
        VaultError: It is not this vault's.
    """
    differing = _differing(twin, against) if against else ()
    report = twin.vault.verify(progress)
    if report.problems:
        return replace(report, problems=(*report.problems, *differing))
    return replace(report, problems=(*_unsigned_manifests(twin), *differing))


def _differing(twin: Twin, against: str) -> Sequence[str]:
    if against == podding.POD or against.startswith(("http://", "https://")):
        return podding.witnessed(twin, against)
    return differences(twin.log, Path(against))


def _unsigned_manifests(twin: Twin) -> Iterator[str]:
    for page in twin.log.pages():
        for entry in page.entries:
            match entry.event:
                case (
                    ModelTrained(manifest=made, signature=signature)
                    | ModelRetrained(manifest=made, signature=signature)
                ):
                    try:
                        twin.log.check(signable(made), signature)
                    except BadSignature:
                        yield f"The manifest of {made.model} was not signed by this device."
                case _:
                    pass


def doctor(home: Path) -> Checks:
    """Check what can be checked without unlocking anything."""
    python = ".".join(map(str, sys.version_info[:3]))
    free = shutil.disk_usage(_existing(home)).free
    torch = find_spec("torch") is not None and find_spec("transformers") is not None
    there = (home / "vault.json").exists()
    return Checks(
        checks=(
            Check(name="python", ok=True, finding=f"{python}, SQLite {sqlite3.sqlite_version}"),
            Check(
                name="vault",
                ok=there,
                finding=f"found in {home}" if there else f"none in {home}; `twin init` creates it",
            ),
            Check(
                name="privacy",
                ok=not there or (home.stat().st_mode & 0o077) == 0,
                finding="only you can read the folder"
                if not there or (home.stat().st_mode & 0o077) == 0
                else f"others can read the folder; chmod 700 {home}",
            ),
            Check(
                name="space",
                ok=free > _SPACE_WANTED,
                finding=f"{free >> 20} MB free"
                + ("" if free > _SPACE_WANTED else "; make room, a full disk stops collecting"),
            ),
            _seed(),
            Check(
                name="training",
                ok=torch,
                finding="PyTorch and Transformers are installed"
                if torch
                else "not installed; pip install 'twinvault[train]' brings what training needs",
            ),
        )
    )


def _seed() -> Check:
    try:
        base.require(Foundation(digest=seed.DIGEST))
    except (TrainingError, OSError) as error:
        return Check(name="seed", ok=False, finding=str(error))
    return Check(name="seed", ok=True, finding="the small model that voices go on from is whole")


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
