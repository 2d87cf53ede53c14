"""The papers that the vault signed for its owner, to be looked at and taken along."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

import msgspec

from console.bootstrap import Twin
from vault.errors import NotFound

__all__ = ["Paper", "Papers", "listed", "of_statement", "paper"]

Sort = Literal["receipt", "certificate", "pod-erasure", "rebuild"]
_SORTS: tuple[Sort, ...] = get_args(Sort)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One signed paper: its file, of which sort it is, and when it was written."""

    name: str
    sort: str
    at: datetime
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """Some papers, the newest first, and how many there are in all."""

    papers: tuple[Paper, ...]
    count: int


class _Dated(msgspec.Struct):
    at: datetime


class _Signed(msgspec.Struct):
    paper: str


def listed(twin: Twin, after: int = 0, limit: int = 50) -> Papers:
    """Return the papers, the newest first.

    Args:
        twin: The open vault.
        after: How many to pass over.
        limit: How many at most.
    """
    folder = twin.home / "papers"
    files = [one for one in folder.glob("*.json") if one.is_file()] if folder.is_dir() else []
    files.sort(key=lambda one: (-one.stat().st_mtime_ns, one.name))
    return Papers(papers=tuple(map(_read, files[after : after + limit])), count=len(files))


def paper(twin: Twin, name: str) -> Paper:
    """Return one paper.

    Raises:
        NotFound: There is none of this name.
    """
    file = twin.home / "papers" / f"{name}.json"
    if not _is_plain(name) or not file.is_file():
        raise NotFound("There is no such paper; the list shows those that there are.")
    return _read(file)


def of_statement(twin: Twin, id_: str) -> Paper | None:
    """Return the receipt of a withdrawal, None where there is none."""
    name = f"receipt-{id_}"
    there = _is_plain(name) and (twin.home / "papers" / f"{name}.json").is_file()
    return paper(twin, name) if there else None


def _is_plain(name: str) -> bool:
    return bool(name) and all(one.isalnum() or one == "-" for one in name)


def _read(file: Path) -> Paper:
    sort = next((one for one in _SORTS if file.name.startswith(f"{one}-")), "")
    signed = msgspec.json.decode(file.read_bytes(), type=_Signed)
    dated = msgspec.json.decode(signed.paper, type=_Dated)
    return Paper(name=file.stem, sort=sort, at=dated.at, file=file)
