"""What the trainer raises on purpose.

    VaultError
    └── TrainingError              a run could not be made; nothing was registered
        ├── NothingPermitted       (also ConsentError) no permitted row is left to learn from
        ├── BaseRefused            the base folder is no model that may be loaded
        ├── BaseModelChanged       (also TamperError) the base is not the one that was pinned
        └── Diverged               the loss left all bounds

`Withdrawn` is no failure: it tells the loop in `finetune` that consent ended in mid-run.
"""

from vault.errors import ConsentError, TamperError, VaultError

__all__ = [
    "BaseModelChanged",
    "BaseRefused",
    "Diverged",
    "NothingPermitted",
    "TrainingError",
    "Withdrawn",
]


class TrainingError(VaultError):
    """A training run could not be made."""


class NothingPermitted(TrainingError, ConsentError):
    """No permitted row is left to learn from."""


class BaseRefused(TrainingError):
    """The base folder is missing, incomplete or of a kind that may run foreign code."""


class BaseModelChanged(TrainingError, TamperError):
    """The base model is not the one that the recipe or manifest pinned."""


class Diverged(TrainingError):
    """The loss left all bounds; nothing of the slice is worth keeping."""


class Withdrawn(Exception):
    """Rows of the running plan are no longer permitted; `rows` holds their ids."""

    def __init__(self, rows: frozenset[str]) -> None:
        super().__init__(f"{len(rows)} rows are no longer permitted")
        self.rows = rows
