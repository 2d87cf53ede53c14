"""Who may reach what lies in the pod: its owner alone, in the words that its server knows.

Web Access Control or Access Control Policy, whichever the server links. It says who may reach
bytes; what the vault itself may do is consent, and stands elsewhere.
"""

import re
from contextlib import suppress
from enum import StrEnum
from typing import Final

from pod_sync.errors import PodError, PodRefused
from pod_sync.session import Session
from vault.errors import UsageError

__all__ = ["Form", "document", "enclose"]

_ACP: Final = "http://www.w3.org/ns/solid/acp#AccessControlResource"
_ADDRESS: Final = re.compile(r"https?://[^\x00-\x20<>\"{}|^`\\]+")
_TURTLE: Final = "text/turtle"
_OWNED: Final = frozenset({"read", "write", "control"})
_PREFIXES: Final = """\
@prefix acl: <http://www.w3.org/ns/auth/acl#>.
@prefix acp: <http://www.w3.org/ns/solid/acp#>.
"""


class Form(StrEnum):
    """The two languages of Solid servers."""

    WAC = "wac"
    ACP = "acp"


def document(form: Form, owner: str) -> bytes:
    """Return what gives a container and all below it to its owner alone.

    Args:
        form: The language.
        owner: Her WebID.

    Raises:
        UsageError: It is none.
    """
    write = _wac if form is Form.WAC else _acp
    return (_PREFIXES + write(_iri(owner))).encode()


def _wac(owner: str) -> str:
    """Return an authorization (Web Access Control §4)."""
    return (
        f"<#0> a acl:Authorization; acl:agent {owner};\n"
        "    acl:accessTo <./>; acl:default <./>; acl:mode acl:Read, acl:Write, acl:Control.\n"
    )


def _acp(owner: str) -> str:
    """Return a policy (Access Control Policy §4)."""
    return (
        "<#access> a acp:AccessControlResource; acp:resource <./>;\n"
        "    acp:accessControl <#0>; acp:memberAccessControl <#0>.\n"
        "<#0> a acp:AccessControl;\n"
        "    acp:apply [ a acp:Policy; acp:allow acl:Read, acl:Write, acl:Control;\n"
        f"    acp:allOf [ a acp:Matcher; acp:agent {owner} ] ].\n"
    )


def _iri(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise UsageError("That is no WebID; give one as https://pod.example/me#i.")
    return f"<{text}>"


def enclose(session: Session, path: str) -> None:
    """Make a container its owner's alone, and see that it is so; it is made if need be.

    To be called before anything is written there, so that nothing ever lies open. The owner
    is asked for first: a document that named somebody else would lock her out.

    Raises:
        PodRefused: The pod is not hers, its server knows no access control, or it does
            otherwise than it was told.
        PodError: No answer, or one that makes no sense.
    """
    session.assert_owner()
    if not session.rights(path):
        session.put(path, b"", _TURTLE)
    place = next((str(url) for rel, url in session.links(path) if rel == "acl"), None)
    if place is None:
        raise PodRefused(
            f"{session.url} does not say who may read what lies there, so the mirror may lie open "
            "to all; take a pod with access control (WAC or ACP)."
        )
    kinds = {str(url) for rel, url in session.links(place) if rel == "type"}
    form = Form.ACP if _ACP in kinds else Form.WAC
    session.put(place, document(form, session.webid), _TURTLE)
    rights = session.rights(path)
    if not rights.get("user", frozenset()) >= _OWNED:
        with suppress(PodError):
            session.delete(place)
        raise PodRefused(
            f"{session.url} takes an access document that names {session.webid} and then does not "
            "let her in; the document was taken back, and its server has to be repaired."
        )
    if rights.get("public"):
        raise PodRefused(
            f"{session.url} leaves {path} open to all in spite of an access document that names "
            "its owner alone; its server has to be repaired before anything is mirrored there."
        )
