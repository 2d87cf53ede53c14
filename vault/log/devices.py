"""The devices of a vault: whose keys sign its feeds, and how far each feed counts."""

from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault.errors import TamperError
from vault.log.certificate import NO_LIMIT, Certificate
from vault.log.index import Index

__all__ = ["Devices"]

_UNKNOWN: Final = "The feed {feed} is signed by a device that the vault's owner never enrolled."


class Devices:
    """Certificates from log.db, each checked once against the owner's key."""

    def __init__(self, index: Index, owner: Ed25519PublicKey) -> None:
        self._index = index
        self._owner = owner
        self._checked: dict[bytes, tuple[Certificate, Ed25519PublicKey]] = {}
        self.refresh()

    def refresh(self) -> bool:
        """Read what other processes wrote; tell whether anything changed.

        Raises:
            BadSignature: A certificate is not the owner's.
        """
        before = self._checked
        self._checked = {}
        for certificate in self._index.certificates():
            known = before.get(certificate.feed)
            if known is None or known[0] != certificate:
                known = (certificate, certificate.check(self._owner))
            self._checked[certificate.feed] = known
        return self._checked != before

    def learn(self, certificates: Iterable[Certificate]) -> None:
        """Take in certificates that are about to be stored."""
        for certificate in certificates:
            self._checked[certificate.feed] = (certificate, certificate.check(self._owner))

    def key_of(self, feed: bytes) -> Ed25519PublicKey:
        """Return the key that signs a feed.

        Raises:
            TamperError: The owner certified none.
        """
        if feed not in self._checked:
            self.refresh()
        try:
            return self._checked[feed][1]
        except KeyError:
            raise TamperError(_UNKNOWN.format(feed=feed.hex())) from None

    def certificate(self, feed: bytes) -> Certificate:
        """Return the certificate of a feed's device.

        Raises:
            TamperError: There is none.
        """
        self.key_of(feed)
        return self._checked[feed][0]

    def most(self, feed: bytes) -> int:
        """Return how many entries of a feed count."""
        return self._checked[feed][0].most if feed in self._checked else NO_LIMIT

    def all(self) -> list[Certificate]:
        """Return the certificates of all devices, by feed."""
        return [self._checked[feed][0] for feed in sorted(self._checked)]
