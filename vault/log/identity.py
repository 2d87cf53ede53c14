"""vault.json: which vault this is, and the owner key wrapped twice.

Nothing in it is secret without the passphrase or the recovery key. A checksum tells rot
from a wrong passphrase before anything is tried; a keyed one tells tampering afterwards.
A mirror holds the same without the device's key.
"""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from vault.errors import ForeignVault, TamperError
from vault.log.passphrase import Stretch

__all__ = ["FIRST_FORMAT", "FORMAT", "Identity"]

FORMAT: Final = 2
FIRST_FORMAT: Final = 1
_BYTES: Final = {
    1: ("salt", "passphrase", "recovery", "device", "mac"),
    2: (
        *("salt", "passphrase", "recovery", "secrets", "owner", "handover", "transition"),
        *("device", "next_device", "mac"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The fields of vault.json.

    `passphrase` and `recovery` wrap the owner key; the rest is wrapped under it: `secrets`,
    the constants that outlive a rotation, `device`, the signing key of this device, and
    `next_device`, one that is about to take its place. `owner` is the public half of the
    owner's signing key of this generation, `handover` the signature of the one before over
    it. `transition` is there while the owner key is being replaced: the new one, wrapped
    under the old. `mac` is the owner's over all the rest.
    """

    format: int = FORMAT
    vault: str
    generation: int = 1
    stretch: Stretch = field(default_factory=Stretch)
    salt: bytes
    passphrase: bytes
    recovery: bytes
    secrets: bytes = b""
    owner: bytes = b""
    handover: bytes = b""
    transition: bytes = b""
    device: bytes = b""
    next_device: bytes = b""
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
        fields: dict[str, Any] = {"format": self.format, "vault": self.vault}
        if self.format != FIRST_FORMAT:
            fields["generation"] = self.generation
        fields["stretch"] = asdict(self.stretch)
        return fields | {name: getattr(self, name).hex() for name in _BYTES[self.format]}

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        fields = self._fields()
        return _dump(fields | {"sha256": hashlib.sha256(_dump(fields)).hexdigest()})

    @classmethod
    def decode(cls, content: bytes, name: str = "vault.json") -> "Identity":
        """Read the file.

        Raises:
            ForeignVault: It is no vault of ours, or of a newer format.
            TamperError: It is damaged.
        """
        try:
            fields = json.loads(content)
            number = fields.pop("format")
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
            raise ForeignVault(f"{name} is damaged or is not a vault's.") from None
        if type(number) is not int or number not in _BYTES:
            raise ForeignVault(
                f"The vault is of format {number!r:.20}, and this program reads up to format "
                f"{FORMAT}; use the version of Twinvault that wrote it, or a newer one."
            )
        try:
            fields.pop("sha256")
            identity = cls(
                format=number,
                vault=fields.pop("vault"),
                generation=1 if number == FIRST_FORMAT else fields.pop("generation"),
                stretch=Stretch(**fields.pop("stretch")),
                **{each: bytes.fromhex(fields.pop(each)) for each in _BYTES[number]},
            )
        except (ValueError, AttributeError, KeyError, TypeError):
            raise TamperError(f"{name} is damaged.") from None
        # One canonical form: whatever differs from it, even a space, is damage.
        if fields or identity.encode() != content:
            raise TamperError(f"{name} is damaged.")
        return identity

    def shared(self, key: bytes) -> "Identity":
        """Return what every device of the vault has in common, for a mirror."""
        return replace(self, device=b"", next_device=b"", transition=b"").signed(key)


def _dump(fields: dict[str, Any]) -> bytes:
    return (json.dumps(fields, indent=2, sort_keys=True) + "\n").encode()
