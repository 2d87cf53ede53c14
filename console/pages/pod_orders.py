"""What takes its time with the owner's pod, as orders."""

from pathlib import Path

import msgspec

from console.bootstrap import Twin
from console.pages.orders import Order, Told
from console.use import drilling, mirroring, podding
from console.use.drilling import Drilled
from console.use.podding import Scrubbed, Synced
from vault.errors import UsageError
from vault.mirrors import Given, Taken

__all__ = ["Drill", "Exchange", "Met", "Scrub", "Sync"]


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What came and went in a folder where devices meet; `suspended` are models."""

    events: int
    checkpoint: str
    taken: Taken
    written: Given
    suspended: tuple[str, ...]


class Sync(Order, frozen=True, kw_only=True):
    """Read what is new in the pod, and write what is new here."""

    title = "Bringing the pod up to date"
    back = "/pod"

    def run(self, twin: Twin, told: Told) -> Synced:
        """Return what came and went."""
        return podding.sync(twin, told)


class Scrub(Order, frozen=True, kw_only=True):
    """Read all that is in the pod again, and verify it."""

    title = "Reading the pod again"
    back = "/pod"

    def run(self, twin: Twin, told: Told) -> Scrubbed:
        """Return what was read, and what is wrong."""
        return podding.scrub(twin, progress=told)


class Drill(Order, frozen=True, kw_only=True):
    """Make the vault again from the pod alone, compare it, and take it away."""

    title = "Restore drill"
    back = "/pod"

    def run(self, twin: Twin, told: Told) -> Drilled:
        """Return what came back."""
        return drilling.drill(twin, told)


class Exchange(Order, frozen=True, kw_only=True):
    """Meet other devices in a folder."""

    title = "Exchanging with other devices"
    back = "/pod/devices"
    out: str

    def run(self, twin: Twin, told: Told) -> Met:
        """Return what came and went."""
        out = Path(self.out)
        if mirroring.is_newer(twin, out):
            raise UsageError(
                "The owner key was replaced on another device: close these pages and run `twin "
                "device exchange` with that folder, which asks for the passphrase that holds now."
            )
        done = mirroring.exchange(twin, out, told)
        return Met(
            events=done.events,
            checkpoint=done.checkpoint,
            taken=done.taken,
            written=done.written,
            suspended=done.suspended,
        )
