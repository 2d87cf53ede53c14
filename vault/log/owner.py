"""The owner key of a vault, what is derived from it, and how it is wrapped and replaced.

    passphrase | recovery key  →  owner key  →  keys that are replaced with it
                                  owner key  →  root  →  keys that never change

What stands in the log for ever (blinded tags, digests of names) needs keys that never
change; everything else follows the owner key of the present generation.
"""

import json
import os
import secrets as random
from dataclasses import dataclass, replace
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from vault.errors import BadSignature, Locked, TamperError, UsageError
from vault.log.certificate import NO_LIMIT, Certificate, certify
from vault.log.identity import FIRST_FORMAT, FORMAT, Identity
from vault.log.passphrase import (
    Stretch,
    new_recovery_key,
    recovery_bytes,
    recovery_wrapping_key,
    refusal,
)

__all__ = [
    "KEY_SIZE",
    "Constants",
    "Owner",
    "check_handover",
    "opened_by",
    "unlock",
    "unwrap",
    "wrap",
]

KEY_SIZE: Final = 32
_HANDOVER: Final = b"twinvault/owner/2\n"


def wrap(key: bytes, secret: bytes, context: bytes) -> bytes:
    """Seal a key under another: a random nonce, then AES-256-GCM."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, secret, context)


def unwrap(key: bytes, wrapped: bytes, context: bytes) -> bytes:
    """Open what `wrap` sealed.

    Raises:
        InvalidTag: Under another key, or damaged.
    """
    return AESGCM(key).decrypt(wrapped[:12], wrapped[12:], context)


def expand(key: bytes, label: str) -> bytes:
    """Return a key for one purpose."""
    return HKDFExpand(SHA256(), KEY_SIZE, f"twinvault/1/{label}".encode()).derive(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """What every generation of the owner key carries on.

    `root` is where keys come from that never change, `mirrors` are the keys of mirrors, one
    of each generation, the newest last.
    """

    root: bytes
    mirrors: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the bytes to be wrapped."""
        fields = {"root": self.root.hex(), "mirrors": [key.hex() for key in self.mirrors]}
        return json.dumps(fields, sort_keys=True).encode()

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read them; what was unwrapped was written by `encode`."""
        fields = json.loads(content)
        return cls(
            root=bytes.fromhex(fields["root"]),
            mirrors=tuple(bytes.fromhex(key) for key in fields["mirrors"]),
        )


class Owner:
    """The unlocked owner key of one generation."""

    def __init__(self, key: bytes, constants: Constants, vault: str, generation: int) -> None:
        self.key = key
        self.constants = constants
        self.vault = vault
        self.generation = generation
        self.exchange = X25519PrivateKey.from_private_bytes(self.derived("log/exchange"))
        self._signing = Ed25519PrivateKey.from_private_bytes(self.derived("log/certificate"))
        self._context = vault.encode()

    @property
    def public(self) -> Ed25519PublicKey:
        """What certificates of this generation are checked with."""
        return self._signing.public_key()

    def derived(self, label: str) -> bytes:
        """Return a key that is replaced together with the owner key."""
        return expand(self.key, label)

    def constant(self, label: str) -> bytes:
        """Return a key that never changes."""
        return expand(self.constants.root, label)

    def certify(self, public_key: bytes, most: int = NO_LIMIT) -> Certificate:
        """Return a certificate of a device."""
        return certify(self._signing, public_key, most)

    @classmethod
    def first(cls) -> Self:
        """Make the owner key of a new vault."""
        constants = Constants(
            root=random.token_bytes(KEY_SIZE), mirrors=(random.token_bytes(KEY_SIZE),)
        )
        return cls(random.token_bytes(KEY_SIZE), constants, os.urandom(8).hex(), 1)

    def next(self) -> Self:
        """Make the owner key of the next generation."""
        constants = replace(
            self.constants, mirrors=(*self.constants.mirrors, random.token_bytes(KEY_SIZE))
        )
        return type(self)(random.token_bytes(KEY_SIZE), constants, self.vault, self.generation + 1)

    def identity(self, passphrase: str, stretch: Stretch | None = None) -> tuple[Identity, bytes]:
        """Return what vault.json says, without a device, and a new recovery key.

        Raises:
            UsageError: The passphrase is empty.
        """
        recovery = new_recovery_key()
        bare = Identity(
            vault=self.vault,
            generation=self.generation,
            salt=b"",
            passphrase=b"",
            recovery=wrap(recovery_wrapping_key(recovery), self.key, self._context),
            secrets=self._secrets(),
            owner=self.public.public_bytes_raw(),
        )
        return self.under(bare, passphrase, stretch), recovery

    def _secrets(self) -> bytes:
        return wrap(self.derived("log/secrets"), self.constants.encode(), self._context)

    def under(
        self, identity: Identity, passphrase: str, stretch: Stretch | None = None
    ) -> Identity:
        """Return an identity whose passphrase is another.

        Raises:
            UsageError: The passphrase is empty.
        """
        if not passphrase:
            raise UsageError("The passphrase is empty; choose one that nobody guesses.")
        stretch, salt = stretch or identity.stretch, os.urandom(16)
        wrapped = wrap(stretch.key(passphrase, salt), self.key, self._context)
        return self.sign(replace(identity, stretch=stretch, salt=salt, passphrase=wrapped))

    def with_recovery(self, identity: Identity) -> tuple[Identity, bytes]:
        """Return an identity with a new recovery key, and that key."""
        recovery = new_recovery_key()
        wrapped = wrap(recovery_wrapping_key(recovery), self.key, self._context)
        return self.sign(replace(identity, recovery=wrapped)), recovery

    def with_device(
        self,
        identity: Identity,
        device: Ed25519PrivateKey | None,
        following: Ed25519PrivateKey | None = None,
    ) -> Identity:
        """Return an identity with this device's key, and the one that is to follow."""
        return self.sign(
            replace(identity, device=self._wrapped(device), next_device=self._wrapped(following))
        )

    def _wrapped(self, device: Ed25519PrivateKey | None) -> bytes:
        if device is None:
            return b""
        return wrap(self.derived("log/device"), device.private_bytes_raw(), self._context)

    def device(self, wrapped: bytes) -> Ed25519PrivateKey:
        """Return a device's key.

        Raises:
            TamperError: It is not one that this owner wrapped.
        """
        try:
            seed = unwrap(self.derived("log/device"), wrapped, self._context)
        except InvalidTag:
            raise TamperError("The device key in vault.json is damaged.") from None
        return Ed25519PrivateKey.from_private_bytes(seed)

    def sign(self, identity: Identity) -> Identity:
        """Return an identity with this owner's code over it."""
        return identity.signed(self.derived("log/identity"))

    def shared(self, identity: Identity) -> Identity:
        """Return the part of an identity that a mirror holds."""
        return identity.shared(self.derived("log/identity"))

    def upgraded(self, identity: Identity) -> Identity:
        """Return an identity of format 1 as one of the present format."""
        return self.sign(
            replace(
                identity,
                format=FORMAT,
                secrets=self._secrets(),
                owner=self.public.public_bytes_raw(),
            )
        )

    def hand_over(self, old: Identity, new: "Owner", bare: Identity) -> tuple[Identity, Identity]:
        """Return the old identity and the new one as they are while one replaces the other.

        Either holds the other's owner key, so that whichever secret is typed can finish.
        """
        handover = self._signing.sign(_handover(new.public, new.generation))
        return self.give_way(old, new, replace(bare, handover=handover))

    def give_way(self, old: Identity, new: "Owner", bare: Identity) -> tuple[Identity, Identity]:
        """Return the same where the new owner was named before, by this one or a later one."""
        return (
            self.sign(replace(old, transition=self._passing(new))),
            new.sign(replace(bare, transition=new._passing(self))),  # noqa: SLF001 - its own class
        )

    def _passing(self, other: "Owner") -> bytes:
        return wrap(self.derived("log/transition"), other.key, self._context)

    def passing(self, identity: Identity) -> bytes:
        """Return the other owner key of a replacement that is under way.

        Raises:
            TamperError: It is damaged.
        """
        try:
            return unwrap(self.derived("log/transition"), identity.transition, self._context)
        except InvalidTag:
            raise TamperError("The next owner key in vault.json is damaged.") from None

    def settled(self, identity: Identity) -> Identity:
        """Return an identity whose replacement is over."""
        return self.sign(replace(identity, transition=b""))


def _handover(public: Ed25519PublicKey, generation: int) -> bytes:
    return _HANDOVER + public.public_bytes_raw() + generation.to_bytes(8, "big")


def check_handover(old: Ed25519PublicKey, identity: Identity) -> None:
    """Check that the owner before named the owner of an identity.

    Raises:
        BadSignature: He did not.
    """
    try:
        public = Ed25519PublicKey.from_public_bytes(identity.owner)
        old.verify(identity.handover, _handover(public, identity.generation))
    except (InvalidSignature, ValueError):
        raise BadSignature("The vault's new owner key was not named by the one before.") from None


def unlock(identity: Identity, secret: str) -> Owner:
    """Return the owner that a passphrase or a recovery key opens.

    Raises:
        Locked: The secret is wrong.
        TamperError: The identity was changed.
    """
    return opened_by(identity, _key(identity, secret))


def opened_by(identity: Identity, key: bytes) -> Owner:
    """Return the owner whose key is known.

    Raises:
        TamperError: The identity was changed.
    """
    identity.check(expand(key, "log/identity"))
    if identity.format == FIRST_FORMAT:
        # What was derived from the owner key of format 1 stands in the log for ever.
        constants = Constants(root=key, mirrors=(expand(key, "log/mirror"),))
        return Owner(key, constants, identity.vault, 1)
    try:
        content = unwrap(expand(key, "log/secrets"), identity.secrets, identity.vault.encode())
    except InvalidTag:
        raise TamperError("The secrets in vault.json are damaged.") from None
    owner = Owner(key, Constants.decode(content), identity.vault, identity.generation)
    if owner.public.public_bytes_raw() != identity.owner:
        raise TamperError("The owner's public key in vault.json is not the owner's.")
    return owner


def _key(identity: Identity, secret: str) -> bytes:
    context = identity.vault.encode()
    recovery = recovery_bytes(secret)
    if recovery is not None:
        try:
            return unwrap(recovery_wrapping_key(recovery), identity.recovery, context)
        except InvalidTag:
            pass  # a passphrase may look like a recovery key
    try:
        return unwrap(identity.stretch.key(secret, identity.salt), identity.passphrase, context)
    except InvalidTag:
        raise Locked(refusal(secret)) from None
