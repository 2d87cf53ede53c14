"""Turtle from anybody into triples, within bounds, and triples into bytes that are compared.

rdflib's parser reads; what it builds is ours, because its own terms log what they cannot
convert, fetch modules for markup, and have no bounds. Graphs are compared as RDFC-1.0 (W3C
Recommendation RDF Dataset Canonicalization) writes them, within bounds too: some small graphs
take for ever.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from hashlib import sha256
from itertools import permutations
from typing import Any, Final, NamedTuple, cast

from rdflib.plugins.parsers.notation3 import RDFSink, SinkParser, sfloat

from pod_sync.vocabulary import RDF, XSD

__all__ = [
    "MOST",
    "Blank",
    "Foul",
    "Graph",
    "Node",
    "Term",
    "Text",
    "canonical",
    "iri",
    "parse",
    "quoted",
]

MOST: Final = 1 << 20
"""So many bytes a document may have."""

_TRIPLES: Final = 32_768
_BLANKS: Final = 256
_LONGEST_IRI: Final = 2_048
_LONGEST_TEXT: Final = 192 << 10
_NUMBERS: Final = ((bool, "boolean"), (int, "integer"), (Decimal, "decimal"), (sfloat, "double"))
_WORK: Final = 1 << 17
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\\ud800-\udfff]*")
_NO_IRI: Final = re.compile(r"[\x00-\x20<>\"{}|^`\\]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"} | {
    "\b": "\\b",
    "\f": "\\f",
}
_ESCAPED: Final = re.compile(r'["\\\x00-\x1f\x7f]')


class Blank(NamedTuple):
    """A node without a name."""

    number: int


class Text(NamedTuple):
    """A literal, in the very form in which it was written."""

    value: str
    datatype: str = f"{XSD}string"
    language: str = ""


Node = str | Blank
"""What a triple may be about: an IRI or a node without one."""
Term = str | Blank | Text
Triple = tuple[Node, str, Term]


class Foul(Exception):
    """The document is not one; the words say why and repeat nothing of it."""


class Graph:
    """A set of triples, found by subject or by predicate."""

    def __init__(self) -> None:
        self.triples: set[Triple] = set()
        self._about: dict[Node, list[tuple[str, Term]]] = {}
        self._objects: dict[tuple[Term, str], list[Term]] = {}

    def add(self, triple: Triple) -> None:
        """Add a triple that may be there already."""
        if triple not in self.triples:
            subject, predicate, found = triple
            self.triples.add(triple)
            self._about.setdefault(subject, []).append((predicate, found))
            self._objects.setdefault((subject, predicate), []).append(found)

    def about(self, subject: Node) -> Sequence[tuple[str, Term]]:
        """Return predicates and objects of a subject."""
        return self._about.get(subject, ())

    def objects(self, subject: Term, predicate: str) -> Sequence[Term]:
        """Return what a subject has under a predicate."""
        return self._objects.get((subject, predicate), ())

    def subjects(self, predicate: str, wanted: Iterable[Term]) -> set[Node]:
        """Return what has one of the objects wanted under a predicate."""
        among = set(wanted)
        return {s for s, p, o in self.triples if p == predicate and o in among}

    def having(self, predicate: str) -> set[Node]:
        """Return what has anything under a predicate."""
        return {s for s, p, _ in self.triples if p == predicate}

    def reached(self, predicate: str) -> set[Term]:
        """Return everything that something has under a predicate."""
        return {o for _, p, o in self.triples if p == predicate}


def parse(content: bytes, base: str, *, most: int = MOST) -> Graph:
    """Read Turtle.

    Args:
        content: UTF-8.
        base: The absolute IRI of the document.
        most: So many bytes it may have, and for each `MOST` of them 32,768 triples.

    Raises:
        Foul: It is larger than a bound, or no Turtle.
    """
    if len(content) > most:
        raise Foul(f"The document is larger than {most >> 20} MiB.")
    sink = _Sink(most // MOST * _TRIPLES)
    try:
        SinkParser(cast("RDFSink", sink), baseURI=base, turtle=True).loadBuf(content)
    except Foul:
        raise
    except Exception as error:
        # The parser was not made for foes: besides its own errors it raises whatever Python does.
        raise Foul("The document is not Turtle.") from error
    return sink.graph


class _Sink:
    """What the parser calls, by the names of `RDFSink`."""

    def __init__(self, triples: int) -> None:
        self.graph = Graph()
        self._triples = triples
        self._blanks = self._said = 0

    def newSymbol(self, iri: str) -> str:  # noqa: N802
        if len(iri) > _LONGEST_IRI or not _IRI.fullmatch(iri):
            raise Foul("An IRI of the document is too long, or none.")
        return str(iri)

    def newBlankNode(self, *_: object, **__: object) -> Blank:  # noqa: N802
        self._blanks += 1
        if self._blanks > _BLANKS:
            raise Foul(f"The document has more than {_BLANKS} nodes without names.")
        return Blank(self._blanks)

    def newLiteral(self, value: str, datatype: str | None, language: str | None) -> Text:  # noqa: N802
        if language:
            return Text(value, f"{RDF}langString", language.lower())
        return Text(value, str(datatype or f"{XSD}string"))

    def newList(self, items: list[Any], _: object) -> Node:  # noqa: N802
        head: Node = f"{RDF}nil"
        for item in reversed(items):
            cell = self.newBlankNode()
            self.makeStatement((None, f"{RDF}first", cell, item))
            self.makeStatement((None, f"{RDF}rest", cell, head))
            head = cell
        return head

    def makeStatement(self, quad: tuple[object, Any, Any, Any], why: object = None) -> None:  # noqa: ARG002, N802
        predicate, subject, found = map(_term, quad[1:])
        if isinstance(subject, Text) or not isinstance(predicate, str):
            raise Foul("A text stands where the document must name something.")
        if isinstance(found, Text) and not _is_bounded(found):
            raise Foul("A text of the document is too long, or none.")
        self.graph.add((subject, predicate, found))
        self._said += 1
        if self._said > self._triples:
            raise Foul(f"The document says more than {self._triples} things.")

    def intern(self, term: object) -> object:
        return term

    def setDefaultNamespace(self, *_: object) -> None:  # noqa: N802
        pass

    bind = startDoc = endDoc = setDefaultNamespace  # noqa: N815


def _is_bounded(text: Text) -> bool:
    return max(map(len, text)) <= _LONGEST_TEXT and not _SURROGATE.search(text.value)


def _term(found: object) -> Term:
    """Return the term of what the parser leaves as a Python value."""
    match found:
        case Text() | Blank():
            return found
        case str() if not isinstance(found, sfloat):
            return str(found)
        case (0, str(iri)):
            return iri
    for kind, name in _NUMBERS:
        if isinstance(found, kind):
            return Text(str(found).lower() if kind is bool else str(found), f"{XSD}{name}")
    raise Foul("The document is not Turtle.")


# Writing.


def quoted(text: str) -> str:
    """Return a text as N-Quads and Turtle write it between quotation marks."""
    return '"' + _ESCAPED.sub(lambda m: _ESCAPES.get(m[0]) or f"\\u{ord(m[0]):04X}", text) + '"'


def iri(text: str) -> str:
    """Return an IRI as Turtle writes it; what no IRI may hold is written in percents."""
    return "<" + _NO_IRI.sub(lambda m: f"%{ord(m[0]):02X}", text) + ">"


def _written(term: Term, names: Callable[[Blank], str]) -> str:
    match term:
        case Blank():
            return names(term)
        case Text(value=value, datatype=datatype, language=language):
            if language:
                return f"{quoted(value)}@{language}"
            return quoted(value) + ("" if datatype == f"{XSD}string" else f"^^<{datatype}>")
        case iri:
            return f"<{iri}>"


def _lines(triples: Iterable[Triple], names: Callable[[Blank], str]) -> list[str]:
    return sorted(f"{_written(s, names)} <{p}> {_written(o, names)} .\n" for s, p, o in triples)


# Comparing.


class _Issuer:
    """Gives nodes without names names, in the order in which it is asked (RDFC-1.0, section 4.5)."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.issued: dict[Blank, str] = {}

    def __call__(self, blank: Blank) -> str:
        return self.issued.setdefault(blank, f"_:{self._prefix}{len(self.issued)}")

    def copy(self) -> "_Issuer":
        other = _Issuer(self._prefix)
        other.issued = dict(self.issued)
        return other


def canonical(graph: Graph) -> bytes:
    """Write a graph as RDFC-1.0 does: the same bytes however its nodes were called and ordered.

    Raises:
        Foul: The nodes without names are alike in so many ways that it would take too long.
    """
    return _Canonicaliser(graph).written()


class _Canonicaliser:
    def __init__(self, graph: Graph) -> None:
        self._triples = graph.triples
        self._with: dict[Blank, list[Triple]] = {}
        for triple in graph.triples:
            for blank in {node for node in (triple[0], triple[2]) if isinstance(node, Blank)}:
                self._with.setdefault(blank, []).append(triple)
        self._issuer = _Issuer("c14n")
        self._work = 0
        self._first = {blank: self._first_degree(blank) for blank in self._with}

    def written(self) -> bytes:
        alike: dict[str, list[Blank]] = {}
        for blank, hashed in self._first.items():
            alike.setdefault(hashed, []).append(blank)
        for _, blanks in sorted(alike.items()):
            if len(blanks) == 1:
                self._issuer(blanks[0])
        for _, blanks in sorted(alike.items()):
            for _, issuer in sorted(self._told_apart(blanks), key=lambda found: found[0]):
                for blank in issuer.issued:
                    self._issuer(blank)
        return "".join(_lines(self._triples, self._issuer)).encode()

    def _told_apart(self, blanks: list[Blank]) -> Iterator[tuple[str, _Issuer]]:
        for blank in blanks:
            if blank not in self._issuer.issued:
                issuer = _Issuer("b")
                issuer(blank)
                yield self._n_degree(blank, issuer)

    def _first_degree(self, blank: Blank) -> str:
        return _hash(
            "".join(_lines(self._with[blank], lambda other: "_:a" if other == blank else "_:z"))
        )

    def _related(self, related: Blank, predicate: str, issuer: _Issuer, position: str) -> str:
        name = self._issuer.issued.get(related) or issuer.issued.get(related)
        return _hash(f"{position}<{predicate}>{name or self._first[related]}")

    def _spend(self, work: int) -> None:
        self._work += work
        if self._work > _WORK:
            raise Foul("The nodes without names cannot be told apart in a bounded time.")

    def _n_degree(self, blank: Blank, issuer: _Issuer) -> tuple[str, _Issuer]:
        self._spend(len(self._with[blank]))
        alike: dict[str, list[Blank]] = {}
        for s, p, o in self._with[blank]:
            for other, position in ((s, "s"), (o, "o")):
                if isinstance(other, Blank) and other != blank:
                    alike.setdefault(self._related(other, p, issuer, position), []).append(other)
        hashed = ""
        for key, others in sorted(alike.items()):
            path, issuer = self._shortest(others, issuer)
            hashed += key + path
        return _hash(hashed), issuer

    def _shortest(self, others: list[Blank], issuer: _Issuer) -> tuple[str, _Issuer]:
        chosen: tuple[str, _Issuer] | None = None
        for order in permutations(others):
            found = self._path(order, issuer.copy(), chosen[0] if chosen else "")
            if found is not None and (chosen is None or found[0] < chosen[0]):
                chosen = found
        assert chosen is not None
        return chosen

    def _path(
        self, order: tuple[Blank, ...], issuer: _Issuer, best: str
    ) -> tuple[str, _Issuer] | None:
        self._spend(len(order) + len(issuer.issued))
        path, deeper = "", []
        for blank in order:
            if name := self._issuer.issued.get(blank):
                path += name
            else:
                if blank not in issuer.issued:
                    deeper.append(blank)
                path += issuer(blank)
            if _worse(path, best):
                return None
        for blank in deeper:
            hashed, after = self._n_degree(blank, issuer)
            path += f"{issuer(blank)}<{hashed}>"
            issuer = after
            if _worse(path, best):
                return None
        return path, issuer


def _worse(path: str, best: str) -> bool:
    return bool(best) and len(path) >= len(best) and path > best


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
