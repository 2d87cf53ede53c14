"""Every error that the vault raises on purpose, in one tree.

    VaultError                     root: one sentence that names the thing and the way out
    ├── UsageError                 the request itself does not make sense
    ├── NotFound                   no such item, model, file
    ├── Exists                     something is there already and is not overwritten
    ├── Locked                     the passphrase is missing or wrong
    ├── Revoked                    the owner revoked this device
    ├── CollectError               a source could not be read (a bad record is a value: `Bad`)
    ├── ConsentError
    │   ├── NotPermitted           no statement permits this
    │   └── PolicyClosed           a prohibition stands against it
    ├── TamperError                integrity failure
    │   ├── BadSignature
    │   ├── RootMismatch
    │   └── RolledBack             an older log than one already seen
    ├── ForeignVault               a vault of another owner or of a newer format
    ├── StorageError               the disk refused (full, read-only, gone)
    └── Erased                     the key of this item was destroyed

Rooms above the vault root their own trees here: `projections.errors`, `trainer.errors`.
Only `console.problems` turns errors into exit codes.
"""

__all__ = [
    "BadSignature",
    "CollectError",
    "ConsentError",
    "Erased",
    "Exists",
    "ForeignVault",
    "Locked",
    "NotFound",
    "NotPermitted",
    "PolicyClosed",
    "Revoked",
    "RolledBack",
    "RootMismatch",
    "StorageError",
    "TamperError",
    "UsageError",
    "VaultError",
]


class VaultError(Exception):
    """Root of everything this project raises on purpose."""


class UsageError(VaultError):
    """The request does not make sense as it stands."""


class NotFound(VaultError):
    """The named item, model or file does not exist."""


class Exists(VaultError):
    """Something is there already, and is not overwritten."""


class Locked(VaultError):
    """The passphrase is missing or wrong."""


class Revoked(VaultError):
    """The owner revoked this device; nothing that it writes counts."""


class CollectError(VaultError):
    """A source could not be read at all."""


class ConsentError(VaultError):
    """Consent refuses."""


class NotPermitted(ConsentError):
    """No statement in force permits this."""


class PolicyClosed(ConsentError):
    """A prohibition stands against this."""


class TamperError(VaultError):
    """Stored bytes are not what was signed."""


class BadSignature(TamperError):
    """A signature does not match its bytes or its key."""


class RootMismatch(TamperError):
    """Entries do not hash to the signed root."""


class RolledBack(TamperError):
    """The log is older than a checkpoint that was already seen, or has forked from it."""


class ForeignVault(VaultError):
    """The folder belongs to another owner, is no vault, or was written by a newer format."""


class StorageError(VaultError):
    """The disk refused: full, read-only or gone."""


class Erased(VaultError):
    """The key of this item was destroyed; only its signed entry remains."""
