"""Receipts and certificates: signed JSON that a person keeps, free of content.

A paper names statements, positions and counts; the values of filters and all words stay
in the sealed log, so the folder of a locked vault tells nothing by its papers.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vault.consent import Purpose

if TYPE_CHECKING:
    from console.bootstrap import Twin

__all__ = ["Certificate", "Receipt", "write_paper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """That a permission was withdrawn. `filters` names the filters used, not their values."""

    statement: str
    type: str
    purpose: Purpose
    filters: tuple[str, ...]
    at: datetime
    position: int
    checkpoint: str
    rows_removed: int
    models_suspended: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """That items were erased here, and what nobody can promise."""

    items: tuple[str, ...]
    keys_destroyed: int
    at: datetime
    position: int
    checkpoint: str
    rows_removed: int
    models_suspended: tuple[str, ...]
    states_destroyed: int
    mentions: tuple[str, ...]
    not_promised: tuple[str, ...] = (
        "Backups of this folder that were made earlier, outside the vault.",
        "Copies that other people or services hold.",
        "Blocks that the storage device keeps of overwritten data; keys were stored encrypted.",
    )


def write_paper(twin: "Twin", name: str, paper: Receipt | Certificate) -> Path:
    """Write a paper with the device's signature over its bytes; return its path.

    How anybody checks it stands in `specs/road-back.md`.
    """
    body = msgspec.json.encode(paper, order="deterministic")
    folder = twin.home / "papers"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}.json"
    signed = {
        "paper": body.decode(),
        "public_key": twin.log.public_key.hex(),
        "signature": base64.b64encode(twin.log.sign(body)).decode(),
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(signed), indent=1) + b"\n")
    path.chmod(0o600)
    return path
