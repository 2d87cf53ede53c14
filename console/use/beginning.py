"""Beginning: the steps from an empty folder to a vault of one's own, and where she left off.

A step is done when she said so or when the vault shows it, whichever way it came about, so
that who comes back is led on from where things stand.
"""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from console import bootstrap
from console.bootstrap import Twin
from vault.consent import Purpose
from vault.disk import storage
from vault.errors import NotFound, TamperError, UsageError

__all__ = [
    "Begun",
    "OnPaper",
    "Place",
    "Step",
    "begun",
    "confirm",
    "finish",
    "on_paper",
    "page",
    "place",
]

_SETTING = "begin"


class Step(StrEnum):
    """What there is to do once a vault is there, in this order."""

    KEY = "key"
    POD = "pod"
    SOURCE = "source"
    ALLOW = "allow"
    LEARN = "learn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a vault will lie, and how many bytes are free there."""

    home: Path
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Which steps are done, and which comes next; None where all are.

    `guided` says that she was led from the beginning, and not past it by other commands.
    """

    done: tuple[Step, ...]
    next: Step | None
    guided: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPaper:
    """The recovery page that lies on this computer still, and how many groups its key has."""

    file: Path
    groups: int


def place(home: Path) -> Place:
    """Say where a new vault would lie."""
    home = home.absolute()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    return Place(home=home, free=shutil.disk_usage(there).free)


def begun(twin: Twin) -> Begun:
    """Say how far the beginning has come."""
    twin.catch_up()
    told = _told(twin)
    done = {step for step in Step if step in (told or ()) or _shows(twin, step)}
    following = (step for step in Step if step not in done)
    return Begun(
        done=tuple(step for step in Step if step in done),
        next=next(following, None),
        guided=told is not None,
    )


def finish(twin: Twin, *steps: Step) -> None:
    """Remember that some steps are done, or were left out for good; none: that she has begun."""
    told = _told(twin) or ()
    kept = [step for step in Step if step in told or step in steps]
    twin.settings.write(_SETTING, msgspec.json.encode(kept))


def on_paper(twin: Twin) -> OnPaper | None:
    """Return the recovery page that still lies beside the vault, None where none does."""
    for file in bootstrap.recovery_pages(twin.home):
        return OnPaper(file=file, groups=len(bootstrap.recovery_groups(_text(file))))
    return None


def page(twin: Twin) -> str:
    """Return the recovery page to be printed.

    Raises:
        NotFound: It is not on this computer any more.
    """
    found = on_paper(twin)
    if found is None:
        raise NotFound(
            "The recovery page is not on this computer any more; `twin keys recovery` makes a new one."
        )
    return _text(found.file)


def confirm(twin: Twin, group: int, typed: str, *, remove: bool) -> None:
    """Note that the key is on paper, as a group typed from it shows.

    Args:
        twin: The opened vault.
        group: Which group of the key, from 1 on.
        typed: What stands there; small letters, O for 0, I and L for 1 will do.
        remove: Delete the files with the key: the paper is what is left.

    Raises:
        NotFound: The page is not on this computer any more.
        UsageError: Something else stands there.
    """
    groups = bootstrap.recovery_groups(page(twin))
    if not 1 <= group <= len(groups) or _plain(typed) != groups[group - 1]:
        raise UsageError(
            f"Group {group} of the key reads otherwise; look at the paper again, and type its "
            "five letters."
        )
    if remove:
        with storage("The recovery page"):
            for file in bootstrap.recovery_pages(twin.home):
                file.unlink(missing_ok=True)
    finish(twin, Step.KEY)


def _told(twin: Twin) -> list[str] | None:
    # What is damaged can be told anew.
    with suppress(TamperError):
        kept = twin.settings.read(_SETTING)
        return None if kept is None else msgspec.json.decode(kept, type=list[str])
    return None


def _shows(twin: Twin, step: Step) -> bool:
    match step:
        case Step.KEY:
            return on_paper(twin) is None
        case Step.POD:
            return twin.is_linked
        case Step.SOURCE:
            return twin.views.imports.count() > 0
        case Step.ALLOW:
            said = twin.views.permissions.statements
            return any(one.purpose in {Purpose.SEARCH, Purpose.TRAIN} for one in said)
        case Step.LEARN:
            return bool(twin.views.lineage.models())


def _text(file: Path) -> str:
    with storage("The recovery page"):
        return file.read_text(encoding="utf-8")


def _plain(typed: str) -> str:
    letters = "".join(letter for letter in typed.upper() if letter.isalnum())
    return letters.translate(str.maketrans("OIL", "011"))
