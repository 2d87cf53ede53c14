"""RDF that a pod serves, read without ever asking anybody else.

Turtle is what every Solid server speaks; JSON-LD is read where it carries its own context.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
import rdflib
from rdflib.plugins.parsers.jsonld import to_rdf

from pod_sync.errors import PodRefused

__all__ = ["FORMATS", "READABLE", "parsed"]

READABLE: Final = "text/turtle, application/ld+json;q=0.5"
"""What to ask for."""


def parsed(body: bytes, media_type: str, url: str) -> rdflib.Graph:
    """Return the graph that a document says; `url` is its address.

    Raises:
        PodRefused: It is no RDF, or its context lies elsewhere.
    """
    read = FORMATS.get(media_type)
    if read is None:
        raise PodRefused(
            f"{url} is no Turtle ({media_type or 'no media type'}); check the address."
        )
    try:
        graph = read(body, url)
    except Exception:  # noqa: BLE001 - the parsers raise whatever they stumble on
        raise PodRefused(f"{url} is RDF that cannot be read; have it corrected there.") from None
    if graph is None:
        raise PodRefused(f"{url} is JSON-LD whose context lies elsewhere; serve it as Turtle.")
    return graph


def _turtle(body: bytes, url: str) -> rdflib.Graph:
    return rdflib.Graph().parse(data=body, format="turtle", publicID=url)


def _json_ld(body: bytes, url: str) -> rdflib.Graph | None:
    document = msgspec.json.decode(body)
    if any(_remote(document)):
        return None
    graph = rdflib.Graph(store="SimpleMemory")
    to_rdf(document, graph, url)
    return graph


def _remote(value: object) -> Iterator[bool]:
    """Yield whether a context is an address: the parser would fetch it, whosever it is."""
    if isinstance(value, dict):
        yield "@import" in value
        context = value.get("@context")
        for one in context if isinstance(context, list) else [context]:
            yield isinstance(one, str)
        for inner in value.values():
            yield from _remote(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _remote(inner)


FORMATS: Final = {"text/turtle": _turtle, "application/ld+json": _json_ld}
"""What is read, by media type."""
