"""What a run depends on outside the vault itself, read once by the console."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the vault lives and where its passphrase is read from (None: ask)."""

    home: Path
    passphrase_file: Path | None = None
