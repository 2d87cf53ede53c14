"""vault.json: which vault this is, and the owner key wrapped twice.

Nothing in it is secret without the passphrase or the recovery key. A checksum tells rot
from a wrong passphrase before anything is tried; a keyed one tells tampering afterwards.
"""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from vault.errors import ForeignVault, TamperError
from vault.log.passphrase import Stretch

__all__ = ["FORMAT", "Identity"]

FORMAT = 1
_BYTES = ("salt", "passphrase", "recovery", "device", "mac")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The fields of vault.json.

    `passphrase` and `recovery` wrap the owner key, `device` wraps the device's signing key
    under it, `mac` is the owner's over all the rest.
    """

    vault: str
    stretch: Stretch = field(default_factory=Stretch)
    salt: bytes
    passphrase: bytes
    recovery: bytes
    device: bytes
    mac: bytes = b""

    def signed(self, key: bytes) -> "Identity":
        """Return the same with the owner's code over it."""
        return replace(self, mac=self._code(key))

    def check(self, key: bytes) -> None:
        """Check the owner's code.

        Raises:
            TamperError: Somebody else changed a field.
        """
        if not hmac.compare_digest(self.mac, self._code(key)):
            raise TamperError("vault.json was changed by somebody who does not hold its key.")

    def _code(self, key: bytes) -> bytes:
        return hmac.digest(key, _dump(self._fields() | {"mac": ""}), "sha256")

    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"format": FORMAT, "vault": self.vault}
        fields["stretch"] = asdict(self.stretch)
        return fields | {name: getattr(self, name).hex() for name in _BYTES}

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        fields = self._fields()
        return _dump(fields | {"sha256": hashlib.sha256(_dump(fields)).hexdigest()})

    @classmethod
    def decode(cls, content: bytes) -> "Identity":
        """Read the file.

        Raises:
            ForeignVault: It is no vault of ours, or of a newer format.
            TamperError: It is damaged.
        """
        try:
            fields = json.loads(content)
            number = fields.pop("format")
        except (ValueError, AttributeError, KeyError, TypeError):
            raise ForeignVault("vault.json is damaged or is not a vault's.") from None
        if number != FORMAT:
            raise ForeignVault(
                f"The vault is of format {number!r}, and this program reads format {FORMAT}; "
                "use the version of Twinvault that wrote it, or a newer one."
            )
        try:
            fields.pop("sha256")
            identity = cls(
                vault=fields.pop("vault"),
                stretch=Stretch(**fields.pop("stretch")),
                **{name: bytes.fromhex(fields.pop(name)) for name in _BYTES},
            )
        except (ValueError, AttributeError, KeyError, TypeError):
            raise TamperError("vault.json is damaged.") from None
        # One canonical form: whatever differs from it, even a space, is damage.
        if fields or identity.encode() != content:
            raise TamperError("vault.json is damaged.")
        return identity


def _dump(fields: dict[str, Any]) -> bytes:
    return (json.dumps(fields, indent=2, sort_keys=True) + "\n").encode()
