"""A container's listing: RDF that names its members and what the server knows of them."""

from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote

import rdflib

from pod_sync.rdf import parsed

__all__ = ["Member", "members"]

_CONTAINS: Final = rdflib.URIRef("http://www.w3.org/ns/ldp#contains")
_SIZE: Final = rdflib.URIRef("http://www.w3.org/ns/posix/stat#size")
_MODIFIED: Final = rdflib.URIRef("http://purl.org/dc/terms/modified")


class Member(NamedTuple):
    """One member: `modified` as the server writes it, "" where it does not; `size` in bytes."""

    name: str
    size: int | None
    modified: str
    container: bool


def members(turtle: bytes, url: str) -> tuple[Member, ...]:
    """Return what a listing names, in order; what is no direct member of `url` is left out.

    Raises:
        PodRefused: It is not RDF.
    """
    graph = parsed(turtle, "text/turtle", url)
    return tuple(sorted(_members(graph, url)))


def _members(graph: rdflib.Graph, url: str) -> Iterator[Member]:
    for member in graph.objects(rdflib.URIRef(url), _CONTAINS):
        name = str(member).removeprefix(url)
        container = name.endswith("/")
        name = name.removesuffix("/")
        if not name or name == str(member) or "/" in name:
            continue
        size, modified = (str(graph.value(member, what) or "") for what in (_SIZE, _MODIFIED))
        length = int(size) if size.isdecimal() else None
        yield Member(unquote(name), length, modified, container)
