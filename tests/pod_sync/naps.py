"""Waiting that takes no time, and is told."""

from pod_sync.session import Patience


class Naps(list):
    """What was waited, in seconds."""

    def patience(self) -> Patience:
        """Return a patience that waits here."""
        return Patience(sleep=self.append, draw=lambda: 0.5)
