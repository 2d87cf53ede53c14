"""The owner's word on a device: its key signs a feed of this vault, up to a number of entries."""

from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from vault.errors import BadSignature

__all__ = ["NO_LIMIT", "Certificate", "certify", "fingerprint"]

NO_LIMIT: Final = (1 << 63) - 1
"""The number of entries of a device that was not revoked."""

_CONTEXT = b"twinvault/device/2\n"


class Certificate(NamedTuple):
    """A device's Ed25519 public key, how many entries of its feed count, the owner's signature."""

    public_key: bytes
    most: int
    signature: bytes

    @property
    def feed(self) -> bytes:
        """The feed that this key signs: the first eight bytes of the key."""
        return self.public_key[:8]

    @property
    def revoked(self) -> bool:
        """Whether entries from some number on count no more."""
        return self.most != NO_LIMIT

    def encode(self) -> bytes:
        """Return key, number and signature, one after the other."""
        return self.public_key + self.most.to_bytes(8, "big") + self.signature

    @classmethod
    def decode(cls, content: bytes) -> "Certificate":
        """Read what `encode` wrote; nobody has checked it yet."""
        return cls(content[:32], int.from_bytes(content[32:40], "big"), content[40:])

    def check(self, owner: Ed25519PublicKey) -> Ed25519PublicKey:
        """Check the owner's signature; return the device's key.

        Raises:
            BadSignature: The owner did not sign this.
        """
        try:
            owner.verify(self.signature, _text(self.public_key, self.most))
            return Ed25519PublicKey.from_public_bytes(self.public_key)
        except (InvalidSignature, ValueError, OverflowError):
            raise BadSignature("A device's certificate is not from the vault's owner.") from None


def _text(public_key: bytes, most: int) -> bytes:
    return _CONTEXT + public_key + most.to_bytes(8, "big")


def certify(owner: Ed25519PrivateKey, public_key: bytes, most: int = NO_LIMIT) -> Certificate:
    """Return the owner's certificate of a device, for as many entries of its feed."""
    return Certificate(public_key, most, owner.sign(_text(public_key, most)))


def fingerprint(public_key: bytes) -> str:
    """Return a public key as people compare it: groups of four hexadecimal digits."""
    text = public_key.hex()
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))
