"""Every key of a vault, from the passphrase down to the one data key of an item.

    passphrase | recovery key  →  owner key  →  key of a scope  →  data key of an item
                                  owner key  →  derived keys (views, aliases, tags)

The device key signs; a collector that runs unattended holds it and the keys that blind
tags, and seals data keys to the owner's public key: what it wrote it cannot read.
"""

import json
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import repeat
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from vault import points
from vault.errors import ForeignVault, Locked, TamperError, UsageError
from vault.log.envelope import NO_TAG
from vault.log.identity import Identity
from vault.log.keystore import TO_OWNER, KeyPage, KeyStore
from vault.log.passphrase import (
    Stretch,
    new_recovery_key,
    recovery_bytes,
    recovery_wrapping_key,
)

__all__ = ["KEY_SIZE", "CollectorKeys", "DataKey", "Keys", "Slot", "VaultKeys", "data_key"]

KEY_SIZE = 32
_DESTROYED = bytes(KEY_SIZE)
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PAGE_CONTEXT = b"twinvault/1/key-page"


class Slot(NamedTuple):
    """Where a data key lies: the page in keys.db, and its place in the page."""

    page: int
    slot: int


DataKey = tuple[bytes, int, int]
"""A fresh key for one body, and the page and slot where it is durable."""


class Blinder:
    """Keyed BLAKE2b (RFC 7693) to 16 bytes, its key taken in once."""

    __slots__ = ("_state", "key")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._state = blake2b(key=key, digest_size=16)

    def __call__(self, text: bytes) -> bytes:
        """Return the blinded form of a text; nothing stays nothing."""
        return self.each((text,))[0]

    def each(self, texts: Iterable[bytes]) -> list[bytes]:
        """Return the blinded forms of texts."""
        copy = self._state.copy
        blinded: list[bytes] = []
        for text in texts:
            if not text:
                blinded.append(NO_TAG)
                continue
            state = copy()
            state.update(text)
            blinded.append(state.digest())
        return blinded


def _wrap(key: bytes, secret: bytes, context: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, secret, context)


def _unwrap(key: bytes, wrapped: bytes, context: bytes) -> bytes:
    return AESGCM(key).decrypt(wrapped[:12], wrapped[12:], context)


def _expand(key: bytes, label: str) -> bytes:
    return HKDFExpand(SHA256(), KEY_SIZE, f"twinvault/1/{label}".encode()).derive(key)


def data_key(pages: Mapping[int, bytes], page: int, slot: int) -> bytes:
    """Return one of the data keys of opened pages, empty where it was destroyed."""
    key = pages.get(page, b"")[slot * KEY_SIZE : (slot + 1) * KEY_SIZE]
    return key if any(key) else b""


class VaultKeys(ABC):
    """What a log needs to append: a signing key, blinders, and fresh durable data keys."""

    def __init__(
        self,
        store: KeyStore,
        device: Ed25519PrivateKey,
        natural_key: Blinder,
        content: Blinder,
        owner_public: X25519PublicKey,
    ) -> None:
        self.store = store
        self.device = device
        self.blind_natural_key = natural_key
        self.blind_content = content
        self.owner_public = owner_public

    def issue(self, scopes: Sequence[str]) -> list[DataKey]:
        """Return one fresh key for every scope named, after all of them were made durable.

        Keys are committed before any ciphertext exists; a crash or a lost race leaves
        orphans, which open nothing.
        """
        names = list(dict.fromkeys(scopes))
        random = os.urandom(KEY_SIZE * len(scopes))
        fresh = [random[i : i + KEY_SIZE] for i in range(0, len(random), KEY_SIZE)]
        if len(names) == 1:
            [page] = self.store.add_pages(self._sealed({names[0]: random}))
            return list(zip(fresh, repeat(page), range(len(fresh)), strict=False))
        shares: dict[str, list[bytes]] = {name: [] for name in names}
        slots: list[int] = []
        for scope, key in zip(scopes, fresh, strict=True):
            slots.append(len(shares[scope]))
            shares[scope].append(key)
        sealed = self._sealed({name: b"".join(keys) for name, keys in shares.items()})
        pages = dict(zip(names, self.store.add_pages(sealed), strict=True))
        return [
            (key, pages[scope], slot) for key, scope, slot in zip(fresh, scopes, slots, strict=True)
        ]

    @abstractmethod
    def _sealed(self, keys: Mapping[str, bytes]) -> list[KeyPage]:
        """Return a sealed page for the keys of every scope."""

    @abstractmethod
    def opened(self, ids: Iterable[int]) -> dict[int, bytes]:
        """Return the keys of pages, one after the other; zeros stand for destroyed ones.

        Raises:
            Locked: These keys can only write.
            TamperError: A page was not sealed for this vault.
        """

    @abstractmethod
    def destroy(self, slots: Iterable[Slot]) -> int:
        """Overwrite data keys for ever; return how many there still were.

        Raises:
            Locked: These keys can only write.
        """

    def discard(self, keys: Iterable[DataKey]) -> None:
        """Throw away keys that sealed nothing in the end."""
        pages = {page for _, page, _ in keys}
        self.store.edit(pages, lambda _: dict.fromkeys(pages))

    def close(self) -> None:
        """Close keys.db."""
        self.store.close()


class CollectorKeys(VaultKeys):
    """The keys of a collector that runs unattended: it appends, and can read nothing."""

    @classmethod
    def load(cls, content: bytes, store: Callable[[], KeyStore]) -> "CollectorKeys":
        """Read what `Keys.delegated` wrote; `store` is opened if it can be read.

        Raises:
            ForeignVault: These are not a collector's keys.
        """
        try:
            fields = {name: bytes.fromhex(value) for name, value in json.loads(content).items()}
            device = Ed25519PrivateKey.from_private_bytes(fields["device"])
            natural_key, text = Blinder(fields["natural_key"]), Blinder(fields["content"])
            owner_public = X25519PublicKey.from_public_bytes(fields["owner_public"])
        except (ValueError, AttributeError, KeyError, TypeError):
            raise ForeignVault("The collector's key file is damaged; make a new one.") from None
        return cls(store(), device, natural_key, text, owner_public)

    def _sealed(self, keys: Mapping[str, bytes]) -> list[KeyPage]:
        return [
            KeyPage(TO_OWNER, _SUITE.encrypt(secret, self.owner_public, _PAGE_CONTEXT))
            for secret in keys.values()
        ]

    def opened(self, ids: Iterable[int]) -> dict[int, bytes]:
        """Refuse: only the owner can open what a collector wrote."""
        raise Locked(f"A collector's keys cannot read ({len(list(ids))} pages); unlock the vault.")

    def destroy(self, slots: Iterable[Slot]) -> int:
        """Refuse: only the owner can erase."""
        raise Locked(f"A collector's keys cannot erase ({len(list(slots))}); unlock the vault.")


class Keys(VaultKeys):
    """All keys of an unlocked vault."""

    def __init__(self, owner: bytes, device: Ed25519PrivateKey, store: KeyStore) -> None:
        self._owner = owner
        self._private = X25519PrivateKey.from_private_bytes(_expand(owner, "log/exchange"))
        super().__init__(
            store,
            device,
            Blinder(_expand(owner, "log/natural-key")),
            Blinder(_expand(owner, "log/content")),
            self._private.public_key(),
        )
        self._scope_name = Blinder(_expand(owner, "log/scope-name"))
        self._scope_wrap = _expand(owner, "log/scope-key")
        self._by_name: dict[str, tuple[int, AESGCM]] = {}
        self._by_id: dict[int, AESGCM] = {}

    @classmethod
    def create(
        cls, passphrase: str, store: KeyStore, stretch: Stretch | None = None
    ) -> tuple["Keys", Identity, bytes]:
        """Make the keys of a new vault.

        Returns:
            The keys, what to write into vault.json, and the recovery key.

        Raises:
            UsageError: The passphrase is empty.
        """
        if not passphrase:
            raise UsageError("The passphrase is empty; choose one that nobody guesses.")
        stretch = stretch or Stretch()
        owner, salt, recovery = secrets.token_bytes(KEY_SIZE), os.urandom(16), new_recovery_key()
        device = Ed25519PrivateKey.generate()
        vault = os.urandom(8).hex()
        identity = Identity(
            vault=vault,
            stretch=stretch,
            salt=salt,
            passphrase=_wrap(stretch.key(passphrase, salt), owner, vault.encode()),
            recovery=_wrap(recovery_wrapping_key(recovery), owner, vault.encode()),
            device=_wrap(_expand(owner, "log/device"), device.private_bytes_raw(), vault.encode()),
        ).signed(_expand(owner, "log/identity"))
        return cls(owner, device, store), identity, recovery

    @classmethod
    def open(cls, identity: Identity, secret: str, store: Callable[[], KeyStore]) -> "Keys":
        """Unlock; `store` is opened only after the secret turned out right.

        Args:
            identity: What vault.json says.
            secret: The passphrase, or the text of the recovery key.
            store: Opens keys.db, which touches files.

        Raises:
            Locked: The secret is wrong; nothing on disk was touched.
            TamperError: vault.json was changed.
        """
        owner = _owner_key(identity, secret)
        identity.check(_expand(owner, "log/identity"))
        context = identity.vault.encode()
        try:
            seed = _unwrap(_expand(owner, "log/device"), identity.device, context)
        except InvalidTag:
            raise TamperError("The device key in vault.json is damaged.") from None
        return cls(owner, Ed25519PrivateKey.from_private_bytes(seed), store())

    def derived(self, label: str) -> bytes:
        """Return 32 bytes for a purpose outside the log; the same label, the same key."""
        return _expand(self._owner, f"derived/{label}")

    def delegated(self) -> bytes:
        """Return what a collector needs that runs while the vault is locked."""
        fields = {
            "device": self.device.private_bytes_raw(),
            "natural_key": self.blind_natural_key.key,
            "content": self.blind_content.key,
            "owner_public": self.owner_public.public_bytes_raw(),
        }
        return json.dumps({name: value.hex() for name, value in fields.items()}).encode()

    def certify(self, device: bytes) -> bytes:
        """Return the owner's signature over a device's public key."""
        owner = Ed25519PrivateKey.from_private_bytes(_expand(self._owner, "log/certificate"))
        return owner.sign(b"twinvault/device/1\n" + device)

    def _sealed(self, keys: Mapping[str, bytes]) -> list[KeyPage]:
        known = self._scopes(list(keys))
        pages = []
        for name, secret in keys.items():
            scope, key = known[name]
            nonce = os.urandom(12)
            pages.append(KeyPage(scope, nonce + key.encrypt(nonce, secret, _PAGE_CONTEXT)))
        return pages

    def _scopes(self, names: list[str]) -> dict[str, tuple[int, AESGCM]]:
        """Return id and key of scopes, making those that are new."""
        blinded = {
            self._scope_name(name.encode()): name for name in names if name not in self._by_name
        }
        if blinded:
            new = blinded.keys() - self.store.scopes(list(blinded)).keys()
            if new:
                self.store.add_scopes(
                    {
                        name: _wrap(self._scope_wrap, secrets.token_bytes(KEY_SIZE), name)
                        for name in sorted(new)
                    }
                )
            for blind, (id_, wrapped) in self.store.scopes(list(blinded)).items():
                self._by_name[blinded[blind]] = (id_, self._scope_key(blind, wrapped))
        return {name: self._by_name[name] for name in names}

    def _scope_key(self, name: bytes, wrapped: bytes) -> AESGCM:
        try:
            return AESGCM(_unwrap(self._scope_wrap, wrapped, name))
        except InvalidTag:
            raise TamperError("A scope's key in keys.db is damaged.") from None

    def opened(self, ids: Iterable[int]) -> dict[int, bytes]:
        """Return the keys of pages; a page that is not there any more is left out."""
        return self._open(self.store.pages(ids))

    def _open(self, pages: Mapping[int, KeyPage]) -> dict[int, bytes]:
        missing = {page.scope for page in pages.values()} - self._by_id.keys() - {TO_OWNER}
        for id_, (name, wrapped) in self.store.scopes_by_id(missing).items():
            self._by_id[id_] = self._scope_key(name, wrapped)
        return {id_: self._open_page(id_, page) for id_, page in pages.items()}

    def _open_page(self, id_: int, page: KeyPage) -> bytes:
        try:
            if page.scope == TO_OWNER:
                return _SUITE.decrypt(page.wrapped, self._private, _PAGE_CONTEXT)
            nonce, sealed = page.wrapped[:12], page.wrapped[12:]
            return self._by_id[page.scope].decrypt(nonce, sealed, _PAGE_CONTEXT)
        except (InvalidTag, ValueError, KeyError):
            raise TamperError(f"Page {id_} of keys.db is damaged.") from None

    def destroy(self, slots: Iterable[Slot]) -> int:
        """Overwrite data keys for ever; return how many there still were."""
        wanted: dict[int, list[int]] = {}
        for page, slot in slots:
            wanted.setdefault(page, []).append(slot)
        destroyed = 0

        def change(pages: Mapping[int, KeyPage]) -> dict[int, KeyPage | None]:
            nonlocal destroyed
            changed: dict[int, KeyPage | None] = {}
            for id_, secret in self._open(pages).items():
                kept = bytearray(secret)
                for slot in wanted[id_]:
                    place = slice(slot * KEY_SIZE, (slot + 1) * KEY_SIZE)
                    destroyed += kept[place] != _DESTROYED
                    kept[place] = _DESTROYED
                if kept != secret:
                    changed[id_] = self._resealed(pages[id_].scope, bytes(kept))
            return changed

        self.store.edit(wanted, change)
        points.reached("keys.destroyed")
        return destroyed

    def _resealed(self, scope: int, keys: bytes) -> KeyPage | None:
        if not any(keys):
            return None
        if scope == TO_OWNER:
            return KeyPage(scope, _SUITE.encrypt(keys, self.owner_public, _PAGE_CONTEXT))
        nonce = os.urandom(12)
        return KeyPage(scope, nonce + self._by_id[scope].encrypt(nonce, keys, _PAGE_CONTEXT))


def _owner_key(identity: Identity, secret: str) -> bytes:
    context = identity.vault.encode()
    recovery = recovery_bytes(secret)
    if recovery is not None:
        try:
            return _unwrap(recovery_wrapping_key(recovery), identity.recovery, context)
        except InvalidTag:
            pass  # a passphrase may look like a recovery key
    try:
        return _unwrap(identity.stretch.key(secret, identity.salt), identity.passphrase, context)
    except InvalidTag:
        raise Locked(
            "The passphrase is wrong; type it again, or type the recovery key instead."
        ) from None
