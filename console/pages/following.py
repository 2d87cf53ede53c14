"""What every page says of work that is under way, and of views that are behind the log."""

from contextlib import suppress
from dataclasses import dataclass

from console.bootstrap import Twin
from console.pages.jobs import Job, Jobs
from console.pages.keeper import PATIENCE, Keeper
from console.pages.orders import CatchUp
from vault.errors import VaultError

__all__ = ["Behind", "Work", "check_known", "work"]


class Behind(VaultError):
    """The views are too far behind to tell what is permitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What runs now, and by how many entries the views are behind if that is worth a word."""

    jobs: tuple[Job, ...] = ()
    behind: int = 0


def work(keeper: Keeper, jobs: Jobs, but: str = "") -> Work:
    """Return what runs now; where the views are far behind, have them brought up.

    Args:
        keeper: The keeper of the vault.
        jobs: Its work.
        but: The path of the page: work is not named on its own page.
    """
    behind = keeper.behind if keeper.is_open and keeper.behind > PATIENCE else 0
    if behind and not jobs.running() and not _failed(jobs):
        # Whatever else runs brings the views up first; two of them would wait for each other.
        with suppress(VaultError):
            jobs.start(CatchUp(), keeper.secret, lambda _job: "/")
    running = tuple(job for job in jobs.running() if f"/jobs/{job.id}" != but)
    return Work(jobs=running if keeper.is_open else (), behind=behind)


def check_known(twin: Twin) -> None:
    """Let pass who shows what hangs on consent, once the views have heard all that was said.

    Raises:
        Behind: They are too far behind for somebody who only looks.
    """
    twin.catch_up()
    if twin.is_too_far_behind:
        raise Behind(
            f"The newest entries of your vault ({twin.behind:,}) are still being brought up, and what "
            "you said of your data may be among them; so nothing is shown here yet. Open this page "
            "again in a while."
        )


def _failed(jobs: Jobs) -> bool:
    last = jobs.last(CatchUp)
    return last is not None and last.state in {"failed", "stopped"}
