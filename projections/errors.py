"""What can go wrong when views are read; the tree hangs under the vault's own root."""

from vault.errors import VaultError

__all__ = ["BehindLog", "NoEmbedder", "ProjectionError"]


class ProjectionError(VaultError):
    """Root of the errors of this room."""


class BehindLog(ProjectionError):
    """A view was asked before it, or one that it reads, had caught up with the log."""


class NoEmbedder(ProjectionError):
    """What a vault's labels are made with is not installed here."""
