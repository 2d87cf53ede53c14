"""Why a pod did not do what it was asked, in one sentence with the way out."""

import socket
import ssl
from collections.abc import Iterator
from typing import Final

import httpx2

from pod_sync.errors import (
    PodChanged,
    PodError,
    PodForeign,
    PodFull,
    PodRefused,
    PodUnreachable,
)
from pod_sync.oidc import origin

__all__ = ["FULL", "HASTY", "lasting", "refusal", "unreachable"]

FULL: Final = frozenset({413, 507})
HASTY: Final = frozenset({401, 403, 408, 425, 429})
"""Answers that may be another one in a moment: a lock that expired gives the owner a 403."""
_DOING: Final = {"GET": "read", "HEAD": "read", "PUT": "write", "POST": "use", "DELETE": "delete"}


def refusal(answer: httpx2.Response) -> PodError:
    """Return the error that an answer other than success is."""
    code, request = answer.status_code, answer.request
    server = origin(request.url)
    what = request.url.path.removesuffix("/").rsplit("/", maxsplit=1)[-1] or server
    if answer.is_redirect:
        return PodForeign(
            f"{what} leads to another address, and nothing of the vault is sent there; check "
            "the pod's address."
        )
    if code in FULL:
        length = request.headers.get("Content-Length", "0")
        return PodFull(
            f"The pod at {server} has no room for {what} ({length} bytes); make room there or "
            "have its quota raised, then try again."
        )
    if code not in _KNOWN and (code in HASTY or answer.is_server_error):
        return PodUnreachable(
            f"{server} cannot answer for {what} at present ({code}); try again later."
        )
    kind, sentence = _KNOWN.get(
        code, (PodRefused, "{server} answers {code} for {what}; check that it is a Solid pod.")
    )
    doing = _DOING[request.method]
    return kind(sentence.format(server=server, what=what, code=code, doing=doing))


_KNOWN: Final[dict[int, tuple[type[PodError], str]]] = {
    401: (
        PodRefused,
        "{server} does not recognise the vault; link the pod again with new credentials.",
    ),
    403: (
        PodRefused,
        "{server} does not let the vault {doing} {what}; check whose credentials it has.",
    ),
    412: (PodChanged, "{what} in the pod was changed meanwhile; read it again, then write."),
}


def unreachable(error: httpx2.TransportError) -> PodUnreachable:
    """Return the error that it is when nothing came back."""
    url = error.request.url
    server = origin(url)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return PodUnreachable(
                f"The certificate of {server} does not prove who it is "
                f"({cause.verify_message.rstrip('.')}); check the address, or have this computer "
                "trust the authority that issued it."
            )
        if isinstance(cause, ssl.SSLError):
            return PodUnreachable(
                f"{server} speaks no encryption that this computer knows; check whether its "
                "address begins with http:// or https://."
            )
        if isinstance(cause, socket.gaierror):
            return PodUnreachable(
                f"No server named {url.host} is known; check the address, and whether this "
                "computer is online."
            )
        if isinstance(cause, ConnectionRefusedError):
            return PodUnreachable(f"Nothing answers at {server}; check that the server runs.")
    if isinstance(error, httpx2.TimeoutException):
        return PodUnreachable(f"{server} does not answer in time; try again later.")
    return PodUnreachable(f"The connection to {server} broke off; try again later.")


def lasting(error: httpx2.TransportError) -> bool:
    """Return whether trying again is in vain: a certificate does not change."""
    return any(isinstance(cause, ssl.SSLError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__
