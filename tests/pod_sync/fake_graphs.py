"""What the fake server does with RDF: access documents (WAC), N3 Patch, SPARQL updates."""

import warnings
from functools import lru_cache

from rdflib import RDF, Graph, Literal, Namespace, URIRef, Variable
from rdflib.graph import QuotedGraph

__all__ = ["Refused", "authorised", "linked_data", "patched", "sparql_updated"]

ACL = Namespace("http://www.w3.org/ns/auth/acl#")
SOLID = Namespace("http://www.w3.org/ns/solid/terms#")
EVERYBODY = URIRef("http://xmlns.com/foaf/0.1/Agent")


class Refused(Exception):
    """The server answers no."""

    def __init__(self, status: int, message: str = "", retry_after: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


def _parsed(body: bytes, url: str, form: str = "turtle") -> Graph:
    try:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            return Graph().parse(data=body, format=form, publicID=url)
    except Exception as error:  # noqa: BLE001 - whatever the parser says, it is the sender's fault
        raise Refused(400, f"Invalid {form}: {type(error).__name__}") from None


@lru_cache(maxsize=256)
def _access(body: bytes, url: str) -> Graph:
    return _parsed(body, url)


@lru_cache(maxsize=4096)
def _modes(body: bytes, url: str, target: str, webid: str, *, inherited: bool) -> frozenset[str]:
    graph = _access(body, url)
    reaches = ACL.default if inherited else ACL.accessTo
    modes = set()
    for rule in graph.subjects(RDF.type, ACL.Authorization):
        agents = {URIRef(webid)} & set(graph.objects(rule, ACL.agent))
        classes = {EVERYBODY, *([ACL.AuthenticatedAgent] if webid else [])}
        if (agents or classes & set(graph.objects(rule, ACL.agentClass))) and (
            rule, reaches, URIRef(target)
        ) in graph:  # fmt: skip
            modes |= {
                str(mode).rpartition("#")[2].lower() for mode in graph.objects(rule, ACL.mode)
            }
    return frozenset(modes | {"append"} if "write" in modes else modes)


def authorised(body: bytes, url: str, target: str, webid: str, *, inherited: bool) -> set[str]:
    """Return the modes that an access document gives to a WebID, or to anybody for ""."""
    return set(_modes(body, url, target, webid, inherited=inherited))


def linked_data(body: bytes, media_type: str, wanted: str, url: str) -> bytes:
    """Return Turtle as JSON-LD; the real server never answers where it does not parse."""
    if media_type != "text/turtle" or "application/ld+json" not in wanted:
        raise Refused(501, f"No conversion path could be made from {media_type} to {wanted}")
    return _parsed(body, url).serialize(format="json-ld").encode()


def sparql_updated(before: bytes, update: bytes, url: str) -> bytes:
    """Return a document after a SPARQL update, written anew."""
    graph = _parsed(before, url)
    graph.update(f"BASE <{url}> {update.decode()}")
    return _written(graph, url)


def patched(before: bytes, patch: bytes, url: str) -> bytes:
    """Return a document after an N3 Patch, written anew (Solid Protocol §5.3.1)."""
    graph, rules = _parsed(before, url), _parsed(patch, url, "n3")
    [rule] = rules.subjects(RDF.type, SOLID.InsertDeletePatch)
    where, deletes, inserts = (
        [*next((one for one in rules.objects(rule, each) if isinstance(one, QuotedGraph)), ())]
        for each in (SOLID.where, SOLID.deletes, SOLID.inserts)
    )
    found = _matched(graph, where)
    for triple in deletes:
        if _filled(triple, found) not in graph:
            raise Refused(409, "The document does not contain all triples the N3 Patch deletes.")
        graph.remove(_filled(triple, found))
    for triple in inserts:
        graph.add(_filled(triple, found))
    return _written(graph, url)


def _matched(graph: Graph, where: list) -> dict:
    if not where:
        return {}
    pattern = " . ".join(" ".join(term.n3() for term in triple) for triple in where)
    rows = list(graph.query(f"SELECT * WHERE {{ {pattern} }}"))
    if len(rows) != 1:
        raise Refused(409, "The document does not match the N3 Patch solid:where condition once.")
    return {Variable(name): value for name, value in rows[0].asdict().items()}


def _filled(triple: tuple, found: dict) -> tuple:
    return tuple(found.get(term, term) for term in triple)


def _written(graph: Graph, url: str) -> bytes:
    """Write as the server does: relative to nothing, comments and layout gone."""
    assert all(not isinstance(term, Literal) for term in graph.subjects())
    return graph.serialize(format="turtle", base=url).encode()
