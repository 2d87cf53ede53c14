"""What a device keeps of the owner's pod, sealed: the way in, and what it has seen there.

It lies in a folder of the vault, under a key that is replaced with the owner key, so that a
copy of the vault's folder works. No backup holds it: the recovery page does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Self

import msgspec

from vault.derived import Derived
from vault.errors import NotFound

if TYPE_CHECKING:
    from pod_sync.session import Access

__all__ = ["NOT_LINKED", "LastSync", "PodKeeping", "Way"]

_WAY = "way"
_MEMORY = "memory"
_OWED = "owed"
_LAST = "last"
_COUNTED = "counted"
NOT_LINKED = "No pod is linked; `twin pod link` links one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way into a pod: its root, who the owner is there, and credentials."""

    url: str
    webid: str
    issuer: str
    client_id: str
    secret: str = field(repr=False)

    @classmethod
    def of(cls, access: "Access") -> Self:
        """Return what is kept of an access."""
        return cls(
            url=access.url,
            webid=access.webid,
            issuer=access.issuer,
            client_id=access.client_id,
            secret=access.secret,
        )

    @property
    def access(self) -> "Access":
        """What a session is opened with."""
        from pod_sync.session import Access  # noqa: PLC0415 — heavy

        return Access(
            url=self.url,
            webid=self.webid,
            issuer=self.issuer,
            client_id=self.client_id,
            secret=self.secret,
        )

    def encode(self) -> bytes:
        """Return the bytes that are sealed, here and on the recovery page."""
        fields = (self.url, self.webid, self.issuer, self.client_id, self.secret)
        return msgspec.json.encode(fields)

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read them; what was sealed was written by `encode`."""
        url, webid, issuer, client_id, secret = _fields.decode(content)
        return cls(url=url, webid=webid, issuer=issuer, client_id=client_id, secret=secret)


_fields = msgspec.json.Decoder(tuple[str, str, str, str, str])
_names = msgspec.json.Decoder(tuple[str, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSync:
    """The last sync that brought something: `checkpoint` was then the root of the log.

    `withheld` bodies stayed at home. The last three count HTTP requests and bytes of bodies.
    """

    at: datetime
    events: int
    checkpoint: str
    withheld: int
    requests: int
    sent: int
    received: int


_last = msgspec.json.Decoder(LastSync)


class PodKeeping:
    """The sealed files of one device; it is also the memory of the mirror's place."""

    def __init__(self, stores: Derived) -> None:
        self._stores = stores

    @property
    def way(self) -> Way | None:
        """The way into the pod, None where none is linked."""
        content = self._stores.read(_WAY)
        return None if content is None else Way.decode(content)

    @property
    def linked(self) -> Way:
        """The way into the pod.

        Raises:
            NotFound: None is linked.
        """
        way = self.way
        if way is None:
            raise NotFound(NOT_LINKED)
        return way

    def link(self, way: Way) -> None:
        """Keep another way in; what was seen there is forgotten, since the owner looks anew.

        What is owed to the same pod stays owed.
        """
        before = self.way
        same = before is not None and before.url == way.url
        for name in self._stores.names():
            if not (same and name == _OWED):
                self._stores.delete(name)
        self._stores.write(_WAY, way.encode())

    def read(self) -> bytes:
        """Return what is remembered of the pod."""
        return self._stores.read(_MEMORY) or b""

    def write(self, content: bytes) -> None:
        """Remember this of the pod."""
        self._stores.write(_MEMORY, content)

    @property
    def last(self) -> LastSync | None:
        """The last sync that brought something, None before the first."""
        content = self._stores.read(_LAST)
        return None if content is None else _last.decode(content)

    def note(self, last: LastSync) -> None:
        """Remember how the last sync went."""
        self._stores.write(_LAST, msgspec.json.encode(last))

    @property
    def counted(self) -> bytes:
        """What was counted for the catalogue, nothing at first."""
        return self._stores.read(_COUNTED) or b""

    def count(self, content: bytes) -> None:
        """Remember what was counted for the catalogue."""
        self._stores.write(_COUNTED, content)

    @property
    def owed(self) -> tuple[str, ...]:
        """The certificates of erasures that the pod has not carried out."""
        return _names.decode(self._stores.read(_OWED) or b"[]")

    def owe(self, certificate: str) -> None:
        """Note that an erasure is still to be carried out in the pod."""
        self._owe(dict.fromkeys((*self.owed, certificate)))

    def paid(self, certificates: Iterable[str]) -> None:
        """Note that these erasures were carried out; others may be owed since."""
        paid = set(certificates)
        if paid:
            self._owe(one for one in self.owed if one not in paid)

    def _owe(self, certificates: Iterable[str]) -> None:
        self._stores.write(_OWED, msgspec.json.encode(tuple(certificates)))
