"""Reads all of a mirror in a pod again, and takes out what is not as it was written.

Checking a mirror is the vault's own business (`vault.restoring`); what a pod adds are files
that no index names, and files whose upload was cut off. What is taken out is written again by
the next sync of a device that has its content. Interrupted, it goes on where it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pod_sync.index import fields
from pod_sync.lying import lying
from pod_sync.place import PodPlace
from vault import restoring

__all__ = ["Scrubbed", "scrub"]

_OFTEN: Final = 16
"""After so many files it is written down what was found sound."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """What was read of a mirror in a pod, what is wrong with it, and what was done about it.

    `files` count; `read` of them were read now, the others before an interruption. `damaged`
    were taken out, `orphans` deleted. `strays` of other devices count nowhere: they are on
    their way, or those devices delete them.
    """

    files: int
    read: int
    entries: int
    damaged: tuple[str, ...]
    orphans: int
    strays: int
    problems: tuple[str, ...]


def scrub(place: PodPlace, secret: str, progress: Progress | None = None) -> Scrubbed:
    """Read and verify every file, delete orphans, take out what is damaged.

    Args:
        place: The mirror, as a device that may write sees it; nobody else syncs as this device.
        secret: The passphrase or the recovery key.
        progress: Told (segments and parcels read, those to be read).

    Raises:
        NotFound: There is no mirror.
        Locked: The secret is wrong.
        RolledBack: The pod is older than one seen before.
        TamperError: Not even the owner key can be read.
        PodError: The pod does not answer; scrubbing again goes on.
    """
    sound = place.reread()
    place.sizes()
    lying, counted = _lying(place), place.counted()
    cut = {one for one in counted if lying.get(one) != fields(one.split("/")[1])[1]}

    def told(done: int, wanted: int) -> None:
        if done % _OFTEN == 0:
            place.save()
        if progress:
            progress(done, wanted)

    try:
        checked = restoring.check(place, secret, 1.0, told, sound=sound)
    finally:
        # Even where no owner key can be read, the next sync writes it again.
        damaged = sorted(cut | {one for one in place.damaged if not place.holds(one)})
        place.distrust(damaged)
    stray = lying.keys() - counted
    orphans = {one for one in stray if one.startswith(f"{place.feed}/")}
    sound.clear()
    place.discard(orphans)
    place.flush()
    return Scrubbed(
        files=checked.files,
        read=checked.read,
        entries=checked.entries,
        damaged=tuple(damaged),
        orphans=len(orphans),
        strays=len(stray) - len(orphans),
        problems=checked.problems,
    )


def _lying(place: PodPlace) -> dict[str, int]:
    """Return path (`feed/name`) and length of all files of the mirror's form, counted or not."""
    found: dict[str, int] = {}
    for feed in place.session.listing(f"{place.root}files/"):
        found |= lying(place.session, place.root, feed.name)
    return found
