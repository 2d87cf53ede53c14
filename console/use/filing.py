"""The certificates of erasures that are kept with the vault."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from console.bootstrap import Twin
from console.papers import Certificate, PodErasure
from projections.outside import Handed
from vault.errors import BadSignature, NotFound, TamperError

__all__ = ["Filed", "Held", "certificate", "certificates"]

_NAME = re.compile(r"certificate-([0-9a-f]{32})\.json")
_T = TypeVar("_T")


class _Signed(msgspec.Struct, frozen=True):
    paper: str
    public_key: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A certificate in the list of them; `left` is what was found that should be gone."""

    name: str
    at: datetime
    items: int
    cause: str
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A certificate, and what came of it in the pod afterwards.

    `is_signed` says whether the present key of this device signed it; `content` is the file.
    `written_out` is what the certificate names as such, with its places.
    """

    name: str
    certificate: Certificate
    written_out: tuple[Handed, ...]
    in_pod_at: datetime | None
    is_signed: bool
    content: bytes = field(repr=False)


def certificates(twin: Twin) -> tuple[Held, ...]:
    """Return the certificates of all erasures, the newest first."""
    return tuple(sorted(_held(twin.home / "papers"), key=lambda one: one.at, reverse=True))


def _held(folder: Path) -> Iterator[Held]:
    for path in folder.glob("certificate-*.json"):
        if named := _NAME.fullmatch(path.name):
            said = _read(path.read_bytes(), Certificate)[0]
            left = sum(store.left for store in said.stores)
            yield Held(
                name=named[1], at=said.at, items=len(said.items), cause=said.cause, left=left
            )


def certificate(twin: Twin, name: str) -> Filed:
    """Return the certificate of one erasure.

    Raises:
        NotFound: There is none of that name.
        TamperError: It was changed, or is cut short.
    """
    folder = twin.home / "papers"
    path = folder / f"certificate-{name}.json"
    if not _NAME.fullmatch(path.name) or not path.is_file():
        raise NotFound("There is no such certificate; the list of them is on the page Forget.")
    content = path.read_bytes()
    said, signed = _read(content, Certificate)
    later = folder / f"certificate-{name}-pod.json"
    in_pod = _read(later.read_bytes(), PodErasure)[0].at if later.is_file() else None
    if said.in_pod and said.in_pod.erased:
        in_pod = said.at
    return Filed(
        name=name,
        certificate=said,
        written_out=twin.views.outside.told(said.written_out),
        in_pod_at=in_pod,
        is_signed=_is_signed(twin, signed),
        content=content,
    )


def _read(content: bytes, kind: type[_T]) -> tuple[_T, _Signed]:
    try:
        signed = msgspec.json.decode(content, type=_Signed)
        return msgspec.json.decode(signed.paper, type=kind), signed
    except msgspec.MsgspecError:
        raise TamperError(
            "A certificate in the folder papers is damaged; take the file out of there."
        ) from None


def _is_signed(twin: Twin, signed: _Signed) -> bool:
    try:
        twin.log.check(signed.paper.encode(), base64.b64decode(signed.signature, validate=True))
    except (BadSignature, binascii.Error):
        return False
    return True
