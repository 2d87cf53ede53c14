"""Errors to exit codes: the one place that knows both.

| code | meaning | | code | meaning |
| --- | --- | --- | --- | --- |
| 0 | ok | | 5 | consent refuses |
| 1 | failure | | 6 | integrity failure |
| 2 | usage | | 7 | pod away, or refuses |
| 3 | not found | | 130 | interrupted |
| 4 | locked | | | |
"""

from dataclasses import dataclass

from pod_sync.errors import PodError, PodFull, PodRefused, PodUnreachable
from vault import errors

__all__ = ["Problem", "problem_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error as scripts see it: the exit status, a stable code and one sentence."""

    status: int
    code: str
    message: str


_KINDS: tuple[tuple[type[BaseException], int, str], ...] = (
    (errors.UsageError, 2, "usage"),
    (errors.NotFound, 3, "not_found"),
    (errors.Erased, 3, "erased"),
    (errors.Locked, 4, "locked"),
    (errors.ConsentError, 5, "consent"),
    (errors.TamperError, 6, "integrity"),
    (errors.ForeignVault, 6, "foreign_vault"),
    (errors.Exists, 1, "exists"),
    (errors.StorageError, 1, "storage"),
    (PodUnreachable, 7, "pod_unreachable"),
    (PodRefused, 7, "pod_refused"),
    (PodFull, 7, "pod_full"),
    (PodError, 7, "pod"),
    (errors.VaultError, 1, "failure"),
    (KeyboardInterrupt, 130, "interrupted"),
)

_EXTRAS = {
    "huggingface_hub": ("Models need", "train"),
    "peft": ("Models need", "train"),
    "safetensors": ("Models need", "train"),
    "tokenizers": ("Models need", "train"),
    "torch": ("Models need", "train"),
    "transformers": ("Models need", "train"),
    "fastapi": ("The pages need", "pages"),
    "jinja2": ("The pages need", "pages"),
    "uvicorn": ("The pages need", "pages"),
    "watchfiles": ("The pages need", "pages"),
    "httpx2": ("A pod needs", "pod"),
    "rdflib": ("A pod needs", "pod"),
    "websockets": ("A pod needs", "pod"),
}


def problem_of(error: BaseException) -> Problem:
    """Describe an error without letting any content through.

    Errors of this project speak for themselves. An operating-system error names the file;
    of anything else only the kind is told, because its text may quote what was read.
    """
    for kind, status, code in _KINDS:
        if isinstance(error, kind):
            message = str(error) or "Interrupted; what was committed stays, run it again to go on."
            return Problem(status=status, code=code, message=message)
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if error.filename else ""
        return Problem(status=1, code="storage", message=f"{error.strerror}{place}.")
    if isinstance(error, ModuleNotFoundError) and error.name in _EXTRAS:
        who, extra = _EXTRAS[error.name]
        message = f"{who} {error.name}, which is not installed: pip install twinvault[{extra}]."
        return Problem(status=1, code="failure", message=message)
    return Problem(
        status=1,
        code="internal",
        message=f"Internal error of kind {type(error).__name__}; `twin verify` checks the vault.",
    )
