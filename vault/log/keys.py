"""Keys of the log: the device key that signs, blinders, and one data key for every item.

    owner key  →  key of a scope  →  data key of an item

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
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from vault import points
from vault.errors import ForeignVault, Locked, TamperError
from vault.log.checkpoint import feed_of
from vault.log.envelope import NO_TAG
from vault.log.keystore import TO_OWNER, KeyPage, KeyStore, PageId, Scope, StaleScope
from vault.log.owner import KEY_SIZE, Owner, unwrap, wrap

__all__ = ["CollectorKeys", "DataKey", "Keys", "SharedPage", "Slot", "VaultKeys", "data_key"]

_DESTROYED: Final = bytes(KEY_SIZE)
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PAGE_CONTEXT: Final = b"twinvault/1/key-page"
_KNOWN: Final = 4096


class Slot(NamedTuple):
    """Where a data key lies: the page in keys.db, and its place in the page."""

    page: PageId
    slot: int


class SharedPage(NamedTuple):
    """A key page on its way to another device: the scope's blinded name, and the keys.

    The name is empty for pages that a collector sealed to the owner.
    """

    scope: bytes
    keys: bytes


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


def data_key(pages: Mapping[PageId, bytes], page: PageId, slot: int) -> bytes:
    """Return one of the data keys of opened pages, empty where it was destroyed."""
    key = pages.get(page, b"")[slot * KEY_SIZE : (slot + 1) * KEY_SIZE]
    return key if any(key) else b""


def _joined(here: bytes, there: bytes) -> bytes:
    """Return the keys of a page: those that are here, in free places those that came."""
    if not here and len(there) % KEY_SIZE == 0:
        return there
    keys = bytearray(max(here, there, key=len))
    for at in range(0, len(keys), KEY_SIZE):
        place = slice(at, at + KEY_SIZE)
        keys[place] = here[place] if any(here[place]) else there[place].ljust(KEY_SIZE, b"\0")
    return bytes(keys)


class VaultKeys(ABC):
    """What a log needs to append: a signing key, blinders, and fresh durable data keys."""

    def __init__(
        self,
        store: KeyStore,
        device: Ed25519PrivateKey,
        *,
        natural_key: Blinder,
        content: Blinder,
        owner_exchange: X25519PublicKey,
        owner_public: Ed25519PublicKey,
    ) -> None:
        self.store = store
        self.device = device
        self.feed = feed_of(device.public_key())
        self.blind_natural_key = natural_key
        self.blind_content = content
        self.owner_exchange = owner_exchange
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
            [page] = self._stored({names[0]: random})
            return list(zip(fresh, repeat(page), range(len(fresh)), strict=False))
        shares: dict[str, list[bytes]] = {name: [] for name in names}
        slots: list[int] = []
        for scope, key in zip(scopes, fresh, strict=True):
            slots.append(len(shares[scope]))
            shares[scope].append(key)
        stored = self._stored({name: b"".join(keys) for name, keys in shares.items()})
        pages = dict(zip(names, stored, strict=True))
        return [
            (key, pages[scope], slot) for key, scope, slot in zip(fresh, scopes, slots, strict=True)
        ]

    def _stored(self, keys: Mapping[str, bytes]) -> list[int]:
        while True:
            try:
                return self.store.add_pages(self.feed, self._sealed(keys))
            except StaleScope:
                self._refresh()

    @abstractmethod
    def _refresh(self) -> None:
        """Forget what another process replaced."""

    @abstractmethod
    def _sealed(self, keys: Mapping[str, bytes]) -> list[KeyPage]:
        """Return a sealed page for the keys of every scope."""

    @abstractmethod
    def opened(self, ids: Iterable[PageId]) -> dict[PageId, bytes]:
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
        pages = {(self.feed, page) for _, page, _ in keys}
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
            exchange = X25519PublicKey.from_public_bytes(fields["exchange"])
            owner = Ed25519PublicKey.from_public_bytes(fields["owner"])
        except (ValueError, AttributeError, KeyError, TypeError):
            raise ForeignVault("The collector's key file is damaged; make a new one.") from None
        return cls(
            store(),
            device,
            natural_key=natural_key,
            content=text,
            owner_exchange=exchange,
            owner_public=owner,
        )

    def _sealed(self, keys: Mapping[str, bytes]) -> list[KeyPage]:
        return [
            KeyPage(TO_OWNER, _SUITE.encrypt(secret, self.owner_exchange, _PAGE_CONTEXT))
            for secret in keys.values()
        ]

    def _refresh(self) -> None:
        """Nothing of what a collector holds is ever replaced."""

    def opened(self, ids: Iterable[PageId]) -> dict[PageId, bytes]:
        """Refuse: only the owner can open what a collector wrote."""
        raise Locked(f"A collector's keys cannot read ({len(list(ids))} pages); unlock the vault.")

    def destroy(self, slots: Iterable[Slot]) -> int:
        """Refuse: only the owner can erase."""
        raise Locked(f"A collector's keys cannot erase ({len(list(slots))}); unlock the vault.")


class Keys(VaultKeys):
    """All keys of an unlocked vault."""

    def __init__(self, owner: Owner, device: Ed25519PrivateKey, store: KeyStore) -> None:
        self.owner = owner
        super().__init__(
            store,
            device,
            natural_key=Blinder(owner.constant("log/natural-key")),
            content=Blinder(owner.constant("log/content")),
            owner_exchange=owner.exchange.public_key(),
            owner_public=owner.public,
        )
        self._scope_name = Blinder(owner.constant("log/scope-name"))
        self._scope_wrap = owner.derived("log/scope-key")
        self._refresh()

    def _refresh(self) -> None:
        self._by_name: dict[bytes, tuple[int, AESGCM]] = {}
        self._by_id: dict[int, AESGCM] = {}

    def derived(self, label: str) -> bytes:
        """Return 32 bytes for a purpose outside the log, for as long as the vault exists."""
        return self.owner.constant(f"derived/{label}")

    def sealing(self, label: str) -> bytes:
        """Return 32 bytes for a purpose outside the log, until the owner key is replaced."""
        return self.owner.derived(f"derived/{label}")

    def delegated(self) -> bytes:
        """Return what a collector needs that runs while the vault is locked."""
        fields = {
            "device": self.device.private_bytes_raw(),
            "natural_key": self.blind_natural_key.key,
            "content": self.blind_content.key,
            "exchange": self.owner_exchange.public_bytes_raw(),
            "owner": self.owner_public.public_bytes_raw(),
        }
        return json.dumps({name: value.hex() for name, value in fields.items()}).encode()

    def _sealed(self, keys: Mapping[str, bytes]) -> list[KeyPage]:
        blinded = {name: self._scope_name(name.encode()) for name in keys}
        known = self._scopes(blinded.values())
        return [self._page(*known[blinded[name]], secret) for name, secret in keys.items()]

    @staticmethod
    def _page(scope: int, key: AESGCM, secret: bytes) -> KeyPage:
        nonce = os.urandom(12)
        return KeyPage(scope, nonce + key.encrypt(nonce, secret, _PAGE_CONTEXT))

    def _scopes(self, blinded: Iterable[bytes]) -> dict[bytes, tuple[int, AESGCM]]:
        """Return id and key of scopes, making those that are new."""
        names = set(blinded)
        unknown = names - self._by_name.keys()
        if unknown:
            new = unknown - self.store.scopes(unknown).keys()
            if new:
                self.store.add_scopes(
                    {
                        name: wrap(self._scope_wrap, secrets.token_bytes(KEY_SIZE), name)
                        for name in sorted(new)
                    }
                )
            for name, (id_, wrapped) in self.store.scopes(unknown).items():
                self._by_name[name] = (id_, self._scope_key(Scope(name, wrapped)))
        return {name: self._by_name[name] for name in names}

    def _scope_key(self, scope: Scope) -> AESGCM:
        try:
            return AESGCM(unwrap(self._scope_wrap, scope.wrapped, scope.name))
        except InvalidTag:
            raise TamperError("A scope's key in keys.db is damaged.") from None

    def opened(self, ids: Iterable[PageId]) -> dict[PageId, bytes]:
        """Return the keys of pages; a page that is not there any more is left out."""
        wanted = list(ids)
        pages = self.store.pages(wanted)
        # A rotation between the two reads gives scopes new ids.
        if not self._know(pages):
            pages = self.store.pages(wanted)
            self._know(pages)
        return self._open(pages)

    def _know(self, pages: Mapping[PageId, KeyPage]) -> bool:
        """Read the scopes' keys of pages; tell whether all were found."""
        wanted = {page.scope for page in pages.values()} - {TO_OWNER}
        if len(self._by_id) > _KNOWN:
            # A vault has as many scopes as conversations; memory stays bounded.
            self._by_id.clear()
        missing = wanted - self._by_id.keys()
        found = self.store.scopes_by_id(missing)
        for id_, scope in found.items():
            self._by_id[id_] = self._scope_key(scope)
        return len(found) == len(missing)

    def _open(self, pages: Mapping[PageId, KeyPage]) -> dict[PageId, bytes]:
        return {id_: self._open_page(id_, page) for id_, page in pages.items()}

    def _open_page(self, id_: PageId, page: KeyPage) -> bytes:
        try:
            if page.scope == TO_OWNER:
                return _SUITE.decrypt(page.wrapped, self.owner.exchange, _PAGE_CONTEXT)
            nonce, sealed = page.wrapped[:12], page.wrapped[12:]
            return self._by_id[page.scope].decrypt(nonce, sealed, _PAGE_CONTEXT)
        except (InvalidTag, ValueError, KeyError):
            raise TamperError(f"Page {id_[1]} of keys.db is damaged.") from None

    def destroy(self, slots: Iterable[Slot]) -> int:
        """Overwrite data keys for ever; return how many there still were."""
        wanted: dict[PageId, list[int]] = {}
        for page, slot in slots:
            wanted.setdefault(page, []).append(slot)
        destroyed = 0

        def change(pages: Mapping[PageId, KeyPage]) -> dict[PageId, KeyPage | None]:
            nonlocal destroyed
            changed: dict[PageId, KeyPage | None] = {}
            self._know(pages)
            for id_, secret in self._open(pages).items():
                kept = bytearray(secret)
                for slot in wanted[id_]:
                    place = slice(slot * KEY_SIZE, (slot + 1) * KEY_SIZE)
                    destroyed += kept[place] not in (_DESTROYED, b"")
                    kept[place] = bytes(len(kept[place]))
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
            return KeyPage(scope, _SUITE.encrypt(keys, self.owner_exchange, _PAGE_CONTEXT))
        return self._page(scope, self._by_id[scope], keys)

    # What devices give each other, and what a rotation changes.

    def shared(self, ids: Iterable[PageId]) -> dict[PageId, SharedPage]:
        """Return key pages as another device takes them in."""
        pages = self.store.pages(ids)
        names = self.store.scopes_by_id({page.scope for page in pages.values()} - {TO_OWNER})
        self._know(pages)
        return {
            id_: SharedPage(
                b"" if pages[id_].scope == TO_OWNER else names[pages[id_].scope].name, keys
            )
            for id_, keys in self._open(pages).items()
        }

    def fill_in(self, shared: Mapping[PageId, SharedPage]) -> None:
        """Add another device's keys to key pages, where there is none; zeros add none."""

        def change(pages: Mapping[PageId, KeyPage]) -> dict[PageId, KeyPage]:
            self._know(pages)
            here = self._open(pages)
            return self._sealed_again(
                {
                    id_: page._replace(keys=_joined(here.get(id_, b""), page.keys))
                    for id_, page in shared.items()
                }
            )

        self._until_fresh(shared, lambda: self.store.add(shared, change))

    def _until_fresh(self, shared: Mapping[PageId, SharedPage], store: Callable[[], None]) -> None:
        while shared:
            self._scopes({page.scope for page in shared.values()} - {b""})
            try:
                store()
            except StaleScope:
                self._refresh()
            else:
                return

    def _sealed_again(self, shared: Mapping[PageId, SharedPage]) -> dict[PageId, KeyPage]:
        return {
            id_: self._page(*self._by_name[page.scope], page.keys)
            if page.scope
            else KeyPage(TO_OWNER, _SUITE.encrypt(page.keys, self.owner_exchange, _PAGE_CONTEXT))
            for id_, page in shared.items()
        }

    def rotate_scope(self, id_: int) -> None:
        """Give a scope a new key and wrap its pages under it."""
        [scope] = self.store.scopes_by_id([id_]).values()
        old, new = self._scope_key(scope), secrets.token_bytes(KEY_SIZE)
        key = AESGCM(new)

        def change(pages: Sequence[KeyPage]) -> list[bytes]:
            try:
                return [
                    self._page(
                        page.scope,
                        key,
                        old.decrypt(page.wrapped[:12], page.wrapped[12:], _PAGE_CONTEXT),
                    ).wrapped
                    for page in pages
                ]
            except InvalidTag:
                raise TamperError("A page of keys.db is damaged.") from None

        self.store.replace_scope(id_, wrap(self._scope_wrap, new, scope.name), change)
        self._refresh()
        points.reached("keys.scope-rotated")

    def move_to(self, new: Owner) -> None:
        """Wrap everything in keys.db under another owner key; twice does no harm."""
        wrapping = new.derived("log/scope-key")

        def change(scope: Scope) -> bytes:
            try:
                unwrap(wrapping, scope.wrapped, scope.name)
            except InvalidTag:
                try:
                    secret = unwrap(self._scope_wrap, scope.wrapped, scope.name)
                except InvalidTag:
                    raise TamperError("A scope's key in keys.db is damaged.") from None
                return wrap(wrapping, secret, scope.name)
            return scope.wrapped

        self.store.rewrap_scopes(change)
        self.store.edit(self.store.owners_pages(), lambda pages: self._moved(pages, new))
        self._refresh()

    def _moved(self, pages: Mapping[PageId, KeyPage], new: Owner) -> dict[PageId, KeyPage | None]:
        moved: dict[PageId, KeyPage | None] = {}
        for id_, page in pages.items():
            try:
                _SUITE.decrypt(page.wrapped, new.exchange, _PAGE_CONTEXT)
            except (InvalidTag, ValueError):
                keys = self._open_page(id_, page)
                sealed = _SUITE.encrypt(keys, new.exchange.public_key(), _PAGE_CONTEXT)
                moved[id_] = KeyPage(TO_OWNER, sealed)
        return moved
